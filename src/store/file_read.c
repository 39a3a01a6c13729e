/*
 * Reading from the file system: stat, read, list, from the root or from a directory that is held
 * open. Nothing here changes a byte.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/units.h>

#include "store/beneath.h"
#include "store/file.h"
#include "store/still.h"

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
	info->mtime_ns = dd_time_of(&st->st_mtim);
	info->changed_ns = dd_time_of(&st->st_ctim);
	info->links = (uint32_t)st->st_nlink;
	info->owner = st->st_uid;
	info->group = st->st_gid;
	info->mode = st->st_mode & 07777;
	info->device = st->st_dev;
	info->where = st->st_ino; /* file systems put inodes, and data near them, in order */
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

void dd_store_begin_looks(struct dd_store *store)
{
	assert(store->still < 0);
	store->still = dd_still_open(store->fd);
}

void dd_store_end_looks(struct dd_store *store)
{
	if (store->still >= 0)
		close(store->still);
	store->still = -1;
}

/* Not opened yet. Takes the path; NULL without memory. */
static struct dd_directory *new_directory(struct dd_store *store, char *path)
{
	struct dd_directory *directory = path ? calloc(1, sizeof(*directory)) : NULL;

	if (directory)
		*directory = (struct dd_directory){ store, -1, -1, path };
	else
		free(path);
	return directory;
}

/* One way is enough: what is not found by still is looked for from the root. */
static int open_directory(struct dd_directory *directory, struct dd_error *err)
{
	directory->still =
		dd_still_openat(directory->store->still, directory->path, O_PATH | O_DIRECTORY);
	if (directory->still >= 0)
		return 0;
	directory->fd =
		dd_beneath_open(directory->store->fd, directory->path, O_PATH | O_DIRECTORY, 0);
	return directory->fd < 0 ? dd_file_fail(directory->store, err, -directory->fd, "open",
						directory->path) :
				   0;
}

int dd_store_open_directory(struct dd_store *store, const struct dd_place *place,
			    struct dd_directory **out, struct dd_error *err)
{
	DD_CLEANUP(dd_directory_closep) struct dd_directory *directory = NULL;
	char *path = NULL;
	int rc = dd_layout_path(place, &path, err);

	*out = NULL;
	if (rc < 0)
		return rc;
	directory = new_directory(store, path);
	if (!directory)
		return dd_fail(err, DD_ENOMEM, 0, "open a directory");
	rc = open_directory(directory, err);
	if (rc < 0)
		return rc;
	*out = directory;
	directory = NULL;
	return 0;
}

void dd_directory_closep(struct dd_directory **directory)
{
	if (*directory) {
		if ((*directory)->fd >= 0)
			close((*directory)->fd);
		if ((*directory)->still >= 0)
			close((*directory)->still);
		free((*directory)->path);
		free(*directory);
		*directory = NULL;
	}
}

/* What the target's path leads to lies in the directory. */
static void aim_within(struct dd_target *target, const struct dd_directory *directory)
{
	size_t len = strlen(directory->path);

	assert(!strncmp(target->path, directory->path, len) && target->path[len] == '/');
	target->near = target->path + len + 1;
	/* A copy that was given up is of former times. */
	target->still = target->store->still < 0 ? -1 : directory->still;
	if (directory->fd >= 0) {
		target->base = directory->fd;
		target->name = target->near;
	}
}

int dd_file_aim(struct dd_store *store, const struct dd_directory *within,
		const struct dd_place *place, struct dd_target *target, struct dd_error *err)
{
	int rc = dd_layout_write(place, target->usual, &target->path, err);

	if (rc < 0)
		return rc;
	target->store = store;
	target->base = store->fd;
	target->still = store->still;
	target->near = target->name = target->path;
	if (within)
		aim_within(target, within);
	return 0;
}

void dd_target_release(struct dd_target *target)
{
	if (target->path != target->usual)
		free(target->path);
}

static int look_at(const struct dd_target *target, struct dd_info *info, struct dd_error *err)
{
	DD_AUTOCLOSE int fd = -1;
	struct stat st;
	int sys;

	if (dd_still_stat(target->still, target->near, &st) < 0) {
		fd = dd_beneath_open(target->base, target->name, O_PATH, 0);
		if (fd < 0)
			return dd_file_fail(target->store, err, -fd, "look at", target->path);
		if (fstat(fd, &st) < 0)
			return dd_file_fail(target->store, err, errno, "look at", target->path);
	}
	sys = dd_file_info(&st, info);
	return sys ? dd_file_fail(target->store, err, sys, "look at", target->path) : 0;
}

int dd_store_stat(struct dd_store *store, const struct dd_place *place, struct dd_info *info,
		  struct dd_error *err)
{
	DD_CLEANUP(dd_target_release) struct dd_target target;
	int rc = dd_file_aim(store, NULL, place, &target, err);

	return rc < 0 ? rc : look_at(&target, info, err);
}

int dd_directory_stat(struct dd_directory *directory, const struct dd_place *place,
		      struct dd_info *info, struct dd_error *err)
{
	DD_CLEANUP(dd_target_release) struct dd_target target;
	int rc = dd_file_aim(directory->store, directory, place, &target, err);

	return rc < 0 ? rc : look_at(&target, info, err);
}

/* What lies two levels above the file: every object but a tag has a directory of its own. */
static size_t length_above(const char *path)
{
	const char *slash = strrchr(path, '/'), *above = memrchr(path, '/', (size_t)(slash - path));

	return (size_t)(above - path);
}

int dd_store_stat_near(struct dd_store *store, struct dd_directory **held,
		       const struct dd_place *place, struct dd_info *info, struct dd_error *err)
{
	DD_CLEANUP(dd_target_release) struct dd_target target;
	int rc = dd_file_aim(store, NULL, place, &target, err);
	size_t len;

	if (rc < 0)
		return rc;
	len = length_above(target.path);
	if (!*held || strncmp((*held)->path, target.path, len) || (*held)->path[len]) {
		/* Opened when a second one comes: for a single one it would be a detour. */
		dd_directory_closep(held);
		*held = new_directory(store, strndup(target.path, len));
	} else if ((*held)->fd >= 0 || (*held)->still >= 0 || open_directory(*held, NULL) == 0) {
		aim_within(&target, *held);
	}
	return look_at(&target, info, err);
}

int dd_file_open_regular(const struct dd_target *target, struct dd_info *info, struct dd_error *err)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
	int fd = dd_still_openat(target->still, target->near, flags);
	struct stat st;

	if (fd < 0)
		fd = dd_beneath_open(target->base, target->name, flags, 0);
	if (fd < 0)
		return dd_file_fail(target->store, err, -fd, "open", target->path);
	if (fstat(fd, &st) < 0) {
		int sys = errno;

		close(fd);
		return dd_file_fail(target->store, err, sys, "look at", target->path);
	}
	dd_file_info(&st, info);
	if (info->type != DD_ENTRY_FILE) {
		close(fd);
		return dd_fail(err, DD_EIRREGULAR, 0, "%s/%s is not a regular file",
			       target->store->root, target->path);
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

static int too_big(const struct dd_target *target, uint64_t max, struct dd_error *err)
{
	return dd_fail(err, DD_ETOOBIG, 0, "%s/%s is larger than %llu bytes", target->store->root,
		       target->path, (unsigned long long)max);
}

/*
 * One byte more than the file has is asked for, so that its end is seen without another call; and no
 * more, or who goes on writing would keep us. 1: it is longer.
 */
static int read_all(const struct dd_target *target, int fd, uint64_t size, struct dd_buffer *buffer,
		    struct dd_error *err)
{
	size_t room = (size_t)size + 1;

	buffer->len = 0;
	if (buffer_reserve(buffer, room, err) < 0)
		return dd_wrap(err, DD_ENOMEM, "%s/%s", target->store->root, target->path);
	for (;;) {
		ssize_t got = read(fd, buffer->bytes + buffer->len, room - buffer->len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return dd_file_fail(target->store, err, errno, "read", target->path);
		buffer->len += (size_t)got;
		if (got == 0 || buffer->len >= size)
			return buffer->len > size;
	}
}

/* The file as it is by now, from its beginning. */
static int look_anew(const struct dd_target *target, int fd, struct dd_info *info,
		     struct dd_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return dd_file_fail(target->store, err, errno, "look at", target->path);
	dd_file_info(&st, info);
	return 0;
}

/* What is written in one go is whole at the second look. */
#define LOOKS 2

static int read_target(const struct dd_target *target, uint64_t max, struct dd_buffer *buffer,
		       struct dd_info *info, struct dd_error *err)
{
	struct dd_info own;
	DD_AUTOCLOSE int fd = -1;

	if (!info)
		info = &own;
	fd = dd_file_open_regular(target, info, err);
	if (fd < 0)
		return fd;
	for (int i = 1;; i++) {
		int rc;

		if (info->size > max)
			return too_big(target, max, err);
		rc = read_all(target, fd, info->size, buffer, err);
		if (rc <= 0)
			return rc;
		if (i == LOOKS)
			return dd_fail(err, DD_ECHANGED, 0, "%s/%s is being written to",
				       target->store->root, target->path);
		rc = look_anew(target, fd, info, err);
		if (rc < 0)
			return rc;
	}
}

int dd_store_read(struct dd_store *store, const struct dd_place *place, uint64_t max,
		  struct dd_buffer *buffer, struct dd_info *info, struct dd_error *err)
{
	DD_CLEANUP(dd_target_release) struct dd_target target;
	int rc = dd_file_aim(store, NULL, place, &target, err);

	return rc < 0 ? rc : read_target(&target, max, buffer, info, err);
}

int dd_directory_read(struct dd_directory *directory, const struct dd_place *place, uint64_t max,
		      struct dd_buffer *buffer, struct dd_info *info, struct dd_error *err)
{
	DD_CLEANUP(dd_target_release) struct dd_target target;
	int rc = dd_file_aim(directory->store, directory, place, &target, err);

	return rc < 0 ? rc : read_target(&target, max, buffer, info, err);
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

static int list_target(const struct dd_target *target, struct dd_info *info, dd_entry_fn *fn,
		       void *arg, struct dd_error *err)
{
	const int flags = O_RDONLY | O_DIRECTORY;
	DD_AUTOCLOSE int fd = dd_still_openat(target->still, target->near, flags);
	struct stat st;

	if (fd < 0)
		fd = dd_beneath_open(target->base, target->name, flags, 0);
	if (fd < 0)
		return dd_file_fail(target->store, err, -fd, "list", target->path);
	if (info && fstat(fd, &st) < 0)
		return dd_file_fail(target->store, err, errno, "look at", target->path);
	if (info)
		dd_file_info(&st, info);
	return dd_file_list(target->store, fd, target->path, fn, arg, err);
}

int dd_store_list_in(struct dd_store *store, struct dd_directory *within, const struct dd_place *at,
		     struct dd_info *info, dd_entry_fn *fn, void *arg, struct dd_error *err)
{
	DD_CLEANUP(dd_target_release) struct dd_target target;
	int rc = dd_file_aim(store, within, at, &target, err);

	return rc < 0 ? rc : list_target(&target, info, fn, arg, err);
}

int dd_store_list(struct dd_store *store, const struct dd_place *directory, dd_entry_fn *fn,
		  void *arg, struct dd_error *err)
{
	return dd_store_list_in(store, NULL, directory, NULL, fn, arg, err);
}

int dd_directory_list(struct dd_directory *directory, const struct dd_place *below, dd_entry_fn *fn,
		      void *arg, struct dd_error *err)
{
	return dd_store_list_in(directory->store, directory, below, NULL, fn, arg, err);
}

int dd_store_list_owner(struct dd_store *store, const struct dd_place *place, dd_entry_fn *fn,
			void *arg, struct dd_error *err)
{
	DD_CLEANUP(dd_target_release) struct dd_target target;
	int rc = dd_file_aim(store, NULL, place, &target, err);

	if (rc < 0)
		return rc;
	*strrchr(target.path, '/') = '\0'; /* every place has some directory above it */
	return list_target(&target, NULL, fn, arg, err);
}
