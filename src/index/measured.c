/*
 * What a measurement found out: words, in pieces of a size that a record may have. Each word stands for
 * itself, so pieces of different times may stand side by side.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "index/sum.h"
#include "index/survey.h"

#define PIECE ((size_t)64 << 10) /* words in a record */

/* A piece is no file: nothing of today could confirm it, and each of its words is confirmed alone. */
static const struct dd_stamp no_stamp;

static struct dd_object_key key_of(uint64_t piece)
{
	struct dd_stamp stamp = { { 0, piece } };
	struct dd_object_key key;

	dd_object_key_of(&key, &stamp);
	return key;
}

uint64_t dd_index_word(const struct dd_info *directory, unsigned kind)
{
	return (dd_sum_of(&directory->stamp, sizeof(directory->stamp)) & ~DD_INDEX_WORD_KIND) |
	       kind;
}

int dd_index_get_words(struct dd_index *index, uint64_t **words, size_t *count,
		       struct dd_error *err)
{
	*words = NULL;
	*count = 0;
	for (uint64_t piece = 0;; piece++) {
		struct dd_object_key key = key_of(piece);
		const MDB_val name = { sizeof(key.bytes), key.bytes };
		struct dd_fact fact;
		uint64_t *more;
		MDB_val rest;

		if (!dd_index_recall(index, 0, &name, &no_stamp, &fact, &rest))
			return 0;
		more = realloc(*words, (*count + 1) * sizeof(**words) + rest.mv_size);
		if (!more)
			return dd_fail(err, DD_ENOMEM, 0, "read the index");
		*words = more;
		memcpy(more + *count, rest.mv_data, rest.mv_size);
		*count += rest.mv_size / sizeof(**words);
	}
}

int dd_index_keep_words(struct dd_index *index, const uint64_t *words, size_t count,
			struct dd_error *err)
{
	for (size_t at = 0; at < count && index; at += PIECE) {
		size_t many = count - at < PIECE ? count - at : PIECE;
		const struct dd_buffer rest = { .bytes = (unsigned char *)(words + at),
						.len = many * sizeof(*words) };
		struct dd_object_key key = key_of(at / PIECE);
		const MDB_val name = { sizeof(key.bytes), key.bytes };
		struct dd_fact fact = { 0 };

		dd_index_learn(index, 0, &name, &fact, &rest);
	}
	return dd_index_settle(index, false, err);
}
