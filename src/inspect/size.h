/*
 * Sizes: how many bytes a pull transfers, each part once.
 */
#ifndef INSPECT_SIZE_H
#define INSPECT_SIZE_H

#include "graph/graph.h"

struct dd_sizer {
	const struct dd_graph *graph;
	uint32_t *stamps; /* by id */
	uint32_t pass;
	DD_LIST(uint32_t) stack;
	uint64_t bytes; /* since dd_sizer_begin() */
};

int dd_sizer_init(struct dd_sizer *sizer, const struct dd_graph *graph, struct dd_error *err);
void dd_sizer_release(struct dd_sizer *sizer);
void dd_sizer_begin(struct dd_sizer *sizer);
/* Add a digest and all that it names, unless it was added. 0 or DD_ENOMEM. */
int dd_sizer_add(struct dd_sizer *sizer, uint32_t id);

#endif
