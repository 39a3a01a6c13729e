/*
 * Plans in files: where they may lie, and how they get there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "outside.h"
#include "plan_file.h"

static int fail(struct dd_error *err, const char *verb, const char *path)
{
	return dd_fail(err, dd_code_of_errno(errno), errno, "%s the plan %s", verb, path);
}

/* The directory that a file is in, real; heap memory, NULL with errno. */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	AUTOFREE char *above = !slash	     ? strdup(".") :
			       slash == path ? strdup("/") :
					       strndup(path, (size_t)(slash - path));

	return above ? realpath(above, NULL) : NULL;
}

int plan_file_check(struct dd_store *store, const char *path, struct dd_error *err)
{
	struct stat st;
	int directory, rc;

	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return dd_fail(err, DD_EUSAGE, 0,
			       "--plan-out: %s is no file that could be replaced", path);
	directory = outside_open(path, err);
	rc = directory < 0 ? directory : outside_check(store, directory, path, err);
	if (directory >= 0)
		close(directory);
	return rc < 0 ? dd_wrap(err, rc, "--plan-out") : 0;
}

static int to_file(void *arg, const char *bytes, size_t len)
{
	return fwrite(bytes, 1, len, arg) == len ? 0 : errno;
}

static int write_all(const struct dd_gc *gc, struct dd_store *store, int fd, const char *path,
		     struct dd_error *err)
{
	FILE *out = fdopen(fd, "w");
	int rc;

	if (!out) {
		close(fd);
		return fail(err, "write", path);
	}
	rc = dd_plan_file_write(gc, store, to_file, out, err);
	if (rc == 0 && (fflush(out) != 0 || fsync(fileno(out)) < 0))
		rc = fail(err, "write", path);
	if (fclose(out) != 0 && rc == 0)
		rc = fail(err, "write", path);
	return rc < 0 ? dd_wrap(err, rc, "write the plan %s", path) : 0;
}

/* The name is to outlive a power cut, too. */
static int sync_directory(const char *path, struct dd_error *err)
{
	AUTOFREE char *directory = directory_of(path);
	int fd = directory ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int rc = 0;

	if (fd < 0 || fsync(fd) < 0)
		rc = fail(err, "write", path);
	if (fd >= 0)
		close(fd);
	return rc;
}

int plan_file_write(const struct dd_gc *gc, struct dd_store *store, const char *path,
		    struct dd_error *err)
{
	AUTOFREE char *beside = NULL;
	int fd, rc;

	if (asprintf(&beside, "%s.XXXXXX", path) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "write the plan %s", path);
	/* Names of repositories are nobody else's business: the mode is that of a private file. */
	fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0)
		return fail(err, "write", path);
	rc = write_all(gc, store, fd, path, err);
	if (rc == 0 && rename(beside, path) < 0)
		rc = fail(err, "write", path);
	if (rc < 0) {
		unlink(beside);
		return rc;
	}
	return sync_directory(path, err);
}

static int64_t from_file(void *arg, void *bytes, size_t len, struct dd_error *err)
{
	ssize_t got;

	do
		got = read(*(int *)arg, bytes, len);
	while (got < 0 && errno == EINTR);
	return got < 0 ? dd_fail(err, dd_code_of_errno(errno), errno, "read it") : got;
}

int plan_file_read(const char *path, struct dd_plan_file **file, struct dd_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0) {
		rc = dd_fail(err, DD_EUSAGE, errno, "--plan: %s", path);
		dd_hint(err, "drydock gc --plan-out FILE makes one");
		return rc;
	}
	rc = dd_plan_file_read(from_file, &fd, file, err);
	close(fd);
	return rc < 0 ? dd_wrap(err, rc, "--plan %s", path) : 0;
}
