/*
 * Pulls that are not in the records yet.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <drydock/change.h>
#include <drydock/record.h>
#include <drydock/units.h>

#include "base/cleanup.h"
#include "serve/pull_notes.h"

#define SETTLE_AT 4096	  /* notes, over which the latest of each name is all that is kept */
#define NOTES_MAX 1000000 /* of so many names; those that come later are lost */

struct dd_pull_notes {
	pthread_mutex_t lock;
	struct dd_pulls pulls;
	size_t settle_at;
	int64_t from_ns; /* since when all pulls are known here */
};

int dd_pull_notes_open(struct dd_pull_notes **out, struct dd_error *err)
{
	struct dd_pull_notes *notes = calloc(1, sizeof(*notes));

	*out = notes;
	if (!notes)
		return dd_fail(err, DD_ENOMEM, 0, "note pulls");
	notes->settle_at = SETTLE_AT;
	notes->from_ns = dd_time_now();
	pthread_mutex_init(&notes->lock, NULL);
	return 0;
}

void dd_pull_notes_closep(struct dd_pull_notes **pointer)
{
	struct dd_pull_notes *notes = *pointer;

	if (!notes)
		return;
	dd_pulls_release(&notes->pulls);
	pthread_mutex_destroy(&notes->lock);
	free(notes);
	*pointer = NULL;
}

static int64_t coarse_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return now.tv_sec * DD_SECOND + now.tv_nsec;
}

/* The lock is held. */
static void put(struct dd_pull_notes *notes, const char *repository, const char *reference,
		int64_t time_ns)
{
	if (notes->pulls.count >= notes->settle_at) {
		dd_pulls_settle(&notes->pulls);
		notes->settle_at = 2 * notes->pulls.count;
		if (notes->settle_at < SETTLE_AT)
			notes->settle_at = SETTLE_AT;
	}
	if (notes->pulls.count < NOTES_MAX)
		dd_pulls_put(&notes->pulls, repository, reference, time_ns, NULL);
}

void dd_pull_notes_add(struct dd_pull_notes *notes, const char *repository, const char *reference,
		       _Atomic int64_t *noted_ns)
{
	int64_t now_ns = coarse_now_ns();
	int64_t before = atomic_load_explicit(noted_ns, memory_order_relaxed);

	if (now_ns - before < DD_SECOND && now_ns >= before)
		return;
	if (!atomic_compare_exchange_strong(noted_ns, &before, now_ns))
		return;
	pthread_mutex_lock(&notes->lock);
	put(notes, repository, reference, now_ns);
	pthread_mutex_unlock(&notes->lock);
}

/* What could not be written goes back among what has come since. */
static void put_back(struct dd_pull_notes *notes, const struct dd_pulls *pulls)
{
	pthread_mutex_lock(&notes->lock);
	for (size_t i = 0; i < pulls->count; i++)
		put(notes, pulls->items[i].repository, pulls->items[i].reference,
		    pulls->items[i].time_ns);
	pthread_mutex_unlock(&notes->lock);
}

static int write_pulls(struct dd_context *ctx, struct dd_store *store, const struct dd_pulls *pulls,
		       int64_t lock_wait_ns, struct dd_error *err)
{
	const struct dd_change_options options = { .command = "drydockd: pull times",
						   .lock_wait_ns = lock_wait_ns };
	DD_CLEANUP(dd_change_closep) struct dd_change *change = NULL;
	struct dd_error own = { 0 };
	int rc = dd_change_begin(ctx, store, &options, &change, err), end;

	if (rc < 0)
		return rc;
	rc = dd_pulls_add(store, pulls, err);
	/* What was added is there, and is not to be added again. */
	if (rc == 0 && dd_records_compact(store, &own) < 0)
		dd_log(ctx, DD_LOG_WARNING, "%s", own.text);
	end = dd_change_finish(change, false, rc == 0 ? err : NULL);
	return rc < 0 ? rc : end;
}

int dd_pull_notes_flush(struct dd_pull_notes *notes, struct dd_context *ctx, struct dd_store *store,
			int64_t lock_wait_ns, struct dd_error *err)
{
	int64_t now_ns = dd_time_now();
	struct dd_pulls pulls;
	int rc = 0;

	pthread_mutex_lock(&notes->lock);
	pulls = notes->pulls;
	notes->pulls = (struct dd_pulls){ 0 };
	notes->settle_at = SETTLE_AT;
	pthread_mutex_unlock(&notes->lock);
	dd_pulls_settle(&pulls);
	dd_pulls_cover(&pulls, notes->from_ns, now_ns);
	if (pulls.count)
		rc = write_pulls(ctx, store, &pulls, lock_wait_ns, err);
	if (rc < 0)
		put_back(notes, &pulls);
	else if (pulls.count)
		notes->from_ns = now_ns;
	dd_pulls_release(&pulls);
	return rc < 0 ? dd_wrap(err, rc, "remember what was pulled") : 0;
}
