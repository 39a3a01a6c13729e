/*
 * A registry: what its parts have in common.
 */
#include <string.h>
#include <time.h>

#include <drydock/units.h>

#include "graph/link.h"
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

/* FNV-1a. */
size_t dd_registry_slot(const char *repository)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *repository; repository++)
		hash = (hash ^ (unsigned char)*repository) * UINT64_C(0x100000001b3);
	return (size_t)(hash ^ hash >> 32) % DD_REGISTRY_SLOTS;
}

int dd_registry_check_name(const char *repository, struct dd_error *err)
{
	if (dd_repository_valid(repository))
		return 0;
	return dd_fail(err, DD_EFORMAT, 0, "no repository can be called so");
}

uint64_t dd_registry_get_generation(struct dd_registry *registry, const char *repository)
{
	return registry->generations[dd_registry_slot(repository)];
}

void dd_registry_changed(struct dd_registry *registry, const char *repository)
{
	registry->generations[dd_registry_slot(repository)]++;
}

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

void dd_registry_lock(struct dd_registry *registry, const char *repository)
{
	pthread_mutex_lock(&registry->repository_locks[dd_registry_slot(repository)]);
}

void dd_registry_unlock(struct dd_registry *registry, const char *repository)
{
	pthread_mutex_unlock(&registry->repository_locks[dd_registry_slot(repository)]);
}

bool dd_registry_may_lack(const struct dd_registry *registry, unsigned role)
{
	return registry->accept_sparse ||
	       (registry->accept_sparse_indexes && role == DD_ROLE_CHILD);
}

int dd_registry_check_room(struct dd_registry *registry, uint64_t more, struct dd_error *err)
{
	uint64_t keep = registry->keep_free;
	struct dd_space space;
	int rc;

	if (!keep)
		return 0;
	rc = dd_store_space(registry->store, &space, err);
	if (rc < 0 || !space.size || (space.free > more && space.free - more >= keep))
		return rc;
	rc = dd_fail(err, DD_ENOSPC, 0, "the disk has %llu bytes free, of which %llu are kept free",
		     (unsigned long long)space.free, (unsigned long long)keep);
	dd_hint(err, "drydock status says what could be freed");
	return rc;
}

int dd_registry_read_link(struct dd_registry *registry, const struct dd_place *place,
			  struct dd_digest *target, struct dd_info *info, struct dd_error *err)
{
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	int rc = dd_store_read(registry->store, place, DD_LINK_MAX, &buffer, info, err);
	bool has_digest = false;
	const char *why = NULL;

	if (rc < 0)
		return rc == DD_ETOOBIG ? DD_EFORMAT : rc;
	if (dd_link_parse(buffer.bytes, buffer.len, target, &has_digest, &why) == DD_LINK_GOOD ||
	    has_digest)
		return 0;
	return dd_fail(err, DD_EFORMAT, 0, "a link %s", why);
}

int dd_registry_write_link(struct dd_registry *registry, const struct dd_place *place,
			   const struct dd_digest *target, struct dd_unsynced *unsynced,
			   struct dd_error *err)
{
	char text[DD_DIGEST_TEXT];

	return dd_store_write(registry->store, place, dd_digest_format(target, text),
			      dd_link_size(target), DD_ONTO_FILE, unsynced, err);
}

int dd_registry_draft_link(struct dd_registry *registry, const struct dd_place *place,
			   const struct dd_digest *target, struct dd_draft **draft,
			   struct dd_error *err)
{
	char text[DD_DIGEST_TEXT];

	return dd_store_draft(registry->store, place, dd_digest_format(target, text),
			      dd_link_size(target), DD_ONTO_FILE, draft, err);
}

int dd_registry_name_link(struct dd_registry *registry, const struct dd_place *place,
			  const struct dd_digest *target, struct dd_draft *draft,
			  struct dd_unsynced *unsynced, struct dd_error *err)
{
	int rc = dd_draft_name(draft, unsynced, err);

	if (rc != DD_ENOENT)
		return rc;
	/* Somebody has tidied up meanwhile. */
	dd_error_clear(err);
	return dd_registry_write_link(registry, place, target, unsynced, err);
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

void dd_registry_set_options(struct dd_registry *registry,
			     const struct dd_registry_options *options)
{
	registry->prove_first = options->prove_first;
	registry->keep_free = options->keep_free;
	registry->manifest_max = options->manifest_max ? options->manifest_max : DD_MANIFEST_MAX;
	registry->uploads_max = options->uploads_max;
	registry->uploads_per_client = options->uploads_per_client;
	registry->accept_sparse = options->accept_sparse;
	registry->accept_sparse_indexes = options->accept_sparse_indexes;
	dd_leases_set_length(registry->leases,
			     options->lease_ns ? options->lease_ns : DD_LEASE_DEFAULT);
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
	for (size_t i = 0; i < DD_REGISTRY_SLOTS; i++)
		pthread_mutex_init(&registry->repository_locks[i], NULL);
	pthread_mutex_init(&registry->change_lock, NULL);
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
	pthread_mutex_destroy(&registry->change_lock);
	free(registry);
}

void dd_registry_closep(struct dd_registry **registry)
{
	if (*registry)
		dd_registry_close(*registry);
	*registry = NULL;
}
