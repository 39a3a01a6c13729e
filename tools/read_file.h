/*
 * A file that a person named, whole; "-" is standard input.
 */
#ifndef TOOLS_READ_FILE_H
#define TOOLS_READ_FILE_H

#include <stddef.h>

#include <drydock/error.h>

/* In heap memory, NUL-terminated. DD_EUSAGE: it cannot be read, or has more than max bytes. */
int read_file(const char *path, size_t max, char **bytes, size_t *len, struct dd_error *err);

#endif
