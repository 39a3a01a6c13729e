/*
 * What leaves the trash for good: runs that are old, and while it takes too much, the oldest others.
 */
#ifndef GC_EXPIRE_H
#define GC_EXPIRE_H

#include "gc/trash_view.h"

/* What to go by. */
struct dd_expiry_rule {
	int64_t oldest_ns; /* a run that began then or before is old; INT64_MIN: none is */
	struct dd_trash_bounds bounds;
	struct dd_space space;
	const struct dd_change *change; /* that is under way: what began beside it stays; or NULL */
	const char *own; /* a run just made: goes last, and for bounds.max alone; or NULL */
	bool coming;	 /* there is no such run yet: it would take these */
	uint64_t coming_objects, coming_bytes;
	const struct dd_revival *back; /* of the runs: comes back first */
	size_t back_count;
};

struct dd_expiring {
	DD_LIST(struct dd_emptied) list; /* oldest first, the own run last */
	uint64_t short_bytes;		 /* to what is to be free, when all these are gone */
};

/* Only as many as needed, and none that frees nothing, but for those that are old. */
int dd_expire(const struct dd_trash *trash, const struct dd_expiry_rule *rule,
	      struct dd_expiring *expiring, struct dd_error *err);

/* Free space of the volume, if the bounds ask for it. Where it cannot be told they ask no more. */
void dd_expiry_look(struct dd_context *ctx, struct dd_store *store, struct dd_expiry_rule *rule);

#endif
