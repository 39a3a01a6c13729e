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
