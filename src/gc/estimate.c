/*
 * What if: how much more would go with --delete-untagged, and how much only the holds keep.
 */
#include "base/cleanup.h"
#include "gc/judge.h"
#include "gc/plan.h"

static int estimate_untagged(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
			     struct dd_error *err)
{
	DD_CLEANUP(dd_candidates_release) struct dd_candidates more = { 0 };
	const struct dd_judge_options judge = { .delete_untagged = true,
						.now_ns = gc->now_ns,
						.grace_ns = gc->options.grace_ns,
						.uploads_older_ns = gc->options.uploads_older_ns,
						.losses = gc->losses.items,
						.loss_count = gc->losses.count };
	struct dd_gc_totals *totals = &gc->plan.totals;
	uint64_t items = 0, bytes = 0;
	int rc = dd_judge(ctx, store, gc->survey, &judge, &more, err);

	for (size_t i = 0; i < more.list.count && rc == 0; i++) {
		const struct dd_candidate *candidate = &more.list.items[i];

		if (candidate->state != DD_CANDIDATE_DEAD)
			continue;
		items++;
		if (candidate->links <= 1)
			bytes += candidate->bytes;
	}
	totals->untagged_items = items > totals->items ? items - totals->items : 0;
	totals->untagged_bytes = bytes > totals->bytes ? bytes - totals->bytes : 0;
	return rc;
}

/* By the sizes that descriptors say: nobody was asked to look at what stays. */
static int estimate_held(struct dd_context *ctx, struct dd_gc *gc, struct dd_error *err)
{
	DD_CLEANUP(dd_mark_closep) struct dd_mark *mark = NULL;
	const struct dd_mark_options options = { .delete_untagged = gc->options.delete_untagged,
						 .ignore_holds = true,
						 .young = gc->candidates.young.items,
						 .young_count = gc->candidates.young.count };
	int rc = dd_mark_open(ctx, gc->survey, &options, &mark, err);

	for (size_t i = 0; i < gc->graph->nodes.count && rc == 0; i++) {
		const struct dd_node *node = &gc->graph->nodes.items[i];

		if ((node->flags & (DD_NODE_PRESENT | DD_NODE_REACHED)) == DD_NODE_PRESENT)
			gc->plan.totals.held_bytes += node->size;
	}
	/* What goes anyway is not kept by a hold. */
	for (size_t i = 0; i < gc->candidates.list.count && rc == 0; i++)
		if (gc->candidates.list.items[i].kind == DD_AT_BLOB &&
		    gc->candidates.list.items[i].id != DD_NO_ID)
			gc->plan.totals.held_bytes -=
				gc->graph->nodes.items[gc->candidates.list.items[i].id].size;
	return rc;
}

int dd_gc_estimate(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
		   struct dd_error *err)
{
	int rc = 0;

	if (gc->holds.count)
		rc = estimate_held(ctx, gc, err);
	if (rc == 0 && !gc->options.delete_untagged && gc->plan.totals.tags &&
	    !dd_mark_holds_everything(gc->candidates.mark))
		rc = estimate_untagged(ctx, store, gc, err);
	return rc;
}
