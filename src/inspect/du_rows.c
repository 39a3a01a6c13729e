/*
 * The rows of the answer: made one by one, and in the end brought into their order, the largest first,
 * below what they are in.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "inspect/du.h"

const char *dd_weigh_copy(struct dd_weighing *weighing, const char *text, struct dd_error *err)
{
	const char *copy = dd_arena_copy(weighing->memory, text, strlen(text));

	if (!copy)
		dd_fail(err, DD_ENOMEM, 0, "add up sizes");
	return copy;
}

struct dd_du_row *dd_weigh_row(struct dd_weighing *weighing, const char *name, struct dd_error *err)
{
	struct dd_du_row *row = dd_list_add(&weighing->rows);

	if (!row) {
		dd_fail(err, DD_ENOMEM, 0, "add up sizes");
		return NULL;
	}
	row->parent = DD_DU_NONE;
	row->depth = 1;
	row->shown = true;
	row->name = dd_weigh_copy(weighing, name, err);
	return row->name ? row : NULL;
}

/* ---- their order ---- */

struct sorting {
	const struct dd_du_row *rows;
	size_t *order; /* indices, siblings in a row */
	size_t *first; /* by parent, and one: its first child in order */
	size_t *place; /* by index: where it is now */
	struct dd_du_row *sorted;
	size_t count, done;
	bool by_age;
};

static int compare(const void *left, const void *right, void *arg)
{
	const struct sorting *sorting = arg;
	size_t x = *(const size_t *)left, y = *(const size_t *)right;
	const struct dd_du_row *a = &sorting->rows[x], *b = &sorting->rows[y];
	int order;

	/* Parents come from outside in: at the top is none. */
	if (a->parent != b->parent)
		return a->parent + 1 < b->parent + 1 ? -1 : 1;
	if (sorting->by_age)
		return x < y ? -1 : 1;
	if (a->physical != b->physical)
		return a->physical > b->physical ? -1 : 1;
	order = strcmp(a->name, b->name);
	if (!order && a->tag)
		order = strcmp(a->tag, b->tag);
	return order ? order : a->has_digest ? dd_digest_compare(&a->digest, &b->digest) : 0;
}

/* A row, then all below it: at most as deep as there are levels of namespaces. */
static void emit(struct sorting *sorting, size_t parent)
{
	size_t at = sorting->first[parent + 1];

	for (; at < sorting->count && sorting->rows[sorting->order[at]].parent == parent; at++) {
		struct dd_du_row *row = &sorting->sorted[sorting->done];

		*row = sorting->rows[sorting->order[at]];
		if (parent != DD_DU_NONE)
			row->parent = sorting->place[parent];
		sorting->place[sorting->order[at]] = sorting->done++;
		emit(sorting, sorting->order[at]);
	}
}

/* The largest of each row's; what is below one that is not shown is not either. */
static void cut(struct dd_weighing *weighing, size_t *seen)
{
	size_t top = weighing->options->top;

	for (size_t i = 0; i < weighing->rows.count; i++) {
		struct dd_du_row *row = &weighing->rows.items[i];
		struct dd_du_row *above =
			row->parent == DD_DU_NONE ? NULL : &weighing->rows.items[row->parent];

		if (above && !above->shown)
			row->shown = false;
		if (!row->shown || !top || ++seen[row->parent + 1] <= top)
			continue;
		row->shown = false;
		(*(above ? &above->hidden : &weighing->du->hidden))++;
	}
}

int dd_weigh_sort(struct dd_weighing *weighing, struct dd_error *err)
{
	size_t count = weighing->rows.count;
	DD_AUTOFREE size_t *order = calloc(count + 1, sizeof(*order));
	DD_AUTOFREE size_t *first = calloc(count + 2, sizeof(*first));
	DD_AUTOFREE size_t *place = calloc(count + 1, sizeof(*place));
	struct sorting sorting = { .rows = weighing->rows.items,
				   .order = order,
				   .first = first,
				   .place = place,
				   .count = count,
				   .by_age = weighing->options->by == DD_DU_AGE };

	sorting.sorted = calloc(count + 1, sizeof(*sorting.sorted));
	if (!order || !first || !place || !sorting.sorted) {
		free(sorting.sorted);
		return dd_fail(err, DD_ENOMEM, 0, "sort sizes");
	}
	for (size_t i = 0; i < count; i++)
		order[i] = i;
	if (count)
		qsort_r(order, count, sizeof(*order), compare, &sorting);
	for (size_t i = 0; i <= count; i++)
		first[i] = count;
	for (size_t i = count; i-- > 0;)
		first[weighing->rows.items[order[i]].parent + 1] = i;
	emit(&sorting, DD_DU_NONE);
	free(weighing->rows.items);
	weighing->rows.items = sorting.sorted;
	weighing->rows.room = count + 1;
	memset(first, 0, (count + 2) * sizeof(*first));
	cut(weighing, first);
	return 0;
}
