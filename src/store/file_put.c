/*
 * Putting files in place: those that a repair has written, and those that lie elsewhere.
 *
 * A file goes where nothing is by a rename that replaces nothing. It takes the place of another by one
 * that exchanges the two names, after which is looked whether what came out is what was judged: a
 * registry may have written there in that instant, and then the two are exchanged back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "store/beneath.h"
#include "store/file.h"

#define BLOCK ((size_t)256 << 10)

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int path_in_run(const struct dd_place *place, const char *run, char **path,
		       struct dd_error *err)
{
	struct dd_place trashed = *place;

	trashed.run = run;
	return dd_layout_path(&trashed, path, err);
}

static int open_above(struct dd_store *store, const char *path, struct dd_error *err)
{
	DD_AUTOFREE char *above = strndup(path, (size_t)(last_part(path) - path));

	if (!above)
		return dd_fail(err, DD_ENOMEM, 0, "open above %s", path);
	if (*above)
		above[strlen(above) - 1] = '\0';
	return dd_file_make_directory(store, above, err);
}

/* ---- staging ---- */

/* The nearest directory above a path that is there: what is written for it looks like that. */
static int look_around(struct dd_store *store, const char *path, struct stat *around,
		       struct dd_error *err)
{
	DD_AUTOFREE char *above = strdup(path);

	if (!above)
		return dd_fail(err, DD_ENOMEM, 0, "look above %s", path);
	for (;;) {
		char *slash = strrchr(above, '/');
		DD_AUTOCLOSE int fd = -1;

		if (slash)
			*slash = '\0';
		else
			*above = '\0';
		fd = dd_beneath_open(store->fd, above, O_PATH | O_DIRECTORY, 0);
		if (fd >= 0)
			return fstat(fd, around) < 0 ?
				       dd_file_fail(store, err, errno, "look at", above) :
				       0;
		if (fd != -ENOENT || !*above)
			return dd_file_fail(store, err, -fd, "open", above);
	}
}

static int write_all(struct dd_store *store, int fd, const char *path, const char *bytes,
		     size_t len, struct dd_error *err)
{
	while (len) {
		ssize_t put = write(fd, bytes, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return dd_file_fail(store, err, errno, "write", path);
		bytes += put;
		len -= (size_t)put;
	}
	return 0;
}

static int fill(struct dd_store *store, int fd, const char *path, dd_next_bytes_fn *next, void *arg,
		struct dd_error *err)
{
	DD_AUTOFREE char *block = malloc(BLOCK);
	int64_t got;
	int rc = 0;

	if (!block)
		return dd_fail(err, DD_ENOMEM, 0, "write %s", path);
	while (rc == 0 && (got = next(arg, block, BLOCK, err)) != 0)
		rc = got < 0 ? (int)got : write_all(store, fd, path, block, (size_t)got, err);
	return rc;
}

/* The bytes, and owner and mode. */
static int sync_staged(struct dd_store *store, int fd, const char *path, struct dd_error *err)
{
	int rc;

	do
		rc = fsync(fd);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? dd_file_fail(store, err, errno, "sync", path) : 0;
}

static int finish_staged(struct dd_store *store, int fd, const char *path, const char *target,
			 struct dd_info *info, struct dd_error *err)
{
	struct stat around, st;
	int rc = look_around(store, target, &around, err), sys;

	if (rc == 0)
		rc = dd_file_dress(store, fd, &around, path, err);
	if (rc < 0)
		return rc;
	if (fstat(fd, &st) < 0)
		return dd_file_fail(store, err, errno, "look at", path);
	sys = dd_file_info(&st, info);
	return sys ? dd_file_fail(store, err, sys, "look at", path) : 0;
}

int dd_store_stage(struct dd_store *store, const struct dd_place *staged,
		   const struct dd_place *place, dd_next_bytes_fn *next, void *arg,
		   struct dd_info *info, struct dd_error *err)
{
	DD_AUTOFREE char *path = NULL, *target = NULL;
	DD_AUTOCLOSE int above = -1, fd = -1;
	int rc = dd_layout_path(staged, &path, err);

	if (rc == 0)
		rc = dd_layout_path(place, &target, err);
	if (rc < 0)
		return rc;
	above = open_above(store, path, err);
	if (above < 0)
		return above;
	fd = dd_beneath_open(above, last_part(path), O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return dd_file_fail(store, err, -fd, "write", path);
	rc = fill(store, fd, path, next, arg, err);
	if (rc == 0)
		rc = finish_staged(store, fd, path, target, info, err);
	if (rc == 0)
		rc = sync_staged(store, fd, path, err);
	if (rc < 0) {
		unlinkat(above, last_part(path), 0);
		return rc;
	}
	*strrchr(path, '/') = '\0';
	return dd_file_mark_dirty(store, path, false, err);
}

static int unstage_one(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	(void)err;
	unlinkat(*(int *)arg, entry->name, 0);
	return 0;
}

void dd_store_unstage(struct dd_store *store, const char *run)
{
	DD_CLEANUP(dd_text_release) struct dd_text path = { 0 };
	DD_AUTOCLOSE int fd = -1;

	if (!dd_run_valid(run) || dd_text_printf(&path, DD_STATE_TRASH "/%s/staged", run) < 0)
		return;
	fd = dd_beneath_open(store->fd, path.bytes, O_RDONLY | O_DIRECTORY, 0);
	if (fd >= 0)
		dd_file_list(store, fd, path.bytes, unstage_one, &fd, NULL);
}

/* ---- moving ---- */

int dd_store_prepare_file(struct dd_store *store, const struct dd_place *place, const char *run,
			  struct dd_error *err)
{
	DD_AUTOFREE char *path = NULL;
	DD_AUTOCLOSE int fd = -1;
	int rc = path_in_run(place, run, &path, err);

	if (rc < 0)
		return rc;
	fd = open_above(store, path, err);
	return fd < 0 ? fd : 0;
}

/*
 * Between the look and the rename somebody may have written to it: where they did it is to be. If
 * something newer is there by now, that is.
 */
static int check_moved(struct dd_store *store, const struct dd_place *to,
		       const struct dd_move *move, struct dd_error *err)
{
	struct dd_info info;
	int rc = dd_store_stat(store, to, &info, NULL);

	if (rc < 0 || !dd_stamp_written(move->expected, &info.stamp, true))
		return 0;
	dd_file_rename(store, move->to, move->from, NULL);
	return dd_fail(err, DD_ECHANGED, 0, "%s/%s was written to", store->root, move->from);
}

int dd_store_move(struct dd_store *store, const struct dd_place *from, const struct dd_place *to,
		  const struct dd_stamp *stamp, struct dd_error *err)
{
	DD_AUTOFREE char *path = NULL, *target = NULL;
	struct dd_move move = { .expected = stamp, .content = true };
	int rc = dd_layout_path(from, &path, err);

	if (rc == 0)
		rc = dd_layout_path(to, &target, err);
	if (rc < 0)
		return rc;
	move.from = path;
	move.to = target;
	move.file = last_part(path);
	rc = dd_file_move(store, &move, err);
	return rc == 0 && stamp ? check_moved(store, to, &move, err) : rc;
}

void dd_store_remove_empty(struct dd_store *store, const struct dd_place *place)
{
	DD_AUTOFREE char *path = NULL;
	DD_AUTOCLOSE int fd = -1;
	const char *name;

	if (dd_layout_path(place, &path, NULL) < 0)
		return;
	*strrchr(path, '/') = '\0';
	fd = dd_beneath_open_parent(store->fd, path, &name);
	if (fd < 0 || unlinkat(fd, name, AT_REMOVEDIR) < 0)
		return;
	/* A descriptor of it may be remembered. */
	dd_file_forget_recent(store);
	*strrchr(path, '/') = '\0';
	dd_file_mark_dirty(store, path, true, NULL);
}

/* ---- replacing ---- */

struct replacing {
	struct dd_store *store;
	char *staged, *path, *trashed;
	const struct dd_stamp *expected;
	struct dd_stamp mine; /* of what is staged */
	bool *halfway;
};

static int stamp_of(struct dd_store *store, const char *path, struct dd_stamp *stamp,
		    struct dd_error *err)
{
	DD_AUTOCLOSE int fd = dd_beneath_open(store->fd, path, O_PATH, 0);
	struct dd_info info;
	struct stat st;
	int sys;

	if (fd < 0)
		return dd_file_fail(store, err, -fd, "look at", path);
	sys = fstat(fd, &st) < 0 ? errno : dd_file_info(&st, &info);
	*stamp = info.stamp;
	return sys ? dd_file_fail(store, err, sys, "look at", path) : 0;
}

/* 0, DD_ECHANGED, or why it cannot be told. */
static int look_at(const struct replacing *replacing, const char *path, bool content,
		   struct dd_error *err)
{
	struct dd_stamp now;
	int rc = stamp_of(replacing->store, path, &now, err);

	if (rc < 0 || (content ? dd_stamp_same_content : dd_stamp_equal)(replacing->expected, &now))
		return rc;
	return dd_fail(err, DD_ECHANGED, 0, "%s/%s is not as it was", replacing->store->root, path);
}

static int move(const struct replacing *replacing, const char *from, const char *to,
		struct dd_error *err)
{
	return dd_file_move(replacing->store, &(struct dd_move){ .from = from, .to = to }, err);
}

/* Where names cannot be exchanged there is a moment without a file; what comes then stays. */
static int replace_in_two(const struct replacing *replacing, struct dd_error *err)
{
	int rc = move(replacing, replacing->path, replacing->trashed, err);

	if (rc < 0)
		return rc;
	rc = look_at(replacing, replacing->trashed, true, err);
	if (rc == 0)
		rc = move(replacing, replacing->staged, replacing->path, err);
	if (rc < 0 && rc != DD_EEXIST)
		move(replacing, replacing->trashed, replacing->path, NULL);
	return rc == DD_EEXIST ? DD_ECHANGED : rc;
}

static bool cannot_exchange(int sys)
{
	return sys == -EINVAL || sys == -ENOSYS || sys == -EOPNOTSUPP;
}

/*
 * Both back to where they were. If mine was written to in that short time, a registry has made the
 * newest of all: that is what has to be in place, and what it took the place of lies in the trash.
 */
static void bring_back(const struct replacing *replacing)
{
	struct dd_stamp now;

	*replacing->halfway = true;
	if (dd_file_exchange(replacing->store, replacing->staged, replacing->path) < 0)
		return;
	*replacing->halfway = false;
	if (stamp_of(replacing->store, replacing->staged, &now, NULL) < 0 ||
	    dd_stamp_same_content(&replacing->mine, &now) ||
	    dd_file_exchange(replacing->store, replacing->staged, replacing->path) < 0)
		return;
	*replacing->halfway = move(replacing, replacing->staged, replacing->trashed, NULL) < 0;
}

static int replace(struct replacing *replacing, struct dd_error *err)
{
	int rc = look_at(replacing, replacing->path, false, err), sys;

	if (rc == 0)
		rc = stamp_of(replacing->store, replacing->staged, &replacing->mine, err);
	if (rc < 0)
		return rc;
	sys = dd_file_exchange(replacing->store, replacing->staged, replacing->path);
	if (cannot_exchange(sys))
		return replace_in_two(replacing, err);
	if (sys < 0)
		return dd_file_fail(replacing->store, err, -sys, "replace", replacing->path);
	rc = look_at(replacing, replacing->staged, true, err);
	if (rc == 0)
		rc = move(replacing, replacing->staged, replacing->trashed, err);
	if (rc < 0)
		bring_back(replacing);
	return rc;
}

int dd_store_replace(struct dd_store *store, const struct dd_place *staged,
		     const struct dd_place *place, const char *run, const struct dd_stamp *expected,
		     bool *halfway, struct dd_error *err)
{
	DD_AUTOFREE char *from = NULL, *path = NULL, *trashed = NULL;
	int rc = dd_layout_path(staged, &from, err);

	*halfway = false;

	if (rc == 0)
		rc = dd_layout_path(place, &path, err);
	if (rc == 0)
		rc = path_in_run(place, run, &trashed, err);
	return rc < 0 ? rc :
			replace(&(struct replacing){ .store = store,
						     .staged = from,
						     .path = path,
						     .trashed = trashed,
						     .expected = expected,
						     .halfway = halfway },
				err);
}

int dd_store_swap(struct dd_store *store, const struct dd_place *trashed, struct dd_error *err)
{
	DD_AUTOFREE char *path = NULL, *from = NULL;
	struct dd_place place = *trashed;
	int rc = dd_layout_path(trashed, &from, err), sys;

	place.run = NULL;
	if (rc == 0)
		rc = dd_layout_path(&place, &path, err);
	if (rc < 0)
		return rc;
	sys = dd_file_exchange(store, from, path);
	if (!cannot_exchange(sys))
		return sys < 0 ? dd_file_fail(store, err, -sys, "exchange", path) : 0;
	return dd_fail(err, DD_EUNKNOWN, 0, "the file system exchanges no names");
}

/* ---- owner and mode ---- */

int dd_store_set_owning(struct dd_store *store, const struct dd_place *place,
			const struct dd_owning *old, const struct dd_owning *now,
			struct dd_error *err)
{
	DD_CLEANUP(dd_target_release) struct dd_target target;
	DD_AUTOCLOSE int fd = -1;
	struct dd_info info;
	int rc = dd_file_aim(store, NULL, place, &target, err);

	if (rc < 0)
		return rc;
	fd = dd_file_open_regular(&target, &info, err);
	if (fd < 0)
		return fd;
	if (info.owner != old->owner || info.group != old->group || info.mode != old->mode)
		return dd_fail(err, DD_ECHANGED, 0, "%s/%s has another owner or mode by now",
			       store->root, target.path);
	if ((info.owner != now->owner || info.group != now->group) &&
	    fchown(fd, now->owner, now->group) < 0)
		return dd_file_fail(store, err, errno, "change the owner of", target.path);
	if (fchmod(fd, now->mode & 07777) < 0)
		return dd_file_fail(store, err, errno, "change the mode of", target.path);
	store->touched = true;
	return 0;
}
