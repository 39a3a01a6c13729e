/*
 * An answer in the making: roots, the ways up to them, and the words for each step.
 */
#ifndef GC_WHY_H
#define GC_WHY_H

#include <drydock/why.h>

#include "gc/plan.h"

/* An edge, seen from below. */
struct dd_why_edge {
	uint32_t parent; /* id */
	uint32_t edge;	 /* index in the graph's edges; DD_NO_ID: a tie */
};

/* Where a way up ends. */
struct dd_why_top {
	uint32_t id;
	uint32_t repository; /* DD_NO_ID: any */
	uint32_t extra;	     /* the tag's index, the hold's; DD_NO_ID */
	uint8_t root;	     /* enum dd_why_root */
	int64_t until_ns;
};

/* How many ways lead up from a digest, in one repository. */
struct dd_why_count {
	uint64_t key; /* 0: empty */
	uint64_t count;
};

struct dd_why {
	struct dd_context *ctx;
	struct dd_store *store;
	struct dd_gc *gc;
	uint32_t target, repository;	 /* DD_NO_ID: none, any */
	struct dd_why_edge *edges;	 /* by child, see first */
	uint32_t *first;		 /* by id, and one more */
	bool *above;			 /* by id: leads to the target */
	DD_LIST(struct dd_why_top) tops; /* sorted by id */
	struct dd_why_count *counts;	 /* a power of two of them */
	size_t counted, count_room;
	struct dd_why_step *labels; /* by edge: role and platform */
	bool *labelled;		    /* by manifest */
	struct dd_manifest_parser *parser;
	struct dd_buffer buffer;
	DD_LIST(struct dd_why_path) paths;
	DD_LIST(struct dd_why_going) going;
	DD_LIST(struct dd_why_gone) gone;
	struct dd_candidates untagged; /* judged with -m */
	struct dd_arena memory;
	struct dd_why_answer answer;
};

/* The edges from below, and what is above the target. */
int dd_why_climb(struct dd_why *why, struct dd_error *err);
/* All roots above the target. Marks anew. */
int dd_why_find_tops(struct dd_why *why, struct dd_error *err);
/* Those of one digest: *count of them at the returned place. */
const struct dd_why_top *dd_why_tops_of(const struct dd_why *why, uint32_t id, size_t *count);
/* Count all ways, list at most max (0: all). */
int dd_why_find_paths(struct dd_why *why, size_t max, struct dd_error *err);
/* The short name of a manifest's type; NULL if none was read. */
const char *dd_why_type(const struct dd_graph *graph, uint32_t id);
/* What the step from a manifest along one of its edges is called. */
int dd_why_label(struct dd_why *why, const struct dd_why_edge *edge, struct dd_why_step *step,
		 struct dd_error *err);
/* What is asked for: target, repository, what lies in the trash. */
int dd_why_choose(struct dd_why *why, const struct dd_reference *reference, struct dd_error *err);

/* "gc" as it would be planned. */
int dd_why_plan(struct dd_context *ctx, struct dd_store *store,
		const struct dd_why_options *options, struct dd_gc **gc, struct dd_error *err);

#endif
