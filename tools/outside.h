/*
 * Files that a person names for us to write: never below the volume's root, whatever leads there.
 */
#ifndef TOOLS_OUTSIDE_H
#define TOOLS_OUTSIDE_H

#include <drydock/store.h>

/* The directory that a file is in, or is to be. A descriptor, or an error with the path in it. */
int outside_open(const char *path, struct dd_error *err);
/* DD_EUSAGE: the directory lies below the root, or is it. */
int outside_check(struct dd_store *store, int directory, const char *path, struct dd_error *err);

#endif
