/*
 * The control socket: a name beside our other files, at which whoever serves the volume can be called.
 * An address holds 107 bytes, and a root may be deeper: so it is named by way of a descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "store/beneath.h"
#include "store/file.h"

static const char path[] = DD_STATE_BASE "/control";

#define CALLERS 16 /* that wait to be answered */

static struct sockaddr_un address_of(int fd, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d%s%s", fd,
		 name ? "/" : "", name ? name : "");
	return address;
}

/* What a daemon before us left. Nothing but a socket is taken away. */
static int remove_former(struct dd_store *store, int state, struct dd_error *err)
{
	struct stat st;

	if (fstatat(state, "control", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : dd_file_fail(store, err, errno, "look at", path);
	if (!S_ISSOCK(st.st_mode))
		return dd_fail(err, DD_EIRREGULAR, 0, "%s/%s is not a socket", store->root, path);
	if (unlinkat(state, "control", 0) < 0 && errno != ENOENT)
		return dd_file_fail(store, err, errno, "remove", path);
	return 0;
}

int dd_store_listen(struct dd_store *store, struct dd_error *err)
{
	DD_AUTOCLOSE int state = -1, fd = -1;
	struct sockaddr_un address;
	int rc;

	state = dd_beneath_open(store->fd, DD_STATE_BASE, O_PATH | O_DIRECTORY, 0);
	if (state < 0)
		return dd_file_fail(store, err, -state, "open", DD_STATE_BASE);
	rc = remove_former(store, state, err);
	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	address = address_of(state, "control");
	/* The mode of the name that bind() makes is the socket's. */
	if (fd < 0 || fchmod(fd, 0600) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, CALLERS) < 0)
		return dd_file_fail(store, err, errno, "listen at", path);
	rc = fd;
	fd = -1;
	return rc;
}

void dd_store_stop_listening(struct dd_store *store)
{
	DD_AUTOCLOSE int state = -1;

	state = dd_beneath_open(store->fd, DD_STATE_BASE, O_PATH | O_DIRECTORY, 0);
	if (state >= 0)
		remove_former(store, state, NULL);
}

int dd_store_call(struct dd_store *store, struct dd_error *err)
{
	DD_AUTOCLOSE int name = -1, fd = -1;
	struct sockaddr_un address;
	struct stat st;
	int rc;

	name = dd_beneath_open(store->fd, path, O_PATH | O_NOFOLLOW, 0);
	if (name < 0)
		return dd_file_fail(store, err, -name, "open", path);
	if (fstat(name, &st) < 0)
		return dd_file_fail(store, err, errno, "look at", path);
	if (!S_ISSOCK(st.st_mode))
		return dd_fail(err, DD_EIRREGULAR, 0, "%s/%s is not a socket", store->root, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	address = address_of(name, NULL);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return dd_file_fail(store, err, errno, "call", path);
	rc = fd;
	fd = -1;
	return rc;
}
