/*
 * What the records of a survey look like. Each begins with a head; what follows is said at what packs
 * it. Words in the machine's order, copied in and out.
 */
#ifndef INDEX_SURVEY_H
#define INDEX_SURVEY_H

#include "index/index.h"

#define DD_FACT_VERSION 4

/* Larger ones are read again every time, which is the least of what they cost. */
#define DD_FACT_MAX ((size_t)8 << 20)

struct dd_fact {
	uint64_t sum; /* of all that follows, and of the key; first */
	uint32_t version;
	int32_t code; /* of a manifest: why it is in doubt; then its detail follows, with its NUL */
	uint64_t stamp[5];
};

/*
 * A link: when it was read, and its digest, algorithm first.
 * A manifest: the digest that was looked for in the file, algorithm first. Then, of one that is not in
 * doubt, what these make of it. DD_ENOMEM, also if it is too much.
 */
int dd_fact_pack_manifest(struct dd_buffer *rest, const struct dd_surveyed *surveyed);
bool dd_fact_unpack_manifest(const MDB_val *rest, struct dd_descriptors *room,
			     struct dd_surveyed *surveyed);
/* So many bytes more. */
int dd_buffer_reserve(struct dd_buffer *buffer, size_t more);

/* A packed entry: its type, and the name with its NUL; or this bit, and 32 bytes. */
#define DD_LISTED_AS_HASH 0x80

/* Of a whole record, its head and what follows: puts the sum into it. */
void dd_fact_seal(void *record, size_t len, const MDB_val *key);

/* What is remembered under a key, if it is whole and of this stamp: what follows the head, in the map. */
bool dd_index_recall(struct dd_index *index, unsigned database, const MDB_val *key,
		     const struct dd_stamp *now, struct dd_fact *fact, MDB_val *rest);

/* What follows the head is remembered under a key, if the index still learns. */
void dd_index_learn(struct dd_index *index, unsigned database, const MDB_val *key,
		    struct dd_fact *fact, const struct dd_buffer *rest);

/* A file's or directory's key: in the order in which most were made. */
struct dd_object_key {
	uint8_t bytes[8];
};
void dd_object_key_of(struct dd_object_key *key, const struct dd_stamp *stamp);

int dd_seen_add(struct dd_seen *seen, const MDB_val *key);
/* What tells a key apart from others well enough: its last bytes. */
uint64_t dd_hint_of(const MDB_val *key);

#endif
