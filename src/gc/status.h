/*
 * A status in the making.
 */
#ifndef GC_STATUS_H
#define GC_STATUS_H

#include <drydock/status.h>

#include "gc/plan.h"

struct dd_status_making {
	struct dd_status status; /* first: what the caller has is this */
	struct dd_context *ctx;
	struct dd_store *store;
	struct dd_trash own_trash; /* where there is no plan, which has one */
	struct dd_gc *gc;
	DD_LIST(struct dd_problem) problems;
	struct dd_arena details;
};

/* Of all that was found out: what needs a person. DD_ENOMEM. */
int dd_status_judge(struct dd_status_making *making, struct dd_error *err);

#endif
