/*
 * Emptying the trash: what should be in the volume comes back first, then old runs go for good.
 */
#include <stdlib.h>
#include <string.h>

#include <drydock/restore.h>
#include <drydock/units.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "gc/expire.h"

struct dd_empty {
	struct dd_trash trash;
	struct dd_gc *gc;
	struct dd_expiring runs;
	struct dd_empty_plan plan;
};

static const struct dd_gc_options *gc_options(const struct dd_empty_options *options,
					      struct dd_gc_options *out)
{
	*out = (struct dd_gc_options){ .grace_ns = DD_GC_GRACE,
				       .uploads_older_ns = DD_GC_UPLOADS,
				       .trash_keep_ns = DD_GC_TRASH_KEEP,
				       .command = options->command };
	return out;
}

static bool is_bounded(const struct dd_trash_bounds *bounds)
{
	return bounds->max || bounds->min_free || bounds->min_free_percent;
}

/* Which runs go, from what the trash holds now, less what comes back. change: NULL of a plan. */
static int choose(struct dd_context *ctx, struct dd_store *store,
		  const struct dd_empty_options *options, const struct dd_change *change,
		  struct dd_empty *empty, struct dd_error *err)
{
	struct dd_expiry_rule rule = { .oldest_ns = INT64_MAX,
				       .change = change,
				       .bounds = options->bounds,
				       .back = empty->plan.applied ? NULL : empty->plan.revivals,
				       .back_count = empty->plan.applied ?
							     0 :
							     empty->plan.revival_count };
	int rc;

	if (options->older_ns)
		rule.oldest_ns = dd_time_now() - options->older_ns;
	else if (is_bounded(&options->bounds))
		rule.oldest_ns = INT64_MIN;
	dd_trash_release(&empty->trash);
	rc = dd_trash_load(ctx, store, &empty->trash, err);
	dd_expiry_look(ctx, store, &rule);
	if (rc == 0)
		rc = dd_expire(&empty->trash, &rule, &empty->runs, err);
	empty->plan.runs = empty->runs.list.items;
	empty->plan.count = empty->runs.list.count;
	empty->plan.kept = empty->trash.count - empty->plan.count;
	empty->plan.short_bytes = empty->runs.short_bytes;
	empty->plan.bytes = 0;
	for (size_t i = 0; i < empty->plan.count; i++)
		empty->plan.bytes += empty->plan.runs[i].bytes;
	return rc;
}

static void take_revivals(struct dd_empty *empty)
{
	const struct dd_gc_plan *plan = dd_gc_get_plan(empty->gc);

	empty->plan.revivals = plan->revivals;
	empty->plan.revival_count = plan->revival_count;
}

/* What is in doubt may need what the trash has, and what cannot be looked at may be needed. */
static int check_doubt(const struct dd_empty *empty, struct dd_error *err)
{
	const struct dd_hold *hold = dd_gc_plan_doubt(dd_gc_get_plan(empty->gc));

	if (!hold)
		return 0;
	dd_fail(err, DD_EREFUSED, 0, "what is still needed of the trash cannot be told: %s (%s)",
		dd_doubt_text(hold->doubt), hold->detail);
	dd_hint(err, "drydock gc shows what is in doubt, and what would release it; what it "
		     "acknowledges by --ack is no obstacle");
	return DD_EREFUSED;
}

static int open_empty(struct dd_empty **out, struct dd_error *err)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : dd_fail(err, DD_ENOMEM, 0, "empty the trash");
}

int dd_empty_plan(struct dd_context *ctx, struct dd_store *store,
		  const struct dd_empty_options *options, struct dd_empty **out,
		  struct dd_error *err)
{
	DD_CLEANUP(dd_empty_closep) struct dd_empty *empty = NULL;
	struct dd_gc_options gc;
	int rc = open_empty(&empty, err);

	*out = NULL;
	if (rc == 0)
		rc = choose(ctx, store, options, NULL, empty, err);
	if (rc == 0 && empty->plan.count) {
		rc = dd_gc_plan(ctx, store, gc_options(options, &gc), &empty->gc, err);
		if (rc == 0)
			rc = check_doubt(empty, err);
		if (rc == 0)
			take_revivals(empty);
		/* What comes back takes no space in the trash any more. */
		if (rc == 0 && empty->plan.revival_count)
			rc = choose(ctx, store, options, NULL, empty, err);
	}
	if (rc < 0)
		return dd_wrap(err, rc, "empty the trash");
	*out = empty;
	empty = NULL;
	return 0;
}

static int check_seen(const struct dd_empty *empty, struct dd_error *err)
{
	for (size_t i = 0; i < empty->runs.list.count; i++)
		if (empty->runs.list.items[i].unseen)
			return dd_fail(err, DD_EIO, 0,
				       "run %s stays: not all of it could be looked at",
				       empty->runs.list.items[i].run);
	return 0;
}

/* From here on the plan says what was done. */
static int remove_runs(struct dd_context *ctx, struct dd_change *change, struct dd_empty *empty,
		       struct dd_error *err)
{
	/* Of what is only seen to be gone, nothing may be missing when it is there again. */
	int rc = empty->runs.list.count ? dd_change_outwait(change, err) : 0;

	empty->plan.bytes = 0;
	dd_progress_begin(ctx, "emptying the trash", empty->runs.list.count);
	for (size_t i = 0; i < empty->runs.list.count && rc == 0; i++) {
		struct dd_emptied *run = &empty->runs.list.items[i];

		rc = dd_context_check(ctx, err);
		if (rc == 0 && !run->unseen) {
			rc = dd_change_empty(change, run->run, err);
			run->removed = rc == 0;
			empty->plan.bytes += run->removed ? run->bytes : 0;
		}
		dd_progress_add(ctx, 1);
	}
	dd_progress_end(ctx);
	return rc == 0 ? check_seen(empty, err) : rc;
}

static int carry_out(struct dd_context *ctx, struct dd_store *store,
		     const struct dd_empty_options *options, struct dd_change *change,
		     struct dd_empty *empty, struct dd_error *err)
{
	struct dd_gc_options gc;
	int rc = choose(ctx, store, options, change, empty, err);

	/* Where nothing goes, nothing has to come back first. */
	if (rc == 0 && empty->plan.count) {
		rc = dd_gc_revive(ctx, store, change, gc_options(options, &gc), &empty->gc, err);
		if (empty->gc)
			take_revivals(empty);
		if (rc == 0)
			rc = check_doubt(empty, err);
		if (rc == 0)
			rc = choose(ctx, store, options, change, empty, err);
	}
	if (rc == 0)
		rc = remove_runs(ctx, change, empty, err);
	return rc == 0 ? dd_change_finish(change, false, err) : rc;
}

/*
 * Nothing is made in a volume that never had any trash. Where our state is, there may be a run that
 * was taken out of sight and not removed in full: beginning a change ends that.
 */
static int has_state(struct dd_store *store, bool *has, struct dd_error *err)
{
	const struct dd_place state = { .kind = DD_IN_STATE };
	struct dd_info info;
	int rc = dd_store_stat(store, &state, &info, err);

	*has = rc == 0;
	return rc == DD_ENOENT ? 0 : rc;
}

int dd_empty_apply(struct dd_context *ctx, struct dd_store *store,
		   const struct dd_empty_options *options, struct dd_empty **out,
		   struct dd_error *err)
{
	const struct dd_change_options change_options = { .command = options->command,
							  .lock_wait_ns = options->lock_wait_ns };
	DD_CLEANUP(dd_change_closep) struct dd_change *change = NULL;
	struct dd_empty *empty = NULL;
	bool has = false;
	int rc = open_empty(&empty, err);

	*out = empty;
	if (rc == 0)
		rc = has_state(store, &has, err);
	if (rc == 0 && has)
		rc = dd_change_begin(ctx, store, &change_options, &change, err);
	if (rc == 0 && has)
		rc = dd_change_let_in(change, true, err);
	if (rc < 0) {
		dd_empty_closep(out);
		return dd_wrap(err, rc, "empty the trash");
	}
	empty->plan.applied = true;
	if (has)
		rc = carry_out(ctx, store, options, change, empty, err);
	return rc < 0 ? dd_wrap(err, rc, "empty the trash") : 0;
}

const struct dd_empty_plan *dd_empty_get_plan(const struct dd_empty *empty)
{
	return &empty->plan;
}

void dd_empty_close(struct dd_empty *empty)
{
	if (!empty)
		return;
	dd_gc_close(empty->gc);
	dd_list_release(&empty->runs.list);
	dd_trash_release(&empty->trash);
	free(empty);
}

void dd_empty_closep(struct dd_empty **empty)
{
	dd_empty_close(*empty);
	*empty = NULL;
}
