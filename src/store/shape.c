/*
 * Shapes.
 */
#include <string.h>

#include "store/shape.h"

const char *const dd_shape_names[DD_SHAPE_COUNT][DD_SHAPE_NAMES + 1] = {
	[DD_SHAPE_DATA] = { "data" },
	[DD_SHAPE_LINK] = { "link" },
	[DD_SHAPE_SHA256] = { "sha256" },
	[DD_SHAPE_TAG] = { "current", "index" },
};

static unsigned all_of(enum dd_shape shape)
{
	return dd_shape_names[shape][1] ? 3 : 1;
}

void dd_shaping_add(struct dd_shaping *shaping, const char *name)
{
	shaping->count++;
	for (unsigned i = 0; i < DD_SHAPE_COUNT && shaping->count <= DD_SHAPE_NAMES; i++)
		for (unsigned k = 0; dd_shape_names[i][k]; k++)
			if (!strcmp(dd_shape_names[i][k], name))
				shaping->seen[i] |= 1U << k;
}

enum dd_shape dd_shaping_end(const struct dd_shaping *shaping)
{
	unsigned i = 0;

	while (i < DD_SHAPE_COUNT &&
	       (shaping->seen[i] != all_of((enum dd_shape)i) ||
		shaping->count != (size_t)__builtin_popcount(shaping->seen[i])))
		i++;
	return (enum dd_shape)i;
}
