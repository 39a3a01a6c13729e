/*
 * place.h - where a call strikes: the path below CRASH_ROOT, or elsewhere.
 *
 * Paths are made absolute by /proc/self/fd and cleaned lexically. That is
 * enough to tell what lies below the root; what a call does to the volume is
 * told by inode numbers (oplog.h), never by these paths.
 */
#ifndef CRASH_PLACE_H
#define CRASH_PLACE_H

#include "gate.h"
#include <limits.h>
#include <stdbool.h>

struct place {
	char path[2 * PATH_MAX]; /* absolute, clean */
	const char *below;	 /* what follows the root; NULL elsewhere */
};

static char place_root[PATH_MAX];
static size_t place_root_length;

static char *put_number(char *to, unsigned long value)
{
	char digits[24];
	int n = 0;

	do
		digits[n++] = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	while (n > 0)
		*to++ = digits[--n];
	return to;
}

/* The kernel's name for an open file, or for the working directory. */
static bool name_of_descriptor(int fd, char *to, size_t size)
{
	char link[64] = "/proc/self/cwd";
	long n;

	if (fd != AT_FDCWD) {
		memcpy(link, "/proc/self/fd/", 14);
		*put_number(link + 14, (unsigned long)(fd < 0 ? 0 : fd)) = '\0';
	}
	n = crash_gate(SYS_readlinkat, AT_FDCWD, (long)link, (long)to, (long)(size - 1), 0, 0);
	if (fd < 0 && fd != AT_FDCWD)
		return false;
	to[n < 0 ? 0 : n] = '\0';
	return n > 0;
}

/* "/a//b/./c/.." becomes "/a/b". */
static void clean(char *path)
{
	const char *from = path;
	char *to = path;

	while (*from != '\0') {
		size_t length;

		while (*from == '/')
			from++;
		length = strcspn(from, "/");
		if (length == 2 && from[0] == '.' && from[1] == '.') {
			while (to > path && *--to != '/')
				;
		} else if (length > 0 && !(length == 1 && from[0] == '.')) {
			*to++ = '/';
			memmove(to, from, length);
			to += length;
		}
		from += length;
	}
	if (to == path)
		*to++ = '/';
	*to = '\0';
}

/* A path through /proc/self/fd names what is open there. */
static bool through_descriptor(const char *path, int *fd)
{
	long n = 0;

	if (strncmp(path, "/proc/self/fd/", 14) != 0 || path[14] == '\0')
		return false;
	for (path += 14; *path >= '0' && *path <= '9' && n < INT_MAX / 10; path++)
		n = n * 10 + (*path - '0');
	*fd = (int)n;
	return *path == '\0';
}

static bool locate(struct place *place, int dirfd, const char *path)
{
	size_t length = 0;

	place->below = NULL;
	place->path[0] = '\0';
	if (path != NULL && through_descriptor(path, &dirfd))
		path = NULL;
	if (path == NULL || *path != '/') {
		if (!name_of_descriptor(dirfd, place->path, PATH_MAX))
			return false;
		length = strlen(place->path);
	}
	if (path != NULL) {
		size_t more = strnlen(path, PATH_MAX - 1);

		place->path[length++] = '/';
		memcpy(place->path + length, path, more);
		place->path[length + more] = '\0';
	}
	if (place->path[0] != '/')
		return false;
	clean(place->path);
	if (strncmp(place->path, place_root, place_root_length) != 0)
		return false;
	if (place->path[place_root_length] == '\0')
		place->below = ".";
	else if (place->path[place_root_length] == '/')
		place->below = place->path + place_root_length + 1;
	return place->below != NULL;
}

#endif
