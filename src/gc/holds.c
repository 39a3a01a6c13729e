/*
 * What is held by doubt, and what of that is known already.
 */
#include <stdlib.h>
#include <string.h>

#include "gc/plan.h"

static bool is_acknowledged(const struct dd_gc *gc, const struct dd_hold *hold)
{
	if (!hold->repository || !hold->has_digest)
		return false;
	for (size_t i = 0; i < gc->options.ack_count; i++)
		if (!strcmp(gc->options.ack[i].repository, hold->repository) &&
		    dd_digest_equal(&gc->options.ack[i].digest, &hold->digest))
			return true;
	for (size_t i = 0; i < gc->records.count; i++)
		if (!strcmp(gc->records.acknowledged[i].repository, hold->repository) &&
		    dd_digest_equal(&gc->records.acknowledged[i].digest, &hold->digest))
			return true;
	return false;
}

/* The same from run to run: what explains it before "and it has no layers", then by digest. */
static int compare_holds(const void *left, const void *right)
{
	const struct dd_hold *a = left, *b = right;
	int order;

	if (!a->repository || !b->repository)
		order = (a->repository != NULL) - (b->repository != NULL);
	else
		order = strcmp(a->repository, b->repository);
	if (!order)
		order = (a->doubt == DD_DOUBT_NO_LAYERS) - (b->doubt == DD_DOUBT_NO_LAYERS);
	return order ? order : memcmp(&a->digest, &b->digest, sizeof(a->digest));
}

int dd_gc_gather_holds(struct dd_gc *gc, struct dd_error *err)
{
	size_t count;
	const struct dd_marked_hold *holds = dd_mark_holds(gc->candidates.mark, &count);

	for (size_t i = 0; i < count; i++) {
		struct dd_hold *hold = dd_list_add(&gc->holds);

		if (!hold)
			return dd_fail(err, DD_ENOMEM, 0, "plan");
		hold->doubt = holds[i].doubt;
		hold->everything = holds[i].everything;
		hold->detail =
			dd_arena_copy(&gc->details, holds[i].detail, strlen(holds[i].detail));
		if (!hold->detail)
			return dd_fail(err, DD_ENOMEM, 0, "plan");
		if (holds[i].repository != DD_NO_ID)
			hold->repository =
				gc->survey->repositories.items[holds[i].repository]->name;
		hold->has_digest = holds[i].id != DD_NO_ID;
		if (hold->has_digest)
			dd_ids_get(&gc->graph->ids, holds[i].id, &hold->digest);
		hold->acknowledged = is_acknowledged(gc, hold);
	}
	if (gc->holds.count)
		qsort(gc->holds.items, gc->holds.count, sizeof(*gc->holds.items), compare_holds);
	/* A volume that is held because of a hold that is known is known to be held: the holds of a
	 * repository stand in a row, that one last. */
	for (size_t i = 0; i < gc->holds.count; i++) {
		struct dd_hold *hold = &gc->holds.items[i];

		for (size_t k = i; k > 0 && hold->doubt == DD_DOUBT_NO_LAYERS &&
				   gc->holds.items[k - 1].repository == hold->repository;
		     k--)
			hold->acknowledged |= gc->holds.items[k - 1].acknowledged;
	}
	return 0;
}

const struct dd_hold *dd_gc_plan_doubt(const struct dd_gc_plan *plan)
{
	for (size_t i = 0; i < plan->hold_count; i++)
		if (!plan->holds[i].acknowledged)
			return &plan->holds[i];
	return NULL;
}
