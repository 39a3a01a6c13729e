/*
 * From verdicts to roots that count as gone.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "gc/plan.h"

struct weaken {
	struct dd_gc *gc;
	uint32_t repository, start;
	bool keep_referrers;
};

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "judge by the policy");
}

static int add(struct dd_gc *gc, uint32_t repository, uint32_t tag, uint32_t id)
{
	struct dd_removed *slot = dd_list_add(&gc->removal.list);

	if (!slot)
		return DD_ENOMEM;
	*slot = (struct dd_removed){ repository, tag, id };
	return 0;
}

static bool is_referrer(const struct dd_graph *graph, uint32_t id)
{
	uint32_t manifest = graph->nodes.items[id].manifest;

	return manifest != DD_NO_ID && graph->manifests.items[manifest].subject != DD_NO_ID;
}

/* What hangs together with a manifest goes with it; or its referrers stay, as roots. */
static int add_revision(void *arg, uint32_t id)
{
	struct weaken *weaken = arg;
	struct dd_young_root *root;

	if (!weaken->keep_referrers || id == weaken->start || !is_referrer(weaken->gc->graph, id))
		return add(weaken->gc, weaken->repository, DD_NO_ID, id) < 0 ? DD_ENOMEM : 1;
	root = dd_list_add(&weaken->gc->retain.referrers);
	if (!root)
		return DD_ENOMEM;
	*root = (struct dd_young_root){ weaken->repository, id };
	return 0;
}

/* A tag of which the past is to go, and which says well enough what it is today. */
static int remove_history(struct dd_gc *gc, const struct dd_retained *retained)
{
	const struct dd_repository *repo = gc->survey->repositories.items[retained->repository];
	const struct dd_tag *tag = &repo->tags.items[retained->tag];
	int rc = 0;

	if (tag->state != DD_LINK_GOOD || tag->current == DD_NO_ID || !repo->valid)
		return 0;
	for (uint32_t i = 0; i < tag->history_count && rc == 0; i++) {
		uint32_t id = repo->histories.items[tag->history + i];

		if (id != tag->current)
			rc = add(gc, retained->repository, retained->tag, id);
	}
	return rc;
}

static int remove_untagged(struct dd_gc *gc, uint32_t index)
{
	const struct dd_repository *repo = gc->survey->repositories.items[index];
	int rc = 0;

	for (size_t i = 0; i < repo->revisions.count && rc == 0; i++)
		if (repo->revisions.items[i].state == DD_LINK_GOOD)
			rc = add(gc, index, DD_NO_ID, repo->revisions.items[i].id);
	return rc;
}

static int remove_tag(struct dd_gc *gc, struct dd_family *family,
		      const struct dd_retained *retained, struct dd_error *err)
{
	const struct dd_repository *repo = gc->survey->repositories.items[retained->repository];
	struct weaken weaken = {
		.gc = gc,
		.repository = retained->repository,
		.start = repo->tags.items[retained->tag].current,
		.keep_referrers = gc->retain.about[retained->repository].referrers == DD_KEEP
	};
	int rc;

	if (add(gc, retained->repository, retained->tag, DD_NO_ID) < 0)
		return no_memory(err);
	rc = family->repo == repo ? 0 : dd_family_begin(family, repo, err);
	if (rc == 0 && weaken.start != DD_NO_ID &&
	    dd_family_walk(family, weaken.start, false, add_revision, &weaken) < 0)
		rc = no_memory(err);
	return rc;
}

int dd_retain_remove(struct dd_gc *gc, struct dd_error *err)
{
	DD_CLEANUP(dd_family_release) struct dd_family family = { 0 };
	const struct dd_retain *retain = &gc->retain;
	int rc = dd_family_init(&family, gc->graph, err);

	gc->removal.list.count = 0;
	gc->retain.referrers.count = 0;
	for (size_t i = 0; i < retain->tags.count && rc == 0; i++) {
		const struct dd_retained *retained = &retain->tags.items[i];

		if (dd_tag_verdict_goes(retained->verdict.reason))
			rc = remove_tag(gc, &family, retained, err);
		else if (retain->about[retained->repository].history == DD_REMOVE &&
			 remove_history(gc, retained) < 0)
			rc = no_memory(err);
	}
	for (uint32_t i = 0; i < gc->survey->repositories.count && rc == 0; i++)
		if (retain->about[i].untagged == DD_REMOVE && remove_untagged(gc, i) < 0)
			rc = no_memory(err);
	dd_removed_sort(gc->removal.list.items, &gc->removal.list.count);
	return rc;
}

/* ---- tags that are about a manifest ---- */

static bool follows(const struct dd_gc *gc, const struct dd_retained *retained,
		    const struct dd_mark *mark)
{
	return retained->subject != DD_NO_ID && !retained->listed &&
	       gc->retain.about[retained->repository].referrers != DD_KEEP &&
	       !dd_mark_reached(mark, retained->subject);
}

int dd_retain_follow(struct dd_gc *gc, struct dd_mark *mark, bool *more, struct dd_error *err)
{
	uint32_t marked = DD_NO_ID;
	int rc = 0;

	*more = false;
	for (size_t i = 0; i < gc->retain.tags.count && rc == 0; i++) {
		struct dd_retained *retained = &gc->retain.tags.items[i];
		enum dd_tag_verdict_reason *reason = &retained->verdict.reason, now;

		if (*reason != DD_VERDICT_COMPANION && *reason != DD_VERDICT_FOLLOWS)
			continue;
		if (marked != retained->repository)
			rc = dd_mark_repository(mark, retained->repository, err);
		marked = retained->repository;
		now = rc == 0 && follows(gc, retained, mark) ? DD_VERDICT_FOLLOWS :
							       DD_VERDICT_COMPANION;
		*more |= now != *reason;
		*reason = now;
	}
	return rc;
}
