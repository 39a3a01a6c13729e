/*
 * A window that slides over the file: what is left of it begins with a line's first byte.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "record/lines.h"

struct dd_lines {
	struct dd_reader *reader;
	struct dd_hasher *hasher;
	struct dd_text *raw; /* NULL: nobody wants it */
	size_t len;	     /* bytes in the window */
	char *at;	     /* the next line */
	char *whole; /* behind the last newline, or behind everything at the end of the file */
	bool cut;    /* the first line is only a part of one: pass over it */
	bool at_end;
	char window[DD_LINE_MAX];
};

int dd_lines_open(struct dd_store *store, const struct dd_place *place, uint64_t tail,
		  struct dd_lines **out, struct dd_error *err)
{
	DD_CLEANUP(dd_lines_closep) struct dd_lines *lines = malloc(sizeof(*lines));
	struct dd_info info;
	int rc;

	*out = NULL;
	if (!lines)
		return dd_fail(err, DD_ENOMEM, 0, "read lines");
	memset(lines, 0, offsetof(struct dd_lines, window));
	lines->at = lines->whole = lines->window;
	rc = dd_hasher_open(&lines->hasher, DD_SHA256, err);
	if (rc == 0)
		rc = dd_store_open_reader(store, place, &lines->reader, &info, err);
	if (rc == 0 && tail && info.size > tail) {
		lines->cut = true;
		rc = dd_reader_skip(lines->reader, info.size - tail, err);
	}
	if (rc < 0)
		return rc;
	*out = lines;
	lines = NULL;
	return 0;
}

void dd_lines_closep(struct dd_lines **lines)
{
	if (*lines) {
		dd_reader_closep(&(*lines)->reader);
		dd_hasher_closep(&(*lines)->hasher);
		free(*lines);
		*lines = NULL;
	}
}

/* Read until there is a whole line, the file ends, or the window is full. */
static int fill(struct dd_lines *lines, struct dd_error *err)
{
	size_t rest = (size_t)(lines->window + lines->len - lines->at);

	memmove(lines->window, lines->at, rest);
	lines->at = lines->window;
	lines->len = rest;
	for (;;) {
		int64_t got = dd_reader_read(lines->reader, lines->window + lines->len,
					     DD_LINE_MAX - lines->len, err);
		char *newline;

		if (got < 0)
			return (int)got;
		newline = got ? memrchr(lines->window + lines->len, '\n', (size_t)got) : NULL;
		lines->len += (size_t)got;
		lines->at_end = got == 0;
		lines->whole = newline ? newline + 1 : lines->window + lines->len;
		if (newline || lines->at_end || lines->len == DD_LINE_MAX)
			return 0;
	}
}

void dd_lines_keep_raw(struct dd_lines *lines, struct dd_text *raw)
{
	lines->raw = raw;
}

/* Before its words are decoded where they lie. */
static int keep_raw(struct dd_lines *lines, struct dd_error *err)
{
	size_t rest = (size_t)(lines->whole - lines->at);
	const char *newline = rest ? memchr(lines->at, '\n', rest) : NULL;

	dd_text_cut(lines->raw, 0);
	if (newline)
		rest = (size_t)(newline + 1 - lines->at);
	return dd_text_add(lines->raw, lines->at, rest) < 0 ?
		       dd_fail(err, DD_ENOMEM, 0, "read lines") :
		       0;
}

int dd_lines_next(struct dd_lines *lines, char *words[DD_LINE_WORDS], size_t *count,
		  struct dd_error *err)
{
	for (;;) {
		int rc;

		if (lines->at == lines->whole && !lines->at_end) {
			rc = fill(lines, err);
			if (rc < 0)
				return rc;
		}
		rc = lines->raw ? keep_raw(lines, err) : 0;
		if (rc < 0)
			return rc;
		rc = dd_line_next(lines->hasher, &lines->at, lines->whole, words, count, err);
		if (!lines->cut || rc == 0)
			return rc;
		if (rc < 0 && rc != DD_EFORMAT)
			return rc;
		lines->cut = false;
	}
}

int dd_lines_visit_records(struct dd_store *store, uint64_t tail, dd_record_line_fn *fn, void *arg,
			   struct dd_error *err)
{
	static const struct dd_place place = { .kind = DD_AT_RECORDS };
	DD_CLEANUP(dd_lines_closep) struct dd_lines *lines = NULL;
	char *words[DD_LINE_WORDS];
	size_t count;
	int rc = dd_lines_open(store, &place, tail, &lines, err);

	if (rc == DD_ENOENT) {
		dd_error_clear(err);
		return 0;
	}
	while (rc >= 0 && (rc = dd_lines_next(lines, words, &count, err)) != 0) {
		if (rc == DD_EFORMAT) {
			dd_error_clear(err);
			rc = fn(arg, words, 0, err);
		} else if (rc > 0) {
			rc = count ? fn(arg, words, count, err) : 0;
		}
	}
	return rc < 0 ? dd_wrap(err, rc, "read the records") : 0;
}
