/*
 * A copy of the mounts that a volume lies on, seen by nobody else, in which the kernel follows no
 * symbolic link: so that one call does what else takes an openat2(2), an fstat(2) and a close(2).
 * It is as the mounts were when it was made. So only what it says is there is believed.
 */
#ifndef STORE_STILL_H
#define STORE_STILL_H

#include <sys/stat.h>

/*
 * A descriptor of the same directory in such a copy, or -1 where that is not to be had. It is not
 * asked for where system calls are filtered.
 */
int dd_still_open(int root);

/*
 * A path below a directory of such a copy (-1: there is none), without "..". Not 0, or a negative
 * descriptor: it has to be looked for in the ordinary way, whatever the reason.
 */
int dd_still_stat(int dir, const char *path, struct stat *st);
int dd_still_openat(int dir, const char *path, int flags);

#endif
