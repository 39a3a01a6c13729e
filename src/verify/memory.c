/*
 * Memory: what earlier runs verified, as an index has it. It counts for a blob whose stamp is the
 * same still, and for a time.
 *
 * The stamp that is remembered was taken before the blob was read, and is only remembered if it was
 * old by then (dd_index_may_remember()): whatever is written later has another.
 */
#include <stdlib.h>

#include "verify/verify.h"

#define BATCH 1024
/* So many are put into the index at once; earlier where blobs are few: a run may die. */
#define LEARNT 8192
#define LEARNT_NS (10 * DD_SECOND)

struct batch {
	struct dd_verify *verify;
	uint32_t *ids; /* those that were accepted become DD_NO_ID */
	size_t count;
	struct dd_owners owners;
	struct dd_verify_summary sum;
	uint64_t *known; /* how many the index knows, as they are; the verification's lock */
	uint64_t found;
};

static bool still_counts(const struct dd_verify *verify, const struct dd_verified *verified)
{
	int64_t age = verify->now_ns - verified->when_ns;

	return !verify->options.full && verified->verdict == DD_VERDICT_GOOD && age >= 0 &&
	       age < verify->options.reverify_after_ns;
}

/* In the future a clock was wrong: when it was read is not known, and it is not to be the last. */
static int64_t known_time(const struct dd_verify *verify, int64_t when_ns)
{
	return when_ns <= verify->now_ns ? when_ns : 0;
}

/* 1: accepted, 0: to be read, or an error. */
static int recall(struct batch *batch, struct dd_directory **held, uint32_t id)
{
	struct dd_verify *verify = batch->verify;
	struct dd_place place = { .kind = DD_AT_BLOB };
	struct dd_verified verified;
	struct dd_info info;

	dd_ids_get(&verify->graph->ids, id, &place.digest);
	/* What cannot be looked at is told by who reads it. */
	if (dd_store_stat_near(verify->store, held, &place, &info, NULL) < 0)
		return 0;
	verify->sizes[id] = info.size;
	if (!dd_index_get_verified(verify->options.index, &place.digest, &info.stamp, &verified)) {
		/* The index is not what it was; that run knew of the blob, which is as it was. */
		if (dd_index_may_remember(&info, verify->earlier.began_ns))
			verify->whens[id] = known_time(verify, verify->earlier.oldest_ns);
		return 0;
	}
	batch->found++;
	verify->whens[id] = known_time(verify, verified.when_ns);
	if (info.type != DD_ENTRY_FILE || !still_counts(verify, &verified) ||
	    dd_verify_may_be_meant(verify, id))
		return 0;
	verify->verdicts[id] = DD_BLOB_GOOD;
	batch->sum.blobs++;
	batch->sum.verified_blobs++;
	batch->sum.verified_bytes += info.size;
	batch->sum.remembered_blobs++;
	batch->sum.remembered_bytes += info.size;
	return dd_verify_saw(verify, &batch->owners, &info, &place) < 0 ? DD_ENOMEM : 1;
}

static void recall_batch(void *arg)
{
	struct batch *batch = arg;
	struct dd_verify *verify = batch->verify;
	DD_CLEANUP(dd_directory_closep) struct dd_directory *held = NULL;
	struct dd_error err = { 0 };

	for (size_t i = 0; i < batch->count && !dd_verify_stopped(verify); i++) {
		int rc = recall(batch, &held, batch->ids[i]);

		if (rc < 0)
			dd_verify_stop(verify, dd_fail(&err, rc, 0, "look at blobs"), &err);
		if (rc > 0)
			batch->ids[i] = DD_NO_ID;
	}
	dd_progress_add(verify->ctx, batch->count);
	pthread_mutex_lock(&verify->lock);
#define X(name, member, text) verify->summary.member += batch->sum.member;
	DD_VERIFY_TOTALS(X)
#undef X
	dd_owners_merge(&verify->owners, &batch->owners);
	*batch->known += batch->found;
	pthread_mutex_unlock(&verify->lock);
	free(batch);
}

static int recall_all(struct dd_verify *verify, uint32_t *ids, size_t count, uint64_t *known,
		      struct dd_error *err)
{
	DD_CLEANUP(dd_jobs_closep) struct dd_jobs *jobs = NULL;
	int rc = dd_jobs_open(verify->ctx, &jobs, err);

	if (rc < 0)
		return rc;
	dd_progress_begin(verify->ctx, "remembering", count);
	for (size_t at = 0; at < count; at += BATCH) {
		struct batch *batch = calloc(1, sizeof(*batch));

		if (!batch)
			return dd_fail(err, DD_ENOMEM, 0, "look at blobs");
		batch->verify = verify;
		batch->known = known;
		batch->ids = ids + at;
		batch->count = count - at < BATCH ? count - at : BATCH;
		dd_jobs_add(jobs, recall_batch, batch);
	}
	dd_jobs_closep(&jobs);
	dd_progress_end(verify->ctx);
	if (verify->rc < 0 && err)
		*err = verify->error;
	return verify->rc;
}

/* ---- what is gone is forgotten ---- */

struct gone {
	const struct dd_graph *graph;
	DD_LIST(struct dd_digest) digests;
};

static int see_remembered(void *arg, const struct dd_verified_blob *blob, struct dd_error *err)
{
	struct gone *gone = arg;
	uint32_t id = dd_ids_find(&gone->graph->ids, &blob->digest);
	struct dd_digest *slot;

	if (id != DD_NO_ID && gone->graph->nodes.items[id].flags & DD_NODE_PRESENT)
		return 0;
	slot = dd_list_add(&gone->digests);
	if (!slot)
		return dd_fail(err, DD_ENOMEM, 0, "forget what is gone");
	*slot = blob->digest;
	return 0;
}

/*
 * Only who has seen all of the volume knows what is gone; and if all that is remembered was found as it
 * is remembered, nothing is.
 */
static int forget_what_is_gone(struct dd_verify *verify, uint64_t known, struct dd_error *err)
{
	struct gone gone = { .graph = verify->graph };
	int rc;

	if (known == dd_index_count_verified(verify->options.index) || verify->options.reference ||
	    verify->survey->unreadable || !dd_index_is_writable(verify->options.index))
		return 0;
	rc = dd_index_visit_verified(verify->options.index, see_remembered, &gone, err);
	if (rc == 0 && gone.digests.count)
		rc = dd_index_forget(verify->options.index, gone.digests.items, gone.digests.count,
				     err);
	dd_list_release(&gone.digests);
	return rc;
}

static bool find_earlier_run(struct dd_verify *verify)
{
	struct dd_error err = { 0 };
	int rc = dd_runs_find_whole(verify->options.index, &verify->earlier, &err);

	if (rc < 0)
		dd_log(verify->ctx, DD_LOG_WARNING, "%s", err.text);
	/* What has come since would look as if that run had seen it. */
	if (verify->earlier.began_ns > verify->now_ns)
		verify->earlier = (struct dd_verify_run){ 0 };
	return rc > 0;
}

int dd_verify_recall(struct dd_verify *verify, uint32_t *ids, size_t *count, struct dd_error *err)
{
	uint64_t known = atomic_load(&verify->known);
	size_t kept = 0;
	int rc;

	if (!verify->options.index)
		return 0;
	verify->whens = calloc(verify->graph->nodes.count + 1, sizeof(*verify->whens));
	if (!verify->whens)
		return dd_fail(err, DD_ENOMEM, 0, "remember blobs");
	if (!find_earlier_run(verify) && !dd_index_count_verified(verify->options.index))
		return 0;
	rc = recall_all(verify, ids, *count, &known, err);
	if (rc == 0)
		rc = forget_what_is_gone(verify, known, err);
	for (size_t i = 0; i < *count && rc == 0; i++)
		if (ids[i] != DD_NO_ID)
			ids[kept++] = ids[i];
	if (rc == 0)
		*count = kept;
	return rc;
}

/* ---- what this run reads ---- */

/* With memory_lock held. */
static int put(struct dd_verify *verify, struct dd_error *err)
{
	int rc = verify->learnt.count ?
			 dd_index_put_verified(verify->options.index, verify->learnt.items,
					       verify->learnt.count, err) :
			 0;

	verify->learnt.count = 0;
	return rc;
}

/* With memory_lock held. */
static bool is_due(struct dd_verify *verify)
{
	int64_t now_ns = dd_time_steady();

	if (verify->learnt.count == 1)
		verify->learnt_ns = now_ns;
	return verify->learnt.count >= LEARNT || now_ns - verify->learnt_ns >= LEARNT_NS;
}

void dd_verify_learn(struct dd_verify *verify, uint32_t id, const struct dd_info *info,
		     int64_t read_ns, bool good)
{
	struct dd_verified_blob *blob;
	struct dd_error err;
	int rc = 0;

	if (!verify->whens)
		return;
	verify->whens[id] = read_ns;
	if (!dd_index_is_writable(verify->options.index) || !dd_index_may_remember(info, read_ns))
		return;
	dd_error_clear(&err);
	pthread_mutex_lock(&verify->memory_lock);
	blob = dd_list_add(&verify->learnt);
	if (blob) {
		dd_ids_get(&verify->graph->ids, id, &blob->digest);
		blob->verified =
			(struct dd_verified){ info->stamp, read_ns, info->size,
					      good ? DD_VERDICT_GOOD : DD_VERDICT_CORRUPT };
	}
	if (is_due(verify))
		rc = put(verify, &err);
	pthread_mutex_unlock(&verify->memory_lock);
	if (rc < 0)
		dd_verify_stop(verify, rc, &err);
}

void dd_verify_learn_proof(struct dd_verify *verify, const struct dd_proof *proof)
{
	const struct dd_info info = { .type = DD_ENTRY_FILE,
				      .size = proof->size,
				      .stamp = proof->stamp };

	if (!proof->remembered)
		dd_verify_learn(verify, proof->id, &info, proof->read_ns, true);
	else if (verify->whens)
		verify->whens[proof->id] = proof->read_ns;
}

int64_t dd_verify_when_proved(struct dd_verify *verify, const struct dd_digest *digest,
			      const struct dd_info *info)
{
	struct dd_verified verified;

	if (!dd_index_get_verified(verify->options.index, digest, &info->stamp, &verified))
		return 0;
	atomic_fetch_add_explicit(&verify->known, 1, memory_order_relaxed);
	return still_counts(verify, &verified) ? verified.when_ns : 0;
}

int dd_verify_settle_audit(struct dd_verify *verify, bool whole, struct dd_error *err)
{
	return verify->audited ? dd_index_settle(verify->audited, whole, err) : 0;
}

int dd_verify_remember(struct dd_verify *verify, struct dd_error *err)
{
	int rc = 0;

	if (verify->options.index) {
		pthread_mutex_lock(&verify->memory_lock);
		rc = put(verify, err);
		pthread_mutex_unlock(&verify->memory_lock);
	}
	return rc;
}

int dd_verify_record_run(struct dd_verify *verify, struct dd_error *err)
{
	const struct dd_verify_summary *summary = &verify->summary;
	const struct dd_verify_run run = { .began_ns = summary->began_ns,
					   .ended_ns = summary->ended_ns,
					   .read_blobs = summary->read_blobs,
					   .read_bytes = summary->read_bytes,
					   .left_blobs = summary->left_blobs,
					   .never_blobs = summary->never_blobs,
					   .unseen = summary->unseen + verify->survey->unreadable,
					   .errors = summary->errors,
					   .oldest_ns = summary->oldest_ns };

	if (!verify->options.index || verify->options.reference || verify->options.quick)
		return 0;
	return dd_runs_add(verify->options.index, &run, err);
}

void dd_verify_find_oldest(struct dd_verify *verify)
{
	struct dd_verify_summary *summary = &verify->summary;

	if (!verify->whens)
		return;
	for (uint32_t id = 0; id < verify->graph->nodes.count; id++) {
		if (verify->verdicts[id] == DD_BLOB_NONE || verify->verdicts[id] == DD_BLOB_GONE)
			continue;
		if (!verify->whens[id])
			summary->never_blobs++;
		else if (!summary->oldest_ns || verify->whens[id] < summary->oldest_ns)
			summary->oldest_ns = verify->whens[id];
	}
}
