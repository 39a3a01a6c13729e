/*
 * The walk: a job a directory, so that many are in flight while a cold disk looks for them.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/walk.h>

#include "base/cleanup.h"
#include "base/jobs.h"
#include "base/text.h"

/* What all jobs of a walk share; the first error wins and the others stop early. */
struct walk {
	struct dd_context *ctx;
	struct dd_store *store;
	struct dd_jobs *jobs;
	const struct dd_blob_visitor *blobs;
	const struct dd_repository_visitor *repositories;
	dd_strange_fn *strange;
	dd_list_fn *list;
	void *arg;
	pthread_mutex_t lock; /* of error */
	struct dd_error error;
	atomic_int rc;
};

static void stop(struct walk *walk, int rc, const struct dd_error *err)
{
	int none = 0;

	pthread_mutex_lock(&walk->lock);
	if (atomic_compare_exchange_strong(&walk->rc, &none, rc) && err)
		walk->error = *err;
	pthread_mutex_unlock(&walk->lock);
}

static bool stopped(struct walk *walk)
{
	struct dd_error err = { 0 };
	int rc;

	if (atomic_load_explicit(&walk->rc, memory_order_relaxed))
		return true;
	rc = dd_context_check(walk->ctx, &err);
	if (rc < 0)
		stop(walk, rc, &err);
	return rc < 0;
}

static int report(struct walk *walk, enum dd_strange what, const struct dd_place *directory,
		  const char *name, const struct dd_error *err)
{
	return walk->strange ? walk->strange(walk->arg, what, directory, name, err) : 0;
}

static int list(struct walk *walk, const struct dd_place *directory, dd_entry_fn *fn, void *arg,
		struct dd_error *err)
{
	return walk->list ? walk->list(walk->arg, directory, fn, arg, err) :
			    dd_store_list(walk->store, directory, fn, arg, err);
}

/* What is no directory where only directories belong. */
static int report_entry(struct walk *walk, const struct dd_place *directory,
			const struct dd_entry *entry)
{
	return report(walk, entry->type == DD_ENTRY_SYMLINK ? DD_STRANGE_SYMLINK : DD_STRANGE_ALIEN,
		      directory, entry->name, NULL);
}

/* A directory that cannot be listed is reported, unless it is certain that it is not there. */
static int finish_list(struct walk *walk, int rc, const struct dd_place *directory,
		       const struct dd_error *err)
{
	if (rc == 0 || rc == DD_ENOENT)
		return 0;
	if (rc > 0 || rc == DD_ENOMEM || rc == DD_ECANCELLED)
		return rc;
	return report(walk, rc == DD_ESYMLINK ? DD_STRANGE_SYMLINK : DD_STRANGE_UNREADABLE,
		      directory, NULL, err);
}

static int begin(struct walk *walk, struct dd_error *err)
{
	pthread_mutex_init(&walk->lock, NULL);
	return dd_jobs_open(walk->ctx, &walk->jobs, err);
}

static int end(struct walk *walk, struct dd_error *err)
{
	int rc;

	dd_jobs_closep(&walk->jobs);
	pthread_mutex_destroy(&walk->lock);
	rc = atomic_load(&walk->rc);
	if (rc < 0 && err)
		*err = walk->error;
	return rc;
}

/* ---- blobs: algorithm, shard, hex ---- */

struct shard {
	struct walk *walk;
	struct dd_place place;
	struct dd_digest *digests;
	size_t count, room;
};

static int add_blob(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct shard *shard = arg;
	struct dd_digest digest;
	enum dd_algorithm alg = (enum dd_algorithm)shard->place.digest.alg;

	if (entry->type != DD_ENTRY_DIRECTORY ||
	    dd_digest_parse_hex(&digest, alg, entry->name, strlen(entry->name)) < 0 ||
	    digest.bytes[0] != shard->place.digest.bytes[0])
		return report_entry(shard->walk, &shard->place, entry);
	if (shard->count == shard->room) {
		size_t room = shard->room ? 2 * shard->room : 256;
		struct dd_digest *digests = reallocarray(shard->digests, room, sizeof(*digests));

		if (!digests)
			return dd_fail(err, DD_ENOMEM, 0, "list blobs");
		shard->digests = digests;
		shard->room = room;
	}
	shard->digests[shard->count++] = digest;
	return 0;
}

static void walk_shard(void *arg)
{
	struct shard *shard = arg;
	struct walk *walk = shard->walk;
	struct dd_error err = { 0 };
	int rc = 0;

	if (!stopped(walk)) {
		if (!walk->blobs->recall || !walk->blobs->recall(walk->arg, &shard->place,
								 &shard->digests, &shard->count)) {
			rc = list(walk, &shard->place, add_blob, shard, &err);
			rc = finish_list(walk, rc, &shard->place, &err);
		}
		if (rc == 0 && shard->count)
			rc = walk->blobs->blobs(walk->arg, shard->digests, shard->count);
		dd_progress_add(walk->ctx, shard->count);
	}
	if (rc)
		stop(walk, rc, &err);
	free(shard->digests);
	free(shard);
}

static int nibble(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static int add_shard(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct shard *parent = arg, *shard;
	int high = nibble(entry->name[0]), low = high < 0 ? -1 : nibble(entry->name[1]);

	if (entry->type != DD_ENTRY_DIRECTORY || low < 0 || entry->name[2])
		return report_entry(parent->walk, &parent->place, entry);
	shard = calloc(1, sizeof(*shard));
	if (!shard)
		return dd_fail(err, DD_ENOMEM, 0, "list blobs");
	*shard = (struct shard){ .walk = parent->walk, .place = { .kind = DD_IN_SHARD } };
	shard->place.digest.alg = parent->place.digest.alg;
	shard->place.digest.bytes[0] = (uint8_t)(high << 4 | low);
	dd_jobs_add(parent->walk->jobs, walk_shard, shard);
	return 0;
}

static int add_algorithm(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct walk *walk = arg;
	const struct dd_place blobs = { .kind = DD_IN_BLOBS };
	struct shard parent = { .walk = walk, .place = { .kind = DD_IN_BLOBS_OF } };
	int alg = dd_algorithm_parse(entry->name, strlen(entry->name)), rc;

	if (entry->type != DD_ENTRY_DIRECTORY || alg < 0)
		return report_entry(walk, &blobs, entry);
	parent.place.digest.alg = (uint8_t)alg;
	rc = list(walk, &parent.place, add_shard, &parent, err);
	return finish_list(walk, rc, &parent.place, err);
}

int dd_walk_blobs(struct dd_context *ctx, struct dd_store *store,
		  const struct dd_blob_visitor *visitor, struct dd_error *err)
{
	struct walk walk = { .ctx = ctx,
			     .store = store,
			     .blobs = visitor,
			     .strange = visitor->strange,
			     .list = visitor->list,
			     .arg = visitor->arg };
	const struct dd_place blobs = { .kind = DD_IN_BLOBS };
	struct dd_error own = { 0 };
	int rc = begin(&walk, err);

	if (rc < 0)
		return rc;
	rc = list(&walk, &blobs, add_algorithm, &walk, &own);
	rc = finish_list(&walk, rc, &blobs, &own);
	if (rc)
		stop(&walk, rc, &own);
	return end(&walk, err);
}

/* ---- repositories: any depth; a directory is one if it has one of the three ---- */

struct level {
	struct walk *walk;
	char *name; /* NULL at the top */
	bool layers, manifests, uploads;
};

static void walk_level(void *arg);

static int descend(struct level *above, const char *name, struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	struct level *level = calloc(1, sizeof(*level));
	int rc = 0;

	if (level && above->name)
		rc = dd_text_printf(&text, "%s/", above->name);
	if (!level || rc < 0 || dd_text_add(&text, name, strlen(name)) < 0) {
		free(level);
		return dd_fail(err, DD_ENOMEM, 0, "list repositories");
	}
	level->walk = above->walk;
	level->name = dd_text_take(&text);
	dd_jobs_add(above->walk->jobs, walk_level, level);
	return 0;
}

static struct dd_place level_place(const struct level *level)
{
	return (struct dd_place){ .kind = level->name ? DD_IN_REPOSITORY : DD_IN_REPOSITORIES,
				  .repository = level->name };
}

static int add_level(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct level *level = arg;
	const struct dd_place place = level_place(level);
	bool *part = !strcmp(entry->name, "_layers")	? &level->layers :
		     !strcmp(entry->name, "_manifests") ? &level->manifests :
		     !strcmp(entry->name, "_uploads")	? &level->uploads :
							  NULL;

	/* What should lie in one of these may be anything. */
	if (part && level->name && entry->type == DD_ENTRY_FILE)
		return report(level->walk, DD_STRANGE_UNREADABLE, &place, entry->name, NULL);
	if (entry->type != DD_ENTRY_DIRECTORY)
		return report_entry(level->walk, &place, entry);
	if (part && level->name) {
		*part = true;
		return 0;
	}
	/* Not a repository's component; _referrers, of which there are only proposals, refers to
	 * nothing that is not linked elsewhere. */
	if (dd_repository_reserved(entry->name, strlen(entry->name)))
		return strcmp(entry->name, "_referrers") ?
			       report(level->walk, DD_STRANGE_ALIEN, &place, entry->name, NULL) :
			       0;
	return descend(level, entry->name, err);
}

static int visit_level(struct level *level, struct dd_error *err)
{
	struct walk *walk = level->walk;
	const struct dd_place place = level_place(level);
	int rc = list(walk, &place, add_level, level, err);

	rc = finish_list(walk, rc, &place, err);
	if (rc || (!level->layers && !level->manifests && !level->uploads))
		return rc;
	if (!dd_repository_valid(level->name))
		rc = report(walk, DD_STRANGE_NAME, &place, NULL, NULL);
	if (rc == 0)
		rc = walk->repositories->repository(walk->arg, level->name, level->layers,
						    level->manifests, level->uploads);
	return rc;
}

static void walk_level(void *arg)
{
	struct level *level = arg;
	struct dd_error err = { 0 };

	if (!stopped(level->walk)) {
		int rc = visit_level(level, &err);

		if (rc)
			stop(level->walk, rc, &err);
	}
	free(level->name);
	free(level);
}

int dd_walk_repositories(struct dd_context *ctx, struct dd_store *store,
			 const struct dd_repository_visitor *visitor, struct dd_error *err)
{
	struct walk walk = { .ctx = ctx,
			     .store = store,
			     .repositories = visitor,
			     .strange = visitor->strange,
			     .list = visitor->list,
			     .arg = visitor->arg };
	struct level top = { .walk = &walk };
	struct dd_error own = { 0 };
	int rc = begin(&walk, err);

	if (rc < 0)
		return rc;
	rc = visit_level(&top, &own);
	if (rc)
		stop(&walk, rc, &own);
	return end(&walk, err);
}
