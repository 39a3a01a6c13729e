/*
 * What a repair comes to: what is mended, what is left, and what a person has to see to.
 */
#include "repair/repair.h"

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
		mend->place.kind == DD_AT_BLOB && step->missed);
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
