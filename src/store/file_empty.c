/*
 * Directories of objects that have no file any more: they go, and come back, as they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "store/beneath.h"
#include "store/file.h"

int dd_store_look_at_owner(struct dd_store *store, const struct dd_place *place,
			   struct dd_info *info, struct dd_error *err)
{
	DD_AUTOFREE char *path = NULL;
	DD_AUTOCLOSE int fd = -1;
	struct stat st;
	int rc = dd_layout_owner(place, &path, err);

	if (rc < 0)
		return rc;
	fd = dd_beneath_open(store->fd, path, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return dd_file_fail(store, err, -fd, "look at", path);
	if (info && fstat(fd, &st) < 0)
		return dd_file_fail(store, err, errno, "look at", path);
	if (info)
		dd_file_info(&st, info);
	return 0;
}

/* Nothing was made in it, nor removed, since it was judged. */
static int check_owner(struct dd_store *store, const struct dd_place *place,
		       const struct dd_stamp *expected, struct dd_error *err)
{
	struct dd_info info;
	int rc = dd_store_look_at_owner(store, place, &info, err);

	if (rc == 0 && !dd_stamp_same_content(expected, &info.stamp))
		rc = dd_fail(err, DD_ECHANGED, 0, "the directory of a %s is not as it was",
			     dd_place_kind_name(place->kind));
	return rc;
}

/* 0: none of an object's files is there; an upload has two. */
static int look_for_files(struct dd_store *store, const struct dd_place *place,
			  struct dd_error *err)
{
	struct dd_place other = *place;
	struct dd_info info;
	int rc = dd_store_stat(store, place, &info, err);

	if (rc == DD_ENOENT && (place->kind == DD_AT_STARTEDAT || place->kind == DD_AT_UPLOAD)) {
		other.kind = place->kind == DD_AT_UPLOAD ? DD_AT_STARTEDAT : DD_AT_UPLOAD;
		rc = dd_store_stat(store, &other, &info, err);
	}
	if (rc == 0)
		return dd_fail(err, DD_ECHANGED, 0, "a file came into the directory of a %s",
			       dd_place_kind_name(place->kind));
	if (rc != DD_ENOENT)
		return rc;
	dd_error_clear(err);
	return 0;
}

int dd_store_withdraw_empty(struct dd_store *store, const struct dd_place *place, const char *run,
			    const struct dd_stamp *expected, struct dd_error *err)
{
	DD_AUTOFREE char *path = NULL, *trashed = NULL;
	struct dd_place inside = *place;
	int rc = look_for_files(store, place, err);

	inside.run = run;
	if (rc == 0 && expected)
		rc = check_owner(store, place, expected, err);
	if (rc == 0)
		rc = dd_layout_owner(place, &path, err);
	if (rc == 0)
		rc = dd_layout_owner(&inside, &trashed, err);
	if (rc == 0)
		rc = dd_file_rename(store, path, trashed, err);
	if (rc < 0)
		return rc;
	rc = look_for_files(store, &inside, err);
	if (rc < 0)
		dd_file_rename(store, trashed, path, NULL);
	return rc;
}

static bool remove_directory(int above, const char *name)
{
	return unlinkat(above, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

/* "index" has a directory for each algorithm. */
static void remove_history(int tag)
{
	DD_AUTOCLOSE int fd = dd_beneath_open(tag, "index", O_PATH | O_DIRECTORY, 0);

	for (int alg = 0; fd >= 0 && alg < DD_ALGORITHM_COUNT; alg++)
		remove_directory(fd, dd_algorithm_name((enum dd_algorithm)alg));
	remove_directory(tag, "index");
}

void dd_store_remove_tag(struct dd_store *store, const char *repository, const char *tag)
{
	const struct dd_place place = { .kind = DD_IN_TAG, .repository = repository, .tag = tag };
	DD_AUTOFREE char *path = NULL;
	DD_AUTOCLOSE int above = -1, fd = -1;
	const char *name;

	if (dd_layout_path(&place, &path, NULL) < 0)
		return;
	above = dd_beneath_open_parent(store->fd, path, &name);
	if (above >= 0)
		fd = dd_beneath_open(above, name, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return;
	remove_directory(fd, "current");
	remove_history(fd);
	if (!remove_directory(above, name))
		return;
	/* A descriptor of one of them may be remembered. */
	dd_file_forget_recent(store);
	*strrchr(path, '/') = '\0';
	dd_file_mark_dirty(store, path, true, NULL);
}
