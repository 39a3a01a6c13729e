/*
 * Youth: what changed less than the grace period ago, or in the future, is a root like any other.
 */
#ifndef GC_YOUNG_H
#define GC_YOUNG_H

#include "gc/candidates.h"

/*
 * A digest is as young as the latest change of its blob and of all links to it. Sets the state of
 * candidates and gathers their roots. Young blobs that no link names are read, for they may be
 * manifests whose links are just being written.
 */
int dd_young_find(struct dd_context *ctx, struct dd_store *store, struct dd_survey *survey,
		  const struct dd_judge_options *options, struct dd_candidates *candidates,
		  struct dd_error *err);

#endif
