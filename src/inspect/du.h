/*
 * What takes the space, in the making.
 */
#ifndef INSPECT_DU_H
#define INSPECT_DU_H

#include <drydock/du.h>

#include "base/arena.h"
#include "graph/own.h"
#include "graph/removal.h"
#include "inspect/parts.h"
#include "inspect/size.h"

struct dd_weighing {
	struct dd_context *ctx;
	struct dd_store *store;
	const struct dd_du_options *options;
	struct dd_du *du;
	struct dd_arena *memory;
	struct dd_graph *graph;
	struct dd_survey *survey;
	struct dd_mark *mark; /* NULL: what others reach is not known */
	struct dd_parts parts;
	uint64_t *weights;  /* by id: bytes of the blob's file */
	int64_t *mtimes;    /* by id; by age alone */
	uint64_t *logicals; /* by repository */
	DD_LIST(struct dd_du_row) rows;
};

/* du_rows.c: the answer's, and so is their memory; NULL: none, and said. */
const char *dd_weigh_copy(struct dd_weighing *weighing, const char *text, struct dd_error *err);
struct dd_du_row *dd_weigh_row(struct dd_weighing *weighing, const char *name,
			       struct dd_error *err);

/* The rows of each kind, in any order, parents first. */
int dd_weigh_repositories(struct dd_weighing *weighing, struct dd_error *err);
int dd_weigh_tags(struct dd_weighing *weighing, struct dd_error *err);
int dd_weigh_media_types(struct dd_weighing *weighing, struct dd_error *err);
int dd_weigh_layers(struct dd_weighing *weighing, struct dd_error *err);
int dd_weigh_ages(struct dd_weighing *weighing, struct dd_error *err);
/* weights and totals: of every file of the volume, or of what one repository names. */
int dd_weigh_all(struct dd_weighing *weighing, struct dd_error *err);
int dd_weigh_one(struct dd_weighing *weighing, struct dd_error *err);
/* Into their order, and what is not to be shown out of sight. */
int dd_weigh_sort(struct dd_weighing *weighing, struct dd_error *err);

#endif
