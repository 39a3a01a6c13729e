/*
 * A large object as a stream.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "store/file.h"

/* Given up at once: few enough to be no loss, many enough to be worth a call. */
#define WINDOW ((off_t)8 << 20)
/* Asked of the disk ahead of who has to wait for it: a few answers' worth. */
#define AHEAD ((off_t)4 << 20)

struct dd_reader {
	struct dd_store *store;
	char *path;
	int fd;
	off_t size;
	bool forget;	/* what was read is to be given up */
	off_t at, kept; /* read up to here; given up to here */
};

static int open_reader(struct dd_store *store, struct dd_directory *within,
		       const struct dd_place *place, struct dd_reader **out, struct dd_info *info,
		       struct dd_error *err)
{
	DD_CLEANUP(dd_reader_closep) struct dd_reader *reader = calloc(1, sizeof(*reader));
	DD_CLEANUP(dd_target_release) struct dd_target target = { .path = NULL };
	struct dd_info own;
	int rc;

	*out = NULL;
	if (!reader)
		return dd_fail(err, DD_ENOMEM, 0, "open a reader");
	if (!info)
		info = &own;
	reader->store = store;
	reader->fd = -1;
	rc = dd_file_aim(store, within, place, &target, err);
	if (rc < 0)
		return rc;
	reader->path = strdup(target.path);
	if (!reader->path)
		return dd_fail(err, DD_ENOMEM, 0, "open a reader");
	reader->fd = dd_file_open_regular(&target, info, err);
	if (reader->fd < 0)
		return reader->fd;
	reader->size = (off_t)info->size;
	*out = reader;
	reader = NULL;
	return 0;
}

int dd_store_open_reader(struct dd_store *store, const struct dd_place *place,
			 struct dd_reader **out, struct dd_info *info, struct dd_error *err)
{
	return open_reader(store, NULL, place, out, info, err);
}

int dd_directory_open_reader(struct dd_directory *directory, const struct dd_place *place,
			     struct dd_reader **out, struct dd_info *info, struct dd_error *err)
{
	return open_reader(directory->store, directory, place, out, info, err);
}

int dd_reader_stat(struct dd_reader *reader, struct dd_info *info, struct dd_error *err)
{
	struct stat st;

	if (fstat(reader->fd, &st) < 0)
		return dd_file_fail(reader->store, err, errno, "look at", reader->path);
	dd_file_info(&st, info);
	return 0;
}

/* Whether a byte of it comes without waiting for a disk. */
static bool has_cached(const struct dd_reader *reader, off_t at)
{
	char byte;
	struct iovec one = { &byte, 1 };

	return preadv2(reader->fd, &one, 1, at, RWF_NOWAIT) == 1;
}

/* The far places are asked first: asking itself may read ahead. */
bool dd_reader_is_cached(const struct dd_reader *reader)
{
	off_t size = reader->size;

	return size <= 0 || (has_cached(reader, size - 1) && has_cached(reader, size / 2) &&
			     has_cached(reader, 0));
}

void dd_reader_pass_through(struct dd_reader *reader)
{
	reader->forget = !dd_reader_is_cached(reader);
	if (reader->forget)
		posix_fadvise(reader->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
}

static void forget(struct dd_reader *reader)
{
	if (reader->forget && reader->at > reader->kept)
		posix_fadvise(reader->fd, reader->kept, reader->at - reader->kept,
			      POSIX_FADV_DONTNEED);
	reader->kept = reader->at;
}

int64_t dd_reader_read(struct dd_reader *reader, void *bytes, size_t len, struct dd_error *err)
{
	ssize_t got;

	do
		got = read(reader->fd, bytes, len);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return dd_file_fail(reader->store, err, errno, "read", reader->path);
	reader->at += got;
	if (reader->at - reader->kept >= WINDOW)
		forget(reader);
	return got;
}

static int64_t read_at_once(struct dd_reader *reader, off_t at, void *bytes, size_t len,
			    struct dd_error *err)
{
	struct iovec one = { bytes, len };
	ssize_t got;

	do
		got = preadv2(reader->fd, &one, 1, at, RWF_NOWAIT);
	while (got < 0 && errno == EINTR);
	/* Where nobody can tell whether it would wait, it would. */
	if (got < 0 && (errno == EAGAIN || errno == EOPNOTSUPP || errno == ENOSYS))
		return dd_fail(err, DD_EAGAIN, 0, "%s/%s has to be read from the disk",
			       reader->store->root, reader->path);
	return got < 0 ? dd_file_fail(reader->store, err, errno, "read", reader->path) : got;
}

int64_t dd_reader_read_at(struct dd_reader *reader, uint64_t offset, void *bytes, size_t len,
			  bool may_wait, struct dd_error *err)
{
	off_t at = (off_t)offset;
	ssize_t got;

	if (offset > INT64_MAX)
		return 0;
	if (!may_wait)
		return read_at_once(reader, at, bytes, len, err);
	do
		got = pread(reader->fd, bytes, len, at);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return dd_file_fail(reader->store, err, errno, "read", reader->path);
	if (at + got < reader->size)
		posix_fadvise(reader->fd, at + got, AHEAD, POSIX_FADV_WILLNEED);
	return got;
}

int dd_reader_skip(struct dd_reader *reader, uint64_t bytes, struct dd_error *err)
{
	if (lseek(reader->fd, (off_t)bytes, SEEK_CUR) < 0)
		return dd_file_fail(reader->store, err, errno, "read", reader->path);
	return 0;
}

void dd_reader_closep(struct dd_reader **reader)
{
	if (*reader) {
		if ((*reader)->fd >= 0) {
			forget(*reader);
			close((*reader)->fd);
		}
		free((*reader)->path);
		free(*reader);
		*reader = NULL;
	}
}
