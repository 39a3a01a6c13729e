/*
 * What the tests of changes share: a volume with an object of every kind, and its picture.
 */
#ifndef UNIT_CHANGE_H
#define UNIT_CHANGE_H

#include "base/cleanup.h"
#include "volume.h"

static const char *const everything[] = { BLOB_A,     LAYER_A, REVISION_A,	HISTORY_A,
					  TAG_V1,     BLOB_B,  UPLOAD "data",
					  V2 "blobs/sha256/cc/cccccccccccccccccccccccccccccccc"
					     "cccccccccccccccccccccccccccccccc/data." UUID ".tmp" };

static inline void fill(const struct volume *volume)
{
	for (size_t i = 0; i < DD_COUNT(everything); i++)
		put(volume, everything[i], everything[i]);
	put(volume, UPLOAD "startedat", "2026-01-01T00:00:00Z");
	put(volume, UPLOAD "hashstates/sha256/0", "state");
}

/* ---- all files below the root but our own: path, size, time, inode ---- */

static struct dd_text *picture;
static size_t picture_root;

static inline int draw_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	if (type == FTW_F && !strstr(path, "/.drydock"))
		dd_text_printf(picture, "%s %ld %ld.%09ld %lu\n", path + picture_root, (long)st->st_size,
			       (long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
			       (unsigned long)st->st_ino);
	return 0;
}

static inline int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, to be freed: no listing has an order. */
static inline char *draw(const struct volume *volume)
{
	struct dd_text found = { 0 }, sorted = { 0 };
	char *lines[64], *at;
	size_t count = 0;

	picture = &found;
	picture_root = strlen(volume->root);
	assert_int_equal(nftw(volume->root, draw_one, 32, FTW_PHYS), 0);
	for (at = strtok(found.bytes, "\n"); at; at = strtok(NULL, "\n"))
		lines[count++] = at;
	qsort(lines, count, sizeof(*lines), compare_lines);
	for (size_t i = 0; i < count; i++)
		dd_text_printf(&sorted, "%s\n", lines[i]);
	dd_text_release(&found);
	return dd_text_take(&sorted);
}

static inline int stop_at_once(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	(void)arg, (void)entry, (void)err;
	return 1;
}

static inline bool is_empty(const struct volume *volume, enum dd_place_kind kind)
{
	const struct dd_place place = { .kind = kind };

	return dd_store_list(volume->store, &place, stop_at_once, NULL, NULL) == 0;
}

static inline void revive(struct volume *opened, const char *run, const char *path, bool fresh, int code,
			  bool was_there)
{
	struct volume volume = *opened;
	DD_AUTOFREE char *memory = NULL;
	struct dd_place place = place_of(path, &memory);
	struct dd_change *change = begin_change(&volume);
	bool there = !was_there;

	place.run = run;
	assert_code(dd_change_revive(change, &place, fresh, &there, &volume.err), code);
	if (code == 0)
		assert_int_equal(there, was_there);
	assert_code(dd_change_finish(change, false, &volume.err), 0);
	dd_change_close(change);
}

#endif
