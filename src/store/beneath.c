/*
 * openat2(2) where the kernel has it, else a walk by directory descriptors.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "store/beneath.h"

static atomic_bool no_openat2;

/* A moved directory makes the kernel give up with EAGAIN: it has to look again. */
#define TRIES 8

static int by_openat2(int dir, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		/* No O_NOFOLLOW: with it a link in the last place is ENOTDIR, not ELOOP. */
		.flags = (unsigned)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	for (int i = 0;; i++) {
		fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
		if (fd >= 0)
			return (int)fd;
		if (errno != EINTR && (errno != EAGAIN || i >= TRIES))
			return -errno;
	}
}

static int open_one(int dir, const char *name, int flags, mode_t mode)
{
	int fd;

	do
		fd = openat(dir, name, flags | O_CLOEXEC | O_NOFOLLOW, mode);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

/* What openat() calls ENOTDIR may be a link where a directory was wanted. */
static int is_link(int dir, const char *name)
{
	char target[2];

	return readlinkat(dir, name, target, sizeof(target)) >= 0;
}

/* A path alone can be opened to a link itself: openat2(2) does so only where O_NOFOLLOW asks for it. */
static int open_last(int dir, const char *name, int flags, mode_t mode)
{
	int fd = open_one(dir, name, flags, mode);
	struct stat st;

	if (fd < 0 || (flags & (O_PATH | O_NOFOLLOW)) != O_PATH ||
	    (fstat(fd, &st) == 0 && !S_ISLNK(st.st_mode)))
		return fd;
	close(fd);
	return -ELOOP;
}

static int by_hand(int root, const char *path, int flags, mode_t mode)
{
	DD_AUTOCLOSE int held = -1;
	int dir = root;

	for (;;) {
		size_t len = strcspn(path, "/");
		char name[NAME_MAX + 1];
		int last = path[len] == '\0', fd;

		if (len > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, path, len);
		name[len] = '\0';
		if (!strcmp(name, ".."))
			return -EXDEV;
		if (last)
			fd = open_last(dir, name, flags, mode);
		else
			fd = open_one(dir, name, O_PATH | O_DIRECTORY, 0);
		if (fd == -ENOTDIR && is_link(dir, name))
			fd = -ELOOP;
		if (fd < 0 || last)
			return fd;
		if (held >= 0)
			close(held);
		held = dir = fd;
		path += len + 1;
	}
}

static int open_short(int root, const char *path, int flags, mode_t mode)
{
	if (!atomic_load_explicit(&no_openat2, memory_order_relaxed)) {
		int fd = by_openat2(root, path, flags, mode);

		/* EPERM: a sandbox older than the call says so instead of ENOSYS. */
		if (fd != -ENOSYS && fd != -EPERM)
			return fd;
		if (fd == -ENOSYS)
			atomic_store(&no_openat2, true);
	}
	return by_hand(root, path, flags, mode);
}

int dd_beneath_open(int root, const char *path, int flags, mode_t mode)
{
	DD_AUTOCLOSE int held = -1;
	char part[PATH_MAX];

	if (!*path)
		path = ".";
	while (strlen(path) >= PATH_MAX) {
		const char *slash = memrchr(path, '/', PATH_MAX - 1);
		int fd;

		if (!slash)
			return -ENAMETOOLONG;
		memcpy(part, path, (size_t)(slash - path));
		part[slash - path] = '\0';
		fd = open_short(root, part, O_PATH | O_DIRECTORY, 0);
		if (fd < 0)
			return fd;
		if (held >= 0)
			close(held);
		root = held = fd;
		path = slash + 1;
	}
	return open_short(root, path, flags, mode);
}

int dd_beneath_open_parent(int root, const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char part[PATH_MAX];

	if (!slash) {
		*name = path;
		return dd_beneath_open(root, "", O_PATH | O_DIRECTORY, 0);
	}
	*name = slash + 1;
	if (slash - path >= (ptrdiff_t)sizeof(part))
		return -ENAMETOOLONG;
	memcpy(part, path, (size_t)(slash - path));
	part[slash - path] = '\0';
	return dd_beneath_open(root, part, O_PATH | O_DIRECTORY, 0);
}
