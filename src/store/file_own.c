/*
 * Files of our own: those that only grow, and the one that takes up space.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include <drydock/units.h>

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

#define NEW ".new"		  /* behind the name of what a successor is written for */
#define PATIENCE (10 * DD_SECOND) /* for another who adds lines, or makes a shorter file of them */
#define TRIES 16		  /* each of them lost to a successor */

struct dd_appender {
	struct dd_store *store;
	char *path;
	int fd;
	uint64_t size;
	bool name_unsynced;
	bool torn; /* the last byte is no newline */
	/* Of a successor, until it has the name: */
	char *temp;
	int old; /* what it is to replace; locked */
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

/* Only these are ever replaced: whoever writes to them holds a lock, and not on what was replaced. */
static bool is_replaced(const struct dd_place *place)
{
	return place->kind == DD_AT_RECORDS;
}

static int lock_own(struct dd_store *store, int fd, const char *path, int64_t deadline_ns,
		    struct dd_error *err)
{
	static const struct timespec pause = { 0, 10 * 1000 * 1000 };

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return dd_file_fail(store, err, errno, "lock", path);
		if (dd_time_steady() >= deadline_ns)
			return dd_fail(err, DD_ELOCKED, 0, "%s/%s is being written by another",
				       store->root, path);
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* Whether its name still leads to what is open: 1 or 0; *st is as it is now. */
static int is_named(struct dd_store *store, int fd, const char *path, struct stat *st,
		    struct dd_error *err)
{
	DD_AUTOCLOSE int parent = -1;
	struct stat named;
	const char *name;

	if (fstat(fd, st) < 0)
		return dd_file_fail(store, err, errno, "look at", path);
	parent = dd_beneath_open_parent(store->fd, path, &name);
	if (parent < 0)
		return dd_file_fail(store, err, -parent, "open above", path);
	if (fstatat(parent, name, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : dd_file_fail(store, err, errno, "look at", path);
	return named.st_dev == st->st_dev && named.st_ino == st->st_ino;
}

/* Nobody else adds to it, nor replaces it, as long as it is open. */
static int open_locked(struct dd_appender *appender, struct stat *st, struct dd_error *err)
{
	const int64_t deadline_ns = dd_time_after(dd_time_steady(), PATIENCE);

	for (unsigned tries = 0; tries < TRIES; tries++) {
		DD_AUTOCLOSE int fd = -1;
		bool is_new;
		int rc;

		fd = dd_file_open_own(appender->store, appender->path, O_RDWR | O_APPEND, st,
				      &is_new, err);
		if (fd < 0)
			return fd;
		rc = lock_own(appender->store, fd, appender->path, deadline_ns, err);
		if (rc == 0)
			rc = is_named(appender->store, fd, appender->path, st, err);
		if (rc < 0)
			return rc;
		if (rc) {
			appender->fd = fd;
			fd = -1;
			/* Who gave it the name may have died before that was durable. */
			appender->name_unsynced = true;
			return 0;
		}
	}
	return dd_fail(err, DD_ECHANGED, 0, "%s/%s is replaced again and again",
		       appender->store->root, appender->path);
}

static int new_appender(struct dd_store *store, const struct dd_place *place,
			struct dd_appender **out, struct dd_error *err)
{
	DD_CLEANUP(dd_appender_closep) struct dd_appender *appender = calloc(1, sizeof(*appender));
	int rc;

	if (!appender)
		return dd_fail(err, DD_ENOMEM, 0, "open a file that grows");
	appender->store = store;
	appender->fd = appender->old = -1;
	rc = dd_layout_path(place, &appender->path, err);
	if (rc < 0)
		return rc;
	*out = appender;
	appender = NULL;
	return 0;
}

int dd_store_open_appender(struct dd_store *store, const struct dd_place *place,
			   struct dd_appender **out, struct dd_error *err)
{
	DD_CLEANUP(dd_appender_closep) struct dd_appender *appender = NULL;
	struct stat st;
	int rc;

	*out = NULL;
	rc = new_appender(store, place, &appender, err);
	if (rc < 0)
		return rc;
	if (is_replaced(place))
		rc = open_locked(appender, &st, err);
	else
		rc = appender->fd = dd_file_open_own(store, appender->path, O_RDWR | O_APPEND, &st,
						     &appender->name_unsynced, err);
	if (rc < 0)
		return rc;
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

static int sync_file(struct dd_appender *appender, struct dd_error *err)
{
	int rc;

	do
		rc = fsync(appender->fd);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? dd_file_fail(appender->store, err, errno, "sync", appender->path) : 0;
}

static int sync_name(struct dd_appender *appender, struct dd_error *err)
{
	DD_AUTOFREE char *above = strdup(appender->path);
	int rc;

	if (!above)
		return dd_fail(err, DD_ENOMEM, 0, "sync %s", appender->path);
	*strrchr(above, '/') = '\0';
	rc = dd_file_mark_dirty(appender->store, above, false, err);
	if (rc == 0)
		rc = dd_store_sync(appender->store, err);
	appender->name_unsynced = rc < 0;
	return rc;
}

int dd_appender_sync(struct dd_appender *appender, struct dd_error *err)
{
	int rc = sync_file(appender, err);

	return rc == 0 && appender->name_unsynced ? sync_name(appender, err) : rc;
}

/* ---- what takes the place of a file that has grown ---- */

/* One that is there, and that nobody is adding to. */
static int lock_old(struct dd_appender *successor, struct stat *st, struct dd_error *err)
{
	struct dd_store *store = successor->store;
	const char *path = successor->path;
	int rc;

	successor->old = dd_beneath_open(store->fd, path, O_RDWR | O_NONBLOCK | O_NOCTTY, 0);
	if (successor->old < 0)
		return dd_file_fail(store, err, -successor->old, "open", path);
	if (fstat(successor->old, st) < 0)
		return dd_file_fail(store, err, errno, "look at", path);
	if (!S_ISREG(st->st_mode))
		return dd_fail(err, DD_EIRREGULAR, 0, "%s/%s is not a regular file", store->root,
			       path);
	rc = lock_own(store, successor->old, path, 0, err);
	if (rc == 0)
		rc = is_named(store, successor->old, path, st, err);
	if (rc == 0)
		return dd_fail(err, DD_ELOCKED, 0, "%s/%s was replaced by another", store->root,
			       path);
	return rc < 0 ? rc : 0;
}

/* Of the same owner and mode, from before anything is in it; locked before it has the name. */
static int make_new(struct dd_appender *successor, const struct stat *old, struct dd_error *err)
{
	struct dd_store *store = successor->store;
	DD_AUTOCLOSE int parent = -1;
	struct stat st;
	const char *name;

	parent = dd_beneath_open_parent(store->fd, successor->temp, &name);
	if (parent < 0)
		return dd_file_fail(store, err, -parent, "open above", successor->temp);
	/* Of one who died over it. */
	if (unlinkat(parent, name, 0) < 0 && errno != ENOENT)
		return dd_file_fail(store, err, errno, "remove", successor->temp);
	successor->fd = dd_beneath_open(parent, name, O_RDWR | O_APPEND | O_CREAT | O_EXCL, 0600);
	if (successor->fd < 0)
		return dd_file_fail(store, err, -successor->fd, "write", successor->temp);
	if (fstat(successor->fd, &st) < 0)
		return dd_file_fail(store, err, errno, "look at", successor->temp);
	if ((st.st_uid != old->st_uid || st.st_gid != old->st_gid) &&
	    fchown(successor->fd, old->st_uid, old->st_gid) < 0)
		return dd_file_fail(store, err, errno, "change the owner of", successor->temp);
	if (fchmod(successor->fd, old->st_mode & 07777) < 0)
		return dd_file_fail(store, err, errno, "change the mode of", successor->temp);
	return lock_own(store, successor->fd, successor->temp, 0, err);
}

int dd_store_open_successor(struct dd_store *store, const struct dd_place *place,
			    struct dd_appender **out, struct dd_error *err)
{
	DD_CLEANUP(dd_appender_closep) struct dd_appender *successor = NULL;
	struct stat st;
	int rc;

	assert(is_replaced(place));
	*out = NULL;
	rc = new_appender(store, place, &successor, err);
	if (rc == 0)
		rc = lock_old(successor, &st, err);
	if (rc < 0)
		return rc;
	if (asprintf(&successor->temp, "%s" NEW, successor->path) < 0) {
		successor->temp = NULL;
		return dd_fail(err, DD_ENOMEM, 0, "replace %s", successor->path);
	}
	rc = make_new(successor, &st, err);
	if (rc < 0)
		return rc;
	*out = successor;
	successor = NULL;
	return 0;
}

int dd_appender_succeed(struct dd_appender *successor, struct dd_error *err)
{
	struct dd_store *store = successor->store;
	DD_AUTOCLOSE int parent = -1;
	const char *name, *temp = strrchr(successor->temp, '/') + 1;
	int rc = sync_file(successor, err);

	if (rc < 0)
		return rc;
	parent = dd_beneath_open_parent(store->fd, successor->path, &name);
	if (parent < 0)
		return dd_file_fail(store, err, -parent, "open above", successor->path);
	do
		rc = renameat2(parent, temp, parent, name, 0);
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return dd_file_fail(store, err, errno, "replace", successor->path);
	free(successor->temp);
	successor->temp = NULL;
	return sync_name(successor, err);
}

/* One that did not come to the name. */
static void discard(struct dd_appender *successor)
{
	DD_AUTOCLOSE int parent = -1;
	const char *name;

	parent = dd_beneath_open_parent(successor->store->fd, successor->temp, &name);
	if (parent >= 0)
		unlinkat(parent, name, 0);
}

void dd_appender_closep(struct dd_appender **appender)
{
	struct dd_appender *old = *appender;

	if (!old)
		return;
	if (old->temp && old->fd >= 0)
		discard(old);
	if (old->fd >= 0)
		close(old->fd);
	if (old->old >= 0)
		close(old->old);
	free(old->temp);
	free(old->path);
	free(old);
	*appender = NULL;
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
