/*
 * The cache: shards of a few slots for each hash; whoever is in the way goes.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "serve/cache.h"

#define SHARDS 64
#define SLOTS 64 /* of each */
#define WAYS 4	 /* slots in which one key may lie */

#define GOOD_NS (INT64_C(900) * 1000000)
#define REFRESH_NS (INT64_C(700) * 1000000)

struct shard {
	pthread_mutex_t lock;
	size_t bytes;
	unsigned next; /* which of the ways is given up next */
	struct dd_cached *slots[SLOTS];
};

struct dd_cache {
	size_t shard_max; /* bytes */
	struct shard shards[SHARDS];
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Who knows the hash can slow down names of his choice, by chance alone: it is seeded. */
static uint64_t seed;

static uint64_t hash_bytes(uint64_t hash, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static uint64_t finish_hash(uint64_t hash)
{
	hash ^= hash >> 32;
	hash *= UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

static uint64_t hash_key(const char *key, size_t len)
{
	return finish_hash(hash_bytes(seed, key, len));
}

int dd_cache_open(size_t bytes_max, struct dd_cache **out, struct dd_error *err)
{
	struct dd_cache *cache = calloc(1, sizeof(*cache));
	struct timespec now;

	*out = cache;
	if (!cache)
		return dd_fail(err, DD_ENOMEM, 0, "make the cache of replies");
	clock_gettime(CLOCK_REALTIME, &now);
	seed = finish_hash((uint64_t)now.tv_nsec ^ (uint64_t)(uintptr_t)cache);
	cache->shard_max = bytes_max / SHARDS;
	for (size_t i = 0; i < SHARDS; i++)
		pthread_mutex_init(&cache->shards[i].lock, NULL);
	return 0;
}

void dd_cache_closep(struct dd_cache **pointer)
{
	struct dd_cache *cache = *pointer;

	if (!cache)
		return;
	for (size_t i = 0; i < SHARDS; i++) {
		for (size_t j = 0; j < SLOTS; j++)
			dd_cached_unref(cache->shards[i].slots[j]);
		pthread_mutex_destroy(&cache->shards[i].lock);
	}
	free(cache);
	*pointer = NULL;
}

/* ---- entries ---- */

struct dd_cached *dd_cached_new(char kind, const char *repository, const char *reference)
{
	size_t a = strlen(repository), b = strlen(reference), len = a + b + 3;
	struct dd_cached *cached = calloc(1, sizeof(*cached) + len);

	if (!cached)
		return NULL;
	atomic_init(&cached->refs, 1);
	atomic_init(&cached->looked_ns, now_ns());
	cached->bytes = sizeof(*cached) + len + 1024;
	cached->key_len = len;
	cached->key[0] = kind;
	memcpy(cached->key + 1, repository, a + 1);
	memcpy(cached->key + a + 2, reference, b + 1);
	return cached;
}

void dd_cached_unref(struct dd_cached *cached)
{
	if (!cached || atomic_fetch_sub(&cached->refs, 1) != 1)
		return;
	dd_reply_unref(cached->reply);
	dd_reply_unref(cached->same);
	free(cached->media_type);
	free(cached);
}

/* ---- looking and putting ---- */

static struct shard *shard_of(struct dd_cache *cache, uint64_t hash)
{
	return &cache->shards[hash >> 8 & (SHARDS - 1)];
}

static struct dd_cached **slot(struct shard *shard, uint64_t hash, unsigned way)
{
	return &shard->slots[(hash + way) & (SLOTS - 1)];
}

/* The lock is held. */
static struct dd_cached **find(struct shard *shard, uint64_t hash, const char *key, size_t len)
{
	for (unsigned way = 0; way < WAYS; way++) {
		struct dd_cached **at = slot(shard, hash, way);

		if (*at && (*at)->key_len == len && !memcmp((*at)->key, key, len))
			return at;
	}
	return NULL;
}

static void drop(struct shard *shard, struct dd_cached **at)
{
	if (!*at)
		return;
	shard->bytes -= (*at)->bytes;
	dd_cached_unref(*at);
	*at = NULL;
}

/* Whether it may be given away; one of those who ask later is sent to look again. */
static bool is_good(struct dd_cached *cached, uint64_t generation)
{
	int64_t age = now_ns() - atomic_load_explicit(&cached->looked_ns, memory_order_relaxed);

	if (cached->generation != generation || age > GOOD_NS)
		return false;
	return age < REFRESH_NS || atomic_exchange(&cached->refreshing, true);
}

struct dd_cached *dd_cache_find(struct dd_cache *cache, char kind, const char *repository,
				const char *reference, uint64_t generation)
{
	char key[512];
	size_t a = strlen(repository), b = strlen(reference), len = a + b + 3;
	struct dd_cached **at, *cached = NULL;
	struct shard *shard;
	uint64_t hash;

	if (len > sizeof(key))
		return NULL;
	key[0] = kind;
	memcpy(key + 1, repository, a + 1);
	memcpy(key + a + 2, reference, b + 1);
	hash = hash_key(key, len);
	shard = shard_of(cache, hash);
	pthread_mutex_lock(&shard->lock);
	at = find(shard, hash, key, len);
	if (at && is_good(*at, generation)) {
		cached = *at;
		atomic_fetch_add_explicit(&cached->refs, 1, memory_order_relaxed);
	}
	pthread_mutex_unlock(&shard->lock);
	return cached;
}

void dd_cache_put(struct dd_cache *cache, struct dd_cached *cached)
{
	uint64_t hash = hash_key(cached->key, cached->key_len);
	struct shard *shard = shard_of(cache, hash);
	struct dd_cached **at;

	if (cached->bytes > cache->shard_max / 2)
		return;
	pthread_mutex_lock(&shard->lock);
	at = find(shard, hash, cached->key, cached->key_len);
	for (unsigned way = 0; !at && way < WAYS; way++)
		if (!*slot(shard, hash, way))
			at = slot(shard, hash, way);
	if (!at)
		at = slot(shard, hash, shard->next++ % WAYS);
	drop(shard, at);
	for (size_t i = 0; i < SLOTS && shard->bytes + cached->bytes > cache->shard_max; i++)
		drop(shard, &shard->slots[(hash + i) & (SLOTS - 1)]);
	atomic_fetch_add(&cached->refs, 1);
	shard->bytes += cached->bytes;
	*at = cached;
	pthread_mutex_unlock(&shard->lock);
}
