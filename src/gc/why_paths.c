/*
 * The ways from the roots to what was asked for: counted in one pass, listed shortest first.
 *
 * A way is walked from below. Manifests are shared by repositories, so where one repository was asked
 * for the way stays in it, but beyond a subject: that keeps its referrers wherever it is reached.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "gc/why.h"

#define DEEPEST 500	    /* a way that is longer is counted and not followed */
#define WAYS_MAX (1U << 24) /* that are on their way at once */

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "look for what keeps it");
}

static bool fits(uint32_t wanted, uint32_t repository)
{
	return wanted == DD_NO_ID || repository == DD_NO_ID || wanted == repository;
}

static uint32_t subject_of(const struct dd_graph *graph, uint32_t id)
{
	uint32_t manifest = graph->nodes.items[id].manifest;

	return manifest == DD_NO_ID ? DD_NO_ID : graph->manifests.items[manifest].subject;
}

/*
 * The subject that keeps a manifest, DD_NO_ID: none does. Some repository has to link the referrer; by
 * which ones its subject is reached does not matter.
 */
static uint32_t keeping_subject(const struct dd_why *why, uint32_t id, uint32_t repository)
{
	const struct dd_survey *survey = why->gc->survey;
	uint32_t subject = subject_of(why->gc->graph, id);

	for (uint32_t i = 0; i < survey->repositories.count && subject != DD_NO_ID; i++) {
		const struct dd_revision *revision =
			fits(repository, i) ?
				dd_repository_revision(survey->repositories.items[i], id) :
				NULL;

		if (revision && revision->state != DD_LINK_ABSENT)
			return subject;
	}
	return DD_NO_ID;
}

/* ---- counting ---- */

/* The slot of a digest in a repository, a new one if need be. NULL without memory. */
static struct dd_why_count *slot_of(struct dd_why *why, uint64_t key)
{
	size_t at;

	if (why->counted >= why->count_room / 2) {
		size_t room = why->count_room ? 2 * why->count_room : 256;
		struct dd_why_count *counts = calloc(room, sizeof(*counts));

		if (!counts)
			return NULL;
		for (size_t i = 0; i < why->count_room; i++) {
			at = (size_t)(why->counts[i].key * UINT64_C(0x9e3779b97f4a7c15) >> 20) &
			     (room - 1);
			while (why->counts[i].key && counts[at].key)
				at = (at + 1) & (room - 1);
			if (why->counts[i].key)
				counts[at] = why->counts[i];
		}
		free(why->counts);
		why->counts = counts;
		why->count_room = room;
	}
	at = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (why->count_room - 1);
	while (why->counts[at].key && why->counts[at].key != key)
		at = (at + 1) & (why->count_room - 1);
	return &why->counts[at];
}

static int count_ways(struct dd_why *why, uint32_t id, uint32_t repository, unsigned depth,
		      uint64_t *total);

static int add_ways(struct dd_why *why, uint32_t id, uint32_t repository, unsigned depth,
		    uint64_t *total)
{
	uint64_t more = 0;
	int rc = count_ways(why, id, repository, depth + 1, &more);

	*total = UINT64_MAX - *total < more ? UINT64_MAX : *total + more;
	return rc;
}

static int count_ways(struct dd_why *why, uint32_t id, uint32_t repository, unsigned depth,
		      uint64_t *total)
{
	uint64_t key = ((uint64_t)repository << 32 | id) + 1, sum = 0;
	struct dd_why_count *slot = slot_of(why, key);
	const struct dd_why_top *tops;
	uint32_t subject = DD_NO_ID;
	size_t count;
	int rc = 0;

	if (!slot)
		return DD_ENOMEM;
	*total = slot->key ? slot->count : 0;
	if (slot->key || depth > DEEPEST)
		return 0;
	/* Links that say each other lead nowhere. */
	*slot = (struct dd_why_count){ key, 0 };
	why->counted++;
	tops = dd_why_tops_of(why, id, &count);
	for (size_t i = 0; i < count; i++)
		sum += fits(repository, tops[i].repository);
	for (uint32_t i = why->first[id]; i < why->first[id + 1] && rc == 0; i++)
		rc = add_ways(why, why->edges[i].parent, repository, depth, &sum);
	if (rc == 0)
		subject = keeping_subject(why, id, repository);
	if (subject != DD_NO_ID)
		rc = add_ways(why, subject, DD_NO_ID, depth, &sum);
	slot = rc == 0 ? slot_of(why, key) : NULL;
	if (slot)
		slot->count = sum;
	*total = sum;
	return rc == 0 && !slot ? DD_ENOMEM : rc;
}

/* ---- listing ---- */

/* A way that is not at its end yet, and the one that it comes from. */
struct way {
	uint32_t id, repository, from; /* DD_NO_ID: the target */
	uint32_t edge;		       /* index in why->edges; DD_NO_ID: to the subject */
	uint32_t depth;
};

struct ways {
	DD_LIST(struct way) list; /* of which those before "at" are done */
	size_t at;
};

static int push(struct dd_why *why, struct ways *ways, struct way way)
{
	struct way *slot;
	uint64_t count;
	int rc = count_ways(why, way.id, way.repository, way.depth, &count);

	if (rc < 0 || !count || ways->list.count >= WAYS_MAX || way.depth > DEEPEST)
		return rc;
	slot = dd_list_add(&ways->list);
	if (!slot)
		return DD_ENOMEM;
	*slot = way;
	return 0;
}

static int push_above(struct dd_why *why, struct ways *ways, uint32_t from)
{
	const struct way way = ways->list.items[from];
	uint32_t subject = keeping_subject(why, way.id, way.repository);
	int rc = 0;

	for (uint32_t i = why->first[way.id]; i < why->first[way.id + 1] && rc == 0; i++)
		rc = push(why, ways,
			  (struct way){ why->edges[i].parent, way.repository, from, i,
					way.depth + 1 });
	if (rc == 0 && subject != DD_NO_ID)
		rc = push(why, ways,
			  (struct way){ subject, DD_NO_ID, from, DD_NO_ID, way.depth + 1 });
	return rc;
}

/* From the root down, which is from the way's end back to its beginning. */
static int write_steps(struct dd_why *why, const struct ways *ways, uint32_t at,
		       struct dd_why_path *path, struct dd_error *err)
{
	const struct way *way = &ways->list.items[at];
	struct dd_why_step *steps = dd_arena_alloc(&why->memory, (way->depth + 1) * sizeof(*steps));
	uint32_t edge = DD_NO_ID;
	int rc = 0;

	if (!steps)
		return no_memory(err);
	path->steps = steps;
	for (;;) {
		struct dd_why_step *step = &steps[path->count++];

		memset(step, 0, sizeof(*step));
		dd_ids_get(&why->gc->graph->ids, way->id, &step->digest);
		step->type = dd_why_type(why->gc->graph, way->id);
		if (path->count > 1 && edge == DD_NO_ID)
			step->role = "referrer";
		else if (path->count > 1)
			rc = dd_why_label(why, &why->edges[edge], step, err);
		edge = way->edge;
		if (rc < 0 || way->from == DD_NO_ID)
			return rc;
		way = &ways->list.items[way->from];
	}
}

static int add_path(struct dd_why *why, const struct ways *ways, uint32_t at,
		    const struct dd_why_top *top, struct dd_error *err)
{
	const struct dd_survey *survey = why->gc->survey;
	struct dd_why_path *path = dd_list_add(&why->paths);

	if (!path)
		return no_memory(err);
	path->root = top->root;
	path->until_ns = top->until_ns;
	if (top->repository != DD_NO_ID)
		path->repository = survey->repositories.items[top->repository]->name;
	if (top->root == DD_WHY_TAG || top->root == DD_WHY_HISTORY)
		path->tag =
			survey->repositories.items[top->repository]->tags.items[top->extra].name;
	if (top->root == DD_WHY_TAG) {
		const struct dd_retained *retained =
			dd_retain_find(why->gc, top->repository, top->extra);

		path->verdict = retained ? &retained->verdict : NULL;
	}
	if (top->root == DD_WHY_HELD && top->extra != DD_NO_ID)
		path->hold = &why->gc->holds.items[top->extra];
	return write_steps(why, ways, at, path, err);
}

static int compare_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int compare_paths(const void *left, const void *right)
{
	const struct dd_why_path *a = left, *b = right;
	int order = 0;

	if (a->count != b->count)
		return a->count < b->count ? -1 : 1;
	if (a->root != b->root)
		return a->root < b->root ? -1 : 1;
	order = compare_text(a->repository, b->repository);
	if (!order)
		order = compare_text(a->tag, b->tag);
	for (size_t i = 0; i < a->count && !order; i++)
		order = dd_digest_compare(&a->steps[i].digest, &b->steps[i].digest);
	return order;
}

int dd_why_find_paths(struct dd_why *why, size_t max, struct dd_error *err)
{
	struct ways ways = { 0 };
	int rc = count_ways(why, why->target, why->repository, 0, &why->answer.path_total);

	if (rc == 0)
		rc = push(why, &ways,
			  (struct way){ why->target, why->repository, DD_NO_ID, DD_NO_ID, 0 });
	if (rc < 0)
		no_memory(err);
	for (; rc == 0 && ways.at < ways.list.count; ways.at++) {
		size_t count;
		const struct dd_why_top *tops =
			dd_why_tops_of(why, ways.list.items[ways.at].id, &count);

		rc = dd_context_check(why->ctx, err);
		for (size_t i = 0; i < count && rc == 0 && (!max || why->paths.count < max); i++)
			if (fits(ways.list.items[ways.at].repository, tops[i].repository))
				rc = add_path(why, &ways, (uint32_t)ways.at, &tops[i], err);
		if (max && why->paths.count >= max)
			break;
		if (rc == 0 && push_above(why, &ways, (uint32_t)ways.at) < 0)
			rc = no_memory(err);
	}
	dd_list_release(&ways.list);
	if (why->paths.count)
		qsort(why->paths.items, why->paths.count, sizeof(*why->paths.items), compare_paths);
	return rc;
}
