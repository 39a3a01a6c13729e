/*
 * Stamps: whether an object is what it was.
 */
#include <string.h>

#include <drydock/store.h>

bool dd_stamp_equal(const struct dd_stamp *a, const struct dd_stamp *b)
{
	return !memcmp(a, b, sizeof(*a));
}

uint64_t dd_stamp_object(const struct dd_stamp *stamp)
{
	return stamp->word[1];
}

bool dd_stamp_same_content(const struct dd_stamp *a, const struct dd_stamp *b)
{
	return !memcmp(a->word, b->word, 4 * sizeof(a->word[0]));
}

bool dd_stamp_written(const struct dd_stamp *before, const struct dd_stamp *now, bool renamed)
{
	const uint64_t *a = before->word, *b = now->word;
	bool same_file = a[0] == b[0] && a[1] == b[1];

	return a[2] != b[2] || a[3] != b[3] || (same_file && !renamed && a[4] != b[4]);
}

/* Steps of splitmix64. */
static uint64_t stir(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

uint64_t dd_stamp_sum(const struct dd_stamp *stamp)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < 4; i++)
		sum = stir(sum ^ stamp->word[i]);
	return sum;
}

int64_t dd_stamp_time(const struct dd_stamp *stamp)
{
	int64_t written = (int64_t)stamp->word[3], changed = (int64_t)stamp->word[4];

	return written > changed ? written : changed;
}
