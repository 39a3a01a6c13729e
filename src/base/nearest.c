/*
 * How far one word is from another: by Levenshtein's measure, a row of the table at a time.
 */
#include "base/nearest.h"

#include <stdint.h>
#include <string.h>

#define LONGEST 63

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t distance(const char *a, const char *b)
{
	size_t row[LONGEST + 1], len = strlen(b);

	if (len > LONGEST || strlen(a) > LONGEST)
		return SIZE_MAX;
	for (size_t i = 0; i <= len; i++)
		row[i] = i;
	for (size_t i = 0; a[i]; i++) {
		size_t corner = row[0];

		row[0] = i + 1;
		for (size_t k = 0; k < len; k++) {
			size_t changed = corner + (a[i] != b[k]);

			corner = row[k + 1];
			row[k + 1] = min(changed, min(row[k], row[k + 1]) + 1);
		}
	}
	return row[len];
}

void dd_nearest_try(struct dd_nearest *nearest, const char *known)
{
	size_t far = distance(nearest->word, known);

	if (far >= nearest->least)
		return;
	nearest->least = far;
	nearest->best = known;
}
