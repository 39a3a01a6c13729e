/*
 * The engine: many threads take blobs, a large one or a batch of small ones at a time, read and hash
 * them. A small one is read whole by one call; a large one goes by in blocks that stay in the
 * processor's cache. Nothing is mapped, though that would spare the copy: a file that is cut meanwhile
 * would end us.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/limits.h"

#define BATCH 64
#define SMALL ((uint64_t)64 << 10) /* read by one call */
#define BLOCK ((size_t)1 << 20)	   /* the kernel copies much at once faster than little */
#define TOLD ((uint64_t)64 << 10)  /* of progress; all threads add to one number */
#define PAGE ((size_t)4096)	   /* the kernel copies faster to where one begins */

/* A write in flight is soon done. */
#define FLIGHT_NS (60 * DD_SECOND)
#define FLIGHT_TRIES 5
#define FLIGHT_PAUSE_NS (50 * 1000 * 1000)

/* What all threads share. */
struct engine {
	struct dd_verify *verify;
	const struct dd_work *work;
	struct dd_limits limits;
	pthread_mutex_t lock; /* of cursor */
	size_t cursor;
};

/* What one thread has for itself. */
struct hand {
	struct engine *engine;
	struct dd_verify *verify;
	struct dd_hasher *hashers[DD_ALGORITHM_COUNT];
	struct dd_buffer buffer;
	unsigned char *block;
	struct dd_directory *shard; /* that of the last blob */
	unsigned shard_key;
	bool no_shards;	 /* the order is that of places: each blob's is another */
	uint64_t untold; /* bytes that are no progress yet */
	struct dd_owners owners;
	struct dd_verify_summary sum; /* what this thread did */
};

/* A blob, as it is looked at. */
struct look {
	uint32_t id;
	struct dd_place place;
	int64_t read_ns;     /* CLOCK_REALTIME, when the reading began */
	struct dd_info info; /* before it was read */
	struct dd_digest got;
	struct dd_hasher *also;	 /* by sha512, for somebody who looks for it; NULL */
	struct dd_digest strong; /* what that came to */
	uint64_t bytes;		 /* that were read */
};

/* ---- one blob ---- */

static struct dd_directory *shard_of(struct hand *hand, const struct dd_place *place)
{
	unsigned key = ((unsigned)place->digest.alg + 1) << 8 | place->digest.bytes[0];
	struct dd_place shard = { .kind = DD_IN_SHARD, .digest = place->digest };

	if (hand->no_shards) {
		key = 0;
		shard = (struct dd_place){ .kind = DD_IN_BLOBS };
	}
	if (key == hand->shard_key && hand->shard)
		return hand->shard;
	dd_directory_closep(&hand->shard);
	hand->shard_key = key;
	dd_store_open_directory(hand->verify->store, &shard, &hand->shard, NULL);
	return hand->shard;
}

static int feed(struct dd_hasher *hasher, const struct look *look, const void *bytes, size_t len,
		struct dd_error *err)
{
	int rc = dd_hasher_add(hasher, bytes, len, err);

	return rc == 0 && look->also ? dd_hasher_add(look->also, bytes, len, err) : rc;
}

static int hash_stream(struct hand *hand, struct dd_hasher *hasher, struct look *look,
		       struct dd_error *err)
{
	DD_CLEANUP(dd_reader_closep) struct dd_reader *reader = NULL;
	int rc = dd_store_open_reader(hand->verify->store, &look->place, &reader, &look->info, err);

	if (rc < 0)
		return rc;
	if (!hand->block && !(hand->block = aligned_alloc(PAGE, BLOCK)))
		return dd_fail(err, DD_ENOMEM, 0, "read a blob");
	dd_reader_pass_through(reader);
	for (;;) {
		uint64_t left = look->info.size > look->bytes ? look->info.size - look->bytes : 0;
		int64_t got;

		rc = dd_context_check(hand->verify->ctx, err);
		if (rc == 0 && left)
			rc = dd_limits_wait(&hand->engine->limits, left < BLOCK ? left : BLOCK,
					    err);
		if (rc < 0)
			return rc;
		got = dd_reader_read(reader, hand->block, BLOCK, err);
		if (got <= 0)
			return (int)got;
		look->bytes += (uint64_t)got;
		/* It has grown since; who writes might go on for ever. */
		if (look->bytes > look->info.size)
			return DD_ECHANGED;
		dd_progress_add(hand->verify->ctx, (uint64_t)got);
		rc = feed(hasher, look, hand->block, (size_t)got, err);
		if (rc < 0)
			return rc;
	}
}

static void tell_progress(struct hand *hand)
{
	if (hand->untold)
		dd_progress_add(hand->verify->ctx, hand->untold);
	hand->untold = 0;
}

static int hash_small(struct hand *hand, struct dd_hasher *hasher, struct look *look,
		      struct dd_error *err)
{
	struct dd_directory *shard = shard_of(hand, &look->place);
	int rc = shard ? dd_directory_read(shard, &look->place, SMALL, &hand->buffer, &look->info,
					   err) :
			 dd_store_read(hand->verify->store, &look->place, SMALL, &hand->buffer,
				       &look->info, err);

	if (rc == 0)
		rc = dd_limits_wait(&hand->engine->limits, hand->buffer.len, err);
	if (rc < 0)
		return rc;
	look->bytes = hand->buffer.len;
	hand->untold += look->bytes;
	if (hand->untold >= TOLD)
		tell_progress(hand);
	return feed(hasher, look, hand->buffer.bytes, hand->buffer.len, err);
}

static int take_hasher(struct hand *hand, unsigned alg, struct dd_hasher **hasher,
		       struct dd_error *err)
{
	int rc = 0;

	if (!hand->hashers[alg])
		rc = dd_hasher_open(&hand->hashers[alg], (enum dd_algorithm)alg, err);
	*hasher = hand->hashers[alg];
	return rc;
}

static int hash(struct hand *hand, struct look *look, struct dd_error *err)
{
	struct dd_hasher *hasher;
	int rc = take_hasher(hand, look->place.digest.alg, &hasher, err);

	if (rc == 0 && look->place.digest.alg == DD_SHA256 &&
	    dd_verify_is_candidate(hand->verify, look->id))
		rc = take_hasher(hand, DD_SHA512, &look->also, err);
	if (rc < 0)
		return rc;
	look->bytes = 0;
	look->read_ns = dd_time_now();
	rc = DD_ETOOBIG;
	if (hand->verify->sizes[look->id] <= SMALL)
		rc = hash_small(hand, hasher, look, err);
	if (rc == DD_ETOOBIG)
		rc = hash_stream(hand, hasher, look, err);
	/* In any case, for the next one. */
	if (look->also)
		dd_hasher_final(look->also, &look->strong, NULL);
	if (rc < 0) {
		dd_hasher_final(hasher, &look->got, NULL);
		return rc;
	}
	return dd_hasher_final(hasher, &look->got, err);
}

static bool is_young(const struct dd_verify *verify, const struct dd_info *info)
{
	return dd_time_now() - info->mtime_ns < FLIGHT_NS || info->mtime_ns > verify->now_ns;
}

/*
 * Until what was read matches, or it is certain that it does not: DD_ECORRUPT. What goes on changing
 * is DD_ECHANGED.
 */
static int prove(struct hand *hand, struct look *look, struct dd_error *err)
{
	struct dd_stamp before = { 0 };

	for (int i = 0;; i++) {
		struct dd_info now = { 0 };
		bool changed;
		int rc = hash(hand, look, err);

		if (rc < 0 && rc != DD_ECHANGED)
			return rc;
		if (rc == 0 && dd_digest_equal(&look->got, &look->place.digest))
			return 0;
		changed = rc == DD_ECHANGED;
		dd_error_clear(err);
		rc = dd_store_stat(hand->verify->store, &look->place, &now, err);
		if (rc < 0)
			return rc;
		changed |= !dd_stamp_equal(&now.stamp, &look->info.stamp) ||
			   now.size != look->bytes || (i && !dd_stamp_equal(&now.stamp, &before));
		if (!changed && (i == FLIGHT_TRIES || !is_young(hand->verify, &now)))
			return DD_ECORRUPT;
		if (i == FLIGHT_TRIES)
			return DD_ECHANGED;
		before = now.stamp;
		rc = dd_limits_nap(hand->verify->ctx, FLIGHT_PAUSE_NS, err);
		if (rc < 0)
			return rc;
	}
}

/* ---- what became of it ---- */

static int report(struct hand *hand, const struct look *look, enum dd_finding finding,
		  const char *expected, const char *found, struct dd_error *err)
{
	const struct dd_evidence evidence = { .finding = finding,
					      .place = &look->place,
					      .id = look->id,
					      .repository = DD_NO_ID,
					      .expected = expected,
					      .found = found };

	return dd_verify_report(hand->verify, &evidence, err);
}

static int report_corrupt(struct hand *hand, const struct look *look, struct dd_error *err)
{
	uint64_t size = hand->verify->graph->nodes.items[look->id].size;
	char expected[DD_DIGEST_TEXT + 64], found[DD_DIGEST_TEXT + 64];
	int len;

	dd_digest_format(&look->place.digest, expected);
	len = snprintf(found, sizeof(found), "%s, ", dd_digest_text(&look->got));
	snprintf(found + len, sizeof(found) - (size_t)len, "%llu bytes",
		 (unsigned long long)look->bytes);
	len = (int)strlen(expected);
	if (size)
		snprintf(expected + len, sizeof(expected) - (size_t)len, ", %llu bytes",
			 (unsigned long long)size);
	return report(hand, look, look->bytes ? DD_FOUND_BLOB_CORRUPT : DD_FOUND_BLOB_EMPTY,
		      expected, look->bytes ? found : "no bytes", err);
}

struct remains {
	struct hand *hand;
	const struct look *look;
};

static int see_remains(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	const struct remains *remains = arg;

	return dd_survey_add_temp(remains->hand->verify->survey, remains->hand->verify->store,
				  &remains->look->place, entry->name, err);
}

/* Its directory was seen by the walk: it is still there, empty, or went with the blob. */
static int report_absent(struct hand *hand, const struct look *look, struct dd_error *err)
{
	struct dd_verify *verify = hand->verify;
	struct remains remains = { hand, look };
	int rc;

	verify->verdicts[look->id] = DD_BLOB_GONE;
	if (!(verify->graph->nodes.items[look->id].flags & DD_NODE_PRESENT))
		return 0;
	rc = dd_store_list_owner(verify->store, &look->place, see_remains, &remains, err);
	if (rc == DD_ENOENT) {
		dd_error_clear(err);
		return 0;
	}
	return rc < 0 ? rc : report(hand, look, DD_FOUND_BLOB_NO_DATA, NULL, NULL, err);
}

static int conclude(struct hand *hand, struct look *look, int rc, const struct dd_error *why,
		    struct dd_error *err)
{
	struct dd_verify *verify = hand->verify;
	const struct dd_evidence failure = { .finding = DD_FOUND_BLOB_UNREADABLE,
					     .place = &look->place,
					     .id = look->id,
					     .repository = DD_NO_ID };

	if (rc == DD_ENOMEM || rc == DD_ECANCELLED) {
		if (err)
			*err = *why;
		return rc;
	}
	if (rc == DD_ENOENT)
		return report_absent(hand, look, err);
	hand->sum.blobs++;
	if (rc == 0 || rc == DD_ECORRUPT || rc == DD_ECHANGED) {
		hand->sum.read_blobs++;
		hand->sum.read_bytes += look->bytes;
	}
	verify->verdicts[look->id] = DD_BLOB_LEFT;
	if (rc == DD_ECHANGED) {
		hand->sum.changed_blobs++;
		return 0;
	}
	if (rc != 0 && rc != DD_ECORRUPT)
		return dd_verify_report_failure(verify, &failure, rc, why, err);
	dd_verify_was_read(verify, look->id, &look->info, look->read_ns, rc == 0);
	if (rc == DD_ECORRUPT)
		return report_corrupt(hand, look, err);
	if (look->also)
		dd_verify_offer(verify, look->id, &look->strong);
	hand->sum.verified_blobs++;
	hand->sum.verified_bytes += look->bytes;
	return 0;
}

static int verify_blob(struct hand *hand, uint32_t id, struct dd_error *err)
{
	struct look look = { .id = id, .place = { .kind = DD_AT_BLOB } };
	struct dd_error why;
	int rc;

	dd_error_clear(&why);
	dd_ids_get(&hand->verify->graph->ids, id, &look.place.digest);
	rc = prove(hand, &look, &why);
	if (rc == 0)
		rc = dd_verify_saw(hand->verify, &hand->owners, &look.info, &look.place);
	if (rc == DD_ENOMEM && !why.code)
		dd_fail(&why, rc, 0, "look at blobs");
	return conclude(hand, &look, rc, &why, err);
}

/* ---- the threads ---- */

/* The next blobs of the order: a large one, or small ones. */
static size_t take(struct engine *engine, size_t *first)
{
	const struct dd_work *work = engine->work;
	size_t count = 1;

	pthread_mutex_lock(&engine->lock);
	*first = engine->cursor;
	if (*first >= work->large)
		count = work->ids.count - *first < BATCH ? work->ids.count - *first : BATCH;
	engine->cursor += count;
	pthread_mutex_unlock(&engine->lock);
	return count;
}

/* Not read: a limit was reached, or the run ends early. */
static void leave(struct hand *hand, uint32_t id)
{
	struct dd_verify *verify = hand->verify;

	hand->sum.blobs++;
	hand->sum.left_blobs++;
	hand->sum.left_bytes += verify->sizes[id];
	verify->verdicts[id] = DD_BLOB_LEFT;
}

static void add_up(struct hand *hand)
{
	struct dd_verify *verify = hand->verify;

	pthread_mutex_lock(&verify->lock);
#define X(name, member, text) verify->summary.member += hand->sum.member;
	DD_VERIFY_TOTALS(X)
#undef X
	dd_owners_merge(&verify->owners, &hand->owners);
	pthread_mutex_unlock(&verify->lock);
}

static void work(void *arg)
{
	struct dd_verify *verify = ((struct engine *)arg)->verify;
	struct hand hand = { .engine = arg, .verify = verify, .no_shards = verify->places };
	const struct dd_work *todo = hand.engine->work;
	struct dd_error err = { 0 };
	size_t first, count;
	int rc = 0;

	while (rc == 0 && (count = take(hand.engine, &first)) > 0 && first < todo->ids.count)
		for (size_t i = first; i < first + count && rc == 0; i++) {
			uint32_t id = todo->ids.items[i];

			dd_verify_prefetch(hand.verify, todo->ids.items, todo->ids.count, i);
			rc = dd_verify_stopped(hand.verify) ?
				     DD_ECANCELLED :
				     dd_limits_begin(&hand.engine->limits, hand.verify->sizes[id],
						     &err);
			if (rc > 0)
				rc = verify_blob(&hand, id, &err);
			else if (rc == 0)
				leave(&hand, id);
		}
	if (rc < 0 && err.code)
		dd_verify_stop(hand.verify, rc, &err);
	tell_progress(&hand);
	add_up(&hand);
	for (int i = 0; i < DD_ALGORITHM_COUNT; i++)
		dd_hasher_closep(&hand.hashers[i]);
	dd_directory_closep(&hand.shard);
	dd_buffer_release(&hand.buffer);
	free(hand.block);
}

/* What nobody came to. Whoever asks later how old the oldest verification is must not miss it. */
static void leave_the_rest(struct engine *engine)
{
	struct hand hand = { .engine = engine, .verify = engine->verify };

	for (size_t i = 0; i < engine->work->ids.count; i++)
		if (engine->verify->verdicts[engine->work->ids.items[i]] == DD_BLOB_NONE)
			leave(&hand, engine->work->ids.items[i]);
	add_up(&hand);
}

int dd_verify_read_blobs(struct dd_verify *verify, const struct dd_work *todo, struct dd_error *err)
{
	struct engine engine = { .verify = verify, .work = todo };
	DD_CLEANUP(dd_jobs_closep) struct dd_jobs *jobs = NULL;
	uint64_t limit = verify->options.max_bytes;
	int rc = dd_jobs_open(verify->ctx, &jobs, err);

	if (rc < 0)
		return rc;
	pthread_mutex_init(&engine.lock, NULL);
	dd_limits_init(&engine.limits, verify->ctx, &verify->options);
	dd_progress_begin_bytes(verify->ctx, "reading",
				limit && limit < todo->bytes ? limit : todo->bytes);
	for (unsigned i = 0; i < dd_context_get_jobs(verify->ctx); i++)
		dd_jobs_add(jobs, work, &engine);
	dd_jobs_closep(&jobs);
	dd_progress_end(verify->ctx);
	leave_the_rest(&engine);
	pthread_mutex_destroy(&engine.lock);
	verify->summary.reading_ns = dd_limits_clock() - engine.limits.began_ns;
	verify->summary.waited_ns = engine.limits.waited_ns;
	dd_limits_release(&engine.limits);
	if (verify->rc < 0 && err)
		*err = verify->error;
	return verify->rc;
}
