/*
 * Files of metrics.
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
#include "textfile.h"

/* A rename would take the place of a device: of /dev/null for the whole machine, if root does it. */
static int check_type(const char *path, int code, struct dd_error *err)
{
	struct stat st;

	if (stat(path, &st) < 0 || S_ISREG(st.st_mode))
		return 0;
	return dd_fail(err, code, 0, "%s is not a regular file", path);
}

int textfile_check(struct dd_store *store, const char **path, struct dd_error *err)
{
	int directory, rc;

	if (!*path)
		return 0;
	if (!**path) {
		*path = NULL;
		return dd_fail(err, DD_EUSAGE, 0, "--metrics: the name of the file is empty");
	}
	/* What cannot be written for another reason is told when it is tried. */
	directory = outside_open(*path, NULL);
	if (directory < 0)
		return 0;
	rc = check_type(*path, DD_EUSAGE, err);
	if (rc == 0)
		rc = outside_check(store, directory, *path, err);
	close(directory);
	if (rc != DD_EUSAGE)
		return 0;
	*path = NULL;
	return dd_wrap(err, rc, "--metrics");
}

char *textfile_read(const char *path)
{
	char *text = NULL;
	size_t room = 0;
	FILE *file = fopen(path, "re");
	ssize_t len;

	if (!file)
		return NULL;
	len = getdelim(&text, &room, '\0', file);
	fclose(file);
	if (len >= 0)
		return text;
	free(text);
	return NULL;
}

static int write_whole(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t put = write(fd, text, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return errno;
		text += put;
		len -= (size_t)put;
	}
	return fsync(fd) < 0 ? errno : 0;
}

int textfile_replace(const char *path, const char *text, struct dd_error *err)
{
	AUTOFREE char *beside = NULL;
	int fd, sys, rc = check_type(path, DD_EIRREGULAR, err);

	if (rc < 0)
		return rc;
	if (asprintf(&beside, "%s.XXXXXX", path) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "write %s", path);
	fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0)
		return dd_fail(err, dd_code_of_errno(errno), errno, "write %s", beside);
	sys = write_whole(fd, text);
	/* The collector that reads it is another user. */
	if (!sys && fchmod(fd, 0644) < 0)
		sys = errno;
	if (close(fd) < 0 && !sys)
		sys = errno;
	if (!sys && rename(beside, path) < 0)
		sys = errno;
	if (!sys)
		return 0;
	unlink(beside);
	return dd_fail(err, dd_code_of_errno(sys), sys, "write %s", path);
}
