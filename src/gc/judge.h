/*
 * Judging: from a survey to what may go. The steps of dd_judge(), each in a file of its own.
 */
#ifndef GC_JUDGE_H
#define GC_JUDGE_H

#include "gc/candidates.h"

/* Mark, gather, look at each, mark again with what is young. */
int dd_judge(struct dd_context *ctx, struct dd_store *store, struct dd_survey *survey,
	     const struct dd_judge_options *options, struct dd_candidates *candidates,
	     struct dd_error *err);

/* Mark, and what that did not reach, but for what crashes left: that is known after the look. */
int dd_gather(struct dd_context *ctx, struct dd_survey *survey,
	      const struct dd_judge_options *options, struct dd_candidates *candidates,
	      struct dd_error *err);
/*
 * How many that would be, and how large by what manifests say of them: nothing is looked at, so what
 * is young counts too. Marks, but leaves the list alone.
 */
struct dd_gathered {
	uint64_t items, bytes;
};
int dd_gather_count(struct dd_context *ctx, struct dd_survey *survey,
		    const struct dd_judge_options *options, struct dd_candidates *candidates,
		    struct dd_gathered *count, struct dd_error *err);
int dd_gather_temps(struct dd_survey *survey, const struct dd_judge_options *options,
		    struct dd_candidates *candidates, struct dd_error *err);

/* Sets state, bytes, times and stamp of each. */
int dd_look_at_candidates(struct dd_context *ctx, struct dd_store *store, struct dd_survey *survey,
			  const struct dd_judge_options *options, struct dd_candidates *candidates,
			  struct dd_error *err);

/*
 * Youth: what changed less than the grace period ago, or in the future, is a root like any other.
 * A digest is as young as the latest change of its blob and of all links to it. Sets the state of
 * candidates and gathers their roots. Young blobs that no link names are read, for they may be
 * manifests whose links are just being written.
 */
int dd_young_find(struct dd_context *ctx, struct dd_store *store, struct dd_survey *survey,
		  const struct dd_judge_options *options, struct dd_candidates *candidates,
		  struct dd_error *err);

#endif
