/*
 * Making directories, like their surroundings.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "store/beneath.h"
#include "store/file.h"

int dd_file_dress(struct dd_store *store, int fd, const struct stat *around, const char *path,
		  struct dd_error *err)
{
	mode_t mode = around->st_mode & 02775;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return dd_file_fail(store, err, errno, "look at", path);
	if ((st.st_uid != around->st_uid || st.st_gid != around->st_gid) &&
	    fchown(fd, around->st_uid, around->st_gid) < 0 && geteuid() == 0)
		return dd_file_fail(store, err, errno, "change the owner of", path);
	if (!S_ISDIR(st.st_mode))
		mode &= 0664;
	if ((st.st_mode & 07777) != mode && fchmod(fd, mode) < 0)
		return dd_file_fail(store, err, errno, "change the mode of", path);
	return 0;
}

int dd_file_make_in(struct dd_store *store, int parent, const char *path, const char *name,
		    struct dd_error *err)
{
	DD_AUTOCLOSE int fd = -1;
	struct stat around;
	bool ours;
	int rc;

	if (fstat(parent, &around) < 0)
		return dd_file_fail(store, err, errno, "look above", path);
	ours = mkdirat(parent, name, 0700) == 0;
	if (!ours && errno != EEXIST)
		return dd_file_fail(store, err, errno, "make", path);
	fd = dd_beneath_open(parent, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return dd_file_fail(store, err, -fd, "open", path);
	rc = ours ? dd_file_dress(store, fd, &around, path, err) : 0;
	if (rc == 0) {
		rc = fd;
		fd = -1;
	}
	return rc;
}

static int make_in(struct dd_store *store, int parent, const char *path, const char *name,
		   struct dd_error *err)
{
	int fd = dd_file_make_in(store, parent, path, name, err), rc;

	if (fd < 0)
		return fd;
	store->made = true;
	rc = dd_file_mark_dirty(store, path, false, err);
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

int dd_file_make_directory(struct dd_store *store, const char *path, struct dd_error *err)
{
	DD_AUTOCLOSE int parent = -1;
	DD_AUTOFREE char *above = NULL;
	int fd = dd_beneath_open(store->fd, path, O_PATH | O_DIRECTORY, 0), rc;
	const char *slash = strrchr(path, '/');

	if (fd >= 0)
		return fd;
	if (fd != -ENOENT || !*path)
		return dd_file_fail(store, err, -fd, "open", path);
	above = strndup(path, slash ? (size_t)(slash - path) : 0);
	if (!above)
		return dd_fail(err, DD_ENOMEM, 0, "make %s", path);
	/* As deep as the part that is missing: a few levels of the trash. */
	parent = dd_file_make_directory(store, above, err);
	if (parent < 0)
		return parent;
	/* Before it is made: a failure between the two must not leave it unsynced. */
	rc = dd_file_mark_dirty(store, above, false, err);
	return rc < 0 ? rc : make_in(store, parent, path, slash ? slash + 1 : path, err);
}
