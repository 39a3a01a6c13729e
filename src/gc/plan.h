/*
 * The plan in the making; what planning, applying and reporting share.
 */
#ifndef GC_PLAN_H
#define GC_PLAN_H

#include <drydock/record.h>

#include "base/arena.h"
#include "gc/candidates.h"
#include "gc/expire.h"
#include "gc/retain.h"
#include "gc/trash_view.h"
#include "graph/removal.h"

/* What was named by its place, as it is in the survey: objects.h. */
struct dd_object {
	uint8_t kind, state; /* enum dd_place_kind, dd_candidate_state */
	bool there, goes;
	bool moved; /* a tag, since it was named */
	uint32_t repository, tag, id, extra;
	uint32_t number; /* in options.objects */
};

/* Some of gc->candidates, by where they are in it. */
struct dd_selection {
	uint32_t *items;
	size_t count, room;
};

struct dd_gc {
	struct dd_gc_options options;
	struct dd_graph *graph;
	struct dd_survey *survey;
	struct dd_trash_view trash;
	struct dd_records records;
	struct dd_candidates candidates;
	DD_LIST(struct dd_loss) losses;
	struct dd_selection order; /* of the candidates that go */
	struct dd_selection young; /* those that are only kept for their youth */
	DD_LIST(struct dd_hold) holds;
	struct dd_arena details; /* of the holds: those of the graph are of the latest scan */
	DD_LIST(const char *) emptied;
	struct dd_revivals revivals;
	DD_LIST(struct dd_object) objects; /* sorted */
	DD_LIST(struct dd_refusal) refusals;
	struct dd_removal removal; /* of what was named, or what no rule keeps, if anything */
	struct dd_retain retain;
	struct dd_expiring expiring;
	DD_LIST(struct dd_left) left;
	DD_LIST(char *) left_memory; /* owns the strings of the left */
	int64_t now_ns;
	int64_t temps_older_ns; /* of the daemon's own, that it writes at this moment */
	int64_t begun_ns;	/* when a record says that it began; 0: none does */
	char brake[160];
	struct dd_gc_plan plan;
};

/* DD_EREFUSED where the volume is not ours to judge. */
int dd_gc_refuse(struct dd_context *ctx, struct dd_store *store,
		 const struct dd_gc_options *options, struct dd_error *err);
/* What the mark holds, in the order in which it is told. */
int dd_gc_gather_holds(struct dd_gc *gc, struct dd_error *err);
/* Whether the plan takes more than it may: plan.brake says so. */
void dd_gc_brake(struct dd_gc *gc);
/* What of the plan file stays, and why. */
int dd_gc_leave(struct dd_store *store, struct dd_gc *gc, struct dd_error *err);
/* What of the trash the run would remove for good. */
int dd_gc_expect_trash(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
		       struct dd_error *err);
/*
 * Do it, when the run has ended. doubt: something is in doubt that the plan does not know. own_may:
 * what this run took is known to be needed by nothing.
 */
int dd_gc_empty_old(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
		    struct dd_change *change, bool doubt, bool own_may, bool *late,
		    struct dd_error *err);
/* All but carrying it out. gc->options is set. */
int dd_gc_make(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
	       struct dd_error *err);
/* How much more would go with delete_untagged, and without the holds. */
int dd_gc_estimate(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
		   struct dd_error *err);
/*
 * A collection is remembered from when it has the lock until all that it did is durable. What cannot be
 * remembered is told, and stops nothing. err: of a run that failed (rc).
 */
void dd_gc_remember_begin(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
			  const char *run);
void dd_gc_remember_end(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
			const char *run, int rc, const struct dd_error *err);
/*
 * Where a daemon serves the volume: before the look, what it wants to be heeded (DD_EAGAIN: nothing may
 * be collected yet); and after it, before anything goes, what was written lately is shown to it
 * (DD_EAGAIN: some of that by somebody else, so that the plan took too much).
 */
int dd_gc_heed(struct dd_gc *gc, const struct dd_gate_terms *terms, struct dd_error *err);
int dd_gc_show(const struct dd_gc *gc, struct dd_change *change, struct dd_error *err);
/* One object of a list. */
void dd_hold_json(const struct dd_hold *hold, struct dd_json_out *out);
void dd_gc_order(struct dd_gc *gc); /* sorts what goes, and what is young */
/* Of an item of gc->order that will be asked for: its digest is on its way from memory. */
void dd_gc_prefetch(const struct dd_gc *gc, size_t at);

/* What goes by name, and nothing else, of the candidates; in their place. */
int dd_gc_judge_removal(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
			struct dd_judge_options *judge, struct dd_error *err);

/* Tags that no rule keeps, and what only they reach, are among the candidates; in their place. */
int dd_gc_judge_policy(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
		       struct dd_judge_options *judge, struct dd_error *err);
/* What is kept by a list, as roots among the young of new candidates. DD_EREFUSED: it names nothing. */
int dd_gc_find_pins(struct dd_gc *gc, struct dd_error *err);
int dd_gc_pin(const struct dd_gc *gc, struct dd_candidates *candidates, struct dd_error *err);

int dd_gc_new(const struct dd_gc_options *options, struct dd_gc **gc, struct dd_error *err);
/* One candidate as an item; strings are the survey's. */
void dd_gc_candidate_item(const struct dd_gc *gc, uint32_t candidate, struct dd_item *item);

#endif
