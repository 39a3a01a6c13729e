/*
 * Shapes: nearly every directory of a volume holds one name, or two, and always the same ones. Who
 * remembers that of a directory that has not changed need not list it again.
 */
#ifndef STORE_SHAPE_H
#define STORE_SHAPE_H

#include <drydock/store.h>

enum dd_shape {
	DD_SHAPE_DATA,	 /* a blob's */
	DD_SHAPE_LINK,	 /* a link's */
	DD_SHAPE_SHA256, /* of links, by algorithm */
	DD_SHAPE_TAG,
	DD_SHAPE_COUNT /* any other; at most as many as DD_INDEX_WORD_KIND tells apart */
};

/* Its names, ended by NULL: it has these and no others. */
#define DD_SHAPE_NAMES 2
extern const char *const dd_shape_names[DD_SHAPE_COUNT][DD_SHAPE_NAMES + 1];

/* What was seen of a directory so far, name by name. */
struct dd_shaping {
	unsigned seen[DD_SHAPE_COUNT]; /* a bit for each of its names */
	size_t count;
};
void dd_shaping_add(struct dd_shaping *shaping, const char *name);
enum dd_shape dd_shaping_end(const struct dd_shaping *shaping);

/* Several threads at once. */
struct dd_shapes {
	void *arg;
	/* Of a directory as it is now; DD_SHAPE_COUNT: not known. */
	enum dd_shape (*recall)(void *arg, const struct dd_info *directory);
	/* It was looked at when it was open, after began_ns (CLOCK_REALTIME), and listed then. */
	void (*learn)(void *arg, const struct dd_info *directory, int64_t began_ns,
		      enum dd_shape shape);
};

#endif
