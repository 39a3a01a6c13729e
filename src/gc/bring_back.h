/*
 * Bringing back what a mark says is needed.
 */
#ifndef GC_BRING_BACK_H
#define GC_BRING_BACK_H

#include "gc/trash_view.h"

/*
 * All that is not there already, and that nobody has removed since it was judged; durable. back: called
 * for each. Whoever serves the volume is kept out meanwhile, and let in again afterwards.
 */
int dd_bring_back(struct dd_store *store, struct dd_change *change,
		  const struct dd_revivals *revivals,
		  void (*back)(void *arg, const struct dd_revival *revival), void *arg,
		  struct dd_error *err);

#endif
