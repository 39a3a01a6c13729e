/*
 * Between the files that tell histories.
 */
#ifndef INSPECT_LOG_H
#define INSPECT_LOG_H

#include <drydock/history.h>

#include "base/arena.h"
#include "base/list.h"

struct dd_telling {
	struct dd_context *ctx;
	struct dd_store *store;
	struct dd_history *history;
	struct dd_arena *memory;
	DD_LIST(struct dd_history_tag) tags;
};

/* A copy that lives as long as the history. */
const char *dd_tell_copy(struct dd_telling *telling, const char *text, struct dd_error *err);
/* All of one tag, as a new last one of the tags. */
int dd_tell_tag(struct dd_telling *telling, const char *repository, const char *tag,
		struct dd_error *err);

#endif
