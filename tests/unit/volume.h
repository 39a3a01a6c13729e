/*
 * A volume in a temporary directory, and what tests do to it behind the store's back.
 */
#ifndef TESTS_VOLUME_H
#define TESTS_VOLUME_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <drydock/change.h>

#include "base/text.h"
#include "unit.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define UUID "0f2b6f2e-30a7-4c0e-8f3c-9a1b2c3d4e5f"
#define V2 "docker/registry/v2/"
#define BLOB_A V2 "blobs/sha256/aa/" HEX_A "/data"
#define BLOB_B V2 "blobs/sha256/bb/" HEX_B "/data"
#define REPO V2 "repositories/team/app/"
#define LAYER_A REPO "_layers/sha256/" HEX_A "/link"
#define REVISION_A REPO "_manifests/revisions/sha256/" HEX_A "/link"
#define HISTORY_A REPO "_manifests/tags/v1/index/sha256/" HEX_A "/link"
#define TAG_V1 REPO "_manifests/tags/v1/current/link"
#define UPLOAD REPO "_uploads/" UUID "/"
#define RUN "20261123T174501Z-9f3a"

struct volume {
	char root[64];
	struct dd_context *ctx;
	struct dd_store *store;
	struct dd_error err;
};

/* The path of something below the root; a few at a time. */
static inline const char *below(const struct volume *volume, const char *path)
{
	static char paths[4][8192];
	static unsigned next;
	char *buf = paths[next++ % 4];

	assert_true(snprintf(buf, sizeof(paths[0]), "%s/%s", volume->root, path) <
		    (int)sizeof(paths[0]));
	return buf;
}

static inline void make_parents(const struct volume *volume, const char *path)
{
	char *whole = strdup(below(volume, path));

	for (char *slash = strchr(whole + strlen(volume->root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(mkdir(whole, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
	free(whole);
}

static inline void put_bytes(const struct volume *volume, const char *path, const void *bytes,
			     size_t len)
{
	int fd;

	make_parents(volume, path);
	fd = open(below(volume, path), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

static inline void put(const struct volume *volume, const char *path, const char *text)
{
	put_bytes(volume, path, text, strlen(text));
}

/* NUL-terminated; to be freed. NULL if there is no such file. */
static inline char *get(const struct volume *volume, const char *path, size_t *len)
{
	int fd = open(below(volume, path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	char *text;

	if (len)
		*len = 0;
	if (fd < 0)
		return NULL;
	assert_int_equal(fstat(fd, &st), 0);
	text = calloc(1, (size_t)st.st_size + 1);
	assert_int_equal(read(fd, text, (size_t)st.st_size), st.st_size);
	close(fd);
	if (len)
		*len = (size_t)st.st_size;
	return text;
}

static inline void assert_holds(const struct volume *volume, const char *path, const char *text)
{
	char *got = get(volume, path, NULL);

	if (!got)
		fail_msg("%s is not there", path);
	assert_string_equal(got, text);
	free(got);
}

static inline bool exists(const struct volume *volume, const char *path)
{
	struct stat st;

	return lstat(below(volume, path), &st) == 0;
}

/* Where something lies in the trash of a run; one at a time. */
static inline const char *in_trash(const char *run, const char *path)
{
	static char buf[8192];

	assert_true(snprintf(buf, sizeof(buf), ".drydock/trash/%s/%s", run, path) < (int)sizeof(buf));
	return buf;
}

static inline void open_volume(struct volume *volume)
{
	const char *tmp = getenv("TMPDIR");

	memset(volume, 0, sizeof(*volume));
	snprintf(volume->root, sizeof(volume->root), "%.40s/drydock.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(volume->root));
	assert_int_equal(chmod(volume->root, 0755), 0);
	make_parents(volume, V2 "blobs/x");
	make_parents(volume, V2 "repositories/x");
	assert_int_equal(dd_context_open(&volume->ctx, &volume->err), 0);
	assert_int_equal(dd_store_open(volume->ctx,
				       &(struct dd_store_options){ .root = volume->root },
				       &volume->store, &volume->err), 0);
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline void close_volume(struct volume *volume)
{
	dd_store_close(volume->store);
	dd_context_close(volume->ctx);
	nftw(volume->root, remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

static inline void remove_tree(const struct volume *volume, const char *path)
{
	assert_int_equal(nftw(below(volume, path), remove_one, 32, FTW_DEPTH | FTW_PHYS), 0);
}

/* The place of a path; its strings lie in *memory, which is the caller's to free. */
static inline struct dd_place place_of(const char *path, char **memory)
{
	struct dd_place place;
	struct dd_error err = { 0 };

	if (dd_layout_parse(path, &place, memory, &err) < 0)
		fail_msg("%s", err.text);
	return place;
}

/* An object as a plan judges it. */
static inline struct dd_item item_of(struct volume *volume, const char *path, char **memory)
{
	struct dd_item item = { .place = place_of(path, memory), .reason = DD_REASON_UNTAGGED };
	struct dd_info info;

	assert_int_equal(dd_store_stat(volume->store, &item.place, &info, NULL), 0);
	item.bytes = info.size;
	item.links = info.links;
	item.stamp = info.stamp;
	return item;
}

static inline struct dd_change *begin_change(struct volume *volume)
{
	const struct dd_change_options options = { .command = "gc --apply" };
	struct dd_change *change = NULL;

	if (dd_change_begin(volume->ctx, volume->store, &options, &change, &volume->err) < 0)
		fail_msg("%s", volume->err.text);
	return change;
}

/* Announce, seal and withdraw; the change is left open. */
static inline void withdraw_all(struct volume *volume, struct dd_change *change,
				const char *const *paths, size_t count)
{
	struct dd_item items[16];
	char *memory[16];

	assert_true(count <= 16);
	for (size_t i = 0; i < count; i++) {
		items[i] = item_of(volume, paths[i], &memory[i]);
		assert_int_equal(dd_change_announce(change, &items[i], &volume->err), 0);
	}
	assert_int_equal(dd_change_seal(change, &volume->err), 0);
	for (size_t i = 0; i < count; i++) {
		if (dd_change_withdraw(change, &items[i], &volume->err) < 0)
			fail_msg("%s", volume->err.text);
		free(memory[i]);
	}
	assert_int_equal(dd_change_sync(change, &volume->err), 0);
}

/* A whole run; its name is left in run. */
static inline void collect(struct volume *volume, const char *const *paths, size_t count, char run[32])
{
	struct dd_change *change = begin_change(volume);

	withdraw_all(volume, change, paths, count);
	snprintf(run, 32, "%s", dd_change_get_run(change));
	if (dd_change_finish(change, false, &volume->err) < 0)
		fail_msg("%s", volume->err.text);
	dd_change_close(change);
}

#define assert_code(call, code)                                                                \
	do {                                                                                   \
		int rc_ = (call);                                                              \
		if (rc_ != (code))                                                             \
			fail_msg("%s is %s (%s), not %s", #call, dd_code_name(rc_),            \
				 volume.err.text, dd_code_name(code));                         \
		dd_error_clear(&volume.err);                                                   \
	} while (0)

#endif
