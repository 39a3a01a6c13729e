/*
 * A blob of another repository.
 */
#include "registry/blob.h"
#include "registry/prove.h"
#include "registry/registry.h"
#include "registry/whereabouts.h"

struct mount {
	struct dd_registry *registry;
	const char *repository;
	const struct dd_digest *digest;
	dd_may_pull_fn *may_pull;
	void *arg;
};

/* What is bad is not spread: it is found out first, if it is not too large to be waited for. */
static int look_in(const struct mount *mount, const char *from, struct dd_digest *stored,
		   struct dd_error *err)
{
	struct dd_registry *registry = mount->registry;
	struct dd_info info;
	int rc;

	dd_lease_pin(registry->leases, from, mount->digest);
	rc = dd_registry_find_blob(registry, from, mount->digest, stored, &info, err);
	if (rc == 0 && info.size <= registry->prove_first)
		rc = dd_prove(registry, mount->digest, stored, NULL, err);
	dd_lease_unpin(registry->leases, from, mount->digest);
	return rc == DD_ECORRUPT ? DD_ENOENT : rc;
}

/* An alias is written as one, so that the link leads to the bytes here as well. */
static int link_here(const struct mount *mount, const struct dd_digest *stored,
		     struct dd_error *err)
{
	struct dd_place place = dd_link_place(DD_AT_LAYER, mount->repository, mount->digest);
	struct dd_registry *registry = mount->registry;
	struct dd_unsynced unsynced = { 0 };
	int rc = dd_registry_write_link(registry, &place, stored, &unsynced, err);

	if (rc == 0)
		rc = dd_store_sync_these(registry->store, &unsynced, err);
	dd_unsynced_release(&unsynced);
	if (rc < 0)
		return rc;
	dd_whereabouts_note(registry, mount->repository, mount->digest);
	dd_registry_changed(registry, mount->repository);
	dd_registry_count(registry, mounted);
	return 0;
}

/* 1: done. What cannot be had from one repository is looked for in the next. */
static int try_from(void *arg, const char *from, struct dd_error *err)
{
	const struct mount *mount = arg;
	struct dd_digest stored;
	int rc;

	if (!dd_repository_valid(from) || (mount->may_pull && !mount->may_pull(mount->arg, from)))
		return 0;
	rc = look_in(mount, from, &stored, err);
	if (rc == 0)
		rc = link_here(mount, &stored, err);
	if (rc != DD_ENOENT)
		return rc < 0 ? rc : 1;
	dd_error_clear(err);
	return 0;
}

static int mount_from(struct mount *mount, const char *from, struct dd_error *err)
{
	struct dd_digest stored;
	int rc = look_in(mount, mount->repository, &stored, err);

	/* It has it already: nothing is to be done, nor to be asked. */
	if (rc != DD_ENOENT)
		return rc;
	dd_error_clear(err);
	rc = from ? try_from(mount, from, err) :
		    dd_whereabouts_visit(mount->registry, mount->digest, try_from, mount, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	return dd_fail(err, DD_ENOENT, 0, "%s%s it", from ? from : "no repository that may be read",
		       from ? " has not" : " has");
}

int dd_registry_mount_blob(struct dd_registry *registry, const char *repository, const char *from,
			   const struct dd_digest *digest, dd_may_pull_fn *may_pull, void *arg,
			   struct dd_error *err)
{
	struct mount mount = { registry, repository, digest, may_pull, arg };
	int rc = dd_registry_check_name(repository, err);

	if (rc == 0 && from)
		rc = dd_registry_check_name(from, err);
	if (rc < 0)
		return rc;
	dd_lease_pin(registry->leases, repository, digest);
	rc = mount_from(&mount, from, err);
	dd_lease_unpin(registry->leases, repository, digest);
	return rc < 0 ? dd_wrap(err, rc, "mount %s", dd_digest_text(digest)) : 0;
}
