/*
 * Changing the volume: renames between the layout and the trash.
 *
 * What a rename is made into is durable before: a directory that was made for it is synced first,
 * so that no crash keeps the rename and loses the directory with all that went there.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/beneath.h"
#include "store/file.h"

static void release_recent(struct dd_recent *recent)
{
	free(recent->path);
	if (recent->fd >= 0)
		close(recent->fd);
	*recent = (struct dd_recent){ .fd = -1 };
}

void dd_file_forget_recent(struct dd_store *store)
{
	release_recent(&store->from);
	release_recent(&store->to);
}

static bool is_recent(const struct dd_recent *recent, const char *path, size_t len)
{
	return recent->path && !strncmp(recent->path, path, len) && !recent->path[len];
}

/* The directory above the last component of path, from memory if it was the last one asked for. */
static int open_above(struct dd_store *store, struct dd_recent *recent, const char *path,
		      const char **name, struct dd_error *err)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	bool arrives = recent == &store->to;
	int rc;

	*name = slash ? slash + 1 : path;
	if (!is_recent(recent, path, len)) {
		release_recent(recent);
		recent->path = strndup(path, len);
		if (!recent->path)
			return dd_fail(err, DD_ENOMEM, 0, "open above %s", path);
		if (arrives) {
			recent->fd = dd_file_make_directory(store, recent->path, err);
			rc = recent->fd < 0 ? recent->fd : 0;
		} else {
			recent->fd =
				dd_beneath_open(store->fd, recent->path, O_PATH | O_DIRECTORY, 0);
			rc = recent->fd < 0 ?
				     dd_file_fail(store, err, -recent->fd, "open", recent->path) :
				     0;
		}
		if (rc < 0) {
			release_recent(recent);
			return rc;
		}
	}
	if (recent->dirty)
		return 0;
	rc = dd_file_mark_dirty(store, recent->path, !arrives, err);
	recent->dirty = rc == 0;
	return rc;
}

/* Where the file system has no RENAME_NOREPLACE: what is there is never replaced all the same. */
static int rename_by_hand(int from, const char *name, int to, const char *to_name)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (S_ISDIR(st.st_mode)) {
		if (fstatat(to, to_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
			errno = EEXIST;
			return -1;
		}
		return renameat(from, name, to, to_name);
	}
	if (linkat(from, name, to, to_name, 0) < 0)
		return -1;
	return unlinkat(from, name, 0);
}

int dd_file_rename_new(int from, const char *name, int to, const char *to_name)
{
	int rc;

	do
		rc = renameat2(from, name, to, to_name, RENAME_NOREPLACE);
	while (rc < 0 && errno == EINTR);
	if (rc < 0 && (errno == EINVAL || errno == ENOSYS))
		rc = rename_by_hand(from, name, to, to_name);
	return rc < 0 ? -errno : 0;
}

/* As late as can be: what is looked at is what the descriptor of the rename leads to. */
static int look_again(struct dd_store *store, const struct dd_move *move, struct dd_error *err)
{
	DD_AUTOCLOSE int fd = dd_beneath_open(store->from.fd, move->file, O_PATH, 0);
	struct dd_info info;
	struct stat st;
	int sys;

	if (fd < 0)
		return dd_file_fail(store, err, -fd, "look at", move->from);
	if (fstat(fd, &st) < 0)
		return dd_file_fail(store, err, errno, "look at", move->from);
	sys = dd_file_info(&st, &info);
	if (sys)
		return dd_file_fail(store, err, sys, "look at", move->from);
	if (move->expected && (move->content ? dd_stamp_written(move->expected, &info.stamp, true) :
					       !dd_stamp_equal(move->expected, &info.stamp)))
		return dd_fail(err, DD_ECHANGED, 0, "%s/%s is not as it was", store->root,
			       move->from);
	return 0;
}

static int open_both(struct dd_store *store, const char *from, const char **name, const char *to,
		     const char **to_name, struct dd_error *err)
{
	int rc = open_above(store, &store->from, from, name, err);

	if (rc == 0)
		rc = open_above(store, &store->to, to, to_name, err);
	if (rc < 0 || !store->made)
		return rc;
	rc = dd_store_sync(store, err);
	/* The rename is still to come: both are to be synced once more. */
	if (rc == 0)
		rc = open_above(store, &store->from, from, name, err);
	return rc < 0 ? rc : open_above(store, &store->to, to, to_name, err);
}

static int try_move(struct dd_store *store, const struct dd_move *move, struct dd_error *err)
{
	const char *name, *to_name;
	int rc = open_both(store, move->from, &name, move->to, &to_name, err), sys;

	if (rc == 0 && move->file)
		rc = look_again(store, move, err);
	if (rc < 0)
		return rc;
	sys = dd_file_rename_new(store->from.fd, name, store->to.fd, to_name);
	if (!sys)
		return 0;
	rc = dd_file_fail(store, err, -sys, "rename", move->from);
	return dd_wrap(err, rc, "to %s/%s", store->root, move->to);
}

int dd_file_move(struct dd_store *store, const struct dd_move *move, struct dd_error *err)
{
	bool remembered = store->from.path || store->to.path;
	int rc = try_move(store, move, err);

	if (rc == 0 || rc == DD_ECHANGED)
		return rc;
	/* The descriptors may be of directories that are no longer where they were. */
	dd_file_forget_recent(store);
	if (rc != DD_ENOENT || !remembered)
		return rc;
	dd_error_clear(err);
	return try_move(store, move, err);
}

int dd_file_rename(struct dd_store *store, const char *from, const char *to, struct dd_error *err)
{
	return dd_file_move(store, &(struct dd_move){ .from = from, .to = to }, err);
}

static int try_exchange(struct dd_store *store, const char *one, const char *other)
{
	struct dd_error err = { 0 };
	const char *name, *other_name;
	int rc = open_both(store, one, &name, other, &other_name, &err);

	if (rc < 0)
		return err.sys_errno ? -err.sys_errno : -EIO;
	do
		rc = renameat2(store->from.fd, name, store->to.fd, other_name, RENAME_EXCHANGE);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

int dd_file_exchange(struct dd_store *store, const char *one, const char *other)
{
	bool remembered = store->from.path || store->to.path;
	int sys = try_exchange(store, one, other);

	if (sys == 0)
		return 0;
	/* As for a move. */
	dd_file_forget_recent(store);
	return sys == -ENOENT && remembered ? try_exchange(store, one, other) : sys;
}

/* Where an object lies, and where it lies in the trash of a run. */
static int paths_of(const struct dd_place *place, const char *run, char **path, char **trashed,
		    struct dd_error *err)
{
	struct dd_place inside = *place, outside = *place;
	int rc;

	assert(place->kind <= DD_AT_STARTEDAT); /* nothing else ever goes */
	inside.run = run;
	outside.run = NULL;
	rc = dd_layout_owner(&outside, path, err);
	return rc < 0 ? rc : dd_layout_owner(&inside, trashed, err);
}

int dd_store_prepare(struct dd_store *store, const struct dd_place *place, const char *run,
		     struct dd_error *err)
{
	DD_AUTOFREE char *path = NULL, *trashed = NULL;
	const char *name;
	int rc = paths_of(place, run, &path, &trashed, err);

	return rc < 0 ? rc : open_above(store, &store->to, trashed, &name, err);
}

int dd_store_withdraw(struct dd_store *store, const struct dd_place *place, const char *run,
		      const struct dd_stamp *expected, struct dd_error *err)
{
	DD_AUTOFREE char *file = NULL, *path = NULL, *trashed = NULL;
	struct dd_move move = { .expected = expected };
	int rc = paths_of(place, run, &path, &trashed, err);

	if (rc == 0)
		rc = dd_layout_path(place, &file, err);
	if (rc < 0)
		return rc;
	move.from = path;
	move.to = trashed;
	move.file = file + (strrchr(path, '/') + 1 - path);
	return dd_file_move(store, &move, err);
}

int dd_store_withdraw_seen(struct dd_store *store, const struct dd_place *place, const char *run,
			   struct dd_error *err)
{
	DD_AUTOFREE char *path = NULL, *trashed = NULL;
	int rc = paths_of(place, run, &path, &trashed, err);

	return rc < 0 ? rc : dd_file_rename(store, path, trashed, err);
}

int dd_store_revive(struct dd_store *store, const struct dd_place *trashed, struct dd_error *err)
{
	DD_AUTOFREE char *path = NULL, *from = NULL;
	int rc = paths_of(trashed, trashed->run, &path, &from, err);

	return rc < 0 ? rc : dd_file_rename(store, from, path, err);
}

struct missing {
	struct dd_store *store;
	const struct dd_place *trashed;
	size_t moved;
};

static int revive_one(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct missing *missing = arg;
	struct dd_place beside = *missing->trashed;
	int rc;

	beside.beside = entry->name;
	rc = dd_store_revive(missing->store, &beside, err);
	missing->moved += rc == 0;
	if (rc != DD_EEXIST)
		return rc;
	dd_error_clear(err);
	return 0;
}

int dd_store_revive_missing(struct dd_store *store, const struct dd_place *trashed, size_t *moved,
			    struct dd_error *err)
{
	struct missing missing = { store, trashed, 0 };
	int rc = 0;

	/* An object without a directory of its own is its only file, and something is there. */
	if (dd_place_has_directory(trashed))
		rc = dd_store_list_owner(store, trashed, revive_one, &missing, err);
	*moved = missing.moved;
	return rc;
}

/* Of a file that is open as a path; kernels before 5.8 know only the way by its name. */
static int set_time(int fd, const struct timespec times[2])
{
	char self[sizeof("/proc/self/fd/") + 3 * sizeof(fd)];
	int rc = utimensat(fd, "", times, AT_EMPTY_PATH);

	if (rc == 0 || errno != EINVAL)
		return rc;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return utimensat(AT_FDCWD, self, times, 0);
}

int dd_store_touch(struct dd_store *store, const struct dd_place *place, struct dd_error *err)
{
	static const struct timespec now[2] = { { 0, UTIME_OMIT }, { 0, UTIME_NOW } };
	DD_AUTOFREE char *path = NULL;
	DD_AUTOCLOSE int fd = -1;
	struct stat st;
	int rc = dd_layout_path(place, &path, err);

	if (rc < 0)
		return rc;
	/* Whose file it is may set its time, whether its mode lets him read it or not. */
	fd = dd_beneath_open(store->fd, path, O_PATH, 0);
	if (fd < 0)
		return dd_file_fail(store, err, -fd, "open", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return dd_fail(err, DD_EIRREGULAR, 0, "%s/%s is not a regular file", store->root,
			       path);
	if (set_time(fd, now) < 0)
		return dd_file_fail(store, err, errno, "set the time of", path);
	store->touched = true;
	return 0;
}
