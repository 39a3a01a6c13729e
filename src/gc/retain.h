/*
 * Retention within a collection: a verdict for each tag, and which roots count as gone for it.
 */
#ifndef GC_RETAIN_H
#define GC_RETAIN_H

#include <drydock/gc.h>
#include <drydock/record.h>

#include "base/list.h"
#include "graph/removal.h"

#define RETAIN_NESTED 4 /* indexes in indexes */

struct dd_retained {
	uint32_t repository, tag; /* indexes */
	int64_t pushed_ns, pulled_ns;
	uint32_t subject; /* of a companion: id of what its name says; DD_NO_ID */
	bool listed;
	struct dd_tag_verdict verdict;
};

struct dd_retain {
	DD_LIST(struct dd_retained) tags;   /* by repository, then tag */
	DD_LIST(struct dd_young_root) pins; /* what a list keeps */
	DD_LIST(struct dd_young_root)
	referrers; /* that stay without their subjects; of the latest */
	DD_LIST(const char *) spared;
	struct dd_policy_repository *about; /* by repository */
	struct dd_rule_count *counts;
	bool *listed; /* by id: a digest that a list names, or an image of such a blob */
	size_t listed_count;
	struct dd_pulls pulls;
	struct dd_gc_retention report;
};
void dd_retain_release(struct dd_retain *retain);

struct dd_gc;

/* Whether the list names the tag, or a digest that it leads to. */
bool dd_retain_is_listed(const struct dd_gc *gc, const struct dd_repository *repo,
			 const struct dd_tag *tag);
/* The verdicts by names and times, and what of them cannot be carried out. */
int dd_retain_judge(struct dd_context *ctx, struct dd_gc *gc, struct dd_error *err);
/* NULL: nothing was decided about it. */
const struct dd_retained *dd_retain_find(const struct dd_gc *gc, uint32_t repository, uint32_t tag);
/* gc->removal, as the verdicts have it now; retain->referrers. */
int dd_retain_remove(struct dd_gc *gc, struct dd_error *err);
/* Companions go where the mark does not reach their subjects; *more: that was not so before. */
int dd_retain_follow(struct dd_gc *gc, struct dd_mark *mark, bool *more, struct dd_error *err);
/* Of what no rule keeps only as much goes as is needed; gc->candidates are those without any of it. */
int dd_retain_fit(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
		  struct dd_error *err);

/* "policy" of a document. */
void dd_retain_put(const struct dd_gc *gc, struct dd_json_out *out);

#endif
