/*
 * Opening paths below a directory without ever following a symbolic link, in no part of the path
 * (O_NOFOLLOW alone guards only the last one), and without leaving the directory.
 */
#ifndef STORE_BENEATH_H
#define STORE_BENEATH_H

#include <sys/types.h>

/* A descriptor, or a negative errno: -ELOOP where a link stands. "" is the directory itself.
 * Paths may be longer than PATH_MAX. */
int dd_beneath_open(int root, const char *path, int flags, mode_t mode);

/* The directory that holds the last component; *name points to that one, within path. */
int dd_beneath_open_parent(int root, const char *path, const char **name);

#endif
