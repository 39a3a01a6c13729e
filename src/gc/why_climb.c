/*
 * From what was asked for to what is above it, and the roots there.
 */
#include <stdlib.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "gc/why.h"

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "look for what keeps it");
}

/* Each edge, under its child: counted, then placed. */
static int turn_edges(struct dd_why *why, struct dd_error *err)
{
	const struct dd_graph *graph = why->gc->graph;
	size_t nodes = graph->nodes.count, total = graph->edges.count + graph->ties.count;
	uint32_t *first = calloc(nodes + 2, sizeof(*first));

	why->first = first;
	why->edges = calloc(total + 1, sizeof(*why->edges));
	if (!first || !why->edges)
		return no_memory(err);
	for (size_t i = 0; i < graph->edges.count; i++)
		first[DD_EDGE_ID(graph->edges.items[i]) + 2]++;
	for (size_t i = 0; i < graph->ties.count; i++)
		first[graph->ties.items[i].to + 2]++;
	for (size_t i = 2; i < nodes + 2; i++)
		first[i] += first[i - 1];
	for (size_t m = 0; m < graph->manifests.count; m++) {
		const struct dd_manifest_node *node = &graph->manifests.items[m];

		for (uint32_t i = 0; i < node->count; i++) {
			uint32_t child = DD_EDGE_ID(graph->edges.items[node->first + i]);

			why->edges[first[child + 1]++] =
				(struct dd_why_edge){ node->id, node->first + i };
		}
	}
	for (size_t i = 0; i < graph->ties.count; i++)
		why->edges[first[graph->ties.items[i].to + 1]++] =
			(struct dd_why_edge){ graph->ties.items[i].from, DD_NO_ID };
	return 0;
}

static int compare_edges(const void *left, const void *right, void *arg)
{
	const struct dd_why_edge *a = left, *b = right;
	const struct dd_graph *graph = arg;
	struct dd_digest one, two;

	dd_ids_get(&graph->ids, a->parent, &one);
	dd_ids_get(&graph->ids, b->parent, &two);
	return dd_digest_compare(&one, &two);
}

/* Ids come as threads met the digests; the answer is to be the same each time. */
static void sort_edges(struct dd_why *why, uint32_t id)
{
	uint32_t first = why->first[id], end = why->first[id + 1];

	if (end > first + 1)
		qsort_r(why->edges + first, end - first, sizeof(*why->edges), compare_edges,
			why->gc->graph);
}

int dd_why_climb(struct dd_why *why, struct dd_error *err)
{
	const struct dd_graph *graph = why->gc->graph;
	DD_LIST(uint32_t) stack = { 0 };
	uint32_t *slot = dd_list_add(&stack);
	int rc = turn_edges(why, err);

	why->above = calloc(graph->nodes.count + 1, sizeof(*why->above));
	if (rc == 0 && (!why->above || !slot))
		rc = no_memory(err);
	if (rc == 0)
		*slot = why->target;
	while (rc == 0 && stack.count) {
		uint32_t id = stack.items[--stack.count],
			 manifest = graph->nodes.items[id].manifest;
		uint32_t subject =
			manifest == DD_NO_ID ? DD_NO_ID : graph->manifests.items[manifest].subject;

		if (why->above[id])
			continue;
		why->above[id] = true;
		sort_edges(why, id);
		if (subject != DD_NO_ID && (slot = dd_list_add(&stack)))
			*slot = subject;
		for (uint32_t i = why->first[id]; i < why->first[id + 1] && slot; i++)
			if ((slot = dd_list_add(&stack)))
				*slot = why->edges[i].parent;
		if (!slot)
			rc = no_memory(err);
	}
	dd_list_release(&stack);
	return rc;
}

/* ---- roots ---- */

static int add_top(struct dd_why *why, enum dd_why_root root, uint32_t repository, uint32_t id,
		   uint32_t extra)
{
	struct dd_why_top *top;

	if (id == DD_NO_ID || !why->above[id])
		return 0;
	top = dd_list_add(&why->tops);
	if (!top)
		return DD_ENOMEM;
	*top = (struct dd_why_top){ id, repository, extra, (uint8_t)root, 0 };
	return 0;
}

/* By the policy. */
static bool goes(const struct dd_why *why, uint32_t repository, uint32_t tag, uint32_t id)
{
	const struct dd_removal *removal = &why->gc->removal;

	return dd_removed_has(removal->list.items, removal->list.count, repository, tag, id);
}

/* A digest that the list names is one wherever it is linked. */
static int add_listed(struct dd_why *why)
{
	const struct dd_retain *retain = &why->gc->retain;
	int rc = 0;

	for (size_t i = 0; i < retain->pins.count && rc == 0; i++)
		rc = add_top(why, DD_WHY_LISTED, retain->pins.items[i].repository,
			     retain->pins.items[i].id, DD_NO_ID);
	return rc;
}

static int add_tags(struct dd_why *why, uint32_t index)
{
	const struct dd_repository *repo = why->gc->survey->repositories.items[index];
	int rc = 0;

	for (uint32_t t = 0; t < repo->tags.count && rc == 0; t++) {
		const struct dd_tag *tag = &repo->tags.items[t];

		if (goes(why, index, t, DD_NO_ID))
			continue;
		rc = add_top(why, DD_WHY_TAG, index, tag->current, t);
		for (uint32_t k = 0;
		     tag->state != DD_LINK_GOOD && k < tag->history_count && rc == 0; k++)
			rc = add_top(why, DD_WHY_HISTORY, index,
				     repo->histories.items[tag->history + k], t);
	}
	for (size_t i = 0; i < repo->tarsums.count && rc == 0; i++)
		rc = add_top(why, DD_WHY_TARSUM, index, repo->tarsums.items[i], DD_NO_ID);
	return rc;
}

/* Those that no tag of the repository leads to, by the marks of its tags alone. */
static int add_untagged(struct dd_why *why, struct dd_mark *tagged, uint32_t index,
			struct dd_error *err)
{
	const struct dd_repository *repo = why->gc->survey->repositories.items[index];
	bool marked = false;
	int rc = 0;

	for (size_t i = 0; i < repo->revisions.count && rc == 0; i++) {
		const struct dd_revision *revision = &repo->revisions.items[i];

		if (revision->state == DD_LINK_ABSENT || !why->above[revision->id] ||
		    goes(why, index, DD_NO_ID, revision->id))
			continue;
		if (!marked)
			rc = dd_mark_repository(tagged, index, err);
		marked = true;
		if (rc == 0 && !dd_mark_reached(tagged, revision->id))
			rc = add_top(why, DD_WHY_UNTAGGED, index, revision->id, DD_NO_ID);
	}
	return rc;
}

/* What a repository names itself, and what only its tags' history leads to. */
static int add_all(struct dd_why *why, enum dd_why_root root, uint32_t index, uint32_t extra)
{
	const struct dd_repository *repo = why->gc->survey->repositories.items[index];
	uint32_t id = why->target;
	int rc = 0;

	if (dd_repository_has_layer(repo, id) || dd_repository_revision(repo, id))
		return add_top(why, root, index, id, extra);
	for (size_t i = 0; i < repo->histories.count && rc == 0; i++)
		if (!dd_repository_revision(repo, repo->histories.items[i]))
			rc = add_top(why, root, index, repo->histories.items[i], extra);
	return rc;
}

static uint32_t hold_of(const struct dd_why *why, uint32_t index, bool everything)
{
	size_t count;
	const struct dd_marked_hold *holds = dd_mark_holds(why->gc->candidates.mark, &count);

	for (uint32_t i = 0; i < count; i++)
		if (everything ? holds[i].everything : holds[i].repository == index)
			return i;
	return DD_NO_ID;
}

static int add_held(struct dd_why *why)
{
	const struct dd_survey *survey = why->gc->survey;
	const struct dd_mark *mark = why->gc->candidates.mark;
	int rc = 0;

	for (uint32_t i = 0; i < survey->repositories.count && rc == 0; i++) {
		if (dd_mark_is_held(mark, i))
			rc = add_all(why, DD_WHY_HELD, i, hold_of(why, i, false));
		else if (!survey->repositories.items[i]->valid)
			rc = add_all(why, DD_WHY_NO_NAME, i, DD_NO_ID);
	}
	if (rc == 0 && dd_mark_holds_everything(mark))
		rc = add_top(why, DD_WHY_HELD, DD_NO_ID, why->target, hold_of(why, DD_NO_ID, true));
	return rc;
}

static int compare_tops(const void *left, const void *right)
{
	const struct dd_why_top *a = left, *b = right;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	if (a->root != b->root)
		return a->root < b->root ? -1 : 1;
	if (a->repository != b->repository)
		return a->repository < b->repository ? -1 : 1;
	return a->extra != b->extra ? (a->extra < b->extra ? -1 : 1) : 0;
}

/* What became a root by being looked at: the young, and what cannot go. A link and its history say
 * the same. */
static int add_looked_at(struct dd_why *why)
{
	const struct dd_candidates *candidates = &why->gc->candidates;
	size_t own = why->tops.count;

	for (size_t i = 0; i < candidates->list.count; i++) {
		const struct dd_candidate *candidate = &candidates->list.items[i];
		bool young = candidate->state == DD_CANDIDATE_YOUNG, same;
		bool root = candidate->kind != DD_AT_BLOB || candidate->unlinked ||
			    candidate->id == why->target;
		const struct dd_why_top *last =
			why->tops.count > own ? &why->tops.items[why->tops.count - 1] : NULL;

		if (!root || (!young && candidate->state != DD_CANDIDATE_UNREADABLE &&
			      candidate->state != DD_CANDIDATE_ELSEWHERE))
			continue;
		same = last && last->id == candidate->id &&
		       (candidate->kind == DD_AT_BLOB || last->repository == candidate->repository);
		if (same)
			continue;
		if (add_top(why, young ? DD_WHY_YOUNG : DD_WHY_UNSEEN, candidate->repository,
			    candidate->id, DD_NO_ID) < 0)
			return DD_ENOMEM;
		if (young && candidate->id != DD_NO_ID && why->above[candidate->id])
			why->tops.items[why->tops.count - 1].until_ns =
				dd_time_after(candidate->latest_ns, why->gc->options.grace_ns);
	}
	return 0;
}

/* A blob beside its own links says nothing that they do not. */
static void drop_repeated(struct dd_why *why)
{
	size_t kept = 0;

	for (size_t i = 0; i < why->tops.count; i++) {
		const struct dd_why_top *top = &why->tops.items[i];
		const struct dd_why_top *last = kept ? &why->tops.items[kept - 1] : NULL;

		if (last && last->id == top->id && last->root == top->root &&
		    ((top->root == DD_WHY_YOUNG && top->repository == DD_NO_ID) ||
		     !compare_tops(last, top)))
			continue;
		why->tops.items[kept++] = *top;
	}
	why->tops.count = kept;
}

int dd_why_find_tops(struct dd_why *why, struct dd_error *err)
{
	const struct dd_removal *removal = &why->gc->removal;
	const struct dd_mark_options by_tags = { .delete_untagged = true,
						 .ignore_holds = true,
						 .removed = removal->list.items,
						 .removed_count = removal->list.count };
	DD_CLEANUP(dd_mark_closep) struct dd_mark *tagged = NULL;
	struct dd_survey *survey = why->gc->survey;
	int rc = add_held(why);

	if (rc == 0)
		rc = add_looked_at(why);
	if (rc == 0)
		rc = add_listed(why);
	for (uint32_t i = 0; i < survey->repositories.count && rc == 0; i++)
		rc = add_tags(why, i);
	if (rc < 0)
		return no_memory(err);
	rc = dd_mark_open(why->ctx, survey, &by_tags, &tagged, err);
	for (uint32_t i = 0; i < survey->repositories.count && rc == 0; i++)
		rc = add_untagged(why, tagged, i, err);
	if (rc == 0 && why->tops.count) {
		qsort(why->tops.items, why->tops.count, sizeof(*why->tops.items), compare_tops);
		drop_repeated(why);
	}
	return rc;
}

const struct dd_why_top *dd_why_tops_of(const struct dd_why *why, uint32_t id, size_t *count)
{
	size_t low = dd_first_from(why->tops.items, why->tops.count, id, id);

	*count = 0;
	while (low + *count < why->tops.count && why->tops.items[low + *count].id == id)
		++*count;
	return why->tops.items + low;
}
