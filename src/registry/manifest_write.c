/*
 * A manifest's bytes, its revision, its tags: each on the disk before the next names it, so that no
 * crash leaves a tag that was moved from a good image to one that is not there. The files wait for the
 * disk together, before any of them has its name.
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

#define TOGETHER 8 /* tags whose files are open at once */

/* A file of the push; a draft, unless it is there. */
struct piece {
	struct dd_place place;
	struct dd_draft *draft;
	bool heals;  /* in place of other bytes */
	bool is_new; /* of a link: there is none */
};

struct tag_pieces {
	struct piece history, current;
};

/* ---- bytes ---- */

static int draft_bytes(struct dd_put_manifest *put, struct piece *piece, struct dd_error *err)
{
	return dd_store_draft(put->registry->store, &piece->place, put->pushed->bytes,
			      put->pushed->len, piece->heals ? DD_ONTO_FILE : DD_ONTO_NOTHING,
			      &piece->draft, err);
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

/* DD_EEXIST: it came a moment ago. */
static int prepare_bytes_once(struct dd_put_manifest *put, struct piece *piece,
			      struct dd_error *err)
{
	bool same = false;
	int rc = compare_bytes(put, &piece->place, &same, err);

	if (rc == 0 && same)
		return dd_store_rely_on(put->registry->store, &piece->place, &put->unsynced, err);
	if (rc != 0 && rc != DD_ENOENT)
		return rc;
	dd_error_clear(err);
	piece->heals = rc == 0;
	return draft_bytes(put, piece, err);
}

static int prepare_bytes(struct dd_put_manifest *put, struct piece *piece, struct dd_error *err)
{
	int rc = 0;

	for (int i = 0; i < TRIES; i++) {
		dd_error_clear(err);
		rc = prepare_bytes_once(put, piece, err);
		if (rc != DD_EEXIST)
			return rc;
	}
	return rc;
}

static void note_bytes(struct dd_put_manifest *put, const struct piece *piece)
{
	struct dd_registry *registry = put->registry;
	struct dd_info info;

	if (dd_store_stat(registry->store, &piece->place, &info, NULL) == 0)
		dd_proof_put_own(registry, &put->report->digest, &info);
	if (piece->heals) {
		dd_registry_count(registry, healed);
		dd_log(registry->ctx, DD_LOG_NOTE,
		       "%s was pushed, and is good again: what stood in its place had other bytes",
		       dd_digest_text(&put->report->digest));
	}
}

/* The draft may be gone by now, and what was not there may be. */
static int name_bytes(struct dd_put_manifest *put, struct piece *piece, struct dd_error *err)
{
	int rc = 0;

	for (int i = 0; i < TRIES; i++) {
		if (rc < 0) {
			dd_error_clear(err);
			dd_draft_closep(&piece->draft);
			rc = prepare_bytes(put, piece, err);
		}
		if (rc == 0 && !piece->draft)
			return 0;
		if (rc == 0)
			rc = dd_draft_name(piece->draft, &put->unsynced, err);
		if (rc == 0)
			note_bytes(put, piece);
		if (rc != DD_EEXIST && rc != DD_ENOENT)
			return rc;
	}
	return rc;
}

/* ---- links ---- */

static int prepare_link(struct dd_put_manifest *put, struct piece *piece, struct dd_error *err)
{
	struct dd_registry *registry = put->registry;
	struct dd_digest target;
	int rc = dd_registry_read_link(registry, &piece->place, &target, NULL, err);

	if (rc == 0 && dd_digest_equal(&target, &put->report->digest)) {
		rc = dd_store_refresh(registry->store, &piece->place, err);
		if (rc == 0)
			return dd_store_rely_on(registry->store, &piece->place, &put->unsynced,
						err);
	}
	if (rc < 0 && rc != DD_ENOENT && rc != DD_EFORMAT && rc != DD_EACCES)
		return rc;
	piece->is_new = rc == DD_ENOENT;
	dd_error_clear(err);
	return dd_registry_draft_link(registry, &piece->place, &put->report->digest, &piece->draft,
				      err);
}

static int name_link(struct dd_put_manifest *put, struct piece *piece, struct dd_error *err)
{
	return piece->draft ?
		       dd_registry_name_link(put->registry, &piece->place, &put->report->digest,
					     piece->draft, &put->unsynced, err) :
		       0;
}

static int sync_piece(struct piece *piece, struct dd_error *err)
{
	return piece->draft ? dd_draft_sync(piece->draft, err) : 0;
}

/* ---- tags ---- */

static int prepare_tag(struct dd_put_manifest *put, const char *tag, struct tag_pieces *pieces,
		       struct dd_error *err)
{
	struct dd_place place = { .kind = DD_AT_HISTORY,
				  .repository = put->repository,
				  .tag = tag,
				  .digest = put->report->digest };
	int rc;

	pieces->history.place = place;
	place = (struct dd_place){ .kind = DD_AT_TAG, .repository = put->repository, .tag = tag };
	pieces->current.place = place;
	rc = prepare_link(put, &pieces->history, err);
	if (rc == 0)
		rc = prepare_link(put, &pieces->current, err);
	return rc < 0 ? dd_wrap(err, rc, "tag %s", tag) : 0;
}

static int sync_tag(struct tag_pieces *pieces, struct dd_error *err)
{
	int rc = sync_piece(&pieces->history, err);

	return rc < 0 ? rc : sync_piece(&pieces->current, err);
}

/*
 * Should we be killed between the two: of a tag that moves the history may know more than comes true; a
 * new one is there, for a history alone would be that of a tag that points nowhere.
 */
static int name_tag(struct dd_put_manifest *put, struct tag_pieces *pieces, struct dd_error *err)
{
	bool is_new = pieces->current.is_new;
	struct piece *first = is_new ? &pieces->current : &pieces->history;
	struct piece *second = is_new ? &pieces->history : &pieces->current;
	int rc = name_link(put, first, err);

	if (rc == 0)
		rc = name_link(put, second, err);
	return rc < 0 ? dd_wrap(err, rc, "tag %s", pieces->current.place.tag) : 0;
}

/* ---- all of it ---- */

/* What is written together. */
struct batch {
	struct piece bytes, revision;
	struct tag_pieces tags[TOGETHER];
	size_t first, count; /* of the push's tags */
};

static void batch_release(struct batch *batch)
{
	dd_draft_closep(&batch->bytes.draft);
	dd_draft_closep(&batch->revision.draft);
	for (size_t i = 0; i < batch->count; i++) {
		dd_draft_closep(&batch->tags[i].history.draft);
		dd_draft_closep(&batch->tags[i].current.draft);
	}
}

static int prepare(struct dd_put_manifest *put, struct batch *batch, struct dd_error *err)
{
	const struct dd_digest *digest = &put->report->digest;
	int rc = 0;

	if (batch->first == 0) {
		batch->bytes.place = dd_blob_place(digest);
		batch->revision.place = dd_link_place(DD_AT_REVISION, put->repository, digest);
		rc = prepare_bytes(put, &batch->bytes, err);
		if (rc == 0)
			rc = prepare_link(put, &batch->revision, err);
	}
	for (size_t i = 0; i < batch->count && rc == 0; i++)
		rc = prepare_tag(put, put->pushed->tags[batch->first + i], &batch->tags[i], err);
	return rc;
}

static int sync_files(struct batch *batch, struct dd_error *err)
{
	int rc = sync_piece(&batch->bytes, err);

	if (rc == 0)
		rc = sync_piece(&batch->revision, err);
	for (size_t i = 0; i < batch->count && rc == 0; i++)
		rc = sync_tag(&batch->tags[i], err);
	return rc;
}

static int name_manifest(struct dd_put_manifest *put, struct batch *batch, struct dd_error *err)
{
	int rc = name_bytes(put, &batch->bytes, err);

	if (rc == 0)
		rc = name_link(put, &batch->revision, err);
	return rc < 0 ? rc : dd_store_sync_these(put->registry->store, &put->unsynced, err);
}

static int write_batch(struct dd_put_manifest *put, size_t first, size_t count,
		       struct dd_error *err)
{
	DD_CLEANUP(batch_release) struct batch batch = { .first = first, .count = count };
	int rc = prepare(put, &batch, err);

	if (rc == 0)
		rc = sync_files(&batch, err);
	if (rc == 0 && first == 0)
		rc = name_manifest(put, &batch, err);
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = name_tag(put, &batch.tags[i], err);
	return rc < 0 ? rc : dd_store_sync_these(put->registry->store, &put->unsynced, err);
}

static int write_all(struct dd_put_manifest *put, struct dd_error *err)
{
	size_t done = 0, count = put->pushed->tag_count;
	int rc;

	do {
		size_t part = count - done < TOGETHER ? count - done : TOGETHER;

		rc = write_batch(put, done, part, err);
		done += part;
	} while (done < count && rc == 0);
	return rc;
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
