/*
 * What takes the space: a table with a bar for each row, then the totals.
 */
#include <langinfo.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "du.h"
#include "render.h"

#define BAR 16 /* characters */
#define COLUMNS_MAX 9

/* What a column is about; which there are depends on what a row is. */
struct cell {
	struct column column;
	const char *(*text)(const struct dd_du *du, const struct dd_du_row *row);
};

static const char *text_name(const struct dd_du *du, const struct dd_du_row *row)
{
	(void)du;
	return row->name;
}

static const char *text_tag(const struct dd_du *du, const struct dd_du_row *row)
{
	(void)du;
	return row->tag;
}

static const char *text_digest(const struct dd_du *du, const struct dd_du_row *row)
{
	(void)du;
	return render_digest(&row->digest);
}

static const char *number(uint64_t value)
{
	static _Thread_local char texts[4][24];
	static _Thread_local unsigned next;
	char *text = texts[next++ % 4];

	snprintf(text, sizeof(texts[0]), "%llu", (unsigned long long)value);
	return text;
}

static const char *text_tags(const struct dd_du *du, const struct dd_du_row *row)
{
	(void)du;
	return number(row->tags);
}

static const char *text_blobs(const struct dd_du *du, const struct dd_du_row *row)
{
	(void)du;
	return number(row->blobs);
}

static const char *text_manifests(const struct dd_du *du, const struct dd_du_row *row)
{
	(void)du;
	return number(row->manifests);
}

static const char *text_repositories(const struct dd_du *du, const struct dd_du_row *row)
{
	(void)du;
	return number(row->repositories);
}

static const char *text_logical(const struct dd_du *du, const struct dd_du_row *row)
{
	(void)du;
	return render_size(row->logical);
}

static const char *text_physical(const struct dd_du *du, const struct dd_du_row *row)
{
	(void)du;
	return render_size(row->physical);
}

static const char *text_exclusive(const struct dd_du *du, const struct dd_du_row *row)
{
	if (row->held && !row->exclusive)
		return "held";
	return du->exclusive ? render_size(row->exclusive) : NULL;
}

static const char *text_shared(const struct dd_du *du, const struct dd_du_row *row)
{
	return du->exclusive ? render_size(row->physical - row->exclusive) : NULL;
}

/* Of the largest row that is shown. */
static uint64_t largest;

static const char *text_bar(const struct dd_du *du, const struct dd_du_row *row)
{
	static _Thread_local char text[BAR * 4 + 1];
	const char *full = strcmp(nl_langinfo(CODESET), "UTF-8") ? "#" : "█";
	size_t width, len = 0;

	(void)du;
	width = largest ? (size_t)((double)row->physical / (double)largest * BAR + 0.5) : 0;
	if (!width && row->physical)
		width = 1;
	for (size_t i = 0; i < width; i++, len += strlen(full))
		memcpy(text + len, full, strlen(full));
	text[len] = '\0';
	return text;
}

static const struct cell name = { { "NAME", COLUMN_TREE | COLUMN_NAME }, text_name },
			 repository = { { "REPOSITORY", COLUMN_NAME }, text_name },
			 tag = { { "TAG", COLUMN_NAME }, text_tag },
			 digest = { { "DIGEST", 0 }, text_digest },
			 type = { { "MEDIA TYPE", COLUMN_NAME }, text_name },
			 age = { { "AGE", 0 }, text_name },
			 tags = { { "TAGS", COLUMN_RIGHT }, text_tags },
			 blobs = { { "BLOBS", COLUMN_RIGHT }, text_blobs },
			 manifests = { { "MANIFESTS", COLUMN_RIGHT }, text_manifests },
			 repositories = { { "REPOSITORIES", COLUMN_RIGHT }, text_repositories },
			 logical = { { "LOGICAL", COLUMN_RIGHT }, text_logical },
			 physical = { { "PHYSICAL", COLUMN_RIGHT }, text_physical },
			 exclusive = { { "EXCLUSIVE", COLUMN_RIGHT }, text_exclusive },
			 shared = { { "SHARED", COLUMN_RIGHT }, text_shared },
			 bar = { { "", COLUMN_YIELD }, text_bar };

static const struct cell *const shapes[DD_DU_BY_COUNT][COLUMNS_MAX + 1] = {
	[DD_DU_REPOSITORY] = { &name, &tags, &blobs, &logical, &physical, &exclusive, &shared },
	[DD_DU_NAMESPACE] = { &name, &tags, &blobs, &logical, &physical, &exclusive, &shared },
	[DD_DU_TAG] = { &repository, &tag, &blobs, &logical, &physical, &exclusive, &shared },
	[DD_DU_MEDIATYPE] = { &type, &blobs, &logical, &physical },
	[DD_DU_LAYER] = { &digest, &type, &manifests, &repositories, &physical },
	[DD_DU_AGE] = { &age, &blobs, &physical },
};

static bool is_namespace(const struct dd_du *du, const struct dd_du_row *row)
{
	return (du->by == DD_DU_REPOSITORY || du->by == DD_DU_NAMESPACE) && !row->is_repository;
}

/* Which line of the table a row is, of those above that are shown. */
static int add_rows(struct table *lines, const struct dd_du *du, const struct cell *const *shape,
		    size_t count, struct dd_error *err)
{
	AUTOFREE size_t *line = calloc(du->count + 1, sizeof(*line));
	size_t next = 0;

	if (!line)
		return dd_fail(err, DD_ENOMEM, 0, "print sizes");
	for (size_t i = 0; i < du->count; i++) {
		const struct dd_du_row *row = &du->rows[i];
		const char *cells[COLUMNS_MAX + 1];

		if (!row->shown)
			continue;
		for (size_t c = 0; c < count; c++)
			cells[c] = shape[c]->text(du, row);
		table_add_below(lines, row->parent == DD_DU_NONE ? TABLE_TOP : line[row->parent],
				is_namespace(du, row) ? STYLE_HEADING : STYLE_PLAIN, cells);
		line[i] = next++;
	}
	return 0;
}

static int print_rows(const struct dd_du *du, struct dd_error *err)
{
	const struct cell *shape[COLUMNS_MAX + 1];
	struct column columns[COLUMNS_MAX + 1];
	CLEANUP(table_closep) struct table *lines = NULL;
	size_t count = 0;
	int rc;

	largest = 0;
	for (size_t i = 0; i < du->count; i++)
		if (du->rows[i].shown && du->rows[i].physical > largest)
			largest = du->rows[i].physical;
	for (; shapes[du->by][count]; count++)
		shape[count] = shapes[du->by][count];
	if (isatty(STDOUT_FILENO))
		shape[count++] = &bar;
	for (size_t i = 0; i < count; i++)
		columns[i] = shape[i]->column;
	lines = table_open(columns, count);
	rc = add_rows(lines, du, shape, count, err);
	return rc < 0 ? rc : table_print(lines, err);
}

static uint64_t hidden_rows(const struct dd_du *du)
{
	uint64_t hidden = du->hidden;

	for (size_t i = 0; i < du->count; i++)
		hidden += du->rows[i].shown ? du->rows[i].hidden : 0;
	return hidden;
}

static int print_totals(const struct dd_du *du, struct dd_error *err)
{
	static const struct column columns[] = { { "TOTAL", 0 },
						 { "SIZE", COLUMN_RIGHT },
						 { "WHAT", COLUMN_SHRINK } };
	static const struct {
		const char *name, *text;
		size_t at;
	} totals[] = {
#define X(total, member, what) { total, what, offsetof(struct dd_du_totals, member) },
		DD_DU_TOTALS(X)
#undef X
	};
	CLEANUP(table_closep) struct table *lines = table_open(columns, 3);

	for (size_t i = 0; i < sizeof(totals) / sizeof(*totals); i++) {
		uint64_t bytes;

		memcpy(&bytes, (const char *)&du->totals + totals[i].at, sizeof(bytes));
		if (bytes)
			table_add(lines, STYLE_PLAIN,
				  (const char *[]){ totals[i].name, render_size(bytes),
						    totals[i].text });
	}
	table_add(lines, STYLE_HEADING,
		  (const char *[]){ "all", render_size(du->totals.all),
				    du->repository ? "of this repository, with what it shares" :
				    du->apparent   ? "the sizes of all files" :
						     "as du(1) counts it" });
	return table_print(lines, err);
}

static void explain_held(const struct dd_du *du)
{
	for (size_t i = 0; i < du->count; i++)
		if (du->rows[i].shown && du->rows[i].held && !du->rows[i].exclusive) {
			puts("held: a doubt keeps all of it, so nothing of it would be freed; "
			     "drydock gc names\nthe doubt, and what releases it");
			return;
		}
}

int du_print(const struct dd_du *du, struct dd_error *err)
{
	int rc = print_rows(du, err);

	if (rc < 0)
		return rc;
	render_more(0, hidden_rows(du), NULL);
	explain_held(du);
	putchar('\n');
	return print_totals(du, err);
}
