/*
 * Records and their keys, each with a sum of both.
 */
#include <string.h>

#include "index/index.h"
#include "index/sum.h"

void dd_key_of(struct dd_key *key, const struct dd_digest *digest)
{
	size_t size = dd_digest_size(digest);

	key->bytes[0] = digest->alg;
	memcpy(key->bytes + 1, digest->bytes, size);
	key->len = 1 + size;
}

static uint64_t sum_of(const void *key, size_t len, const struct dd_record *record)
{
	unsigned char bytes[sizeof(*record) + DD_KEY_MAX];
	size_t rest = sizeof(*record) - sizeof(record->sum);

	memcpy(bytes, (const char *)record + sizeof(record->sum), rest);
	memcpy(bytes + rest, key, len);
	return dd_sum_of(bytes, rest + len);
}

void dd_record_of(struct dd_record *record, const struct dd_key *key,
		  const struct dd_verified *verified)
{
	memset(record, 0, sizeof(*record));
	record->version = DD_RECORD_VERSION;
	record->verdict = verified->verdict;
	memcpy(record->stamp, verified->stamp.word, sizeof(record->stamp));
	record->when_ns = verified->when_ns;
	record->size = verified->size;
	record->sum = sum_of(key->bytes, key->len, record);
}

static bool read_key(const MDB_val *key, struct dd_digest *digest)
{
	const uint8_t *bytes = key->mv_data;

	if (key->mv_size < 1 || bytes[0] >= DD_ALGORITHM_COUNT ||
	    key->mv_size != 1 + dd_algorithm_size((enum dd_algorithm)bytes[0]))
		return false;
	memset(digest, 0, sizeof(*digest));
	digest->alg = bytes[0];
	memcpy(digest->bytes, bytes + 1, key->mv_size - 1);
	return true;
}

bool dd_record_read(const MDB_val *key, const MDB_val *value, struct dd_verified_blob *blob)
{
	struct dd_record record;

	if (value->mv_size != sizeof(record) || !read_key(key, &blob->digest))
		return false;
	memcpy(&record, value->mv_data, sizeof(record));
	if (record.version != DD_RECORD_VERSION || record.verdict > DD_VERDICT_CORRUPT ||
	    record.sum != sum_of(key->mv_data, key->mv_size, &record))
		return false;
	memcpy(blob->verified.stamp.word, record.stamp, sizeof(record.stamp));
	blob->verified.when_ns = record.when_ns;
	blob->verified.size = record.size;
	blob->verified.verdict = (enum dd_verdict)record.verdict;
	return true;
}
