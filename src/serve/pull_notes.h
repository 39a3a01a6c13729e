/*
 * When tags and digests were last pulled: noted in memory, and written to the volume's records now and
 * then, so that policies ("pulled within") know it.
 *
 * Locking: add from any thread; flush from one.
 */
#ifndef SERVE_PULL_NOTES_H
#define SERVE_PULL_NOTES_H

#include <stdatomic.h>
#include <stdint.h>

#include <drydock/context.h>
#include <drydock/store.h>

struct dd_pull_notes;

int dd_pull_notes_open(struct dd_pull_notes **notes, struct dd_error *err);
/* What was not flushed is lost. */
void dd_pull_notes_closep(struct dd_pull_notes **notes);

/* noted_ns: of the cached reply, so that one that is served all the time is noted once a second. */
void dd_pull_notes_add(struct dd_pull_notes *notes, const char *repository, const char *reference,
		       _Atomic int64_t *noted_ns);

/*
 * Into the records, under the volume's lock, for which it waits so long. DD_ELOCKED: later. What could
 * not be written is kept, up to a bound.
 */
int dd_pull_notes_flush(struct dd_pull_notes *notes, struct dd_context *ctx, struct dd_store *store,
			int64_t lock_wait_ns, struct dd_error *err);

#endif
