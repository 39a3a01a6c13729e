/*
 * What a list keeps within a collection: roots for the digests that it names, whatever the rules say.
 */
#include <stdlib.h>

#include "gc/plan.h"

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "keep what is listed");
}

static int compare_roots(const void *left, const void *right)
{
	const struct dd_young_root *a = left, *b = right;

	return a->repository != b->repository ? (a->repository < b->repository ? -1 : 1) : 0;
}

static int pin(struct dd_gc *gc, uint32_t id, struct dd_error *err)
{
	const struct dd_survey *survey = gc->survey;
	bool linked = false;

	for (uint32_t i = 0; i < survey->repositories.count; i++) {
		const struct dd_revision *revision =
			dd_repository_revision(survey->repositories.items[i], id);
		struct dd_young_root *root;

		if (!revision || revision->state == DD_LINK_ABSENT)
			continue;
		linked = true;
		root = dd_list_add(&gc->retain.pins);
		if (!root)
			return no_memory(err);
		*root = (struct dd_young_root){ i, id };
	}
	if (!linked && gc->graph->nodes.items[id].flags & DD_NODE_PRESENT) {
		struct dd_young_root *root = dd_list_add(&gc->retain.pins);

		if (!root)
			return no_memory(err);
		*root = (struct dd_young_root){ DD_NO_ID, id };
	}
	return 0;
}

static bool names_listed_blob(const struct dd_gc *gc, const struct dd_manifest_node *node)
{
	const struct dd_graph *graph = gc->graph;

	for (uint32_t i = 0; i < node->count; i++) {
		uint32_t id = DD_EDGE_ID(graph->edges.items[node->first + i]);

		if (gc->retain.listed[id] && graph->nodes.items[id].manifest == DD_NO_ID)
			return true;
	}
	return false;
}

/* What runs is often known by the digest of its configuration alone: an image's ID. */
static int pin_images_of_blobs(struct dd_gc *gc, struct dd_error *err)
{
	const struct dd_graph *graph = gc->graph;
	int rc = 0;

	for (size_t i = 0; i < graph->manifests.count && rc == 0; i++) {
		const struct dd_manifest_node *node = &graph->manifests.items[i];

		if (gc->retain.listed[node->id] || !names_listed_blob(gc, node))
			continue;
		gc->retain.listed[node->id] = true;
		rc = pin(gc, node->id, err);
	}
	return rc;
}

/* Whether any of what the list names is here at all: a list of somewhere else protects nothing. */
static int check_list(struct dd_gc *gc, struct dd_error *err)
{
	uint64_t lines, found;
	int rc;

	for (size_t i = 0; i < gc->survey->repositories.count; i++) {
		const struct dd_repository *repo = gc->survey->repositories.items[i];

		for (size_t k = 0; k < repo->tags.count && repo->valid; k++)
			dd_keep_has_tag(gc->options.keep, repo->name, repo->tags.items[k].name);
	}
	dd_keep_count(gc->options.keep, &lines, &found);
	if (found)
		return 0;
	rc = dd_fail(err, DD_EREFUSED, 0,
		     "the list of what is kept (lines: %llu) names nothing that is here: nothing "
		     "may go",
		     (unsigned long long)lines);
	dd_hint(err, "a line is REPO:TAG as drydock ls shows it, or a digest");
	return rc;
}

int dd_gc_find_pins(struct dd_gc *gc, struct dd_error *err)
{
	struct dd_keep *keep = gc->options.keep;
	size_t count = dd_keep_digest_count(keep);
	int rc = 0;

	gc->retain.listed_count = gc->graph->nodes.count;
	gc->retain.listed = calloc(gc->graph->nodes.count + 1, sizeof(*gc->retain.listed));
	if (!gc->retain.listed)
		return no_memory(err);
	for (size_t i = 0; i < count && rc == 0; i++) {
		uint32_t id = dd_ids_find(&gc->graph->ids, dd_keep_get_digest(keep, i));

		if (id == DD_NO_ID || gc->retain.listed[id])
			continue;
		gc->retain.listed[id] = true;
		rc = pin(gc, id, err);
	}
	if (rc == 0)
		rc = pin_images_of_blobs(gc, err);
	for (size_t i = 0; i < count && rc == 0; i++)
		if (dd_ids_find(&gc->graph->ids, dd_keep_get_digest(keep, i)) != DD_NO_ID)
			dd_keep_found(keep, i);
	return rc < 0 ? rc : check_list(gc, err);
}

int dd_gc_pin(const struct dd_gc *gc, struct dd_candidates *candidates, struct dd_error *err)
{
	const struct dd_retain *retain = &gc->retain;
	size_t count = retain->pins.count + retain->referrers.count;

	for (size_t i = 0; i < count; i++) {
		struct dd_young_root *root = dd_list_add(&candidates->young);

		if (!root)
			return no_memory(err);
		*root = i < retain->pins.count ? retain->pins.items[i] :
						 retain->referrers.items[i - retain->pins.count];
	}
	if (count)
		qsort(candidates->young.items, candidates->young.count,
		      sizeof(*candidates->young.items), compare_roots);
	return 0;
}

/* A digest that the list names, or an index that leads to one. */
static bool leads_to_listed(const struct dd_gc *gc, uint32_t id, unsigned depth)
{
	const struct dd_graph *graph = gc->graph;
	const struct dd_manifest_node *node;

	if (!gc->retain.listed || id >= gc->retain.listed_count)
		return false;
	if (gc->retain.listed[id] || graph->nodes.items[id].manifest == DD_NO_ID || !depth)
		return gc->retain.listed[id];
	node = &graph->manifests.items[graph->nodes.items[id].manifest];
	for (uint32_t i = 0; i < node->count; i++) {
		uint32_t edge = graph->edges.items[node->first + i];

		if (edge & DD_EDGE_MANIFEST && leads_to_listed(gc, DD_EDGE_ID(edge), depth - 1))
			return true;
	}
	return false;
}

bool dd_retain_is_listed(const struct dd_gc *gc, const struct dd_repository *repo,
			 const struct dd_tag *tag)
{
	return gc->options.keep &&
	       (dd_keep_has_tag(gc->options.keep, repo->name, tag->name) ||
		(tag->current != DD_NO_ID && leads_to_listed(gc, tag->current, RETAIN_NESTED)));
}
