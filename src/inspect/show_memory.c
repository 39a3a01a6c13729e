/*
 * Memory of what is shown: it goes with it, all at once.
 */
#include <string.h>

#include "inspect/show.h"

const char *dd_show_copy(struct dd_showing *showing, const char *text, struct dd_error *err)
{
	const char *copy = text ? dd_arena_copy(showing->memory, text, strlen(text)) : NULL;

	if (text && !copy)
		dd_fail(err, DD_ENOMEM, 0, "show a manifest");
	return copy;
}

void *dd_show_alloc(struct dd_showing *showing, size_t count, size_t size, struct dd_error *err)
{
	size_t bytes;
	void *made = __builtin_mul_overflow(count + 1, size, &bytes) ?
			     NULL :
			     dd_arena_alloc(showing->memory, bytes);

	if (!made)
		dd_fail(err, DD_ENOMEM, 0, "show a manifest");
	else
		memset(made, 0, bytes);
	return made;
}
