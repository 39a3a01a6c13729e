/*
 * By place.
 */
#include <stdlib.h>

#include "verify/order.h"

struct by {
	const uint64_t *places;
	const int64_t *whens;
};

static int compare(const void *left, const void *right, void *arg)
{
	const struct by *by = arg;
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	if (by->whens) {
		int64_t first = by->whens[a] / DD_ORDER_NIGHT,
			second = by->whens[b] / DD_ORDER_NIGHT;

		if (first != second)
			return first < second ? -1 : 1;
	}
	if (by->places[a] != by->places[b])
		return by->places[a] < by->places[b] ? -1 : 1;
	return a != b ? (a < b ? -1 : 1) : 0;
}

void dd_order_by_place(uint32_t *ids, size_t count, const uint64_t *places, const int64_t *whens)
{
	struct by by = { places, whens };

	qsort_r(ids, count, sizeof(*ids), compare, &by);
}

static void turn_round(uint32_t *ids, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		uint32_t one = ids[i];

		ids[i] = ids[count - 1 - i];
		ids[count - 1 - i] = one;
	}
}

void dd_order_begin_anywhere(uint32_t *ids, size_t count, uint64_t chance)
{
	size_t first = count ? (size_t)(chance % count) : 0;

	turn_round(ids, first);
	turn_round(ids + first, count - first);
	turn_round(ids, count);
}
