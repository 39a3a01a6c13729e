/*
 * A manifest's bytes, its revision, its tags: each on the disk before the next names it, so that no
 * crash leaves a tag that was moved from a good image to one that is not there.
 *
 * What is there already and is right is not written again, but made young: somebody has said that it is
 * to be there, and a collector that goes by age has to see that.
 */
#include <string.h>

#include <drydock/units.h>

#include "registry/manifest.h"
#include "registry/prove.h"
#include "registry/put.h"
#include "registry/registry.h"

#define TRIES 4 /* what is there may go while we look */

/* ---- bytes ---- */

static int write_bytes(struct dd_put_manifest *put, const struct dd_place *place, bool heals,
		       struct dd_error *err)
{
	struct dd_registry *registry = put->registry;
	struct dd_info info;
	int rc = dd_store_write(registry->store, place, put->pushed->bytes, put->pushed->len,
				heals ? DD_ONTO_FILE : DD_ONTO_NOTHING, &put->unsynced, err);

	if (rc < 0)
		return rc;
	if (dd_store_stat(registry->store, place, &info, NULL) == 0)
		dd_proof_put_own(registry, &put->report->digest, &info);
	if (heals) {
		dd_registry_count(registry, healed);
		dd_log(registry->ctx, DD_LOG_NOTE,
		       "%s was pushed, and is good again: what stood in its place had other bytes",
		       dd_digest_text(&put->report->digest));
	}
	return 0;
}

/* What is there is compared with what should be: there is no better proof. */
static int compare_bytes(struct dd_put_manifest *put, const struct dd_place *place, bool *same,
			 struct dd_error *err)
{
	DD_CLEANUP(dd_buffer_release) struct dd_buffer bytes = { 0 };
	const struct dd_pushed *pushed = put->pushed;
	struct dd_info info, after;
	int64_t began_ns = dd_time_now();
	int rc = dd_store_read(put->registry->store, place, pushed->len, &bytes, &info, err);

	*same = rc == 0 && bytes.len == pushed->len &&
		!memcmp(bytes.bytes, pushed->bytes, pushed->len);
	if ((rc == 0 || rc == DD_ETOOBIG) &&
	    dd_store_stat(put->registry->store, place, &after, NULL) == 0)
		dd_proof_put(put->registry, &put->report->digest, rc == 0 ? &info : &after, &after,
			     began_ns, *same ? DD_VERDICT_GOOD : DD_VERDICT_CORRUPT);
	if (rc == DD_ETOOBIG) {
		dd_error_clear(err);
		rc = 0;
	}
	return rc;
}

static int put_bytes(struct dd_put_manifest *put, struct dd_error *err)
{
	const struct dd_place place = dd_blob_place(&put->report->digest);
	int rc = 0;

	for (int i = 0; i < TRIES; i++) {
		bool same = false;

		dd_error_clear(err);
		rc = compare_bytes(put, &place, &same, err);
		if (rc == 0 && same)
			return dd_store_rely_on(put->registry->store, &place, &put->unsynced, err);
		if (rc != 0 && rc != DD_ENOENT)
			return rc;
		dd_error_clear(err);
		rc = write_bytes(put, &place, rc == 0, err);
		if (rc != DD_EEXIST)
			return rc;
	}
	return rc;
}

/* ---- links ---- */

static int put_link(struct dd_put_manifest *put, const struct dd_place *place, struct dd_error *err)
{
	struct dd_registry *registry = put->registry;
	struct dd_digest target;
	int rc = dd_registry_read_link(registry, place, &target, NULL, err);

	if (rc == 0 && dd_digest_equal(&target, &put->report->digest)) {
		rc = dd_store_refresh(registry->store, place, err);
		if (rc == 0)
			return dd_store_rely_on(registry->store, place, &put->unsynced, err);
	}
	if (rc < 0 && rc != DD_ENOENT && rc != DD_EFORMAT && rc != DD_EACCES)
		return rc;
	dd_error_clear(err);
	return dd_registry_write_link(registry, place, &put->report->digest, &put->unsynced, err);
}

static int put_tag(struct dd_put_manifest *put, const char *tag, struct dd_error *err)
{
	const struct dd_place history = { .kind = DD_AT_HISTORY,
					  .repository = put->repository,
					  .tag = tag,
					  .digest = put->report->digest };
	const struct dd_place current = { .kind = DD_AT_TAG,
					  .repository = put->repository,
					  .tag = tag };
	int rc = put_link(put, &history, err);

	if (rc == 0)
		rc = put_link(put, &current, err);
	return rc < 0 ? dd_wrap(err, rc, "tag %s", tag) : 0;
}

static int write_all(struct dd_put_manifest *put, struct dd_error *err)
{
	const struct dd_place revision =
		dd_link_place(DD_AT_REVISION, put->repository, &put->report->digest);
	int rc = put_bytes(put, err);

	if (rc == 0)
		rc = put_link(put, &revision, err);
	if (rc == 0)
		rc = dd_store_sync_these(put->registry->store, &put->unsynced, err);
	for (size_t i = 0; i < put->pushed->tag_count && rc == 0; i++)
		rc = put_tag(put, put->pushed->tags[i], err);
	return rc < 0 ? rc : dd_store_sync_these(put->registry->store, &put->unsynced, err);
}

int dd_put_write(struct dd_put_manifest *put, struct dd_error *err)
{
	int rc;

	/* Or what it found there goes between its look and its answer. */
	dd_registry_begin_tagging(put->registry, put->repository);
	rc = write_all(put, err);
	dd_registry_end_tagging(put->registry, put->repository);
	return rc;
}
