/*
 * Our own state in the volume: its directories, and whether they are fit for what is to be done.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include "store/beneath.h"
#include "store/file.h"

/* Whoever can write there decides what comes back and what goes for good. */
static int check_owner(struct dd_store *store, const char *path, const struct stat *st,
		       const struct stat *root, struct dd_error *err)
{
	bool shared = root->st_mode & S_IWGRP && root->st_gid == st->st_gid;

	if (st->st_uid != root->st_uid && st->st_uid != 0 && st->st_uid != geteuid()) {
		dd_fail(err, DD_EREFUSED, 0, "%s/%s belongs to user %u, the volume to %u",
			store->root, path, st->st_uid, root->st_uid);
		dd_hint(err,
			"see who made it; chown it to the volume's owner if its content is ours");
		return DD_EREFUSED;
	}
	if (st->st_mode & S_IWOTH || (st->st_mode & S_IWGRP && !shared)) {
		dd_fail(err, DD_EREFUSED, 0, "others than the volume's owner may write to %s/%s",
			store->root, path);
		dd_hint(err, "chmod go-w it, after a look at what it holds");
		return DD_EREFUSED;
	}
	return 0;
}

static int check_directory(struct dd_store *store, const char *path, const struct stat *root,
			   struct dd_error *err)
{
	DD_AUTOCLOSE int fd = dd_beneath_open(store->fd, path, O_PATH | O_DIRECTORY, 0);
	struct stat st;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0) {
		int rc = dd_file_fail(store, err, -fd, "open", path);

		if (rc == DD_ESYMLINK || rc == DD_EIRREGULAR)
			dd_hint(err, "it should be a directory that drydock made; see who put that "
				     "there, and remove it");
		return rc;
	}
	if (fstat(fd, &st) < 0)
		return dd_file_fail(store, err, errno, "look at", path);
	return check_owner(store, path, &st, root, err);
}

int dd_store_check_state(struct dd_store *store, struct dd_error *err)
{
	static const char *const paths[] = { DD_STATE_BASE, DD_STATE_TRASH, DD_STATE_PURGE };
	struct stat root;
	int rc = 0;

	if (fstat(store->fd, &root) < 0)
		return dd_file_fail(store, err, errno, "look at", "");
	for (size_t i = 0; i < DD_COUNT(paths) && rc == 0; i++)
		rc = check_directory(store, paths[i], &root, err);
	return rc;
}

int dd_store_make_state(struct dd_store *store, struct dd_error *err)
{
	static const char *const paths[] = { DD_STATE_TRASH, DD_STATE_PURGE };

	for (size_t i = 0; i < DD_COUNT(paths); i++) {
		int fd = dd_file_make_directory(store, paths[i], err);

		if (fd < 0)
			return dd_wrap(err, fd, "make room for the trash");
		close(fd);
	}
	return dd_store_sync(store, err);
}

/* A rename needs one mount, which is more than one file system: bind mounts of one end it too. */
struct where {
	unsigned major, minor;
	uint64_t mount; /* 0: the kernel does not say */
};

static int where_is(int fd, struct where *where)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0)
		return -errno;
	*where = (struct where){ st.stx_dev_major, st.stx_dev_minor,
				 st.stx_mask & STATX_MNT_ID ? st.stx_mnt_id : 0 };
	return 0;
}

static bool same_mount(const struct where *a, const struct where *b)
{
	return a->major == b->major && a->minor == b->minor &&
	       (a->mount == b->mount || !a->mount || !b->mount);
}

int dd_store_check_rename(struct dd_store *store, struct dd_error *err)
{
	static const char *const parts[] = {
		DD_VOLUME_BASE, DD_VOLUME_BASE "/blobs", DD_VOLUME_BASE "/repositories",
		DD_STATE_BASE,	DD_STATE_TRASH,		 DD_STATE_PURGE
	};
	struct where root, part;
	int sys = where_is(store->fd, &root);

	if (sys)
		return dd_file_fail(store, err, -sys, "look at", "");
	for (size_t i = 0; i < DD_COUNT(parts); i++) {
		DD_AUTOCLOSE int fd = dd_beneath_open(store->fd, parts[i], O_PATH | O_DIRECTORY, 0);

		if (fd == -ENOENT)
			continue;
		sys = fd < 0 ? fd : where_is(fd, &part);
		if (sys)
			return dd_file_fail(store, err, -sys, "look at", parts[i]);
		if (same_mount(&root, &part))
			continue;
		dd_fail(err, DD_EXDEV, 0, "%s/%s is mounted from elsewhere than %s", store->root,
			parts[i], store->root);
		dd_hint(err,
			"the trash must be on the file system of what it takes, or nothing could "
			"be undone; mount one file system at the root");
		return DD_EXDEV;
	}
	return 0;
}

int dd_store_space(struct dd_store *store, struct dd_space *space, struct dd_error *err)
{
	DD_AUTOCLOSE int fd = dd_beneath_open(store->fd, "", O_RDONLY | O_DIRECTORY, 0);
	struct statvfs st;

	if (fd < 0 || fstatvfs(fd, &st) < 0)
		return dd_file_fail(store, err, fd < 0 ? -fd : errno, "look at", "");
	space->free = (uint64_t)st.f_bavail * st.f_frsize;
	space->size = (uint64_t)(st.f_blocks - st.f_bfree) * st.f_frsize + space->free;
	space->files_free = st.f_favail;
	space->files = st.f_files;
	return 0;
}

int dd_store_identify(struct dd_store *store, uint64_t identity[2], struct dd_error *err)
{
	struct stat st;

	if (fstat(store->fd, &st) < 0)
		return dd_file_fail(store, err, errno, "look at", "");
	identity[0] = st.st_dev;
	identity[1] = st.st_ino;
	return 0;
}
