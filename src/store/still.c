/*
 * A detached copy of the mounts: open_tree(2) and mount_setattr(2). It wants the right to mount, and
 * Linux 5.14.
 */
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/still.h"

int dd_still_open(int root)
{
	/* Private, or what is mounted later would come up in it, links and all. */
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOSYMFOLLOW | MOUNT_ATTR_RDONLY,
				   .propagation = MS_PRIVATE };
	long fd;

	/* A filter of system calls may kill who makes one that a service has no need of. */
	if (prctl(PR_GET_SECCOMP) != 0)
		return -1;
	fd = syscall(SYS_open_tree, root, "",
		     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	if (fd < 0)
		return -1;
	if (syscall(SYS_mount_setattr, (int)fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr,
		    sizeof(attr)) == 0)
		return (int)fd;
	close((int)fd);
	return -1;
}

int dd_still_stat(int dir, const char *path, struct stat *st)
{
	if (dir < 0 || fstatat(dir, path, st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
		return -1;
	return S_ISLNK(st->st_mode) ? -1 : 0;
}

int dd_still_openat(int dir, const char *path, int flags)
{
	return dir < 0 ? -1 : openat(dir, path, flags | O_CLOEXEC | O_NOFOLLOW);
}
