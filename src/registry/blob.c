/*
 * Blobs as a repository has them: a link, and bytes that are not known to be others.
 */
#include <string.h>

#include "registry/blob.h"
#include "registry/prove.h"
#include "registry/registry.h"
#include "registry/revive.h"
#include "registry/whereabouts.h"

static int none(const char *repository, const struct dd_digest *digest, struct dd_error *err)
{
	dd_error_clear(err);
	return dd_fail(err, DD_ENOENT, 0, "repository %s has no blob %s", repository,
		       dd_digest_text(digest));
}

int dd_registry_resolve_layer(struct dd_registry *registry, const char *repository,
			      const struct dd_digest *digest, struct dd_digest *stored,
			      struct dd_error *err)
{
	struct dd_place place = dd_link_place(DD_AT_LAYER, repository, digest);
	int rc = dd_registry_read_link(registry, &place, stored, NULL, err);

	/* One of the same algorithm that names another is no alias: one of both is wrong. */
	if (rc == DD_EFORMAT ||
	    (rc == 0 && stored->alg == digest->alg && !dd_digest_equal(stored, digest)))
		return none(repository, digest, err);
	return rc;
}

/* An alias that was mounted elsewhere, where the link says no longer what it is an alias of. */
struct alias {
	struct dd_registry *registry;
	const struct dd_digest *digest;
	struct dd_digest *stored;
	struct dd_info *info;
};

static int try_alias(void *arg, const char *repository, struct dd_error *err)
{
	struct alias *alias = arg;
	struct dd_digest target;
	struct dd_place place;

	(void)err;
	if (dd_registry_resolve_layer(alias->registry, repository, alias->digest, &target, NULL) <
		    0 ||
	    dd_digest_equal(&target, alias->digest))
		return 0;
	place = dd_blob_place(&target);
	if (dd_store_stat(alias->registry->store, &place, alias->info, NULL) < 0)
		return 0;
	*alias->stored = target;
	return 1;
}

static int look(struct dd_registry *registry, const char *repository,
		const struct dd_digest *digest, struct dd_digest *stored, struct dd_info *info,
		struct dd_error *err)
{
	struct alias alias = { registry, digest, stored, info };
	struct dd_place place;
	int rc = dd_registry_resolve_layer(registry, repository, digest, stored, err);

	if (rc < 0)
		return rc;
	/* The bytes of an alias are leased by their own name, too. */
	if (!dd_digest_equal(stored, digest))
		dd_lease_take(registry->leases, repository, stored);
	place = dd_blob_place(stored);
	rc = dd_store_stat(registry->store, &place, info, err);
	if (rc != DD_ENOENT || digest->alg == DD_SHA256 || !dd_digest_equal(stored, digest))
		return rc;
	dd_error_clear(err);
	rc = dd_whereabouts_visit(registry, digest, try_alias, &alias, err);
	return rc == 0 ? none(repository, digest, err) : rc < 0 ? rc : 0;
}

/* Whether it is no use to read them: a file without bytes has the digest of no bytes. */
static bool is_known_bad(struct dd_registry *registry, const struct dd_digest *digest,
			 const struct dd_info *info)
{
	enum dd_verdict verdict;

	return info->type != DD_ENTRY_FILE ||
	       (dd_proof_get(registry, digest, &info->stamp, &verdict) &&
		verdict == DD_VERDICT_CORRUPT);
}

int dd_registry_find_blob(struct dd_registry *registry, const char *repository,
			  const struct dd_digest *digest, struct dd_digest *stored,
			  struct dd_info *info, struct dd_error *err)
{
	int rc = look(registry, repository, digest, stored, info, err);

	if (rc == DD_ENOENT) {
		dd_error_clear(err);
		rc = dd_registry_bring_back(registry, repository, digest, err);
		if (rc == 0)
			rc = look(registry, repository, digest, stored, info, err);
	}
	if (rc == DD_ENOENT || (rc == 0 && is_known_bad(registry, digest, info)))
		return none(repository, digest, err);
	return rc;
}

/*
 * A pusher who is told that it is there sends no bytes. So what is not too large is verified before
 * that is said: a bad one is then pushed, and healed, instead of found bad by who pulls it.
 */
static int prove_before_said(struct dd_registry *registry, const struct dd_digest *digest,
			     const struct dd_digest *stored, struct dd_info *info,
			     struct dd_error *err)
{
	enum dd_verdict verdict;

	if (info->size > registry->prove_first ||
	    dd_proof_get(registry, digest, &info->stamp, &verdict))
		return 0;
	return dd_prove(registry, digest, stored, info, err);
}

int dd_registry_look_at_blob(struct dd_registry *registry, const char *repository,
			     const struct dd_digest *digest, uint64_t *size, struct dd_error *err)
{
	struct dd_digest stored;
	struct dd_info info;
	int rc = dd_registry_check_name(repository, err);

	if (rc < 0)
		return rc;
	/* Pinned: the look may take longer than a lease. */
	dd_lease_pin(registry->leases, repository, digest);
	rc = dd_registry_find_blob(registry, repository, digest, &stored, &info, err);
	if (rc == 0)
		rc = prove_before_said(registry, digest, &stored, &info, err);
	dd_lease_unpin(registry->leases, repository, digest);
	*size = rc == 0 ? info.size : 0;
	return rc == DD_ECORRUPT || rc == DD_ENOENT ? none(repository, digest, err) : rc;
}
