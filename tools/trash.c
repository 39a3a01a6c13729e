/*
 * The trash for people.
 */
#include <stdio.h>
#include <stdlib.h>

#include <drydock/escape.h>

#include "cleanup.h"
#include "render.h"
#include "trash.h"

#define SHOWN 20 /* of a list, unless -v */

static void suggest(const struct tool *tool, bool apply)
{
	AUTOFREE char *command = tool_retype(tool, "--apply");

	if (tool->dry_run)
		printf("\nNothing was changed. To do it: %s --dry-run.\n",
		       apply ? "the same without" : "the same with --apply, without");
	else if (command)
		printf("\nNothing was changed. To do it: %s%s%s\n", style_on(STYLE_HEADING),
		       dd_escaped(command), style_off());
}

/* ---- list ---- */

int trash_print_runs(const struct dd_trash *trash, struct dd_error *err)
{
	static const struct column columns[] = {
		{ "RUN", 0 },
		{ "WHEN", 0 },
		{ "OBJECTS", COLUMN_RIGHT },
		{ "SIZE", COLUMN_RIGHT },
		{ "PUT", COLUMN_RIGHT },
		{ "STATE", 0 },
		{ "BY", COLUMN_SHRINK },
	};
	CLEANUP(table_closep) struct table *rows = NULL;

	if (!trash->count) {
		puts("The trash is empty.");
		return 0;
	}
	rows = table_open(columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = trash->count; i-- > 0;) {
		const struct dd_run *run = &trash->runs[i];
		char objects[24], put[24] = "";

		snprintf(objects, sizeof(objects), "%zu", run->count);
		if (run->put_count + run->dress_count)
			snprintf(put, sizeof(put), "%zu", run->put_count + run->dress_count);
		table_add(rows, run->state == DD_RUN_DONE ? STYLE_PLAIN : STYLE_WARN,
			  (const char *[]){ run->name, render_when(run->began_ns), objects,
					    render_size(dd_run_bytes(run)), put,
					    dd_run_state_name(run->state), run->command });
	}
	return table_print(rows, err);
}

/* ---- show ---- */

static void print_head(const struct dd_run *run)
{
	printf("%s: %s, %s\n", run->name, render_time(run->began_ns),
	       dd_run_state_name(run->state));
	if (run->command)
		printf("by: drydock %s\n", dd_escaped(run->command));
	printf("%s, %s", render_count(run->count, "object", "objects"),
	       render_size(dd_run_bytes(run)));
	if (run->gone)
		printf("; %zu more came back or never went", run->gone);
	puts("");
	if (run->put_count)
		printf("%s put in place, still there as put\n",
		       render_count(run->put_count, "file", "files"));
	if (run->dress_count)
		printf("owner or mode of %s set\n",
		       render_count(run->dress_count, "file", "files"));
}

/* What a repair put in place: it goes first if the run is undone. */
static int print_puts(const struct dd_run *run, struct dd_error *err)
{
	static const struct column columns[] = {
		{ "PUT", 0 },
		{ "SIZE", COLUMN_RIGHT },
		{ "WHAT", 0 },
		{ "INSTEAD OF", COLUMN_SHRINK },
	};
	CLEANUP(table_closep) struct table *rows = NULL;

	if (!run->put_count)
		return 0;
	putchar('\n');
	rows = table_open(columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < run->put_count; i++) {
		const struct dd_put *put = &run->puts[i];
		AUTOFREE char *name = render_place(&put->place);

		table_add(rows, STYLE_PLAIN,
			  (const char *[]){ render_kind(&put->place), render_size(put->bytes), name,
					    put->replaces ? "a damaged one" : "nothing" });
	}
	return table_print(rows, err);
}

int trash_print_run(const struct tool *tool, const struct dd_run *run, struct dd_error *err)
{
	static const struct column columns[] = {
		{ "KIND", 0 },
		{ "SIZE", COLUMN_RIGHT },
		{ "WHAT", 0 },
		{ "WHY", COLUMN_SHRINK },
	};
	CLEANUP(table_closep) struct table *rows = NULL;

	(void)tool;
	print_head(run);
	if (!run->count)
		return print_puts(run, err);
	putchar('\n');
	rows = table_open(columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < run->count; i++) {
		const struct dd_item *item = &run->items[i];
		AUTOFREE char *name = render_place(&item->place);

		table_add(rows, run->changed[i] ? STYLE_WARN : STYLE_PLAIN,
			  (const char *[]){ render_kind(&item->place), render_size(item->bytes),
					    name,
					    run->changed[i] && !dd_reason_damage(item->reason) ?
						    "written to since: comes back by itself" :
						    dd_reason_text(item->reason) });
	}
	if (table_print(rows, err) < 0)
		return err->code;
	return print_puts(run, err);
}

/* ---- restore ---- */

static void print_restored(const struct dd_restored *item)
{
	AUTOFREE char *name = render_place(&item->place);
	bool bad = dd_outcome_needs_person(item->outcome);
	const char *kind = render_kind(&item->place);

	printf("  %s%-11s %s%s", bad ? style_on(STYLE_BAD) : "", kind,
	       name ? dd_escaped(name) : "?", bad ? style_off() : "");
	if (item->outcome != DD_OUTCOME_BACK && item->outcome != DD_OUTCOME_TAKEN)
		printf(": %s", dd_outcome_text(item->outcome));
	/* That a link needs what it names goes without saying. */
	if (item->needed && !dd_digest_equal(&item->needed_by, &item->place.digest))
		printf(" (needed by %s)", render_digest_short(&item->needed_by));
	putchar('\n');
}

/* All of one sort, or the first few of them. */
static void print_restored_list(const struct tool *tool, const struct dd_restore_plan *plan,
				bool (*wanted)(const struct dd_restored *item), const char *title)
{
	size_t shown = 0, left = 0;

	for (size_t i = 0; i < plan->count; i++) {
		if (!wanted(&plan->items[i]))
			continue;
		if (shown == SHOWN && !tool->verbose) {
			left++;
			continue;
		}
		if (!shown)
			printf("\n%s%s%s\n", style_on(STYLE_HEADING), title, style_off());
		print_restored(&plan->items[i]);
		shown++;
	}
	render_more(2, left, BY_VERBOSE);
}

static bool comes_back(const struct dd_restored *item)
{
	return item->outcome == DD_OUTCOME_BACK;
}

static bool is_taken(const struct dd_restored *item)
{
	return item->outcome == DD_OUTCOME_TAKEN || item->outcome == DD_OUTCOME_RESET;
}

static bool needs_no_change(const struct dd_restored *item)
{
	return item->outcome == DD_OUTCOME_SAME;
}

static bool needs_person(const struct dd_restored *item)
{
	return dd_outcome_needs_person(item->outcome);
}

static void print_sums(const struct dd_restore_plan *plan)
{
	const char *to_be = plan->applied ? "" : "to be ";

	if (!plan->back && !plan->taken && !plan->reset) {
		puts("nothing to put back.");
		return;
	}
	if (plan->taken)
		printf("%s of a repair %staken away again%s",
		       render_count(plan->taken, "file", "files"), to_be,
		       plan->back || plan->reset ? "; " : ".\n");
	if (plan->back)
		printf("%s, %s, %sput back%s", render_count(plan->back, "object", "objects"),
		       render_size(plan->bytes), to_be, plan->reset ? "; " : ".\n");
	if (plan->reset)
		printf("owner and mode of %s %sset back.\n",
		       render_count(plan->reset, "file", "files"), to_be);
}

static bool any_fresh(const struct dd_restore_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (comes_back(&plan->items[i]) && plan->items[i].fresh)
			return true;
	return false;
}

void trash_print_restore(const struct tool *tool, const struct dd_restore_plan *plan, bool apply)
{
	if (tool->quiet) {
		print_restored_list(tool, plan, needs_person, "Not put back");
		return;
	}
	printf("Run %s: ", plan->run);
	print_sums(plan);
	print_restored_list(tool, plan, is_taken,
			    plan->applied ? "As before the repair" : "To be as before the repair");
	print_restored_list(tool, plan, comes_back, plan->applied ? "Put back" : "To be put back");
	print_restored_list(tool, plan, needs_no_change, "There already");
	print_restored_list(tool, plan, needs_person, "Cannot be put back");
	if (plan->emptied_runs)
		printf("\n%s nothing left that the volume lacks: removed from the trash.\n",
		       render_count(plan->emptied_runs, "run has", "runs have"));
	if (plan->applied && any_fresh(plan))
		puts("\nWhat came back counts as pushed now: the next collection leaves it alone.");
	if (!plan->applied && (plan->back || plan->taken || plan->reset))
		suggest(tool, apply);
}

/* ---- empty ---- */

static void print_runs(const struct dd_empty_plan *plan, bool removed, const char *title)
{
	static const struct column columns[] = {
		{ "RUN", 0 },
		{ "OBJECTS", COLUMN_RIGHT },
		{ "SIZE", COLUMN_RIGHT },
	};
	CLEANUP(table_closep) struct table *rows = table_open(columns, 3);
	bool any = false;

	for (size_t i = 0; i < plan->count; i++) {
		char objects[24];

		if (plan->runs[i].removed != removed)
			continue;
		snprintf(objects, sizeof(objects), "%llu",
			 (unsigned long long)plan->runs[i].objects);
		table_add(rows, STYLE_PLAIN,
			  (const char *[]){ plan->runs[i].run, objects,
					    render_size(plan->runs[i].bytes) });
		any = true;
	}
	if (!any)
		return;
	printf("\n%s%s%s\n", style_on(STYLE_HEADING), title, style_off());
	table_print(rows, NULL);
}

static void print_revived(const struct tool *tool, const struct dd_empty_plan *plan)
{
	size_t shown = tool->verbose || plan->revival_count < SHOWN ? plan->revival_count : SHOWN;

	if (!plan->revival_count)
		return;
	printf("\n%s%s%s\n", style_on(STYLE_HEADING),
	       plan->applied ? "Brought back first" : "To come back first", style_off());
	for (size_t i = 0; i < shown; i++) {
		AUTOFREE char *name = render_place(&plan->revivals[i].place);

		printf("  %-11s %s: %s\n", render_kind(&plan->revivals[i].place),
		       name ? dd_escaped(name) : "?",
		       plan->revivals[i].changed ? "was written to in the trash" :
						   "is reachable again");
	}
	render_more(2, plan->revival_count - shown, BY_VERBOSE);
}

/* What keeps the runs that stay. */
static const char *why_kept(const struct dd_empty_options *options)
{
	const struct dd_trash_bounds *bounds = &options->bounds;
	bool bounded = bounds->max || bounds->min_free || bounds->min_free_percent;

	return !bounded		 ? "younger than --older-than" :
	       options->older_ns ? "younger, and within the bounds" :
				   "within the bounds";
}

static void print_short(const struct dd_empty_plan *plan)
{
	if (plan->short_bytes)
		printf("%s more should be free (--min-free), and no run is there to give up for "
		       "that.\n",
		       render_size(plan->short_bytes));
}

void trash_print_empty(const struct tool *tool, const struct dd_empty_plan *plan,
		       const struct dd_empty_options *options, bool apply)
{
	if (tool->quiet)
		return;
	if (!plan->count) {
		printf("Nothing to empty%s%s.\n", plan->kept ? ": every run is " : "",
		       plan->kept ? why_kept(options) : "");
		print_short(plan);
		return;
	}
	printf("The trash of %s: ", dd_escaped(dd_store_get_root(tool->store)));
	printf("%s\n", render_count(plan->count + plan->kept, "run", "runs"));
	print_revived(tool, plan);
	print_runs(plan, true, "Removed for good");
	print_runs(plan, false, plan->applied ? "Still there" : "To be removed for good");
	printf("\n%s: %s\n", plan->applied ? "Freed" : "To be freed", render_size(plan->bytes));
	if (plan->kept)
		printf("%s kept: %s.\n", render_count(plan->kept, "run is", "runs are"),
		       why_kept(options));
	print_short(plan);
	if (!plan->applied)
		suggest(tool, apply);
}
