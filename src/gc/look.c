/*
 * Looking at each candidate: whether it is there, how large, and when it changed last.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/jobs.h"
#include "gc/judge.h"

#define BATCH 128

struct look {
	struct dd_context *ctx;
	struct dd_store *store;
	struct dd_survey *survey;
	bool beside;
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

static void look_at(const struct look *look, struct dd_candidate *candidate,
		    struct dd_directory **held)
{
	struct dd_error err = { 0 };
	struct dd_place place;
	struct dd_info info;
	int rc;

	dd_candidate_place(look->survey, candidate, &place);
	if (dd_store_is_apart(look->store, &place)) {
		candidate->state = DD_CANDIDATE_ELSEWHERE;
		return;
	}
	if (candidate->id == DD_NO_ID) /* uploads and temps were looked at by the scan */
		return;
	rc = dd_store_stat_near(look->store, held, &place, &info, &err);
	if (rc < 0 || info.type != DD_ENTRY_FILE) {
		candidate->state = rc == DD_ENOENT ? DD_CANDIDATE_GONE : DD_CANDIDATE_UNREADABLE;
		if (rc == DD_ENOENT && look->beside)
			dd_store_list_owner(look->store, &place, see_beside,
					    &(struct beside){ look, &place }, NULL);
		return;
	}
	if (info.device != look->survey->device) {
		candidate->state = DD_CANDIDATE_ELSEWHERE;
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
	DD_CLEANUP(dd_directory_closep) struct dd_directory *held = NULL;

	for (size_t i = 0; i < look->count && !dd_context_cancelled(look->ctx); i++)
		look_at(look, &look->candidates[i], &held);
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

/* A crash may leave a blob's directory without the blob: then a link to it dangles, too. */
static int tell_dangling(struct dd_survey *survey, struct dd_candidates *candidates,
			 struct dd_error *err)
{
	DD_AUTOFREE bool *gone = calloc(survey->graph->nodes.count + 1, sizeof(*gone));

	if (!gone)
		return dd_fail(err, DD_ENOMEM, 0, "look at what is not reached");
	for (size_t i = 0; i < candidates->list.count; i++) {
		const struct dd_candidate *candidate = &candidates->list.items[i];

		if (candidate->kind == DD_AT_BLOB && candidate->state == DD_CANDIDATE_GONE)
			gone[candidate->id] = true;
	}
	for (size_t i = 0; i < candidates->list.count; i++) {
		struct dd_candidate *candidate = &candidates->list.items[i];

		if (candidate->reason == DD_REASON_LINK_UNUSED &&
		    dd_link_dangles(survey->graph, candidate->id, gone))
			candidate->reason = DD_REASON_LINK_DANGLING;
	}
	return 0;
}

int dd_look_at_candidates(struct dd_context *ctx, struct dd_store *store, struct dd_survey *survey,
			  const struct dd_judge_options *options, struct dd_candidates *candidates,
			  struct dd_error *err)
{
	DD_CLEANUP(dd_jobs_closep) struct dd_jobs *jobs = NULL;
	int rc = tell_unlinked(survey, candidates, err);

	if (rc == 0)
		rc = dd_jobs_open(ctx, &jobs, err);
	if (rc < 0)
		return rc;
	dd_progress_begin(ctx, "judging", candidates->list.count);
	dd_store_begin_looks(store);
	for (size_t at = 0; at < candidates->list.count; at += BATCH) {
		struct look *look = malloc(sizeof(*look));
		size_t left = candidates->list.count - at;

		if (!look) {
			rc = dd_fail(err, DD_ENOMEM, 0, "look at what is not reached");
			break;
		}
		*look = (struct look){ ctx,
				       store,
				       survey,
				       options->beside,
				       candidates->list.items + at,
				       left < BATCH ? left : BATCH };
		dd_jobs_add(jobs, look_at_batch, look);
	}
	dd_jobs_closep(&jobs);
	dd_store_end_looks(store);
	dd_progress_end(ctx);
	if (rc == 0)
		rc = tell_dangling(survey, candidates, err);
	return rc < 0 ? rc : dd_context_check(ctx, err);
}
