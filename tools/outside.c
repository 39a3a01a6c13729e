/*
 * Up from a directory to the top, by descriptors: whatever leads to it, the root is met on the way.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "outside.h"

#define DEEPEST 4096 /* directories above each other */

static int fail(struct dd_error *err, const char *verb, const char *path)
{
	return dd_fail(err, dd_code_of_errno(errno), errno, "%s %s", verb, path);
}

int outside_open(const char *path, struct dd_error *err)
{
	AUTOFREE char *copy = strdup(path);
	int fd;

	if (!copy)
		return dd_fail(err, DD_ENOMEM, 0, "write %s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? fail(err, "write", path) : fd;
}

static int refuse(const char *path, struct dd_error *err)
{
	dd_fail(err, DD_EUSAGE, 0, "%s lies below the volume's root", path);
	dd_hint(err, "nothing of ours is put among what the registry keeps: name a file elsewhere");
	return DD_EUSAGE;
}

/* To the directory above; errno as it was left where there is no way. */
static void go_up(int *at)
{
	int up = openat(*at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC), sys = errno;

	close(*at);
	*at = up;
	errno = sys;
}

int outside_check(struct dd_store *store, int directory, const char *path, struct dd_error *err)
{
	int at = fcntl(directory, F_DUPFD_CLOEXEC, 3), rc;
	struct stat st, below = { 0 };
	uint64_t root[2];

	rc = dd_store_identify(store, root, err);
	for (int i = 0; rc == 0; i++) {
		if (at < 0 || fstat(at, &st) < 0)
			rc = fail(err, "look above", path);
		else if (st.st_dev == root[0] && st.st_ino == root[1])
			rc = refuse(path, err);
		else if (i && st.st_dev == below.st_dev && st.st_ino == below.st_ino)
			break; /* the top is above itself */
		else if (i == DEEPEST)
			rc = dd_fail(err, DD_EREFUSED, 0, "%s lies too deep", path);
		else
			go_up(&at);
		below = st;
	}
	if (at >= 0)
		close(at);
	return rc;
}
