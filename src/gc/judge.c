/*
 * The verdict: mark, gather, look at each, tell the young, mark again.
 */
#include "gc/judge.h"
#include "base/cleanup.h"
#include "gc/plan_file.h"

/* What something young reaches stays; candidates of a repository stand in a row. */
static int spare_reached(struct dd_survey *survey, struct dd_candidates *candidates,
			 struct dd_error *err)
{
	uint32_t marked = DD_NO_ID;

	for (size_t i = 0; i < candidates->list.count; i++) {
		struct dd_candidate *candidate = &candidates->list.items[i];
		bool reached;

		/* A tag that is removed goes whatever still reaches what it points to. */
		if (candidate->id == DD_NO_ID || candidate->state != DD_CANDIDATE_DEAD ||
		    (candidate->named &&
		     (candidate->kind == DD_AT_TAG || candidate->kind == DD_AT_HISTORY)))
			continue;
		if (candidate->kind == DD_AT_BLOB) {
			reached = survey->graph->nodes.items[candidate->id].flags & DD_NODE_REACHED;
		} else {
			if (marked != candidate->repository) {
				int rc = dd_mark_repository(candidates->mark, candidate->repository,
							    err);

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

int dd_judge(struct dd_context *ctx, struct dd_store *store, struct dd_survey *survey,
	     const struct dd_judge_options *options, struct dd_candidates *candidates,
	     struct dd_error *err)
{
	int rc = dd_gather(ctx, survey, options, candidates, err);

	if (rc == 0)
		rc = dd_look_at_candidates(ctx, store, survey, options, candidates, err);
	if (rc == 0)
		rc = dd_gather_temps(survey, options, candidates, err);
	if (rc == 0 && options->plan)
		rc = dd_plan_file_match(options->plan, survey, candidates, err);
	if (rc == 0)
		rc = dd_young_find(ctx, store, survey, options, candidates, err);
	if (rc == 0 && candidates->young.count) {
		rc = dd_candidates_mark(ctx, survey, options, candidates, NULL, NULL, err);
		if (rc == 0)
			rc = spare_reached(survey, candidates, err);
	}
	return rc;
}
