/*
 * A collection's plan, or what became of it, for people.
 */
#ifndef TOOLS_PLAN_H
#define TOOLS_PLAN_H

#include <drydock/gc.h>

#include "tool.h"

#define SIZE_COLUMNS 11

/*
 * apply: --apply was given (it may have lost against --dry-run). failed: the run ended early, and
 * the plan says how far it came.
 */
void plan_print(const struct tool *tool, const struct dd_gc_options *options,
		const struct dd_gc *gc, bool apply, bool failed);

/* What a person has to see to; nothing if none is needed. */
void plan_print_alarm(const struct tool *tool, const struct dd_gc_plan *plan);

/* Nothing goes, comes back, or is removed for good. */
bool plan_is_empty(const struct dd_gc_plan *plan);
/* How much is freed when, and what is kept that would free more. */
void plan_print_space(const struct dd_gc_plan *plan, const struct dd_gc_options *options);
/* The last line of a run, for whoever reads no more of a log. */
void plan_print_summary(const struct dd_gc_plan *plan, const struct dd_gc_options *options);

/* What a kind of object is called: "layer link"; "1 layer link", "3 blobs" in one of render's buffers. */
const char *plan_kind(const struct dd_place *place);
const char *plan_count_kind(const struct dd_place *place, uint64_t count);

#endif
