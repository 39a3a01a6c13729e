/*
 * The end of a collection: runs that are old leave the trash for good, and others while it takes too
 * much. All that was needed of them has come back by then.
 */
#include <string.h>

#include "gc/plan.h"

static struct dd_expiry_rule rule_of(const struct dd_gc *gc)
{
	return (struct dd_expiry_rule){ .oldest_ns = gc->now_ns - gc->options.trash_keep_ns,
					.bounds = gc->options.trash };
}

static void publish(struct dd_gc *gc)
{
	gc->plan.expiring = gc->expiring.list.items;
	gc->plan.expiring_count = gc->expiring.list.count;
	gc->plan.short_bytes = gc->expiring.short_bytes;
}

/* With what this run takes, or took, as if it lay there already. */
static int reckon(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
		  struct dd_error *err)
{
	const struct dd_gc_totals *totals = &gc->plan.totals;
	struct dd_expiry_rule rule = rule_of(gc);
	bool purged = gc->plan.applied ? gc->plan.purged : gc->options.purge;
	int rc;

	dd_expiry_look(ctx, store, &rule);
	gc->options.trash = rule.bounds; /* what cannot be told is said once */
	rule.coming = !purged;
	rule.coming_objects = gc->plan.applied ? totals->withdrawn_items : totals->items;
	rule.coming_bytes = gc->plan.applied ? totals->withdrawn_bytes : totals->bytes;
	if (purged) {
		rule.space.free += gc->plan.applied ? 0 : rule.coming_bytes;
		rule.coming_bytes = 0;
	}
	rule.back = gc->revivals.list.items;
	rule.back_count = gc->revivals.list.count;
	rc = dd_expire(&gc->trash.trash, &rule, &gc->expiring, err);
	publish(gc);
	return rc;
}

int dd_gc_expect_trash(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
		       struct dd_error *err)
{
	int rc;

	/* Who removes by name has not asked for that, and a braked run takes nothing at all. */
	if (dd_gc_is_removal(&gc->options) || gc->plan.brake)
		return 0;
	rc = reckon(ctx, store, gc, err);
	if (rc < 0 || !dd_gc_plan_doubt(&gc->plan) || !gc->expiring.list.count)
		return rc;
	gc->plan.trash_doubted = true;
	gc->expiring.list.count = 0;
	publish(gc);
	return 0;
}

static int empty_one(struct dd_context *ctx, struct dd_gc *gc, struct dd_change *change,
		     struct dd_emptied *run, bool own_may, struct dd_error *err)
{
	struct dd_gc_totals *totals = &gc->plan.totals;
	bool own = !strcmp(run->run, gc->plan.run);
	int rc;

	if (run->unseen || (own && !own_may)) {
		dd_log(ctx, DD_LOG_WARNING, "run %s is kept: not all of it could be looked at",
		       run->run);
		totals->unreadable++;
		return 0;
	}
	rc = dd_change_empty(change, run->run, err);
	if (rc < 0)
		return rc;
	run->removed = true;
	totals->freed_bytes += run->bytes;
	if (own) {
		gc->plan.purged = true;
		return 0;
	}
	totals->purged_runs++;
	totals->early_runs += run->why != DD_EXPIRY_OLD;
	return 0;
}

int dd_gc_empty_old(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
		    struct dd_change *change, bool doubt, bool own_may, bool *late,
		    struct dd_error *err)
{
	struct dd_trash_view now = { 0 };
	struct dd_expiry_rule rule = rule_of(gc);
	int rc;

	if (dd_gc_is_removal(&gc->options) || gc->plan.brake)
		return 0;
	/* A trash of which nothing goes is not looked through once more. */
	rc = reckon(ctx, store, gc, err);
	if (rc < 0 || !gc->expiring.list.count)
		return rc;
	if (doubt || dd_gc_plan_doubt(&gc->plan)) {
		dd_log(ctx, DD_LOG_WARNING,
		       "old trash is kept: what is still needed of it cannot be told");
		gc->plan.trash_doubted = true;
		gc->expiring.list.count = 0;
		publish(gc);
		return 0;
	}
	rule.own = gc->plan.run;
	rule.change = change;
	rc = dd_trash_view_open(ctx, store, &now, err);
	dd_expiry_look(ctx, store, &rule);
	if (rc == 0)
		rc = dd_expire(&now.trash, &rule, &gc->expiring, err);
	publish(gc);
	/* Of what is only seen to be gone, nothing may be missing when it is there again. */
	if (rc == 0 && gc->expiring.list.count)
		rc = dd_change_outwait(change, err);
	for (size_t i = 0; i < gc->expiring.list.count && rc == 0; i++) {
		*late = dd_context_time_is_up(ctx);
		if (*late)
			break;
		rc = empty_one(ctx, gc, change, &gc->expiring.list.items[i], own_may, err);
	}
	dd_trash_view_release(&now);
	return rc;
}
