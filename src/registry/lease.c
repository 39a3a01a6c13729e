/*
 * Leases: a table in shards, each with a lock, which is the lock of every digest in it.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "registry/lease.h"

#define SHARDS 256
#define ROOMS 4096 /* for repositories, by hash: those of one renew each other's */

struct holder {
	uint64_t repository;
	int64_t until_ns; /* CLOCK_MONOTONIC */
	uint64_t barrier; /* the mark that may not have seen it; 0: none */
	uint32_t pins;
};

struct entry {
	struct entry *next;
	struct dd_digest digest;
	bool held; /* by the collector */
	DD_LIST(struct holder) holders;
};

struct shard {
	pthread_mutex_t lock;
	pthread_cond_t given_back;
	struct entry **buckets;
	size_t room, count; /* buckets, entries */
	size_t sweep_at;    /* entries at which the dead ones are looked for */
	struct holder all;  /* of what there was no memory for */
};

struct dd_leases {
	_Atomic int64_t length_ns;
	_Atomic uint64_t begun;	 /* marks */
	_Atomic uint64_t active; /* the one that is under way; 0: none */
	_Atomic unsigned waiting;
	int64_t opened_ns;
	int64_t (*now_ns)(void);
	_Atomic int64_t renewed_ns[ROOMS];
	struct shard shards[SHARDS];
};

/* FNV-1a: two names of one hash only protect each other's. */
static uint64_t hash_of(const char *repository)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *repository; repository++)
		hash = (hash ^ (unsigned char)*repository) * UINT64_C(0x100000001b3);
	return hash;
}

static struct shard *shard_of(struct dd_leases *leases, const struct dd_digest *digest)
{
	return &leases->shards[digest->bytes[0]];
}

static size_t bucket_of(const struct shard *shard, const struct dd_digest *digest)
{
	/* The first byte chose the shard, and is the same for all of it. */
	return (dd_digest_start(digest) & UINT64_C(0x00ffffffffffffff)) & (shard->room - 1);
}

static struct entry *find(const struct shard *shard, const struct dd_digest *digest)
{
	struct entry *entry;

	if (!shard->room)
		return NULL;
	for (entry = shard->buckets[bucket_of(shard, digest)]; entry; entry = entry->next)
		if (dd_digest_equal(&entry->digest, digest))
			return entry;
	return NULL;
}

static bool is_being_written(const struct dd_leases *leases, const struct holder *holder)
{
	return holder->pins || (holder->barrier && holder->barrier == leases->active);
}

/* One that had run out may live again by that: it keeps too much then, never too little. */
static bool is_renewed(const struct dd_leases *leases, const struct holder *holder, int64_t now)
{
	int64_t renewed = leases->renewed_ns[holder->repository % ROOMS],
		length = leases->length_ns;

	return renewed && holder->until_ns && now - renewed < length &&
	       (now - holder->until_ns) / DD_LEASE_RENEWALS < length;
}

static bool is_alive(const struct dd_leases *leases, const struct holder *holder, int64_t now)
{
	return holder->until_ns > now || is_being_written(leases, holder) ||
	       is_renewed(leases, holder, now);
}

static void drop_dead_holders(const struct dd_leases *leases, struct entry *entry, int64_t now)
{
	size_t kept = 0;

	for (size_t i = 0; i < entry->holders.count; i++)
		if (is_alive(leases, &entry->holders.items[i], now))
			entry->holders.items[kept++] = entry->holders.items[i];
	entry->holders.count = kept;
}

/* What no longer holds goes, whenever the shard has doubled since it last did. */
static void sweep(const struct dd_leases *leases, struct shard *shard)
{
	int64_t now = leases->now_ns();

	for (size_t i = 0; i < shard->room; i++)
		for (struct entry **at = &shard->buckets[i]; *at;) {
			struct entry *entry = *at;

			drop_dead_holders(leases, entry, now);
			if (entry->holders.count || entry->held) {
				at = &entry->next;
				continue;
			}
			*at = entry->next;
			shard->count--;
			dd_list_release(&entry->holders);
			free(entry);
		}
	shard->sweep_at = 2 * shard->count + 64;
}

static int grow(struct shard *shard)
{
	size_t room = shard->room ? 2 * shard->room : 16, old = shard->room;
	struct entry **grown = calloc(room, sizeof(*grown)), **buckets = shard->buckets;

	if (!grown)
		return DD_ENOMEM;
	shard->buckets = grown;
	shard->room = room;
	for (size_t i = 0; i < old; i++)
		while (buckets[i]) {
			struct entry *entry = buckets[i], **to;

			buckets[i] = entry->next;
			to = &grown[bucket_of(shard, &entry->digest)];
			entry->next = *to;
			*to = entry;
		}
	free(buckets);
	return 0;
}

static struct entry *find_or_add(const struct dd_leases *leases, struct shard *shard,
				 const struct dd_digest *digest)
{
	struct entry *entry = find(shard, digest);
	size_t bucket;

	if (entry)
		return entry;
	if (shard->count >= shard->sweep_at)
		sweep(leases, shard);
	/* More entries than buckets is slower, no more. */
	if (shard->count >= shard->room && grow(shard) < 0 && !shard->room)
		return NULL;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->digest = *digest;
	bucket = bucket_of(shard, digest);
	entry->next = shard->buckets[bucket];
	shard->buckets[bucket] = entry;
	shard->count++;
	return entry;
}

static struct holder *holder_of(struct entry *entry, uint64_t repository)
{
	struct holder *holder;

	for (size_t i = 0; i < entry->holders.count; i++)
		if (entry->holders.items[i].repository == repository)
			return &entry->holders.items[i];
	holder = dd_list_add(&entry->holders);
	if (holder)
		holder->repository = repository;
	return holder;
}

enum step { TAKE, PIN, UNPIN };

static void enter(struct dd_leases *leases, const char *repository, const struct dd_digest *digest,
		  enum step step)
{
	struct shard *shard = shard_of(leases, digest);
	int64_t until_ns;
	struct holder *holder = NULL;
	struct entry *entry;

	pthread_mutex_lock(&shard->lock);
	while ((entry = find(shard, digest)) && entry->held) {
		leases->waiting++;
		pthread_cond_wait(&shard->given_back, &shard->lock);
		leases->waiting--;
	}
	until_ns = leases->now_ns() + leases->length_ns;
	entry = find_or_add(leases, shard, digest);
	if (entry)
		holder = holder_of(entry, hash_of(repository));
	/* What was pinned without memory is unpinned there too. */
	if (!holder || (step == UNPIN && !holder->pins))
		holder = &shard->all;
	if (holder->until_ns < until_ns)
		holder->until_ns = until_ns;
	holder->pins += step == PIN;
	if (step == UNPIN) {
		holder->pins -= holder->pins > 0;
		holder->barrier = leases->active;
	}
	pthread_mutex_unlock(&shard->lock);
}

void dd_lease_take(struct dd_leases *leases, const char *repository, const struct dd_digest *digest)
{
	enter(leases, repository, digest, TAKE);
}

void dd_lease_pin(struct dd_leases *leases, const char *repository, const struct dd_digest *digest)
{
	enter(leases, repository, digest, PIN);
}

void dd_lease_unpin(struct dd_leases *leases, const char *repository,
		    const struct dd_digest *digest)
{
	enter(leases, repository, digest, UNPIN);
}

void dd_lease_renew(struct dd_leases *leases, const char *repository)
{
	leases->renewed_ns[hash_of(repository) % ROOMS] = leases->now_ns();
}

void dd_lease_name(enum dd_lease_kind kind, const char *name, struct dd_digest *digest)
{
	static const char *const kinds[] = { [DD_LEASE_TAG] = "tag", [DD_LEASE_UPLOAD] = "upload" };
	char text[300];
	int len = snprintf(text, sizeof(text), "%s %s", kinds[kind], name);

	memset(digest, 0, sizeof(*digest));
	/* Names that are cut, or all of one, protect each other's. */
	dd_digest_of(digest, DD_SHA256, text,
		     len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1, NULL);
}

uint64_t dd_leases_begin_mark(struct dd_leases *leases)
{
	uint64_t mark = ++leases->begun;

	leases->active = mark;
	return mark;
}

void dd_leases_end_mark(struct dd_leases *leases, uint64_t mark)
{
	if (leases->active == mark)
		leases->active = 0;
}

/* Whether somebody keeps it from the collector. */
static bool keeps(const struct dd_leases *leases, const struct holder *holder, bool named,
		  int64_t now)
{
	return named ? is_being_written(leases, holder) : is_alive(leases, holder, now);
}

bool dd_leases_hold(struct dd_leases *leases, uint64_t mark, const char *repository,
		    const struct dd_digest *digest, bool named)
{
	struct shard *shard = shard_of(leases, digest);
	uint64_t hash = repository ? hash_of(repository) : 0;
	int64_t now = leases->now_ns();
	struct entry *entry;
	bool kept;

	pthread_mutex_lock(&shard->lock);
	entry = find_or_add(leases, shard, digest);
	kept = mark != leases->active || !entry || keeps(leases, &shard->all, named, now) ||
	       (!named && now - leases->opened_ns < leases->length_ns);
	for (size_t i = 0; !kept && i < entry->holders.count; i++)
		kept = (!repository || entry->holders.items[i].repository == hash) &&
		       keeps(leases, &entry->holders.items[i], named, now);
	if (!kept)
		entry->held = true;
	pthread_mutex_unlock(&shard->lock);
	return !kept;
}

void dd_leases_give_back(struct dd_leases *leases, const struct dd_digest *digest)
{
	struct shard *shard = shard_of(leases, digest);
	struct entry *entry;

	pthread_mutex_lock(&shard->lock);
	entry = find(shard, digest);
	if (entry)
		entry->held = false;
	pthread_cond_broadcast(&shard->given_back);
	pthread_mutex_unlock(&shard->lock);
}

void dd_leases_give_all_back(struct dd_leases *leases)
{
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *shard = &leases->shards[i];

		pthread_mutex_lock(&shard->lock);
		for (size_t b = 0; b < shard->room; b++)
			for (struct entry *entry = shard->buckets[b]; entry; entry = entry->next)
				entry->held = false;
		pthread_cond_broadcast(&shard->given_back);
		pthread_mutex_unlock(&shard->lock);
	}
}

uint64_t dd_leases_count(struct dd_leases *leases)
{
	int64_t now = leases->now_ns();
	uint64_t count = 0;

	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *shard = &leases->shards[i];

		pthread_mutex_lock(&shard->lock);
		for (size_t b = 0; b < shard->room; b++)
			for (struct entry *entry = shard->buckets[b]; entry; entry = entry->next) {
				drop_dead_holders(leases, entry, now);
				count += entry->holders.count;
			}
		pthread_mutex_unlock(&shard->lock);
	}
	return count;
}

unsigned dd_leases_waiting(struct dd_leases *leases)
{
	return leases->waiting;
}

int64_t dd_leases_quiet(struct dd_leases *leases)
{
	int64_t left = leases->opened_ns + leases->length_ns - leases->now_ns();

	return left > 0 ? left : 0;
}

void dd_leases_set_clock(struct dd_leases *leases, int64_t (*now_ns)(void))
{
	leases->now_ns = now_ns;
	leases->opened_ns = now_ns();
}

void dd_leases_set_length(struct dd_leases *leases, int64_t lease_ns)
{
	leases->length_ns = lease_ns;
}

int dd_leases_open(int64_t lease_ns, struct dd_leases **leases, struct dd_error *err)
{
	struct dd_leases *made = calloc(1, sizeof(*made));

	if (!made)
		return dd_fail(err, DD_ENOMEM, 0, "leases");
	made->length_ns = lease_ns;
	dd_leases_set_clock(made, dd_time_steady);
	for (size_t i = 0; i < SHARDS; i++) {
		pthread_mutex_init(&made->shards[i].lock, NULL);
		pthread_cond_init(&made->shards[i].given_back, NULL);
	}
	*leases = made;
	return 0;
}

void dd_leases_closep(struct dd_leases **leases)
{
	if (!*leases)
		return;
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *shard = &(*leases)->shards[i];

		for (size_t b = 0; b < shard->room; b++)
			while (shard->buckets[b]) {
				struct entry *entry = shard->buckets[b];

				shard->buckets[b] = entry->next;
				dd_list_release(&entry->holders);
				free(entry);
			}
		free(shard->buckets);
		pthread_cond_destroy(&shard->given_back);
		pthread_mutex_destroy(&shard->lock);
	}
	free(*leases);
	*leases = NULL;
}
