/*
 * Bytes of a blob, to standard output.
 */
#ifndef TOOLS_BYTES_H
#define TOOLS_BYTES_H

#include <drydock/reference.h>

#include "tool.h"

/* A reference to one object: not to a repository as a whole. */
int bytes_parse(struct dd_reference *reference, const char *word, struct dd_error *err);
/* An exit status, or an error: DD_ECORRUPT once all of them are out. */
int bytes_print(struct tool *tool, const struct dd_reference *reference, struct dd_error *err);

#endif
