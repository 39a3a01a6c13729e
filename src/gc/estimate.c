/*
 * What if: how much more would go with --delete-untagged, and how much only the holds keep.
 */
#include "base/cleanup.h"
#include "gc/judge.h"
#include "gc/plan.h"

/* Judged by other rules; what is more than in the plan. */
static int estimate(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
		    struct dd_judge_options *judge, uint64_t *more_items, uint64_t *more_bytes,
		    struct dd_error *err)
{
	DD_CLEANUP(dd_candidates_release) struct dd_candidates more = { 0 };
	const struct dd_gc_totals *totals = &gc->plan.totals;
	uint64_t items = 0, bytes = 0;
	int rc;

	judge->now_ns = gc->now_ns;
	judge->grace_ns = gc->options.grace_ns;
	judge->uploads_older_ns = gc->options.uploads_older_ns;
	judge->losses = gc->losses.items;
	judge->loss_count = gc->losses.count;
	rc = dd_judge(ctx, store, gc->survey, judge, &more, err);
	for (size_t i = 0; i < more.list.count && rc == 0; i++) {
		const struct dd_candidate *candidate = &more.list.items[i];

		if (candidate->state != DD_CANDIDATE_DEAD)
			continue;
		items++;
		if (candidate->links <= 1)
			bytes += candidate->bytes;
	}
	*more_items = items > totals->items ? items - totals->items : 0;
	*more_bytes = bytes > totals->bytes ? bytes - totals->bytes : 0;
	return rc;
}

int dd_gc_estimate(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
		   struct dd_error *err)
{
	struct dd_gc_totals *totals = &gc->plan.totals;
	struct dd_judge_options released = { .delete_untagged = gc->options.delete_untagged,
					     .ignore_holds = true };
	struct dd_judge_options untagged = { .delete_untagged = true };
	uint64_t items;
	int rc = 0;

	if (gc->holds.count)
		rc = estimate(ctx, store, gc, &released, &items, &totals->held_bytes, err);
	if (rc == 0 && !gc->options.delete_untagged && totals->tags &&
	    !dd_mark_holds_everything(gc->candidates.mark))
		rc = estimate(ctx, store, gc, &untagged, &totals->untagged_items,
			      &totals->untagged_bytes, err);
	return rc;
}
