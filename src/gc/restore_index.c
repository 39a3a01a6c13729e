/*
 * The trash by name: which run holds a blob, a link, a revision.
 */
#include <stdlib.h>
#include <string.h>

#include "gc/restore.h"

static int compare_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

/* Files beside an object have its place, and are none: they come last, and are never asked for. */
static int compare_place(const struct dd_place *a, const struct dd_place *b)
{
	int order = !!a->beside - !!b->beside;

	if (!order)
		order = (int)a->kind - (int)b->kind;
	if (!order)
		order = dd_digest_compare(&a->digest, &b->digest);
	if (!order && a->kind != DD_AT_BLOB)
		order = compare_text(a->repository, b->repository);
	if (!order && a->kind == DD_AT_TAG)
		order = compare_text(a->tag, b->tag);
	return order;
}

static int compare_objects(const void *a, const void *b)
{
	const struct dd_object *one = *(struct dd_object *const *)a;
	const struct dd_object *two = *(struct dd_object *const *)b;
	int order = compare_place(&one->item->place, &two->item->place);

	/* The newest run first; runs lie in one array, oldest first. */
	if (!order)
		order = (one->run < two->run) - (one->run > two->run);
	return order;
}

static int compare_put_place(const struct dd_place *a, const struct dd_place *b)
{
	int order = compare_place(a, b);

	if (!order && a->kind == DD_AT_SIGNATURE)
		order = dd_digest_compare(&a->second, &b->second);
	return order ? order : compare_text(a->tag, b->tag);
}

static int compare_puts(const void *a, const void *b)
{
	return compare_put_place(&(*(const struct dd_put *const *)a)->place,
				 &(*(const struct dd_put *const *)b)->place);
}

static int index_puts(struct dd_trash_index *index, const struct dd_trash *trash,
		      struct dd_error *err)
{
	size_t total = 0;

	for (size_t i = 0; i < trash->count; i++)
		total += trash->runs[i].put_count;
	index->puts = calloc(total + 1, sizeof(*index->puts));
	if (!index->puts)
		return dd_fail(err, DD_ENOMEM, 0, "look through the trash");
	for (size_t i = 0; i < trash->count; i++)
		for (size_t j = 0; j < trash->runs[i].put_count; j++)
			index->puts[index->put_count++] = &trash->runs[i].puts[j];
	qsort(index->puts, index->put_count, sizeof(*index->puts), compare_puts);
	return 0;
}

static int compare_to_put(const void *key, const void *put)
{
	return compare_put_place(key, &(*(const struct dd_put *const *)put)->place);
}

const struct dd_put *dd_trash_index_put(const struct dd_trash_index *index,
					const struct dd_place *place)
{
	const struct dd_put **found = NULL;

	if (index->put_count)
		found = bsearch(place, index->puts, index->put_count, sizeof(*index->puts),
				compare_to_put);
	return found ? *found : NULL;
}

int dd_trash_index(struct dd_trash_index *index, const struct dd_trash *trash, struct dd_error *err)
{
	size_t at = 0;

	for (size_t i = 0; i < trash->count; i++)
		index->count += trash->runs[i].count;
	index->objects = calloc(index->count + 1, sizeof(*index->objects));
	index->sorted = calloc(index->count + 1, sizeof(*index->sorted));
	if (!index->objects || !index->sorted)
		return dd_fail(err, DD_ENOMEM, 0, "look through the trash");
	for (size_t i = 0; i < trash->count; i++)
		for (size_t j = 0; j < trash->runs[i].count; j++, at++) {
			index->objects[at].run = &trash->runs[i];
			index->objects[at].item = &trash->runs[i].items[j];
			if (!dd_reason_damage(trash->runs[i].items[j].reason))
				index->sorted[index->sorted_count++] = &index->objects[at];
		}
	qsort(index->sorted, index->sorted_count, sizeof(*index->sorted), compare_objects);
	return index_puts(index, trash, err);
}

void dd_trash_index_release(struct dd_trash_index *index)
{
	free(index->objects);
	free(index->sorted);
	free(index->puts);
	*index = (struct dd_trash_index){ 0 };
}

struct dd_object *dd_trash_index_run(const struct dd_trash_index *index,
				     const struct dd_trash *trash, const struct dd_run *run)
{
	size_t at = 0;

	for (const struct dd_run *before = trash->runs; before < run; before++)
		at += before->count;
	return index->objects + at;
}

struct dd_object *dd_trash_index_find(const struct dd_trash_index *index,
				      const struct dd_place *place, const struct dd_run *prefer)
{
	size_t low = 0, high = index->sorted_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_place(&index->sorted[middle]->item->place, place) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t at = low; at < index->sorted_count; at++) {
		struct dd_object *object = index->sorted[at];

		if (compare_place(&object->item->place, place) != 0)
			break;
		if (object->run == prefer)
			return object;
	}
	if (low == index->sorted_count ||
	    compare_place(&index->sorted[low]->item->place, place) != 0)
		return NULL;
	return index->sorted[low];
}
