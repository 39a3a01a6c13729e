/*
 * A tree in the making.
 */
#ifndef INSPECT_TREE_H
#define INSPECT_TREE_H

#include <drydock/tree.h>

#include "graph/removal.h"
#include "inspect/parts.h"
#include "inspect/size.h"

/* What a blob's file says, looked at once. */
struct dd_seen {
	bool looked, present;
	const char *problem;
	uint64_t size;
};

/* Something about a manifest, in the repository that is being shown. */
struct dd_about {
	uint32_t subject, id;
	const char *tag; /* by whose name it is known: cosign's; NULL: its subject field */
};

struct dd_growing {
	struct dd_context *ctx;
	struct dd_store *store;
	unsigned depth; /* 0: any */
	struct dd_index *index;
	struct dd_graph *graph;
	struct dd_survey *survey;
	struct dd_parts parts;
	struct dd_sizer sizer;
	struct dd_arena *memory;
	struct dd_tree *tree;
	DD_LIST(struct dd_tree_node) nodes;
	struct dd_seen *seen; /* by id */
	uint32_t *uses;	      /* by id */
	uint32_t *shown;      /* by id: the last root under which its parts were */
	uint32_t root;
	uint32_t *sibling; /* by id: the last index that named it as an image */
	uint32_t siblings;
	/* of the repository that is being shown */
	const struct dd_repository *repo;
	DD_LIST(struct dd_about) about; /* sorted by subject */
};

/* A manifest with all that is under it; index DD_TREE_NONE: at the top. part may be NULL. */
int dd_grow_manifest(struct dd_growing *growing, enum dd_tree_kind kind, uint32_t id,
		     const struct dd_part *part, size_t parent, size_t *made, struct dd_error *err);
int dd_grow_repository(struct dd_growing *growing, const struct dd_repository *repo,
		       struct dd_error *err);
int dd_grow_tag(struct dd_growing *growing, const struct dd_tag *tag, size_t parent,
		struct dd_error *err);
/* Who is about whom in a repository: before any of its manifests is shown. */
int dd_grow_begin(struct dd_growing *growing, const struct dd_repository *repo,
		  struct dd_error *err);
/* NULL: no memory, said in err. */
struct dd_tree_node *dd_grow_add(struct dd_growing *growing, enum dd_tree_kind kind, size_t parent,
				 struct dd_error *err);
const char *dd_grow_copy(struct dd_growing *growing, const char *text, struct dd_error *err);

#endif
