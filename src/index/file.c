/*
 * The small files beside the index, and opening any of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "index/place.h"

#define TAG_NAME "CACHEDIR.TAG"
#define TEMPORARY "new" /* only who writes has one, or who makes a cache directory */

static const char tag[] = "Signature: 8a477f597d28d172789f06886806bc55\n"
			  "# This directory holds a cache that drydock(1) can make anew.\n"
			  "# What the tag means is explained in https://bford.info/cachedir/\n";

static int write_whole(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t put = write(fd, text, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		text += put;
		len -= (size_t)put;
	}
	return fdatasync(fd);
}

int dd_index_put_file(int directory, const char *name, const char *text, struct dd_error *err)
{
	DD_AUTOCLOSE int fd = -1;
	struct stat st;

	if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	unlinkat(directory, TEMPORARY, 0);
	fd = openat(directory, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd < 0 || write_whole(fd, text, strlen(text)) < 0 ||
	    renameat(directory, TEMPORARY, directory, name) < 0) {
		int sys = errno;

		unlinkat(directory, TEMPORARY, 0);
		return dd_fail(err, dd_code_of_errno(sys), sys, "write the index's %s", name);
	}
	return 0;
}

int dd_index_tag(int directory, struct dd_error *err)
{
	return dd_index_put_file(directory, TAG_NAME, tag, err);
}

int dd_index_open_file(const struct dd_index_place *place, const char *name, int flags,
		       struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text path = { 0 };
	DD_AUTOCLOSE int fd = -1;
	struct stat st;
	int rc;

	if (dd_text_printf(&path, "%s/%s", place->path, name) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "open the index");
	fd = openat(place->fd, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	if (fd < 0 && errno == ELOOP)
		rc = dd_fail(err, DD_ESYMLINK, 0, "%s is a symbolic link", path.bytes);
	else if (fd < 0 || fstat(fd, &st) < 0)
		rc = dd_fail(err, dd_code_of_errno(errno), errno, "open %s", path.bytes);
	else if (!S_ISREG(st.st_mode))
		rc = dd_fail(err, DD_EIRREGULAR, 0, "%s is not a regular file", path.bytes);
	else
		rc = dd_index_check_owner(&st, path.bytes, false, err);
	if (rc < 0) {
		dd_hint(err, "see who put it there, and remove %s", place->path);
		return rc;
	}
	rc = fd;
	fd = -1;
	return rc;
}
