/*
 * Who keeps the rest: the tags and manifests that stay, each with what it leads to; and which of them
 * would have to go, too, the fewest that free the most first.
 */
#include <string.h>

#include "base/cleanup.h"
#include "gc/why_free.h"

#define STEPS 5

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "look for what keeps the rest");
}

static bool removed(const struct dd_free *made, uint32_t repository, uint32_t tag, uint32_t id)
{
	return dd_removed_has(made->removal.list.items, made->removal.list.count, repository, tag,
			      id);
}

/* ---- what leads to the rest ---- */

static bool leads_there(const struct dd_free *made, const struct dd_manifest_node *node)
{
	const struct dd_graph *graph = made->gc->graph;

	for (uint32_t i = 0; i < node->count; i++)
		if (made->relevant[DD_EDGE_ID(graph->edges.items[node->first + i])])
			return true;
	return false;
}

/* As many rounds as indexes and referrers are deep, which is two or three. */
static void find_relevant(struct dd_free *made)
{
	const struct dd_graph *graph = made->gc->graph;
	bool *relevant = made->relevant, grew = true;

	for (size_t i = 0; i < made->kept_count; i++)
		relevant[made->kept[i].id] = true;
	while (grew) {
		grew = false;
		for (size_t m = 0; m < graph->manifests.count; m++) {
			const struct dd_manifest_node *node = &graph->manifests.items[m];

			if (!relevant[node->id] && leads_there(made, node))
				grew = relevant[node->id] = true;
			if (relevant[node->id] && node->subject != DD_NO_ID &&
			    !relevant[node->subject])
				grew = relevant[node->subject] = true;
		}
		for (size_t i = 0; i < graph->ties.count; i++)
			if (relevant[graph->ties.items[i].to] &&
			    !relevant[graph->ties.items[i].from])
				grew = relevant[graph->ties.items[i].from] = true;
	}
}

/* ---- groups ---- */

struct visit {
	struct dd_free *made;
	struct dd_family *family;
	uint32_t group;
	int32_t by;	 /* +1: counts itself in; -1: out; 0: only looks */
	bool found;	 /* reaches "wanted" */
	uint32_t wanted; /* id */
	uint64_t freed;	 /* by counting out */
};

static int see(void *arg, uint32_t id)
{
	const struct visit *visit = arg;

	return visit->made->relevant[id];
}

static int add_group(struct dd_free *made, uint32_t repository, uint32_t id, uint32_t tag)
{
	struct dd_keeper_group *group = made->relevant[id] ? dd_list_add(&made->groups) : NULL;

	if (!group)
		return made->relevant[id] ? DD_ENOMEM : 0;
	*group = (struct dd_keeper_group){
		.repository = repository, .id = id, .tag = tag, .tags = tag != DD_NO_ID
	};
	return 0;
}

static int compare_groups(const void *left, const void *right)
{
	const struct dd_keeper_group *a = left, *b = right;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return a->tag != b->tag ? (a->tag < b->tag ? -1 : 1) : 0;
}

/* Ids come as threads met the digests: in an order that is the same each time. */
static int compare_names(const void *left, const void *right, void *arg)
{
	const struct dd_keeper_group *a = left, *b = right;
	const struct dd_graph *graph = arg;
	struct dd_digest one, two;

	if (a->tag != b->tag)
		return a->tag < b->tag ? -1 : 1;
	dd_ids_get(&graph->ids, a->id, &one);
	dd_ids_get(&graph->ids, b->id, &two);
	return dd_digest_compare(&one, &two);
}

static void sort_groups(struct dd_free *made, size_t from)
{
	if (made->groups.count > from)
		qsort_r(made->groups.items + from, made->groups.count - from,
			sizeof(*made->groups.items), compare_names, made->gc->graph);
}

/* Tags that point to the same are one. */
static void join_tags(struct dd_free *made, size_t from)
{
	size_t kept = from;

	if (made->groups.count > from)
		qsort(made->groups.items + from, made->groups.count - from,
		      sizeof(*made->groups.items), compare_groups);
	for (size_t i = from; i < made->groups.count; i++) {
		struct dd_keeper_group *group = &made->groups.items[i];

		if (kept > from && made->groups.items[kept - 1].id == group->id)
			made->groups.items[kept - 1].tags++;
		else
			made->groups.items[kept++] = *group;
	}
	made->groups.count = kept;
}

static int add_tags(struct dd_free *made, struct dd_family *family, uint32_t index)
{
	const struct dd_repository *repo = made->gc->survey->repositories.items[index];
	struct visit visit = { .made = made };
	size_t from = made->groups.count;
	int rc = 0;

	for (uint32_t t = 0; t < repo->tags.count && rc == 0; t++) {
		uint32_t id = repo->tags.items[t].current;

		if (id == DD_NO_ID || removed(made, index, t, DD_NO_ID))
			continue;
		rc = add_group(made, index, id, t);
		if (rc == 0)
			rc = dd_family_walk(family, id, true, see, &visit);
	}
	join_tags(made, from);
	return rc;
}

/* Of manifests without a tag those that no other leads to. */
static int add_untagged(struct dd_free *made, struct dd_family *family, uint32_t index)
{
	const struct dd_repository *repo = made->gc->survey->repositories.items[index];
	const struct dd_graph *graph = made->gc->graph;
	DD_AUTOFREE bool *below = NULL;
	int rc = 0;

	below = repo->revisions.count ? calloc(repo->revisions.count, sizeof(*below)) : NULL;
	if (!below)
		return repo->revisions.count ? DD_ENOMEM : 0;
	for (size_t i = 0; i < repo->revisions.count; i++) {
		uint32_t id = repo->revisions.items[i].id;
		uint32_t manifest = graph->nodes.items[id].manifest;
		const struct dd_manifest_node *node;
		const struct dd_revision *other;

		if (manifest == DD_NO_ID || dd_family_visited(family, id))
			continue;
		node = &graph->manifests.items[manifest];
		other = node->subject == DD_NO_ID ? NULL :
						    dd_repository_revision(repo, node->subject);
		below[i] |= other && other->state != DD_LINK_ABSENT;
		for (uint32_t k = 0; k < node->count; k++) {
			other = dd_repository_revision(
				repo, DD_EDGE_ID(graph->edges.items[node->first + k]));
			if (other)
				below[other - repo->revisions.items] = true;
		}
	}
	for (size_t i = 0; i < repo->revisions.count && rc == 0; i++) {
		uint32_t id = repo->revisions.items[i].id;

		if (!below[i] && repo->revisions.items[i].state != DD_LINK_ABSENT &&
		    !dd_family_visited(family, id) && !removed(made, index, DD_NO_ID, id))
			rc = add_group(made, index, id, DD_NO_ID);
	}
	return rc;
}

/* ---- who keeps what ---- */

static int count_in(void *arg, uint32_t id)
{
	struct visit *visit = arg;
	struct dd_free *made = visit->made;
	struct dd_keeper_group *group = &made->groups.items[visit->group];
	uint32_t number = made->rest[id];
	uint64_t bytes = made->gc->graph->nodes.items[id].size;

	visit->found |= id == visit->wanted;
	if (number && visit->by) {
		struct dd_kept *kept = &made->kept[number - 1];

		kept->keepers += (uint32_t)visit->by;
		kept->sum += visit->by > 0 ? visit->group : -visit->group;
		if (visit->by > 0)
			group->bytes += bytes;
		else if (!kept->keepers)
			visit->freed += bytes;
	}
	return made->relevant[id];
}

static int visit_group(struct visit *visit, uint32_t at, struct dd_error *err)
{
	const struct dd_keeper_group *group = &visit->made->groups.items[at];
	const struct dd_repository *repo =
		visit->made->gc->survey->repositories.items[group->repository];
	int rc = dd_family_begin(visit->family, repo, err);

	visit->group = at;
	visit->found = false;
	if (rc == 0 && dd_family_walk(visit->family, group->id, true, count_in, visit) < 0)
		rc = no_memory(err);
	return rc;
}

static void fill(const struct dd_free *made, const struct dd_keeper_group *group,
		 struct dd_why_keeper *keeper)
{
	const struct dd_repository *repo = made->gc->survey->repositories.items[group->repository];

	keeper->repository = repo->name;
	keeper->tag = group->tag == DD_NO_ID ? NULL : repo->tags.items[group->tag].name;
	keeper->tags = group->tags;
	keeper->has_digest = true;
	dd_ids_get(&made->gc->graph->ids, group->id, &keeper->digest);
	keeper->bytes = group->bytes;
}

static int compare_keepers(const void *left, const void *right)
{
	const struct dd_why_keeper *a = left, *b = right;
	int order;

	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	order = strcmp(a->repository, b->repository);
	if (!order)
		order = strcmp(a->tag ? a->tag : "", b->tag ? b->tag : "");
	return order ? order : dd_digest_compare(&a->digest, &b->digest);
}

static int list_keepers(struct dd_free *made, size_t max, struct dd_error *err)
{
	for (size_t i = 0; i < made->groups.count; i++) {
		struct dd_why_keeper *keeper;

		if (!made->groups.items[i].bytes)
			continue;
		keeper = dd_list_add(&made->keepers);
		if (!keeper)
			return no_memory(err);
		fill(made, &made->groups.items[i], keeper);
	}
	if (made->keepers.count)
		qsort(made->keepers.items, made->keepers.count, sizeof(*made->keepers.items),
		      compare_keepers);
	made->answer.keeper_total = made->keepers.count;
	if (max && made->keepers.count > max)
		made->keepers.count = max;
	made->answer.keepers = made->keepers.items;
	made->answer.keeper_count = made->keepers.count;
	return 0;
}

/* ---- what to do about it ---- */

/* The one that frees the most by itself; DD_NO_ID: none does. */
static uint32_t find_best(struct dd_free *made)
{
	uint32_t best = DD_NO_ID;

	for (size_t i = 0; i < made->groups.count; i++)
		made->groups.items[i].alone = 0;
	for (size_t i = 0; i < made->kept_count; i++)
		if (made->kept[i].keepers == 1)
			made->groups.items[made->kept[i].sum].alone +=
				made->gc->graph->nodes.items[made->kept[i].id].size;
	for (uint32_t i = 0; i < made->groups.count; i++)
		if (made->groups.items[i].alone &&
		    (best == DD_NO_ID ||
		     made->groups.items[i].alone > made->groups.items[best].alone))
			best = i;
	return best;
}

/* Fewer keepers, then more bytes. */
static bool is_looser(const struct dd_free *made, const struct dd_kept *a, const struct dd_kept *b)
{
	const struct dd_node *nodes = made->gc->graph->nodes.items;
	struct dd_digest one, two;

	if (a->keepers != b->keepers)
		return a->keepers < b->keepers;
	if (nodes[a->id].size != nodes[b->id].size)
		return nodes[a->id].size > nodes[b->id].size;
	dd_ids_get(&made->gc->graph->ids, a->id, &one);
	dd_ids_get(&made->gc->graph->ids, b->id, &two);
	return dd_digest_compare(&one, &two) < 0;
}

static uint32_t find_loosest(const struct dd_free *made)
{
	const struct dd_kept *best = NULL;

	for (size_t i = 0; i < made->kept_count; i++) {
		const struct dd_kept *kept = &made->kept[i];

		if (kept->keepers > 0 && made->gc->graph->nodes.items[kept->id].size &&
		    (!best || is_looser(made, kept, best)))
			best = kept;
	}
	return best ? best->id : DD_NO_ID;
}

static int drop(struct dd_free *made, struct visit *visit, uint32_t at, size_t step,
		struct dd_error *err)
{
	struct dd_why_keeper *next = dd_list_add(&made->next);

	if (!next)
		return no_memory(err);
	fill(made, &made->groups.items[at], next);
	next->step = step;
	made->groups.items[at].gone = true;
	visit->by = -1;
	return visit_group(visit, at, err);
}

static int drop_keepers_of(struct dd_free *made, struct visit *visit, uint32_t id, size_t step,
			   struct dd_error *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < made->groups.count && rc == 0; i++) {
		if (made->groups.items[i].gone)
			continue;
		visit->by = 0;
		visit->wanted = id;
		rc = visit_group(visit, i, err);
		if (rc == 0 && visit->found)
			rc = drop(made, visit, i, step, err);
	}
	return rc;
}

static int plan_steps(struct dd_free *made, struct visit *visit, size_t max, struct dd_error *err)
{
	int rc = 0;

	for (size_t step = 1; step <= STEPS && rc == 0; step++) {
		uint32_t best = find_best(made);
		uint32_t id = best == DD_NO_ID ? find_loosest(made) : DD_NO_ID;
		size_t from = made->next.count;

		if (best == DD_NO_ID && id == DD_NO_ID)
			break;
		visit->freed = 0;
		rc = best != DD_NO_ID ? drop(made, visit, best, step, err) :
					drop_keepers_of(made, visit, id, step, err);
		for (size_t i = from; i < made->next.count; i++)
			made->next.items[i].bytes = visit->freed;
	}
	made->answer.next = made->next.items;
	made->answer.next_total = made->next.count;
	made->answer.next_count = max && made->next.count > max ? max : made->next.count;
	return rc;
}

int dd_free_find_keepers(struct dd_free *made, size_t max, struct dd_error *err)
{
	const struct dd_survey *survey = made->gc->survey;
	DD_CLEANUP(dd_family_release) struct dd_family family = { 0 };
	struct visit visit = { .made = made, .family = &family, .by = 1, .wanted = DD_NO_ID };
	size_t from;
	int rc = dd_family_init(&family, made->gc->graph, err);

	made->relevant = calloc(made->gc->graph->nodes.count + 1, sizeof(*made->relevant));
	if (rc == 0 && !made->relevant)
		rc = no_memory(err);
	if (rc == 0 && made->kept_count)
		find_relevant(made);
	for (uint32_t i = 0; i < survey->repositories.count && made->kept_count && rc == 0; i++) {
		rc = dd_family_begin(&family, survey->repositories.items[i], err);
		from = made->groups.count;
		if (rc == 0 &&
		    (add_tags(made, &family, i) < 0 || add_untagged(made, &family, i) < 0))
			rc = no_memory(err);
		sort_groups(made, from);
	}
	for (uint32_t i = 0; i < made->groups.count && rc == 0; i++)
		rc = visit_group(&visit, i, err);
	for (size_t i = 0; i < made->kept_count && rc == 0; i++)
		if (!made->kept[i].keepers)
			made->answer.held_bytes +=
				made->gc->graph->nodes.items[made->kept[i].id].size;
	if (rc == 0)
		rc = list_keepers(made, max, err);
	return rc < 0 ? rc : plan_steps(made, &visit, max, err);
}
