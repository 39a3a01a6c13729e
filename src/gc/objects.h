/*
 * Objects that were named one by one, by their places: drydock find -delete. Each goes only if it may
 * go on its own; of each that stays the reason is told, and so of manifests that references name.
 */
#ifndef GC_OBJECTS_H
#define GC_OBJECTS_H

#include "gc/plan.h"

/* Where the places are in the survey: into gc->objects, sorted. */
int dd_gc_find_objects(struct dd_gc *gc, struct dd_error *err);
/* Tags, and manifests that no tag points to: as what was named to be removed. */
int dd_gc_name_objects(struct dd_gc *gc, struct dd_error *err);
/* Whether a blob or an upload was named; a layer link that nothing needs goes with its blob. */
bool dd_gc_has_object(const struct dd_gc *gc, const struct dd_candidate *candidate);
/* Once it is known what goes: why the others do not. */
int dd_gc_refuse_objects(struct dd_gc *gc, struct dd_error *err);

#endif
