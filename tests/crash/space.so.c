/*
 * Says how much of a file system is free, whatever it is: DRYDOCK_TEST_SPACE="FREE SIZE", or "FREE SIZE
 * FILES-FREE FILES"; without the latter there is no bound to files.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

struct space {
	unsigned long long free_bytes, size, files_free, files;
};

static struct space read_space(void)
{
	const char *said = getenv("DRYDOCK_TEST_SPACE");
	struct space space = { 0 };

	if (!said || sscanf(said, "%llu %llu %llu %llu", &space.free_bytes, &space.size,
			    &space.files_free, &space.files) < 2)
		abort();
	return space;
}

/* By the second name it is called where offsets of files have 64 bits. */
#define SAY(function, type)                                            \
	int function(int fd, struct type *space)                       \
	{                                                              \
		struct space said = read_space();                      \
                                                                       \
		(void)fd;                                              \
		*space = (struct type){ .f_frsize = 1,                 \
					.f_bsize = 1,                  \
					.f_blocks = said.size,         \
					.f_bfree = said.free_bytes,    \
					.f_bavail = said.free_bytes,   \
					.f_files = said.files,         \
					.f_ffree = said.files_free,    \
					.f_favail = said.files_free }; \
		return 0;                                              \
	}

SAY(fstatvfs, statvfs)
SAY(fstatvfs64, statvfs64)
