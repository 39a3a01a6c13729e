/*
 * A file of metrics that somebody else reads at any time: replaced as a whole.
 */
#ifndef TOOLS_TEXTFILE_H
#define TOOLS_TEXTFILE_H

#include <drydock/error.h>

/* The whole text, the caller's; NULL if it cannot be read. */
char *textfile_read(const char *path);
/* Beside it first, then in its place: whoever reads it sees the old one or the new one. */
int textfile_replace(const char *path, const char *text, struct dd_error *err);

#endif
