/*
 * A file of metrics that somebody else reads at any time: replaced as a whole.
 */
#ifndef TOOLS_TEXTFILE_H
#define TOOLS_TEXTFILE_H

#include <drydock/store.h>

/*
 * Before the work begins. DD_EUSAGE: it lies below the volume's root, or is a device or the like, and
 * *path is NULL from here on.
 */
int textfile_check(struct dd_store *store, const char **path, struct dd_error *err);

/* The whole text, the caller's; NULL if it cannot be read. */
char *textfile_read(const char *path);
/* Beside it first, then in its place: whoever reads it sees the old one or the new one. */
int textfile_replace(const char *path, const char *text, struct dd_error *err);

#endif
