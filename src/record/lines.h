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

/* From now on *raw is what the file has of the line that was read last, to the byte. Borrowed. */
void dd_lines_keep_raw(struct dd_lines *lines, struct dd_text *raw);

/* As dd_line_next(); the words live until the next call. Other errors than DD_EFORMAT end it. */
int dd_lines_next(struct dd_lines *lines, char *words[DD_LINE_WORDS], size_t *count,
		  struct dd_error *err);

/*
 * All of the volume's records: each line's words; count 0 is a damaged line. Not 0 ends the visit and
 * is handed on. No file: no records. tail as above.
 */
typedef int dd_record_line_fn(void *arg, char **words, size_t count, struct dd_error *err);
int dd_lines_visit_records(struct dd_store *store, uint64_t tail, dd_record_line_fn *fn, void *arg,
			   struct dd_error *err);

#endif
