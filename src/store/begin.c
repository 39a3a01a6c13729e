/*
 * A volume's beginning: a directory becomes one, and whether we may write in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/beneath.h"
#include "store/file.h"

/* Whether nothing is in it but what a file system puts there, and our own state. */
static int look_at_entry(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	bool *empty = arg;

	(void)err;
	*empty = !strcmp(entry->name, "lost+found") || !strcmp(entry->name, DD_STATE_BASE) ||
		 !strcmp(entry->name, "docker");
	return *empty ? 0 : 1;
}

static int make_path(int root, const char *path)
{
	char part[sizeof(DD_VOLUME_BASE)];

	for (const char *at = path; at; at = strchr(at + 1, '/')) {
		const char *end = strchr(at + 1, '/');
		size_t len = end ? (size_t)(end - path) : strlen(path);

		memcpy(part, path, len);
		part[len] = '\0';
		if (mkdirat(root, part, 0777) != 0 && errno != EEXIST)
			return errno;
	}
	return 0;
}

int dd_store_begin(const char *path, struct dd_error *err)
{
	DD_CLEANUP(dd_store_closep) struct dd_store *store = NULL;
	bool empty = true;
	int rc = dd_store_open_bare(path, &store, err), fd, sys;

	if (rc < 0)
		return rc;
	fd = dd_beneath_open(store->fd, "", O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return dd_file_fail(store, err, -fd, "open", "");
	rc = dd_file_list(store, fd, "", look_at_entry, &empty, err);
	close(fd);
	if (rc < 0)
		return rc;
	if (!empty) {
		dd_fail(err, DD_ECONFIG, 0,
			"%s is not a registry's volume, and not empty: it is not made one", path);
		dd_hint(err, "name an empty directory, or the one that a registry writes to");
		return DD_ECONFIG;
	}
	sys = make_path(store->fd, DD_VOLUME_BASE);
	return sys ? dd_file_fail(store, err, sys, "make", DD_VOLUME_BASE) : 0;
}

/* The first directory of those that we write in, of which there are some, that we may not write to. */
int dd_store_check_writable(struct dd_store *store, struct dd_error *err)
{
	static const char *const directories[] = {
		DD_VOLUME_BASE,
		DD_VOLUME_BASE "/blobs",
		DD_VOLUME_BASE "/blobs/sha256",
		DD_VOLUME_BASE "/repositories",
		DD_STATE_BASE,
	};

	for (size_t i = 0; i < DD_COUNT(directories); i++) {
		DD_AUTOCLOSE int fd =
			dd_beneath_open(store->fd, directories[i], O_PATH | O_DIRECTORY, 0);
		char self[32];

		if (fd == -ENOENT)
			continue;
		if (fd < 0)
			return dd_file_fail(store, err, -fd, "open", directories[i]);
		snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
		if (faccessat(AT_FDCWD, self, W_OK | X_OK, AT_EACCESS) == 0)
			continue;
		dd_file_fail(store, err, errno, "write to", directories[i]);
		if (err)
			err->hint[0] = '\0';
		dd_hint(err, "chown -R %u:%u %s", (unsigned)geteuid(), (unsigned)getegid(),
			store->root);
		return err ? err->code : DD_EACCES;
	}
	return 0;
}
