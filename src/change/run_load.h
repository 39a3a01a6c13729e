/*
 * Loading a run of the trash: what its files share.
 */
#ifndef CHANGE_RUN_LOAD_H
#define CHANGE_RUN_LOAD_H

#include <drydock/change.h>

#include "base/arena.h"
#include "base/list.h"
#include "change/journal.h"

/* A run while it is loaded. */
struct dd_run_load {
	struct dd_context *ctx;
	struct dd_store *store;
	struct dd_run *run;
	DD_LIST(struct dd_item) items;
	DD_LIST(struct dd_put) puts;
	DD_LIST(struct dd_put) overwritten; /* if they were put at all */
	DD_LIST(struct dd_dress) dresses;
	const char *last[5]; /* strings of the item before, which mostly has the same */
};

void dd_run_release(struct dd_run *run);

/* Keep a copy of an item. */
int dd_run_load_keep(struct dd_run_load *load, const struct dd_item *item, struct dd_error *err);

/* Keep what it put, or set, if it is so still; and what was written to since, unless that lies here. */
int dd_run_load_put(struct dd_run_load *load, const struct dd_put *put, struct dd_error *err);
int dd_run_load_dress(struct dd_run_load *load, const struct dd_dress *dress, struct dd_error *err);

/* Look at each item: those that are not there go from the list, changed[] is made for the others. */
int dd_run_load_look(struct dd_run_load *load, struct dd_error *err);

/*
 * Add what lies in the run and is not among the items, each object by its main file; changed[] is
 * made for them too. *found: whether anything lies there at all.
 */
int dd_run_load_find(struct dd_run_load *load, bool *found, struct dd_error *err);

#endif
