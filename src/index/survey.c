/*
 * Recalling what a survey found out.
 */
#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/list.h"
#include "index/sum.h"
#include "index/survey.h"

/* Of all that follows the sum itself in a record, and of its key. */
static uint64_t sum_of(const void *record, size_t len, const MDB_val *key)
{
	const size_t sum = sizeof(((struct dd_fact *)0)->sum);
	uint64_t parts[2] = { dd_sum_of((const char *)record + sum, len - sum), 0 };

	assert(key->mv_size == sizeof(parts[1]));
	memcpy(&parts[1], key->mv_data, sizeof(parts[1]));
	return dd_sum_of(parts, sizeof(parts));
}

void dd_fact_seal(void *record, size_t len, const MDB_val *key)
{
	uint64_t sum = sum_of(record, len, key);

	memcpy(record, &sum, sizeof(sum));
}

void dd_object_key_of(struct dd_object_key *key, const struct dd_stamp *stamp)
{
	uint64_t object = dd_stamp_object(stamp);

	for (unsigned i = 0; i < sizeof(key->bytes); i++)
		key->bytes[i] = (uint8_t)(object >> (56 - 8 * i));
}

uint64_t dd_hint_of(const MDB_val *key)
{
	uint64_t hint = 0;

	if (key->mv_size >= sizeof(hint))
		memcpy(&hint, (const char *)key->mv_data + key->mv_size - sizeof(hint),
		       sizeof(hint));
	return hint;
}

int dd_seen_add(struct dd_seen *seen, const MDB_val *key)
{
	uint64_t *added = dd_list_add(seen);

	if (!added)
		return DD_ENOMEM;
	*added = dd_hint_of(key);
	return 0;
}

static void widen(struct dd_index_reader *reader, const char *low, const char *high)
{
	if (!reader->low || low < reader->low)
		reader->low = low;
	if (high > reader->high)
		reader->high = high;
}

void dd_index_let_go(struct dd_index *index)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), low, high;
	struct dd_index_reader all = { 0 };

	for (size_t i = 0; index && i < DD_INDEX_READERS; i++) {
		struct dd_index_reader *reader = &index->readers[i];

		if (!reader->txn)
			continue;
		pthread_mutex_lock(&reader->lock);
		if (reader->low)
			widen(&all, reader->low, reader->high);
		pthread_mutex_unlock(&reader->lock);
	}
	/* Whole pages of a file that is mapped for reading: who looks at them again has them again. */
	low = ((uintptr_t)all.low + page - 1) / page * page;
	high = (uintptr_t)all.high / page * page;
	if (low < high)
		madvise((void *)low, high - low, MADV_DONTNEED);
}

bool dd_index_recall(struct dd_index *index, unsigned database, const MDB_val *key,
		     const struct dd_stamp *now, struct dd_fact *fact, MDB_val *rest)
{
	struct dd_index_reader *reader;
	MDB_val value, name = *key;
	bool found;

	if (!index || !index->env || !index->kind->learns)
		return false;
	reader = dd_index_reader_of_thread(index);
	pthread_mutex_lock(&reader->lock);
	found = mdb_cursor_get(reader->cursors[database], &name, &value, MDB_SET) == 0;
	if (found && dd_seen_add(&reader->seen[database], key) < 0)
		found = false;
	if (found)
		widen(reader, value.mv_data, (const char *)value.mv_data + value.mv_size);
	pthread_mutex_unlock(&reader->lock);
	if (!found || value.mv_size < sizeof(*fact))
		return false;
	memcpy(fact, value.mv_data, sizeof(*fact));
	*rest = (MDB_val){ value.mv_size - sizeof(*fact), (char *)value.mv_data + sizeof(*fact) };
	return fact->version == DD_FACT_VERSION &&
	       !memcmp(fact->stamp, now->word, sizeof(fact->stamp)) &&
	       fact->sum == sum_of(value.mv_data, value.mv_size, key);
}

/* ---- directories ---- */

static bool recall_file(struct dd_index *index, unsigned database, const struct dd_info *now,
			struct dd_fact *fact, MDB_val *rest)
{
	struct dd_object_key key;
	const MDB_val name = { sizeof(key.bytes), key.bytes };

	dd_object_key_of(&key, &now->stamp);
	return dd_index_recall(index, database, &name, &now->stamp, fact, rest);
}

/* A blob's digest stands in its shard's listing, and mostly in one more: of layers, or of revisions. */
size_t dd_index_count_digests(const struct dd_index *index)
{
	return index && index->kind->learns ?
		       (size_t)index->bytes[DD_DATABASE_LISTINGS] / (2 * (1 + DD_LISTED_HASH)) :
		       0;
}

bool dd_index_get_listing(struct dd_index *index, const struct dd_info *now,
			  struct dd_listing *listing)
{
	struct dd_fact fact;
	MDB_val rest;

	if (now->type != DD_ENTRY_DIRECTORY ||
	    !recall_file(index, DD_DATABASE_LISTINGS, now, &fact, &rest))
		return false;
	listing->at = rest.mv_data;
	listing->end = listing->at + rest.mv_size;
	return true;
}

bool dd_listing_next(struct dd_listing *listing, struct dd_listed *listed)
{
	const unsigned char *at = listing->at, *nul;
	size_t left = (size_t)(listing->end - at);

	if (!left)
		return false;
	listed->type = (enum dd_entry_type)(*at & ~DD_LISTED_AS_HASH);
	listed->hash = NULL;
	listed->name = NULL;
	if (*at & DD_LISTED_AS_HASH) {
		if (left < 1 + DD_LISTED_HASH)
			return false;
		listed->hash = at + 1;
		listing->at += 1 + DD_LISTED_HASH;
		return true;
	}
	nul = memchr(at + 1, '\0', left - 1);
	if (!nul)
		return false;
	listed->name = (const char *)at + 1;
	listing->at = nul + 1;
	return true;
}

/* An algorithm and the bytes of a digest. What is left is the caller's to ask for. */
static bool unpack_digest(const unsigned char **at, const unsigned char *end, uint8_t alg,
			  struct dd_digest *digest)
{
	size_t size = alg < DD_ALGORITHM_COUNT ? dd_algorithm_size((enum dd_algorithm)alg) : 0;

	if (!size || (size_t)(end - *at) < size)
		return false;
	memset(digest, 0, sizeof(*digest));
	digest->alg = alg;
	memcpy(digest->bytes, *at, size);
	*at += size;
	return true;
}

/* ---- links ---- */

bool dd_index_get_link(struct dd_index *index, const struct dd_info *now, struct dd_digest *digest,
		       int64_t *read_ns)
{
	const unsigned char *at, *end;
	struct dd_fact fact;
	MDB_val rest;

	if (now->type != DD_ENTRY_FILE ||
	    !recall_file(index, DD_DATABASE_LINKS, now, &fact, &rest) ||
	    rest.mv_size <= sizeof(*read_ns))
		return false;
	at = rest.mv_data;
	end = at + rest.mv_size;
	memcpy(read_ns, at, sizeof(*read_ns));
	at += sizeof(*read_ns) + 1;
	return unpack_digest(&at, end, at[-1], digest) && at == end;
}

/* ---- manifests ---- */

bool dd_index_get_manifest(struct dd_index *index, const struct dd_digest *digest,
			   const struct dd_info *now, struct dd_descriptors *room,
			   struct dd_surveyed *surveyed)
{
	const unsigned char *at;
	struct dd_digest of;
	struct dd_fact fact;
	MDB_val rest;

	if (!index || now->type != DD_ENTRY_FILE ||
	    !recall_file(index, DD_DATABASE_MANIFESTS, now, &fact, &rest) || !rest.mv_size)
		return false;
	at = (const unsigned char *)rest.mv_data + 1;
	if (!unpack_digest(&at, at + rest.mv_size - 1, at[-1], &of) ||
	    !dd_digest_equal(&of, digest))
		return false;
	rest.mv_size -= (size_t)(at - (const unsigned char *)rest.mv_data);
	rest.mv_data = (void *)at;
	memset(surveyed, 0, sizeof(*surveyed));
	surveyed->code = fact.code;
	if (!fact.code)
		return dd_fact_unpack_manifest(&rest, room, surveyed);
	surveyed->detail = rest.mv_data;
	return rest.mv_size && !surveyed->detail[rest.mv_size - 1];
}
