/*
 * Every resource is owned by its scope: CLEANUP(closep) before a declaration closes it at the end of
 * the block, whichever way the block is left.
 */
#ifndef TOOLS_CLEANUP_H
#define TOOLS_CLEANUP_H

#include <stdlib.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define AUTOFREE CLEANUP(tool_freep)

static inline void tool_freep(void *pointer)
{
	free(*(void **)pointer);
}

#endif
