/*
 * What a collection's plan means for the space on the disk, and a run in one line.
 */
#include <stdio.h>

#include <drydock/units.h>

#include "plan.h"
#include "render.h"

bool plan_is_empty(const struct dd_gc_plan *plan)
{
	return !plan->item_count && !plan->revival_count && !plan->expiring_count;
}

static void print_sum(const char *label, uint64_t bytes, const char *note)
{
	static bool begun;

	if (!begun)
		plan_heading(STYLE_HEADING, "Space");
	begun = true;
	printf("  %-22s %*s%s%s\n", label, SIZE_COLUMNS, render_size(bytes), note[0] ? "  " : "",
	       note);
}

static void print_freed(const struct dd_gc_plan *plan, const struct dd_gc_options *options)
{
	const struct dd_gc_totals *totals = &plan->totals;
	bool purge = plan->applied ? plan->purged : options->purge;
	uint64_t bytes = plan->applied && !purge ? totals->withdrawn_bytes : totals->bytes;
	uint64_t now = plan->applied ? totals->freed_bytes :
				       plan_expiring_bytes(plan) + (purge ? bytes : 0);
	char keep[DD_UNIT_TEXT], note[120];

	if (!plan_is_empty(plan))
		print_sum("freed now", now, "");
	if (!purge && bytes && !plan_gives_itself_up(plan)) {
		snprintf(note, sizeof(note), "in %s, by the next gc --apply%s",
			 dd_duration_format(options->trash_keep_ns, keep),
			 dd_gc_is_removal(options) ? "" : " (--purge: at once)");
		print_sum("freed with the trash", bytes, note);
	}
	if (totals->shared_bytes)
		print_sum("not freed", totals->shared_bytes, "of files with other hard links");
	if (totals->trash_bytes)
		print_sum("in the trash already", totals->trash_bytes, "");
}

static void print_kept(const struct dd_gc_plan *plan, const struct dd_gc_options *options)
{
	const struct dd_gc_totals *totals = &plan->totals;
	char note[160];

	if (!options->delete_untagged && !dd_gc_is_removal(options) && totals->untagged_items) {
		snprintf(note, sizeof(note), "%s%s that no tag leads to",
			 plan->estimated ? "at most, " : "",
			 render_count(totals->untagged_items, "object", "objects"));
		print_sum("with -m, as well", totals->untagged_bytes, note);
	}
	if (totals->young_items) {
		snprintf(note, sizeof(note), "%s, the first could go %s",
			 render_count(totals->young_items, "object", "objects"),
			 render_when(totals->young_until_ns));
		print_sum("only young", totals->young_bytes, note);
	}
	if (totals->named_young_items)
		printf("  %s younger than the grace period: named, so that does not matter.\n",
		       render_count(totals->named_young_items, "object that goes is",
				    "objects that go are"));
	if (totals->held_bytes)
		print_sum("held by doubt", totals->held_bytes, plan->estimated ? "at most" : "");
	if (plan->short_bytes)
		print_sum("short of --min-free", plan->short_bytes,
			  "no trash is left to give up for it");
}

void plan_print_space(const struct dd_gc_plan *plan, const struct dd_gc_options *options)
{
	print_freed(plan, options);
	print_kept(plan, options);
}

void plan_print_summary(const struct dd_gc_plan *plan, const struct dd_gc_options *options)
{
	const struct dd_gc_totals *totals = &plan->totals;
	char keep[DD_UNIT_TEXT];

	printf("\nSummary: %s %s", render_count(totals->withdrawn_items, "object", "objects"),
	       plan->purged ? "removed" : "withdrawn");
	printf(", %s freed now", render_size(totals->freed_bytes));
	if (!plan->purged && totals->withdrawn_bytes)
		printf(", %s in %s", render_size(totals->withdrawn_bytes),
		       dd_duration_format(options->trash_keep_ns, keep));
	if (totals->revived_items)
		printf(", %llu brought back", (unsigned long long)totals->revived_items);
	if (totals->left_items)
		printf(", %llu left for the next run", (unsigned long long)totals->left_items);
	if (totals->young_items)
		printf(", %llu only young", (unsigned long long)totals->young_items);
	if (plan->hold_count)
		printf(", %s", render_count(plan->hold_count, "hold", "holds"));
	puts(".");
}
