/*
 * A registry's life: its parts, opened one after the other.
 */
#include <time.h>

#include <drydock/units.h>

#include "base/thread.h"
#include "registry/download.h"
#include "registry/manifest.h"
#include "registry/prove.h"
#include "registry/reach.h"
#include "registry/referrers.h"
#include "registry/registry.h"
#include "registry/revive.h"
#include "registry/upload.h"
#include "registry/whereabouts.h"

#define TICK_MOST 50 /* milliseconds */

void dd_registry_get_counts(struct dd_registry *registry, struct dd_registry_counts *counts)
{
	const uint64_t *from = (const uint64_t *)&registry->counts;
	uint64_t *to = (uint64_t *)counts;

	for (size_t i = 0; i < sizeof(*counts) / sizeof(*to); i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

struct dd_watch *dd_registry_get_watch(struct dd_registry *registry)
{
	return &registry->watch;
}

static void wrote(void *arg, const struct dd_stamp *stamp)
{
	dd_written_add(arg, stamp);
}

/*
 * Now, once the clock that files get their times from has come to it, which moves by ticks: what was
 * written up to now is older than that, be it a moment ago by one of ours that died; what is written from
 * here on is not.
 */
static int64_t next_tick(void)
{
	static const struct timespec pause = { 0, 1000 * 1000 };
	struct timespec now, tick;

	clock_gettime(CLOCK_REALTIME, &now);
	/* Should it be set back just now, nobody waits for that. */
	for (int i = 0; i < TICK_MOST; i++) {
		clock_gettime(CLOCK_REALTIME_COARSE, &tick);
		if (dd_time_of(&tick) >= dd_time_of(&now))
			break;
		nanosleep(&pause, NULL);
	}
	return dd_time_of(&now);
}

static int watch_writes(struct dd_registry *registry, struct dd_error *err)
{
	int rc;

	registry->watch.leases = registry->leases;
	rc = dd_written_open(next_tick(), DD_WRITTEN_MOST, &registry->watch.written, err);
	if (rc == 0)
		dd_store_tell_writes(registry->store, wrote, registry->watch.written);
	return rc;
}

int dd_registry_open(struct dd_context *ctx, struct dd_store *store,
		     const struct dd_registry_options *options, struct dd_registry **out,
		     struct dd_error *err)
{
	DD_CLEANUP(dd_registry_closep) struct dd_registry *registry = calloc(1, sizeof(*registry));
	int rc;

	*out = NULL;
	if (!registry)
		return dd_fail(err, DD_ENOMEM, 0, "open a registry");
	registry->ctx = ctx;
	registry->store = store;
	registry->index = options->index;
	registry->found_corrupt = options->found_corrupt;
	registry->found_arg = options->found_arg;
	registry->both = options->both;
	registry->both_arg = options->both_arg;
	for (size_t i = 0; i < DD_REGISTRY_SLOTS; i++)
		pthread_mutex_init(&registry->repository_locks[i], NULL);
	pthread_mutex_init(&registry->change_lock, NULL);
	dd_condition_init(&registry->change_ended);
	rc = dd_leases_open(DD_LEASE_DEFAULT, &registry->leases, err);
	if (rc == 0)
		rc = dd_beside_open(&registry->watch.beside, err);
	if (rc == 0)
		rc = watch_writes(registry, err);
	if (rc == 0)
		rc = dd_proofs_open(registry, err);
	if (rc == 0)
		rc = dd_joints_open(registry, err);
	if (rc == 0)
		rc = dd_revivable_open(registry, err);
	if (rc == 0)
		rc = dd_upload_table_open(registry, err);
	if (rc == 0)
		rc = dd_whereabouts_open(registry, err);
	if (rc == 0)
		rc = dd_reach_open(registry, err);
	if (rc == 0)
		rc = dd_tagging_open(registry, err);
	if (rc == 0)
		rc = dd_referrers_open(registry, err);
	if (rc < 0)
		return rc;
	dd_registry_set_options(registry, options);
	*out = registry;
	registry = NULL;
	return 0;
}

void dd_registry_close(struct dd_registry *registry)
{
	dd_referrers_close(registry);
	dd_tagging_close(registry);
	dd_reach_close(registry);
	dd_upload_table_close(registry);
	dd_whereabouts_close(registry);
	dd_revivable_close(registry);
	dd_joints_close(registry);
	dd_proofs_close(registry);
	dd_store_tell_writes(registry->store, NULL, NULL);
	dd_written_closep(&registry->watch.written);
	dd_beside_closep(&registry->watch.beside);
	dd_leases_closep(&registry->leases);
	for (size_t i = 0; i < DD_REGISTRY_SLOTS; i++)
		pthread_mutex_destroy(&registry->repository_locks[i]);
	pthread_cond_destroy(&registry->change_ended);
	pthread_mutex_destroy(&registry->change_lock);
	free(registry);
}

void dd_registry_closep(struct dd_registry **registry)
{
	if (*registry)
		dd_registry_close(*registry);
	*registry = NULL;
}
