/*
 * What would go with what is named, in the making.
 */
#ifndef GC_WHY_FREE_H
#define GC_WHY_FREE_H

#include <drydock/why.h>

#include "gc/plan.h"
#include "graph/without.h"

/* Something that keeps some of the rest: a manifest with the tags that lead to it. */
struct dd_keeper_group {
	uint32_t repository, id;
	uint32_t tag;	       /* the first of its tags; DD_NO_ID */
	uint64_t tags;	       /* how many */
	uint64_t bytes, alone; /* that it keeps; of these, nobody else */
	bool gone;	       /* by an earlier step */
};

struct dd_free {
	struct dd_gc *gc;
	struct dd_removal removal;
	struct dd_without without;
	bool *relevant; /* by id: one of the rest, or leads there */
	uint32_t *rest; /* by id: number in "kept" and one; 0: not of the rest */
	struct dd_kept {
		uint32_t id, keepers;
		uint32_t sum; /* of the numbers of its keepers: of a single one, its own */
	} * kept;
	size_t kept_count;
	DD_LIST(struct dd_keeper_group) groups;
	DD_LIST(struct dd_why_keeper) keepers;
	DD_LIST(struct dd_why_keeper) next;
	struct dd_free_answer answer;
};

/* Who keeps the rest, and what to do about it. kept and rest are set. */
int dd_free_find_keepers(struct dd_free *made, size_t max, struct dd_error *err);

#endif
