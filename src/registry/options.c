/*
 * Options, which may change while requests go by them.
 */
#include "registry/registry.h"

#define KEEP_FILES 1024

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

bool dd_registry_may_lack(const struct dd_registry *registry, unsigned role)
{
	return registry->accept_sparse ||
	       (registry->accept_sparse_indexes && role == DD_ROLE_CHILD);
}

static int say_full(const char *what, uint64_t free, uint64_t keep, struct dd_error *err)
{
	int rc =
		dd_fail(err, DD_ENOSPC, 0, "the disk has %llu %s free, of which %llu are kept free",
			(unsigned long long)free, what, (unsigned long long)keep);

	dd_hint(err, "drydock status says what could be freed");
	return rc;
}

/* Of a small disk a part: what is begun needs some to be ended, and so does a collection. */
static uint64_t files_to_keep(const struct dd_space *space)
{
	return space->files / 100 < KEEP_FILES ? space->files / 100 : KEEP_FILES;
}

int dd_registry_check_room(struct dd_registry *registry, uint64_t more, struct dd_error *err)
{
	uint64_t keep = registry->keep_free;
	struct dd_space space;
	int rc;

	if (!keep)
		return 0;
	rc = dd_store_space(registry->store, &space, err);
	if (rc < 0)
		return rc;
	if (space.size && (space.free <= more || space.free - more < keep))
		return say_full("bytes", space.free, keep, err);
	if (space.files_free < files_to_keep(&space))
		return say_full("inodes", space.files_free, files_to_keep(&space), err);
	return 0;
}
