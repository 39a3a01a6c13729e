/*
 * Says how much of a file system is free: DRYDOCK_TEST_SPACE="FREE SIZE" in bytes, whatever it is.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

static void read_space(unsigned long long *free_bytes, unsigned long long *size)
{
	const char *said = getenv("DRYDOCK_TEST_SPACE");

	if (!said || sscanf(said, "%llu %llu", free_bytes, size) != 2)
		abort();
}

/* By the second name it is called where offsets of files have 64 bits. */
#define SAY(function, type)                                       \
	int function(int fd, struct type *space)                  \
	{                                                         \
		unsigned long long free_bytes, size;              \
                                                                  \
		(void)fd;                                         \
		read_space(&free_bytes, &size);                   \
		*space = (struct type){ .f_frsize = 1,            \
					.f_bsize = 1,             \
					.f_blocks = size,         \
					.f_bfree = free_bytes,    \
					.f_bavail = free_bytes }; \
		return 0;                                         \
	}

SAY(fstatvfs, statvfs)
SAY(fstatvfs64, statvfs64)
