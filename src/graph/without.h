/*
 * What would go if some roots were not there: marked with them, and without.
 */
#ifndef GRAPH_WITHOUT_H
#define GRAPH_WITHOUT_H

#include "graph/mark.h"

struct dd_without {
	const struct dd_graph *graph;
	bool *before; /* by id: reached with everything there */
};

/*
 * To be called while the graph says what a mark reached with everything there; afterwards it says what is
 * reached without. While something holds the whole volume nothing goes, whatever is named: "before"
 * is that mark.
 */
int dd_without_init(struct dd_context *ctx, struct dd_survey *survey, const struct dd_mark *before,
		    const struct dd_mark_options *options, struct dd_without *without,
		    struct dd_error *err);
void dd_without_release(struct dd_without *without);

/* Whether the volume has a blob's bytes, as far as a survey can tell. */
bool dd_node_is_present(const struct dd_node *node);
bool dd_without_goes(const struct dd_without *without, uint32_t id);

/* Looked at one by one: what is shared by other hard links apart. */
struct dd_weight {
	uint64_t blobs, bytes, linked_bytes;
};
int dd_without_weigh(struct dd_context *ctx, struct dd_store *store,
		     const struct dd_without *without, struct dd_weight *weight,
		     struct dd_error *err);

#endif
