/*
 * The log: one call a line. A line that a crash has torn is ended before the next one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "index/index.h"
#include "index/log.h"

static int fail(const struct dd_index *index, const char *verb, struct dd_error *err)
{
	return dd_fail(err, dd_code_of_errno(errno), errno, "%s %s/" DD_INDEX_LOG, verb,
		       index->place.path);
}

/* Whether there is nothing yet, or the last line has no end; 0 or an error. */
static int look_at_end(const struct dd_index *index, int fd, bool *new, bool *torn,
		       struct dd_error *err)
{
	struct stat st;
	char last = '\n';

	if (fstat(fd, &st) < 0 || (st.st_size && pread(fd, &last, 1, st.st_size - 1) < 0))
		return fail(index, "read", err);
	*new = st.st_size == 0;
	*torn = last != '\n';
	return 0;
}

int dd_index_append(struct dd_index *index, const char *line, size_t len, struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	DD_AUTOCLOSE int fd = -1;
	bool new = false, torn = false;
	int rc;

	if (!dd_index_is_writable(index))
		return 0;
	fd = dd_index_open_file(&index->place, DD_INDEX_LOG, O_RDWR | O_CREAT | O_APPEND, err);
	rc = fd < 0 ? fd : look_at_end(index, fd, &new, &torn, err);
	if (rc < 0)
		return rc;
	if ((torn && dd_text_add(&text, "\n", 1) < 0) || dd_text_add(&text, line, len) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "write a line");
	if (write(fd, text.bytes, text.len) != (ssize_t)text.len || fdatasync(fd) < 0)
		return fail(index, "write", err);
	/* Its name, too. */
	return new &&fsync(index->place.fd) < 0 ? fail(index, "write", err) : 0;
}

static int read_tail(const struct dd_index *index, int fd, size_t max, struct dd_buffer *buffer,
		     struct dd_error *err)
{
	struct stat st;
	off_t from;

	if (fstat(fd, &st) < 0)
		return fail(index, "read", err);
	from = st.st_size > (off_t)max ? st.st_size - (off_t)max : 0;
	buffer->room = (size_t)(st.st_size - from) + 1;
	buffer->bytes = malloc(buffer->room);
	if (!buffer->bytes)
		return dd_fail(err, DD_ENOMEM, 0, "read a log");
	while (buffer->len < buffer->room - 1) {
		ssize_t got = pread(fd, buffer->bytes + buffer->len, buffer->room - 1 - buffer->len,
				    from + (off_t)buffer->len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail(index, "read", err);
		if (got == 0)
			break;
		buffer->len += (size_t)got;
	}
	return 0;
}

int dd_index_read_log(struct dd_index *index, size_t max, struct dd_buffer *buffer,
		      struct dd_error *err)
{
	DD_AUTOCLOSE int fd = -1;

	*buffer = (struct dd_buffer){ 0 };
	if (!index)
		return 0;
	fd = dd_index_open_file(&index->place, DD_INDEX_LOG, O_RDONLY, err);
	if (fd == DD_ENOENT) {
		dd_error_clear(err);
		return 0;
	}
	return fd < 0 ? fd : read_tail(index, fd, max, buffer, err);
}
