/*
 * Restoring, from within: what lies in the trash by name, what was chosen, what that needs.
 */
#ifndef GC_RESTORE_H
#define GC_RESTORE_H

#include <drydock/manifest.h>
#include <drydock/restore.h>

#include "base/list.h"

/* One object in the trash. */
struct dd_object {
	const struct dd_run *run;
	const struct dd_item *item;
	bool taken; /* it is in the plan */
};

/* All objects of all runs, and the same in an order in which they are found by name. */
struct dd_trash_index {
	struct dd_object *objects; /* run by run, in the runs' own order */
	struct dd_object **sorted; /* but for what went as damaged: that serves nobody */
	size_t count, sorted_count;
	const struct dd_put **puts; /* of all runs, by place */
	size_t put_count;
};

int dd_trash_index(struct dd_trash_index *index, const struct dd_trash *trash,
		   struct dd_error *err);
void dd_trash_index_release(struct dd_trash_index *index);
/* The first object of a run; the others follow. */
struct dd_object *dd_trash_index_run(const struct dd_trash_index *index,
				     const struct dd_trash *trash, const struct dd_run *run);
/* Of several in several runs that of prefer, else the newest. NULL: there is none. */
struct dd_object *dd_trash_index_find(const struct dd_trash_index *index,
				      const struct dd_place *place, const struct dd_run *prefer);

/* What a repair put there, which is still as it was put; NULL: nothing. */
const struct dd_put *dd_trash_index_put(const struct dd_trash_index *index,
					const struct dd_place *place);

/* A manifest whose parts are still to be looked for. */
struct dd_visit {
	const char *repository;
	struct dd_digest digest;
};

struct dd_restore {
	struct dd_context *ctx;
	struct dd_store *store;
	struct dd_trash trash;
	struct dd_trash_index index;
	const struct dd_run *run;
	DD_LIST(struct dd_restored) items;
	DD_LIST(struct dd_visit) visits;
	void *asked; /* places that were looked for: a tree of tsearch(3), of malloc */
	struct dd_manifest_parser *parser;
	struct dd_buffer buffer;
	struct dd_restore_plan plan;
};

int dd_restore_open(struct dd_context *ctx, struct dd_store *store, struct dd_restore **restore,
		    struct dd_error *err);
/* The whole plan, into one that was just opened. */
int dd_restore_make(struct dd_restore *restore, const struct dd_restore_options *options,
		    struct dd_error *err);
/* When an object comes back: what is referred to before what refers, so that a crash leaves no gap. */
int dd_restore_step(const struct dd_place *place);
/* Sums of the plan. */
void dd_restore_count(struct dd_restore *restore);

/* Put an object into the plan, once. needed_by is NULL for what was chosen. */
int dd_restore_take(struct dd_restore *restore, struct dd_object *object,
		    const struct dd_digest *needed_by, struct dd_error *err);

/* What the run put in place or dressed, as one of the items. */
int dd_restore_take_put(struct dd_restore *restore, const struct dd_put *put,
			enum dd_outcome outcome, struct dd_error *err);
int dd_restore_take_dress(struct dd_restore *restore, const struct dd_dress *dress,
			  struct dd_error *err);
/* When an item has its turn: what was put goes first, references before what they refer to. */
int dd_restore_turn(const struct dd_restored *item);

int dd_restore_choose(struct dd_restore *restore, const struct dd_reference *choice,
		      struct dd_error *err);
/* What becomes of an item where something stands in its place already; of all items. */
int dd_restore_judge(struct dd_restore *restore, struct dd_restored *item, struct dd_error *err);
int dd_restore_settle(struct dd_restore *restore, struct dd_error *err);
/* All that the items in the plan need, to the last. */
int dd_restore_complete(struct dd_restore *restore, struct dd_error *err);
/* The blob that a link stands for; false: it is no such link, or does not say. */
bool dd_restore_target(struct dd_restore *restore, const struct dd_place *place,
		       struct dd_digest *target);
/* Whether a link names bytes that are neither in the volume nor in the trash. */
int dd_restore_is_bare(struct dd_restore *restore, const struct dd_place *place, bool *bare,
		       struct dd_error *err);

/* Of one place alone: what is there cannot be seen. */
static inline bool dd_restore_bars(int rc)
{
	return rc == DD_EACCES || rc == DD_EIO;
}

/* Whether an object is in the volume; an error if that cannot be told. */
int dd_restore_is_here(struct dd_restore *restore, const struct dd_place *place, bool *here,
		       struct dd_error *err);
/* What a link holds, here or else in the trash; DD_ENOENT if nothing usable. */
int dd_restore_read_link(struct dd_restore *restore, const struct dd_place *place,
			 struct dd_digest *digest, struct dd_error *err);

#endif
