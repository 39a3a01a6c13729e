/*
 * Looking again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "gc/look_again.h"

struct again {
	struct dd_store *store;
	const struct dd_gc *gc;
	struct dd_look_again *look;
	bool *candidate; /* by id: a blob or manifest that is to go */
};

static int add_root(struct again *again, uint32_t repository, uint32_t id, struct dd_error *err)
{
	struct dd_young_root *root = dd_list_add(&again->look->roots);

	if (!root)
		return dd_fail(err, DD_ENOMEM, 0, "look again");
	*root = (struct dd_young_root){ repository, id };
	return 0;
}

static bool linked(struct again *again, enum dd_place_kind kind, const char *repository,
		   uint32_t id)
{
	struct dd_place place = { .kind = kind, .repository = repository };
	struct dd_info info;

	dd_ids_get(&again->gc->graph->ids, id, &place.digest);
	/* An empty directory is what a deletion leaves. What cannot be told counts as there. */
	return dd_store_stat(again->store, &place, &info, NULL) != DD_ENOENT;
}

static int compare_young(const void *key, const void *element)
{
	const struct dd_young_root *a = key, *b = element;

	return a->repository != b->repository ? (a->repository < b->repository ? -1 : 1) : 0;
}

/* What was young when first looked at stays it; repositories may have come in between. */
static int carry_young(struct again *again, uint32_t index, uint32_t before, struct dd_error *err)
{
	const struct dd_candidates *first = &again->gc->candidates;
	const struct dd_young_root key = { .repository = before }, *at = NULL;
	const struct dd_young_root *end = first->young.items + first->young.count;
	int rc = 0;

	if (first->young.count)
		at = bsearch(&key, first->young.items, first->young.count, sizeof(key),
			     compare_young);
	while (at && at > first->young.items && at[-1].repository == before)
		at--;
	for (; at && at < end && at->repository == before && rc == 0; at++)
		rc = add_root(again, index, at->id, err);
	return rc;
}

static int roots_of(struct again *again, uint32_t index, uint32_t before, struct dd_error *err)
{
	const struct dd_repository *repo = again->look->survey->repositories.items[index];
	const struct dd_repository *was =
		before == DD_NO_ID ? NULL : again->gc->survey->repositories.items[before];
	int rc = 0;

	for (size_t i = 0; i < repo->revisions.count && rc == 0; i++) {
		const struct dd_revision *now = &repo->revisions.items[i], *then = NULL;

		if (was)
			then = dd_repository_revision(was, now->id);
		if (now->state != DD_LINK_ABSENT && (!then || then->state == DD_LINK_ABSENT))
			rc = add_root(again, index, now->id, err);
	}
	for (size_t i = 0; i < repo->layers.count && rc == 0; i++) {
		uint32_t id = repo->layers.items[i];

		if (again->candidate[id] && linked(again, DD_AT_LAYER, repo->name, id))
			rc = add_root(again, index, id, err);
	}
	/* A revision that was to go and is there: it was written anew, or it stayed. */
	for (size_t i = 0; i < repo->revisions.count && rc == 0; i++)
		if (repo->revisions.items[i].state != DD_LINK_ABSENT &&
		    again->candidate[repo->revisions.items[i].id])
			rc = add_root(again, index, repo->revisions.items[i].id, err);
	return rc < 0 || !was ? rc : carry_young(again, index, before, err);
}

static uint32_t index_before(const struct dd_gc *gc, const char *name, uint32_t from)
{
	for (uint32_t i = from; i < gc->survey->repositories.count; i++) {
		int order = strcmp(gc->survey->repositories.items[i]->name, name);

		if (order == 0)
			return i;
		if (order > 0)
			break;
	}
	return DD_NO_ID;
}

static int gather_roots(struct again *again, struct dd_error *err)
{
	const struct dd_survey *survey = again->look->survey;
	uint32_t from = 0;
	int rc = 0;

	/* Both surveys are sorted by name. */
	for (uint32_t i = 0; i < survey->repositories.count && rc == 0; i++) {
		const char *name = survey->repositories.items[i]->name;
		uint32_t before = index_before(again->gc, name, from);

		if (before != DD_NO_ID)
			from = before + 1;
		rc = roots_of(again, i, before, err);
	}
	return rc < 0 ? rc : carry_young(again, DD_NO_ID, DD_NO_ID, err);
}

static int mark(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
		struct dd_look_again *look, struct dd_error *err)
{
	DD_AUTOFREE bool *candidate = calloc(gc->graph->nodes.count + 1, sizeof(*candidate));
	struct again again = { store, gc, look, candidate };
	struct dd_mark_options options = { .delete_untagged = gc->options.delete_untagged,
					   .allow_empty = gc->options.allow_empty,
					   .losses = gc->losses.items,
					   .loss_count = gc->losses.count };
	int rc;

	if (!candidate)
		return dd_fail(err, DD_ENOMEM, 0, "look again");
	for (size_t i = 0; i < gc->order.count; i++) {
		const struct dd_candidate *item = &gc->candidates.list.items[gc->order.items[i]];

		if (item->id != DD_NO_ID && item->kind != DD_AT_LAYER)
			candidate[item->id] = true;
	}
	rc = gather_roots(&again, err);
	if (rc < 0)
		return rc;
	options.young = look->roots.items;
	options.young_count = look->roots.count;
	if (look->roots.count)
		qsort(look->roots.items, look->roots.count, sizeof(*look->roots.items),
		      compare_young);
	return dd_mark_open(ctx, look->survey, &options, &look->mark, err);
}

int dd_look_again(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
		  dd_in_trash_fn *in_trash, void *arg, struct dd_look_again *look,
		  struct dd_error *err)
{
	const struct dd_survey_options options = { .index = gc->options.index,
						   .in_trash = in_trash,
						   .arg = arg };
	int rc = dd_survey_open(ctx, store, gc->graph, &options, &look->survey, err);

	if (rc == 0)
		rc = mark(ctx, store, gc, look, err);
	return rc < 0 ? dd_wrap(err, rc, "look again") : 0;
}

static int compare_holds(const struct dd_hold *a, const struct dd_hold *b)
{
	int order = strcmp(a->repository ? a->repository : "", b->repository ? b->repository : "");

	if (!order)
		order = (int)a->doubt - (int)b->doubt;
	if (!order)
		order = a->has_digest - b->has_digest;
	return order || !a->has_digest ? order : dd_digest_compare(&a->digest, &b->digest);
}

static int compare_known(const void *left, const void *right)
{
	return compare_holds(*(const struct dd_hold *const *)left,
			     *(const struct dd_hold *const *)right);
}

static const struct dd_hold **sort_known(const struct dd_gc *gc)
{
	const struct dd_hold **known = calloc(gc->holds.count + 1, sizeof(*known));

	for (size_t i = 0; known && i < gc->holds.count; i++)
		known[i] = &gc->holds.items[i];
	if (known)
		qsort(known, gc->holds.count, sizeof(*known), compare_known);
	return known;
}

int dd_look_again_doubts(const struct dd_gc *gc, const struct dd_look_again *look,
			 const struct dd_marked_hold **first,
			 const struct dd_marked_hold **everything, struct dd_error *err)
{
	size_t count;
	const struct dd_marked_hold *holds = dd_mark_holds(look->mark, &count);
	DD_AUTOFREE const struct dd_hold **known = sort_known(gc);

	*first = NULL;
	*everything = NULL;
	if (!known)
		return dd_fail(err, DD_ENOMEM, 0, "look again");
	for (size_t i = 0; i < count; i++) {
		struct dd_hold hold = { .doubt = holds[i].doubt }, *key = &hold;

		if (holds[i].repository != DD_NO_ID)
			hold.repository =
				look->survey->repositories.items[holds[i].repository]->name;
		hold.has_digest = holds[i].id != DD_NO_ID;
		if (hold.has_digest)
			dd_ids_get(&gc->graph->ids, holds[i].id, &hold.digest);
		if (bsearch(&key, known, gc->holds.count, sizeof(*known), compare_known))
			continue;
		if (!*first)
			*first = &holds[i];
		if (holds[i].everything && !*everything)
			*everything = &holds[i];
	}
	return 0;
}

void dd_look_again_release(struct dd_look_again *look)
{
	dd_mark_closep(&look->mark);
	dd_survey_closep(&look->survey);
	dd_list_release(&look->roots);
}
