/*
 * Repositories whose referrers are known.
 */
#include <pthread.h>
#include <string.h>

#include <drydock/units.h>

#include "graph/ids.h"
#include "registry/manifest.h"
#include "registry/prove.h"
#include "registry/reach.h"
#include "registry/referrers.h"
#include "registry/registry.h"

/* Bounds on what is kept for those who may ask again. */
#define REPOSITORIES_MAX 256
#define COST_MAX ((uint64_t)8 << 20)

struct known {
	struct known *next;
	unsigned users;
	uint64_t cost;	      /* bytes, roughly, as it was left last */
	pthread_mutex_t lock; /* of all that follows */
	struct {
		struct dd_stamp stamp; /* of the directory when it was listed */
		bool listed;	       /* and nothing can have changed within the same tick */
	} at[DD_ALGORITHM_COUNT];
	struct dd_ids seen;		  /* revisions */
	DD_LIST(struct dd_digest) silent; /* of these, those that said nothing yet */
	struct dd_referrers referrers;
	char repository[];
};

struct dd_referrer_cache {
	pthread_mutex_t lock;
	struct known *first; /* who was asked about last */
	size_t count;
	uint64_t cost;
};

int dd_referrers_open(struct dd_registry *registry, struct dd_error *err)
{
	registry->referrers = calloc(1, sizeof(*registry->referrers));
	if (!registry->referrers)
		return dd_fail(err, DD_ENOMEM, 0, "remember referrers");
	pthread_mutex_init(&registry->referrers->lock, NULL);
	return 0;
}

void dd_referrers_release(struct dd_referrers *referrers)
{
	for (size_t i = 0; i < referrers->list.count; i++)
		dd_referrer_release(&referrers->list.items[i]);
	dd_list_release(&referrers->list);
}

static void free_known(struct known *known)
{
	dd_referrers_release(&known->referrers);
	dd_list_release(&known->silent);
	dd_ids_release(&known->seen);
	pthread_mutex_destroy(&known->lock);
	free(known);
}

void dd_referrers_close(struct dd_registry *registry)
{
	struct dd_referrer_cache *cache = registry->referrers;

	if (!cache)
		return;
	while (cache->first) {
		struct known *known = cache->first;

		cache->first = known->next;
		free_known(known);
	}
	pthread_mutex_destroy(&cache->lock);
	free(cache);
	registry->referrers = NULL;
}

/* ---- which are kept ---- */

/* The last ones go that nobody is asking about. */
static void make_room(struct dd_referrer_cache *cache)
{
	struct known **at = &cache->first, **last;

	while (cache->count > REPOSITORIES_MAX || cache->cost > COST_MAX) {
		struct known *known;

		last = NULL;
		for (at = &cache->first; *at; at = &(*at)->next)
			if (!(*at)->users)
				last = at;
		if (!last)
			return;
		known = *last;
		*last = known->next;
		cache->count--;
		cache->cost -= known->cost;
		free_known(known);
	}
}

static struct known *new_known(const char *repository)
{
	size_t len = strlen(repository) + 1;
	struct known *known = calloc(1, sizeof(*known) + len);

	if (known) {
		pthread_mutex_init(&known->lock, NULL);
		memcpy(known->repository, repository, len);
	}
	return known;
}

/* Locked; the first of the list from now on. */
static struct known *take(struct dd_referrer_cache *cache, const char *repository)
{
	struct known **at = &cache->first, *known;

	pthread_mutex_lock(&cache->lock);
	while (*at && strcmp((*at)->repository, repository) != 0)
		at = &(*at)->next;
	known = *at;
	if (known) {
		*at = known->next;
	} else {
		known = new_known(repository);
		cache->count += known != NULL;
	}
	if (known) {
		known->next = cache->first;
		cache->first = known;
		known->users++;
	}
	pthread_mutex_unlock(&cache->lock);
	if (known)
		pthread_mutex_lock(&known->lock);
	return known;
}

static uint64_t cost_of(const struct known *known)
{
	uint64_t cost = sizeof(*known) + known->seen.room * UINT64_C(45) +
			known->silent.room * sizeof(struct dd_digest);

	for (size_t i = 0; i < known->referrers.list.count; i++)
		cost += sizeof(struct dd_referrer) + strlen(known->referrers.list.items[i].json);
	return cost;
}

static void give_back(struct dd_referrer_cache *cache, struct known *known)
{
	uint64_t cost = cost_of(known);

	pthread_mutex_unlock(&known->lock);
	pthread_mutex_lock(&cache->lock);
	cache->cost += cost - known->cost;
	known->cost = cost;
	known->users--;
	make_room(cache);
	pthread_mutex_unlock(&cache->lock);
}

/* ---- what is known ---- */

struct reading {
	struct dd_registry *registry;
	struct known *known;
	enum dd_algorithm alg;
	size_t listed; /* entries */
};

/* Whether reading it again could tell anything: bad bytes stay bad until their file changes. */
static bool is_known_bad(struct reading *reading, const struct dd_digest *digest)
{
	const struct dd_place place = dd_blob_place(digest);
	enum dd_verdict verdict;
	struct dd_info info;

	return dd_store_stat(reading->registry->store, &place, &info, NULL) < 0 ||
	       (dd_proof_get(reading->registry, digest, &info.stamp, &verdict) &&
		verdict == DD_VERDICT_CORRUPT);
}

/* 1: it was read, and said what it had to say. */
static int read_one(struct reading *reading, const struct dd_digest *digest, struct dd_error *err)
{
	DD_CLEANUP(dd_buffer_release) struct dd_buffer bytes = { 0 };
	struct dd_referrer referrer, *slot;
	bool is_one;
	int rc;

	if (dd_registry_look_at_revision(reading->registry, reading->known->repository, digest,
					 NULL) < 0 ||
	    is_known_bad(reading, digest) ||
	    dd_registry_read_manifest(reading->registry, digest, &bytes, NULL) < 0)
		return 0;
	rc = dd_referrer_read(digest, bytes.bytes, bytes.len, &is_one, &referrer, err);
	if (rc < 0 || !is_one)
		return rc < 0 ? rc : 1;
	slot = dd_list_add(&reading->known->referrers.list);
	if (!slot) {
		dd_referrer_release(&referrer);
		return dd_fail(err, DD_ENOMEM, 0, "list referrers");
	}
	*slot = referrer;
	return 1;
}

static int read_entry(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct reading *reading = arg;
	struct known *known = reading->known;
	struct dd_digest digest, *silent;
	uint32_t count = known->seen.count;
	int rc;

	if (dd_digest_parse_hex(&digest, reading->alg, entry->name, strlen(entry->name)) < 0)
		return 0;
	reading->listed++;
	if (dd_ids_intern(&known->seen, &digest) < count)
		return 0;
	rc = known->seen.count == count ? DD_ENOMEM : read_one(reading, &digest, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	silent = dd_list_add(&known->silent);
	if (!silent)
		return dd_fail(err, DD_ENOMEM, 0, "list referrers");
	*silent = digest;
	return 0;
}

static int look_at_new(struct reading *reading, struct dd_error *err)
{
	struct known *known = reading->known;
	const struct dd_place place = { .kind = DD_IN_REVISIONS_OF,
					.repository = known->repository,
					.digest.alg = (uint8_t)reading->alg };
	int64_t began_ns = dd_time_now();
	struct dd_info info;
	int rc = dd_store_stat(reading->registry->store, &place, &info, err);

	if (rc == DD_ENOENT) {
		dd_error_clear(err);
		return 0;
	}
	if (rc < 0 || (known->at[reading->alg].listed &&
		       dd_stamp_equal(&known->at[reading->alg].stamp, &info.stamp)))
		return rc;
	known->at[reading->alg].listed = false;
	rc = dd_store_list(reading->registry->store, &place, read_entry, reading, err);
	if (rc < 0)
		return rc;
	known->at[reading->alg].stamp = info.stamp;
	known->at[reading->alg].listed = dd_index_may_remember(&info, began_ns);
	return 0;
}

/* What was deleted leaves its directory, and may be pushed again into it. */
static int look_at_silent(struct reading *reading, struct dd_error *err)
{
	struct known *known = reading->known;
	size_t kept = 0, i;
	int rc = 0;

	for (i = 0; i < known->silent.count && rc >= 0; i++) {
		struct dd_digest digest = known->silent.items[i];

		rc = read_one(reading, &digest, err);
		if (rc <= 0)
			known->silent.items[kept++] = digest;
	}
	for (; i < known->silent.count; i++)
		known->silent.items[kept++] = known->silent.items[i];
	known->silent.count = kept;
	return rc < 0 ? rc : 0;
}

/* Where many have gone, what was seen of them is forgotten. */
static void begin_anew(struct known *known)
{
	dd_referrers_release(&known->referrers);
	dd_list_release(&known->silent);
	dd_ids_release(&known->seen);
	known->seen = (struct dd_ids){ 0 };
	for (size_t alg = 0; alg < DD_ALGORITHM_COUNT; alg++)
		known->at[alg].listed = false;
}

static int look(struct reading *reading, struct dd_error *err)
{
	int rc = look_at_silent(reading, err);

	reading->listed = 0;
	for (int alg = 0; alg < DD_ALGORITHM_COUNT && rc == 0; alg++) {
		reading->alg = (enum dd_algorithm)alg;
		rc = look_at_new(reading, err);
	}
	return rc;
}

static int refresh(struct dd_registry *registry, struct known *known, struct dd_error *err)
{
	struct reading reading = { .registry = registry, .known = known };
	int rc = look(&reading, err);

	/* Whoever asks now wants to know, too. */
	if (rc == 0 && reading.listed && known->seen.count > 2 * reading.listed + 1000) {
		begin_anew(known);
		rc = look(&reading, err);
	}
	if (rc < 0)
		begin_anew(known);
	return rc;
}

/* ---- asking ---- */

static int copy(struct dd_referrers *found, const struct dd_referrer *referrer,
		struct dd_error *err)
{
	struct dd_referrer *slot = dd_list_add(&found->list);

	if (!slot)
		return dd_fail(err, DD_ENOMEM, 0, "list referrers");
	slot->digest = referrer->digest;
	slot->subject = referrer->subject;
	slot->json = strdup(referrer->json);
	return slot->json ? 0 : dd_fail(err, DD_ENOMEM, 0, "list referrers");
}

static int compare(const void *a, const void *b)
{
	const struct dd_referrer *one = a, *other = b;

	return dd_digest_compare(&one->digest, &other->digest);
}

int dd_referrers_find(struct dd_registry *registry, const char *repository,
		      const struct dd_digest *subject, const char *artifact_type,
		      struct dd_referrers *found, struct dd_error *err)
{
	struct known *known = take(registry->referrers, repository);
	int rc;

	if (!known)
		return dd_fail(err, DD_ENOMEM, 0, "list referrers");
	rc = refresh(registry, known, err);
	for (size_t i = 0; i < known->referrers.list.count && rc == 0; i++) {
		const struct dd_referrer *referrer = &known->referrers.list.items[i];

		if (dd_digest_equal(&referrer->subject, subject) &&
		    (!artifact_type ||
		     (referrer->artifact_type && !strcmp(referrer->artifact_type, artifact_type))))
			rc = copy(found, referrer, err);
	}
	give_back(registry->referrers, known);
	if (found->list.count)
		qsort(found->list.items, found->list.count, sizeof(*found->list.items), compare);
	return rc;
}
