/*
 * Uploads that nobody goes on with.
 */
#include <string.h>

#include <drydock/units.h>
#include <drydock/walk.h>

#include "base/list.h"
#include "registry/registry.h"
#include "registry/upload.h"

struct purge {
	struct dd_registry *registry;
	int64_t before_ns; /* since the epoch: what was written to later stays */
	_Atomic uint64_t gone;
	pthread_mutex_t lock;
	struct dd_error error; /* the first of those that kept one from going */
	int rc;
};

struct ids {
	DD_LIST(struct { char text[DD_UPLOAD_ID]; }) list;
};

static int see_upload(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct ids *ids = arg;
	void *slot;

	if (entry->type != DD_ENTRY_DIRECTORY || !dd_upload_valid(entry->name))
		return 0;
	slot = dd_list_add(&ids->list);
	if (!slot)
		return dd_fail(err, DD_ENOMEM, 0, "look for uploads");
	memcpy(slot, entry->name, strlen(entry->name) + 1);
	return 0;
}

/* Written to last: the bytes, or what the directory is given. */
static int last_write(struct purge *purge, const char *repository, const char *id, int64_t *ns,
		      struct dd_error *err)
{
	static const enum dd_place_kind kinds[] = { DD_IN_UPLOAD, DD_AT_UPLOAD, DD_AT_STARTEDAT };

	*ns = INT64_MIN;
	for (size_t i = 0; i < DD_COUNT(kinds); i++) {
		struct dd_place place = { .kind = kinds[i],
					  .repository = repository,
					  .upload = id };
		struct dd_info info;
		int rc = dd_store_stat(purge->registry->store, &place, &info, err);

		/* A link or a FIFO in the place of a file is as old as the directory. */
		if (rc < 0 && (i == 0 || (rc != DD_ENOENT && rc != DD_ESYMLINK)))
			return rc;
		if (rc == 0 && info.mtime_ns > *ns)
			*ns = info.mtime_ns;
		dd_error_clear(err);
	}
	return 0;
}

static int purge_one(struct purge *purge, const char *repository, const char *id,
		     struct dd_error *err)
{
	int64_t written_ns;
	int rc = last_write(purge, repository, id, &written_ns, err);

	if (rc < 0 || written_ns >= purge->before_ns ||
	    !dd_upload_table_forget(purge->registry, id))
		return rc;
	rc = dd_store_remove_upload(purge->registry->store, repository, id, err);
	purge->gone += rc == 0;
	return rc;
}

static int purge_repository(void *arg, const char *name, bool has_layers, bool has_manifests,
			    bool has_uploads)
{
	struct dd_place place = { .kind = DD_IN_UPLOADS, .repository = name };
	struct purge *purge = arg;
	struct dd_error err = { 0 };
	struct ids ids = { 0 };
	int rc = 0;

	(void)has_layers;
	(void)has_manifests;
	if (has_uploads)
		rc = dd_store_list(purge->registry->store, &place, see_upload, &ids, &err);
	for (size_t i = 0; i < ids.list.count && rc != DD_ECANCELLED; i++) {
		int one = purge_one(purge, name, ids.list.items[i].text, &err);

		/* Gone by itself, which is what was wanted. */
		if (one < 0 && one != DD_ENOENT && rc == 0)
			rc = one;
		else
			dd_error_clear(&err);
	}
	dd_list_release(&ids.list);
	if (rc < 0 && rc != DD_ENOENT) {
		pthread_mutex_lock(&purge->lock);
		if (purge->rc == 0) {
			purge->rc = rc;
			purge->error = err;
		}
		pthread_mutex_unlock(&purge->lock);
	}
	return 0;
}

int dd_registry_purge_uploads(struct dd_registry *registry, int64_t older_than_ns, uint64_t *gone,
			      struct dd_error *err)
{
	struct purge purge = { .registry = registry,
			       .before_ns = dd_time_now() - older_than_ns,
			       .lock = PTHREAD_MUTEX_INITIALIZER };
	const struct dd_repository_visitor visitor = { .repository = purge_repository,
						       .arg = &purge };
	int rc = dd_walk_repositories(registry->ctx, registry->store, &visitor, err);

	*gone = purge.gone;
	dd_upload_table_sweep(registry);
	if (rc == 0 && purge.rc < 0) {
		rc = purge.rc;
		if (err)
			*err = purge.error;
	}
	return rc < 0 ? dd_wrap(err, rc, "purge uploads") : 0;
}
