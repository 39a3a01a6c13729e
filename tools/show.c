/*
 * One manifest or blob: a column of facts, then a table for each thing that there are several of.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/escape.h>

#include "cleanup.h"
#include "render.h"
#include "show.h"

#define LISTED 20 /* names of repositories and tags that are printed */

static void heading(const char *text)
{
	printf("\n%s%s%s\n", style_on(STYLE_HEADING), text, style_off());
}

static void fact_begin(const char *name)
{
	printf("  %s%-12s%s", style_on(STYLE_FAINT), name, style_off());
}

/* Nothing if there is nothing to say. */
static void fact(const char *name, const char *text)
{
	if (!text)
		return;
	fact_begin(name);
	puts(dd_escaped(text));
}

static void fact_time(const char *name, int64_t ns)
{
	if (!ns)
		return;
	fact_begin(name);
	printf("%s, %s\n", render_time(ns), render_when(ns));
}

static void fact_texts(const char *name, const struct dd_texts *texts, size_t most,
		       const char *between)
{
	size_t count = most && texts->count > most ? most : texts->count;

	if (!texts->count)
		return;
	fact_begin(name);
	for (size_t i = 0; i < count; i++)
		printf("%s%s", i ? between : "", dd_escaped(texts->items[i]));
	if (count < texts->count)
		printf(" and %zu more", texts->count - count);
	putchar('\n');
}

/* As a JSON array has it, so that words with spaces are told apart. */
static void fact_words(const char *name, const struct dd_texts *words)
{
	if (!words->count)
		return;
	fact_begin(name);
	putchar('[');
	for (size_t i = 0; i < words->count; i++)
		printf("%s\"%s\"", i ? ", " : "", dd_escaped(words->items[i]));
	puts("]");
}

/* One a line, the name at the first. */
static void fact_lines(const char *name, const struct dd_texts *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		fact(i ? "" : name, lines->items[i]);
}

static void fact_labels(const char *name, const struct dd_label *labels, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		fact_begin(i ? "" : name);
		printf("%s=%s\n", dd_escaped(labels[i].key), dd_escaped(labels[i].value));
	}
}

/* ---- verification ---- */

struct verification {
	size_t parts, good, bad;
	int64_t oldest_ns;
};

static void count_one(struct verification *count, bool verified, const struct dd_verified *last)
{
	count->parts++;
	if (!verified)
		return;
	if (last->verdict == DD_VERDICT_CORRUPT)
		count->bad++;
	else
		count->good++;
	if (!count->oldest_ns || last->when_ns < count->oldest_ns)
		count->oldest_ns = last->when_ns;
}

static void print_verification(const struct dd_show *show)
{
	struct verification count = { 0 };

	if (show->present)
		count_one(&count, show->verified, &show->last);
	for (size_t i = 0; i < show->part_count; i++)
		if (show->parts[i].present)
			count_one(&count, show->parts[i].verified, &show->parts[i].last);
	fact_begin("verified");
	if (!count.good && !count.bad)
		puts("never, or it has changed since");
	else if (count.bad)
		printf("%s%zu of %zu blobs CORRUPT%s, oldest look %s\n", style_on(STYLE_BAD),
		       count.bad, count.parts, style_off(), render_when(count.oldest_ns));
	else
		printf("%s%s%s, oldest look %s\n", style_on(STYLE_GOOD),
		       count.good == count.parts ? "whole" : "in part", style_off(),
		       render_when(count.oldest_ns));
}

/* ---- what it is ---- */

static void print_title(const struct dd_show *show)
{
	fputs(style_on(STYLE_HEADING), stdout);
	if (show->repository)
		fputs(dd_escaped(show->repository), stdout);
	if (show->tag)
		printf(":%s", dd_escaped(show->tag));
	printf("%s%s%s\n",
	       show->tag	? "  " :
	       show->repository ? "@" :
				  "",
	       render_digest(&show->digest), style_off());
}

static void print_size(const struct dd_show *show)
{
	fact_begin("size");
	if (!show->manifest || show->total == show->size)
		puts(render_size(show->size));
	else
		printf("%s in all, the manifest itself %s\n", render_size(show->total),
		       render_size(show->size));
}

static void print_freed(const struct dd_show *show)
{
	if (!show->weighed)
		return;
	fact_begin("would free");
	printf("%s in %s", render_size(show->freed_bytes),
	       render_count(show->freed_blobs, "blob", "blobs"));
	if (show->freed_linked_bytes)
		printf(" (and %s that have other hard links)",
		       render_size(show->freed_linked_bytes));
	putchar('\n');
}

static void print_identity(const struct dd_show *show)
{
	print_title(show);
	if (show->problem) {
		fact_begin("problem");
		printf("%s%s%s\n", style_on(STYLE_BAD), show->problem, style_off());
	}
	fact("type", show->type ? show->type : show->manifest ? NULL : "blob, no manifest");
	fact("artifact", show->artifact);
	fact("platform", show->config.platform);
	print_size(show);
	fact_time("created", show->config.created_ns);
	fact_time("pushed", show->pushed_ns);
	fact_time("stored", show->stored_ns);
	if (show->has_subject)
		fact("subject", dd_digest_text(&show->subject));
	fact_texts("tags", &show->tags, LISTED, ", ");
	fact_texts(show->repository ? "also in" : "in", &show->elsewhere, LISTED, ", ");
	if (show->repository && show->manifest && !show->linked)
		fact("link", "not a revision of the repository");
	print_verification(show);
	print_freed(show);
	fact_labels("annotations", show->annotations, show->annotation_count);
}

static bool says_anything(const struct dd_show_config *config)
{
	return config->author || config->user || config->directory || config->entrypoint.count ||
	       config->command.count || config->stop_signal || config->ports.count ||
	       config->volumes.count || config->environment.count || config->label_count;
}

static void print_config(const struct dd_show *show)
{
	const struct dd_show_config *config = &show->config;

	if (config->problem) {
		heading("Configuration");
		printf("  %s%s%s\n", style_on(STYLE_BAD), config->problem, style_off());
	}
	if (!config->known || !says_anything(config))
		return;
	heading("Configuration");
	fact("author", config->author);
	fact("user", config->user);
	fact("directory", config->directory);
	fact_words("entrypoint", &config->entrypoint);
	fact_words("cmd", &config->command);
	fact("stop signal", config->stop_signal);
	fact_texts("ports", &config->ports, 0, ", ");
	fact_texts("volumes", &config->volumes, 0, ", ");
	fact_lines("env", &config->environment);
	fact_labels("labels", config->labels, config->label_count);
}

/* ---- tables ---- */

static int print_history(const struct dd_show *show, struct dd_error *err)
{
	static const struct column columns[] = { { "LAYER", 0 },
						 { "SIZE", COLUMN_RIGHT },
						 { "CREATED", 0 },
						 { "STEP", COLUMN_SHRINK } };
	const struct dd_show_config *config = &show->config;
	CLEANUP(table_closep) struct table *lines = NULL;

	if (!config->history_count)
		return 0;
	heading(config->matched ? "History" :
				  "History (its steps do not match the layers one by one)");
	lines = table_open(columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < config->history_count; i++) {
		const struct dd_show_step *step = &config->history[i];
		const struct dd_show_part *layer =
			step->part == DD_SHOW_NONE ? NULL : &show->parts[step->part];
		const char *cells[] = {
			layer && layer->has_digest ? render_digest(&layer->digest) : NULL,
			layer ? render_size(layer->size) : NULL,
			step->created_ns ? render_when(step->created_ns) : NULL,
			step->created_by ? step->created_by : step->comment,
		};

		table_add(lines, step->empty ? STYLE_FAINT : STYLE_PLAIN, cells);
	}
	return table_print(lines, err);
}

static const char *state_of(const struct dd_show_part *part)
{
	return part->problem			     ? part->problem :
	       !part->has_digest		     ? "-" :
	       !part->present			     ? "not here" :
	       !part->verified			     ? "here" :
	       part->last.verdict == DD_VERDICT_GOOD ? "verified" :
						       "CORRUPT";
}

static int print_parts(const struct dd_show *show, struct dd_error *err)
{
	static const struct column columns[] = {
		{ "PART", 0 },	   { "DIGEST", 0 },	     { "TYPE", COLUMN_SHRINK },
		{ "PLATFORM", 0 }, { "SIZE", COLUMN_RIGHT }, { "STATE", 0 }
	};
	CLEANUP(table_closep) struct table *lines = NULL;

	if (!show->part_count)
		return 0;
	heading("Parts");
	lines = table_open(columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < show->part_count; i++) {
		const struct dd_show_part *part = &show->parts[i];
		const char *cells[] = { dd_role_name(part->role),
					part->has_digest ? render_digest(&part->digest) : NULL,
					part->artifact ? part->artifact : part->type,
					part->platform,
					render_size(part->total),
					state_of(part) };

		table_add(lines,
			  part->problem	 ? STYLE_BAD :
			  !part->present ? STYLE_FAINT :
					   STYLE_PLAIN,
			  cells);
	}
	return table_print(lines, err);
}

static int print_referrers(const struct dd_show *show, struct dd_error *err)
{
	static const struct column columns[] = { { "DIGEST", 0 },
						 { "TYPE", COLUMN_SHRINK },
						 { "SIZE", COLUMN_RIGHT },
						 { "TAG", COLUMN_NAME } };
	CLEANUP(table_closep) struct table *lines = NULL;

	if (!show->referrer_count)
		return 0;
	heading("Referrers");
	lines = table_open(columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < show->referrer_count; i++) {
		const struct dd_show_referrer *referrer = &show->referrers[i];
		const char *cells[] = { render_digest(&referrer->digest),
					referrer->artifact ? referrer->artifact : referrer->type,
					render_size(referrer->total), referrer->tag };

		table_add(lines, STYLE_PLAIN, cells);
	}
	return table_print(lines, err);
}

int show_print(const struct dd_show *show, struct dd_error *err)
{
	int rc;

	print_identity(show);
	print_config(show);
	rc = print_history(show, err);
	if (rc == 0)
		rc = print_parts(show, err);
	return rc < 0 ? rc : print_referrers(show, err);
}
