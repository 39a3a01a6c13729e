/*
 * What if: how much more would go with --delete-untagged, and how much only the holds keep.
 */
#include "base/cleanup.h"
#include "gc/judge.h"
#include "gc/plan.h"

/* More than so many are not looked at one by one for an answer to a question that nobody asked. */
#define LOOKS 20000

/* As it would really be, youth, hard links and all. */
static int look_at_each(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
			const struct dd_judge_options *judge, struct dd_gathered *found,
			struct dd_error *err)
{
	DD_CLEANUP(dd_candidates_release) struct dd_candidates more = { 0 };
	int rc = dd_gc_pin(gc, &more, err);

	if (rc == 0)
		rc = dd_judge(ctx, store, gc->survey, judge, &more, err);
	*found = (struct dd_gathered){ 0 };
	for (size_t i = 0; i < more.list.count && rc == 0; i++) {
		const struct dd_candidate *candidate = &more.list.items[i];

		if (candidate->state != DD_CANDIDATE_DEAD)
			continue;
		found->items++;
		if (candidate->links <= 1)
			found->bytes += candidate->bytes;
	}
	return rc;
}

/* Judged by other rules; what is more than in the plan. */
static int estimate(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
		    struct dd_judge_options *judge, struct dd_gathered *more, struct dd_error *err)
{
	DD_CLEANUP(dd_candidates_release) struct dd_candidates unseen = { 0 };
	const struct dd_gc_totals *totals = &gc->plan.totals;
	int rc;

	judge->allow_empty = gc->options.allow_empty;
	judge->now_ns = gc->now_ns;
	judge->grace_ns = gc->options.grace_ns;
	judge->uploads_older_ns = gc->options.uploads_older_ns;
	judge->removed = gc->removal.list.items;
	judge->removed_count = gc->removal.list.count;
	judge->by_policy = gc->options.policy;
	judge->losses = gc->losses.items;
	judge->loss_count = gc->losses.count;
	rc = dd_gc_pin(gc, &unseen, err);
	if (rc == 0)
		rc = dd_gather_count(ctx, gc->survey, judge, &unseen, more, err);
	if (rc == 0 && more->items <= LOOKS)
		rc = look_at_each(ctx, store, gc, judge, more, err);
	else
		gc->plan.estimated = true;
	more->items = more->items > totals->items ? more->items - totals->items : 0;
	more->bytes = more->bytes > totals->bytes ? more->bytes - totals->bytes : 0;
	return rc;
}

int dd_gc_estimate(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
		   struct dd_error *err)
{
	struct dd_gc_totals *totals = &gc->plan.totals;
	struct dd_judge_options released = { .delete_untagged = gc->options.delete_untagged,
					     .ignore_holds = true };
	struct dd_judge_options untagged = { .delete_untagged = true };
	struct dd_gathered more = { 0 };
	int rc = 0;

	if (gc->holds.count) {
		rc = estimate(ctx, store, gc, &released, &more, err);
		totals->held_bytes = more.bytes;
	}
	if (rc == 0 && !gc->options.delete_untagged && totals->tags &&
	    !dd_mark_holds_everything(gc->candidates.mark)) {
		rc = estimate(ctx, store, gc, &untagged, &more, err);
		totals->untagged_items = more.items;
		totals->untagged_bytes = more.bytes;
	}
	return rc;
}
