/*
 * Digests as small numbers.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "graph/ids.h"

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

static bool same(const struct dd_ids *ids, uint32_t id, const struct dd_digest *digest, size_t size)
{
	const uint8_t *bytes = ids->bytes + ids->at[id];

	return bytes[0] == digest->alg && !memcmp(bytes + 1, digest->bytes, size);
}

static void insert(uint32_t *slots, uint32_t count, uint32_t where, uint32_t id)
{
	uint32_t i = where & (count - 1);

	while (slots[i])
		i = (i + 1) & (count - 1);
	slots[i] = id + 1;
}

static int grow_slots(struct dd_ids *ids)
{
	uint32_t count = ids->slot_count ? 2 * ids->slot_count : 1024;
	uint32_t *slots = calloc(count, sizeof(*slots));

	if (!slots)
		return DD_ENOMEM;
	if (!ids->slot_count && getrandom(ids->key, sizeof(ids->key), 0) != sizeof(ids->key))
		ids->key[0] = (uintptr_t)slots; /* better than nothing */
	for (uint32_t id = 0; id < ids->count; id++)
		insert(slots, count, hash(ids, ids->bytes + ids->at[id] + 1), id);
	free(ids->slots);
	ids->slots = slots;
	ids->slot_count = count;
	return 0;
}

static int grow_bytes(struct dd_ids *ids, size_t more)
{
	size_t room = ids->room ? ids->room : 4096;
	uint8_t *bytes;

	while (room < ids->used + more)
		room += room / 2;
	if (room > UINT32_MAX)
		return DD_ENOMEM;
	bytes = realloc(ids->bytes, room);
	if (!bytes)
		return DD_ENOMEM;
	ids->bytes = bytes;
	ids->room = room;
	return 0;
}

static int grow_at(struct dd_ids *ids)
{
	uint32_t room = ids->at_room ? ids->at_room + ids->at_room / 2 : 1024;
	uint32_t *at = reallocarray(ids->at, room, sizeof(*at));

	if (!at)
		return DD_ENOMEM;
	ids->at = at;
	ids->at_room = room;
	return 0;
}

uint32_t dd_ids_find(const struct dd_ids *ids, const struct dd_digest *digest)
{
	size_t size = dd_digest_size(digest);
	uint32_t mask = ids->slot_count - 1;

	if (!ids->slot_count)
		return DD_NO_ID;
	for (uint32_t i = hash(ids, digest->bytes) & mask; ids->slots[i]; i = (i + 1) & mask)
		if (same(ids, ids->slots[i] - 1, digest, size))
			return ids->slots[i] - 1;
	return DD_NO_ID;
}

uint32_t dd_ids_intern(struct dd_ids *ids, const struct dd_digest *digest)
{
	size_t size = dd_digest_size(digest);
	uint32_t id = dd_ids_find(ids, digest);

	if (id != DD_NO_ID)
		return id;
	if (ids->count > DD_MAX_ID)
		return DD_NO_ID;
	if (ids->count >= ids->slot_count / 4 * 3 && grow_slots(ids) < 0)
		return DD_NO_ID;
	if (ids->used + size + 1 > ids->room && grow_bytes(ids, size + 1) < 0)
		return DD_NO_ID;
	if (ids->count == ids->at_room && grow_at(ids) < 0)
		return DD_NO_ID;
	id = ids->count++;
	ids->at[id] = (uint32_t)ids->used;
	ids->bytes[ids->used] = digest->alg;
	memcpy(ids->bytes + ids->used + 1, digest->bytes, size);
	ids->used += size + 1;
	insert(ids->slots, ids->slot_count, hash(ids, digest->bytes), id);
	return id;
}

void dd_ids_get(const struct dd_ids *ids, uint32_t id, struct dd_digest *digest)
{
	const uint8_t *bytes = ids->bytes + ids->at[id];

	memset(digest, 0, sizeof(*digest));
	digest->alg = bytes[0];
	memcpy(digest->bytes, bytes + 1, dd_digest_size(digest));
}

void dd_ids_release(struct dd_ids *ids)
{
	free(ids->bytes);
	free(ids->at);
	free(ids->slots);
	memset(ids, 0, sizeof(*ids));
}
