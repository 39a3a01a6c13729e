/*
 * Manifests in. What can be said without a look at the disk is said first; then all that it reaches is
 * pinned, then looked for, then the manifest is written, then its tags.
 */
#include <string.h>

#include "registry/manifest.h"
#include "registry/put.h"
#include "registry/registry.h"

static int check_names(struct dd_put_manifest *put, struct dd_error *err)
{
	const struct dd_pushed *pushed = put->pushed;
	uint64_t max = put->registry->manifest_max;
	int rc = dd_registry_check_name(put->repository, err);

	for (size_t i = 0; i < pushed->tag_count && rc == 0; i++)
		rc = dd_registry_check_tag(pushed->tags[i], err);
	if (rc == 0 && pushed->len > max)
		rc = dd_fail(err, DD_ETOOBIG, 0, "a manifest of %zu bytes: at most %llu are taken",
			     pushed->len, (unsigned long long)max);
	return rc;
}

static int find_digest(struct dd_put_manifest *put, struct dd_error *err)
{
	const struct dd_digest *said = put->pushed->digest;
	struct dd_digest *digest = &put->report->digest;
	int rc = dd_digest_of(digest, said ? (enum dd_algorithm)said->alg : DD_SHA256,
			      put->pushed->bytes, put->pushed->len, err);

	if (rc == 0 && said && !dd_digest_equal(said, digest))
		rc = dd_fail(err, DD_ECORRUPT, 0, "the manifest's bytes have the digest %s",
			     dd_digest_text(digest));
	return rc;
}

/*
 * A document that is an image to one reader and an index to the next has two contents under one
 * signature.
 */
static int check_kind(const struct dd_reach *reach, struct dd_error *err)
{
	bool index = dd_manifest_type_is_index(reach->type);

	if (reach->type == DD_MANIFEST_SCHEMA1 || reach->type == DD_MANIFEST_SCHEMA1_SIGNED) {
		dd_fail(err, DD_EFORMAT, 0, "manifests of schema 1 are no longer taken");
		dd_hint(err, "build or convert the image by a client of this decade");
		return DD_EFORMAT;
	}
	for (size_t i = 0; i < reach->count; i++) {
		bool child = reach->named[i].role == DD_ROLE_CHILD;

		if (reach->named[i].role != DD_ROLE_SUBJECT && child != index)
			return dd_fail(err, DD_EFORMAT, 0, "it is a %s and has a %s, too",
				       dd_manifest_type_name(reach->type),
				       dd_role_name((enum dd_role)reach->named[i].role));
	}
	return 0;
}

/*
 * Nothing but the bytes is kept: what the client said in its header has to be what they say, or what
 * everybody will take them for.
 */
static int check_type(const struct dd_put_manifest *put, struct dd_error *err)
{
	enum dd_manifest_type said = dd_manifest_type_of(put->pushed->media_type);

	if (said == DD_MANIFEST_NONE || said == put->reach->type)
		return 0;
	return dd_fail(err, DD_EFORMAT, 0, "it was said to be a %s, and is a %s",
		       dd_manifest_type_name(said), dd_manifest_type_name(put->reach->type));
}

int dd_put_understand(struct dd_put_manifest *put, struct dd_error *err)
{
	const struct dd_pushed *pushed = put->pushed;
	int rc = check_names(put, err);

	if (rc == 0)
		rc = find_digest(put, err);
	if (rc < 0)
		return rc;
	rc = dd_reach_parse(put->registry, &put->report->digest, pushed->bytes, pushed->len, NULL,
			    &put->reach, err);
	/* Bad bytes, and not a bad volume. */
	if (rc == DD_EUNKNOWN || rc == DD_ETOOBIG)
		rc = DD_EFORMAT;
	if (rc == 0)
		rc = check_type(put, err);
	if (rc == 0)
		rc = check_kind(put->reach, err);
	if (rc < 0)
		return dd_wrap(err, rc, "the manifest");
	put->report->has_subject = put->reach->has_subject;
	put->report->subject = put->reach->subject;
	return 0;
}

/* Its tags, it, all that it names, and all that those reach: before any of it is looked at. */
static int pin(struct dd_put_manifest *put, struct dd_error *err)
{
	const struct dd_reach *reach = put->reach;
	int rc = dd_pins_add(&put->pins, &put->report->digest, false, err);

	for (size_t i = 0; i < put->pushed->tag_count && rc == 0; i++) {
		struct dd_digest tag;

		dd_lease_name(DD_LEASE_TAG, put->pushed->tags[i], &tag);
		rc = dd_pins_add(&put->pins, &tag, false, err);
	}
	for (size_t i = 0; i < reach->count && rc == 0; i++)
		rc = dd_pins_add(&put->pins, &reach->named[i].digest, reach->named[i].is_manifest,
				 err);
	return rc < 0 ? rc : dd_pins_follow(&put->pins, err);
}

int dd_registry_put_manifest(struct dd_registry *registry, const char *repository,
			     const struct dd_pushed *pushed, struct dd_push_report *report,
			     struct dd_error *err)
{
	struct dd_put_manifest put = { .registry = registry,
				       .repository = repository,
				       .pushed = pushed,
				       .report = report,
				       .pins = { .registry = registry, .repository = repository } };
	int rc;

	memset(report, 0, sizeof(*report));
	rc = dd_put_understand(&put, err);
	if (rc == 0)
		rc = dd_registry_check_room(registry, pushed->len, err);
	if (rc == 0)
		rc = pin(&put, err);
	if (rc == 0)
		rc = dd_put_check(&put, err);
	if (rc == 0) {
		rc = dd_put_write(&put, err);
		/* Whatever came of it: something may have been written. */
		dd_registry_changed(registry, repository);
	}
	dd_pins_release(&put.pins);
	dd_unsynced_release(&put.unsynced);
	dd_reach_release(&put.reach);
	return rc < 0 ? dd_wrap(err, rc, "push to repository %s", repository) : 0;
}
