/*
 * Plans in files.
 */
#ifndef TOOLS_PLAN_FILE_H
#define TOOLS_PLAN_FILE_H

#include <drydock/plan_file.h>

/*
 * Before the work begins: whether a plan may be written there. DD_EUSAGE: below the volume's root, or
 * over something that is no file.
 */
int plan_file_check(struct dd_store *store, const char *path, struct dd_error *err);
/* Beside it first, then in its place: the old one or the new one is there, and whole. */
int plan_file_write(const struct dd_gc *gc, struct dd_store *store, const char *path,
		    struct dd_error *err);
int plan_file_read(const char *path, struct dd_plan_file **file, struct dd_error *err);

#endif
