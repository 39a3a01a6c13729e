/*
 * A large object as a stream.
 */
#include <errno.h>
#include <stdlib.h>

#include "store/file.h"

struct dd_reader {
	struct dd_store *store;
	char *path;
	int fd;
};

int dd_store_open_reader(struct dd_store *store, const struct dd_place *place,
			 struct dd_reader **out, struct dd_info *info, struct dd_error *err)
{
	DD_CLEANUP(dd_reader_closep) struct dd_reader *reader = calloc(1, sizeof(*reader));
	struct dd_info own;
	int rc;

	*out = NULL;
	if (!reader)
		return dd_fail(err, DD_ENOMEM, 0, "open a reader");
	reader->store = store;
	reader->fd = -1;
	rc = dd_layout_path(place, &reader->path, err);
	if (rc < 0)
		return rc;
	reader->fd = dd_file_open_regular(store, store->fd, reader->path, reader->path,
					  info ? info : &own, err);
	if (reader->fd < 0)
		return reader->fd;
	*out = reader;
	reader = NULL;
	return 0;
}

int64_t dd_reader_read(struct dd_reader *reader, void *bytes, size_t len, struct dd_error *err)
{
	ssize_t got;

	do
		got = read(reader->fd, bytes, len);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return dd_file_fail(reader->store, err, errno, "read", reader->path);
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
		if ((*reader)->fd >= 0)
			close((*reader)->fd);
		free((*reader)->path);
		free(*reader);
		*reader = NULL;
	}
}
