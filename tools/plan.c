/*
 * A collection's plan for people: what goes and why, what comes back, what holds, what it means,
 * and what to type next. Short where there is nothing to say.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/escape.h>
#include <drydock/units.h>

#include "cleanup.h"
#include "plan.h"
#include "policy.h"
#include "render.h"

#define LARGEST 10     /* of each kind, unless -v */
#define LINKS_SHOWN 4  /* of kinds without a size worth telling */
#define HOLDS_SHOWN 20 /* likewise */

static bool verbose;
static const char *plan_file, *plan_policy;

void plan_set_file(const char *path, const char *policy)
{
	plan_file = path;
	plan_policy = policy;
}

/* ---- what goes, in groups of one kind and reason ---- */

struct group {
	struct dd_item first;
	uint64_t count, bytes;
	struct dd_item largest[LARGEST];
	size_t largest_count;
};

#define GROUPS ((size_t)DD_PLACE_COUNT + (size_t)DD_REASON_COUNT)

static bool same_group(const struct dd_item *a, const struct dd_item *b)
{
	return a->reason == b->reason && !strcmp(render_kind(&a->place), render_kind(&b->place));
}

/* Links are all of a length; their size says nothing. */
static bool has_size(const struct dd_item *item)
{
	return item->place.kind == DD_AT_BLOB || item->reason == DD_REASON_UPLOAD_STALE ||
	       item->reason == DD_REASON_TEMP_STALE;
}

static uint64_t freed_by(const struct dd_item *item)
{
	return item->links > 1 ? 0 : item->bytes;
}

static void keep_if_large(struct group *group, const struct dd_item *item)
{
	size_t at = group->largest_count;

	if (at == LARGEST && group->largest[LARGEST - 1].bytes >= item->bytes)
		return;
	if (at < LARGEST)
		group->largest_count++;
	else
		at--;
	for (; at && group->largest[at - 1].bytes < item->bytes; at--)
		group->largest[at] = group->largest[at - 1];
	group->largest[at] = *item;
}

static size_t find_groups(const struct dd_gc *gc, struct group groups[static GROUPS])
{
	size_t count = 0, items = dd_gc_get_plan(gc)->item_count;

	for (size_t i = 0; i < items; i++) {
		struct group *group = groups;
		struct dd_item item;

		dd_gc_get_item(gc, i, &item);
		while (group < groups + count && !same_group(&group->first, &item))
			group++;
		if (group == groups + count) {
			if (count == GROUPS)
				continue;
			*group = (struct group){ .first = item };
			count++;
		}
		group->count++;
		group->bytes += freed_by(&item);
		keep_if_large(group, &item);
	}
	return count;
}

static void print_item(const struct dd_item *item)
{
	plan_print_object(
		&item->place, has_size(item) ? render_size(item->bytes) : "",
		item->links > 1 && has_size(item) ? "(has other hard links: frees nothing)" : "");
}

static void print_group(const struct dd_gc *gc, const struct group *group)
{
	const struct dd_item *first = &group->first;
	size_t items = dd_gc_get_plan(gc)->item_count;

	printf("  %s%s%s: %s\n", plan_count_kind(&first->place, group->count),
	       has_size(first) ? ", " : "", has_size(first) ? render_size(group->bytes) : "",
	       dd_reason_text(first->reason));
	if (!verbose) {
		size_t shown = group->largest_count;

		if (!has_size(first) && shown > LINKS_SHOWN)
			shown = LINKS_SHOWN;
		for (size_t i = 0; i < shown; i++)
			print_item(&group->largest[i]);
		plan_print_more(group->count - shown);
		return;
	}
	for (size_t i = 0; i < items; i++) {
		struct dd_item item;

		dd_gc_get_item(gc, i, &item);
		if (same_group(&item, first))
			print_item(&item);
	}
}

/* A run that takes less than was planned still lists the plan. */
static const char *name_items(const struct dd_gc_plan *plan)
{
	if (!plan->applied || plan->brake)
		return "To go";
	if (plan->totals.withdrawn_items < plan->totals.items)
		return "Planned";
	return plan->purged ? "Removed" : "Withdrawn";
}

static void print_items(const struct dd_gc *gc, const struct dd_gc_plan *plan)
{
	static struct group groups[GROUPS];
	size_t count = find_groups(gc, groups);

	if (!count)
		return;
	plan_heading(STYLE_HEADING, name_items(plan));
	for (size_t i = 0; i < count; i++)
		print_group(gc, &groups[i]);
}

/* ---- what comes back, what is emptied ---- */

static void print_revivals(const struct dd_gc_plan *plan)
{
	size_t shown = verbose || plan->revival_count < LARGEST ? plan->revival_count : LARGEST;

	if (!plan->revival_count)
		return;
	plan_heading(STYLE_HEADING,
		     plan->applied ? "Brought back from the trash" : "To come back from the trash");
	for (size_t i = 0; i < shown; i++)
		plan_print_object(&plan->revivals[i].place, "",
				  plan->revivals[i].changed ? "was written to in the trash" :
							      "is reachable again");
	plan_print_more(plan->revival_count - shown);
}

static void print_emptied(const struct dd_gc_plan *plan)
{
	size_t shown = verbose || plan->emptied_count < LARGEST ? plan->emptied_count : LARGEST;

	if (!plan->emptied_count)
		return;
	plan_heading(STYLE_WARN, plan->applied && !plan->brake ? "Emptied repositories" :
								 "Repositories to be emptied");
	for (size_t i = 0; i < shown; i++)
		printf("  %*s  %s is left empty, without one manifest\n", SIZE_COLUMNS, "",
		       dd_escaped(plan->emptied[i]));
	plan_print_more(plan->emptied_count - shown);
}

/* ---- what stays: young, held, passed over ---- */

static void print_young(const struct dd_gc *gc, const struct dd_gc_plan *plan)
{
	size_t shown = verbose || plan->young_count < LARGEST ? plan->young_count : LARGEST;

	if (!plan->young_count)
		return;
	plan_heading(STYLE_HEADING, "Only young: would go otherwise");
	for (size_t i = 0; i < shown; i++) {
		struct dd_young young;
		char note[80];

		dd_gc_get_young(gc, i, &young);
		snprintf(note, sizeof(note), "could go %s", render_when(young.until_ns));
		plan_print_object(&young.place,
				  young.place.kind == DD_AT_BLOB ? render_size(young.bytes) : "",
				  note);
	}
	plan_print_more(plan->young_count - shown);
}

static void print_release(const struct dd_hold *hold)
{
	AUTOFREE char *text = NULL;

	if (dd_hold_release(hold, &text) == 0)
		printf("      to release it: %s\n", dd_escaped(text));
}

/* Digests are whole here, whatever the terminal: they are to be copied. */
static void print_hold(const struct dd_hold *hold)
{
	const char *repository = hold->repository ? dd_escaped(hold->repository) : "the volume";
	char name[8 * DD_DIGEST_TEXT], indent[] = "      ";

	snprintf(name, sizeof(name), "%s%s%s", repository, hold->has_digest ? "@" : "",
		 hold->has_digest ? dd_digest_text(&hold->digest) : "");
	printf("  %s%s%s\n", style_on(hold->acknowledged ? STYLE_PLAIN : STYLE_BAD), name,
	       style_off());
	printf("%s%s: %s%s\n", indent, dd_doubt_name(hold->doubt), dd_doubt_text(hold->doubt),
	       hold->acknowledged ? " (acknowledged)" : "");
	if (hold->detail && hold->detail[0])
		printf("%s%s\n", indent, dd_escaped(hold->detail));
	printf("%sholds %s\n", indent,
	       hold->everything ? "the whole volume: nothing goes" :
	       hold->repository ? "every blob and manifest that the repository names" :
				  "what it may refer to");
	print_release(hold);
}

static bool is_new(const struct dd_hold *hold)
{
	return !hold->acknowledged;
}

static void print_holds(const struct dd_gc_plan *plan, bool only_new)
{
	size_t shown = 0, left = 0, with_digest = 0;

	if (!plan->hold_count)
		return;
	plan_heading(STYLE_BAD, "Held by doubt");
	for (size_t i = 0; i < plan->hold_count; i++) {
		const struct dd_hold *hold = &plan->holds[i];

		if (only_new && !is_new(hold))
			continue;
		if (!verbose && shown == HOLDS_SHOWN) {
			left++;
			continue;
		}
		print_hold(hold);
		shown++;
		with_digest += is_new(hold) && hold->has_digest;
	}
	plan_print_more(left);
	if (with_digest)
		puts("  What is known and cannot be mended yet: --ack REPO@DIGEST keeps it held, and the\n"
		     "  exit status 0.");
}

/* ---- what it means ---- */

static void print_volume(const struct tool *tool, const struct dd_gc_plan *plan)
{
	const struct dd_gc_totals *totals = &plan->totals;

	printf("%s: %s, ", dd_escaped(dd_store_get_root(tool->store)),
	       render_count(totals->repositories, "repository", "repositories"));
	printf("%s, %s, %s\n", render_count(totals->tags, "tag", "tags"),
	       render_count(totals->manifests, "manifest", "manifests"),
	       render_count(totals->blobs, "blob", "blobs"));
}

/* Why nothing is, or would be, taken. */
static void print_brake(const struct dd_gc_plan *plan)
{
	if (plan->brake)
		printf("%sToo much:%s %s.%s\n", style_on(STYLE_BAD), style_off(), plan->brake,
		       plan->applied ? " Nothing was taken." : "");
}

static void print_outcome(const struct dd_gc_plan *plan, bool failed)
{
	const struct dd_gc_totals *totals = &plan->totals;

	print_brake(plan);
	if (plan->brake)
		return;

	if (!plan->applied || (plan_is_empty(plan) && !failed))
		return;
	if (failed)
		printf("%sThe run ended early.%s Until then: ", style_on(STYLE_BAD), style_off());
	printf("%s of %llu %s", render_count(totals->withdrawn_items, "object", "objects"),
	       (unsigned long long)totals->items, plan->purged ? "removed" : "withdrawn");
	if (totals->skipped_items)
		printf(", %llu changed meanwhile and stay",
		       (unsigned long long)totals->skipped_items);
	if (totals->leased_items)
		printf(", %llu leased (a client was told of them) and stay",
		       (unsigned long long)totals->leased_items);
	if (totals->left_items)
		printf(", %llu left for the next run", (unsigned long long)totals->left_items);
	if (totals->revived_items)
		printf(", %llu brought back", (unsigned long long)totals->revived_items);
	if (totals->purged_runs)
		printf(", %s removed from the trash for good",
		       render_count(totals->purged_runs, "run", "runs"));
	if (totals->early_runs)
		printf(" (%llu of them early, to make room)",
		       (unsigned long long)totals->early_runs);
	puts(".");
}

/* ---- what to type next ---- */

static void suggest(const char *what, char *command)
{
	if (command)
		printf("\n%s: %s%s%s\n", what, style_on(STYLE_HEADING), dd_escaped(command),
		       style_off());
	free(command);
}

static void print_next(const struct tool *tool, const struct dd_gc_plan *plan, bool apply)
{
	char words[64];

	if (plan->applied && !plan->purged && plan->totals.withdrawn_items && plan->run[0]) {
		snprintf(words, sizeof(words), "trash restore %s --apply", plan->run);
		suggest("To undo it", tool_suggest(tool, words));
	}
	if (plan_is_empty(plan) || (plan->applied && !plan->brake))
		return;
	if (plan_file) {
		const char *const words_of[] = { "gc",	    "--apply",	"--plan",
						 plan_file, "--policy", plan_policy };
		AUTOFREE char *apply_it = tool_quote(words_of, plan_policy ? 6 : 4);

		if (apply_it)
			suggest("Nothing was changed. To carry out just this",
				tool_suggest(tool, apply_it));
		return;
	}
	if (plan->brake)
		printf("\nTo do it all the same: the same %swithout that limit.\n",
		       apply ? "" : "with --apply, ");
	else if (tool->dry_run)
		printf("\nNothing was changed. To do it: %s --dry-run.\n",
		       apply ? "the same without" : "the same with --apply, without");
	else
		suggest("Nothing was changed. To do it", tool_retype(tool, "--apply"));
}

void plan_print_alarm(const struct tool *tool, const struct dd_gc_plan *plan)
{
	verbose = tool->verbose;
	if (dd_gc_plan_exit(plan) == DD_EXIT_DONE)
		return;
	printf("%s needs a person.\n", dd_escaped(dd_store_get_root(tool->store)));
	print_brake(plan);
	print_holds(plan, true);
	plan_print_unread(plan, verbose);
}

void plan_print(const struct tool *tool, const struct dd_gc_options *options,
		const struct dd_gc *gc, bool apply, bool failed)
{
	const struct dd_gc_plan *plan = dd_gc_get_plan(gc);

	verbose = tool->verbose;
	if (tool->quiet) {
		plan_print_alarm(tool, plan);
		if (plan->applied && dd_gc_plan_exit(plan) != DD_EXIT_DONE)
			plan_print_summary(plan, options);
		return;
	}
	print_volume(tool, plan);
	plan_print_origin(plan, options);
	print_outcome(plan, failed);
	if (plan_is_empty(plan))
		puts(dd_gc_is_removal(options) ? "Nothing to remove." : "Nothing to collect.");
	policy_print_summary(options, plan);
	print_items(gc, plan);
	print_revivals(plan);
	plan_print_left(plan, verbose);
	print_emptied(plan);
	print_young(gc, plan);
	print_holds(plan, false);
	if (options->ack_count && !plan->applied)
		puts("\n--ack counts for this plan alone; with --apply it is remembered.");
	plan_print_unread(plan, verbose);
	plan_print_strange(plan, verbose);
	plan_print_expiring(plan, options);
	plan_print_space(plan, options);
	print_next(tool, plan, apply);
	if (plan->applied)
		plan_print_summary(plan, options);
}
