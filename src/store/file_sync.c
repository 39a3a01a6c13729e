/*
 * Making durable what was changed.
 *
 * A rename concerns two directories, and a crash may keep either without the other. So those where
 * something arrived are synced before those that something left: at worst an object is seen in both
 * places, and never in none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "store/beneath.h"
#include "store/file.h"

/* Never a failure: it only makes the wait for the disk longer. */
void dd_file_begin_sync(int fd)
{
	sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

int dd_file_mark_dirty(struct dd_store *store, const char *path, bool left, struct dd_error *err)
{
	struct dd_dirty *dirty = dd_list_add(&store->dirty);

	if (dirty)
		dirty->path = strdup(path);
	if (!dirty || !dirty->path) {
		store->dirty.count -= dirty != NULL;
		return dd_fail(err, DD_ENOMEM, 0, "remember a directory to sync");
	}
	dirty->left = left;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct dd_dirty *one = a, *other = b;

	if (one->left != other->left)
		return one->left ? 1 : -1;
	return strcmp(one->path, other->path);
}

int dd_file_sync_directory(struct dd_store *store, const char *path)
{
	DD_AUTOCLOSE int fd = dd_beneath_open(store->fd, path, O_RDONLY | O_DIRECTORY, 0);
	int rc;

	if (fd < 0)
		return fd == -ENOENT ? 0 : -fd;
	do
		rc = fsync(fd);
	while (rc < 0 && errno == EINTR);
	/* Some network file systems cannot sync a directory, and need not. */
	return rc < 0 && errno != EINVAL && errno != ENOTSUP ? errno : 0;
}

static int sync_directory(struct dd_store *store, const char *path, struct dd_error *err)
{
	int sys = dd_file_sync_directory(store, path);

	return sys ? dd_file_fail(store, err, sys, "sync", path) : 0;
}

/* Times are part of no directory: all at once is cheaper than file by file. */
static int sync_touched(struct dd_store *store, struct dd_error *err)
{
	DD_AUTOCLOSE int fd = -1;
	int rc;

	if (!store->touched)
		return 0;
	fd = dd_beneath_open(store->fd, "", O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return dd_file_fail(store, err, -fd, "sync", "");
	do
		rc = syncfs(fd);
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return dd_file_fail(store, err, errno, "sync", "");
	store->touched = false;
	return 0;
}

int dd_store_sync(struct dd_store *store, struct dd_error *err)
{
	struct dd_dirty *dirty = store->dirty.items;
	size_t count = store->dirty.count;
	int rc = sync_touched(store, err);

	if (count)
		qsort(dirty, count, sizeof(*dirty), compare);
	for (size_t i = 0; i < count && rc == 0; i++)
		if (i == 0 || compare(&dirty[i], &dirty[i - 1]))
			rc = sync_directory(store, dirty[i].path, err);
	if (rc < 0) /* still dirty: the next call tries again */
		return rc;
	for (size_t i = 0; i < count; i++)
		free(dirty[i].path);
	store->dirty.count = 0;
	store->made = store->from.dirty = store->to.dirty = false;
	return 0;
}
