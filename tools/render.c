/*
 * Rendering.
 */
#include <errno.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <drydock/escape.h>
#include <drydock/units.h>

#include "fit.h"
#include "render.h"

#define SHORT_HEX 12
#define CELL_TEXT 128

/* What a terminal is sent, and libsmartcols' words for the same. */
static const struct {
	const char *sequence, *name;
} styles[] = {
	[STYLE_PLAIN] = { "", NULL },		[STYLE_HEADING] = { "\033[1m", "bold" },
	[STYLE_GOOD] = { "\033[32m", "green" }, [STYLE_WARN] = { "\033[33m", "brown" },
	[STYLE_BAD] = { "\033[31m", "red" },	[STYLE_FAINT] = { "\033[2m", "halfbright" },
};

static struct render_options shown;

void render_init(const struct render_options *options)
{
	shown = *options;
}

const char *style_on(enum render_style style)
{
	return shown.colour ? styles[style].sequence : "";
}

const char *style_off(void)
{
	return shown.colour ? "\033[0m" : "";
}

static char *next_buffer(void)
{
	static _Thread_local char buffers[8]
					 [DD_DIGEST_TEXT > CELL_TEXT ? DD_DIGEST_TEXT : CELL_TEXT];
	static _Thread_local unsigned next;

	return buffers[next++ % 8];
}

const char *render_size(uint64_t bytes)
{
	char *text = next_buffer();

	if (!shown.bytes)
		return dd_size_format(bytes, text);
	snprintf(text, CELL_TEXT, "%llu", (unsigned long long)bytes);
	return text;
}

const char *render_digest_short(const struct dd_digest *digest)
{
	char *text = dd_digest_format(digest, next_buffer());

	strchr(text, ':')[1 + SHORT_HEX] = '\0';
	return text;
}

const char *render_digest(const struct dd_digest *digest)
{
	return shown.whole ? dd_digest_format(digest, next_buffer()) : render_digest_short(digest);
}

const char *render_when(int64_t ns)
{
	char *text = next_buffer(), span[DD_UNIT_TEXT];
	int64_t ago;

	if (!ns)
		return "-";
	if (__builtin_sub_overflow(dd_time_now(), ns, &ago))
		ago = INT64_MAX;
	dd_duration_format(ago < 0 ? -ago : ago, span);
	if (ago < 0 && ago <= -DD_SECOND)
		snprintf(text, CELL_TEXT, "in %s", span);
	else
		snprintf(text, CELL_TEXT, "%s%s", span, ago < DD_SECOND ? "" : " ago");
	return text;
}

const char *render_count(uint64_t count, const char *one, const char *many)
{
	char *text = next_buffer();

	snprintf(text, CELL_TEXT, "%llu %s", (unsigned long long)count, count == 1 ? one : many);
	return text;
}

void render_more(int indent, uint64_t count, const char *how)
{
	if (count)
		printf("%*s%s… and %llu more%s%s%s%s\n", indent, "", style_on(STYLE_FAINT),
		       (unsigned long long)count, how ? " (" : "", how ? how : "", how ? ")" : "",
		       style_off());
}

const char *render_time(int64_t ns)
{
	return dd_time_format_local(ns, next_buffer());
}

const char *render_kind(const struct dd_place *place)
{
	if (place->beside)
		return "temp";
	return dd_place_kind_name(place->kind == DD_AT_STARTEDAT ? DD_AT_UPLOAD : place->kind);
}

char *render_place(const struct dd_place *place)
{
	struct dd_place here = *place;
	const char *digest = render_digest(&place->digest);
	char *text = NULL;
	int rc = -1;

	here.run = NULL;
	if (place->beside)
		return dd_layout_path(&here, &text, NULL) < 0 ? NULL : text;
	switch (place->kind) {
	case DD_AT_BLOB:
		return strdup(digest);
	case DD_AT_LAYER:
	case DD_AT_REVISION:
		rc = asprintf(&text, "%s@%s", place->repository, digest);
		break;
	case DD_AT_HISTORY:
		rc = asprintf(&text, "%s:%s@%s", place->repository, place->tag, digest);
		break;
	case DD_AT_TAG:
		rc = asprintf(&text, "%s:%s", place->repository, place->tag);
		break;
	case DD_AT_UPLOAD:
	case DD_AT_STARTEDAT:
		rc = asprintf(&text, "%s, upload %s", place->repository, place->upload);
		break;
	default:
		return dd_layout_path(&here, &text, NULL) < 0 ? NULL : text;
	}
	return rc < 0 ? NULL : text;
}

/* ---- tables ---- */

#define GAP 2	 /* between columns */
#define BRANCH 2 /* for each level */

struct line {
	struct libscols_line *scols;
	size_t depth;
};

struct table {
	struct libscols_table *scols;
	struct fit *columns;
	size_t column_count;
	struct line *lines; /* by number: libsmartcols would walk along a list */
	size_t count, room;
	int failed; /* an errno */
};

static int add_column(struct table *table, const struct column *column)
{
	int flags = 0;

	if (column->flags & COLUMN_RIGHT)
		flags |= SCOLS_FL_RIGHT;
	if (column->flags & COLUMN_TREE)
		flags |= SCOLS_FL_TREE;
	if (!scols_table_new_column(table->scols, column->title, 0, flags))
		return -ENOMEM;
	table->columns[table->column_count++] =
		(struct fit){ .flags = column->flags, .title = fit_columns(column->title) };
	return 0;
}

struct table *table_open(const struct column *columns, size_t count)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->scols = scols_new_table();
	table->columns = calloc(count + 1, sizeof(*table->columns));
	if (!table->scols || !table->columns) {
		table->failed = ENOMEM;
		return table;
	}
	/* Cells are escaped already; a second time would double the backslashes. */
	scols_table_enable_noencoding(table->scols, 1);
	scols_table_enable_colors(table->scols, shown.colour);
	scols_table_set_column_separator(table->scols, "  ");
	for (size_t i = 0; i < count && !table->failed; i++)
		table->failed = -add_column(table, &columns[i]);
	return table;
}

void table_closep(struct table **table)
{
	if (!*table)
		return;
	scols_unref_table((*table)->scols);
	free((*table)->columns);
	free((*table)->lines);
	free(*table);
	*table = NULL;
}

void table_use_ascii(struct table *table)
{
	if (table && !table->failed)
		table->failed = -scols_table_enable_ascii(table->scols, 1);
}

void table_add(struct table *table, enum render_style style, const char *const *cells)
{
	table_add_below(table, TABLE_TOP, style, cells);
}

static struct libscols_line *new_line(struct table *table, const struct line *above)
{
	struct libscols_line *line;

	if (table->count == table->room) {
		size_t room = table->room ? 2 * table->room : 64;
		struct line *lines = reallocarray(table->lines, room, sizeof(*lines));

		if (!lines)
			return NULL;
		above = above ? lines + (above - table->lines) : NULL;
		table->lines = lines;
		table->room = room;
	}
	line = scols_table_new_line(table->scols, above ? above->scols : NULL);
	if (line)
		table->lines[table->count++] = (struct line){ line, above ? above->depth + 1 : 0 };
	return line;
}

void table_add_below(struct table *table, size_t above, enum render_style style,
		     const char *const *cells)
{
	struct libscols_line *line;

	if (!table || table->failed)
		return;
	line = new_line(table, above == TABLE_TOP ? NULL : &table->lines[above]);
	if (!line) {
		table->failed = ENOMEM;
		return;
	}
	if (styles[style].name)
		scols_line_set_color(line, styles[style].name);
	for (size_t i = 0; i < table->column_count && !table->failed; i++) {
		bool empty = !cells[i] || !cells[i][0];

		table->failed = -scols_line_set_data(line, i, empty ? "-" : dd_escaped(cells[i]));
	}
}

/* ---- on a terminal ---- */

static size_t branches(const struct fit *column, const struct line *line)
{
	return column->flags & COLUMN_TREE ? line->depth * BRANCH : 0;
}

static void measure(struct table *table)
{
	for (size_t i = 0; i < table->column_count; i++) {
		struct fit *column = &table->columns[i];

		column->empty = true;
		column->width = column->title;
		for (size_t k = 0; k < table->count; k++) {
			const struct line *line = &table->lines[k];
			const char *text = scols_cell_get_data(scols_line_get_cell(line->scols, i));
			size_t width = branches(column, line) + fit_columns(text);

			column->empty &= !text || !strcmp(text, "-");
			column->width = width > column->width ? width : column->width;
		}
	}
}

static int cut_cell(const struct fit *column, const struct line *line, size_t i)
{
	struct libscols_cell *cell = scols_line_get_cell(line->scols, i);
	size_t taken = branches(column, line);
	const char *text = scols_cell_get_data(cell);
	/* Where all say the same. */
	bool begins_alike = column->flags & COLUMN_TAIL ||
			    (text && !strncmp(text, "application/", strlen("application/")));
	char *cut;

	if (!text || taken + fit_columns(text) <= column->width)
		return 0;
	/* However deep it is, something of it is shown. */
	cut = fit_text(text, column->width > taken + 4 ? column->width - taken : 4,
		       column->flags & COLUMN_NAME ? FIT_MIDDLE :
		       begins_alike		   ? FIT_FRONT :
						     FIT_END);
	return cut ? scols_cell_refer_data(cell, cut) : -ENOMEM;
}

/* libsmartcols would cut what it likes, and not say that it did. */
static int fit(struct table *table)
{
	struct winsize size = { 0 };
	int rc = 0;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return 0;
	measure(table);
	fit_table(table->columns, table->column_count, GAP, size.ws_col);
	for (size_t i = 0; i < table->column_count && rc == 0; i++) {
		const struct fit *column = &table->columns[i];
		struct libscols_column *scols = scols_table_get_column(table->scols, i);

		if (!column->width)
			rc = scols_column_set_flags(scols, SCOLS_FL_HIDDEN |
								   scols_column_get_flags(scols));
		for (size_t k = 0; k < table->count && rc == 0 && column->width; k++)
			rc = cut_cell(column, &table->lines[k], i);
	}
	return rc;
}

int table_print(struct table *table, struct dd_error *err)
{
	if (table && !table->failed)
		table->failed = -fit(table);
	if (table && !table->failed)
		table->failed = -scols_print_table(table->scols);
	if (!table || table->failed)
		return dd_fail(err, DD_ENOMEM, table ? table->failed : 0, "print the table");
	return 0;
}
