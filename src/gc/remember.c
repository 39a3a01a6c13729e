/*
 * What is remembered of a collection that was applied: drydock status tells it.
 */
#include <stdio.h>

#include <drydock/units.h>

#include "gc/plan.h"

/* What was done is done; but a disk that takes no record needs a person. */
static void tell(struct dd_context *ctx, struct dd_gc *gc, int rc, const struct dd_error *err)
{
	if (rc == 0)
		return;
	gc->plan.unrecorded = true;
	dd_log(ctx, DD_LOG_WARNING, "%s", err->text);
}

void dd_gc_remember_begin(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
			  const char *run)
{
	struct dd_collection collection = { .began_ns = dd_time_now(),
					    .command = gc->options.command };
	struct dd_error own = { 0 };
	int rc;

	if (dd_gc_is_removal(&gc->options))
		return;
	snprintf(collection.run, sizeof(collection.run), "%s", run);
	rc = dd_collections_begin(store, &collection, &own);
	tell(ctx, gc, rc, &own);
	if (rc == 0)
		gc->begun_ns = collection.began_ns;
}

static uint64_t count_holds(const struct dd_gc *gc)
{
	uint64_t count = 0;

	for (size_t i = 0; i < gc->plan.hold_count; i++)
		count += !gc->plan.holds[i].acknowledged;
	return count;
}

void dd_gc_remember_end(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
			const char *run, int rc, const struct dd_error *err)
{
	const struct dd_gc_plan *plan = &gc->plan;
	struct dd_collection collection = {
		.began_ns = gc->begun_ns,
		.ended_ns = dd_time_now(),
		.status = rc < 0 ? dd_code_exit(rc) : dd_gc_plan_exit(plan),
		.withdrawn_items = plan->totals.withdrawn_items,
		.withdrawn_bytes = plan->totals.withdrawn_bytes,
		.freed_bytes = plan->totals.freed_bytes,
		.purged_runs = plan->totals.purged_runs,
		.revived_items = plan->totals.revived_items,
		.holds = count_holds(gc),
		.unreadable = plan->totals.unreadable,
		.repositories = plan->totals.repositories,
		.tags = plan->totals.tags,
		.manifests = plan->totals.manifests,
		.blobs = plan->totals.blobs,
		.young_bytes = plan->totals.young_bytes,
		.trash_keep_ns = (uint64_t)gc->options.trash_keep_ns,
		.reason = rc == 0 ? plan->brake :
			  err	  ? err->text :
				    dd_code_text(rc),
	};
	struct dd_error own = { 0 };

	if (!gc->begun_ns)
		return;
	snprintf(collection.run, sizeof(collection.run), "%s", run);
	rc = dd_collections_end(store, &collection, &own);
	if (rc == 0 && dd_context_check(ctx, NULL) == 0)
		rc = dd_records_compact(store, &own);
	tell(ctx, gc, rc, &own);
}
