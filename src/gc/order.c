/*
 * The order in which things go: references before what they refer to, and within that by
 * repository and digest, so that neighbours on the disk follow each other.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "gc/plan.h"

/* Comparing digests one by one would cost more than reading the volume did: a key first. */
struct key {
	uint64_t place;	 /* rank, repository */
	uint64_t digest; /* its first bytes */
	uint32_t candidate;
};

#define RANKS 7

static unsigned rank(const struct dd_candidate *candidate)
{
	switch (candidate->reason) {
	case DD_REASON_HISTORY_DEAD:
	case DD_REASON_HISTORY_OLD:
		return 0;
	case DD_REASON_REMOVED:
	case DD_REASON_POLICY:
		return candidate->kind == DD_AT_HISTORY ? 0 : candidate->kind == DD_AT_TAG ? 1 : 2;
	case DD_REASON_UNTAGGED:
		return 2;
	case DD_REASON_LINK_DANGLING:
		return candidate->kind == DD_AT_REVISION ? 2 : 3;
	case DD_REASON_LINK_UNUSED:
		return 3;
	case DD_REASON_UNREFERENCED:
		return 4;
	case DD_REASON_UPLOAD_STALE:
		return 5;
	default:
		return RANKS - 1;
	}
}

static int compare(const void *left, const void *right, void *arg)
{
	const struct key *a = left, *b = right;
	const struct dd_gc *gc = arg;
	const struct dd_candidate *first, *second;
	struct dd_digest one, two;
	int order = 0;

	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	if (a->digest != b->digest)
		return a->digest < b->digest ? -1 : 1;
	first = &gc->candidates.list.items[a->candidate];
	second = &gc->candidates.list.items[b->candidate];
	if (first->id != DD_NO_ID && second->id != DD_NO_ID) {
		dd_ids_get(&gc->graph->ids, first->id, &one);
		dd_ids_get(&gc->graph->ids, second->id, &two);
		order = dd_digest_compare(&one, &two);
	}
	/* Tags, uploads and temps were gathered in an order of their own. */
	return order ? order : (a->candidate < b->candidate ? -1 : a->candidate > b->candidate);
}

static void prefetch(const struct dd_gc *gc, const struct dd_selection *list, size_t at)
{
	if (at < list->count)
		dd_ids_prefetch_id(&gc->graph->ids, gc->candidates.list.items[list->items[at]].id);
}

void dd_gc_prefetch(const struct dd_gc *gc, size_t at)
{
	prefetch(gc, &gc->order, at);
}

/* Gathered repository by repository: told apart by rank, what is left to sort are short runs. */
static void fill_by_rank(const struct dd_gc *gc, const struct dd_selection *list, struct key *keys)
{
	const struct dd_candidate *candidates = gc->candidates.list.items;
	size_t at[RANKS + 1] = { 0 };

	for (size_t i = 0; i < list->count; i++)
		at[rank(&candidates[list->items[i]]) + 1]++;
	for (size_t i = 1; i < RANKS; i++)
		at[i] += at[i - 1];
	for (size_t i = 0; i < list->count; i++) {
		const struct dd_candidate *candidate = &candidates[list->items[i]];
		struct key *key = &keys[at[rank(candidate)]++];
		struct dd_digest digest = { 0 };

		prefetch(gc, list, i + DD_IDS_AHEAD);
		if (candidate->id != DD_NO_ID)
			dd_ids_get(&gc->graph->ids, candidate->id, &digest);
		key->place = (uint64_t)rank(candidate) << 32 | candidate->repository;
		key->digest = dd_digest_start(&digest);
		key->candidate = list->items[i];
	}
}

/* Blobs are in order already, and they are the longest run. */
static void sort_run(struct dd_gc *gc, struct key *keys, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (compare(&keys[i - 1], &keys[i], gc) <= 0)
			continue;
		qsort_r(keys, count, sizeof(*keys), compare, gc);
		return;
	}
}

static void put_in_order(struct dd_gc *gc, struct dd_selection *list)
{
	DD_AUTOFREE struct key *keys = calloc(list->count + 1, sizeof(*keys));

	if (!keys) /* the order by rank is the one in which they were gathered, but for blobs */
		return;
	fill_by_rank(gc, list, keys);
	for (size_t first = 0, end; first < list->count; first = end) {
		for (end = first + 1; end < list->count; end++)
			if (keys[end].place != keys[first].place)
				break;
		sort_run(gc, keys + first, end - first);
	}
	for (size_t i = 0; i < list->count; i++)
		list->items[i] = keys[i].candidate;
}

void dd_gc_order(struct dd_gc *gc)
{
	put_in_order(gc, &gc->order);
	put_in_order(gc, &gc->young);
}
