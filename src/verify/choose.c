/*
 * What is to be read, and in which order. The one place that decides it, and the one that is told
 * what was read.
 */
#include <stdlib.h>

#include "verify/order.h"
#include "verify/verify.h"

#define BATCH 1024

/* What the survey has read and proved already is not read again. */
static bool was_proved(const struct dd_node *node)
{
	return (node->flags & DD_NODE_READ) && !(node->flags & DD_NODE_TRASHED);
}

/* A reference's blobs were not walked: each that it names is looked for. */
static bool may_be_there(const struct dd_verify *verify, uint32_t id)
{
	const struct dd_node *node = &verify->graph->nodes.items[id];

	if (verify->scope)
		return verify->scope[id];
	return (node->flags & (DD_NODE_PRESENT | DD_NODE_DOUBT)) ||
	       (verify->options.reference && !(node->flags & DD_NODE_MISSING));
}

static void accept(struct dd_verify *verify, const struct dd_proof *proof)
{
	struct dd_verify_summary *summary = &verify->summary;

	verify->verdicts[proof->id] = DD_BLOB_GOOD;
	verify->sizes[proof->id] = proof->size;
	summary->blobs++;
	summary->verified_blobs++;
	summary->verified_bytes += proof->size;
	*(proof->remembered ? &summary->remembered_blobs : &summary->read_blobs) += 1;
	*(proof->remembered ? &summary->remembered_bytes : &summary->read_bytes) += proof->size;
	dd_verify_learn_proof(verify, proof);
}

static void accept_proofs(struct dd_verify *verify)
{
	for (size_t i = 0; i < verify->proofs.count; i++)
		if (may_be_there(verify, verify->proofs.items[i].id))
			accept(verify, &verify->proofs.items[i]);
	dd_list_release(&verify->proofs);
}

/* ---- what nobody says of a blob: its size if no manifest names it, where it lies ---- */

struct batch {
	struct dd_verify *verify;
	const uint32_t *ids;
	size_t count;
};

static void look_at_files(void *arg)
{
	struct batch *batch = arg;
	struct dd_verify *verify = batch->verify;
	DD_CLEANUP(dd_directory_closep) struct dd_directory *held = NULL;

	for (size_t i = 0; i < batch->count && !dd_verify_stopped(verify); i++) {
		struct dd_place place = { .kind = DD_AT_BLOB };
		struct dd_info info;

		dd_ids_get(&verify->graph->ids, batch->ids[i], &place.digest);
		if (dd_store_stat_near(verify->store, &held, &place, &info, NULL) < 0)
			continue;
		verify->sizes[batch->ids[i]] = info.size;
		if (verify->places)
			verify->places[batch->ids[i]] = info.where;
	}
	free(batch);
}

static int look_at_all(struct dd_verify *verify, const uint32_t *ids, size_t count,
		       struct dd_error *err)
{
	DD_CLEANUP(dd_jobs_closep) struct dd_jobs *jobs = NULL;
	int rc = dd_jobs_open(verify->ctx, &jobs, err);

	for (size_t at = 0; at < count && rc == 0; at += BATCH) {
		struct batch *batch = malloc(sizeof(*batch));

		if (!batch)
			return dd_fail(err, DD_ENOMEM, 0, "choose blobs");
		*batch =
			(struct batch){ verify, ids + at, count - at < BATCH ? count - at : BATCH };
		dd_jobs_add(jobs, look_at_files, batch);
	}
	return rc;
}

static int learn_about(struct dd_verify *verify, const struct dd_work *work, struct dd_error *err)
{
	DD_LIST(uint32_t) unknown = { 0 };
	int rc = 0;

	for (size_t i = 0; i < work->ids.count && rc == 0; i++) {
		uint32_t *slot;

		if (verify->sizes[work->ids.items[i]] && !verify->places)
			continue;
		slot = dd_list_add(&unknown);
		if (slot)
			*slot = work->ids.items[i];
		else
			rc = dd_fail(err, DD_ENOMEM, 0, "choose blobs");
	}
	if (rc == 0 && unknown.count)
		rc = look_at_all(verify, unknown.items, unknown.count, err);
	dd_list_release(&unknown);
	return rc;
}

/* ---- the order ---- */

static unsigned shard_of(const struct dd_verify *verify, uint32_t id)
{
	const struct dd_ids *ids = &verify->graph->ids;

	return (unsigned)dd_ids_algorithm(ids, id) << 8 | dd_ids_first_byte(ids, id);
}

static int compare_sizes(const void *left, const void *right, void *arg)
{
	const struct dd_verify *verify = arg;
	uint64_t a = verify->sizes[*(const uint32_t *)left],
		 b = verify->sizes[*(const uint32_t *)right];

	return a < b ? 1 : a > b ? -1 : 0;
}

/*
 * The largest first, so that no thread is left with one while the others are done; the small ones a
 * shard after the other, whose directory is then opened once.
 */
static int put_in_order(struct dd_verify *verify, struct dd_work *work, struct dd_error *err)
{
	enum { SHARDS = DD_ALGORITHM_COUNT << 8 };
	uint32_t *ordered = malloc((work->ids.count + 1) * sizeof(*ordered));
	size_t starts[SHARDS + 1] = { 0 }, at = 0;

	if (!ordered)
		return dd_fail(err, DD_ENOMEM, 0, "choose blobs");
	for (size_t i = 0; i < work->ids.count; i++) {
		uint32_t id = work->ids.items[i];

		if (verify->sizes[id] >= DD_VERIFY_LARGE)
			ordered[at++] = id;
		else
			starts[shard_of(verify, id) + 1]++;
	}
	work->large = at;
	qsort_r(ordered, at, sizeof(*ordered), compare_sizes, verify);
	for (size_t i = 0; i < SHARDS; i++)
		starts[i + 1] += starts[i];
	for (size_t i = 0; i < work->ids.count; i++) {
		uint32_t id = work->ids.items[i];

		if (verify->sizes[id] < DD_VERIFY_LARGE)
			ordered[at + starts[shard_of(verify, id)]++] = id;
	}
	free(work->ids.items);
	work->ids.items = ordered;
	return 0;
}

static int compare_whens(const void *left, const void *right, void *arg)
{
	const int64_t *whens = arg, a = whens[*(const uint32_t *)left],
		      b = whens[*(const uint32_t *)right];

	return a != b ? (a < b ? -1 : 1) : 0;
}

/*
 * Where not all can be read, what was never read, or not for longest, goes first. Among equals chance
 * decides: without a memory of earlier runs that makes each run another sample.
 */
static void put_oldest_first(struct dd_verify *verify, struct dd_work *work, uint64_t seed)
{
	for (size_t i = work->ids.count; i > 1; i--) {
		uint32_t *a = &work->ids.items[i - 1], *b, one = *a;

		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		b = &work->ids.items[(seed >> 33) % i];
		*a = *b;
		*b = one;
	}
	if (verify->whens)
		qsort_r(work->ids.items, work->ids.count, sizeof(*work->ids.items), compare_whens,
			verify->whens);
	work->large = work->ids.count;
}

/*
 * A disk that turns is read in the order of places. With a limit, what was read longest ago goes first
 * all the same; where that is not remembered a run begins at another place each time.
 */
static void put_in_places(struct dd_verify *verify, struct dd_work *work, bool limited)
{
	dd_order_by_place(work->ids.items, work->ids.count, verify->places,
			  limited ? verify->whens : NULL);
	if (limited && !verify->whens)
		dd_order_begin_anywhere(work->ids.items, work->ids.count,
					(uint64_t)verify->now_ns / 1000);
	work->large = work->ids.count;
}

/* Once sizes are known. */
static int decide_order(struct dd_verify *verify, struct dd_work *work, struct dd_error *err)
{
	bool limited = verify->options.max_bytes || verify->options.budget_ns;
	int rc = 0;

	if (verify->places)
		put_in_places(verify, work, limited);
	else
		rc = put_in_order(verify, work, err);
	if (rc == 0 && !verify->places && limited)
		put_oldest_first(verify, work, (uint64_t)verify->now_ns);
	return rc;
}

#define SAMPLE 32

/* Whether a disk would have to be asked for what is to be read; by a sample of it. */
static bool is_on_disk(struct dd_verify *verify, const struct dd_work *work)
{
	size_t step = work->ids.count / SAMPLE + 1;

	for (size_t i = 0; i < work->ids.count; i += step) {
		struct dd_place place = { .kind = DD_AT_BLOB };
		DD_CLEANUP(dd_reader_closep) struct dd_reader *reader = NULL;

		dd_ids_get(&verify->graph->ids, work->ids.items[i], &place.digest);
		if (dd_store_open_reader(verify->store, &place, &reader, NULL, NULL) == 0 &&
		    !dd_reader_is_cached(reader))
			return true;
	}
	return false;
}

static int see_whether_places_matter(struct dd_verify *verify, const struct dd_work *work,
				     struct dd_error *err)
{
	if (verify->options.quick || !dd_store_is_rotating(verify->store) ||
	    !is_on_disk(verify, work))
		return 0;
	verify->places = calloc(verify->graph->nodes.count + 1, sizeof(*verify->places));
	return verify->places ? 0 : dd_fail(err, DD_ENOMEM, 0, "choose blobs");
}

int dd_verify_choose(struct dd_verify *verify, struct dd_work *work, struct dd_error *err)
{
	const struct dd_graph *graph = verify->graph;
	int rc = 0;

	for (uint32_t id = 0; id < graph->nodes.count && rc == 0; id++) {
		const struct dd_node *node = &graph->nodes.items[id];
		uint32_t *slot;

		if (!may_be_there(verify, id) || was_proved(node))
			continue;
		verify->sizes[id] = node->size;
		slot = dd_list_add(&work->ids);
		if (slot)
			*slot = id;
		rc = slot ? 0 : dd_fail(err, DD_ENOMEM, 0, "choose blobs");
	}
	/* By shards first: those are looked at together. */
	if (rc == 0)
		rc = put_in_order(verify, work, err);
	if (rc == 0 && !verify->options.quick)
		rc = dd_verify_recall(verify, work->ids.items, &work->ids.count, err);
	if (rc == 0)
		accept_proofs(verify);
	if (rc == 0)
		rc = see_whether_places_matter(verify, work, err);
	if (rc == 0)
		rc = learn_about(verify, work, err);
	for (size_t i = 0; i < work->ids.count; i++)
		work->bytes += verify->sizes[work->ids.items[i]];
	if (rc == 0)
		rc = decide_order(verify, work, err);
	return rc;
}

void dd_verify_was_read(struct dd_verify *verify, uint32_t id, const struct dd_info *info,
			int64_t read_ns, bool good)
{
	verify->sizes[id] = info->size;
	verify->verdicts[id] = good ? DD_BLOB_GOOD : DD_BLOB_BAD;
	dd_verify_learn(verify, id, info, read_ns, good);
}
