/*
 * A repair's life, and what it comes to.
 */
#include <search.h>
#include <stdlib.h>

#include "repair/repair.h"

static const struct {
	const char *name, *text;
} mendings[] = {
#define X(constant, name, text) { name, text },
	DD_MENDINGS(X)
#undef X
},
  outcomes[] = {
#define X(constant, name, text) { name, text },
	  DD_MEND_OUTCOMES(X)
#undef X
  };

const char *dd_mending_name(enum dd_mending mending)
{
	return mendings[mending].name;
}

const char *dd_mending_text(enum dd_mending mending)
{
	return mendings[mending].text;
}

const char *dd_mend_outcome_name(enum dd_mend_outcome outcome)
{
	return outcomes[outcome].name;
}

const char *dd_mend_outcome_text(enum dd_mend_outcome outcome)
{
	return outcomes[outcome].text;
}

/* ---- sums ---- */

static bool is_damage(const struct dd_mend *mend)
{
	return dd_finding_severity(mend->found->finding) == DD_SEVERITY_ERROR;
}

/* A bad blob that goes leaves a gap until it is pushed again. */
static bool leaves_damage(const struct dd_step *step)
{
	const struct dd_mend *mend = &step->mend;

	return mend->mending == DD_MEND_LEAVE || mend->outcome > DD_MENDED ||
	       (mend->mending == DD_MEND_WITHDRAW && mend->reason == DD_REASON_DAMAGED &&
		mend->place.kind == DD_AT_BLOB && mend->found->image_total);
}

static void count_step(struct dd_repair_plan *plan, const struct dd_step *step)
{
	const struct dd_mend *mend = &step->mend;

	plan->changed += mend->outcome == DD_MENDED_CHANGED;
	plan->failed += mend->outcome == DD_MENDED_FAILED;
	if (leaves_damage(step))
		plan->left += !is_damage(mend) ? 0 : mend->findings ? mend->findings : 1;
	else
		plan->mended += mend->findings;
	if (mend->mending == DD_MEND_LEAVE || mend->outcome > DD_MENDED ||
	    (plan->applied && mend->outcome != DD_MENDED))
		return;
	plan->steps++;
	switch (mend->mending) {
	case DD_MEND_PUT_BLOB:
	case DD_MEND_MOVE_BLOB:
		plan->blobs_put++;
		plan->bytes_put += mend->bytes;
		break;
	case DD_MEND_WITHDRAW:
		plan->withdrawn++;
		plan->bytes_withdrawn += mend->bytes;
		break;
	case DD_MEND_SET_OWNER:
		plan->owners++;
		break;
	default:
		plan->links++;
	}
}

void dd_repair_count(struct dd_repair *repair)
{
	struct dd_repair_plan *plan = &repair->plan;

#define X(name, member, text) plan->member = 0;
	DD_REPAIR_TOTALS(X)
#undef X
	repair->mends.count = 0;
	for (size_t i = 0; i < repair->steps.count; i++) {
		struct dd_mend *mend = dd_list_add(&repair->mends);

		if (mend)
			*mend = repair->steps.items[i].mend;
		count_step(plan, &repair->steps.items[i]);
	}
	plan->mends = repair->mends.items;
	plan->count = repair->mends.count;
}

enum dd_exit dd_repair_exit(const struct dd_repair *repair)
{
	const struct dd_verify_summary *summary = dd_verify_get_summary(repair->verify);
	const struct dd_repair_plan *plan = &repair->plan;

	if (plan->left || (!plan->applied && summary->errors))
		return DD_EXIT_ATTENTION;
	return summary->complete && !plan->failed ? DD_EXIT_DONE : DD_EXIT_FAILED;
}

/* ---- life ---- */

static int open_repair(struct dd_context *ctx, struct dd_store *store,
		       const struct dd_repair_options *options, struct dd_repair **out,
		       struct dd_error *err)
{
	struct dd_repair *repair = calloc(1, sizeof(*repair));

	*out = repair;
	if (!repair)
		return dd_fail(err, DD_ENOMEM, 0, "repair");
	pthread_mutex_init(&repair->lock, NULL);
	repair->ctx = ctx;
	repair->store = store;
	repair->options = *options;
	return 0;
}

int dd_repair_plan(struct dd_context *ctx, struct dd_store *store,
		   const struct dd_repair_options *options, struct dd_repair **repair,
		   struct dd_error *err)
{
	int rc = open_repair(ctx, store, options, repair, err);

	return rc < 0 ? rc : dd_repair_make(*repair, err);
}

int dd_repair_apply(struct dd_context *ctx, struct dd_store *store,
		    const struct dd_repair_options *options, struct dd_repair **repair,
		    struct dd_error *err)
{
	int rc = open_repair(ctx, store, options, repair, err);

	if (rc == 0)
		rc = dd_repair_make(*repair, err);
	if (rc == 0)
		rc = dd_repair_carry_out(*repair, err);
	if (rc < 0 && *repair)
		dd_repair_count(*repair);
	return rc;
}

const struct dd_repair_plan *dd_repair_get_plan(const struct dd_repair *repair)
{
	return &repair->plan;
}

const struct dd_verify *dd_repair_get_verify(const struct dd_repair *repair)
{
	return repair->verify;
}

void dd_repair_close(struct dd_repair *repair)
{
	if (!repair)
		return;
	tdestroy(repair->places, free);
	dd_list_release(&repair->trashed);
	dd_list_release(&repair->strays);
	dd_list_release(&repair->twins);
	dd_list_release(&repair->steps);
	dd_list_release(&repair->mends);
	dd_list_release(&repair->differing);
	dd_trash_release(&repair->trash);
	dd_verify_close(repair->verify);
	for (size_t i = 0; i < DD_ALGORITHM_COUNT; i++)
		dd_hasher_closep(&repair->hashers[i]);
	free(repair->block);
	dd_arena_release(&repair->strings);
	pthread_mutex_destroy(&repair->lock);
	free(repair);
}

void dd_repair_closep(struct dd_repair **repair)
{
	dd_repair_close(*repair);
	*repair = NULL;
}
