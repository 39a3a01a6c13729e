/*
 * Every resource is owned by its scope: DD_CLEANUP(closep) before a declaration closes it at the
 * end of the block, whichever way the block is left.
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define DD_CLEANUP(fn) __attribute__((cleanup(fn)))
#define DD_AUTOFREE DD_CLEANUP(dd_freep)
#define DD_AUTOCLOSE DD_CLEANUP(dd_fd_closep)

static inline void dd_freep(void *pointer)
{
	free(*(void **)pointer);
}

static inline void dd_fd_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define DD_COUNT(array) (sizeof(array) / sizeof(*(array)))

#endif
