/*
 * What a server that was killed has left half done, and no client will do again.
 *
 * Of a new tag's two links the first is what it points to, so that a tag is there or it is not; the one
 * into its history may be missing. Only tags written since that server began are looked at.
 */
#include <pthread.h>

#include <drydock/walk.h>

#include "registry/manifest.h"
#include "registry/names.h"
#include "registry/registry.h"

struct recovery {
	struct dd_registry *registry;
	int64_t since_ns;
	_Atomic uint64_t mended;
	pthread_mutex_t lock;  /* of the rest */
	struct dd_error error; /* the first */
	int rc;
};

static int write_history(struct recovery *recovery, const char *repository, const char *tag,
			 const struct dd_digest *target, struct dd_error *err)
{
	DD_CLEANUP(dd_unsynced_release) struct dd_unsynced unsynced = { 0 };
	struct dd_registry *registry = recovery->registry;
	const struct dd_place place = {
		.kind = DD_AT_HISTORY, .repository = repository, .tag = tag, .digest = *target
	};
	struct dd_info info;
	int rc = dd_store_stat(registry->store, &place, &info, err);

	if (rc != DD_ENOENT)
		return rc;
	dd_error_clear(err);
	rc = dd_registry_write_link(registry, &place, target, &unsynced, err);
	if (rc == 0)
		rc = dd_store_sync_these(registry->store, &unsynced, err);
	recovery->mended += rc == 0;
	return rc;
}

static int mend_tag(struct recovery *recovery, const struct dd_place *place, struct dd_error *err)
{
	struct dd_registry *registry = recovery->registry;
	struct dd_digest key, target;
	int rc;

	dd_lease_name(DD_LEASE_TAG, place->tag, &key);
	dd_lease_pin(registry->leases, place->repository, &key);
	dd_registry_begin_tagging(registry, place->repository);
	rc = dd_registry_read_link(registry, place, &target, NULL, err);
	if (rc == 0)
		rc = write_history(recovery, place->repository, place->tag, &target, err);
	dd_registry_end_tagging(registry, place->repository);
	dd_lease_unpin(registry->leases, place->repository, &key);
	return rc;
}

static int look_at_tag(struct recovery *recovery, const struct dd_place *place,
		       struct dd_error *err)
{
	struct dd_info info;
	int rc = dd_tag_valid(place->tag) ?
			 dd_store_stat(recovery->registry->store, place, &info, err) :
			 DD_ENOENT;

	if (rc == 0 && info.mtime_ns >= recovery->since_ns)
		rc = mend_tag(recovery, place, err);
	/* What is no link is nobody's to mend but a repair's. */
	if (rc == DD_ENOENT || rc == DD_EFORMAT || rc == DD_ESYMLINK || rc == DD_EIRREGULAR) {
		dd_error_clear(err);
		rc = 0;
	}
	return rc;
}

static int recover_repository(void *arg, const char *name, bool has_layers, bool has_manifests,
			      bool has_uploads)
{
	DD_CLEANUP(dd_children_release) struct dd_children tags = { 0 };
	struct dd_place place = { .kind = DD_IN_TAGS, .repository = name };
	struct recovery *recovery = arg;
	struct dd_error err = { 0 };
	int rc = DD_ENOENT;

	(void)has_layers;
	(void)has_uploads;
	if (has_manifests)
		rc = dd_children_list(&tags, recovery->registry->store, &place, &err);
	place.kind = DD_AT_TAG;
	for (size_t i = 0; i < tags.list.count && rc == 0; i++) {
		place.tag = tags.list.items[i];
		rc = look_at_tag(recovery, &place, &err);
	}
	if (rc == 0 || rc == DD_ENOENT)
		return 0;
	pthread_mutex_lock(&recovery->lock);
	if (recovery->rc == 0) {
		recovery->rc = rc;
		recovery->error = err;
	}
	pthread_mutex_unlock(&recovery->lock);
	return 0;
}

int dd_registry_recover_tags(struct dd_registry *registry, int64_t since_ns, uint64_t *mended,
			     struct dd_error *err)
{
	struct recovery recovery = { .registry = registry,
				     .since_ns = since_ns,
				     .lock = PTHREAD_MUTEX_INITIALIZER };
	const struct dd_repository_visitor visitor = { .repository = recover_repository,
						       .arg = &recovery };
	int rc = dd_walk_repositories(registry->ctx, registry->store, &visitor, err);

	*mended = recovery.mended;
	if (rc == 0 && recovery.rc < 0) {
		rc = recovery.rc;
		if (err)
			*err = recovery.error;
	}
	return rc < 0 ? dd_wrap(err, rc, "look for tags that were left half written") : 0;
}
