/*
 * An arena of chunks, each twice as large as the one before.
 */
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define FIRST_CHUNK ((size_t)32 << 10)
#define LARGEST_CHUNK ((size_t)4 << 20)
#define ALIGNMENT alignof(max_align_t)

struct dd_arena_chunk {
	struct dd_arena_chunk *next;
	size_t size; /* of bytes */
	alignas(ALIGNMENT) char bytes[];
};

static void use_chunk(struct dd_arena *arena, struct dd_arena_chunk *chunk)
{
	arena->current = chunk;
	arena->held += chunk->size;
	arena->at = chunk->bytes;
	arena->end = chunk->bytes + chunk->size;
}

static void free_after(struct dd_arena_chunk **link)
{
	struct dd_arena_chunk *chunk = *link;

	*link = NULL;
	while (chunk) {
		struct dd_arena_chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
}

void dd_arena_reset(struct dd_arena *arena, size_t budget)
{
	size_t kept = 0;

	for (struct dd_arena_chunk **link = &arena->first; *link; link = &(*link)->next) {
		kept += (*link)->size;
		if (kept > DD_ARENA_KEEP || (budget && kept > budget)) {
			free_after(link);
			break;
		}
	}
	arena->budget = budget;
	arena->exceeded = false;
	arena->current = NULL;
	arena->held = 0;
	arena->at = arena->end = arena->last = NULL;
	if (arena->first)
		use_chunk(arena, arena->first);
}

void dd_arena_release(struct dd_arena *arena)
{
	free_after(&arena->first);
	memset(arena, 0, sizeof(*arena));
}

/* Go on to a chunk with room for size bytes: one that was kept, or a new one. */
static bool next_chunk(struct dd_arena *arena, size_t size)
{
	struct dd_arena_chunk **link = arena->current ? &arena->current->next : &arena->first;
	size_t wanted = arena->current ? 2 * arena->current->size : FIRST_CHUNK;
	struct dd_arena_chunk *chunk;

	if (*link && (*link)->size >= size) {
		use_chunk(arena, *link);
		return true;
	}
	/* Kept, but too small: the rest is of no use in front of what comes. */
	free_after(link);
	if (wanted > LARGEST_CHUNK)
		wanted = LARGEST_CHUNK;
	if (arena->budget) {
		size_t left = arena->budget - arena->held;

		if (size > left) {
			arena->exceeded = true;
			return false;
		}
		if (wanted > left)
			wanted = left;
	}
	if (wanted < size)
		wanted = size;
	chunk = malloc(sizeof(*chunk) + wanted);
	if (!chunk)
		return false;
	chunk->next = NULL;
	chunk->size = wanted;
	*link = chunk;
	use_chunk(arena, chunk);
	return true;
}

void *dd_arena_alloc(struct dd_arena *arena, size_t size)
{
	size_t rounded;

	if (size > PTRDIFF_MAX - ALIGNMENT)
		return NULL;
	if (!size)
		size = 1;
	rounded = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	if (rounded > (size_t)(arena->end - arena->at) && !next_chunk(arena, rounded))
		return NULL;
	arena->last = arena->at;
	arena->at += rounded;
	return arena->last;
}

void dd_arena_unalloc(struct dd_arena *arena, void *newest)
{
	if (newest && newest == arena->last)
		arena->at = arena->last;
}

char *dd_arena_copy(struct dd_arena *arena, const char *bytes, size_t len)
{
	char *copy = dd_arena_alloc(arena, len + 1);

	if (copy) {
		memcpy(copy, bytes, len);
		copy[len] = '\0';
	}
	return copy;
}
