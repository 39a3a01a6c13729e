/*
 * What a plan keeps, told as a mark goes: repository by repository, manifest by manifest. A mark is made
 * once more, as the plan's was.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "gc/plan.h"

struct telling {
	struct dd_gc *gc;
	struct dd_mark *mark;
	dd_marked_fn *fn;
	void *arg;
	const struct dd_repository *repo;
	bool *told; /* by id, in whatever repository */
	uint32_t *
		told_in; /* by id: one more than the repository in which it was told as a manifest */
	uint32_t index;
	uint64_t count;
	DD_LIST(uint32_t) stack; /* manifests to be told */
};

static const struct dd_node *node_of(const struct telling *telling, uint32_t id)
{
	return &telling->gc->graph->nodes.items[id];
}

static int tell(struct telling *telling, uint32_t id, bool manifest)
{
	struct dd_digest digest;
	const struct dd_marked marked = { telling->repo->name, &digest, manifest };

	dd_ids_get(&telling->gc->graph->ids, id, &digest);
	telling->count += !telling->told[id];
	telling->told[id] = true;
	return telling->fn(telling->arg, &marked);
}

static int push(struct telling *telling, uint32_t id)
{
	uint32_t *slot = dd_list_add(&telling->stack);

	if (!slot)
		return DD_ENOMEM;
	*slot = id;
	return 0;
}

static int tell_named(struct telling *telling, uint32_t id)
{
	if (node_of(telling, id)->manifest != DD_NO_ID)
		return push(telling, id);
	return telling->told[id] ? 0 : tell(telling, id, false);
}

/* A manifest, what it names, and so on: each once in a repository. */
static int tell_manifests(struct telling *telling, uint32_t first)
{
	const struct dd_graph *graph = telling->gc->graph;
	int rc = push(telling, first);

	while (rc == 0 && telling->stack.count) {
		uint32_t id = telling->stack.items[--telling->stack.count];
		const struct dd_manifest_node *manifest;

		if (telling->told_in[id] == telling->index + 1)
			continue;
		telling->told_in[id] = telling->index + 1;
		rc = tell(telling, id, true);
		if (node_of(telling, id)->manifest == DD_NO_ID)
			continue;
		manifest = &graph->manifests.items[node_of(telling, id)->manifest];
		for (uint32_t i = 0; i < manifest->count && rc == 0; i++)
			rc = tell_named(telling,
					DD_EDGE_ID(graph->edges.items[manifest->first + i]));
	}
	return rc;
}

static int tell_repository(struct telling *telling, uint32_t index, struct dd_error *err)
{
	const struct dd_repository *repo = telling->gc->survey->repositories.items[index];
	const struct dd_marked begin = { repo->name, NULL, false };
	int rc = dd_mark_repository(telling->mark, index, err);

	if (rc < 0)
		return rc;
	telling->repo = repo;
	telling->index = index;
	rc = telling->fn(telling->arg, &begin);
	for (size_t i = 0; i < repo->revisions.count && rc == 0; i++)
		if (repo->revisions.items[i].state != DD_LINK_ABSENT &&
		    dd_mark_reached(telling->mark, repo->revisions.items[i].id))
			rc = tell_manifests(telling, repo->revisions.items[i].id);
	/* Without a revision link it is needed all the same. */
	for (size_t i = 0; i < repo->tags.count && rc == 0; i++)
		if (repo->tags.items[i].current != DD_NO_ID &&
		    node_of(telling, repo->tags.items[i].current)->manifest != DD_NO_ID)
			rc = tell_manifests(telling, repo->tags.items[i].current);
	/* What is young, or held. */
	for (size_t i = 0; i < repo->layers.count && rc == 0; i++)
		if (!telling->told[repo->layers.items[i]] &&
		    dd_mark_reached(telling->mark, repo->layers.items[i]))
			rc = tell(telling, repo->layers.items[i], false);
	return rc < 0 ? dd_fail(err, rc, 0, "say what is kept") : 0;
}

/* Blobs that are young and that no repository names yet. */
static void count_rest(struct telling *telling)
{
	const uint16_t kept = DD_NODE_REACHED | DD_NODE_PRESENT;

	for (uint32_t id = 0; id < telling->gc->graph->nodes.count; id++)
		telling->count +=
			!telling->told[id] && (node_of(telling, id)->flags & kept) == kept;
}

int dd_gc_each_marked(struct dd_context *ctx, struct dd_gc *gc, dd_marked_fn *fn, void *arg,
		      uint64_t *count, struct dd_error *err)
{
	const struct dd_mark_options options = {
		.delete_untagged = gc->options.delete_untagged,
		.allow_empty = gc->options.allow_empty,
		.losses = gc->losses.items,
		.loss_count = gc->losses.count,
		.young = gc->candidates.young.items,
		.young_count = gc->candidates.young.count,
	};
	DD_CLEANUP(dd_mark_closep) struct dd_mark *mark = NULL;
	DD_AUTOFREE bool *told = calloc(gc->graph->nodes.count + 1, sizeof(*told));
	DD_AUTOFREE uint32_t *told_in = calloc(gc->graph->nodes.count + 1, sizeof(*told_in));
	struct telling telling = {
		.gc = gc, .fn = fn, .arg = arg, .told = told, .told_in = told_in
	};
	int rc = told && told_in ? dd_mark_open(ctx, gc->survey, &options, &mark, err) :
				   dd_fail(err, DD_ENOMEM, 0, "say what is kept");

	telling.mark = mark;
	for (uint32_t i = 0; i < gc->survey->repositories.count && rc == 0; i++)
		rc = tell_repository(&telling, i, err);
	dd_list_release(&telling.stack);
	if (rc < 0)
		return rc;
	count_rest(&telling);
	*count = telling.count;
	return 0;
}
