/*
 * drydock log: where tags have pointed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/history.h>

#include "cleanup.h"
#include "render.h"
#include "tool.h"

#define CELLS_MAX 8

static struct {
	unsigned sort; /* enum dd_history_sort */
	bool moved, never, same;
	uint64_t top;
} settings;

static const char *const sorts[] = { [DD_HISTORY_MOVES] = "moves",
				     [DD_HISTORY_NAME] = "name",
				     [DD_HISTORY_TIME] = "time",
				     [DD_HISTORY_DIGEST] = "digest",
				     NULL };

static const struct option table[] = {
	{ "moved", 0, OPTION_FLAG, &settings.moved, NULL,
	  "only tags that have pointed to several manifests", NULL },
	{ "never", 0, OPTION_FLAG, &settings.never, NULL, "only tags that have never moved", NULL },
	{ "same", 0, OPTION_FLAG, &settings.same, NULL,
	  "only tags that point where another one does, side by side", NULL },
	{ "sort", 0, OPTION_CHOICE, &settings.sort, "moves|name|time|digest",
	  "the order; moves: the most first, time: moved last first (default: moves)", sorts },
	{ "top", 0, OPTION_AMOUNT, &settings.top, "N", "no more than the first N", NULL },
	{ 0 },
};

/* ---- one tag ---- */

static int print_entries(const struct dd_history_tag *tag, struct dd_error *err)
{
	static const struct column columns[] = {
		{ "SET", 0 }, { "DIGEST", 0 }, { "BEFORE", 0 }, { "STATE", 0 }
	};
	static const enum render_style styles[] = { [DD_HISTORY_CURRENT] = STYLE_GOOD,
						    [DD_HISTORY_HERE] = STYLE_PLAIN,
						    [DD_HISTORY_DELETED] = STYLE_FAINT,
						    [DD_HISTORY_GONE] = STYLE_FAINT };
	CLEANUP(table_closep) struct table *rows = table_open(columns, 4);

	for (size_t i = 0; i < tag->count; i++) {
		const struct dd_history_entry *entry = &tag->entries[i];
		const bool more = i + 1 < tag->count;
		const char *cells[] = { entry->set_ns ? render_time(entry->set_ns) : NULL,
					render_digest(&entry->digest),
					more ? render_digest_short(&tag->entries[i + 1].digest) :
					       NULL,
					dd_history_state_name(entry->state) };

		table_add(rows, styles[entry->state], cells);
	}
	return table_print(rows, err);
}

static int print_tag(const struct tool *tool, const struct dd_history_tag *tag,
		     struct dd_error *err)
{
	int rc = tag->count ? print_entries(tag, err) : 0;

	if (rc < 0 || tool->quiet)
		return rc;
	putchar('\n');
	if (tag->problem)
		printf("%sProblem: %s.%s\n", style_on(STYLE_BAD), tag->problem, style_off());
	if (tag->unclear)
		puts("The order is not known: times contradict each other, as in a copy of a volume.");
	if (tag->count > 1)
		printf("It has pointed to %s; %zu of them can still be pulled. For each, the\n"
		       "registry keeps the last time that the tag was set to it, and no other.\n",
		       render_count(tag->count, "manifest", "manifests"), tag->here);
	else
		puts("It has never pointed elsewhere, as far as the registry remembers.");
	return 0;
}

/* ---- many ---- */

static int add_row(struct table *rows, const struct dd_history *history,
		   const struct dd_history_tag *tag, bool problems, struct dd_error *err)
{
	AUTOFREE char *name = NULL;
	char count[24], here[24], same[24];
	const char *cells[CELLS_MAX] = { NULL };

	if (asprintf(&name, "%s%s%s", history->repository ? "" : tag->repository,
		     history->repository ? "" : ":", tag->tag) < 0) {
		name = NULL;
		return dd_fail(err, DD_ENOMEM, 0, "print a tag");
	}
	snprintf(count, sizeof(count), "%zu", tag->count);
	snprintf(here, sizeof(here), "%zu", tag->here);
	snprintf(same, sizeof(same), "%zu", tag->same);
	cells[0] = name;
	cells[1] = count;
	cells[2] = here;
	cells[3] = tag->moved_ns ? render_when(tag->moved_ns) : NULL;
	cells[4] = tag->has_digest ? render_digest(&tag->digest) : NULL;
	cells[5] = tag->same ? same : NULL;
	if (problems)
		cells[6] = tag->problem;
	table_add(rows, tag->problem ? STYLE_BAD : STYLE_PLAIN, cells);
	return 0;
}

static int print_rows(const struct dd_history *history, struct dd_error *err)
{
	static const struct column columns[] = { { "TAG", COLUMN_NAME },
						 { "DIGESTS", COLUMN_RIGHT },
						 { "HERE", COLUMN_RIGHT },
						 { "SET", 0 },
						 { "DIGEST", 0 },
						 { "SAME", COLUMN_RIGHT },
						 { "PROBLEM", COLUMN_SHRINK } };
	CLEANUP(table_closep) struct table *rows = NULL;
	bool problems = false;
	int rc = 0;

	for (size_t i = 0; i < history->count; i++)
		problems |= history->tags[i].problem != NULL;
	rows = table_open(columns, problems ? 7 : 6);
	for (size_t i = 0; i < history->count && rc == 0; i++)
		rc = add_row(rows, history, &history->tags[i], problems, err);
	return rc < 0 ? rc : table_print(rows, err);
}

static int print_tags(const struct tool *tool, const struct dd_history *history,
		      struct dd_error *err)
{
	int rc = history->count ? print_rows(history, err) : 0;

	if (rc == 0)
		render_more(0, history->hidden, NULL);
	if (rc < 0 || tool->quiet)
		return rc;
	printf("%s%s: %llu moved, %llu never did; %llu point to the same manifest as another.\n",
	       history->count ? "\n" : "", render_count(history->looked, "tag", "tags"),
	       (unsigned long long)history->moved, (unsigned long long)history->never,
	       (unsigned long long)history->shared);
	return 0;
}

static void write_json(const void *history, struct dd_json_out *out)
{
	dd_history_json(history, out);
}

static int print_history(const struct tool *tool, const struct dd_history *history,
			 struct dd_error *err)
{
	if (tool->json)
		return tool_print_json(write_json, history, err);
	return history->tag ? print_tag(tool, &history->tags[0], err) :
			      print_tags(tool, history, err);
}

static int settle(struct dd_history_options *options, struct dd_error *err)
{
	if (settings.moved + settings.never + settings.same > 1)
		return dd_fail(err, DD_EUSAGE, 0, "--moved, --never and --same exclude each other");
	options->only = settings.moved ? DD_HISTORY_MOVED :
			settings.never ? DD_HISTORY_NEVER :
			settings.same  ? DD_HISTORY_SAME :
					 DD_HISTORY_ALL;
	options->sort = settings.same && settings.sort == DD_HISTORY_MOVES ? DD_HISTORY_DIGEST :
									     settings.sort;
	options->top = (size_t)settings.top;
	return 0;
}

static int run(struct tool *tool, const struct options *options, struct dd_error *err)
{
	CLEANUP(dd_history_release) struct dd_history history = { 0 };
	struct dd_history_options how = { 0 };
	struct dd_reference reference = { 0 };
	int rc = tool_check_words(options, 1, err);

	if (rc == 0 && options->word_count)
		rc = dd_reference_parse(&reference, options->words[0], err);
	if (rc == 0)
		rc = settle(&how, err);
	if (rc == 0 && reference.tag[0] && (how.only || how.top))
		rc = dd_fail(err, DD_EUSAGE, 0,
			     "--moved, --never, --same and --top choose among tags, not of one");
	if (rc == 0)
		rc = tool_open(tool, err);
	if (rc < 0)
		return rc;
	rc = dd_history(tool->ctx, tool->store, options->word_count ? &reference : NULL, &how,
			&history, err);
	if (rc < 0)
		return tool_named(rc);
	tool_results(tool);
	rc = print_history(tool, &history, err);
	if (rc < 0)
		return rc;
	return tool_looked(tool, history.problems);
}

const struct command command_log = {
	.name = "log",
	.arguments = "[OPTION…] [REPO[:TAG]]",
	.summary = "where tags have pointed, and which of them moved",
	.description =
		"REPO:TAG: each manifest that the tag has pointed to, the latest first, when it was\n"
		"set to it, and whether that can still be pulled. REPO, or nothing for the whole\n"
		"volume: the tags, with how many manifests each has pointed to; those that moved\n"
		"most come first. The registry keeps one time for each: the last.\n",
	.examples = "  drydock log library/app:latest    what was latest, and when\n"
		    "  drydock log library/app           which of its tags move\n"
		    "  drydock log --moved --top 10      the ten that moved most of all\n"
		    "  drydock log library/app --same    v1.2 and latest are the same image\n",
	.options = table,
	.run = run,
};
