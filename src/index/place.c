/*
 * Finding and making the directories. Nothing is trusted for its name: each directory is opened
 * once, looked at through that descriptor, and what lies in it is reached from there. Links are
 * followed only above the cache directory, where people have reasons for them; what they lead to is
 * looked at before anything is made in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "index/place.h"
#include "store/disk.h"

#define DEEPEST 4096
#define DIRECTORY (O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)

static int fail(struct dd_error *err, int sys, const char *verb, const char *path)
{
	int rc;

	if (sys == ELOOP || sys == ENOTDIR) {
		rc = dd_fail(err, sys == ELOOP ? DD_ESYMLINK : DD_EIRREGULAR, 0,
			     "%s %s: no directory, or a symbolic link, is there", verb, path);
		dd_hint(err, "links are not followed: name the directory itself with --cache-dir");
		return rc;
	}
	rc = dd_fail(err, dd_code_of_errno(sys), sys, "%s %s", verb, path);
	dd_hint(err,
		"name a directory that is yours with --cache-dir (drydockd: drydock.cache-dir) or "
		"$DRYDOCK_CACHE, or say --no-index");
	return rc;
}

/* Up from a directory to the top: is the volume's root on the way? */
static int check_outside(int fd, const uint64_t root[2], const char *path, struct dd_error *err)
{
	DD_AUTOCLOSE int at = -1;
	struct stat st, above;
	int rc;

	if (fstat(fd, &st) < 0)
		return fail(err, errno, "look at", path);
	for (int i = 0; i < DEEPEST; i++) {
		int up;

		if (st.st_dev == root[0] && st.st_ino == root[1]) {
			rc = dd_fail(err, DD_EREFUSED, 0, "%s lies in the volume itself", path);
			dd_hint(err, "name a directory outside of it with --cache-dir");
			return rc;
		}
		up = openat(at < 0 ? fd : at, "..", O_PATH | DIRECTORY);
		if (up < 0 || fstat(up, &above) < 0) {
			rc = fail(err, errno, "look above", path);
			dd_fd_closep(&up);
			return rc;
		}
		dd_fd_closep(&at);
		at = up;
		if (above.st_dev == st.st_dev && above.st_ino == st.st_ino)
			return 0;
		st = above;
	}
	return fail(err, ENAMETOOLONG, "look above", path);
}

/*
 * The nearest directory to path that is there: *rest is what is missing below it. Only path itself
 * must not be a link.
 */
static int open_nearest(char *path, char **rest, struct dd_error *err)
{
	size_t len = strlen(path), cut = len;

	for (;;) {
		char kept = path[cut];
		int fd;

		path[cut] = '\0';
		fd = open(cut		     ? path :
			  len && kept == '/' ? "/" :
					       ".",
			  O_PATH | O_DIRECTORY | O_CLOEXEC | (cut == len ? O_NOFOLLOW : 0));
		path[cut] = kept;
		if (fd >= 0) {
			*rest = path + cut;
			return fd;
		}
		if (errno != ENOENT || cut == 0)
			return fail(err, errno, "open", path);
		while (cut && path[--cut] != '/')
			;
	}
}

/* One directory more; *base moves into it. */
static int step_into(int *base, const char *name, const char *path, bool *made,
		     struct dd_error *err)
{
	int fd;

	if (!strcmp(name, ".."))
		return fail(err, ENOENT, "open", path);
	*made = mkdirat(*base, name, 0700) == 0;
	if (!*made && errno != EEXIST)
		return fail(err, errno, "make", path);
	fd = openat(*base, name, O_PATH | DIRECTORY);
	if (fd < 0)
		return fail(err, errno, "open", path);
	close(*base);
	*base = fd;
	return 0;
}

static int make_missing(int *base, char *rest, const char *path, struct dd_error *err)
{
	bool made = false;
	char *save, *name;
	int rc = 0;

	for (name = strtok_r(rest, "/", &save); name && rc == 0; name = strtok_r(NULL, "/", &save))
		if (strcmp(name, "."))
			rc = step_into(base, name, path, &made, err);
	/* One that was there may hold more than a cache: a tag would keep that from backups. */
	if (rc == 0 && made)
		rc = dd_index_tag(*base, err);
	return rc;
}

static int check_disk(int fd, const char *path, struct dd_error *err)
{
	struct statfs fs;
	const char *network;
	int rc;

	if (fstatfs(fd, &fs) < 0)
		return fail(err, errno, "look at the file system of", path);
	network = dd_disk_network_name((unsigned long)fs.f_type & 0xffffffff);
	if (!network)
		return 0;
	rc = dd_fail(err, DD_ENOTSUP, 0, "%s is on a file system that may be shared (%s)", path,
		     network);
	dd_hint(err, "name a directory on a disk of this machine with --cache-dir");
	return rc;
}

int dd_index_open_cache(const char *cache, const uint64_t root[2], bool read_only, int *out,
			struct dd_error *err)
{
	DD_AUTOFREE char *path = strdup(cache);
	DD_AUTOCLOSE int fd = -1;
	struct stat st;
	char *rest = path;
	int rc;

	*out = -1;
	if (!path)
		return dd_fail(err, DD_ENOMEM, 0, "open the cache directory");
	fd = open_nearest(path, &rest, err);
	if (fd < 0)
		return fd;
	rc = check_outside(fd, root, cache, err);
	if (rc == 0 && *rest && read_only)
		return 0;
	if (rc == 0 && *rest)
		rc = make_missing(&fd, rest, cache, err);
	if (rc == 0 && fstat(fd, &st) < 0)
		rc = fail(err, errno, "look at", cache);
	if (rc == 0)
		rc = dd_index_check_owner(&st, cache, true, err);
	if (rc == 0)
		rc = check_disk(fd, cache, err);
	if (rc == 0) {
		*out = fd;
		fd = -1;
	}
	return rc;
}

/* The volume's own directory, which nobody else may even look into. */
static int open_own(int cache, const char *name, bool read_only, struct dd_index_place *place,
		    struct dd_error *err)
{
	int unmade = ENOENT, rc;
	struct stat st;

	if (!read_only)
		unmade = mkdirat(cache, name, 0700) < 0 ? errno : 0;
	place->fd = openat(cache, name, O_RDONLY | DIRECTORY);
	if (place->fd < 0 && errno == ENOENT)
		return read_only ? 0 : fail(err, unmade ? unmade : ENOENT, "make", place->path);
	if (place->fd < 0 || fstat(place->fd, &st) < 0)
		return fail(err, errno, "open", place->path);
	if (!unmade)
		dd_index_remove_stale(cache, name, place);
	rc = dd_index_check_owner(&st, place->path, false, err);
	return rc < 0 ? rc : check_disk(place->fd, place->path, err);
}

int dd_index_place_open(struct dd_store *store, const struct dd_index_options *options,
			struct dd_index_place *place, struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text path = { 0 };
	DD_AUTOFREE char *cache = NULL, *name = NULL;
	DD_AUTOCLOSE int fd = -1;
	uint64_t root[2];
	int rc;

	place->fd = -1;
	rc = dd_index_choose(options, &cache, err);
	if (rc == 0)
		rc = dd_index_identify(store, place, root, err);
	if (rc < 0)
		return rc;
	name = dd_index_name(dd_store_get_root(store), place->volume);
	if (!name || dd_text_printf(&path, "%s/%s", cache, name) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "find the index");
	place->path = dd_text_take(&path);
	rc = dd_index_open_cache(cache, root, options->read_only, &fd, err);
	return rc < 0 || fd < 0 ? rc : open_own(fd, name, options->read_only, place, err);
}

void dd_index_place_release(struct dd_index_place *place)
{
	dd_fd_closep(&place->fd);
	place->fd = -1;
	free(place->path);
	place->path = NULL;
	dd_text_release(&place->identity);
}
