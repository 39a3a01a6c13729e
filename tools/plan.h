/*
 * A collection's plan, or what became of it, for people.
 */
#ifndef TOOLS_PLAN_H
#define TOOLS_PLAN_H

#include <drydock/gc.h>

#include "tool.h"

/*
 * apply: --apply was given (it may have lost against --dry-run). failed: the run ended early, and
 * the plan says how far it came.
 */
void plan_print(const struct tool *tool, const struct dd_gc_options *options,
		const struct dd_gc *gc, bool apply, bool failed);

/* What a kind of object is called: "1 layer link", "3 blobs". One of render's buffers. */
const char *plan_count_kind(const struct dd_place *place, uint64_t count);

#endif
