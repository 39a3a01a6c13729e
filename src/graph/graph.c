/*
 * The graph: nodes, edges, ties, doubts.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "graph/graph.h"

int dd_graph_open(struct dd_graph **out, struct dd_error *err)
{
	struct dd_graph *graph = calloc(1, sizeof(*graph));
	pthread_mutexattr_t spin;

	*out = graph;
	if (!graph)
		return dd_fail(err, DD_ENOMEM, 0, "make a graph");
	/* Held for less than it takes to fall asleep. */
	pthread_mutexattr_init(&spin);
	pthread_mutexattr_settype(&spin, PTHREAD_MUTEX_ADAPTIVE_NP);
	pthread_mutex_init(&graph->lock, &spin);
	return 0;
}

/* Where there is no memory for all of them there may be for those that come. */
void dd_graph_reserve(struct dd_graph *graph, size_t count)
{
	if (dd_ids_reserve(&graph->ids, count) == 0 && count > graph->nodes.count)
		(void)dd_list_reserve(&graph->nodes, count - graph->nodes.count);
}

static void forget_doubts(struct dd_graph *graph)
{
	for (size_t i = 0; i < graph->doubts.count; i++)
		free(graph->doubts.items[i].detail);
	graph->doubts.count = 0;
}

void dd_graph_closep(struct dd_graph **pointer)
{
	struct dd_graph *graph = *pointer;

	if (!graph)
		return;
	forget_doubts(graph);
	dd_list_release(&graph->doubts);
	dd_list_release(&graph->ties);
	dd_list_release(&graph->edges);
	dd_list_release(&graph->manifests);
	dd_list_release(&graph->nodes);
	dd_ids_release(&graph->ids);
	pthread_mutex_destroy(&graph->lock);
	free(graph);
	*pointer = NULL;
}

/* There is room. */
static void add_node(struct dd_graph *graph, uint8_t algorithm)
{
	graph->nodes.items[graph->nodes.count++] =
		(struct dd_node){ .manifest = DD_NO_ID, .algorithm = algorithm };
}

uint32_t dd_graph_intern(struct dd_graph *graph, const struct dd_digest *digest)
{
	uint32_t id;

	/* Room for the node first, so that an id never goes without one. */
	if (graph->nodes.count == graph->nodes.room &&
	    dd_list_grow((void **)&graph->nodes.items, &graph->nodes.room,
			 sizeof(*graph->nodes.items)) < 0)
		return DD_NO_ID;
	id = dd_ids_intern(&graph->ids, digest);
	if (id != DD_NO_ID && id == graph->nodes.count)
		add_node(graph, digest->alg);
	return id;
}

int dd_graph_intern_all(struct dd_graph *graph, const struct dd_digest *first, size_t count,
			size_t apart, uint32_t *ids)
{
	int rc = dd_list_reserve(&graph->nodes, count);

	if (rc == 0)
		rc = dd_ids_intern_all(&graph->ids, first, count, apart, ids);
	while (graph->nodes.count < graph->ids.count)
		add_node(graph, dd_ids_algorithm(&graph->ids, (uint32_t)graph->nodes.count));
	return rc;
}

void dd_graph_prefetch(const struct dd_graph *graph, const uint32_t *ids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		__builtin_prefetch(&graph->nodes.items[ids[i]], 1);
}

void dd_graph_expect(const struct dd_graph *graph, const struct dd_digest *first, size_t count,
		     size_t apart)
{
	const char *digest = (const char *)first;

	for (size_t i = 0; i < count; i++)
		dd_ids_prefetch(&graph->ids, (const void *)(digest + i * apart));
	for (size_t i = 0; i < count; i++) {
		uint32_t id =
			dd_ids_prefetch_match(&graph->ids, (const void *)(digest + i * apart));

		if (id != DD_NO_ID)
			__builtin_prefetch(&graph->nodes.items[id]);
	}
}

int dd_graph_see_blobs(struct dd_graph *graph, const struct dd_digest *digests, size_t count)
{
	DD_AUTOFREE uint32_t *ids = calloc(count + 1, sizeof(*ids));
	int rc;

	if (!ids)
		return DD_ENOMEM;
	pthread_mutex_lock(&graph->lock);
	rc = dd_graph_intern_all(graph, digests, count, sizeof(*digests), ids);
	for (size_t i = 0; i < count && rc == 0; i++) {
		dd_graph_prefetch(graph, ids + i + DD_IDS_AHEAD, i + DD_IDS_AHEAD < count);
		graph->nodes.items[ids[i]].flags |= DD_NODE_PRESENT;
	}
	pthread_mutex_unlock(&graph->lock);
	return rc;
}

void dd_graph_see_named_blobs(struct dd_graph *graph, const struct dd_digest *digests, size_t count,
			      uint32_t *ids)
{
	dd_ids_find_all(&graph->ids, digests, count, sizeof(*digests), ids);
	for (size_t i = 0; i < count; i++) {
		if (i + DD_IDS_AHEAD < count && ids[i + DD_IDS_AHEAD] != DD_NO_ID)
			dd_graph_prefetch(graph, &ids[i + DD_IDS_AHEAD], 1);
		if (ids[i] != DD_NO_ID)
			graph->nodes.items[ids[i]].flags |= DD_NODE_PRESENT;
	}
}

int dd_graph_add_manifest(struct dd_graph *graph, uint32_t id, const struct dd_manifest *manifest,
			  const uint32_t *ids, size_t stored, bool trashed, struct dd_error *err)
{
	struct dd_manifest_node node = { .id = id,
					 .subject = DD_NO_ID,
					 .type = (uint8_t)manifest->type,
					 .first = (uint32_t)graph->edges.count,
					 .stored = (uint32_t)stored };
	struct dd_manifest_node *added;

	for (size_t i = 0; i < manifest->count; i++) {
		const struct dd_descriptor *descriptor = &manifest->descriptors[i];
		uint32_t to, *edge;

		if (descriptor->legacy)
			continue;
		to = ids ? ids[i] : dd_graph_intern(graph, &descriptor->digest);
		if (to == DD_NO_ID)
			return dd_fail(err, DD_ENOMEM, 0, "remember a manifest");
		/* What was read knows better than what is said of it, and comes in any order. */
		if (!(graph->nodes.items[to].flags & DD_NODE_READ))
			graph->nodes.items[to].size = descriptor->size;
		if (descriptor->role == DD_ROLE_SUBJECT) {
			node.subject = to;
			continue;
		}
		edge = dd_list_add(&graph->edges);
		if (!edge)
			return dd_fail(err, DD_ENOMEM, 0, "remember a manifest");
		*edge = to | (descriptor->is_manifest ? DD_EDGE_MANIFEST : 0);
		node.count++;
	}
	added = dd_list_add(&graph->manifests);
	if (!added)
		return dd_fail(err, DD_ENOMEM, 0, "remember a manifest");
	*added = node;
	graph->nodes.items[id].manifest = (uint32_t)(graph->manifests.count - 1);
	graph->nodes.items[id].size = stored;
	graph->nodes.items[id].flags |= DD_NODE_READ | (trashed ? DD_NODE_TRASHED : 0);
	return 0;
}

int dd_graph_add_tie(struct dd_graph *graph, uint32_t from, uint32_t to, struct dd_error *err)
{
	struct dd_tie *tie = dd_list_add(&graph->ties);

	if (!tie)
		return dd_fail(err, DD_ENOMEM, 0, "remember a link");
	*tie = (struct dd_tie){ from, to };
	graph->nodes.items[from].flags |= DD_NODE_ALIAS;
	return 0;
}

int dd_graph_add_doubt(struct dd_graph *graph, uint32_t id, enum dd_doubt doubt, const char *detail,
		       struct dd_error *err)
{
	struct dd_node_doubt *added = dd_list_add(&graph->doubts);

	if (!added)
		return dd_fail(err, DD_ENOMEM, 0, "remember a doubt");
	*added = (struct dd_node_doubt){ id, doubt, strdup(detail) };
	graph->nodes.items[id].flags |= DD_NODE_DOUBT;
	return 0;
}

void dd_graph_forget_doubt(struct dd_graph *graph, uint32_t id)
{
	size_t kept = 0;

	if (!(graph->nodes.items[id].flags & DD_NODE_DOUBT))
		return;
	graph->nodes.items[id].flags &= (uint16_t)~DD_NODE_DOUBT;
	for (size_t i = 0; i < graph->doubts.count; i++) {
		if (graph->doubts.items[i].id == id)
			free(graph->doubts.items[i].detail);
		else
			graph->doubts.items[kept++] = graph->doubts.items[i];
	}
	graph->doubts.count = kept;
}

void dd_graph_begin_scan(struct dd_graph *graph)
{
	for (size_t i = 0; i < graph->nodes.count; i++) {
		uint16_t *flags = &graph->nodes.items[i].flags;

		/* What was read once is known for ever; the rest is looked at anew. */
		*flags &= *flags & DD_NODE_READ ? DD_NODE_READ | DD_NODE_WANTED : 0;
	}
	graph->ties.count = 0;
	forget_doubts(graph);
}

static int compare_ties(const void *left, const void *right)
{
	const struct dd_tie *a = left, *b = right;

	return a->from != b->from ? (a->from < b->from ? -1 : 1) :
	       a->to != b->to	  ? (a->to < b->to ? -1 : 1) :
				    0;
}

static int compare_doubts(const void *left, const void *right)
{
	const struct dd_node_doubt *a = left, *b = right;

	return a->id != b->id ? (a->id < b->id ? -1 : 1) : 0;
}

void dd_graph_end_scan(struct dd_graph *graph)
{
	if (graph->ties.count)
		qsort(graph->ties.items, graph->ties.count, sizeof(*graph->ties.items),
		      compare_ties);
	if (graph->doubts.count)
		qsort(graph->doubts.items, graph->doubts.count, sizeof(*graph->doubts.items),
		      compare_doubts);
}

const struct dd_tie *dd_graph_ties(const struct dd_graph *graph, uint32_t from, size_t *count)
{
	size_t low = dd_first_from(graph->ties.items, graph->ties.count, from, from);

	*count = 0;
	while (low + *count < graph->ties.count && graph->ties.items[low + *count].from == from)
		++*count;
	return graph->ties.items + low;
}

const struct dd_node_doubt *dd_graph_doubt(const struct dd_graph *graph, uint32_t id)
{
	const struct dd_node_doubt key = { .id = id };

	if (!graph->doubts.count)
		return NULL;
	return bsearch(&key, graph->doubts.items, graph->doubts.count, sizeof(key), compare_doubts);
}
