/*
 * Looking again: between the links' going and the blobs', and once more at the end.
 *
 * A foreign registry does not tell us what it does. So the whole volume is surveyed anew: listing
 * and reading links costs a fraction of the first look, for manifests that were read once are known.
 * That trusts no clock and no directory's times, which a rewritten link does not change.
 */
#ifndef GC_LOOK_AGAIN_H
#define GC_LOOK_AGAIN_H

#include "gc/plan.h"

struct dd_look_again {
	struct dd_survey *survey;
	struct dd_mark *mark;
	DD_LIST(struct dd_young_root) roots;
};

/* As dd_survey_options has it: where the trash has a blob. Any thread. */
typedef bool dd_in_trash_fn(void *arg, const struct dd_digest *digest, struct dd_place *place);

/*
 * Survey and mark. A manifest that is missing is read where in_trash says that it lies. Roots besides those of any mark: what was young at the first look; every revision
 * that was not there then; every link to a candidate's blob that is there now, for ours are gone.
 */
int dd_look_again(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
		  dd_in_trash_fn *in_trash, void *arg, struct dd_look_again *look,
		  struct dd_error *err);
/*
 * Holds that the plan does not have: the first of them, and the first one that holds everything (NULL:
 * there is none).
 */
int dd_look_again_doubts(const struct dd_gc *gc, const struct dd_look_again *look,
			 const struct dd_marked_hold **first,
			 const struct dd_marked_hold **everything, struct dd_error *err);
void dd_look_again_release(struct dd_look_again *look);

#endif
