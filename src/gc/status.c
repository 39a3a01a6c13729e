/*
 * Status: each part by itself, so that one that fails leaves the others.
 *
 * The lock is looked at first. What began before that and has no end is dead if nobody held it then;
 * what began later is at work, or was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "gc/status.h"

/* What stops everything; all else is the trouble of a part. */
static int settle(struct dd_status_making *making, enum dd_status_part part, int rc,
		  const struct dd_error *own, struct dd_error *err)
{
	if (rc >= 0)
		return 0;
	if (rc != DD_ENOMEM && rc != DD_ECANCELLED) {
		making->status.trouble[part] = *own;
		return 0;
	}
	if (err)
		*err = *own;
	return rc;
}

/* "drydock gc --apply, process 12 on host, since 2026-11-25T03:30:02Z" */
static int64_t since(const char *holder)
{
	const char *at = NULL, *next = holder;
	int64_t ns;

	while ((next = strstr(next, ", since ")) != NULL)
		at = next += strlen(", since ");
	return at && dd_time_parse(&ns, at, strlen(at)) == 0 ? ns : 0;
}

static int look_at_lock(struct dd_status_making *making, struct dd_error *err)
{
	struct dd_status *status = &making->status;
	struct dd_error own = { 0 };
	int rc = dd_store_look_at_lock(making->store, &status->locked, status->holder, &own);

	if (rc == 0 && status->locked)
		status->locked_ns = since(status->holder);
	if (rc == 0)
		rc = dd_store_look_at_owner_lock(making->store, &status->served, status->server,
						 &own);
	if (rc == 0 && status->served)
		status->served_ns = since(status->server);
	return settle(making, DD_PART_LOCK, rc, &own, err);
}

static int look_at_space(struct dd_status_making *making, struct dd_error *err)
{
	struct dd_error own = { 0 };

	return settle(making, DD_PART_SPACE,
		      dd_store_space(making->store, &making->status.space, &own), &own, err);
}

/* ---- what is remembered ---- */

static enum dd_status_outcome outcome(const struct dd_status *status)
{
	const struct dd_collection *last = &status->collections.last;

	if (!last->began_ns)
		return DD_COLLECTION_NEVER;
	if (!last->ended_ns) {
		bool before = last->began_ns < status->now_ns;

		/* Whoever holds the lock since before it began is that very run. */
		if (status->locked)
			before = last->began_ns < status->locked_ns;
		return before && !status->trouble[DD_PART_LOCK].code ? DD_COLLECTION_DIED :
								       DD_COLLECTION_RUNNING;
	}
	if (last->status == DD_EXIT_DONE)
		return DD_COLLECTION_DONE;
	if (last->status == DD_EXIT_ATTENTION)
		return last->reason[0] ? DD_COLLECTION_BRAKED : DD_COLLECTION_ATTENTION;
	return last->status == DD_EXIT_INTERRUPTED ? DD_COLLECTION_INTERRUPTED :
						     DD_COLLECTION_FAILED;
}

static int recall_collection(struct dd_status_making *making,
			     const struct dd_status_options *options, struct dd_error *err)
{
	struct dd_status *status = &making->status;
	struct dd_error own = { 0 };
	int rc = dd_collections_load(making->store, &status->collections, &own);
	uint64_t kept = status->collections.whole.trash_keep_ns;

	status->outcome = outcome(status);
	if (options->trash_keep_ns >= 0)
		status->trash_keep_ns = options->trash_keep_ns;
	else if (status->collections.whole.began_ns && kept <= INT64_MAX)
		status->trash_keep_ns = (int64_t)kept;
	else
		status->trash_keep_ns = DD_GC_TRASH_KEEP;
	return settle(making, DD_PART_COLLECTION, rc, &own, err);
}

static int recall_verification(struct dd_status_making *making,
			       const struct dd_status_options *options, struct dd_error *err)
{
	struct dd_error own = { 0 };
	int rc = dd_runs_find_last(options->log, &making->status.verification, &own);

	making->status.verified = rc > 0;
	return settle(making, DD_PART_VERIFICATION, rc, &own, err);
}

/* ---- the volume ---- */

static void count_uploads(const struct dd_survey *survey, struct dd_status_volume *volume)
{
	for (size_t i = 0; i < survey->repositories.count; i++) {
		const struct dd_repository *repo = survey->repositories.items[i];

		for (size_t k = 0; k < repo->uploads.count; k++) {
			const struct dd_upload *upload = &repo->uploads.items[k];
			int64_t began = upload->began_ns ? upload->began_ns : upload->newest_ns;

			volume->uploads++;
			volume->upload_bytes += upload->bytes;
			if (!volume->oldest_upload_ns || began < volume->oldest_upload_ns)
				volume->oldest_upload_ns = began;
		}
	}
}

/* Of a blob that some manifest names, its descriptor's word; of one that is a manifest, its length. */
static uint64_t size_of(const struct dd_graph *graph, const struct dd_node *node)
{
	return node->manifest != DD_NO_ID ? graph->manifests.items[node->manifest].stored :
					    node->size;
}

static void add_sizes(const struct dd_gc *gc, struct dd_status_volume *volume)
{
	const struct dd_graph *graph = gc->graph;

	for (size_t i = 0; i < graph->nodes.count; i++) {
		const struct dd_node *node = &graph->nodes.items[i];
		uint64_t size = size_of(graph, node);

		if (!(node->flags & DD_NODE_PRESENT))
			continue;
		volume->bytes += size;
		volume->unsized_blobs += !size;
	}
	/* What no manifest names was looked at, as it could go. */
	for (size_t i = 0; i < gc->candidates.list.count; i++) {
		const struct dd_candidate *candidate = &gc->candidates.list.items[i];
		const struct dd_node *node;

		if (candidate->kind != DD_AT_BLOB || candidate->id == DD_NO_ID || !candidate->bytes)
			continue;
		node = &graph->nodes.items[candidate->id];
		if (size_of(graph, node) || !(node->flags & DD_NODE_PRESENT))
			continue;
		volume->bytes += candidate->bytes;
		volume->unsized_blobs--;
	}
}

static void describe(struct dd_status_making *making)
{
	const struct dd_gc_totals *totals = &making->gc->plan.totals;
	struct dd_status_volume *volume = &making->status.volume;

	volume->known = true;
	volume->seen_ns = making->status.now_ns;
	volume->repositories = totals->repositories;
	volume->tags = totals->tags;
	volume->manifests = totals->manifests;
	volume->blobs = totals->blobs;
	count_uploads(making->gc->survey, volume);
	add_sizes(making->gc, volume);
}

static int plan(struct dd_status_making *making, const struct dd_status_options *options,
		struct dd_error *err)
{
	const struct dd_gc_options wanted = { .grace_ns = options->grace_ns,
					      .uploads_older_ns = DD_GC_UPLOADS,
					      .trash_keep_ns = making->status.trash_keep_ns,
					      .index = options->index };
	struct dd_error own = { 0 };
	int rc = dd_gc_plan(making->ctx, making->store, &wanted, &making->gc, &own);

	if (rc == 0) {
		making->status.gc = making->gc;
		making->status.trash = &making->gc->trash.trash;
		describe(making);
	}
	return settle(making, DD_PART_PLAN, rc, &own, err);
}

/* As the last collection found it. */
static void remember_volume(struct dd_status *status)
{
	const struct dd_collection *whole = &status->collections.whole;

	if (!whole->began_ns)
		return;
	status->volume = (struct dd_status_volume){ .known = true,
						    .seen_ns = whole->began_ns,
						    .repositories = whole->repositories,
						    .tags = whole->tags,
						    .manifests = whole->manifests,
						    .blobs = whole->blobs,
						    .unsized_blobs = whole->blobs };
}

static int look_into_trash(struct dd_status_making *making, struct dd_error *err)
{
	struct dd_status *status = &making->status;
	struct dd_error own = { 0 };
	int rc = 0;

	if (!status->trash) {
		rc = dd_trash_load(making->ctx, making->store, &making->own_trash, &own);
		if (rc == 0)
			status->trash = &making->own_trash;
	}
	for (size_t i = 0; status->trash && i < status->trash->count; i++)
		status->trash_bytes += dd_run_bytes(&status->trash->runs[i]);
	return settle(making, DD_PART_TRASH, rc, &own, err);
}

int64_t dd_status_expires(const struct dd_status *status, const struct dd_run *run)
{
	return dd_time_after(run->began_ns, status->trash_keep_ns);
}

/* ---- the whole ---- */

static int gather(struct dd_status_making *making, const struct dd_status_options *options,
		  struct dd_error *err)
{
	int rc = look_at_lock(making, err);

	if (rc == 0)
		rc = look_at_space(making, err);
	if (rc == 0)
		rc = recall_collection(making, options, err);
	if (rc == 0)
		rc = recall_verification(making, options, err);
	if (rc == 0 && !options->quick)
		rc = plan(making, options, err);
	if (rc == 0 && !making->gc)
		remember_volume(&making->status);
	if (rc == 0)
		rc = look_into_trash(making, err);
	return rc == 0 ? dd_status_judge(making, err) : rc;
}

int dd_status_open(struct dd_context *ctx, struct dd_store *store,
		   const struct dd_status_options *options, struct dd_status **out,
		   struct dd_error *err)
{
	struct dd_status_making *making = calloc(1, sizeof(*making));
	int rc;

	*out = NULL;
	if (!making)
		return dd_fail(err, DD_ENOMEM, 0, "status");
	making->ctx = ctx;
	making->store = store;
	making->status.root = dd_store_get_root(store);
	making->status.now_ns = dd_time_now();
	making->status.quick = options->quick;
	*out = &making->status;
	rc = gather(making, options, err);
	if (rc < 0)
		dd_status_closep(out);
	return rc;
}

void dd_status_closep(struct dd_status **status)
{
	struct dd_status_making *making = (struct dd_status_making *)*status;

	if (!making)
		return;
	dd_gc_closep(&making->gc);
	dd_trash_release(&making->own_trash);
	dd_collections_release(&making->status.collections);
	dd_list_release(&making->problems);
	dd_arena_release(&making->details);
	free(making);
	*status = NULL;
}
