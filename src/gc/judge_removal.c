/*
 * Judging a removal: the same verdict twice, once with what was named and once without it. What only
 * the second one condemns goes; what both do is garbage, and a collection's.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "gc/judge.h"
#include "gc/objects.h"
#include "gc/plan.h"

static bool same(const struct dd_candidate *a, const struct dd_candidate *b)
{
	return a->kind == b->kind && a->repository == b->repository && a->id == b->id &&
	       a->tag == b->tag && a->extra == b->extra;
}

/* A repository that goes as a whole takes its dead links along. */
static bool is_of_whole(const struct dd_removal *removal, const struct dd_candidate *candidate)
{
	if (candidate->kind != DD_AT_LAYER && candidate->kind != DD_AT_HISTORY)
		return false;
	for (size_t i = 0; i < removal->whole.count; i++)
		if (removal->whole.items[i] == candidate->repository)
			return true;
	return false;
}

/* Both were gathered in the same order, and what is dead with everything is dead without, too. */
static void leave_garbage(const struct dd_gc *gc, const struct dd_candidates *garbage,
			  struct dd_candidates *candidates)
{
	const struct dd_removal *removal = &gc->removal;
	size_t at = 0;

	for (size_t i = 0; i < candidates->list.count; i++) {
		struct dd_candidate *candidate = &candidates->list.items[i];

		if (candidate->id == DD_NO_ID) { /* uploads, temporary files */
			if (!dd_gc_has_object(gc, candidate))
				candidate->state = DD_CANDIDATE_OTHER;
			continue;
		}
		while (at < garbage->list.count && garbage->list.items[at].id == DD_NO_ID)
			at++;
		if (at == garbage->list.count || !same(&garbage->list.items[at], candidate))
			continue;
		at++;
		if (!candidate->named && !is_of_whole(removal, candidate) &&
		    !dd_gc_has_object(gc, candidate))
			candidate->state = DD_CANDIDATE_OTHER;
	}
}

static bool *name_manifests(const struct dd_gc *gc)
{
	bool *named = calloc(gc->graph->nodes.count + 1, sizeof(*named));

	for (size_t i = 0; named && i < gc->removal.list.count; i++)
		if (gc->removal.list.items[i].id != DD_NO_ID)
			named[gc->removal.list.items[i].id] = true;
	return named;
}

int dd_gc_judge_removal(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
			struct dd_judge_options *judge, struct dd_error *err)
{
	DD_CLEANUP(dd_candidates_release) struct dd_candidates garbage = gc->candidates;
	DD_AUTOFREE bool *named = NULL;
	int rc = dd_gc_find_objects(gc, err);

	if (rc == 0)
		rc = dd_gc_name_objects(gc, err);
	if (rc == 0)
		rc = dd_removal_choose(gc->survey, gc->options.remove, gc->options.remove_count,
				       &gc->removal, err);
	gc->candidates = (struct dd_candidates){ 0 };
	named = rc == 0 ? name_manifests(gc) : NULL;
	if (rc == 0 && !named)
		rc = dd_fail(err, DD_ENOMEM, 0, "tell what is to go");
	if (rc < 0)
		return rc;
	judge->removed = gc->removal.list.items;
	judge->removed_count = gc->removal.list.count;
	judge->named = named;
	rc = dd_judge(ctx, store, gc->survey, judge, &gc->candidates, err);
	if (rc == 0)
		leave_garbage(gc, &garbage, &gc->candidates);
	return rc;
}
