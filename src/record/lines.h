/*
 * The lines of a file of ours, one after the other: the file is streamed, of whatever size.
 */
#ifndef RECORD_LINES_H
#define RECORD_LINES_H

#include <drydock/store.h>

#include "record/line.h"

struct dd_lines;

/* tail: only about the last so many bytes, from the first whole line in them; 0: all. */
int dd_lines_open(struct dd_store *store, const struct dd_place *place, uint64_t tail,
		  struct dd_lines **lines, struct dd_error *err);
void dd_lines_closep(struct dd_lines **lines);

/* As dd_line_next(); the words live until the next call. Other errors than DD_EFORMAT end it. */
int dd_lines_next(struct dd_lines *lines, char *words[DD_LINE_WORDS], size_t *count,
		  struct dd_error *err);

#endif
