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

#include "base/jobs.h"
#include "store/beneath.h"
#include "store/file.h"
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
	dd_used_fn *fn;
	void *arg;
	atomic_uint_fast64_t unreadable;
	atomic_int rc;
	pthread_mutex_t lock;
	DD_LIST(struct twin) twins;
	bool whole; /* not of a repository's own directories alone */
};

/* A directory that is being looked into. */
struct place {
	struct measure *measure;
	struct dd_text path; /* below the root */
	unsigned parts;	     /* of the path */
	int fd;
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
	return measure->fn(measure->arg, &used);
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

static int look_into(struct place *place);

static void run_job(void *arg)
{
	struct job *job = arg;
	struct measure *measure = job->measure;
	struct place place = { .measure = measure, .parts = job->parts };

	place.fd = atomic_load(&measure->rc) ? -1 :
					       dd_beneath_open(measure->store->fd, job->path,
							       O_RDONLY | O_DIRECTORY, 0);
	if (place.fd < 0) {
		if (!atomic_load(&measure->rc) && place.fd != -ENOENT)
			atomic_fetch_add(&measure->unreadable, 1);
	} else {
		stop(measure, dd_text_add(&place.path, job->path, strlen(job->path)));
		if (!atomic_load(&measure->rc))
			stop(measure, look_into(&place));
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

static int enter(struct place *place, const char *name)
{
	int above = place->fd, rc;

	if (place->parts < JOBS_DEPTH)
		return add_job(place->measure, place->path.bytes, place->parts + 1);
	place->fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (place->fd < 0 || place->parts == DD_FILE_DEEPEST) {
		if (place->fd >= 0 || errno != ENOENT)
			atomic_fetch_add(&place->measure->unreadable, 1);
		rc = 0;
	} else {
		place->parts++;
		rc = look_into(place);
		place->parts--;
	}
	if (place->fd >= 0)
		close(place->fd);
	place->fd = above;
	return rc;
}

/* Below a repository lie others, which are not of it. */
static bool is_asked_for(const struct place *place, const char *name)
{
	return place->measure->whole || place->parts != 1 ||
	       dd_repository_reserved(name, strlen(name));
}

static int see(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct place *place = arg;
	size_t len = place->path.len;
	struct dd_info info;
	struct stat st;
	int rc = dd_context_check(place->measure->ctx, err);

	if (rc < 0 || !is_asked_for(place, entry->name))
		return rc;
	if (fstatat(place->fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			atomic_fetch_add(&place->measure->unreadable, 1);
		return 0;
	}
	dd_file_info(&st, &info);
	if ((len && dd_text_add(&place->path, "/", 1) < 0) ||
	    dd_text_add(&place->path, entry->name, strlen(entry->name)) < 0)
		return DD_ENOMEM;
	rc = info.type != DD_ENTRY_DIRECTORY && info.links > 1 ?
		     keep_twin(place->measure, place->path.bytes, &info) :
		     tell(place->measure, place->path.bytes, &info);
	if (rc == 0 && info.type == DD_ENTRY_DIRECTORY)
		rc = enter(place, entry->name);
	dd_text_cut(&place->path, len);
	return rc;
}

static int look_into(struct place *place)
{
	struct measure *measure = place->measure;
	struct dd_error err = { 0 };
	const char *path = place->path.bytes ? place->path.bytes : "";
	int rc = dd_file_list(measure->store, place->fd, path, see, place, &err);

	if (rc == DD_ENOMEM || rc == DD_ECANCELLED || rc == 0)
		return rc;
	atomic_fetch_add(&measure->unreadable, 1);
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
	if (tell(measure, path, &info) < 0 || add_job(measure, path, measure->whole ? 0 : 1) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "measure the volume");
	return 0;
}

int dd_store_measure(struct dd_context *ctx, struct dd_store *store, const char *repository,
		     dd_used_fn *fn, void *arg, uint64_t *unreadable, struct dd_error *err)
{
	const struct dd_place top = { .kind = DD_IN_REPOSITORY, .repository = repository };
	struct measure measure = {
		.ctx = ctx, .store = store, .fn = fn, .arg = arg, .whole = !repository
	};
	DD_AUTOFREE char *path = NULL;
	int rc = repository ? dd_layout_path(&top, &path, err) : 0;

	if (rc == 0)
		rc = dd_jobs_open(ctx, &measure.jobs, err);
	if (rc < 0)
		return rc;
	pthread_mutex_init(&measure.lock, NULL);
	dd_progress_begin(ctx, "measuring", 0);
	rc = begin(&measure, path ? path : "", err);
	dd_jobs_closep(&measure.jobs);
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
