/*
 * Memory that goes all at once: allocation is an addition, nothing is freed alone, and the whole
 * stays within a budget. What is kept between two uses is bounded, so that one large document does
 * not make a thread large for ever. No locking.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#define DD_ARENA_KEEP ((size_t)256 << 10) /* bytes kept from one use to the next */

struct dd_arena_chunk;

/* All zero is an empty arena without a budget. */
struct dd_arena {
	struct dd_arena_chunk *first, *current;
	size_t budget;	/* bytes, 0: none */
	size_t held;	/* bytes of all chunks up to the current one */
	char *at, *end; /* what is left of the current chunk */
	char *last;	/* the newest allocation */
	bool exceeded;	/* the budget has refused something since the last reset */
};

/* Forget everything; from here on at most budget bytes (0: any number). */
void dd_arena_reset(struct dd_arena *arena, size_t budget);
void dd_arena_release(struct dd_arena *arena);

/* Aligned for any type, not cleared. NULL: over the budget (arena->exceeded), or out of memory. */
void *dd_arena_alloc(struct dd_arena *arena, size_t size);
/* Give back the newest allocation; any other stays until the reset. */
void dd_arena_unalloc(struct dd_arena *arena, void *newest);
/* A copy of len bytes with a NUL behind them. */
char *dd_arena_copy(struct dd_arena *arena, const char *bytes, size_t len);

#endif
