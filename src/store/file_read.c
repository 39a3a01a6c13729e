/*
 * Reading from the file system: stat, read, stream, list. Nothing here changes a byte.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "store/beneath.h"
#include "store/file.h"

bool dd_stamp_equal(const struct dd_stamp *a, const struct dd_stamp *b)
{
	return !memcmp(a, b, sizeof(*a));
}

bool dd_stamp_same_content(const struct dd_stamp *a, const struct dd_stamp *b)
{
	return !memcmp(a->word, b->word, 4 * sizeof(a->word[0]));
}

bool dd_stamp_written(const struct dd_stamp *before, const struct dd_stamp *now, bool renamed)
{
	const uint64_t *a = before->word, *b = now->word;
	bool same_file = a[0] == b[0] && a[1] == b[1];

	return a[2] != b[2] || a[3] != b[3] || (same_file && !renamed && a[4] != b[4]);
}

static int64_t nanoseconds(struct timespec t)
{
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static enum dd_entry_type type_of(mode_t mode)
{
	return S_ISREG(mode) ? DD_ENTRY_FILE :
	       S_ISDIR(mode) ? DD_ENTRY_DIRECTORY :
	       S_ISLNK(mode) ? DD_ENTRY_SYMLINK :
			       DD_ENTRY_OTHER;
}

int dd_file_info(const struct stat *st, struct dd_info *info)
{
	memset(info, 0, sizeof(*info));
	info->type = type_of(st->st_mode);
	info->size = (uint64_t)st->st_size;
	info->allocated = (uint64_t)st->st_blocks * 512;
	info->mtime_ns = nanoseconds(st->st_mtim);
	info->changed_ns = nanoseconds(st->st_ctim);
	info->links = (uint32_t)st->st_nlink;
	info->device = st->st_dev;
	info->stamp = (struct dd_stamp){ { st->st_dev, st->st_ino, info->size,
					   (uint64_t)info->mtime_ns, (uint64_t)info->changed_ns } };
	return info->type == DD_ENTRY_SYMLINK ? ELOOP : 0;
}

int dd_file_fail(struct dd_store *store, struct dd_error *err, int sys, const char *verb,
		 const char *path)
{
	int code = dd_code_of_errno(sys);

	if (sys == ENXIO || sys == ENODEV || sys == EISDIR) /* a socket, a device, a directory */
		code = DD_EIRREGULAR;
	if (sys == ELOOP)
		return dd_fail(err, code, 0, "%s %s/%s: a symbolic link is in the way", verb,
			       store->root, path);
	return dd_fail(err, code, sys, "%s %s/%s", verb, store->root, path);
}

int dd_store_stat(struct dd_store *store, const struct dd_place *place, struct dd_info *info,
		  struct dd_error *err)
{
	DD_AUTOFREE char *path = NULL;
	DD_AUTOCLOSE int fd = -1;
	struct stat st;
	int rc = dd_layout_path(place, &path, err), sys;

	if (rc < 0)
		return rc;
	fd = dd_beneath_open(store->fd, path, O_PATH, 0);
	if (fd < 0)
		return dd_file_fail(store, err, -fd, "look at", path);
	if (fstat(fd, &st) < 0)
		return dd_file_fail(store, err, errno, "look at", path);
	sys = dd_file_info(&st, info);
	return sys ? dd_file_fail(store, err, sys, "look at", path) : 0;
}

/* O_NONBLOCK: a FIFO must not hang us, a terminal must not become ours. */
static int open_regular(struct dd_store *store, const char *path, struct dd_info *info,
			struct dd_error *err)
{
	int fd = dd_beneath_open(store->fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;

	if (fd < 0)
		return dd_file_fail(store, err, -fd, "open", path);
	if (fstat(fd, &st) < 0) {
		int sys = errno;

		close(fd);
		return dd_file_fail(store, err, sys, "look at", path);
	}
	dd_file_info(&st, info);
	if (info->type != DD_ENTRY_FILE) {
		close(fd);
		return dd_fail(err, DD_EIRREGULAR, 0, "%s/%s is not a regular file", store->root,
			       path);
	}
	return fd;
}

void dd_buffer_release(struct dd_buffer *buffer)
{
	free(buffer->bytes);
	memset(buffer, 0, sizeof(*buffer));
}

static int buffer_reserve(struct dd_buffer *buffer, size_t room, struct dd_error *err)
{
	unsigned char *bytes;

	if (room <= buffer->room)
		return 0;
	bytes = realloc(buffer->bytes, room);
	if (!bytes)
		return dd_fail(err, DD_ENOMEM, 0, "read a file of %zu bytes", room);
	buffer->bytes = bytes;
	buffer->room = room;
	return 0;
}

/* One byte more than the file has is asked for, so that its end is seen without another call. */
static int read_all(struct dd_store *store, int fd, const char *path, uint64_t size, uint64_t max,
		    struct dd_buffer *buffer, struct dd_error *err)
{
	size_t room = (size_t)size + 1;

	buffer->len = 0;
	for (;;) {
		ssize_t got;

		if (buffer->len > max)
			return dd_fail(err, DD_ETOOBIG, 0, "%s/%s is larger than %llu bytes",
				       store->root, path, (unsigned long long)max);
		if (buffer_reserve(buffer, room, err) < 0)
			return dd_wrap(err, DD_ENOMEM, "%s/%s", store->root, path);
		got = read(fd, buffer->bytes + buffer->len, room - buffer->len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return dd_file_fail(store, err, errno, "read", path);
		buffer->len += (size_t)got;
		if (got == 0 || buffer->len == size)
			return 0;
		if (buffer->len == room)
			room *= 2;
	}
}

int dd_store_read(struct dd_store *store, const struct dd_place *place, uint64_t max,
		  struct dd_buffer *buffer, struct dd_info *info, struct dd_error *err)
{
	DD_AUTOFREE char *path = NULL;
	DD_AUTOCLOSE int fd = -1;
	struct dd_info own;
	int rc = dd_layout_path(place, &path, err);

	if (rc < 0)
		return rc;
	if (!info)
		info = &own;
	fd = open_regular(store, path, info, err);
	if (fd < 0)
		return fd;
	if (info->size > max)
		return dd_fail(err, DD_ETOOBIG, 0, "%s/%s is larger than %llu bytes", store->root,
			       path, (unsigned long long)max);
	return read_all(store, fd, path, info->size, max, buffer, err);
}

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
	reader->fd = open_regular(store, reader->path, info ? info : &own, err);
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

/* A negative errno where the type cannot be known. */
static int type_of_entry(int fd, const struct dirent64 *entry)
{
	struct stat st;

	switch (entry->d_type) {
	case DT_REG:
		return DD_ENTRY_FILE;
	case DT_DIR:
		return DD_ENTRY_DIRECTORY;
	case DT_LNK:
		return DD_ENTRY_SYMLINK;
	case DT_UNKNOWN:
		break;
	default:
		return DD_ENTRY_OTHER;
	}
	if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return (int)type_of(st.st_mode);
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* getdents64(2) itself: opendir(3) allocates and asks more of the kernel than most directories of
 * a volume have entries. */
int dd_file_list(struct dd_store *store, int fd, const char *path, dd_entry_fn *fn, void *arg,
		 struct dd_error *err)
{
	_Alignas(struct dirent64) char block[16 << 10];

	for (;;) {
		ssize_t got = getdents64(fd, block, sizeof(block));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return dd_file_fail(store, err, errno, "list", path);
		if (got == 0)
			return 0;
		for (ssize_t at = 0; at < got;) {
			const struct dirent64 *raw = (const void *)(block + at);
			int type = is_dots(raw->d_name) ? -ENOENT : type_of_entry(fd, raw), rc;

			at += raw->d_reclen;
			if (type == -ENOENT)
				continue;
			if (type < 0)
				return dd_file_fail(store, err, -type, "list", path);
			rc = fn(arg, &(struct dd_entry){ raw->d_name, (enum dd_entry_type)type },
				err);
			if (rc)
				return rc;
		}
	}
}

static int list_path(struct dd_store *store, const char *path, dd_entry_fn *fn, void *arg,
		     struct dd_error *err)
{
	DD_AUTOCLOSE int fd = dd_beneath_open(store->fd, path, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return dd_file_fail(store, err, -fd, "list", path);
	return dd_file_list(store, fd, path, fn, arg, err);
}

int dd_store_list(struct dd_store *store, const struct dd_place *directory, dd_entry_fn *fn,
		  void *arg, struct dd_error *err)
{
	DD_AUTOFREE char *path = NULL;
	int rc = dd_layout_path(directory, &path, err);

	return rc < 0 ? rc : list_path(store, path, fn, arg, err);
}

int dd_store_list_owner(struct dd_store *store, const struct dd_place *place, dd_entry_fn *fn,
			void *arg, struct dd_error *err)
{
	DD_AUTOFREE char *path = NULL;
	int rc = dd_layout_path(place, &path, err);
	char *slash = path ? strrchr(path, '/') : NULL;

	if (rc < 0)
		return rc;
	if (slash)
		*slash = '\0';
	return list_path(store, path, fn, arg, err);
}
