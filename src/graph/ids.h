/*
 * Digests as small numbers: the same digest, the same number, for as long as the table lives.
 *
 * 33 bytes a sha256 digest, at most 11 for the hash table; 36 more a sha512 digest.
 * No locking: the caller's.
 */
#ifndef GRAPH_IDS_H
#define GRAPH_IDS_H

#include <drydock/digest.h>

#include "base/list.h"

#define DD_NO_ID UINT32_MAX
#define DD_MAX_ID ((UINT32_C(1) << 30) - 1) /* an edge keeps two bits for itself */

#define DD_IDS_HEAD 32 /* bytes of a digest that stand in the table: all of a sha256 */

struct dd_ids_tail {
	uint32_t id;
	uint8_t bytes[DD_DIGEST_BYTES - DD_IDS_HEAD];
};

struct dd_ids {
	uint8_t (*heads)[1 + DD_IDS_HEAD]; /* by id: algorithm, digest */
	uint32_t count, room;
	DD_LIST(struct dd_ids_tail) tails; /* of longer digests, by id */
	/* A power of two of them, and there are fewer ids: id + 1 in so many of the lower bits, in the
	 * others as many of the hash; 0 is empty. */
	uint32_t *slots;
	uint32_t slot_count;
	uint64_t key[2]; /* of the hash */
};

/* Room for so many, so that the table need not grow on the way there. 0 or DD_ENOMEM. */
int dd_ids_reserve(struct dd_ids *ids, size_t count);
/* The digest's id, a new one if need be; DD_NO_ID without memory. */
uint32_t dd_ids_intern(struct dd_ids *ids, const struct dd_digest *digest);
/*
 * Likewise of each of so many digests that stand so many bytes apart, which is faster than one by one.
 * There is room for as many ids. 0 or DD_ENOMEM.
 */
int dd_ids_intern_all(struct dd_ids *ids, const struct dd_digest *first, size_t count, size_t apart,
		      uint32_t *out);
/* DD_NO_ID if the digest was never seen. */
uint32_t dd_ids_find(const struct dd_ids *ids, const struct dd_digest *digest);
void dd_ids_find_all(const struct dd_ids *ids, const struct dd_digest *first, size_t count,
		     size_t apart, uint32_t *out);
/*
 * It will be looked for so many look-ups from now: until then it is on its way from memory. First where
 * it stands in the hash table, and when that has come, what stands there: most likely its id is
 * returned, or DD_NO_ID.
 */
#define DD_IDS_AHEAD 8
void dd_ids_prefetch(const struct dd_ids *ids, const struct dd_digest *digest);
uint32_t dd_ids_prefetch_match(const struct dd_ids *ids, const struct dd_digest *digest);
/* For dd_ids_get(). Half of them lie in two lines of the processor's cache. */
static inline void dd_ids_prefetch_id(const struct dd_ids *ids, uint32_t id)
{
	if (id >= ids->count)
		return;
	__builtin_prefetch(ids->heads[id]);
	__builtin_prefetch(ids->heads[id] + DD_IDS_HEAD);
}
static inline uint8_t dd_ids_algorithm(const struct dd_ids *ids, uint32_t id)
{
	return ids->heads[id][0];
}
static inline uint8_t dd_ids_first_byte(const struct dd_ids *ids, uint32_t id)
{
	return ids->heads[id][1];
}
void dd_ids_get(const struct dd_ids *ids, uint32_t id, struct dd_digest *digest);
/* Of ids themselves, for qsort(3) and bsearch(3). */
static inline int dd_ids_compare(const void *left, const void *right)
{
	const uint32_t *a = left, *b = right;

	return *a != *b ? (*a < *b ? -1 : 1) : 0;
}
void dd_ids_release(struct dd_ids *ids);

#endif
