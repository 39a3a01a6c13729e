/*
 * The trash for people.
 */
#ifndef TOOLS_TRASH_H
#define TOOLS_TRASH_H

#include <drydock/restore.h>

#include "tool.h"

/* apply: --apply was given (it may have lost against --dry-run). */
int trash_print_runs(const struct dd_trash *trash, struct dd_error *err);
int trash_print_run(const struct tool *tool, const struct dd_run *run, struct dd_error *err);
void trash_print_restore(const struct tool *tool, const struct dd_restore_plan *plan, bool apply);
void trash_print_empty(const struct tool *tool, const struct dd_empty_plan *plan,
		       const struct dd_empty_options *options, bool apply);

#endif
