/*
 * What a registry writes: small files whole, and files that have their bytes already.
 *
 * Nothing of it is kept in the store but which directories were made and are not on the disk yet
 * (store/durable.h), so that any number of threads write at once.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/uuid.h"
#include "store/beneath.h"
#include "store/durable.h"
#include "store/file.h"

/* A directory above may go between a look and a step: it is made anew. Not for ever. */
#define TRIES 4

static int sync_one(void *store, const char *path)
{
	return dd_file_sync_directory(store, path);
}

int dd_store_sync_these(struct dd_store *store, struct dd_unsynced *unsynced, struct dd_error *err)
{
	/* From the last one on: what was named last is in a transaction with all before it. */
	while (unsynced->count) {
		char *path = unsynced->paths[unsynced->count - 1];
		int sys = dd_durable_sync(store->durable, path, sync_one, store);

		if (sys)
			return dd_file_fail(store, err, sys, "sync", path);
		free(path);
		unsynced->count--;
	}
	return 0;
}

int dd_file_make_shared(struct dd_store *store, const char *path, struct dd_unsynced *unsynced,
			struct dd_error *err)
{
	DD_AUTOCLOSE int parent = -1;
	DD_AUTOFREE char *above = NULL;
	int fd = dd_beneath_open(store->fd, path, O_PATH | O_DIRECTORY, 0), rc;
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	if (fd >= 0)
		return fd;
	if (fd != -ENOENT || !*path)
		return dd_file_fail(store, err, -fd, "open", path);
	above = strndup(path, slash ? (size_t)(slash - path) : 0);
	if (!above)
		return dd_fail(err, DD_ENOMEM, 0, "make %s", path);
	parent = dd_file_make_shared(store, above, unsynced, err);
	if (parent < 0)
		return parent;
	rc = dd_unsynced_add(unsynced, above, err);
	if (rc == 0)
		rc = dd_durable_note(store->durable, above, name, err);
	if (rc < 0)
		return rc;
	fd = dd_file_make_in(store, parent, path, name, err);
	dd_durable_made(store->durable, above, name);
	return fd;
}

/* A place to write at. */
struct target {
	struct dd_store *store;
	char *path;	  /* below the root */
	const char *name; /* its last part */
	int above;	  /* O_PATH */
	char *above_path;
};

static void target_release(struct target *target)
{
	free(target->path);
	free(target->above_path);
	if (target->above >= 0)
		close(target->above);
}

static int target_init(struct target *target, struct dd_store *store, const struct dd_place *place,
		       struct dd_error *err)
{
	int rc;

	*target = (struct target){ .store = store, .above = -1 };
	rc = dd_layout_path(place, &target->path, err);
	if (rc < 0)
		return rc;
	target->name = strrchr(target->path, '/') + 1;
	target->above_path = strndup(target->path, (size_t)(target->name - 1 - target->path));
	return target->above_path ? 0 : dd_fail(err, DD_ENOMEM, 0, "write %s", target->path);
}

static int target_open(struct target *target, struct dd_unsynced *unsynced, struct dd_error *err)
{
	const char *above = target->above_path;
	int rc;

	if (target->above >= 0)
		close(target->above);
	target->above = dd_file_make_shared(target->store, above, unsynced, err);
	if (target->above < 0)
		return target->above;
	rc = dd_unsynced_add(unsynced, above, err);
	return rc < 0 ? rc : dd_durable_gather(target->store->durable, above, unsynced, err);
}

void dd_store_tell_writes(struct dd_store *store, dd_wrote_fn *wrote, void *arg)
{
	store->wrote = wrote;
	store->wrote_arg = arg;
}

static void tell(struct dd_store *store, const struct stat *st)
{
	struct dd_info info;

	if (!store->wrote)
		return;
	dd_file_info(st, &info);
	store->wrote(store->wrote_arg, &info.stamp);
}

void dd_file_tell(struct dd_store *store, int fd)
{
	struct stat st;

	if (store->wrote && fstat(fd, &st) == 0)
		tell(store, &st);
}

/* What is no file is an operator's, or an attacker's. */
static int check_taken(const struct target *target, enum dd_onto onto, struct dd_error *err)
{
	struct stat st;
	int sys;

	if (fstatat(target->above, target->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ?
			       0 :
			       dd_file_fail(target->store, err, errno, "look at", target->path);
	sys = S_ISLNK(st.st_mode) ? ELOOP : S_ISREG(st.st_mode) ? 0 : EISDIR;
	if (!sys && onto == DD_ONTO_NOTHING)
		sys = EEXIST;
	return sys ? dd_file_fail(target->store, err, sys, "write", target->path) : 0;
}

static int put_bytes(const struct target *target, int fd, const char *bytes, size_t len,
		     struct dd_error *err)
{
	struct stat around;
	int rc;

	while (len) {
		ssize_t put = write(fd, bytes, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return dd_file_fail(target->store, err, errno, "write", target->path);
		bytes += put;
		len -= (size_t)put;
	}
	if (fstat(target->above, &around) < 0)
		return dd_file_fail(target->store, err, errno, "look above", target->path);
	rc = dd_file_dress(target->store, fd, &around, target->path, err);
	if (rc < 0)
		return rc;
	dd_file_begin_sync(fd);
	dd_file_tell(target->store, fd);
	return 0;
}

static int rename_once(int from, const char *name, const struct target *to, enum dd_onto onto)
{
	int rc;

	if (onto == DD_ONTO_NOTHING)
		return dd_file_rename_new(from, name, to->above, to->name);
	do
		rc = renameat2(from, name, to->above, to->name,
			       onto == DD_EXCHANGED ? RENAME_EXCHANGE : 0);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

static int rename_onto(int from, const char *name, const struct target *to, enum dd_onto onto,
		       struct dd_error *err)
{
	struct dd_durable *durable = to->store->durable;
	int rc = dd_durable_note(durable, to->above_path, to->name, err), sys;

	if (rc < 0)
		return rc;
	sys = rename_once(from, name, to, onto);
	dd_durable_made(durable, to->above_path, to->name);
	if (!sys)
		return 0;
	if (onto == DD_EXCHANGED && (sys == -EINVAL || sys == -ENOSYS))
		return dd_fail(err, DD_ENOTSUP, -sys, "exchange %s/%s", to->store->root, to->path);
	return dd_file_fail(to->store, err, -sys, "name", to->path);
}

struct dd_draft {
	struct target target;
	enum dd_onto onto;
	int fd; /* -1: synced */
	bool named;
	char temp[NAME_MAX + 1];
};

void dd_draft_closep(struct dd_draft **draft)
{
	struct dd_draft *old = *draft;

	if (!old)
		return;
	if (!old->named && old->temp[0])
		unlinkat(old->target.above, old->temp, 0);
	if (old->fd >= 0)
		close(old->fd);
	target_release(&old->target);
	free(old);
	*draft = NULL;
}

static int draft_once(struct dd_draft *draft, const void *bytes, size_t len, struct dd_error *err)
{
	/* What is made here is gathered again when the file gets its name. */
	DD_CLEANUP(dd_unsynced_release) struct dd_unsynced unsynced = { 0 };
	struct target *target = &draft->target;
	char uuid[DD_UUID_TEXT], temp[NAME_MAX + 1];
	int rc = target_open(target, &unsynced, err);

	if (rc == 0)
		rc = check_taken(target, draft->onto, err);
	if (rc == 0)
		rc = dd_uuid_make(uuid, err);
	if (rc < 0)
		return rc;
	snprintf(temp, sizeof(temp), "%s.%s.tmp", target->name, uuid);
	draft->fd = dd_beneath_open(target->above, temp, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (draft->fd < 0)
		return dd_file_fail(target->store, err, -draft->fd, "write", target->path);
	memcpy(draft->temp, temp, sizeof(temp));
	return put_bytes(target, draft->fd, bytes, len, err);
}

int dd_store_draft(struct dd_store *store, const struct dd_place *place, const void *bytes,
		   size_t len, enum dd_onto onto, struct dd_draft **out, struct dd_error *err)
{
	DD_CLEANUP(dd_draft_closep) struct dd_draft *draft = calloc(1, sizeof(*draft));
	int rc;

	assert(onto != DD_EXCHANGED);
	*out = NULL;
	if (!draft)
		return dd_fail(err, DD_ENOMEM, 0, "write a file");
	draft->onto = onto;
	draft->fd = -1;
	rc = target_init(&draft->target, store, place, err);
	if (rc < 0)
		return rc;
	for (int i = 0; i < TRIES; i++) {
		dd_error_clear(err);
		rc = draft_once(draft, bytes, len, err);
		if (rc != DD_ENOENT)
			break;
	}
	if (rc == 0) {
		*out = draft;
		draft = NULL;
	}
	return rc;
}

int dd_draft_sync(struct dd_draft *draft, struct dd_error *err)
{
	int rc;

	if (draft->fd < 0)
		return 0;
	do
		rc = fsync(draft->fd);
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return dd_file_fail(draft->target.store, err, errno, "sync", draft->target.path);
	close(draft->fd);
	draft->fd = -1;
	return 0;
}

int dd_draft_name(struct dd_draft *draft, struct dd_unsynced *unsynced, struct dd_error *err)
{
	DD_AUTOCLOSE int from = -1;
	int rc = dd_draft_sync(draft, err);

	assert(!draft->named);
	if (rc < 0)
		return rc;
	/* The directory may have been taken away, and the file with it: it gets its name where it should. */
	from = draft->target.above;
	draft->target.above = -1;
	rc = target_open(&draft->target, unsynced, err);
	if (rc == 0)
		rc = check_taken(&draft->target, draft->onto, err);
	if (rc == 0)
		rc = rename_onto(from, draft->temp, &draft->target, draft->onto, err);
	draft->named = true;
	if (rc < 0)
		unlinkat(from, draft->temp, 0);
	return rc;
}

int dd_store_write(struct dd_store *store, const struct dd_place *place, const void *bytes,
		   size_t len, enum dd_onto onto, struct dd_unsynced *unsynced,
		   struct dd_error *err)
{
	int rc = 0;

	for (int i = 0; i < TRIES; i++) {
		DD_CLEANUP(dd_draft_closep) struct dd_draft *draft = NULL;

		dd_error_clear(err);
		rc = dd_store_draft(store, place, bytes, len, onto, &draft, err);
		if (rc == 0)
			rc = dd_draft_name(draft, unsynced, err);
		if (rc != DD_ENOENT)
			return rc;
	}
	return rc;
}

static int place_once(const struct target *from, struct target *to, enum dd_onto onto,
		      struct dd_unsynced *unsynced, struct dd_error *err)
{
	int rc = target_open(to, unsynced, err);

	if (rc == 0)
		rc = check_taken(to, onto, err);
	return rc < 0 ? rc : rename_onto(from->above, from->name, to, onto, err);
}

/* Something came to the directory that it left. */
static int arrived_at_both(const struct target *from, struct dd_unsynced *unsynced,
			   struct dd_error *err)
{
	DD_AUTOFREE char *above = strndup(from->path, (size_t)(from->name - 1 - from->path));

	return above ? dd_unsynced_add(unsynced, above, err) :
		       dd_fail(err, DD_ENOMEM, 0, "sync above %s", from->path);
}

int dd_store_place(struct dd_store *store, const struct dd_place *from_place,
		   const struct dd_place *place, enum dd_onto onto, struct dd_unsynced *unsynced,
		   struct dd_error *err)
{
	DD_CLEANUP(target_release) struct target to = { .above = -1 };
	DD_CLEANUP(target_release) struct target from;
	int rc = target_init(&from, store, from_place, err);
	struct stat st;

	if (rc == 0)
		rc = target_init(&to, store, place, err);
	if (rc < 0)
		return rc;
	from.above = dd_beneath_open_parent(store->fd, from.path, &from.name);
	if (from.above < 0)
		return dd_file_fail(store, err, -from.above, "open above", from.path);
	for (int i = 0; i < TRIES; i++) {
		if (fstatat(from.above, from.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return dd_file_fail(store, err, errno, "look at", from.path);
		tell(store, &st);
		dd_error_clear(err);
		rc = place_once(&from, &to, onto, unsynced, err);
		if (rc == 0 && onto == DD_EXCHANGED)
			rc = arrived_at_both(&from, unsynced, err);
		if (rc != DD_ENOENT || onto == DD_EXCHANGED)
			return rc;
	}
	return rc;
}

int dd_store_rely_on(struct dd_store *store, const struct dd_place *place,
		     struct dd_unsynced *unsynced, struct dd_error *err)
{
	DD_AUTOFREE char *path = NULL;
	int rc = dd_layout_path(place, &path, err);

	return rc < 0 ? rc : dd_durable_gather(store->durable, path, unsynced, err);
}

/* Told of before anybody can see it; and as the file system keeps it, which may be less exact. */
static int set_time(const struct target *target, struct stat *st, struct dd_error *err)
{
	struct timespec times[2] = { { 0, UTIME_OMIT } };

	clock_gettime(CLOCK_REALTIME_COARSE, &times[1]);
	st->st_mtim = times[1];
	tell(target->store, st);
	if (utimensat(target->above, target->name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return dd_file_fail(target->store, err, errno, "set the time of", target->path);
	if (fstatat(target->above, target->name, st, AT_SYMLINK_NOFOLLOW) == 0)
		tell(target->store, st);
	return 0;
}

int dd_store_refresh(struct dd_store *store, const struct dd_place *place, struct dd_error *err)
{
	DD_CLEANUP(target_release) struct target target;
	struct stat st;
	int rc = target_init(&target, store, place, err);

	if (rc < 0)
		return rc;
	target.above = dd_beneath_open_parent(store->fd, target.path, &target.name);
	if (target.above < 0)
		return dd_file_fail(store, err, -target.above, "open above", target.path);
	if (fstatat(target.above, target.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return dd_file_fail(store, err, errno, "look at", target.path);
	if (!S_ISREG(st.st_mode))
		return dd_file_fail(store, err, S_ISLNK(st.st_mode) ? ELOOP : EISDIR, "write",
				    target.path);
	return set_time(&target, &st, err);
}

int dd_store_remove_upload(struct dd_store *store, const char *repository, const char *upload,
			   struct dd_error *err)
{
	const struct dd_place place = { .kind = DD_IN_UPLOAD,
					.repository = repository,
					.upload = upload };
	DD_CLEANUP(target_release) struct target target;
	struct stat st;
	int rc = target_init(&target, store, &place, err);

	if (rc < 0)
		return rc;
	target.above = dd_beneath_open_parent(store->fd, target.path, &target.name);
	if (target.above < 0)
		return dd_file_fail(store, err, -target.above, "open above", target.path);
	if (fstatat(target.above, target.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return dd_file_fail(store, err, errno, "remove", target.path);
	rc = dd_file_remove_tree(NULL, target.above, target.name, "an upload", err);
	return rc < 0 ? dd_wrap(err, rc, "remove %s/%s", store->root, target.path) : 0;
}
