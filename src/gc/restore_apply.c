/*
 * Putting back: from the trash to where it was.
 */
#include <string.h>

#include "base/cleanup.h"
#include "gc/restore.h"

/* Each of these: 0, or why not. */
static int take_away(struct dd_restore *restore, struct dd_change *change, struct dd_restored *item,
		     struct dd_error *err)
{
	int rc = dd_change_take_back(change, restore->run->name, item->put, err);

	if (rc == 0)
		item->outcome = DD_OUTCOME_TAKEN;
	return rc;
}

static int set_back(struct dd_change *change, struct dd_restored *item, struct dd_error *err)
{
	int rc = dd_change_undress(change, item->dress, err);

	if (rc == 0)
		item->outcome = DD_OUTCOME_RESET;
	return rc;
}

static int revive(struct dd_restore *restore, struct dd_change *change, struct dd_restored *item,
		  struct dd_error *err)
{
	bool there = false;
	bool empty = item->reason == DD_REASON_EMPTY;
	int rc;

	if (empty)
		rc = dd_change_revive_empty(change, &item->place, &there, err);
	else if (item->reason == DD_REASON_REPLACED)
		rc = dd_change_revive_file(change, &item->place, &there, err);
	else
		rc = dd_change_revive(change, &item->place, item->fresh, &there, err);
	if (rc < 0)
		return rc;
	item->outcome = there && empty ? DD_OUTCOME_SAME : DD_OUTCOME_BACK;
	return there && !empty ? dd_restore_judge(restore, item, err) : 0;
}

static int bring_back(struct dd_restore *restore, struct dd_change *change,
		      struct dd_restored *item, struct dd_error *err)
{
	int rc = item->put   ? take_away(restore, change, item, err) :
		 item->dress ? set_back(change, item, err) :
			       revive(restore, change, item, err);

	dd_progress_add(restore->ctx, 1);
	if (rc != DD_ENOENT && rc != DD_ECHANGED && rc != DD_EAGAIN &&
	    !(rc == DD_EREFUSED && item->put))
		return rc;
	/* Leased: somebody writes there at this moment. */
	item->outcome = rc == DD_ENOENT			     ? DD_OUTCOME_VANISHED :
			rc == DD_ECHANGED || rc == DD_EAGAIN ? DD_OUTCOME_CHANGED :
							       DD_OUTCOME_KEPT;
	dd_error_clear(err);
	return 0;
}

/* Where names cannot be exchanged it stays in the trash, for as long as the repair's is there. */
static int swap(struct dd_change *change, struct dd_restored *item, struct dd_error *err)
{
	int rc = dd_change_swap(change, &item->place, err);

	item->swap = rc < 0;
	if (rc == DD_EUNKNOWN || rc == DD_ENOENT) {
		dd_error_clear(err);
		rc = 0;
	}
	return rc;
}

static bool is_to_do(const struct dd_restored *item)
{
	return item->outcome == DD_OUTCOME_BACK || item->outcome == DD_OUTCOME_TAKEN ||
	       item->outcome == DD_OUTCOME_RESET;
}

static int bring_all_back(struct dd_restore *restore, struct dd_change *change,
			  struct dd_error *err)
{
	struct dd_restored *items = restore->items.items;
	size_t total = restore->items.count;
	int rc = 0;

	dd_progress_begin(restore->ctx, "putting back",
			  restore->plan.back + restore->plan.taken + restore->plan.reset);
	for (size_t i = 0; i < total; i++)
		if (is_to_do(&items[i]))
			items[i].outcome = DD_OUTCOME_LEFT;
	for (size_t i = 0; i < total && rc == 0; i++) {
		if (i && dd_restore_turn(&items[i]) != dd_restore_turn(&items[i - 1]))
			rc = dd_change_sync(change, err);
		if (rc == 0)
			rc = dd_context_check(restore->ctx, err);
		if (rc == 0 && items[i].outcome == DD_OUTCOME_LEFT)
			rc = bring_back(restore, change, &items[i], err);
		else if (rc == 0 && items[i].swap)
			rc = swap(change, &items[i], err);
	}
	/* Also after an error: what came back until then stays. */
	if (rc < 0)
		dd_change_sync(change, NULL);
	else
		rc = dd_change_sync(change, err);
	dd_progress_end(restore->ctx);
	return rc;
}

/* Objects of a run that are in the volume again, by us or by a push. */
static size_t settled_of(const struct dd_restore *restore, const struct dd_run *run)
{
	size_t settled = 0;

	for (size_t i = 0; i < restore->items.count; i++) {
		const struct dd_restored *item = &restore->items.items[i];

		settled += item->place.run && !strcmp(item->place.run, run->name) && !item->swap &&
			   (item->outcome == DD_OUTCOME_BACK || item->outcome == DD_OUTCOME_SAME);
	}
	return settled;
}

/* What the run put or set that is so still. */
static size_t put_still(const struct dd_restore *restore, const struct dd_run *run)
{
	size_t still = run->put_count + run->dress_count;

	/* Of what was written to since that is known already. */
	if (run == restore->run)
		for (size_t i = 0; i < restore->items.count; i++)
			still -= restore->items.items[i].outcome == DD_OUTCOME_TAKEN ||
				 restore->items.items[i].outcome == DD_OUTCOME_KEPT ||
				 restore->items.items[i].outcome == DD_OUTCOME_RESET;
	return still;
}

/* A run in which nothing is left that the volume has not is no use to anybody. */
static int drop_empty_runs(struct dd_restore *restore, struct dd_change *change,
			   struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < restore->trash.count && rc == 0; i++) {
		const struct dd_run *run = &restore->trash.runs[i];
		size_t settled = settled_of(restore, run);

		if (run->state == DD_RUN_DAMAGED || run->unseen || settled != run->count ||
		    put_still(restore, run) || (!settled && run != restore->run))
			continue;
		rc = dd_change_empty(change, run->name, err);
		restore->plan.emptied_runs += rc == 0;
	}
	return rc;
}

/* Before the lock is taken, which would make our state in a volume that never had any. */
static int check_run(struct dd_context *ctx, struct dd_store *store, const char *name,
		     struct dd_error *err)
{
	DD_CLEANUP(dd_trash_release) struct dd_trash trash = { 0 };
	const struct dd_run *run;
	int rc = dd_trash_load(ctx, store, &trash, err);

	if (rc == 0)
		rc = dd_trash_find(&trash, name, &run, err);
	return rc < 0 ? dd_wrap(err, rc, "restore %s", name) : 0;
}

int dd_restore_apply(struct dd_context *ctx, struct dd_store *store,
		     const struct dd_restore_options *options, struct dd_restore **out,
		     struct dd_error *err)
{
	const struct dd_change_options change_options = { .command = options->command,
							  .lock_wait_ns = options->lock_wait_ns };
	DD_CLEANUP(dd_restore_closep) struct dd_restore *restore = NULL;
	DD_CLEANUP(dd_change_closep) struct dd_change *change = NULL;
	int rc = dd_restore_open(ctx, store, &restore, err);

	*out = NULL;
	if (rc == 0)
		rc = check_run(ctx, store, options->run, err);
	if (rc == 0)
		rc = dd_change_begin(ctx, store, &change_options, &change, err);
	if (rc == 0)
		rc = dd_restore_make(restore, options, err);
	if (rc < 0)
		return rc;
	restore->plan.applied = true;
	rc = bring_all_back(restore, change, err);
	if (rc == 0)
		rc = drop_empty_runs(restore, change, err);
	if (rc == 0)
		rc = dd_change_finish(change, false, err);
	dd_restore_count(restore);
	*out = restore;
	restore = NULL;
	return rc;
}
