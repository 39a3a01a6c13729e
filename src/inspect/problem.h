/*
 * What is wrong with a manifest, as far as a survey found out.
 */
#ifndef INSPECT_PROBLEM_H
#define INSPECT_PROBLEM_H

#include "graph/graph.h"

/* NULL: nothing. */
static inline const char *dd_problem_of(const struct dd_graph *graph, uint32_t id)
{
	const struct dd_node *node = &graph->nodes.items[id];

	if (node->flags & DD_NODE_DOUBT)
		return dd_doubt_text(dd_graph_doubt(graph, id)->doubt);
	return node->flags & DD_NODE_MISSING ? "its manifest is not there" : NULL;
}

#endif
