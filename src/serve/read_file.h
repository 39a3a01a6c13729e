/*
 * A file of the configuration, whole. Unlike those of a volume it is the operator's: links count.
 */
#ifndef SERVE_READ_FILE_H
#define SERVE_READ_FILE_H

#include "base/text.h"

/* DD_ENOENT, DD_EACCES, DD_ETOOBIG; all with the path. Never more than max bytes are read. */
int dd_read_file(const char *path, size_t max, struct dd_text *text, struct dd_error *err);

#endif
