/*
 * Rendering: how results look on standard output. Tables are libsmartcols'. Names of the volume are
 * escaped here, so that callers pass them as they were found.
 *
 * On a terminal there may be colour, digests are cut to what tells them apart, and wide columns
 * shrink to fit. Elsewhere everything is plain and whole; columns come in the same order.
 */
#ifndef TOOLS_RENDER_H
#define TOOLS_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <drydock/digest.h>
#include <drydock/error.h>
#include <drydock/layout.h>

enum render_style { STYLE_PLAIN, STYLE_HEADING, STYLE_GOOD, STYLE_WARN, STYLE_BAD, STYLE_FAINT };

struct render_options {
	bool colour;
	bool bytes; /* sizes exact instead of "1.4 GiB" */
	bool whole; /* digests are never cut */
};

/* Once, before anything is rendered. */
void render_init(const struct render_options *options);

/* Text in a style. style_off() is "" if style_on() was. */
const char *style_on(enum render_style style);
const char *style_off(void);

/*
 * Each of these returns one of a few buffers of this thread, overwritten 8 calls later.
 */
const char *render_size(uint64_t bytes);
const char *render_digest(const struct dd_digest *digest);
/* Cut on every terminal and off it: for asides. */
const char *render_digest_short(const struct dd_digest *digest);
/* "3 days ago", "in 2 hours"; "-" for 0. */
const char *render_when(int64_t ns);
/* "2026-11-23 18:45", in the local time zone. */
const char *render_time(int64_t ns);
/* "1 blob", "12 blobs" */
const char *render_count(uint64_t count, const char *one, const char *many);

/*
 * Prints "… and 12 more", and how to see them (NULL: there is no way), as the last line of a list that is
 * indented so; nothing for 0.
 */
void render_more(int indent, uint64_t count, const char *how);
#define BY_VERBOSE "-v lists them"

/*
 * What a place is called: "app@sha256:…", "app:v1@sha256:…", the path of what has no such name.
 * Raw bytes, in heap memory; NULL if there is none.
 */
char *render_place(const struct dd_place *place);
/* "blob", "layer-link", …, "temp": as the JSON has it. */
const char *render_kind(const struct dd_place *place);

enum column_flags {
	COLUMN_RIGHT = 1 << 0,	/* numbers */
	COLUMN_SHRINK = 1 << 1, /* may be cut on a narrow terminal */
	COLUMN_TREE = 1 << 2,	/* has the branches of lines that lie below others */
	COLUMN_NAME = 1 << 3,	/* is cut last of all, and in its middle: ends tell names apart */
	COLUMN_YIELD = 1 << 4,	/* is left out before anything is cut */
	COLUMN_TAIL = 1 << 5,	/* is cut in its front: all begin alike */
};

struct column {
	const char *title;
	unsigned flags;
};

/* Errors stick and are reported by table_print(). */
struct table;
struct table *table_open(const struct column *columns, size_t count);
/* As many cells as columns; "-" stands for NULL and for nothing. */
void table_add(struct table *table, enum render_style style, const char *const *cells);
/* Below an earlier line, by its number: they count from 0. TABLE_TOP: below none. */
#define TABLE_TOP SIZE_MAX
void table_add_below(struct table *table, size_t above, enum render_style style,
		     const char *const *cells);
/* Branches of ASCII alone, also where the locale has better ones. */
void table_use_ascii(struct table *table);
int table_print(struct table *table, struct dd_error *err);
void table_closep(struct table **table);

#endif
