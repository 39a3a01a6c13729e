/*
 * Many write tags at once, one deletes.
 */
#include <pthread.h>

#include "registry/manifest.h"
#include "registry/registry.h"

#define LOCKS 64

struct dd_tagging {
	pthread_rwlock_t locks[LOCKS];
};

int dd_tagging_open(struct dd_registry *registry, struct dd_error *err)
{
	pthread_rwlockattr_t attributes;

	registry->tagging = calloc(1, sizeof(*registry->tagging));
	if (!registry->tagging)
		return dd_fail(err, DD_ENOMEM, 0, "open a registry");
	pthread_rwlockattr_init(&attributes);
	/* Or pushes that never end would keep a deletion waiting for ever. */
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	for (size_t i = 0; i < LOCKS; i++)
		pthread_rwlock_init(&registry->tagging->locks[i], &attributes);
	pthread_rwlockattr_destroy(&attributes);
	return 0;
}

void dd_tagging_close(struct dd_registry *registry)
{
	if (!registry->tagging)
		return;
	for (size_t i = 0; i < LOCKS; i++)
		pthread_rwlock_destroy(&registry->tagging->locks[i]);
	free(registry->tagging);
	registry->tagging = NULL;
}

static pthread_rwlock_t *lock_of(struct dd_registry *registry, const char *repository)
{
	return &registry->tagging->locks[dd_registry_slot(repository) % LOCKS];
}

void dd_registry_begin_tagging(struct dd_registry *registry, const char *repository)
{
	pthread_rwlock_rdlock(lock_of(registry, repository));
}

void dd_registry_end_tagging(struct dd_registry *registry, const char *repository)
{
	pthread_rwlock_unlock(lock_of(registry, repository));
}

void dd_registry_begin_deleting(struct dd_registry *registry, const char *repository)
{
	pthread_rwlock_wrlock(lock_of(registry, repository));
}

void dd_registry_end_deleting(struct dd_registry *registry, const char *repository)
{
	pthread_rwlock_unlock(lock_of(registry, repository));
}
