/*
 * A status for people: a page of one fact a line, and below it what needs a person, with what to type.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/escape.h>
#include <drydock/units.h>

#include "cleanup.h"
#include "render.h"
#include "status.h"

#define LABEL 12
#define RUNS_SHOWN 5   /* of the trash, unless -v */
#define HOLDS_SHOWN 10 /* likewise */
#define UNREAD_SHOWN 10

/* The beginning of a line; what follows is the caller's, with its end. */
static void label(const char *text)
{
	printf("%s%*s%s ", style_on(STYLE_FAINT), LABEL, text, style_off());
}

/* ", 3 of these" */
static void print_count(const char *before, uint64_t count, const char *one, const char *many)
{
	printf("%s%s", before, render_count(count, one, many));
}

/* What could not be found out, in its place. */
static bool print_trouble(const struct dd_status *status, enum dd_status_part part)
{
	const struct dd_error *trouble = &status->trouble[part];

	if (!trouble->code)
		return false;
	printf("%scannot be told:%s %s\n", style_on(STYLE_WARN), style_off(),
	       dd_escaped(trouble->text));
	return true;
}

/* ---- what it holds ---- */

static void print_bytes(const struct dd_status *status)
{
	const struct dd_status_volume *volume = &status->volume;

	if (status->gc && volume->blobs)
		printf(", %s%s", volume->unsized_blobs ? "at least " : "",
		       render_size(volume->bytes));
}

static void print_volume(const struct dd_status *status)
{
	const struct dd_status_volume *volume = &status->volume;

	label("Volume:");
	if (!volume->known) {
		puts(status->quick ? "not counted with --quick before the first collection" :
				     "cannot be told");
		return;
	}
	print_count(status->gc ? "" : "about ", volume->repositories, "repository", "repositories");
	print_count(", ", volume->tags, "tag", "tags");
	print_count(", ", volume->manifests, "manifest", "manifests");
	print_count(", ", volume->blobs, "blob", "blobs");
	print_bytes(status);
	if (!status->gc)
		printf(" (an estimate: as it was %s)", render_when(volume->seen_ns));
	putchar('\n');
	if (!volume->uploads)
		return;
	label("Uploads:");
	print_count("", volume->uploads, "unfinished", "unfinished");
	printf(", %s, the oldest begun %s\n", render_size(volume->upload_bytes),
	       render_when(volume->oldest_upload_ns));
}

static void print_space(const struct dd_status *status)
{
	const struct dd_space *space = &status->space;
	bool full = space->free / DD_STATUS_FREE_PERCENT < space->size / 100;

	label("Disk:");
	if (print_trouble(status, DD_PART_SPACE))
		return;
	if (!space->size) {
		puts("the file system does not tell");
		return;
	}
	printf("%s%s of %s free (%.0f%%)%s\n", style_on(full ? STYLE_BAD : STYLE_PLAIN),
	       render_size(space->free), render_size(space->size),
	       100.0 * (double)space->free / (double)space->size, style_off());
}

/* ---- the last runs ---- */

static const struct {
	enum render_style style;
	const char *text;
} outcomes[DD_COLLECTION_OUTCOME_COUNT] = {
	[DD_COLLECTION_NEVER] = { STYLE_PLAIN, "never" },
	[DD_COLLECTION_RUNNING] = { STYLE_WARN, "at work" },
	[DD_COLLECTION_DIED] = { STYLE_BAD, "did not come to its end" },
	[DD_COLLECTION_DONE] = { STYLE_GOOD, "done" },
	[DD_COLLECTION_ATTENTION] = { STYLE_WARN, "done, with something left to a person" },
	[DD_COLLECTION_BRAKED] = { STYLE_BAD, "took nothing" },
	[DD_COLLECTION_INTERRUPTED] = { STYLE_WARN, "interrupted" },
	[DD_COLLECTION_FAILED] = { STYLE_BAD, "failed" },
};

static void print_deeds(const struct dd_collection *last)
{
	if (last->withdrawn_items)
		printf("; %s withdrawn, %s",
		       render_count(last->withdrawn_items, "object", "objects"),
		       render_size(last->withdrawn_bytes));
	if (last->freed_bytes)
		printf("; %s freed", render_size(last->freed_bytes));
	if (last->revived_items)
		printf("; %s brought back", render_count(last->revived_items, "object", "objects"));
	if (!last->withdrawn_items && !last->freed_bytes && !last->revived_items)
		printf("; nothing to take");
}

static void print_collection(const struct dd_status *status)
{
	const struct dd_collection *last = &status->collections.last;
	enum dd_status_outcome outcome = status->outcome;

	label("Collected:");
	if (print_trouble(status, DD_PART_COLLECTION))
		return;
	if (outcome == DD_COLLECTION_NEVER) {
		puts("never (drydock gc shows what would go)");
		return;
	}
	printf("%s, %s%s%s", render_when(last->ended_ns ? last->ended_ns : last->began_ns),
	       style_on(outcomes[outcome].style), outcomes[outcome].text, style_off());
	if (outcome == DD_COLLECTION_DONE || outcome == DD_COLLECTION_ATTENTION)
		print_deeds(last);
	else if (last->reason[0])
		printf(": %s", dd_escaped(last->reason));
	putchar('\n');
	if (last->command[0])
		printf("%*s %sdrydock %s%s\n", LABEL, "", style_on(STYLE_FAINT),
		       dd_escaped(last->command), style_off());
	if (outcome != DD_COLLECTION_DONE && status->collections.good_ns)
		printf("%*s the last that left nothing to do ended %s\n", LABEL, "",
		       render_when(status->collections.good_ns));
}

static void print_verification(const struct dd_status *status)
{
	const struct dd_verify_run *run = &status->verification;

	label("Verified:");
	if (print_trouble(status, DD_PART_VERIFICATION))
		return;
	if (!status->verified) {
		puts("never, as far as is known here (drydock verify)");
		return;
	}
	printf("%s, ", render_when(run->ended_ns));
	if (run->errors)
		printf("%s%s of damage%s", style_on(STYLE_BAD),
		       render_count(run->errors, "finding", "findings"), style_off());
	else
		printf("%s%s%s", style_on(STYLE_GOOD),
		       run->never_blobs || run->unseen ? "no damage in what was read" : "whole",
		       style_off());
	if (run->never_blobs)
		printf("; %s never read yet",
		       render_count(run->never_blobs, "blob was", "blobs were"));
	else if (run->oldest_ns && run->oldest_ns < run->began_ns)
		printf("; the blob that was longest not read was %s", render_when(run->oldest_ns));
	if (run->unseen)
		printf("; %s could not be looked at", render_count(run->unseen, "place", "places"));
	putchar('\n');
}

/* ---- what could go, and what is kept ---- */

static void print_going(const struct dd_gc_plan *plan)
{
	const struct dd_gc_totals *totals = &plan->totals;

	label("To collect:");
	if (totals->items)
		printf("%s in %s", render_size(totals->bytes),
		       render_count(totals->items, "object", "objects"));
	else
		printf("nothing");
	if (totals->untagged_items)
		printf("; with -m %s%s in %s", plan->estimated ? "at most " : "",
		       render_size(totals->bytes + totals->untagged_bytes),
		       render_count(totals->items + totals->untagged_items, "object", "objects"));
	if (plan->revival_count)
		printf("; %s to come back",
		       render_count(plan->revival_count, "object is", "objects are"));
	putchar('\n');
}

static void print_kept(const struct dd_gc_plan *plan)
{
	const struct dd_gc_totals *totals = &plan->totals;
	size_t known = 0;

	if (totals->young_items) {
		label("Young:");
		printf("%s in %s, the first could go %s\n", render_size(totals->young_bytes),
		       render_count(totals->young_items, "object", "objects"),
		       render_when(totals->young_until_ns));
	}
	if (!plan->hold_count)
		return;
	for (size_t i = 0; i < plan->hold_count; i++)
		known += plan->holds[i].acknowledged;
	label("Held:");
	printf("%s", style_on(known < plan->hold_count ? STYLE_BAD : STYLE_PLAIN));
	if (totals->held_bytes)
		printf("%s%s", plan->estimated ? "at most " : "", render_size(totals->held_bytes));
	else
		printf("nothing that would go otherwise");
	printf(", by %s", render_count(plan->hold_count, "doubt", "doubts"));
	if (known)
		printf(", %zu acknowledged", known);
	printf("%s\n", style_off());
}

static void print_plan(const struct dd_status *status)
{
	const struct dd_error *trouble = &status->trouble[DD_PART_PLAN];

	if (status->gc) {
		print_going(dd_gc_get_plan(status->gc));
		print_kept(dd_gc_get_plan(status->gc));
		return;
	}
	label("To collect:");
	if (status->quick)
		puts("not looked for with --quick");
	else if (trouble->code == DD_EREFUSED)
		printf("%s\n", dd_escaped(trouble->text));
	else
		print_trouble(status, DD_PART_PLAN);
}

/* ---- the trash, the locks ---- */

static void print_run(const struct dd_status *status, const struct dd_run *run)
{
	int64_t expires = dd_status_expires(status, run);
	bool kept = status->gc && dd_gc_plan_doubt(dd_gc_get_plan(status->gc));

	printf("%*s %s  %9s  ", LABEL, "", run->name, render_size(dd_run_bytes(run)));
	if (expires > status->now_ns)
		printf("expires %s", render_when(expires));
	else
		printf("%s", kept ? "kept as long as anything is in doubt" :
				    "goes with the next gc --apply");
	if (run->command)
		printf("  %s%s%s", style_on(STYLE_FAINT), dd_escaped(run->command), style_off());
	putchar('\n');
}

static void print_trash(const struct tool *tool, const struct dd_status *status)
{
	size_t count = status->trash ? status->trash->count : 0, shown = count;

	label("Trash:");
	if (print_trouble(status, DD_PART_TRASH))
		return;
	if (!count) {
		puts("empty");
		return;
	}
	printf("%s in %s\n", render_size(status->trash_bytes), render_count(count, "run", "runs"));
	if (!tool->verbose && shown > RUNS_SHOWN)
		shown = RUNS_SHOWN;
	for (size_t i = 0; i < shown; i++)
		print_run(status, &status->trash->runs[i]);
	render_more(LABEL + 1, count - shown, BY_VERBOSE);
}

/* "drydock gc --apply, process 12 on host, since …": when that was is said in another way. */
static void print_holder(const char *text, int64_t since_ns, const char *unknown)
{
	char holder[DD_HOLDER_TEXT];
	char *at = holder, *next;

	memcpy(holder, text, sizeof(holder));
	while ((next = strstr(at, ", since ")) != NULL)
		at = next + 1;
	if (at > holder && since_ns)
		at[-1] = '\0';
	printf("by %s", holder[0] ? dd_escaped(holder) : unknown);
	if (since_ns)
		printf(", since %s", render_when(since_ns));
	putchar('\n');
}

static void print_locks(const struct dd_status *status)
{
	if (status->served) {
		label("Served:");
		print_holder(status->server, status->served_ns, "a daemon");
	}
	if (!status->locked && !status->trouble[DD_PART_LOCK].code)
		return;
	label("Lock:");
	if (print_trouble(status, DD_PART_LOCK))
		return;
	printf("%sheld%s ", style_on(STYLE_WARN), style_off());
	print_holder(status->holder, status->locked_ns, "another run");
}

/* ---- what needs a person ---- */

static void print_release(const struct dd_hold *hold)
{
	AUTOFREE char *text = NULL;

	if (dd_hold_release(hold, &text) == 0)
		printf("        to release it: %s\n", dd_escaped(text));
}

static void print_holds(const struct tool *tool, const struct dd_gc_plan *plan)
{
	size_t shown = 0, left = 0;

	for (size_t i = 0; i < plan->hold_count; i++) {
		const struct dd_hold *hold = &plan->holds[i];

		if (hold->acknowledged)
			continue;
		if (!tool->verbose && shown == HOLDS_SHOWN) {
			left++;
			continue;
		}
		shown++;
		printf("      %s%s", hold->repository ? dd_escaped(hold->repository) : "the volume",
		       hold->has_digest ? "@" : "");
		printf("%s: %s%s\n", hold->has_digest ? dd_digest_text(&hold->digest) : "",
		       dd_doubt_text(hold->doubt),
		       hold->everything ? "; nothing at all is collected" : "");
		if (hold->detail && hold->detail[0])
			printf("        %s\n", dd_escaped(hold->detail));
		print_release(hold);
	}
	render_more(6, left, BY_VERBOSE);
}

static void print_unread(const struct tool *tool, const struct dd_gc_plan *plan)
{
	size_t shown = plan->unread_count;

	if (!tool->verbose && shown > UNREAD_SHOWN)
		shown = UNREAD_SHOWN;
	for (size_t i = 0; i < shown; i++)
		printf("      %s\n", dd_escaped(plan->unread[i]));
	if (plan->totals.unreadable > shown)
		render_more(6, plan->totals.unreadable - shown, NULL);
}

static void print_problem(const struct tool *tool, const struct dd_status *status,
			  const struct dd_problem *problem)
{
	AUTOFREE char *command = tool_suggest(tool, dd_problem_command(problem->kind));

	printf("  %s%s%s%s%s\n", style_on(STYLE_BAD), dd_problem_text(problem->kind), style_off(),
	       problem->detail[0] ? ": " : "", dd_escaped(problem->detail));
	if (problem->kind == DD_PROBLEM_HELD)
		print_holds(tool, dd_gc_get_plan(status->gc));
	if (problem->kind == DD_PROBLEM_UNREADABLE)
		print_unread(tool, dd_gc_get_plan(status->gc));
	if (command)
		printf("    → %s%s%s\n", style_on(STYLE_HEADING), dd_escaped(command), style_off());
}

static void print_head(const struct dd_status *status)
{
	bool problems = status->problem_count;

	printf("%s●%s %s%s%s %s\n", style_on(problems ? STYLE_BAD : STYLE_GOOD), style_off(),
	       style_on(STYLE_HEADING), dd_escaped(status->root), style_off(),
	       problems ? "needs a person" : "is in order");
}

void status_print(const struct tool *tool, const struct dd_status *status)
{
	if (tool->quiet && !status->problem_count)
		return;
	print_head(status);
	if (!tool->quiet) {
		print_volume(status);
		print_space(status);
		print_collection(status);
		print_verification(status);
		print_plan(status);
		print_trash(tool, status);
		print_locks(status);
	}
	for (size_t i = 0; i < status->problem_count; i++) {
		if (!tool->quiet)
			putchar('\n');
		print_problem(tool, status, &status->problems[i]);
	}
}
