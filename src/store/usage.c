/*
 * What takes up space. A directory is a job as long as there are few of them; deeper down a thread
 * goes on by itself, by descriptors.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/units.h>

#include "base/jobs.h"
#include "store/beneath.h"
#include "store/file.h"
#include "store/still.h"
#include "store/usage.h"

/* A directory so deep is no job of its own: "docker/registry/v2/blobs/sha256/ab" has six parts. */
#define JOBS_DEPTH 6

/* A file with several names, of which only one counts. */
struct twin {
	uint64_t device, inode;
	enum dd_used_area area;
	char *path;
	struct dd_info info;
};

struct measure {
	struct dd_context *ctx;
	struct dd_store *store;
	struct dd_jobs *jobs;
	const struct dd_measuring *how;
	atomic_uint_fast64_t unreadable;
	atomic_int rc;
	pthread_mutex_t lock;
	DD_LIST(struct twin) twins;
};

/* A directory that is being looked into. */
struct place {
	struct measure *measure;
	struct dd_text path; /* below the root */
	unsigned parts;	     /* of the path */
	int fd;		     /* of the directory, or of one above it */
	size_t from;	     /* where in the path it goes on from there */
	bool still;	     /* no link is followed below fd */
};

struct job {
	struct measure *measure;
	char *path;
	unsigned parts;
};

static void stop(struct measure *measure, int rc)
{
	int none = 0;

	if (rc < 0)
		atomic_compare_exchange_strong(&measure->rc, &none, rc);
}

/* ---- what a path is for ---- */

static bool starts(const char *path, const char *with, const char **rest)
{
	size_t len = strlen(with);

	if (strncmp(path, with, len) || (path[len] && path[len] != '/'))
		return false;
	*rest = path + len + (path[len] == '/');
	return true;
}

/* The repository's name is copied into memory, whose room is that of the path. */
static void classify_repository(const char *rest, char *memory, struct dd_used *used)
{
	const char *at = rest, *slash;

	used->area = DD_USED_REPOSITORY;
	for (; *at; at = slash + 1) {
		size_t len = strcspn(at, "/");

		slash = at + len;
		if (dd_repository_reserved(at, len)) {
			if (at > rest) {
				memcpy(memory, rest, (size_t)(at - rest - 1));
				memory[at - rest - 1] = '\0';
				used->repository = memory;
			}
			if (len == 8 && !strncmp(at, "_uploads", 8) && *slash)
				used->area = DD_USED_UPLOAD;
			return;
		}
		if (!*slash)
			break;
	}
	/* A directory above: of the repository that it may be. */
	if (*rest)
		used->repository = strcpy(memory, rest);
}

static void classify(const char *path, char *memory, struct dd_used *used)
{
	const char *rest, *below;
	struct dd_place place;
	DD_AUTOFREE char *parsed = NULL;

	used->area = DD_USED_OTHER;
	used->repository = NULL;
	if (starts(path, DD_STATE_BASE, &rest)) {
		used->area =
			(starts(rest, "trash", &below) || starts(rest, "purge", &below)) && *below ?
				DD_USED_TRASH :
				DD_USED_STATE;
	} else if (starts(path, DD_VOLUME_BASE "/blobs", &rest)) {
		used->area = DD_USED_BLOBS;
		if (used->info.type == DD_ENTRY_FILE &&
		    dd_layout_parse(path, &place, &parsed, NULL) == 0 && place.kind == DD_AT_BLOB &&
		    !place.beside) {
			used->area = DD_USED_BLOB;
			used->digest = place.digest;
		}
	} else if (starts(path, DD_VOLUME_BASE "/repositories", &rest)) {
		classify_repository(rest, memory, used);
	}
}

static int tell(struct measure *measure, const char *path, const struct dd_info *info)
{
	DD_AUTOFREE char *memory = malloc(strlen(path) + 1);
	struct dd_used used = { .info = *info };

	if (!memory)
		return DD_ENOMEM;
	classify(path, memory, &used);
	return measure->how->fn(measure->how->arg, &used);
}

/* ---- several names ---- */

static int keep_twin(struct measure *measure, const char *path, const struct dd_info *info)
{
	DD_AUTOFREE char *memory = malloc(strlen(path) + 1), *kept = strdup(path);
	struct dd_used used = { .info = *info };
	struct twin *twin = NULL;

	if (!memory || !kept)
		return DD_ENOMEM;
	classify(path, memory, &used);
	pthread_mutex_lock(&measure->lock);
	twin = dd_list_add(&measure->twins);
	if (twin) {
		*twin = (struct twin){ info->device, info->stamp.word[1], used.area, kept, *info };
		kept = NULL;
	}
	pthread_mutex_unlock(&measure->lock);
	return twin ? 0 : DD_ENOMEM;
}

static int compare_twins(const void *left, const void *right)
{
	const struct twin *a = left, *b = right;

	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	if (a->area != b->area)
		return a->area < b->area ? -1 : 1;
	return strcmp(a->path, b->path);
}

static int tell_twins(struct measure *measure)
{
	int rc = 0;

	if (measure->twins.count)
		qsort(measure->twins.items, measure->twins.count, sizeof(*measure->twins.items),
		      compare_twins);
	for (size_t i = 0; i < measure->twins.count && rc == 0; i++) {
		const struct twin *twin = &measure->twins.items[i];

		if (!i || twin[-1].inode != twin->inode || twin[-1].device != twin->device)
			rc = tell(measure, twin->path, &twin->info);
	}
	for (size_t i = 0; i < measure->twins.count; i++)
		free(measure->twins.items[i].path);
	dd_list_release(&measure->twins);
	return rc;
}

/* ---- the walk ---- */

static int look_into(struct place *place, struct dd_shaping *shaping);
static int see(struct place *place, const char *name);

/* Where it can be, in the copy of the mounts. */
static int open_job(const struct job *job, bool *still)
{
	const struct dd_store *store = job->measure->store;
	int fd = dd_still_openat(store->still, job->path, O_RDONLY | O_DIRECTORY);

	*still = fd >= 0;
	return fd >= 0 ? fd : dd_beneath_open(store->fd, job->path, O_RDONLY | O_DIRECTORY, 0);
}

static void run_job(void *arg)
{
	struct job *job = arg;
	struct measure *measure = job->measure;
	struct place place = { .measure = measure, .parts = job->parts };

	place.fd = atomic_load(&measure->rc) ? -1 : open_job(job, &place.still);
	if (place.fd < 0) {
		if (!atomic_load(&measure->rc) && place.fd != -ENOENT)
			atomic_fetch_add(&measure->unreadable, 1);
	} else {
		stop(measure, dd_text_add(&place.path, job->path, strlen(job->path)));
		place.from = place.path.len + (place.path.len > 0);
		if (!atomic_load(&measure->rc))
			stop(measure, look_into(&place, NULL));
		close(place.fd);
	}
	dd_text_release(&place.path);
	free(job->path);
	free(job);
}

static int add_job(struct measure *measure, const char *path, unsigned parts)
{
	struct job *job = malloc(sizeof(*job));
	char *copy = strdup(path);

	if (!job || !copy) {
		free(job);
		free(copy);
		return DD_ENOMEM;
	}
	*job = (struct job){ measure, copy, parts };
	dd_jobs_add(measure->jobs, run_job, job);
	return 0;
}

/* Open by now; it is learnt as what it was after that, and before it was listed. */
static int list_and_learn(struct place *place)
{
	const struct dd_shapes *shapes = place->measure->how->shapes;
	int64_t began_ns = shapes ? dd_time_now() : 0;
	struct dd_shaping shaping = { 0 };
	struct dd_info info;
	struct stat st;
	bool seen = shapes && fstat(place->fd, &st) == 0;
	int rc = look_into(place, seen ? &shaping : NULL);
	enum dd_shape shape = dd_shaping_end(&shaping);

	if (rc == 0 && seen && shape != DD_SHAPE_COUNT) {
		dd_file_info(&st, &info);
		shapes->learn(shapes->arg, &info, began_ns, shape);
	}
	return rc;
}

static int look_at_names(struct place *place, const char *const *names)
{
	int rc = 0;

	for (; *names && rc == 0; names++)
		rc = see(place, *names);
	return rc;
}

/* Names that are known are looked at from above; where links could be in the way, from itself. */
static int look_deeper(struct place *place, enum dd_shape shape)
{
	bool known = shape != DD_SHAPE_COUNT;
	int above = place->fd, rc = 0;
	size_t from = place->from;

	if (known && place->still)
		return look_at_names(place, dd_shape_names[shape]);
	place->fd = openat(above, place->path.bytes + from,
			   (known ? O_PATH : O_RDONLY) | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (place->fd < 0) {
		if (errno != ENOENT)
			atomic_fetch_add(&place->measure->unreadable, 1);
	} else {
		place->from = place->path.len + 1;
		rc = known ? look_at_names(place, dd_shape_names[shape]) : list_and_learn(place);
		close(place->fd);
	}
	place->fd = above;
	place->from = from;
	return rc;
}

static int enter(struct place *place, const struct dd_info *info)
{
	const struct dd_shapes *shapes = place->measure->how->shapes;
	int rc;

	if (place->parts < JOBS_DEPTH)
		return add_job(place->measure, place->path.bytes, place->parts + 1);
	if (place->parts == DD_FILE_DEEPEST) {
		atomic_fetch_add(&place->measure->unreadable, 1);
		return 0;
	}
	place->parts++;
	rc = look_deeper(place, shapes ? shapes->recall(shapes->arg, info) : DD_SHAPE_COUNT);
	place->parts--;
	return rc;
}

/* Below a repository lie others, which are not of it. */
static bool is_asked_for(const struct place *place, const char *name)
{
	return !place->measure->how->repository || place->parts != 1 ||
	       dd_repository_reserved(name, strlen(name));
}

static int see(struct place *place, const char *name)
{
	size_t len = place->path.len;
	struct dd_info info;
	struct stat st;
	int rc = 0;

	if ((len && dd_text_add(&place->path, "/", 1) < 0) ||
	    dd_text_add(&place->path, name, strlen(name)) < 0)
		return DD_ENOMEM;
	if (fstatat(place->fd, place->path.bytes + place->from, &st,
		    AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0) {
		if (errno != ENOENT)
			atomic_fetch_add(&place->measure->unreadable, 1);
	} else {
		dd_file_info(&st, &info);
		rc = info.type != DD_ENTRY_DIRECTORY && info.links > 1 ?
			     keep_twin(place->measure, place->path.bytes, &info) :
			     tell(place->measure, place->path.bytes, &info);
		if (rc == 0 && info.type == DD_ENTRY_DIRECTORY)
			rc = enter(place, &info);
	}
	dd_text_cut(&place->path, len);
	return rc;
}

struct looking {
	struct place *place;
	struct dd_shaping *shaping; /* NULL: nobody asks */
};

static int see_entry(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	const struct looking *looking = arg;
	int rc = dd_context_check(looking->place->measure->ctx, err);

	if (looking->shaping)
		dd_shaping_add(looking->shaping, entry->name);
	return rc < 0 || !is_asked_for(looking->place, entry->name) ?
		       rc :
		       see(looking->place, entry->name);
}

static int look_into(struct place *place, struct dd_shaping *shaping)
{
	struct measure *measure = place->measure;
	struct looking looking = { place, shaping };
	/* No path, which moves in memory while it grows: nobody hears the words of an error. */
	int rc = dd_file_list(measure->store, place->fd, "", see_entry, &looking, NULL);

	if (rc == DD_ENOMEM || rc == DD_ECANCELLED || rc == 0)
		return rc;
	/* One that is removed while it is listed is as good as one that went before. */
	if (rc != DD_ENOENT)
		atomic_fetch_add(&measure->unreadable, 1);
	if (shaping)
		*shaping = (struct dd_shaping){ .count = DD_SHAPE_NAMES + 1 };
	return 0;
}

static int begin(struct measure *measure, const char *path, struct dd_error *err)
{
	int fd = dd_beneath_open(measure->store->fd, path, O_PATH | O_DIRECTORY, 0);
	struct dd_info info;
	struct stat st;

	if (fd < 0)
		return dd_file_fail(measure->store, err, -fd, "open", path);
	if (fstat(fd, &st) < 0) {
		close(fd);
		return dd_file_fail(measure->store, err, errno, "look at", path);
	}
	close(fd);
	dd_file_info(&st, &info);
	if (tell(measure, path, &info) < 0 ||
	    add_job(measure, path, measure->how->repository ? 1 : 0) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "measure the volume");
	return 0;
}

int dd_store_measure(struct dd_context *ctx, struct dd_store *store, const struct dd_measuring *how,
		     uint64_t *unreadable, struct dd_error *err)
{
	const struct dd_place top = { .kind = DD_IN_REPOSITORY, .repository = how->repository };
	struct measure measure = { .ctx = ctx, .store = store, .how = how };
	DD_AUTOFREE char *path = NULL;
	int rc = how->repository ? dd_layout_path(&top, &path, err) : 0;

	if (rc == 0)
		rc = dd_jobs_open(ctx, &measure.jobs, err);
	if (rc < 0)
		return rc;
	pthread_mutex_init(&measure.lock, NULL);
	dd_progress_begin(ctx, "measuring", 0);
	dd_store_begin_looks(store);
	rc = begin(&measure, path ? path : "", err);
	dd_jobs_closep(&measure.jobs);
	dd_store_end_looks(store);
	if (rc == 0)
		stop(&measure, tell_twins(&measure));
	dd_progress_end(ctx);
	pthread_mutex_destroy(&measure.lock);
	*unreadable = (uint64_t)atomic_load(&measure.unreadable);
	if (rc < 0)
		return rc;
	rc = dd_context_check(ctx, err);
	if (rc < 0)
		return rc;
	rc = atomic_load(&measure.rc);
	return rc < 0 ? dd_fail(err, rc, 0, "measure the volume") : 0;
}
