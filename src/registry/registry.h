/*
 * A registry, as the files of this directory share it.
 *
 * The order in which things are taken, so that nobody waits in a circle: a lease (which may wait for a
 * collector), then the lock of a repository, then whatever a part locks inside one of its functions.
 * No lease is taken under a lock.
 */
#ifndef REGISTRY_REGISTRY_H
#define REGISTRY_REGISTRY_H

#include <pthread.h>
#include <stdatomic.h>

#include <drydock/registry.h>
#include <drydock/store_write.h>

#include "base/cleanup.h"
#include "registry/gate.h"
#include "registry/lease.h"

struct dd_proofs;	  /* prove.h: what is known of blobs' bytes */
struct dd_joints;	  /* download.h: files that are verified while they are served */
struct dd_revivable;	  /* revive.h: what the trash may give back */
struct dd_upload_table;	  /* upload.h: uploads that are open */
struct dd_whereabouts;	  /* whereabouts.h: which repositories have a blob */
struct dd_reach_memory;	  /* reach.h: what manifests name */
struct dd_tagging;	  /* manifest.h: who writes tags, and who deletes */
struct dd_referrer_cache; /* referrers.h: referrers of repositories, as they were last seen */

/* Repositories are told apart by a hash of their names; two of one hash share what is kept by it. */
#define DD_REGISTRY_SLOTS 1024

struct dd_registry {
	struct dd_context *ctx;
	struct dd_store *store;
	struct dd_index *index; /* borrowed; NULL */
	dd_found_corrupt_fn *found_corrupt;
	void *found_arg;
	dd_both_fn *both; /* NULL */
	void *both_arg;
	struct dd_leases *leases;
	struct dd_watch watch; /* of the leases, and of what is written */

	/* Options that may change while others read them. */
	_Atomic uint64_t prove_first, keep_free, manifest_max;
	_Atomic uint32_t uploads_max, uploads_per_client;
	atomic_bool accept_sparse, accept_sparse_indexes;

	_Atomic uint64_t generations[DD_REGISTRY_SLOTS];
	pthread_mutex_t repository_locks[DD_REGISTRY_SLOTS];
	/* Whose turn it is to delete: remove.h. */
	pthread_mutex_t change_lock;
	pthread_cond_t change_ended;
	bool changing;
	unsigned changes_waiting;
	bool is_beside; /* the change of whoever has that lock is beside a worker's */

	struct dd_registry_counts counts; /* atomically */
	struct dd_proofs *proofs;
	struct dd_joints *joints;
	struct dd_revivable *trash;
	struct dd_upload_table *uploads;
	struct dd_whereabouts *whereabouts;
	struct dd_reach_memory *reach;
	struct dd_tagging *tagging;
	struct dd_referrer_cache *referrers;
};

/* ---- repository.c ---- */

/* Which of DD_REGISTRY_SLOTS is a repository's. */
size_t dd_registry_slot(const char *repository);

/* DD_EFORMAT: no repository can be called so. */
int dd_registry_check_name(const char *repository, struct dd_error *err);

/* Something of the repository changed by our hand: after it is on the disk, before anybody is told. */
void dd_registry_changed(struct dd_registry *registry, const char *repository);

/* Around what reads, judges and writes in a repository. Never held while a lease is taken. */
void dd_registry_lock(struct dd_registry *registry, const char *repository);
void dd_registry_unlock(struct dd_registry *registry, const char *repository);

/* ---- options.c ---- */

/* Whether a manifest may name something in that role (enum dd_role) that is not there. */
bool dd_registry_may_lack(const struct dd_registry *registry, unsigned role);

/* DD_ENOSPC if more bytes would leave less than keep_free of the disk. */
int dd_registry_check_room(struct dd_registry *registry, uint64_t more, struct dd_error *err);

/* ---- link.c ---- */

/*
 * What the link at a place says. DD_ENOENT: certainly no link; DD_EFORMAT: it is empty, or garbage.
 * info (may be NULL) is of the link's file.
 */
int dd_registry_read_link(struct dd_registry *registry, const struct dd_place *place,
			  struct dd_digest *target, struct dd_info *info, struct dd_error *err);

/* Write one, whatever is there: its bytes are on the disk, its name once that is synced. */
int dd_registry_write_link(struct dd_registry *registry, const struct dd_place *place,
			   const struct dd_digest *target, struct dd_unsynced *unsynced,
			   struct dd_error *err);
/* The same in two steps, so that it waits for the disk beside others: see dd_store_draft(). */
int dd_registry_draft_link(struct dd_registry *registry, const struct dd_place *place,
			   const struct dd_digest *target, struct dd_draft **draft,
			   struct dd_error *err);
int dd_registry_name_link(struct dd_registry *registry, const struct dd_place *place,
			  const struct dd_digest *target, struct dd_draft *draft,
			  struct dd_unsynced *unsynced, struct dd_error *err);

/* ---- in one line ---- */

/* One more of what is counted. */
#define dd_registry_count(registry, what) \
	__atomic_fetch_add(&(registry)->counts.what, 1, __ATOMIC_RELAXED)

static inline struct dd_place dd_blob_place(const struct dd_digest *digest)
{
	return (struct dd_place){ .kind = DD_AT_BLOB, .digest = *digest };
}

static inline struct dd_place dd_link_place(enum dd_place_kind kind, const char *repository,
					    const struct dd_digest *digest)
{
	return (struct dd_place){ .kind = kind, .repository = repository, .digest = *digest };
}

#endif
