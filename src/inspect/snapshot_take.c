/*
 * Taking a snapshot: one survey of the repositories, and one look at each blob.
 */
#include <pthread.h>
#include <string.h>

#include <drydock/units.h>
#include <drydock/walk.h>

#include "base/cleanup.h"
#include "graph/survey.h"
#include "inspect/snapshot.h"

typedef DD_LIST(struct dd_snapshot_blob) blob_list;

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "list the volume");
}

/* ---- blobs ---- */

struct looking {
	struct dd_store *store;
	pthread_mutex_t lock;
	blob_list *blobs;
	uint64_t problems;
};

static int compare_blobs(const void *left, const void *right)
{
	const struct dd_snapshot_blob *a = left, *b = right;
	int result = dd_digest_compare(&a->digest, &b->digest);

	/* What is there comes before the mere name of it. */
	return result ? result : (int)b->present - (int)a->present;
}

static int add_blob(struct looking *looking, const struct dd_digest *digest, uint64_t size)
{
	struct dd_snapshot_blob *blob;

	pthread_mutex_lock(&looking->lock);
	blob = dd_list_add(looking->blobs);
	if (blob)
		*blob = (struct dd_snapshot_blob){ *digest, true, size };
	pthread_mutex_unlock(&looking->lock);
	return blob ? 0 : DD_ENOMEM;
}

static void add_problem(struct looking *looking)
{
	pthread_mutex_lock(&looking->lock);
	looking->problems++;
	pthread_mutex_unlock(&looking->lock);
}

static int see_blobs(void *arg, const struct dd_digest *digests, size_t count)
{
	struct looking *looking = arg;
	DD_CLEANUP(dd_directory_closep) struct dd_directory *held = NULL;
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		const struct dd_place place = { .kind = DD_AT_BLOB, .digest = digests[i] };
		struct dd_info info;
		int found = dd_store_stat_near(looking->store, &held, &place, &info, NULL);

		if (found == 0 && info.type == DD_ENTRY_FILE)
			rc = add_blob(looking, &digests[i], info.size);
		else if (found == DD_ENOMEM)
			rc = found;
		else if (found != DD_ENOENT)
			add_problem(looking);
	}
	return rc;
}

static int see_strange(void *arg, enum dd_strange what, const struct dd_place *directory,
		       const char *name, const struct dd_error *err)
{
	(void)directory;
	(void)name;
	(void)err;
	if (what == DD_STRANGE_UNREADABLE || what == DD_STRANGE_SYMLINK)
		add_problem(arg);
	return 0;
}

static int look_at_blobs(struct dd_context *ctx, struct dd_store *store, blob_list *blobs,
			 struct dd_snapshot *snapshot, struct dd_error *err)
{
	struct looking looking = { .store = store,
				   .lock = PTHREAD_MUTEX_INITIALIZER,
				   .blobs = blobs };
	const struct dd_blob_visitor visitor = { .blobs = see_blobs,
						 .strange = see_strange,
						 .arg = &looking };
	int rc = dd_walk_blobs(ctx, store, &visitor, err);

	snapshot->problems += looking.problems;
	return rc;
}

/* ---- what repositories name ---- */

static int name_blob(const struct dd_graph *graph, uint32_t id, blob_list *blobs)
{
	struct dd_snapshot_blob *blob = dd_list_add(blobs);

	if (!blob)
		return DD_ENOMEM;
	dd_ids_get(&graph->ids, id, &blob->digest);
	return 0;
}

static int name_blobs(const struct dd_graph *graph, const struct dd_repository *repo,
		      blob_list *blobs)
{
	int rc = 0;

	for (size_t i = 0; i < repo->tags.count && rc == 0; i++)
		if (repo->tags.items[i].current != DD_NO_ID)
			rc = name_blob(graph, repo->tags.items[i].current, blobs);
	for (size_t i = 0; i < repo->revisions.count && rc == 0; i++)
		rc = name_blob(graph, repo->revisions.items[i].id, blobs);
	for (size_t i = 0; i < repo->layers.count && rc == 0; i++)
		rc = name_blob(graph, repo->layers.items[i], blobs);
	return rc;
}

/* Sorted, each digest once. */
static int settle_blobs(struct dd_snapshot *snapshot, blob_list *list, struct dd_error *err)
{
	struct dd_snapshot_blob *blobs;
	size_t kept = 0;

	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), compare_blobs);
	for (size_t i = 0; i < list->count; i++)
		if (!kept ||
		    !dd_digest_equal(&list->items[kept - 1].digest, &list->items[i].digest))
			list->items[kept++] = list->items[i];
	if (kept >= DD_SNAPSHOT_NONE)
		return dd_fail(err, DD_ETOOBIG, 0, "list the volume: too many blobs");
	blobs = dd_snapshot_alloc(snapshot, kept, sizeof(*blobs), err);
	if (!blobs)
		return DD_ENOMEM;
	if (kept)
		memcpy(blobs, list->items, kept * sizeof(*blobs));
	snapshot->blobs = blobs;
	snapshot->blob_count = kept;
	return 0;
}

/* ---- repositories ---- */

struct filling {
	struct dd_snapshot *snapshot;
	const struct dd_graph *graph;
};

static uint32_t place_of(const struct filling *filling, uint32_t id)
{
	struct dd_digest digest;

	dd_ids_get(&filling->graph->ids, id, &digest);
	return dd_snapshot_find(filling->snapshot, &digest);
}

static int compare_numbers(const void *left, const void *right)
{
	const uint32_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

static int fill_tags(struct filling *filling, const struct dd_repository *repo,
		     struct dd_snapshot_repository *into, struct dd_error *err)
{
	struct dd_snapshot_tag *tags =
		dd_snapshot_alloc(filling->snapshot, repo->tags.count, sizeof(*tags), err);

	if (!tags)
		return DD_ENOMEM;
	into->tags = tags;
	for (size_t i = 0; i < repo->tags.count; i++) {
		const struct dd_tag *tag = &repo->tags.items[i];
		struct dd_snapshot_tag *row = &tags[into->tag_count];

		if (dd_tag_is_empty(tag))
			continue;
		row->name = dd_snapshot_copy(filling->snapshot, tag->name, err);
		if (!row->name)
			return DD_ENOMEM;
		row->moved_ns = tag->moved_ns > 0 ? tag->moved_ns : 0;
		row->blob = tag->current == DD_NO_ID ? DD_SNAPSHOT_NONE :
						       place_of(filling, tag->current);
		into->tag_count++;
	}
	return 0;
}

static int fill_repository(struct filling *filling, const struct dd_repository *repo,
			   struct dd_snapshot_repository *into, struct dd_error *err)
{
	struct dd_snapshot *snapshot = filling->snapshot;
	uint32_t *manifests =
		dd_snapshot_alloc(snapshot, repo->revisions.count, sizeof(*manifests), err);
	uint32_t *layers =
		manifests ? dd_snapshot_alloc(snapshot, repo->layers.count, sizeof(*layers), err) :
			    NULL;

	if (!layers)
		return DD_ENOMEM;
	into->name = dd_snapshot_copy(snapshot, repo->name, err);
	if (!into->name)
		return DD_ENOMEM;
	into->manifests = manifests;
	into->layers = layers;
	for (size_t i = 0; i < repo->revisions.count; i++)
		if (repo->revisions.items[i].state != DD_LINK_ABSENT)
			manifests[into->manifest_count++] =
				place_of(filling, repo->revisions.items[i].id);
	for (size_t i = 0; i < repo->layers.count; i++)
		layers[into->layer_count++] = place_of(filling, repo->layers.items[i]);
	qsort(manifests, into->manifest_count, sizeof(*manifests), compare_numbers);
	qsort(layers, into->layer_count, sizeof(*layers), compare_numbers);
	return fill_tags(filling, repo, into, err);
}

static int fill(struct dd_snapshot *snapshot, const struct dd_survey *survey, struct dd_error *err)
{
	struct filling filling = { snapshot, survey->graph };
	size_t count = survey->repositories.count;
	struct dd_snapshot_repository *repositories =
		dd_snapshot_alloc(snapshot, count, sizeof(*repositories), err);
	int rc = 0;

	if (!repositories)
		return DD_ENOMEM;
	snapshot->repositories = repositories;
	for (size_t i = 0; i < count && rc == 0; i++) {
		const struct dd_repository *repo = survey->repositories.items[i];

		rc = fill_repository(&filling, repo, &repositories[i], err);
		snapshot->repository_count++;
		snapshot->problems += repo->doubts.count;
	}
	snapshot->problems += survey->unreadable + survey->doubts.count;
	return rc < 0 ? rc : dd_snapshot_settle(snapshot, repositories, err);
}

static int take(struct dd_context *ctx, struct dd_store *store, struct dd_index *index,
		struct dd_snapshot *snapshot, blob_list *blobs, struct dd_error *err)
{
	DD_CLEANUP(dd_graph_closep) struct dd_graph *graph = NULL;
	DD_CLEANUP(dd_survey_closep) struct dd_survey *survey = NULL;
	const struct dd_survey_options options = { .no_blobs = true, .index = index };
	int rc = dd_graph_open(&graph, err);

	if (rc == 0)
		rc = dd_survey_open(ctx, store, graph, &options, &survey, err);
	if (rc == 0)
		rc = look_at_blobs(ctx, store, blobs, snapshot, err);
	for (size_t i = 0; rc == 0 && i < survey->repositories.count; i++)
		if (name_blobs(graph, survey->repositories.items[i], blobs) < 0)
			rc = no_memory(err);
	if (rc == 0)
		rc = settle_blobs(snapshot, blobs, err);
	return rc < 0 ? rc : fill(snapshot, survey, err);
}

int dd_snapshot_take(struct dd_context *ctx, struct dd_store *store, struct dd_index *index,
		     struct dd_snapshot *snapshot, struct dd_error *err)
{
	blob_list blobs = { 0 };
	int rc = dd_snapshot_init(snapshot, err);

	if (rc < 0)
		return rc;
	snapshot->taken_ns = dd_time_now();
	snapshot->root = dd_snapshot_copy(snapshot, dd_store_get_root(store), err);
	rc = snapshot->root ? take(ctx, store, index, snapshot, &blobs, err) : DD_ENOMEM;
	dd_list_release(&blobs);
	return rc;
}
