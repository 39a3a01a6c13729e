/*
 * The rest of a collection's plan for people: what a plan file names and stays, what leaves the trash
 * for good, what was passed over.
 */
#include <stdio.h>
#include <string.h>

#include <drydock/escape.h>
#include <drydock/units.h>

#include "cleanup.h"
#include "plan.h"
#include "plan_file.h"

#define SHOWN 4 /* of each reason, unless all are wanted */
#define UNREAD_SHOWN 10

void plan_print_origin(const struct dd_gc_plan *plan, const struct dd_gc_options *options)
{
	const struct dd_plan_head *head;

	if (!options->plan)
		return;
	head = dd_plan_file_get_head(options->plan);
	printf("By a plan of %s: %llu of the %s that it names %s\n", render_time(head->made_ns),
	       (unsigned long long)plan->totals.items,
	       render_count(head->items, "object", "objects"),
	       plan->applied ? "were to go" : "would go");
}

/* Of one reason. */
static void print_left_group(const struct dd_gc_plan *plan, enum dd_left_why why, size_t count,
			     bool all)
{
	size_t shown = 0;

	printf("  %s: %s\n", render_count(count, "object", "objects"), dd_left_text(why));
	for (size_t i = 0; i < plan->left_count && (all || shown < SHOWN); i++) {
		const struct dd_left *left = &plan->left[i];

		if (left->why != why)
			continue;
		plan_print_object(&left->place,
				  left->place.kind == DD_AT_BLOB ? render_size(left->bytes) : "",
				  "");
		shown++;
	}
	plan_print_more(count - shown);
}

void plan_print_left(const struct dd_gc_plan *plan, bool all)
{
	size_t counts[DD_LEFT_COUNT] = { 0 };

	for (size_t i = 0; i < plan->left_count; i++)
		counts[plan->left[i].why]++;
	if (plan->left_count)
		plan_heading(STYLE_WARN, plan->applied ? "In the plan, but stayed" :
							 "In the plan, but to stay");
	for (unsigned why = 0; why < DD_LEFT_COUNT; why++)
		if (counts[why])
			print_left_group(plan, (enum dd_left_why)why, counts[why], all);
	if (plan->totals.unplanned_items)
		printf("\n%s go by now, but not by this plan, which does not name them.\n",
		       render_count(plan->totals.unplanned_items, "more object could",
				    "more objects could"));
}

uint64_t plan_expiring_bytes(const struct dd_gc_plan *plan)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < plan->expiring_count; i++)
		bytes += plan->expiring[i].unseen ? 0 : plan->expiring[i].bytes;
	return bytes;
}

bool plan_gives_itself_up(const struct dd_gc_plan *plan)
{
	return !plan->applied && plan->expiring_count &&
	       !plan->expiring[plan->expiring_count - 1].run[0];
}

/* The bound that a run goes for, as it was given. */
static void say_why(const struct dd_emptied *run, const struct dd_gc_options *options)
{
	const struct dd_trash_bounds *bounds = &options->trash;
	char keep[DD_UNIT_TEXT];

	switch (run->why) {
	case DD_EXPIRY_OLD:
		printf("older than %s (--trash-keep)",
		       dd_duration_format(options->trash_keep_ns, keep));
		break;
	case DD_EXPIRY_TRASH_MAX:
		printf("early: the trash may take no more than %s (--trash-max)",
		       render_size(bounds->max));
		break;
	default:
		printf("early: ");
		if (bounds->min_free_percent)
			printf("%u%% of the file system", bounds->min_free_percent);
		else
			printf("%s", render_size(bounds->min_free));
		printf(" should be free (--min-free)");
	}
	if (run->unseen)
		printf("; stays: not all of it can be looked at");
}

void plan_print_expiring(const struct dd_gc_plan *plan, const struct dd_gc_options *options)
{
	if (plan->expiring_count)
		plan_heading(STYLE_HEADING, plan->applied ? "Removed from the trash for good" :
							    "To leave the trash for good");
	for (size_t i = 0; i < plan->expiring_count; i++) {
		const struct dd_emptied *run = &plan->expiring[i];

		printf("  %*s  ", SIZE_COLUMNS, render_size(run->bytes));
		if (!run->run[0] || !strcmp(run->run, plan->run))
			printf("this run itself  ");
		else
			printf("%s  %s, ", run->run, render_when(run->began_ns));
		say_why(run, options);
		puts(plan->applied && !run->removed && !run->unseen ? "; still there" : "");
	}
	if (plan->trash_doubted)
		puts("\nTrash that could go stays: what is still needed of it cannot be told while "
		     "something\nis in doubt.");
}

void plan_print_unread(const struct dd_gc_plan *plan, bool all)
{
	size_t shown = all || plan->unread_count < UNREAD_SHOWN ? plan->unread_count : UNREAD_SHOWN;

	if (!plan->unread_count)
		return;
	plan_heading(STYLE_BAD, "Could not be looked at");
	for (size_t i = 0; i < shown; i++)
		printf("  %s\n", dd_escaped(plan->unread[i]));
	plan_print_more(plan->totals.unreadable - shown);
}

void plan_print_strange(const struct dd_gc_plan *plan, bool all)
{
	const struct dd_gc_totals *totals = &plan->totals;

	if (totals->elsewhere_items)
		printf("\n%s cannot be renamed into the trash, on another file system or mount, and "
		       "%s.\n",
		       render_count(totals->elsewhere_items, "object that nothing needs",
				    "objects that nothing needs"),
		       totals->elsewhere_items == 1 ? "stays" : "stay");
	if (all && plan->strange_count) {
		plan_heading(STYLE_HEADING, "Passed over");
		for (size_t i = 0; i < plan->strange_count; i++)
			printf("  %s\n", dd_escaped(plan->strange[i]));
		if (totals->strange > plan->strange_count)
			render_more(2, totals->strange - plan->strange_count, NULL);
	}
	if (all && totals->sparse)
		printf("\n%s of indexes are not here, as is normal for a sparse index.\n",
		       render_count(totals->sparse, "manifest", "manifests"));
}
