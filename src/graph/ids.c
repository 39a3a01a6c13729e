/*
 * Digests as small numbers.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "graph/ids.h"

#define FIRST_ROOM 1024

static uint64_t fold(uint64_t a, uint64_t b)
{
	__uint128_t product = (__uint128_t)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Keyed: a directory's name may be any digest, chosen so that all of them fall into one slot. */
static uint32_t hash(const struct dd_ids *ids, const uint8_t *bytes)
{
	uint64_t word[4];
	uint64_t mixed;

	memcpy(word, bytes, sizeof(word));
	mixed = fold(word[0] ^ ids->key[0], word[1] ^ ids->key[1]) ^
		fold(word[2] ^ ids->key[1], word[3] ^ ids->key[0]);
	return (uint32_t)(mixed ^ mixed >> 32);
}

/* The rest of a long digest; they were appended in the order of their ids. */
static const struct dd_ids_tail *tail_of(const struct dd_ids *ids, uint32_t id)
{
	return &ids->tails.items[dd_first_from(ids->tails.items, ids->tails.count, id, id)];
}

static bool same(const struct dd_ids *ids, uint32_t id, const struct dd_digest *digest, size_t size)
{
	const uint8_t *head = ids->heads[id];

	if (head[0] != digest->alg || memcmp(head + 1, digest->bytes, DD_IDS_HEAD) != 0)
		return false;
	return size <= DD_IDS_HEAD ||
	       !memcmp(tail_of(ids, id)->bytes, digest->bytes + DD_IDS_HEAD, size - DD_IDS_HEAD);
}

static void insert(uint32_t *slots, uint32_t count, uint32_t hash, uint32_t id)
{
	uint32_t mask = count - 1, i = hash & mask;

	while (slots[i])
		i = (i + 1) & mask;
	slots[i] = (hash & ~mask) | (id + 1);
}

/*
 * The slot from which on the digest may stand: the first of another hash's is passed over, or 0 if it
 * is empty. What stands there is most likely what is looked for, and it is the only one that is worth
 * a look at its digest, which lies far away.
 */
static uint32_t next_match(const struct dd_ids *ids, uint32_t hash, uint32_t *i)
{
	uint32_t mask = ids->slot_count - 1;

	while (ids->slots[*i] && (ids->slots[*i] ^ hash) & ~mask)
		*i = (*i + 1) & mask;
	return ids->slots[*i] & mask;
}

/* A power of two of them. */
static int grow_slots(struct dd_ids *ids, uint32_t count)
{
	uint32_t *slots = calloc(count, sizeof(*slots));

	if (!slots)
		return DD_ENOMEM;
	if (!ids->slot_count && getrandom(ids->key, sizeof(ids->key), 0) != sizeof(ids->key))
		ids->key[0] = (uintptr_t)slots; /* better than nothing */
	for (uint32_t id = 0; id < ids->count; id++)
		insert(slots, count, hash(ids, ids->heads[id] + 1), id);
	free(ids->slots);
	ids->slots = slots;
	ids->slot_count = count;
	return 0;
}

static int grow_heads(struct dd_ids *ids, uint32_t room)
{
	uint8_t(*heads)[1 + DD_IDS_HEAD] = reallocarray(ids->heads, room, sizeof(*heads));

	if (!heads)
		return DD_ENOMEM;
	ids->heads = heads;
	ids->room = room;
	return 0;
}

int dd_ids_reserve(struct dd_ids *ids, size_t count)
{
	uint32_t slots = FIRST_ROOM;

	if (count > DD_MAX_ID)
		return DD_ENOMEM;
	while (slots / 4 * 3 < count)
		slots *= 2;
	if (slots > ids->slot_count && grow_slots(ids, slots) < 0)
		return DD_ENOMEM;
	return count > ids->room ? grow_heads(ids, (uint32_t)count) : 0;
}

static int add_tail(struct dd_ids *ids, uint32_t id, const struct dd_digest *digest, size_t size)
{
	struct dd_ids_tail *tail = size > DD_IDS_HEAD ? dd_list_add(&ids->tails) : NULL;

	if (!tail)
		return size > DD_IDS_HEAD ? DD_ENOMEM : 0;
	tail->id = id;
	memcpy(tail->bytes, digest->bytes + DD_IDS_HEAD, size - DD_IDS_HEAD);
	return 0;
}

static uint32_t find(const struct dd_ids *ids, const struct dd_digest *digest, size_t size,
		     uint32_t hashed)
{
	uint32_t mask = ids->slot_count - 1, i = hashed & mask, match;

	while ((match = next_match(ids, hashed, &i)) != 0) {
		if (same(ids, match - 1, digest, size))
			return match - 1;
		i = (i + 1) & mask;
	}
	return DD_NO_ID;
}

uint32_t dd_ids_find(const struct dd_ids *ids, const struct dd_digest *digest)
{
	return ids->slot_count ?
		       find(ids, digest, dd_digest_size(digest), hash(ids, digest->bytes)) :
		       DD_NO_ID;
}

/* There is a table. */
static uint32_t intern(struct dd_ids *ids, const struct dd_digest *digest, uint32_t hashed)
{
	size_t size = dd_digest_size(digest);
	uint32_t id = find(ids, digest, size, hashed);

	if (id != DD_NO_ID)
		return id;
	if (ids->count > DD_MAX_ID)
		return DD_NO_ID;
	if (ids->count >= ids->slot_count / 4 * 3 && grow_slots(ids, 2 * ids->slot_count) < 0)
		return DD_NO_ID;
	if (ids->count == ids->room &&
	    grow_heads(ids, ids->room ? ids->room + ids->room / 2 : FIRST_ROOM) < 0)
		return DD_NO_ID;
	if (add_tail(ids, ids->count, digest, size) < 0)
		return DD_NO_ID;
	id = ids->count++;
	ids->heads[id][0] = digest->alg;
	memcpy(ids->heads[id] + 1, digest->bytes, DD_IDS_HEAD);
	insert(ids->slots, ids->slot_count, hashed, id);
	return id;
}

uint32_t dd_ids_intern(struct dd_ids *ids, const struct dd_digest *digest)
{
	if (!ids->slot_count && grow_slots(ids, FIRST_ROOM) < 0)
		return DD_NO_ID;
	return intern(ids, digest, hash(ids, digest->bytes));
}

static void prefetch_slot(const struct dd_ids *ids, uint32_t hashed)
{
	__builtin_prefetch(&ids->slots[hashed & (ids->slot_count - 1)]);
}

void dd_ids_prefetch(const struct dd_ids *ids, const struct dd_digest *digest)
{
	if (ids->slot_count)
		prefetch_slot(ids, hash(ids, digest->bytes));
}

static uint32_t prefetch_match(const struct dd_ids *ids, uint32_t hashed)
{
	uint32_t i = hashed & (ids->slot_count - 1), match = next_match(ids, hashed, &i);

	if (!match)
		return DD_NO_ID;
	dd_ids_prefetch_id(ids, match - 1);
	return match - 1;
}

uint32_t dd_ids_prefetch_match(const struct dd_ids *ids, const struct dd_digest *digest)
{
	return ids->slot_count ? prefetch_match(ids, hash(ids, digest->bytes)) : DD_NO_ID;
}

/* What becomes of many: the hash of each, until there is its id. */
struct many {
	const struct dd_digest *first;
	size_t count, apart;
	uint32_t *out;
};

static const struct dd_digest *digest_at(const struct many *many, size_t i)
{
	return (const void *)((const char *)many->first + i * many->apart);
}

static void begin_many(const struct dd_ids *ids, const struct many *many)
{
	for (size_t i = 0; i < many->count; i++)
		many->out[i] = hash(ids, digest_at(many, i)->bytes);
	for (size_t i = 0; i < many->count && i < 2 * DD_IDS_AHEAD; i++)
		prefetch_slot(ids, many->out[i]);
}

/* What one of them will need that comes later. */
static void look_ahead(const struct dd_ids *ids, const struct many *many, size_t i)
{
	if (i + 2 * DD_IDS_AHEAD < many->count)
		prefetch_slot(ids, many->out[i + 2 * DD_IDS_AHEAD]);
	if (i + DD_IDS_AHEAD < many->count)
		prefetch_match(ids, many->out[i + DD_IDS_AHEAD]);
}

int dd_ids_intern_all(struct dd_ids *ids, const struct dd_digest *first, size_t count, size_t apart,
		      uint32_t *out)
{
	const struct many many = { first, count, apart, out };

	if (!ids->slot_count && grow_slots(ids, FIRST_ROOM) < 0)
		return DD_ENOMEM;
	begin_many(ids, &many);
	for (size_t i = 0; i < count; i++) {
		look_ahead(ids, &many, i);
		out[i] = intern(ids, digest_at(&many, i), out[i]);
		if (out[i] == DD_NO_ID)
			return DD_ENOMEM;
	}
	return 0;
}

void dd_ids_find_all(const struct dd_ids *ids, const struct dd_digest *first, size_t count,
		     size_t apart, uint32_t *out)
{
	const struct many many = { first, count, apart, out };

	for (size_t i = 0; i < count && !ids->slot_count; i++)
		out[i] = DD_NO_ID;
	if (!ids->slot_count)
		return;
	begin_many(ids, &many);
	for (size_t i = 0; i < count; i++) {
		const struct dd_digest *digest = digest_at(&many, i);

		look_ahead(ids, &many, i);
		out[i] = find(ids, digest, dd_digest_size(digest), out[i]);
	}
}

void dd_ids_get(const struct dd_ids *ids, uint32_t id, struct dd_digest *digest)
{
	size_t size;

	memset(digest, 0, sizeof(*digest));
	digest->alg = ids->heads[id][0];
	memcpy(digest->bytes, ids->heads[id] + 1, DD_IDS_HEAD);
	size = dd_digest_size(digest);
	if (size > DD_IDS_HEAD)
		memcpy(digest->bytes + DD_IDS_HEAD, tail_of(ids, id)->bytes, size - DD_IDS_HEAD);
}

void dd_ids_release(struct dd_ids *ids)
{
	free(ids->heads);
	free(ids->slots);
	dd_list_release(&ids->tails);
	memset(ids, 0, sizeof(*ids));
}
