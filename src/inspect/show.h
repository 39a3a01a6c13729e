/*
 * What is shown of one manifest, in the making.
 */
#ifndef INSPECT_SHOW_H
#define INSPECT_SHOW_H

#include <drydock/show.h>

#include "base/arena.h"
#include "base/list.h"
#include "inspect/parts.h"
#include "inspect/size.h"

struct dd_showing {
	struct dd_context *ctx;
	struct dd_store *store;
	const struct dd_reference *reference;
	const struct dd_show_options *options;
	struct dd_show *show;
	struct dd_arena *memory;
	struct dd_graph *graph;
	struct dd_survey *survey;
	struct dd_parts seen;
	struct dd_sizer sizer;
	uint32_t id;
	struct dd_show_part *parts; /* show->parts, to be filled */
};

/* NULL: no memory, said in err; or no text. */
const char *dd_show_copy(struct dd_showing *showing, const char *text, struct dd_error *err);
/* Cleared; NULL: no memory. */
void *dd_show_alloc(struct dd_showing *showing, size_t count, size_t size, struct dd_error *err);

/* Reads and takes apart the configuration, if there is one and it is an image's. */
int dd_show_configure(struct dd_showing *showing, struct dd_error *err);
/* Other repositories that have it. */
int dd_show_elsewhere(struct dd_showing *showing, struct dd_error *err);
/* What would go with it. */
int dd_show_weigh(struct dd_showing *showing, struct dd_error *err);
/* Referrers, from the repository's revisions and tags. */
int dd_show_referrers(struct dd_showing *showing, struct dd_error *err);

#endif
