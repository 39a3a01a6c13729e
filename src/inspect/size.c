/*
 * Sizes, by what descriptors say.
 */
#include <string.h>

#include "inspect/size.h"

int dd_sizer_init(struct dd_sizer *sizer, const struct dd_graph *graph, struct dd_error *err)
{
	memset(sizer, 0, sizeof(*sizer));
	sizer->graph = graph;
	sizer->stamps = calloc(graph->nodes.count + 1, sizeof(*sizer->stamps));
	return sizer->stamps ? 0 : dd_fail(err, DD_ENOMEM, 0, "add up sizes");
}

void dd_sizer_release(struct dd_sizer *sizer)
{
	free(sizer->stamps);
	dd_list_release(&sizer->stack);
}

void dd_sizer_begin(struct dd_sizer *sizer)
{
	sizer->pass++;
	sizer->bytes = 0;
}

static int push(struct dd_sizer *sizer, uint32_t id)
{
	uint32_t *slot;

	if (sizer->stamps[id] == sizer->pass)
		return 0;
	sizer->stamps[id] = sizer->pass;
	sizer->bytes += sizer->graph->nodes.items[id].size;
	slot = dd_list_add(&sizer->stack);
	if (!slot)
		return DD_ENOMEM;
	*slot = id;
	return 0;
}

int dd_sizer_add(struct dd_sizer *sizer, uint32_t id)
{
	const struct dd_graph *graph = sizer->graph;
	int rc = push(sizer, id);

	while (rc == 0 && sizer->stack.count) {
		uint32_t manifest =
			graph->nodes.items[sizer->stack.items[--sizer->stack.count]].manifest;
		const struct dd_manifest_node *node;

		if (manifest == DD_NO_ID)
			continue;
		node = &graph->manifests.items[manifest];
		for (uint32_t i = 0; i < node->count && rc == 0; i++)
			rc = push(sizer, DD_EDGE_ID(graph->edges.items[node->first + i]));
	}
	return rc;
}
