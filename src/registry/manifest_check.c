/*
 * Whether all that a manifest names is there: a link of this repository, and bytes of that size.
 */
#include "registry/blob.h"
#include "registry/manifest.h"
#include "registry/prove.h"
#include "registry/put.h"
#include "registry/registry.h"
#include "registry/revive.h"

/* A revision, and its file: what is known to have other bytes is missing. */
static int look_at_manifest(struct dd_put_manifest *put, const struct dd_digest *digest,
			    struct dd_info *info, struct dd_error *err)
{
	const struct dd_place place = dd_blob_place(digest);
	enum dd_verdict verdict;
	int rc = dd_registry_look_at_revision(put->registry, put->repository, digest, err);

	if (rc == 0)
		rc = dd_store_stat(put->registry->store, &place, info, err);
	if (rc == 0 && dd_proof_get(put->registry, digest, &info->stamp, &verdict) &&
	    verdict == DD_VERDICT_CORRUPT)
		rc = dd_fail(err, DD_ENOENT, 0, "%s is corrupt", dd_digest_text(digest));
	return rc;
}

static int find_manifest(struct dd_put_manifest *put, const struct dd_digest *digest,
			 struct dd_info *info, struct dd_error *err)
{
	int rc = look_at_manifest(put, digest, info, err);

	if (rc != DD_ENOENT)
		return rc;
	dd_error_clear(err);
	rc = dd_registry_bring_back(put->registry, put->repository, digest, err);
	return rc < 0 ? rc : look_at_manifest(put, digest, info, err);
}

/* What it is called is a hint at where it is found: a child of an index may be a blob. */
static int find(struct dd_put_manifest *put, const struct dd_named *named, struct dd_info *info,
		struct dd_error *err)
{
	struct dd_digest stored;
	int rc = DD_ENOENT;

	if (named->is_manifest)
		rc = find_manifest(put, &named->digest, info, err);
	if (rc == DD_ENOENT) {
		dd_error_clear(err);
		rc = dd_registry_find_blob(put->registry, put->repository, &named->digest, &stored,
					   info, err);
	}
	if (rc == DD_ENOENT && !named->is_manifest) {
		dd_error_clear(err);
		rc = find_manifest(put, &named->digest, info, err);
	}
	return rc;
}

static void note_missing(struct dd_push_report *report, const struct dd_digest *digest)
{
	if (report->missing_count < DD_COUNT(report->missing))
		report->missing[report->missing_count++] = *digest;
}

static int check_one(struct dd_put_manifest *put, const struct dd_named *named,
		     struct dd_error *err)
{
	struct dd_info info;
	int rc;

	/* A referrer may come before its subject, or outlive it. */
	if (named->role == DD_ROLE_SUBJECT)
		return 0;
	rc = find(put, named, &info, err);
	if (rc == 0 && named->has_size && named->size != info.size)
		return dd_fail(err, DD_EFORMAT, 0,
			       "the manifest says that %s has %llu bytes, and it has %llu",
			       dd_digest_text(&named->digest), (unsigned long long)named->size,
			       (unsigned long long)info.size);
	if (rc != DD_ENOENT)
		return rc;
	dd_error_clear(err);
	if (!named->elsewhere && !dd_registry_may_lack(put->registry, named->role))
		note_missing(put->report, &named->digest);
	return 0;
}

/*
 * What it names as a blob may be a manifest, too, whatever it is called; then a mark that sees this one
 * goes on from there, and so do the pins. And what came back from the trash can be read only now.
 */
static int follow(struct dd_put_manifest *put, const struct dd_named *named, struct dd_error *err)
{
	if (!named->is_manifest &&
	    dd_registry_look_at_revision(put->registry, put->repository, &named->digest, NULL) < 0)
		return 0;
	return dd_pins_add(&put->pins, &named->digest, true, err);
}

/* The same layer may be named a thousand times. */
static bool is_named_before(struct dd_ids *seen, const struct dd_digest *digest)
{
	uint32_t count = seen->count, id = dd_ids_intern(seen, digest);

	return id < count;
}

int dd_put_check(struct dd_put_manifest *put, struct dd_error *err)
{
	const struct dd_reach *reach = put->reach;
	struct dd_ids seen = { 0 };
	int rc = 0;

	for (size_t i = 0; i < reach->count && rc == 0; i++) {
		const struct dd_named *named = &reach->named[i];

		if (is_named_before(&seen, &named->digest))
			continue;
		rc = check_one(put, named, err);
		if (rc == 0)
			rc = follow(put, named, err);
	}
	dd_ids_release(&seen);
	if (rc == 0)
		rc = dd_pins_follow(&put->pins, err);
	if (rc == 0 && put->report->missing_count)
		rc = dd_fail(err, DD_ENOENT, 0, "the manifest names %s, which is not there",
			     dd_digest_text(&put->report->missing[0]));
	return rc;
}
