/*
 * Between the files that make snapshots.
 */
#ifndef INSPECT_SNAPSHOT_H
#define INSPECT_SNAPSHOT_H

#include <drydock/snapshot.h>

#include "base/arena.h"
#include "base/list.h"

#define DD_SNAPSHOT_MAGIC "drydock-snapshot"
#define DD_SNAPSHOT_VERSION 1

/* A sum that stops at the largest number: sizes in a file may be anything. */
static inline uint64_t dd_snapshot_sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* An empty one, with memory. */
int dd_snapshot_init(struct dd_snapshot *snapshot, struct dd_error *err);
void *dd_snapshot_alloc(struct dd_snapshot *snapshot, size_t count, size_t size,
			struct dd_error *err);
const char *dd_snapshot_copy(struct dd_snapshot *snapshot, const char *text, struct dd_error *err);
/* Where a digest is in blobs; DD_SNAPSHOT_NONE. */
uint32_t dd_snapshot_find(const struct dd_snapshot *snapshot, const struct dd_digest *digest);
/* At the end: what can be added up. repositories: the same as the snapshot's, to be written to. */
int dd_snapshot_settle(struct dd_snapshot *snapshot, struct dd_snapshot_repository *repositories,
		       struct dd_error *err);

#endif
