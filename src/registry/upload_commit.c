/*
 * An upload becomes a blob.
 *
 * The bytes are on the disk before they have the name, the name before the link, and the link before
 * anybody is told. What the link says waits for the disk beside the bytes, as a file without its name. A blob that is there already is read, unless it is known, and kept if it is good; if it
 * is not, the two files are exchanged, so that there is no moment without one, and the bad one goes
 * with the upload.
 */
#include "registry/prove.h"
#include "registry/registry.h"
#include "registry/upload.h"
#include "registry/whereabouts.h"

#define TRIES 4 /* a blob may go and come while we look */

struct commit {
	struct dd_registry *registry;
	struct dd_upload *upload;
	const struct dd_digest *digest;
	struct dd_place from, to, link;
	struct dd_draft *draft; /* the link */
	struct dd_unsynced unsynced;
	bool placed; /* the bytes are no upload's any more */
};

/* DD_ECORRUPT: these bytes have another. */
static int check_digest(struct dd_upload *upload, const struct dd_digest *digest,
			struct dd_error *err)
{
	struct dd_digest got;
	int rc;

	dd_upload_expect(upload, digest);
	rc = dd_upload_catch_up(upload, err);
	if (rc == 0)
		rc = dd_hasher_final(upload->hasher, &got, err);
	upload->hashed = 0; /* should it be tried again */
	if (rc < 0)
		return rc;
	return dd_digest_equal(&got, digest) ?
		       0 :
		       dd_fail(err, DD_ECORRUPT, 0, "the bytes of the upload have the digest %s",
			       dd_digest_text(&got));
}

/* On the disk, and still what was hashed: nobody else has written to the file. */
static int sync_bytes(struct commit *commit, struct dd_error *err)
{
	struct dd_upload *upload = commit->upload;
	struct dd_info info;
	int rc;

	dd_writer_begin_sync(upload->writer);
	rc = dd_registry_draft_link(commit->registry, &commit->link, commit->digest, &commit->draft,
				    err);
	if (rc == 0)
		rc = dd_writer_sync(upload->writer, err);
	if (rc == 0)
		rc = dd_writer_stat(upload->writer, &info, err);
	if (rc == 0 && !dd_stamp_same_content(&info.stamp, &upload->stamp))
		rc = dd_fail(err, DD_ECHANGED, 0, "somebody else wrote to upload %s", upload->id);
	return rc < 0 ? rc : dd_draft_sync(commit->draft, err);
}

static int put(struct commit *commit, enum dd_onto onto, struct dd_error *err)
{
	struct dd_info info;
	int rc = dd_store_place(commit->registry->store, &commit->from, &commit->to, onto,
				&commit->unsynced, err);

	commit->placed = rc == 0;
	/* The descriptor is still of that file, whatever it is called; its bytes are, if nobody wrote to it. */
	if (rc == 0 && dd_writer_stat(commit->upload->writer, &info, NULL) == 0 &&
	    dd_stamp_same_content(&info.stamp, &commit->upload->stamp))
		dd_proof_put_own(commit->registry, commit->digest, &info);
	return rc;
}

static int replace_bad(struct commit *commit, struct dd_error *err)
{
	int rc = put(commit, DD_EXCHANGED, err);

	if (rc == DD_ENOTSUP) {
		dd_error_clear(err);
		rc = put(commit, DD_ONTO_FILE, err);
	}
	if (rc < 0)
		return rc;
	dd_registry_count(commit->registry, healed);
	dd_log(commit->registry->ctx, DD_LOG_NOTE,
	       "%s was pushed, and is good again: what stood in its place had other bytes",
	       dd_digest_text(commit->digest));
	return 0;
}

/* What was looked at may be gone, or another, by the time of the step. */
static int place_bytes(struct commit *commit, struct dd_error *err)
{
	int rc = 0;

	for (int i = 0; i < TRIES; i++) {
		dd_error_clear(err);
		rc = put(commit, DD_ONTO_NOTHING, err);
		if (rc != DD_EEXIST)
			return rc;
		dd_error_clear(err);
		rc = dd_prove(commit->registry, commit->digest, commit->digest, NULL, err);
		if (rc == DD_ECORRUPT) {
			dd_error_clear(err);
			rc = replace_bad(commit, err);
		}
		/* Another request may have put it there a moment ago. */
		if (rc == 0)
			rc = dd_store_rely_on(commit->registry->store, &commit->to,
					      &commit->unsynced, err);
		if (rc != DD_ENOENT && rc != DD_ECHANGED)
			return rc;
	}
	return rc;
}

/* The caller has pinned the digest. */
static int make_blob(struct commit *commit, struct dd_error *err)
{
	struct dd_registry *registry = commit->registry;
	const char *repository = commit->upload->repository;
	int rc = sync_bytes(commit, err);

	if (rc == 0)
		rc = place_bytes(commit, err);
	if (rc == 0)
		rc = dd_store_sync_these(registry->store, &commit->unsynced, err);
	if (rc == 0)
		rc = dd_registry_name_link(registry, &commit->link, commit->digest, commit->draft,
					   &commit->unsynced, err);
	if (rc == 0)
		rc = dd_store_sync_these(registry->store, &commit->unsynced, err);
	if (rc < 0)
		return rc;
	dd_whereabouts_note(registry, repository, commit->digest);
	dd_registry_changed(registry, repository);
	dd_registry_count(registry, uploaded);
	return 0;
}

int dd_upload_commit(struct dd_upload **upload, const struct dd_digest *digest,
		     struct dd_error *err)
{
	struct dd_registry *registry = (*upload)->registry;
	struct commit commit = { .registry = registry,
				 .upload = *upload,
				 .digest = digest,
				 .from = { .kind = DD_AT_UPLOAD,
					   .repository = (*upload)->repository,
					   .upload = (*upload)->id },
				 .to = dd_blob_place(digest),
				 .link = dd_link_place(DD_AT_LAYER, (*upload)->repository,
						       digest) };
	int rc = check_digest(*upload, digest, err);

	if (rc == 0) {
		dd_lease_pin(registry->leases, (*upload)->repository, digest);
		rc = make_blob(&commit, err);
		dd_lease_unpin(registry->leases, (*upload)->repository, digest);
	}
	dd_draft_closep(&commit.draft);
	dd_unsynced_release(&commit.unsynced);
	if (rc < 0)
		dd_wrap(err, rc, "upload %s", (*upload)->id);
	if (rc == DD_ENOSPC && !commit.placed)
		return rc;
	/* What cannot be removed is found by the next purge. */
	dd_upload_end(upload, NULL);
	return rc;
}
