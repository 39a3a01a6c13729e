/*
 * A table of words, each the sum of a directory's stamp, with its shape in the bits that are left.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "inspect/du_shapes.h"

#define WORTH 16 /* a sixteenth of all is new */

_Static_assert(DD_SHAPE_COUNT <= DD_INDEX_WORD_KIND + 1, "a word has no room for so many shapes");

/* The slot of the word, or the free one where it would be. */
static size_t slot_of(const struct dd_recollection *recollection, uint64_t word)
{
	size_t mask = recollection->room - 1, at = (size_t)(word >> 2) & mask;

	while (recollection->slots[at] && (recollection->slots[at] ^ word) > DD_INDEX_WORD_KIND)
		at = (at + 1) & mask;
	return at;
}

static enum dd_shape recall(void *arg, const struct dd_info *directory)
{
	struct dd_recollection *recollection = arg;
	size_t at;

	if (!recollection->room)
		return DD_SHAPE_COUNT;
	at = slot_of(recollection, dd_index_word(directory, 0));
	if (!recollection->slots[at])
		return DD_SHAPE_COUNT;
	__atomic_store_n(&recollection->confirmed[at], true, __ATOMIC_RELAXED);
	return (enum dd_shape)(recollection->slots[at] & DD_INDEX_WORD_KIND);
}

static void learn(void *arg, const struct dd_info *directory, int64_t began_ns, enum dd_shape shape)
{
	struct dd_recollection *recollection = arg;
	uint64_t word, *slot;

	if (!dd_index_may_remember(directory, began_ns))
		return;
	word = dd_index_word(directory, shape);
	pthread_mutex_lock(&recollection->lock);
	slot = dd_list_add(&recollection->learnt);
	if (slot) /* without memory it costs time, next time */
		*slot = word;
	pthread_mutex_unlock(&recollection->lock);
}

static int fill(struct dd_recollection *recollection, const uint64_t *words, size_t count,
		struct dd_error *err)
{
	size_t room = 64;

	while (room < 2 * count)
		room *= 2;
	recollection->slots = calloc(room, sizeof(*recollection->slots));
	recollection->confirmed = calloc(room, sizeof(*recollection->confirmed));
	if (!recollection->slots || !recollection->confirmed)
		return dd_fail(err, DD_ENOMEM, 0, "measure the volume");
	recollection->room = room;
	recollection->known = count;
	for (size_t i = 0; i < count; i++)
		if (words[i])
			recollection->slots[slot_of(recollection, words[i])] = words[i];
	return 0;
}

int dd_recollection_open(struct dd_recollection *recollection, struct dd_index *index,
			 struct dd_error *err)
{
	DD_AUTOFREE uint64_t *words = NULL;
	size_t count;
	int rc;

	*recollection = (struct dd_recollection){ .index = index };
	pthread_mutex_init(&recollection->lock, NULL);
	if (!index)
		return 0;
	recollection->shapes = (struct dd_shapes){ recollection, recall, learn };
	rc = dd_index_get_words(index, &words, &count, err);
	return rc < 0 || !count ? rc : fill(recollection, words, count, err);
}

int dd_recollection_keep(struct dd_recollection *recollection, struct dd_error *err)
{
	size_t fresh = recollection->learnt.count;

	if (!fresh || fresh < recollection->known / WORTH)
		return 0;
	for (size_t i = 0; i < recollection->room; i++) {
		uint64_t *slot =
			recollection->confirmed[i] ? dd_list_add(&recollection->learnt) : NULL;

		if (slot)
			*slot = recollection->slots[i];
	}
	return dd_index_keep_words(recollection->index, recollection->learnt.items,
				   recollection->learnt.count, err);
}

void dd_recollection_release(struct dd_recollection *recollection)
{
	free(recollection->slots);
	free(recollection->confirmed);
	dd_list_release(&recollection->learnt);
	pthread_mutex_destroy(&recollection->lock);
}
