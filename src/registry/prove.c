/*
 * What is known of blobs' bytes.
 *
 * What was found out since the index was opened lies in a table of fixed size, a few places for each
 * hash: the oldest of them goes when another comes. What goes is not lost, but found again in the index
 * at the next start, or by reading. The index gets what is new by the thousand, and at the end.
 */
#include <pthread.h>
#include <string.h>

#include <drydock/units.h>

#include "base/list.h"
#include "registry/prove.h"
#include "registry/registry.h"

#define SETS 4096 /* a power of two */
#define WAYS 8
#define LOCKS 64
#define BATCH 4096		   /* verdicts that are put into the index at once */
#define PUT_EVERY (60 * DD_SECOND) /* or when so long has passed */
#define BLOCK ((size_t)1 << 20)

struct known {
	struct dd_digest digest;
	bool taken;
	bool corrupt;
	struct dd_stamp stamp;
};

struct set {
	struct known *ways; /* WAYS of them, made when the first is needed */
	unsigned oldest;
};

/* Somebody reads a blob; whoever comes meanwhile waits for what he finds. */
struct reading {
	struct reading *next;
	struct dd_digest digest;
	struct dd_stamp stamp;
	unsigned waiting;
	bool done;
	int rc;
	struct dd_info info;
};

struct dd_proofs {
	pthread_mutex_t locks[LOCKS];
	struct set sets[SETS];

	pthread_mutex_t reading_lock;
	pthread_cond_t read;
	struct reading *readings;

	pthread_mutex_t fresh_lock; /* around the list */
	pthread_mutex_t put_lock;   /* around the index: one writes at a time */
	DD_LIST(struct dd_verified_blob) fresh;
	int64_t put_ns;
};

int dd_proofs_open(struct dd_registry *registry, struct dd_error *err)
{
	struct dd_proofs *proofs = calloc(1, sizeof(*proofs));

	if (!proofs)
		return dd_fail(err, DD_ENOMEM, 0, "remember what was verified");
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_init(&proofs->locks[i], NULL);
	pthread_mutex_init(&proofs->reading_lock, NULL);
	pthread_cond_init(&proofs->read, NULL);
	pthread_mutex_init(&proofs->fresh_lock, NULL);
	pthread_mutex_init(&proofs->put_lock, NULL);
	proofs->put_ns = dd_time_now();
	registry->proofs = proofs;
	return 0;
}

/* ---- the index ---- */

static void put_into_index(struct dd_registry *registry, bool wait)
{
	struct dd_proofs *proofs = registry->proofs;
	DD_LIST(struct dd_verified_blob) batch;
	struct dd_error err = { 0 };

	if (wait)
		pthread_mutex_lock(&proofs->put_lock);
	else if (pthread_mutex_trylock(&proofs->put_lock))
		return;
	pthread_mutex_lock(&proofs->fresh_lock);
	memcpy(&batch, &proofs->fresh, sizeof(batch));
	memset(&proofs->fresh, 0, sizeof(proofs->fresh));
	proofs->put_ns = dd_time_now();
	pthread_mutex_unlock(&proofs->fresh_lock);
	if (batch.count &&
	    dd_index_put_verified(registry->index, batch.items, batch.count, &err) < 0)
		dd_log(registry->ctx, DD_LOG_WARNING, "what was verified is not remembered: %s",
		       err.text);
	dd_list_release(&batch);
	pthread_mutex_unlock(&proofs->put_lock);
}

static void keep_for_index(struct dd_registry *registry, const struct dd_digest *digest,
			   const struct dd_info *info, enum dd_verdict verdict)
{
	struct dd_proofs *proofs = registry->proofs;
	struct dd_verified_blob *blob;
	bool full;

	if (!dd_index_is_writable(registry->index))
		return;
	pthread_mutex_lock(&proofs->fresh_lock);
	blob = dd_list_add(&proofs->fresh);
	if (blob)
		*blob = (struct dd_verified_blob){ *digest,
						   { .stamp = info->stamp,
						     .when_ns = dd_time_now(),
						     .size = info->size,
						     .verdict = verdict } };
	full = !blob || proofs->fresh.count >= BATCH || dd_time_now() - proofs->put_ns > PUT_EVERY;
	pthread_mutex_unlock(&proofs->fresh_lock);
	if (full)
		put_into_index(registry, false);
}

void dd_proofs_close(struct dd_registry *registry)
{
	struct dd_proofs *proofs = registry->proofs;

	if (!proofs)
		return;
	put_into_index(registry, true);
	for (size_t i = 0; i < SETS; i++)
		free(proofs->sets[i].ways);
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&proofs->locks[i]);
	pthread_mutex_destroy(&proofs->reading_lock);
	pthread_cond_destroy(&proofs->read);
	pthread_mutex_destroy(&proofs->fresh_lock);
	pthread_mutex_destroy(&proofs->put_lock);
	free(proofs);
	registry->proofs = NULL;
}

/* ---- the table ---- */

static struct set *lock_set(struct dd_proofs *proofs, const struct dd_digest *digest,
			    pthread_mutex_t **lock)
{
	size_t at = dd_digest_start(digest) & (SETS - 1);

	*lock = &proofs->locks[at % LOCKS];
	pthread_mutex_lock(*lock);
	return &proofs->sets[at];
}

static struct known *find(const struct set *set, const struct dd_digest *digest)
{
	for (size_t i = 0; set->ways && i < WAYS; i++)
		if (set->ways[i].taken && dd_digest_equal(&set->ways[i].digest, digest))
			return &set->ways[i];
	return NULL;
}

static bool recall(struct dd_proofs *proofs, const struct dd_digest *digest,
		   const struct dd_stamp *stamp, enum dd_verdict *verdict)
{
	pthread_mutex_t *lock;
	struct known *known = find(lock_set(proofs, digest, &lock), digest);
	bool found = known && dd_stamp_equal(&known->stamp, stamp);

	if (found)
		*verdict = known->corrupt ? DD_VERDICT_CORRUPT : DD_VERDICT_GOOD;
	pthread_mutex_unlock(lock);
	return found;
}

/* False: it was known already. What there is no memory for is read again. */
static bool remember(struct dd_proofs *proofs, const struct dd_digest *digest,
		     const struct dd_stamp *stamp, enum dd_verdict verdict)
{
	pthread_mutex_t *lock;
	struct set *set = lock_set(proofs, digest, &lock);
	struct known *known = find(set, digest);
	bool is_new = !known || !dd_stamp_equal(&known->stamp, stamp);

	if (!known && !set->ways)
		set->ways = calloc(WAYS, sizeof(*set->ways));
	if (!known && set->ways)
		known = &set->ways[set->oldest++ % WAYS];
	if (known)
		*known = (struct known){ *digest, true, verdict == DD_VERDICT_CORRUPT, *stamp };
	pthread_mutex_unlock(lock);
	return is_new;
}

static void say_corrupt(struct dd_registry *registry, const struct dd_digest *digest)
{
	dd_registry_count(registry, corrupt);
	dd_log(registry->ctx, DD_LOG_ERROR,
	       "%s does not hold the bytes of its digest, and is not served; a push of it heals it",
	       dd_digest_text(digest));
	if (registry->found_corrupt)
		registry->found_corrupt(registry->found_arg, digest);
}

bool dd_proof_get(struct dd_registry *registry, const struct dd_digest *digest,
		  const struct dd_stamp *stamp, enum dd_verdict *verdict)
{
	struct dd_verified verified;

	if (recall(registry->proofs, digest, stamp, verdict))
		return true;
	if (!dd_index_get_verified(registry->index, digest, stamp, &verified))
		return false;
	*verdict = verified.verdict;
	/* Found out by an earlier run, and new to this one's log. */
	if (*verdict == DD_VERDICT_CORRUPT &&
	    remember(registry->proofs, digest, stamp, DD_VERDICT_CORRUPT))
		say_corrupt(registry, digest);
	return true;
}

/*
 * A time of modification in the future says nothing, and the index has none of it. While we live the time
 * of the last change is enough, which nobody can set: else such a file was read again by each request.
 */
static bool is_settled(const struct dd_info *info, int64_t read_ns)
{
	struct dd_info changed = *info;

	changed.mtime_ns = info->changed_ns;
	return dd_index_may_remember(&changed, read_ns);
}

void dd_proof_put(struct dd_registry *registry, const struct dd_digest *digest,
		  const struct dd_info *before, const struct dd_info *after, int64_t read_ns,
		  enum dd_verdict verdict)
{
	bool known = dd_stamp_equal(&before->stamp, &after->stamp) && is_settled(after, read_ns);
	bool is_new = !known || remember(registry->proofs, digest, &after->stamp, verdict);

	if (is_new && verdict == DD_VERDICT_CORRUPT)
		say_corrupt(registry, digest);
	if (is_new && verdict == DD_VERDICT_GOOD)
		dd_registry_count(registry, proved);
	if (is_new && known && dd_index_may_remember(after, read_ns))
		keep_for_index(registry, digest, after, verdict);
}

void dd_proof_put_own(struct dd_registry *registry, const struct dd_digest *digest,
		      const struct dd_info *info)
{
	/* Not for the index: nobody has read yet what the disk has of it. */
	remember(registry->proofs, digest, &info->stamp, DD_VERDICT_GOOD);
}

/* ---- reading ---- */

static int hash_file(struct dd_registry *registry, enum dd_algorithm alg, struct dd_reader *reader,
		     struct dd_digest *got, struct dd_error *err)
{
	DD_CLEANUP(dd_hasher_closep) struct dd_hasher *hasher = NULL;
	DD_AUTOFREE char *block = malloc(BLOCK);
	int64_t len = 1;
	int rc = block ? dd_hasher_open(&hasher, alg, err) :
			 dd_fail(err, DD_ENOMEM, 0, "verify a blob");

	while (rc == 0 && len > 0) {
		rc = dd_context_check(registry->ctx, err);
		if (rc == 0)
			len = dd_reader_read(reader, block, BLOCK, err);
		if (rc == 0)
			rc = len < 0 ? (int)len : dd_hasher_add(hasher, block, (size_t)len, err);
	}
	return rc < 0 ? rc : dd_hasher_final(hasher, got, err);
}

/* before: what was seen of the file when it was opened. */
static int read_through(struct dd_registry *registry, const struct dd_digest *digest,
			struct dd_reader *reader, const struct dd_info *before,
			struct dd_error *err)
{
	int64_t read_ns = dd_time_now();
	struct dd_info after;
	struct dd_digest got;
	int rc = hash_file(registry, (enum dd_algorithm)digest->alg, reader, &got, err);
	bool good = rc == 0 && dd_digest_equal(&got, digest);

	if (rc == 0)
		rc = dd_reader_stat(reader, &after, err);
	if (rc < 0)
		return dd_wrap(err, rc, "verify %s", dd_digest_text(digest));
	/* A new ctime alone is a name that came or went. */
	if (!dd_stamp_same_content(&before->stamp, &after.stamp))
		return dd_fail(err, DD_ECHANGED, 0, "%s was written to while it was verified",
			       dd_digest_text(digest));
	dd_proof_put(registry, digest, before, &after, read_ns,
		     good ? DD_VERDICT_GOOD : DD_VERDICT_CORRUPT);
	return good ? 0 :
		      dd_fail(err, DD_ECORRUPT, 0, "%s holds %s", dd_digest_text(digest),
			      dd_digest_text(&got));
}

static struct reading *find_reading(struct dd_proofs *proofs, const struct dd_digest *digest,
				    const struct dd_stamp *stamp)
{
	struct reading *reading;

	for (reading = proofs->readings; reading; reading = reading->next)
		if (dd_digest_equal(&reading->digest, digest) &&
		    dd_stamp_equal(&reading->stamp, stamp))
			return reading;
	return NULL;
}

/* The last of all who were concerned frees it. The lock is held. */
static void leave(struct dd_proofs *proofs, struct reading *reading)
{
	if (reading->waiting--)
		return;
	for (struct reading **at = &proofs->readings; *at; at = &(*at)->next)
		if (*at == reading) {
			*at = reading->next;
			break;
		}
	free(reading);
}

/* What somebody else finds out who is at it. False: nobody is. */
static bool wait_for_other(struct dd_proofs *proofs, const struct dd_digest *digest,
			   const struct dd_stamp *stamp, int *rc)
{
	struct reading *reading = find_reading(proofs, digest, stamp);

	if (!reading || reading->done)
		return false;
	reading->waiting++;
	while (!reading->done)
		pthread_cond_wait(&proofs->read, &proofs->reading_lock);
	*rc = reading->rc;
	leave(proofs, reading);
	return true;
}

static int read_for_all(struct dd_registry *registry, const struct dd_digest *digest,
			struct dd_reader *reader, const struct dd_info *info, struct dd_error *err)
{
	struct dd_proofs *proofs = registry->proofs;
	struct reading *reading;
	int rc;

	pthread_mutex_lock(&proofs->reading_lock);
	if (wait_for_other(proofs, digest, &info->stamp, &rc)) {
		pthread_mutex_unlock(&proofs->reading_lock);
		return rc < 0 ? dd_fail(err, rc, 0, "%s was found so by another request",
					dd_digest_text(digest)) :
				0;
	}
	reading = calloc(1, sizeof(*reading));
	if (reading) {
		reading->digest = *digest;
		reading->stamp = info->stamp;
		reading->next = proofs->readings;
		proofs->readings = reading;
	}
	pthread_mutex_unlock(&proofs->reading_lock);
	rc = read_through(registry, digest, reader, info, err);
	if (!reading)
		return rc;
	pthread_mutex_lock(&proofs->reading_lock);
	reading->rc = rc;
	reading->done = true;
	pthread_cond_broadcast(&proofs->read);
	leave(proofs, reading);
	pthread_mutex_unlock(&proofs->reading_lock);
	return rc;
}

int dd_prove(struct dd_registry *registry, const struct dd_digest *digest,
	     const struct dd_digest *stored, struct dd_info *info, struct dd_error *err)
{
	DD_CLEANUP(dd_reader_closep) struct dd_reader *reader = NULL;
	struct dd_place place = dd_blob_place(stored);
	enum dd_verdict verdict;
	struct dd_info own;
	int rc;

	if (!info)
		info = &own;
	rc = dd_store_open_reader(registry->store, &place, &reader, info, err);
	if (rc < 0)
		return rc;
	if (!dd_proof_get(registry, digest, &info->stamp, &verdict))
		return read_for_all(registry, digest, reader, info, err);
	return verdict == DD_VERDICT_GOOD ?
		       0 :
		       dd_fail(err, DD_ECORRUPT, 0, "%s was found to hold other bytes",
			       dd_digest_text(digest));
}
