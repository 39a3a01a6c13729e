/*
 * A repair for people: what is put in place, what goes, what is left and why, and what to type next.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/escape.h>

#include "cleanup.h"
#include "mend.h"
#include "render.h"

#define SHOWN 20       /* of a group, unless -v */
#define IMAGES_SHOWN 4 /* likewise */

static bool verbose;

/* ---- one step ---- */

static void print_fact(const char *label, const char *text)
{
	printf("      %s%-6s%s %s\n", style_on(STYLE_FAINT), label, style_off(), dd_escaped(text));
}

static void print_images(const char *label, const struct dd_mend *mend)
{
	size_t shown = mend->image_count;

	if (!shown)
		return;
	if (!verbose && shown > IMAGES_SHOWN)
		shown = IMAGES_SHOWN;
	printf("      %s%-6s%s", style_on(STYLE_FAINT), label, style_off());
	for (size_t i = 0; i < shown; i++)
		printf("%s %s", i ? "," : "", dd_escaped(mend->images[i]));
	if (mend->image_total > shown)
		printf(", and %llu more", (unsigned long long)(mend->image_total - shown));
	putchar('\n');
}

/* What it is about. Heap memory. */
static char *name_of(const struct dd_mend *mend)
{
	const struct dd_found *found = mend->found;
	char *name = NULL;

	if (mend->place.kind != DD_PLACE_COUNT)
		return render_place(&mend->place);
	if (found->has_digest && found->repository &&
	    asprintf(&name, "%s@%s", found->repository, render_digest(&found->digest)) >= 0)
		return name;
	if (found->has_digest)
		return strdup(render_digest(&found->digest));
	return strdup(mend->path ? mend->path : "?");
}

static const char *kind_of(const struct dd_mend *mend)
{
	return mend->place.kind != DD_PLACE_COUNT ? render_kind(&mend->place) : "";
}

static bool is_link(const struct dd_mend *mend)
{
	return mend->mending == DD_MEND_WRITE_LINK || mend->mending == DD_MEND_REWRITE_LINK ||
	       mend->mending == DD_MEND_POINT_TAG;
}

static bool says_its_name(const struct dd_mend *mend)
{
	return mend->place.kind != DD_AT_TAG &&
	       dd_digest_equal(&mend->digest, mend->place.kind == DD_AT_SIGNATURE ?
						      &mend->place.second :
						      &mend->place.digest);
}

static void print_mend(const struct dd_mend *mend)
{
	AUTOFREE char *name = name_of(mend);
	bool bad = mend->outcome > DD_MENDED;

	printf("  %s%-12s %s%s", bad ? style_on(STYLE_BAD) : "", kind_of(mend),
	       name ? dd_escaped(name) : "?", bad ? style_off() : "");
	if (is_link(mend) && !says_its_name(mend))
		printf(" -> %s", render_digest(&mend->digest));
	if (mend->bytes && !is_link(mend))
		printf(", %s", render_size(mend->bytes));
	printf("\n      %s%s%s\n", style_on(STYLE_FAINT), dd_finding_text(mend->found->finding),
	       style_off());
	if (mend->from)
		print_fact("from", mend->from);
	if (bad)
		print_fact("failed", dd_mend_outcome_text(mend->outcome));
	if (mend->why)
		print_fact("why", mend->why);
	else if (mend->mending == DD_MEND_WITHDRAW)
		print_fact("why", dd_reason_text(mend->reason));
	for (size_t i = 0; i < mend->offer_count; i++)
		print_fact(i ? "" : "choose", mend->offers[i]);
	if (mend->mending == DD_MEND_LEAVE || mend->reason == DD_REASON_DAMAGED || bad)
		print_images("lost", mend);
	else
		print_images("heals", mend);
}

/* ---- groups ---- */

enum group { PUT, LINKS, GO, DRESS, FAIL, LEFT };

static enum group group_of(const struct dd_mend *mend)
{
	if (mend->mending == DD_MEND_LEAVE)
		return LEFT;
	if (mend->outcome > DD_MENDED)
		return FAIL;
	if (is_link(mend))
		return LINKS;
	return mend->mending == DD_MEND_WITHDRAW  ? GO :
	       mend->mending == DD_MEND_SET_OWNER ? DRESS :
						    PUT;
}

static const struct {
	const char *planned, *done;
	enum render_style style;
} groups[] = {
	[PUT] = { "To be put in place", "Put in place", STYLE_HEADING },
	[LINKS] = { "Links to be written", "Links written", STYLE_HEADING },
	[GO] = { "To be withdrawn into the trash", "Withdrawn into the trash", STYLE_HEADING },
	[DRESS] = { "Owner and mode to be set", "Owner and mode set", STYLE_HEADING },
	[FAIL] = { "Not done", "Not done", STYLE_BAD },
	[LEFT] = { "Left: this needs a person", "Left: this needs a person", STYLE_BAD },
};

static void print_group(const struct dd_repair_plan *plan, enum group group)
{
	size_t shown = 0, left = 0;

	for (size_t i = 0; i < plan->count; i++) {
		if (group_of(&plan->mends[i]) != group)
			continue;
		if (shown == SHOWN && !verbose) {
			left++;
			continue;
		}
		if (!shown)
			printf("\n%s%s%s\n", style_on(groups[group].style),
			       plan->applied ? groups[group].done : groups[group].planned,
			       style_off());
		print_mend(&plan->mends[i]);
		shown++;
	}
	render_more(2, left, BY_VERBOSE);
}

/* ---- what it comes to ---- */

static void print_head(const struct tool *tool, const struct dd_repair *repair)
{
	const struct dd_verify_summary *summary =
		dd_verify_get_summary(dd_repair_get_verify(repair));

	printf("%s: %s, ", dd_escaped(dd_store_get_root(tool->store)),
	       render_count(summary->errors, "error", "errors"));
	printf("%s, %s\n", render_count(summary->warnings, "warning", "warnings"),
	       render_count(summary->notes, "note", "notes"));
}

/* What a person can do depends on what it is. */
static void print_left(const struct dd_repair_plan *plan)
{
	uint64_t to_choose = 0;

	for (size_t i = 0; i < plan->count; i++) {
		const struct dd_mend *mend = &plan->mends[i];

		if (mend->mending == DD_MEND_LEAVE && mend->offer_count)
			to_choose += mend->findings ? mend->findings : 1;
	}
	printf("%sDamage is left:%s %s.", style_on(STYLE_BAD), style_off(),
	       render_count(plan->left, "finding", "findings"));
	if (plan->left > to_choose)
		printf(" Without a good copy an image has to be pushed again.");
	if (to_choose)
		printf(" Where a tag points, --choose says.");
	putchar('\n');
}

static void print_sums(const struct dd_repair_plan *plan, bool failed)
{
	putchar('\n');
	if (failed)
		printf("%sThe run ended early:%s this is how far it came.\n", style_on(STYLE_BAD),
		       style_off());
	if (plan->steps)
		printf("%s %s by %s", plan->applied ? "Mended:" : "Would mend",
		       render_count(plan->mended, "finding", "findings"),
		       render_count(plan->steps, "step", "steps"));
	if (plan->bytes_put && plan->steps)
		printf(", %s of good bytes", render_size(plan->bytes_put));
	if (plan->steps)
		puts(".");
	if (plan->left)
		print_left(plan);
	else if (plan->applied && !plan->failed && !plan->changed && !failed)
		printf("%sNothing that is damaged is left.%s\n", style_on(STYLE_GOOD), style_off());
	if (plan->changed)
		printf("%s changed meanwhile: run it again.\n",
		       render_count(plan->changed, "thing", "things"));
}

static void suggest(const char *what, char *command)
{
	if (command)
		printf("\n%s: %s%s%s\n", what, style_on(STYLE_HEADING), dd_escaped(command),
		       style_off());
	free(command);
}

static void print_next(const struct tool *tool, const struct dd_repair_plan *plan, bool apply)
{
	char words[64];

	if (plan->applied && plan->run) {
		snprintf(words, sizeof(words), "trash restore %s --apply", plan->run);
		suggest("To undo it", tool_suggest(tool, words));
		if (plan->withdrawn)
			puts("A registry that is running may still answer for what went from its "
			     "memory: restart it before you push again.");
	}
	if (plan->applied || !plan->steps)
		return;
	if (tool->dry_run)
		printf("\nNothing was changed. To do it: %s --dry-run.\n",
		       apply ? "the same without" : "the same with --apply, without");
	else
		suggest("Nothing was changed. To do it", tool_retype(tool, "--apply"));
}

void mend_print(const struct tool *tool, const struct dd_repair *repair, bool apply, bool failed)
{
	const struct dd_repair_plan *plan = dd_repair_get_plan(repair);

	verbose = tool->verbose;
	if (tool->quiet) {
		if (dd_repair_exit(repair) == DD_EXIT_DONE && !failed)
			return;
		printf("%s needs a person.\n", dd_escaped(dd_store_get_root(tool->store)));
		print_group(plan, FAIL);
		print_group(plan, LEFT);
		return;
	}
	print_head(tool, repair);
	if (!plan->count) {
		puts("Nothing to mend.");
		return;
	}
	for (enum group group = PUT; group <= LEFT; group++)
		print_group(plan, group);
	print_sums(plan, failed);
	print_next(tool, plan, apply);
}
