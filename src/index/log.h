/*
 * A log beside the index: whole lines that are only ever added. It is no part of the index: what
 * makes that worthless, and throwing it away, leaves the log as it is.
 */
#ifndef INDEX_LOG_H
#define INDEX_LOG_H

#include <drydock/index.h>

#define DD_INDEX_LOG "runs"

/* Add a line, with its newline: durable when it returns. Nothing, if the index is not writable. */
int dd_index_append(struct dd_index *index, const char *line, size_t len, struct dd_error *err);

/* The last bytes of it, at most so many; none if there is no log. */
int dd_index_read_log(struct dd_index *index, size_t max, struct dd_buffer *buffer,
		      struct dd_error *err);

#endif
