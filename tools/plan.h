/*
 * A collection's plan, or what became of it, for people.
 */
#ifndef TOOLS_PLAN_H
#define TOOLS_PLAN_H

#include <drydock/gc.h>

#include "render.h"
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

/* Which file the plan was written to, and by which policy, for what to type next; NULL: none. */
void plan_set_file(const char *path, const char *policy);

/* ---- between the files that print plans ---- */

/* What a kind of object is called: "layer link"; "1 layer link", "3 blobs" in one of render's buffers. */
const char *plan_kind(const struct dd_place *place);
const char *plan_count_kind(const struct dd_place *place, uint64_t count);

void plan_heading(enum render_style style, const char *text);
/* One line of a list: size, name, and what else is to be said. */
void plan_print_object(const struct dd_place *place, const char *size, const char *note);
void plan_print_more(uint64_t count);

/* By which plan file, if by one. */
void plan_print_origin(const struct dd_gc_plan *plan, const struct dd_gc_options *options);
/* What a plan file names and stays, and why. */
void plan_print_left(const struct dd_gc_plan *plan, bool all);
/* What could not be looked at; what was passed over, and that only if all is wanted. */
void plan_print_unread(const struct dd_gc_plan *plan, bool all);
void plan_print_strange(const struct dd_gc_plan *plan, bool all);
/* Runs that leave the trash for good, and why. */
void plan_print_expiring(const struct dd_gc_plan *plan, const struct dd_gc_options *options);
uint64_t plan_expiring_bytes(const struct dd_gc_plan *plan);
/* What the plan takes would not even stay in the trash. */
bool plan_gives_itself_up(const struct dd_gc_plan *plan);

#endif
