/*
 * Withdrawing many: one thread looks ahead, batch by batch, while this one renames. Where somebody
 * serves the volume nothing is done ahead: a client may wait for each of a batch until it is gone.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/jobs.h"
#include "change/change.h"

#define BATCH 64 /* few enough for a look to be fresh, enough for a hand-over to pay */

struct batch {
	struct dd_store *store;
	struct dd_directory **held; /* of the looking thread */
	struct dd_item items[BATCH];
	bool seen[BATCH], granted[BATCH];
	size_t count;
};

static bool is_as_judged(struct batch *batch, const struct dd_item *item)
{
	static const struct dd_stamp none;
	struct dd_info info;

	if (dd_store_stat_near(batch->store, batch->held, &item->place, &info, NULL) < 0)
		return false;
	return dd_stamp_equal(&item->stamp, &none) || dd_stamp_equal(&item->stamp, &info.stamp);
}

static void look(void *arg)
{
	struct batch *batch = arg;

	for (size_t i = 0; i < batch->count; i++)
		batch->seen[i] = is_as_judged(batch, &batch->items[i]);
}

static int fill(struct batch *batch, const struct dd_withdrawal *withdrawal, size_t most,
		struct dd_error *err)
{
	int rc = 1;

	for (batch->count = 0; batch->count < most && rc > 0;) {
		rc = withdrawal->next(withdrawal->arg, &batch->items[batch->count], err);
		batch->granted[batch->count] = true;
		batch->seen[batch->count] = false;
		batch->count += rc > 0;
	}
	return rc < 0 ? rc : 0;
}

/* Of this one alone. Where something is mounted the next may lie on the trash's file system. */
static bool stays(int rc)
{
	return rc == DD_ECHANGED || rc == DD_ENOENT || rc == DD_EAGAIN || rc == DD_EXDEV;
}

/* What was not as judged is looked at once more: the withdrawal says what is wrong with it. */
static int withdraw(struct dd_change *change, const struct dd_withdrawal *withdrawal,
		    const struct batch *batch, struct dd_error *err)
{
	for (size_t i = 0; i < batch->count; i++) {
		int rc = dd_context_check(change->ctx, err);

		if (rc < 0)
			return rc;
		rc = !batch->granted[i] ?
			     DD_EAGAIN :
			     dd_change_withdraw_seen(change, &batch->items[i], batch->seen[i], err);
		if (rc < 0 && !stays(rc))
			return rc;
		withdrawal->done(withdrawal->arg, &batch->items[i], rc);
	}
	return 0;
}

static int run(struct dd_change *change, struct dd_jobs *jobs,
	       const struct dd_withdrawal *withdrawal, struct batch batches[2],
	       struct dd_error *err)
{
	struct batch *now = &batches[0], *ahead = &batches[1];
	int rc = fill(now, withdrawal, BATCH, err);

	look(now);
	while (rc == 0 && now->count) {
		struct batch *done = now;

		rc = fill(ahead, withdrawal, BATCH, err);
		if (rc < 0)
			break;
		dd_jobs_add(jobs, look, ahead);
		rc = withdraw(change, withdrawal, now, err);
		dd_jobs_wait(jobs);
		now = ahead;
		ahead = done;
	}
	return rc;
}

static int run_closely(struct dd_change *change, const struct dd_withdrawal *withdrawal,
		       struct batch *batch, struct dd_error *err)
{
	int rc = fill(batch, withdrawal, DD_CHANGE_ASK, err);

	while (rc == 0 && batch->count) {
		rc = dd_change_ask(change, batch->items, batch->count, batch->granted, err);
		if (rc == 0)
			rc = withdraw(change, withdrawal, batch, err);
		if (rc == 0 && change->holding)
			rc = dd_change_sync(change, err);
		if (rc == 0)
			rc = fill(batch, withdrawal, DD_CHANGE_ASK, err);
	}
	return rc;
}

int dd_change_withdraw_many(struct dd_change *change, const struct dd_withdrawal *withdrawal,
			    struct dd_error *err)
{
	DD_CLEANUP(dd_directory_closep) struct dd_directory *held = NULL;
	DD_CLEANUP(dd_jobs_closep) struct dd_jobs *jobs = NULL;
	DD_AUTOFREE struct batch *batches = calloc(2, sizeof(*batches));
	int rc;

	if (!batches)
		return dd_fail(err, DD_ENOMEM, 0, "withdraw");
	for (size_t i = 0; i < 2; i++) {
		batches[i].store = change->store;
		batches[i].held = &held;
	}
	if (withdrawal->closely || change->gate)
		return run_closely(change, withdrawal, batches, err);
	rc = dd_jobs_open(change->ctx, &jobs, err);
	return rc < 0 ? rc : run(change, jobs, withdrawal, batches, err);
}
