/*
 * What is kept of a repository by its name alone: its lock, and how often it changed.
 */
#include "registry/registry.h"

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

void dd_registry_lock(struct dd_registry *registry, const char *repository)
{
	pthread_mutex_lock(&registry->repository_locks[dd_registry_slot(repository)]);
}

void dd_registry_unlock(struct dd_registry *registry, const char *repository)
{
	pthread_mutex_unlock(&registry->repository_locks[dd_registry_slot(repository)]);
}
