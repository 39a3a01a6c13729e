/*
 * The pass over blobs: each read once and hashed, or, with --quick, looked at.
 */
#include <stdlib.h>

#include "verify/verify.h"

#define BATCH 256

struct batch {
	struct dd_verify *verify;
	const uint32_t *ids;
	size_t count;
	struct dd_owners owners;
	uint64_t blobs;
};

/* Without reading: whether it is there, and whether it is of the size that a manifest says. */
static int look_at(struct batch *batch, struct dd_directory **held, uint32_t id,
		   struct dd_error *err)
{
	struct dd_verify *verify = batch->verify;
	struct dd_place place = { .kind = DD_AT_BLOB };
	struct dd_evidence evidence = { .finding = DD_FOUND_BLOB_UNREADABLE,
					.place = &place,
					.id = id,
					.repository = DD_NO_ID };
	struct dd_error why = { 0 };
	struct dd_info info;
	int rc;

	dd_ids_get(&verify->graph->ids, id, &place.digest);
	rc = dd_store_stat_near(verify->store, held, &place, &info, &why);
	verify->verdicts[id] = rc == DD_ENOENT ? DD_BLOB_GONE : DD_BLOB_LEFT;
	if (rc == DD_ENOENT && !(verify->graph->nodes.items[id].flags & DD_NODE_PRESENT))
		return 0;
	batch->blobs++;
	if (rc == DD_ENOENT) {
		evidence.finding = DD_FOUND_BLOB_NO_DATA;
		return dd_verify_report(verify, &evidence, err);
	}
	if (rc < 0)
		return dd_verify_report_failure(verify, &evidence, rc, &why, err);
	verify->sizes[id] = info.size;
	verify->verdicts[id] = DD_BLOB_GOOD;
	rc = dd_verify_saw(verify, &batch->owners, &info, &place);
	return rc < 0 ? dd_fail(err, rc, 0, "look at blobs") : 0;
}

static void look_at_batch(void *arg)
{
	struct batch *batch = arg;
	struct dd_verify *verify = batch->verify;
	DD_CLEANUP(dd_directory_closep) struct dd_directory *held = NULL;
	struct dd_error err = { 0 };
	int rc = 0;

	for (size_t i = 0; i < batch->count && rc == 0 && !dd_verify_stopped(verify); i++)
		rc = look_at(batch, &held, batch->ids[i], &err);
	dd_progress_add(verify->ctx, batch->count);
	if (rc < 0)
		dd_verify_stop(verify, rc, &err);
	pthread_mutex_lock(&verify->lock);
	verify->summary.blobs += batch->blobs;
	dd_owners_merge(&verify->owners, &batch->owners);
	pthread_mutex_unlock(&verify->lock);
	free(batch);
}

static int look_at_blobs(struct dd_verify *verify, const struct dd_work *work, struct dd_error *err)
{
	DD_CLEANUP(dd_jobs_closep) struct dd_jobs *jobs = NULL;
	int rc = dd_jobs_open(verify->ctx, &jobs, err);

	if (rc < 0)
		return rc;
	dd_progress_begin(verify->ctx, "blobs", work->ids.count);
	for (size_t at = 0; at < work->ids.count; at += BATCH) {
		struct batch *batch = calloc(1, sizeof(*batch));
		size_t left = work->ids.count - at;

		if (!batch)
			return dd_fail(err, DD_ENOMEM, 0, "look at blobs");
		batch->verify = verify;
		batch->ids = work->ids.items + at;
		batch->count = left < BATCH ? left : BATCH;
		dd_jobs_add(jobs, look_at_batch, batch);
	}
	dd_jobs_closep(&jobs);
	dd_progress_end(verify->ctx);
	if (verify->rc < 0 && err)
		*err = verify->error;
	return verify->rc;
}

static bool is_empty(const struct dd_digest *digest)
{
	struct dd_digest empty;

	return dd_digest_of(&empty, (enum dd_algorithm)digest->alg, "", 0, NULL) == 0 &&
	       dd_digest_equal(&empty, digest);
}

/* Unread, a size is all that there is to go by. */
static int judge_sizes(struct dd_verify *verify, const struct dd_work *work, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < work->ids.count && rc == 0; i++) {
		uint32_t id = work->ids.items[i];
		struct dd_place place = { .kind = DD_AT_BLOB };
		const struct dd_evidence evidence = { .finding = DD_FOUND_BLOB_EMPTY,
						      .place = &place,
						      .id = id,
						      .repository = DD_NO_ID,
						      .found = "no bytes" };

		if (verify->verdicts[id] != DD_BLOB_GOOD || verify->sizes[id])
			continue;
		dd_ids_get(&verify->graph->ids, id, &place.digest);
		if (is_empty(&place.digest))
			continue;
		verify->verdicts[id] = DD_BLOB_BAD;
		rc = dd_verify_report(verify, &evidence, err);
	}
	return rc;
}

int dd_verify_blobs(struct dd_verify *verify, struct dd_error *err)
{
	struct dd_work work = { 0 };
	int rc = verify->options.quick ? 0 : dd_verify_seek_aliases(verify, err);

	if (rc == 0)
		rc = dd_verify_choose(verify, &work, err);

	if (rc == 0 && verify->options.quick) {
		rc = look_at_blobs(verify, &work, err);
		if (rc == 0)
			rc = judge_sizes(verify, &work, err);
	} else if (rc == 0) {
		if (verify->options.begin)
			verify->options.begin(verify->options.arg, work.ids.count, work.bytes);
		rc = dd_verify_read_blobs(verify, &work, err);
	}
	dd_list_release(&work.ids);
	return rc;
}
