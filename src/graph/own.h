/*
 * Owners: who alone keeps a blob. For every repository, or group of repositories, or tag at once, in time
 * that is linear in what they name: what would go with each is what nobody else reaches. Says the same as
 * a mark without it would (without.h), as long as nothing is in doubt; what is held is nobody's.
 *
 * Youth does not count: what is young today goes a grace period later.
 */
#ifndef GRAPH_OWN_H
#define GRAPH_OWN_H

#include "graph/mark.h"

/* Someone who may own. Each blob counts once. */
struct dd_own_unit {
	uint64_t blobs, bytes; /* that it reaches */
	uint64_t exclusive;    /* bytes of these that nobody else does */
};

struct dd_own_options {
	/* By repository, ascending: the number of its unit. NULL: each tag is a unit, in their order. */
	const uint32_t *units;
	size_t count; /* of units; for tags dd_own_tags() of them */
	/* What everything reaches; NULL: exclusive bytes are not asked for. */
	const struct dd_mark *mark;
	const uint64_t *weights; /* by id: bytes, 0 where there are none */
};

size_t dd_own_tags(const struct dd_survey *survey);
/* units: options->count of them, for the caller to free. */
int dd_own(struct dd_context *ctx, struct dd_survey *survey, const struct dd_own_options *options,
	   struct dd_own_unit **units, struct dd_error *err);

#endif
