/*
 * Of known words, the one that somebody who misspelt it meant.
 */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

struct dd_nearest {
	const char *word; /* what was written */
	const char *best; /* the nearest of those that were tried; NULL: none is near enough */
	size_t least; /* letters to change, put in or leave out; what is not below it is too far */
};

/* The first of equals stays. Words of 64 letters and more are near to nothing. */
void dd_nearest_try(struct dd_nearest *nearest, const char *known);

#endif
