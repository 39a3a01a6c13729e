/*
 * Differences on standard output.
 */
#ifndef TOOLS_DIFF_H
#define TOOLS_DIFF_H

#include <drydock/diff.h>

/* before, after: the references as they were given. */
int diff_print_images(const struct dd_diff_images *diff, const char *before, const char *after,
		      struct dd_error *err);
int diff_print_volumes(const struct dd_diff_volumes *diff, struct dd_error *err);

#endif
