/*
 * Snapshots as files: somebody's list of a volume, outside of it.
 */
#ifndef TOOLS_LISTING_H
#define TOOLS_LISTING_H

#include <drydock/snapshot.h>

#include "tool.h"

/*
 * Beside it first, then in its place, durable. DD_EREFUSED: the place is below the root of the
 * volume, or something is there that is no snapshot.
 */
int listing_write(struct dd_store *store, const struct dd_snapshot *snapshot, const char *path,
		  struct dd_error *err);
/* What a path names: a snapshot's file, or a volume, of which one is taken. */
int listing_load(struct tool *tool, const char *path, struct dd_snapshot *snapshot,
		 struct dd_error *err);

#endif
