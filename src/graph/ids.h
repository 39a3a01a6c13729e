/*
 * Digests as small numbers: the same digest, the same number, for as long as the table lives.
 *
 * 33 bytes a sha256 digest, 4 for where it lies, at most 16 for the hash table.
 * No locking: the caller's.
 */
#ifndef GRAPH_IDS_H
#define GRAPH_IDS_H

#include <drydock/digest.h>

#define DD_NO_ID UINT32_MAX
#define DD_MAX_ID ((UINT32_C(1) << 30) - 1) /* an edge keeps two bits for itself */

struct dd_ids {
	uint8_t *bytes;	   /* algorithm, digest; one after the other */
	size_t used, room; /* of bytes */
	uint32_t *at;	   /* by id: where in bytes */
	uint32_t count, at_room;
	uint32_t *slots; /* id + 1, 0 is empty; a power of two of them */
	uint32_t slot_count;
	uint64_t key[2]; /* of the hash */
};

/* The digest's id, a new one if need be; DD_NO_ID without memory. */
uint32_t dd_ids_intern(struct dd_ids *ids, const struct dd_digest *digest);
/* DD_NO_ID if the digest was never seen. */
uint32_t dd_ids_find(const struct dd_ids *ids, const struct dd_digest *digest);
void dd_ids_get(const struct dd_ids *ids, uint32_t id, struct dd_digest *digest);
void dd_ids_release(struct dd_ids *ids);

#endif
