/*
 * Files of our own: those that only grow, and the one that takes up space.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "store/beneath.h"
#include "store/file.h"

int dd_file_open_own(struct dd_store *store, const char *path, int flags, struct stat *st,
		     bool *is_new, struct dd_error *err)
{
	DD_AUTOCLOSE int parent = -1, fd = -1;
	struct stat around;
	const char *name;
	int rc = 0;

	parent = dd_beneath_open_parent(store->fd, path, &name);
	if (parent < 0)
		return dd_file_fail(store, err, -parent, "open above", path);
	fd = dd_beneath_open(parent, name, flags | O_NONBLOCK | O_NOCTTY, 0);
	*is_new = fd == -ENOENT;
	if (*is_new)
		fd = dd_beneath_open(parent, name, flags | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return dd_file_fail(store, err, -fd, "open", path);
	if (fstat(fd, st) < 0 || fstat(parent, &around) < 0)
		return dd_file_fail(store, err, errno, "look at", path);
	if (!S_ISREG(st->st_mode))
		return dd_fail(err, DD_EIRREGULAR, 0, "%s/%s is not a regular file", store->root,
			       path);
	if (*is_new)
		rc = dd_file_dress(store, fd, &around, path, err);
	if (rc == 0) {
		rc = fd;
		fd = -1;
	}
	return rc;
}

struct dd_appender {
	struct dd_store *store;
	char *path;
	int fd;
	uint64_t size;
	bool is_new;
	bool torn; /* the last byte is no newline */
};

/* A crash may have torn the last line. */
static int look_at_end(struct dd_appender *appender, struct dd_error *err)
{
	char last = '\n';
	ssize_t got = 0;

	if (appender->size)
		do
			got = pread(appender->fd, &last, 1, (off_t)appender->size - 1);
		while (got < 0 && errno == EINTR);
	if (got < 0)
		return dd_file_fail(appender->store, err, errno, "read", appender->path);
	appender->torn = last != '\n';
	return 0;
}

int dd_store_open_appender(struct dd_store *store, const struct dd_place *place,
			   struct dd_appender **out, struct dd_error *err)
{
	DD_CLEANUP(dd_appender_closep) struct dd_appender *appender = calloc(1, sizeof(*appender));
	struct stat st;
	int rc;

	*out = NULL;
	if (!appender)
		return dd_fail(err, DD_ENOMEM, 0, "open a file that grows");
	appender->store = store;
	appender->fd = -1;
	rc = dd_layout_path(place, &appender->path, err);
	if (rc < 0)
		return rc;
	appender->fd = dd_file_open_own(store, appender->path, O_RDWR | O_APPEND, &st,
					&appender->is_new, err);
	if (appender->fd < 0)
		return appender->fd;
	appender->size = (uint64_t)st.st_size;
	rc = look_at_end(appender, err);
	if (rc < 0)
		return rc;
	*out = appender;
	appender = NULL;
	return 0;
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t put = write(fd, bytes, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		bytes += put;
		len -= (size_t)put;
	}
	return 0;
}

int dd_appender_add(struct dd_appender *appender, const void *bytes, size_t len,
		    struct dd_error *err)
{
	int sys = appender->torn ? write_all(appender->fd, "\n", 1) : 0;

	if (!sys)
		sys = write_all(appender->fd, bytes, len);
	if (sys) {
		dd_file_fail(appender->store, err, -sys, "write", appender->path);
		/* If that fails too, a torn line is left, and readers pass over those. */
		if (ftruncate(appender->fd, (off_t)appender->size) < 0)
			appender->torn = true;
		return dd_code_of_errno(-sys);
	}
	appender->size += appender->torn + len;
	appender->torn = false;
	return 0;
}

static int set_aside(int fd, uint64_t from, uint64_t bytes)
{
	int rc;

	do
		rc = fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)bytes);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

int dd_appender_reserve(struct dd_appender *appender, uint64_t bytes, struct dd_error *err)
{
	int sys = set_aside(appender->fd, appender->size, bytes);

	if (sys && sys != -EOPNOTSUPP)
		return dd_file_fail(appender->store, err, -sys, "set space aside for",
				    appender->path);
	return 0;
}

int dd_appender_sync(struct dd_appender *appender, struct dd_error *err)
{
	int rc;

	do
		rc = fsync(appender->fd);
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return dd_file_fail(appender->store, err, errno, "sync", appender->path);
	if (appender->is_new) {
		DD_AUTOFREE char *above = strdup(appender->path);

		if (!above)
			return dd_fail(err, DD_ENOMEM, 0, "sync %s", appender->path);
		*strrchr(above, '/') = '\0';
		if (dd_file_mark_dirty(appender->store, above, false, err) < 0)
			return DD_ENOMEM;
		appender->is_new = false;
		return dd_store_sync(appender->store, err);
	}
	return 0;
}

void dd_appender_closep(struct dd_appender **appender)
{
	if (*appender) {
		if ((*appender)->fd >= 0)
			close((*appender)->fd);
		free((*appender)->path);
		free(*appender);
		*appender = NULL;
	}
}

/* Where space cannot be had by asking: bytes that no file system can press together. */
static int fill_up(int fd, uint64_t bytes)
{
	char block[16 << 10];
	int sys = 0;

	for (uint64_t put = 0; put < bytes && !sys; put += sizeof(block)) {
		for (size_t at = 0; at < sizeof(block); at += 256)
			if (getrandom(block + at, 256, 0) != 256)
				return -EIO;
		sys = write_all(fd, block, sizeof(block));
	}
	return sys;
}

int dd_store_set_aside(struct dd_store *store, const struct dd_place *place, uint64_t bytes,
		       struct dd_error *err)
{
	DD_AUTOFREE char *path = NULL;
	DD_AUTOCLOSE int fd = -1;
	struct stat st;
	bool is_new;
	int rc = dd_layout_path(place, &path, err), sys;

	if (rc < 0)
		return rc;
	fd = dd_file_open_own(store, path, O_WRONLY, &st, &is_new, err);
	if (fd < 0)
		return fd;
	if ((uint64_t)st.st_blocks * 512 >= bytes)
		return 0;
	sys = set_aside(fd, 0, bytes);
	if (sys == -EOPNOTSUPP)
		sys = fill_up(fd, bytes);
	if (!sys)
		return 0;
	dd_store_remove(store, place, NULL);
	return dd_file_fail(store, err, -sys, "set space aside in", path);
}

int dd_store_remove(struct dd_store *store, const struct dd_place *place, struct dd_error *err)
{
	DD_AUTOFREE char *path = NULL;
	DD_AUTOCLOSE int parent = -1;
	const char *name;
	int rc = dd_layout_path(place, &path, err);

	if (rc < 0)
		return rc;
	parent = dd_beneath_open_parent(store->fd, path, &name);
	if (parent < 0)
		return dd_file_fail(store, err, -parent, "open above", path);
	if (unlinkat(parent, name, 0) < 0)
		return dd_file_fail(store, err, errno, "remove", path);
	return 0;
}
