/*
 * drydock ls: repositories, tags, or the parts of a manifest.
 */
#include <stdio.h>
#include <string.h>

#include <drydock/inspect.h>

#include "cache.h"
#include "cleanup.h"
#include "render.h"
#include "tool.h"

#define CELLS_MAX 8

static struct {
	unsigned sort; /* enum dd_ls_sort */
	bool reverse, bytes;
	struct cache_settings cache;
} settings;

static const char *const sorts[] = {
	[DD_LS_NAME] = "name", [DD_LS_SIZE] = "size", [DD_LS_PUSHED] = "pushed", NULL
};

static const struct option table[] = {
	{ "sort", 0, OPTION_CHOICE, &settings.sort, "name|size|pushed",
	  "the order; size: largest first, pushed: latest first (default: name)", sorts },
	{ "reverse", 0, OPTION_FLAG, &settings.reverse, NULL, "the other way round", NULL },
	CACHE_OPTIONS(settings.cache, "neither use nor keep what was found out"),
	{ "bytes", 'b', OPTION_FLAG, &settings.bytes, NULL, "sizes in bytes", NULL },
	{ 0 },
};

/* ---- one kind of list: which columns, and what a row puts into them ---- */

struct shape {
	struct column columns[CELLS_MAX];
	void (*fill)(const struct dd_ls_row *row, const char **cells);
};

static const char *digest_of(const struct dd_ls_row *row)
{
	return row->has_digest ? render_digest(&row->digest) : NULL;
}

static void fill_repository(const struct dd_ls_row *row, const char **cells)
{
	static _Thread_local char tags[24], manifests[24];

	snprintf(tags, sizeof(tags), "%llu", (unsigned long long)row->tags);
	snprintf(manifests, sizeof(manifests), "%llu", (unsigned long long)row->manifests);
	cells[0] = row->repository;
	cells[1] = tags;
	cells[2] = manifests;
	cells[3] = render_size(row->size);
	cells[4] = render_when(row->pushed_ns);
}

static void fill_tag(const struct dd_ls_row *row, const char **cells)
{
	cells[0] = row->tag;
	cells[1] = digest_of(row);
	cells[2] = row->type;
	cells[3] = row->platform;
	cells[4] = render_size(row->size);
	cells[5] = render_when(row->pushed_ns);
}

static void fill_part(const struct dd_ls_row *row, const char **cells)
{
	cells[0] = row->name;
	cells[1] = digest_of(row);
	cells[2] = row->type;
	cells[3] = row->platform;
	cells[4] = render_size(row->size);
	cells[5] = row->present ? "yes" : "no";
}

static const struct shape shapes[] = {
	[DD_LS_REPOSITORIES] = { { { "REPOSITORY", COLUMN_NAME },
				   { "TAGS", COLUMN_RIGHT },
				   { "MANIFESTS", COLUMN_RIGHT },
				   { "SIZE", COLUMN_RIGHT },
				   { "PUSHED", 0 } },
				 fill_repository },
	[DD_LS_TAGS] = { { { "TAG", COLUMN_NAME },
			   { "DIGEST", 0 },
			   { "TYPE", 0 },
			   { "PLATFORM", 0 },
			   { "SIZE", COLUMN_RIGHT },
			   { "PUSHED", 0 } },
			 fill_tag },
	[DD_LS_PARTS] = { { { "PART", 0 },
			    { "DIGEST", 0 },
			    { "TYPE", COLUMN_SHRINK },
			    { "PLATFORM", 0 },
			    { "SIZE", COLUMN_RIGHT },
			    { "STORED", 0 } },
			  fill_part },
};

static int print_rows(const struct dd_ls *ls, struct dd_error *err)
{
	const struct shape *shape = &shapes[ls->what];
	struct column columns[CELLS_MAX];
	CLEANUP(table_closep) struct table *rows = NULL;
	size_t count = 0;
	bool problems = false;

	for (size_t i = 0; i < ls->count; i++)
		problems |= ls->rows[i].problem != NULL;
	while (shape->columns[count].title) {
		columns[count] = shape->columns[count];
		count++;
	}
	/* Last, and only where there is one, so that scripts find the others where they were. */
	if (problems)
		columns[count++] = (struct column){ "PROBLEM", COLUMN_SHRINK };
	rows = table_open(columns, count);
	for (size_t i = 0; i < ls->count; i++) {
		const char *cells[CELLS_MAX];

		shape->fill(&ls->rows[i], cells);
		if (problems)
			cells[count - 1] = ls->rows[i].problem;
		table_add(rows, ls->rows[i].problem ? STYLE_BAD : STYLE_PLAIN, cells);
	}
	return table_print(rows, err);
}

static void write_json(const void *ls, struct dd_json_out *out)
{
	dd_ls_json(ls, out);
}

static int print_ls(const struct tool *tool, const struct dd_ls *ls, struct dd_error *err)
{
	static const char *const nothing[] = {
		[DD_LS_REPOSITORIES] = "no repositories",
		[DD_LS_TAGS] = "no tags",
		[DD_LS_PARTS] = "no parts",
	};

	if (tool->json)
		return tool_print_json(write_json, ls, err);
	if (!ls->count) {
		if (!tool->quiet)
			printf("(%s)\n", nothing[ls->what]);
		return 0;
	}
	return print_rows(ls, err);
}

static int list(struct tool *tool, const struct dd_reference *reference, struct dd_error *err)
{
	CLEANUP(dd_index_closep) struct dd_index *index = NULL;
	CLEANUP(dd_ls_release) struct dd_ls ls = { 0 };
	struct dd_ls_options how = { .sort = settings.sort, .reverse = settings.reverse };
	/* Opening it takes longer than to look at one repository. */
	int rc = reference ? 0 : cache_open(tool, &settings.cache, DD_INDEX_SURVEYED, &index, err);

	how.index = index;
	if (rc == 0)
		rc = dd_ls(tool->ctx, tool->store, reference, &how, &ls, err);
	if (rc < 0)
		return tool_named(rc);
	tool_results(tool);
	rc = print_ls(tool, &ls, err);
	if (rc < 0)
		return rc;
	return tool_looked(tool, ls.problems);
}

static int run(struct tool *tool, const struct options *options, struct dd_error *err)
{
	struct dd_reference reference;
	int rc = tool_check_words(options, 1, err);

	if (rc == 0 && options->word_count)
		rc = dd_reference_parse(&reference, options->words[0], err);
	if (rc < 0)
		return rc;
	tool->bytes = settings.bytes;
	rc = tool_open(tool, err);
	if (rc < 0)
		return rc;
	return list(tool, options->word_count ? &reference : NULL, err);
}

const struct command command_ls = {
	.name = "ls",
	.arguments = "[OPTION…] [REF]",
	.summary = "list repositories, tags, or what a manifest is made of",
	.description =
		"Without REF: the repositories, with the number of their tags and manifests.\n"
		"REPO: its tags. REPO:TAG, REPO@DIGEST or DIGEST: the parts of that manifest.\n"
		"A digest may be cut to a unique beginning of at least 4 characters.\n",
	.examples =
		"  drydock ls                        which repositories are there\n"
		"  drydock ls --sort size            what takes the space\n"
		"  drydock ls library/app            its tags\n"
		"  drydock ls library/app:v1         config and layers, or an index's manifests\n"
		"  drydock ls --json | jq .          for scripts\n",
	.options = table,
	.run = run,
};
