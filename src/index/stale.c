/*
 * Indexes that nobody will ask for again. A volume is told by its device and inode, and these change
 * where it is copied, restored, or where devices are numbered anew at each start of the machine; what was
 * kept of it before then stays behind, and would do so for ever.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "index/index.h"

#define STALE (90 * 24 * 3600 * DD_SECOND)
#define OF_THE_VOLUME 16 /* digits at the end of a name */

static DIR *open_directory(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !directory)
		close(fd);
	return directory;
}

static void close_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

/* Of the same path as ours. */
static bool is_of_path(int fd, const struct dd_index_place *place)
{
	const char *root = strchr(place->identity.bytes, '\n') + 1;
	size_t len = (size_t)(strchr(root, '\n') + 1 - place->identity.bytes);
	DD_AUTOFREE char *text = malloc(len);
	DD_AUTOCLOSE int file =
		openat(fd, DD_INDEX_VOLUME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return text && file >= 0 && pread(file, text, len, 0) == (ssize_t)len &&
	       !memcmp(text, place->identity.bytes, len);
}

/* Also if it holds what no index does: then it is not ours to remove. */
static bool is_in_use(DIR *directory, int64_t before_ns)
{
	const struct dirent *entry;

	while ((entry = readdir(directory))) {
		struct stat st;

		if (!strcmp(entry->d_name, "..") || !strcmp(entry->d_name, "."))
			continue;
		if (fstatat(dirfd(directory), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode) || st.st_mtim.tv_sec >= before_ns / DD_SECOND)
			return true;
	}
	return false;
}

static void remove_if_stale(int cache, const char *name, const struct dd_index_place *place)
{
	DD_CLEANUP(close_directory) DIR *directory = open_directory(cache, name);
	const struct dirent *entry;
	struct stat st;

	if (!directory || fstat(dirfd(directory), &st) < 0 ||
	    dd_index_check_owner(&st, name, false, NULL) < 0 ||
	    !is_of_path(dirfd(directory), place) || is_in_use(directory, dd_time_now() - STALE))
		return;
	rewinddir(directory);
	while ((entry = readdir(directory)))
		if (strcmp(entry->d_name, "..") != 0 && strcmp(entry->d_name, ".") != 0)
			unlinkat(dirfd(directory), entry->d_name, 0);
	unlinkat(cache, name, AT_REMOVEDIR);
}

void dd_index_remove_stale(int cache, const char *own, const struct dd_index_place *place)
{
	DD_CLEANUP(close_directory) DIR *directory = open_directory(cache, ".");
	size_t len = strlen(own), path = len - OF_THE_VOLUME;
	const struct dirent *entry;

	while (directory && (entry = readdir(directory)))
		if (strlen(entry->d_name) == len && !memcmp(entry->d_name, own, path) &&
		    strcmp(entry->d_name, own) != 0)
			remove_if_stale(cache, entry->d_name, place);
}
