/*
 * Manifests out: by tag or by digest, proved each time they are read.
 */
#include <string.h>

#include "registry/manifest.h"
#include "registry/reach.h"
#include "registry/registry.h"
#include "registry/revive.h"

#define TRIES 4 /* a tag may move while we look */

int dd_registry_check_tag(const char *tag, struct dd_error *err)
{
	return dd_tag_valid(tag) ? 0 : dd_fail(err, DD_EFORMAT, 0, "no tag can be called so");
}

static int none(const char *repository, const struct dd_digest *digest, struct dd_error *err)
{
	dd_error_clear(err);
	return dd_fail(err, DD_ENOENT, 0, "repository %s has no manifest %s", repository,
		       dd_digest_text(digest));
}

int dd_registry_resolve_tag(struct dd_registry *registry, const char *repository, const char *tag,
			    struct dd_digest *digest, struct dd_error *err)
{
	const struct dd_place place = { .kind = DD_AT_TAG, .repository = repository, .tag = tag };
	int rc = dd_registry_read_link(registry, &place, digest, NULL, err);

	/* One that says nothing leads nowhere. */
	if (rc != DD_ENOENT && rc != DD_EFORMAT)
		return rc;
	dd_error_clear(err);
	return dd_fail(err, DD_ENOENT, 0, "repository %s has no tag %s", repository, tag);
}

int dd_registry_look_at_revision(struct dd_registry *registry, const char *repository,
				 const struct dd_digest *digest, struct dd_error *err)
{
	const struct dd_place place = dd_link_place(DD_AT_REVISION, repository, digest);
	struct dd_digest target;
	int rc = dd_registry_read_link(registry, &place, &target, NULL, err);

	if (rc == DD_EFORMAT || (rc == 0 && !dd_digest_equal(&target, digest)))
		return none(repository, digest, err);
	return rc;
}

/* tagged: a tag of the repository names it, which is as good as a link. */
static int read_linked(struct dd_registry *registry, const char *repository,
		       const struct dd_digest *digest, bool tagged, struct dd_buffer *bytes,
		       struct dd_error *err)
{
	int rc = tagged ? 0 : dd_registry_look_at_revision(registry, repository, digest, err);

	return rc < 0 ? rc : dd_registry_read_manifest(registry, digest, bytes, err);
}

/* The caller has a lease. What lies in the trash comes back. */
static int find(struct dd_registry *registry, const char *repository,
		const struct dd_digest *digest, bool tagged, struct dd_buffer *bytes,
		struct dd_error *err)
{
	int rc = read_linked(registry, repository, digest, tagged, bytes, err);

	if (rc == DD_ENOENT) {
		dd_error_clear(err);
		rc = dd_registry_bring_back(registry, repository, digest, err);
		if (rc == 0)
			rc = read_linked(registry, repository, digest, tagged, bytes, err);
	}
	/* What is too large for a manifest is none. */
	return rc == DD_ENOENT || rc == DD_ETOOBIG ? none(repository, digest, err) : rc;
}

static int find_tagged(struct dd_registry *registry, const char *repository, const char *tag,
		       struct dd_pulled *pulled, struct dd_error *err)
{
	struct dd_digest before;
	int rc = dd_registry_resolve_tag(registry, repository, tag, &pulled->digest, err);

	for (int i = 0; rc == 0 && i < TRIES; i++) {
		before = pulled->digest;
		dd_lease_take(registry->leases, repository, &before);
		rc = find(registry, repository, &before, true, &pulled->bytes, err);
		if (rc != DD_ENOENT)
			return rc;
		/* Before the lease was ours the tag may have left it, and a collector taken it. */
		dd_error_clear(err);
		rc = dd_registry_resolve_tag(registry, repository, tag, &pulled->digest, err);
		if (rc == 0 && dd_digest_equal(&before, &pulled->digest))
			return none(repository, &before, err);
	}
	return rc;
}

/* What it is, and leases on what it reaches. */
static int understand(struct dd_registry *registry, const char *repository,
		      struct dd_pulled *pulled, struct dd_error *err)
{
	DD_CLEANUP(dd_reach_release) struct dd_reach *reach = NULL;
	struct dd_buffer *bytes = &pulled->bytes;
	int rc = dd_reach_recall(registry, &pulled->digest, &reach) ?
			 0 :
			 dd_reach_parse(registry, &pulled->digest, bytes->bytes, bytes->len, NULL,
					&reach, err);

	if (rc == DD_ENOMEM)
		return rc;
	/* Whatever it is, these are the bytes that somebody gave this name to. */
	if (rc < 0)
		dd_error_clear(err);
	pulled->media_type = strdup(reach && *reach->media_type ? reach->media_type :
								  "application/octet-stream");
	if (!pulled->media_type)
		return dd_fail(err, DD_ENOMEM, 0, "read a manifest");
	if (reach)
		dd_reach_lease(registry, repository, &pulled->digest);
	return 0;
}

int dd_registry_get_manifest(struct dd_registry *registry, const char *repository, const char *tag,
			     const struct dd_digest *digest, struct dd_pulled *pulled,
			     struct dd_error *err)
{
	int rc = dd_registry_check_name(repository, err);

	memset(pulled, 0, sizeof(*pulled));
	if (rc == 0 && tag)
		rc = dd_registry_check_tag(tag, err);
	if (rc < 0)
		return rc;
	if (tag) {
		rc = find_tagged(registry, repository, tag, pulled, err);
	} else {
		pulled->digest = *digest;
		dd_lease_take(registry->leases, repository, digest);
		rc = find(registry, repository, digest, false, &pulled->bytes, err);
	}
	if (rc == 0)
		rc = understand(registry, repository, pulled, err);
	if (rc < 0)
		dd_pulled_release(pulled);
	return rc;
}

void dd_pulled_release(struct dd_pulled *pulled)
{
	dd_buffer_release(&pulled->bytes);
	free(pulled->media_type);
	memset(pulled, 0, sizeof(*pulled));
}
