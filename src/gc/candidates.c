/*
 * Gathering what is not reached, and telling the young from the dead.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jobs.h"
#include "gc/candidates.h"
#include "gc/young.h"

void dd_candidate_place(const struct dd_survey *survey, const struct dd_candidate *candidate,
			struct dd_place *place)
{
	const struct dd_repository *repo = NULL;

	memset(place, 0, sizeof(*place));
	place->kind = candidate->kind;
	if (candidate->repository != DD_NO_ID) {
		repo = survey->repositories.items[candidate->repository];
		place->repository = repo->name;
	}
	if (candidate->id != DD_NO_ID)
		dd_ids_get(&survey->graph->ids, candidate->id, &place->digest);
	if (candidate->reason == DD_REASON_TEMP_STALE)
		*place = survey->temps.items[candidate->extra].place;
	else if (candidate->reason == DD_REASON_UPLOAD_STALE)
		place->upload = repo->uploads.items[candidate->extra].id;
	else if (candidate->kind == DD_AT_HISTORY)
		place->tag = repo->tags.items[candidate->tag].name;
}

/* ---- gathering ---- */

struct gather {
	struct dd_survey *survey;
	const struct dd_judge_options *options;
	struct dd_candidates *candidates;
	const struct dd_repository *repo;
	uint32_t index;
	bool failed;
};

static struct dd_candidate *add(struct gather *gather, enum dd_place_kind kind,
				enum dd_reason reason, uint32_t id)
{
	struct dd_candidate *candidate = dd_list_add(&gather->candidates->list);

	if (!candidate) {
		gather->failed = true;
		return NULL;
	}
	candidate->kind = (uint8_t)kind;
	candidate->reason = (uint8_t)reason;
	candidate->repository = gather->index;
	candidate->id = id;
	return candidate;
}

static bool dead(const struct gather *gather, uint32_t id)
{
	return !dd_mark_reached(gather->candidates->mark, id);
}

static void gather_history(struct gather *gather)
{
	const struct dd_repository *repo = gather->repo;

	for (size_t t = 0; t < repo->tags.count; t++) {
		const struct dd_tag *tag = &repo->tags.items[t];

		for (uint32_t k = 0; k < tag->history_count; k++) {
			uint32_t id = repo->histories.items[tag->history + k];
			struct dd_candidate *candidate;

			if (!dead(gather, id))
				continue;
			candidate = add(gather, DD_AT_HISTORY, DD_REASON_HISTORY_DEAD, id);
			if (candidate) {
				candidate->tag = (uint32_t)t;
				candidate->latest_ns = tag->moved_ns;
			}
		}
	}
}

static void gather_links(struct gather *gather)
{
	const struct dd_repository *repo = gather->repo;
	const struct dd_node *nodes = gather->survey->graph->nodes.items;

	for (size_t i = 0; i < repo->revisions.count && gather->options->delete_untagged; i++)
		if (repo->revisions.items[i].state == DD_LINK_GOOD &&
		    dead(gather, repo->revisions.items[i].id))
			add(gather, DD_AT_REVISION, DD_REASON_UNTAGGED, repo->revisions.items[i].id);
	for (size_t i = 0; i < repo->layers.count; i++) {
		uint32_t id = repo->layers.items[i];

		/* One that names a manifest stays: registry 2.1 found manifests by it. */
		if (dead(gather, id) && !(nodes[id].flags & (DD_NODE_WANTED | DD_NODE_READ)))
			add(gather, DD_AT_LAYER, DD_REASON_LINK_UNUSED, id);
	}
}

static void gather_uploads(struct gather *gather)
{
	const struct dd_judge_options *options = gather->options;

	for (size_t i = 0; i < gather->repo->uploads.count; i++) {
		const struct dd_upload *upload = &gather->repo->uploads.items[i];
		int64_t quiet = options->grace_ns < options->uploads_older_ns ?
					options->grace_ns : options->uploads_older_ns;
		int64_t began = upload->began_ns ? upload->began_ns : upload->newest_ns;
		enum dd_place_kind kind = upload->has_data || !upload->has_startedat ?
						  DD_AT_UPLOAD : DD_AT_STARTEDAT;
		struct dd_candidate *candidate;

		/* One that began long ago and still receives bytes is young. */
		if (began > options->now_ns - options->uploads_older_ns ||
		    upload->newest_ns > options->now_ns - quiet)
			continue;
		candidate = add(gather, kind, DD_REASON_UPLOAD_STALE, DD_NO_ID);
		if (!candidate)
			continue;
		candidate->extra = (uint32_t)i;
		candidate->bytes = upload->bytes;
		candidate->links = upload->links;
		candidate->latest_ns = upload->newest_ns;
		candidate->stamp = upload->stamp;
	}
}

static int gather_repository(struct gather *gather, uint32_t index, struct dd_error *err)
{
	int rc = dd_mark_repository(gather->candidates->mark, index, err);

	if (rc < 0)
		return rc;
	gather->index = index;
	gather->repo = gather->survey->repositories.items[index];
	/* What lies under a name that is none is kept, and keeps; it is not ours to tidy. */
	if (!gather->repo->valid)
		return 0;
	gather_history(gather);
	gather_links(gather);
	gather_uploads(gather);
	return 0;
}

static void gather_blobs(struct gather *gather)
{
	const struct dd_graph *graph = gather->survey->graph;

	gather->index = DD_NO_ID;
	for (uint32_t id = 0; id < graph->nodes.count; id++)
		if ((graph->nodes.items[id].flags & (DD_NODE_PRESENT | DD_NODE_REACHED)) ==
		    DD_NODE_PRESENT)
			add(gather, DD_AT_BLOB, DD_REASON_UNREFERENCED, id);
}

static int gather_all(struct gather *gather, struct dd_error *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < gather->survey->repositories.count && rc == 0; i++)
		rc = gather_repository(gather, i, err);
	if (rc < 0)
		return rc;
	gather_blobs(gather);
	return gather->failed ? dd_fail(err, DD_ENOMEM, 0, "gather what is not reached") : 0;
}

/* ---- looking at each ---- */

#define BATCH 128

struct look {
	struct dd_context *ctx;
	struct dd_store *store;
	struct dd_survey *survey;
	struct dd_candidate *candidates;
	size_t count;
};

struct beside {
	const struct look *look;
	const struct dd_place *place;
};

static int see_beside(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	const struct beside *beside = arg;

	return dd_survey_add_temp(beside->look->survey, beside->look->store, beside->place,
				  entry->name, err);
}

static void look_at(const struct look *look, struct dd_candidate *candidate)
{
	struct dd_error err = { 0 };
	struct dd_place place;
	struct dd_info info;
	int rc;

	if (candidate->id == DD_NO_ID) /* uploads and temps were looked at by the scan */
		return;
	dd_candidate_place(look->survey, candidate, &place);
	rc = dd_store_stat(look->store, &place, &info, &err);
	if (rc < 0 || info.type != DD_ENTRY_FILE) {
		candidate->state = rc == DD_ENOENT ? DD_CANDIDATE_GONE : DD_CANDIDATE_UNREADABLE;
		if (rc == DD_ENOENT)
			dd_store_list_owner(look->store, &place, see_beside,
					    &(struct beside){ look, &place }, NULL);
		return;
	}
	if (info.mtime_ns > candidate->latest_ns)
		candidate->latest_ns = info.mtime_ns;
	/* A commit renames a blob into place, which leaves its mtime alone. */
	if (candidate->unlinked && info.changed_ns > candidate->latest_ns)
		candidate->latest_ns = info.changed_ns;
	candidate->bytes = info.size;
	candidate->links = info.links;
	candidate->stamp = info.stamp;
}

static void look_at_batch(void *arg)
{
	struct look *look = arg;

	for (size_t i = 0; i < look->count && !dd_context_cancelled(look->ctx); i++)
		look_at(look, &look->candidates[i]);
	dd_progress_add(look->ctx, look->count);
	free(look);
}

/* Whether any link names a blob, for those that may have none. */
static int tell_unlinked(struct dd_survey *survey, struct dd_candidates *candidates,
			 struct dd_error *err)
{
	DD_AUTOFREE bool *linked = calloc(survey->graph->nodes.count + 1, sizeof(*linked));

	if (!linked)
		return dd_fail(err, DD_ENOMEM, 0, "look at what is not reached");
	for (size_t i = 0; i < candidates->list.count; i++) {
		const struct dd_candidate *candidate = &candidates->list.items[i];

		if (candidate->kind != DD_AT_BLOB && candidate->id != DD_NO_ID)
			linked[candidate->id] = true;
	}
	for (size_t i = 0; i < candidates->list.count; i++) {
		struct dd_candidate *candidate = &candidates->list.items[i];

		candidate->unlinked = candidate->kind == DD_AT_BLOB && !linked[candidate->id];
	}
	return 0;
}

static int look_at_all(struct dd_context *ctx, struct dd_store *store, struct dd_survey *survey,
		       struct dd_candidates *candidates, struct dd_error *err)
{
	DD_CLEANUP(dd_jobs_closep) struct dd_jobs *jobs = NULL;
	int rc = tell_unlinked(survey, candidates, err);

	if (rc == 0)
		rc = dd_jobs_open(ctx, &jobs, err);
	if (rc < 0)
		return rc;
	dd_progress_begin(ctx, "judging", candidates->list.count);
	for (size_t at = 0; at < candidates->list.count; at += BATCH) {
		struct look *look = malloc(sizeof(*look));
		size_t left = candidates->list.count - at;

		if (!look)
			return dd_fail(err, DD_ENOMEM, 0, "look at what is not reached");
		*look = (struct look){ ctx, store, survey, candidates->list.items + at,
				       left < BATCH ? left : BATCH };
		dd_jobs_add(jobs, look_at_batch, look);
	}
	dd_jobs_closep(&jobs);
	dd_progress_end(ctx);
	return dd_context_check(ctx, err);
}

/* What a crash left beside a file of the registry's. */
static int gather_temps(struct gather *gather, struct dd_error *err)
{
	const struct dd_judge_options *options = gather->options;

	gather->index = DD_NO_ID;
	for (size_t i = 0; i < gather->survey->temps.count; i++) {
		const struct dd_temp *temp = &gather->survey->temps.items[i];
		struct dd_candidate *candidate;

		if (temp->info.mtime_ns > options->now_ns - options->grace_ns ||
		    (temp->place.repository && !dd_repository_valid(temp->place.repository)))
			continue;
		candidate = add(gather, temp->place.kind, DD_REASON_TEMP_STALE, DD_NO_ID);
		if (!candidate)
			return dd_fail(err, DD_ENOMEM, 0, "gather what is not reached");
		candidate->extra = (uint32_t)i;
		candidate->bytes = temp->info.size;
		candidate->links = temp->info.links;
		candidate->latest_ns = temp->info.mtime_ns;
		candidate->stamp = temp->info.stamp;
	}
	return 0;
}

/* ---- the verdict ---- */

static int mark_again(struct dd_context *ctx, struct dd_survey *survey,
		      const struct dd_judge_options *options, struct dd_candidates *candidates,
		      struct dd_error *err)
{
	const struct dd_mark_options mark = {
		.delete_untagged = options->delete_untagged,
		.losses = options->losses,
		.loss_count = options->loss_count,
		.young = candidates->young.items,
		.young_count = candidates->young.count,
	};

	dd_mark_closep(&candidates->mark);
	return dd_mark_open(ctx, survey, &mark, &candidates->mark, err);
}

/* What something young reaches stays; candidates of a repository stand in a row. */
static int spare_reached(struct dd_survey *survey, struct dd_candidates *candidates,
			 struct dd_error *err)
{
	uint32_t marked = DD_NO_ID;

	for (size_t i = 0; i < candidates->list.count; i++) {
		struct dd_candidate *candidate = &candidates->list.items[i];
		bool reached;

		if (candidate->id == DD_NO_ID || candidate->state != DD_CANDIDATE_DEAD)
			continue;
		if (candidate->kind == DD_AT_BLOB) {
			reached = survey->graph->nodes.items[candidate->id].flags & DD_NODE_REACHED;
		} else {
			if (marked != candidate->repository) {
				int rc = dd_mark_repository(candidates->mark, candidate->repository, err);

				if (rc < 0)
					return rc;
				marked = candidate->repository;
			}
			reached = dd_mark_reached(candidates->mark, candidate->id);
		}
		if (reached)
			candidate->state = DD_CANDIDATE_REACHED;
	}
	return 0;
}

int dd_candidates_judge(struct dd_context *ctx, struct dd_store *store, struct dd_survey *survey,
			const struct dd_judge_options *options, struct dd_candidates *candidates,
			struct dd_error *err)
{
	struct gather gather = { .survey = survey, .options = options, .candidates = candidates };
	int rc = mark_again(ctx, survey, options, candidates, err);

	if (rc == 0)
		rc = gather_all(&gather, err);
	if (rc == 0)
		rc = look_at_all(ctx, store, survey, candidates, err);
	if (rc == 0)
		rc = gather_temps(&gather, err);
	if (rc == 0)
		rc = dd_young_find(ctx, store, survey, options, candidates, err);
	if (rc == 0 && candidates->young.count) {
		rc = mark_again(ctx, survey, options, candidates, err);
		if (rc == 0)
			rc = spare_reached(survey, candidates, err);
	}
	return rc;
}

void dd_candidates_release(struct dd_candidates *candidates)
{
	dd_mark_closep(&candidates->mark);
	dd_list_release(&candidates->list);
	dd_list_release(&candidates->young);
}
