/*
 * What of a status needs a person.
 */
#include <stdio.h>
#include <string.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "gc/status.h"

static const struct {
	const char *name, *text, *command;
} problems[] = {
#define X(constant, name, text, command) { name, text, command },
	DD_PROBLEMS(X)
#undef X
};

const char *dd_problem_name(enum dd_problem_kind kind)
{
	return problems[kind].name;
}

const char *dd_problem_text(enum dd_problem_kind kind)
{
	return problems[kind].text;
}

const char *dd_problem_command(enum dd_problem_kind kind)
{
	return problems[kind].command;
}

static int add(struct dd_status_making *making, enum dd_problem_kind kind, const char *detail,
	       struct dd_error *err)
{
	struct dd_problem *problem = dd_list_add(&making->problems);
	char *copy = dd_arena_copy(&making->details, detail, strlen(detail));

	if (!problem || !copy)
		return dd_fail(err, DD_ENOMEM, 0, "status");
	*problem = (struct dd_problem){ kind, copy };
	return 0;
}

static int add_count(struct dd_status_making *making, enum dd_problem_kind kind, uint64_t count,
		     const char *what, struct dd_error *err)
{
	char detail[64];

	snprintf(detail, sizeof(detail), "%llu %s%s", (unsigned long long)count, what,
		 count == 1 ? "" : "s");
	return add(making, kind, detail, err);
}

static int add_trouble(struct dd_status_making *making, enum dd_problem_kind kind,
		       enum dd_status_part part, struct dd_error *err)
{
	const struct dd_error *trouble = &making->status.trouble[part];
	char detail[DD_ERROR_TEXT + DD_HINT_TEXT + 4];

	if (!trouble->code)
		return 0;
	snprintf(detail, sizeof(detail), "%s%s%s", trouble->text, trouble->hint[0] ? "; " : "",
		 trouble->hint);
	return add(making, kind, detail, err);
}

/* A volume that is refused is somebody else's to collect: nothing is the matter with it. */
static int judge_plan(struct dd_status_making *making, struct dd_error *err)
{
	const struct dd_gc *gc = making->gc;
	uint64_t holds = 0;
	int rc = 0;

	if (!gc)
		return making->status.trouble[DD_PART_PLAN].code == DD_EREFUSED ?
			       0 :
			       add_trouble(making, DD_PROBLEM_UNPLANNED, DD_PART_PLAN, err);
	for (size_t i = 0; i < gc->plan.hold_count; i++)
		holds += !gc->plan.holds[i].acknowledged;
	if (holds)
		rc = add_count(making, DD_PROBLEM_HELD, holds, "hold", err);
	if (rc == 0 && gc->plan.totals.unreadable)
		rc = add_count(making, DD_PROBLEM_UNREADABLE, gc->plan.totals.unreadable, "place",
			       err);
	return rc;
}

static int judge_collection(struct dd_status_making *making, struct dd_error *err)
{
	const struct dd_collection *last = &making->status.collections.last;

	switch (making->status.outcome) {
	case DD_COLLECTION_FAILED:
		return add(making, DD_PROBLEM_FAILED, last->reason, err);
	case DD_COLLECTION_DIED:
		return add(making, DD_PROBLEM_DIED, "", err);
	case DD_COLLECTION_BRAKED:
		return add(making, DD_PROBLEM_BRAKE, last->reason, err);
	case DD_COLLECTION_ATTENTION:
		/* A plan of now knows better. */
		if (making->gc)
			return 0;
		return last->holds ?
			       add_count(making, DD_PROBLEM_WAS_HELD, last->holds, "hold", err) :
			       add_count(making, DD_PROBLEM_WAS_HELD, last->unreadable, "place",
					 err);
	default:
		return add_trouble(making, DD_PROBLEM_UNTOLD, DD_PART_COLLECTION, err);
	}
}

/* Names of runs are cut to the second. */
static bool has_died(const struct dd_status *status, const struct dd_run *run)
{
	return run->state == DD_RUN_INTERRUPTED && !run->ended && !status->locked &&
	       !status->trouble[DD_PART_LOCK].code && run->began_ns + DD_SECOND <= status->now_ns &&
	       strcmp(run->name, status->collections.last.run) != 0;
}

static int judge_trash(struct dd_status_making *making, struct dd_error *err)
{
	const struct dd_status *status = &making->status;
	int rc = add_trouble(making, DD_PROBLEM_UNTOLD, DD_PART_TRASH, err);

	for (size_t i = 0; status->trash && i < status->trash->count && rc == 0; i++) {
		const struct dd_run *run = &status->trash->runs[i];

		if (has_died(status, run))
			rc = add(making, DD_PROBLEM_RUN, run->name, err);
		else if (run->state == DD_RUN_DAMAGED)
			rc = add(making, DD_PROBLEM_RUN_DAMAGED, run->name, err);
	}
	return rc;
}

static bool was_repaired_since(const struct dd_status *status, int64_t ns)
{
	for (size_t i = 0; status->trash && i < status->trash->count; i++) {
		const struct dd_run *run = &status->trash->runs[i];

		if (run->began_ns >= ns && run->command && !strncmp(run->command, "repair", 6))
			return true;
	}
	return false;
}

static int judge_verification(struct dd_status_making *making, struct dd_error *err)
{
	const struct dd_status *status = &making->status;

	if (!status->verified || !status->verification.errors)
		return 0;
	return add_count(making,
			 was_repaired_since(status, status->verification.ended_ns - DD_SECOND) ?
				 DD_PROBLEM_MENDED :
				 DD_PROBLEM_DAMAGE,
			 status->verification.errors, "finding", err);
}

static int judge_space(struct dd_status_making *making, struct dd_error *err)
{
	const struct dd_space *space = &making->status.space;
	char detail[128], is[DD_UNIT_TEXT], of[DD_UNIT_TEXT];

	if (!space->size || space->free / DD_STATUS_FREE_PERCENT >= space->size / 100)
		return 0;
	snprintf(detail, sizeof(detail), "%s of %s free", dd_size_format(space->free, is),
		 dd_size_format(space->size, of));
	return add(making, making->status.trash_bytes ? DD_PROBLEM_FULL_TRASH : DD_PROBLEM_FULL,
		   detail, err);
}

int dd_status_judge(struct dd_status_making *making, struct dd_error *err)
{
	int rc = judge_verification(making, err);

	if (rc == 0)
		rc = judge_plan(making, err);
	if (rc == 0)
		rc = judge_collection(making, err);
	if (rc == 0)
		rc = judge_trash(making, err);
	if (rc == 0)
		rc = judge_space(making, err);
	making->status.problems = making->problems.items;
	making->status.problem_count = making->problems.count;
	return rc;
}

enum dd_exit dd_status_exit(const struct dd_status *status)
{
	return status->problem_count ? DD_EXIT_ATTENTION : DD_EXIT_DONE;
}
