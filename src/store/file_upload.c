/*
 * The bytes of an upload, as they arrive: a file that grows at its end, while the disk writes what
 * came before, so that little is left to be waited for when it has to be durable.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/beneath.h"
#include "store/file.h"

/* The disk is told to begin whenever so many bytes have come. */
#define BEHIND ((uint64_t)8 << 20)

struct dd_writer {
	struct dd_store *store;
	char *path;
	int fd;
	uint64_t size;
	bool wrote;
	uint64_t begun; /* the disk was told to write up to here */
};

int dd_writer_stat(struct dd_writer *writer, struct dd_info *info, struct dd_error *err)
{
	struct stat st;

	if (fstat(writer->fd, &st) < 0)
		return dd_file_fail(writer->store, err, errno, "look at", writer->path);
	dd_file_info(&st, info);
	if (info->type != DD_ENTRY_FILE)
		return dd_fail(err, DD_EIRREGULAR, 0, "%s/%s is not a regular file",
			       writer->store->root, writer->path);
	return 0;
}

static struct dd_writer *new_writer(struct dd_store *store, const struct dd_place *place,
				    struct dd_error *err)
{
	struct dd_writer *writer = calloc(1, sizeof(*writer));

	if (!writer) {
		dd_fail(err, DD_ENOMEM, 0, "open a file to be written");
		return NULL;
	}
	writer->store = store;
	writer->fd = -1;
	if (dd_layout_path(place, &writer->path, err) < 0)
		dd_writer_closep(&writer);
	return writer;
}

/* A file of an upload's directory, which looks like that. */
static int make_file(const struct dd_writer *writer, int directory, const char *name,
		     const struct stat *around, struct dd_error *err)
{
	int fd = dd_beneath_open(directory, name, O_RDWR | O_CREAT | O_EXCL, 0600), rc;

	if (fd < 0)
		return dd_file_fail(writer->store, err, -fd, "make", writer->path);
	rc = dd_file_dress(writer->store, fd, around, writer->path, err);
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

static int make_files(struct dd_writer *writer, int directory, const char *startedat,
		      struct dd_error *err)
{
	DD_AUTOCLOSE int fd = -1;
	size_t len = strlen(startedat);
	struct stat around;

	if (fstat(directory, &around) < 0)
		return dd_file_fail(writer->store, err, errno, "look above", writer->path);
	fd = make_file(writer, directory, "startedat", &around, err);
	if (fd < 0)
		return fd;
	if (write(fd, startedat, len) != (ssize_t)len)
		return dd_file_fail(writer->store, err, errno ? errno : ENOSPC, "write above",
				    writer->path);
	dd_file_tell(writer->store, fd);
	writer->fd = make_file(writer, directory, "data", &around, err);
	if (writer->fd < 0)
		return writer->fd;
	dd_file_tell(writer->store, writer->fd);
	return 0;
}

/* The directory of all uploads may be emptied and removed by whoever collects: it is made anew. */
static int make_directory(struct dd_writer *writer, const char *above, const char *path,
			  const char *name, struct dd_error *err)
{
	DD_CLEANUP(dd_unsynced_release) struct dd_unsynced unsynced = { 0 };
	DD_AUTOCLOSE int parent = dd_file_make_shared(writer->store, above, &unsynced, err);
	struct stat st;

	/* What is made here is durable with what is linked in the repository at last. */
	if (parent < 0)
		return parent;
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return dd_fail(err, DD_EEXIST, 0, "%s/%s is there already", writer->store->root,
			       path);
	return dd_file_make_in(writer->store, parent, path, name, err);
}

int dd_store_begin_upload(struct dd_store *store, const char *repository, const char *upload,
			  const char *startedat, struct dd_writer **out, struct dd_info *info,
			  struct dd_error *err)
{
	struct dd_place place = { .kind = DD_IN_UPLOADS,
				  .repository = repository,
				  .upload = upload };
	DD_CLEANUP(dd_writer_closep) struct dd_writer *writer = NULL;
	DD_AUTOFREE char *above = NULL, *path = NULL;
	DD_AUTOCLOSE int directory = -1;
	int rc = dd_layout_path(&place, &above, err);

	*out = NULL;
	place.kind = DD_IN_UPLOAD;
	if (rc == 0)
		rc = dd_layout_path(&place, &path, err);
	place.kind = DD_AT_UPLOAD;
	if (rc < 0)
		return rc;
	writer = new_writer(store, &place, err);
	if (!writer)
		return DD_ENOMEM;
	directory = make_directory(writer, above, path, upload, err);
	if (directory < 0)
		return directory;
	rc = make_files(writer, directory, startedat, err);
	if (rc == 0)
		rc = dd_writer_stat(writer, info, err);
	if (rc < 0) {
		dd_store_remove_upload(store, repository, upload, NULL);
		return rc;
	}
	*out = writer;
	writer = NULL;
	return 0;
}

int dd_store_open_writer(struct dd_store *store, const struct dd_place *place,
			 struct dd_writer **out, struct dd_info *info, struct dd_error *err)
{
	DD_CLEANUP(dd_writer_closep) struct dd_writer *writer = new_writer(store, place, err);
	int rc;

	*out = NULL;
	if (!writer)
		return DD_ENOMEM;
	writer->fd = dd_beneath_open(store->fd, writer->path, O_RDWR | O_NONBLOCK | O_NOCTTY, 0);
	if (writer->fd < 0)
		return dd_file_fail(store, err, -writer->fd, "open", writer->path);
	rc = dd_writer_stat(writer, info, err);
	if (rc < 0)
		return rc;
	writer->size = writer->begun = info->size;
	*out = writer;
	writer = NULL;
	return 0;
}

/* Never a failure: it only makes the wait at the end longer. */
static void write_behind(struct dd_writer *writer)
{
	if (writer->size - writer->begun < BEHIND)
		return;
	sync_file_range(writer->fd, (off_t)writer->begun, (off_t)(writer->size - writer->begun),
			SYNC_FILE_RANGE_WRITE);
	writer->begun = writer->size;
}

int dd_writer_append(struct dd_writer *writer, const void *bytes, size_t len, struct dd_error *err)
{
	const char *from = bytes;
	uint64_t at = writer->size;

	while (len) {
		ssize_t put = pwrite(writer->fd, from, len, (off_t)at);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0) {
			int sys = errno, rc;

			/* What is longer than we say is cut when it is opened next. */
			rc = ftruncate(writer->fd, (off_t)writer->size);
			(void)rc;
			return dd_file_fail(writer->store, err, sys, "write", writer->path);
		}
		from += put;
		at += (uint64_t)put;
		len -= (size_t)put;
	}
	writer->size = at;
	writer->wrote = true;
	write_behind(writer);
	return 0;
}

int64_t dd_writer_read_at(struct dd_writer *writer, uint64_t offset, void *bytes, size_t len,
			  struct dd_error *err)
{
	ssize_t got;

	do
		got = pread(writer->fd, bytes, len, (off_t)offset);
	while (got < 0 && errno == EINTR);
	return got < 0 ? dd_file_fail(writer->store, err, errno, "read", writer->path) : got;
}

void dd_writer_begin_sync(struct dd_writer *writer)
{
	dd_file_begin_sync(writer->fd);
}

int dd_writer_sync(struct dd_writer *writer, struct dd_error *err)
{
	int rc;

	do
		rc = fsync(writer->fd);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? dd_file_fail(writer->store, err, errno, "sync", writer->path) : 0;
}

void dd_writer_closep(struct dd_writer **writer)
{
	if (*writer) {
		if ((*writer)->fd >= 0) {
			if ((*writer)->wrote)
				dd_file_tell((*writer)->store, (*writer)->fd);
			close((*writer)->fd);
		}
		free((*writer)->path);
		free(*writer);
		*writer = NULL;
	}
}
