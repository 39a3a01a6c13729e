/*
 * Files of snapshots.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "listing.h"
#include "outside.h"

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static int fail(struct dd_error *err, int sys, const char *verb, const char *path)
{
	return dd_fail(err, dd_code_of_errno(sys), sys, "%s %s", verb, path);
}

/* ---- writing ---- */

/* A word mistyped must not cost anybody a file. */
static int check_replaced(int directory, const char *name, const char *path, struct dd_error *err)
{
	static const char magic[] = " drydock-snapshot "; /* behind the sum of the first line */
	CLEANUP(close_fd) int fd = -1;
	char head[64] = "";
	struct stat st;
	ssize_t len;

	if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : fail(err, errno, "look at", path);
	if (!S_ISREG(st.st_mode)) {
		dd_fail(err, DD_EREFUSED, 0, "%s is there, and is no file", path);
	} else {
		fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		len = fd < 0 ? -1 : read(fd, head, sizeof(head) - 1);
		if (len < 0)
			return fail(err, errno, "read", path);
		if (len > 16 && !strncmp(head + 16, magic, strlen(magic)))
			return 0;
		dd_fail(err, DD_EREFUSED, 0, "%s is there, and is no snapshot", path);
	}
	dd_hint(err, "name another file, or remove it first");
	return DD_EREFUSED;
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t put = write(fd, bytes, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return errno;
		bytes += put;
		len -= (size_t)put;
	}
	return fsync(fd) < 0 ? errno : 0;
}

static mode_t usual_mode(void)
{
	mode_t mask = umask(077);

	umask(mask);
	return 0666 & ~mask;
}

/* A new file beside the path, all of it on the disk; its name is *beside. */
static int write_beside(int directory, const char *name, const char *bytes, size_t len,
			char **beside)
{
	int fd = -1, sys;

	for (unsigned i = 0; fd < 0; i++) {
		free(*beside);
		*beside = NULL;
		if (asprintf(beside, ".%s.%ld.%u", name, (long)getpid(), i) < 0) {
			*beside = NULL;
			return ENOMEM;
		}
		fd = openat(directory, *beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0 && (errno != EEXIST || i > 100)) {
			sys = errno;
			free(*beside);
			*beside = NULL;
			return sys;
		}
	}
	sys = write_all(fd, bytes, len);
	if (!sys && fchmod(fd, usual_mode()) < 0)
		sys = errno;
	if (close(fd) < 0 && !sys)
		sys = errno;
	return sys;
}

static int replace(int directory, const char *name, const char *bytes, size_t len)
{
	AUTOFREE char *beside = NULL;
	int sys = write_beside(directory, name, bytes, len, &beside);

	if (!sys && renameat(directory, beside, directory, name) < 0)
		sys = errno;
	if (sys && beside)
		unlinkat(directory, beside, 0);
	if (!sys && fsync(directory) < 0)
		sys = errno;
	return sys;
}

int listing_write(struct dd_store *store, const struct dd_snapshot *snapshot, const char *path,
		  struct dd_error *err)
{
	CLEANUP(close_fd) int directory = -1;
	AUTOFREE char *bytes = NULL, *for_name = strdup(path);
	const char *name = for_name ? basename(for_name) : NULL;
	size_t len;
	int rc;

	if (!for_name)
		return dd_fail(err, DD_ENOMEM, 0, "write %s", path);
	directory = outside_open(path, err);
	if (directory < 0)
		return directory;
	rc = outside_check(store, directory, path, err);
	if (rc == 0)
		rc = check_replaced(directory, name, path, err);
	if (rc == 0)
		rc = dd_snapshot_format(snapshot, &bytes, &len, err);
	if (rc == 0) {
		int sys = replace(directory, name, bytes, len);

		if (sys)
			rc = fail(err, sys, "write", path);
	}
	return rc;
}

/* ---- reading ---- */

static int read_all(int fd, char *bytes, size_t len)
{
	while (len) {
		ssize_t got = read(fd, bytes, len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? errno : EIO;
		bytes += got;
		len -= (size_t)got;
	}
	return 0;
}

static int load_file(int fd, uint64_t size, const char *path, struct dd_snapshot *snapshot,
		     struct dd_error *err)
{
	AUTOFREE char *bytes = NULL;
	int sys, rc;

	if (size > DD_SNAPSHOT_MAX)
		return dd_fail(err, DD_ETOOBIG, 0, "%s is too large for a snapshot", path);
	bytes = malloc((size_t)size + 1);
	if (!bytes)
		return dd_fail(err, DD_ENOMEM, 0, "read %s", path);
	sys = read_all(fd, bytes, (size_t)size);
	if (sys)
		return fail(err, sys, "read", path);
	bytes[size] = '\0';
	rc = dd_snapshot_parse(snapshot, bytes, (size_t)size, err);
	return rc < 0 ? dd_wrap(err, rc, "%s", path) : 0;
}

static int load_volume(struct tool *tool, const char *path, struct dd_snapshot *snapshot,
		       struct dd_error *err)
{
	CLEANUP(dd_store_closep) struct dd_store *store = NULL;
	const struct dd_store_options where = { .root = path };
	int rc = dd_store_open(tool->ctx, &where, &store, err);

	return rc < 0 ? rc : dd_snapshot_take(tool->ctx, store, NULL, snapshot, err);
}

int listing_load(struct tool *tool, const char *path, struct dd_snapshot *snapshot,
		 struct dd_error *err)
{
	CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return tool_named(fail(err, errno, "read", path));
	if (S_ISDIR(st.st_mode))
		return load_volume(tool, path, snapshot, err);
	if (!S_ISREG(st.st_mode))
		return dd_fail(err, DD_EUSAGE, 0, "%s is neither a file nor a directory", path);
	return load_file(fd, (uint64_t)st.st_size, path, snapshot, err);
}
