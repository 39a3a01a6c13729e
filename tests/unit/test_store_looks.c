/*
 * Looks by a copy of the mounts: they tell what looks in the ordinary way do, and never more. Where no
 * copy can be made nothing changes.
 */
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "volume.h"
#include "old_kernel.h"

static const struct dd_place blobs = { .kind = DD_IN_BLOBS };

static void assert_same_info(const struct dd_info *a, const struct dd_info *b)
{
	assert_int_equal(a->type, b->type);
	assert_int_equal(a->size, b->size);
	assert_int_equal(a->allocated, b->allocated);
	assert_int_equal(a->mtime_ns, b->mtime_ns);
	assert_int_equal(a->changed_ns, b->changed_ns);
	assert_int_equal(a->links, b->links);
	assert_int_equal(a->owner, b->owner);
	assert_int_equal(a->group, b->group);
	assert_int_equal(a->mode, b->mode);
	assert_int_equal(a->device, b->device);
	assert_true(dd_stamp_equal(&a->stamp, &b->stamp));
}

/* In every way in which a place can be looked at. */
static int count_entry(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	(void)entry;
	(void)err;
	++*(int *)arg;
	return 0;
}

/* From where it is held, and from the root. */
static void assert_listed(struct volume *volume, struct dd_directory *held, int count)
{
	struct dd_place shards = { .kind = DD_IN_BLOBS_OF };
	int found = 0;

	assert_int_equal(dd_directory_list(held, &shards, count_entry, &found, NULL), 0);
	assert_int_equal(found, count);
	assert_int_equal(dd_store_list(volume->store, &shards, count_entry, &found, NULL), 0);
	assert_int_equal(found, 2 * count);
}

static int look_all(struct volume *volume, const struct dd_place *place, struct dd_info *info)
{
	DD_CLEANUP(dd_directory_closep) struct dd_directory *held = NULL, *near = NULL;
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	struct dd_info other;
	int rc = dd_store_stat(volume->store, place, info, &volume->err);

	assert_int_equal(dd_store_open_directory(volume->store, &blobs, &held, NULL), 0);
	assert_int_equal(dd_directory_stat(held, place, &other, NULL), rc);
	if (rc == 0)
		assert_same_info(info, &other);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(dd_store_stat_near(volume->store, &near, place, &other, NULL), rc);
		if (rc == 0)
			assert_same_info(info, &other);
	}
	if (rc < 0 || info->type != DD_ENTRY_FILE)
		return rc;
	assert_int_equal(dd_directory_read(held, place, 100, &buffer, &other, NULL), 0);
	assert_same_info(info, &other);
	assert_int_equal(dd_store_read(volume->store, place, 100, &buffer, &other, NULL), 0);
	assert_same_info(info, &other);
	return 0;
}

static void a_look_tells_the_same(void **state)
{
	static const char *const paths[] = { BLOB_A, BLOB_B,
					     V2 "blobs/sha256/cc/cc"
						"cccccccccccccccccccccccccccccccccccccccccccccccccccccc"
						"cccccccc/data" };
	struct volume volume;

	(void)state;
	open_volume(&volume);
	put(&volume, BLOB_A, "bytes");
	assert_int_equal(link(below(&volume, BLOB_A), below(&volume, "another name")), 0);
	make_parents(&volume, BLOB_B);
	assert_int_equal(mkfifo(below(&volume, BLOB_B), 0600), 0);
	for (size_t i = 0; i < DD_COUNT(paths); i++) {
		DD_AUTOFREE char *memory = NULL;
		struct dd_place place = place_of(paths[i], &memory);
		struct dd_info before, during;
		int rc = look_all(&volume, &place, &before);

		assert_code(rc, i < 2 ? 0 : DD_ENOENT);
		dd_store_begin_looks(volume.store);
		assert_code(look_all(&volume, &place, &during), rc);
		dd_store_end_looks(volume.store);
		if (rc == 0)
			assert_same_info(&before, &during);
	}
	close_volume(&volume);
}

static void a_look_sees_what_changes(void **state)
{
	DD_AUTOFREE char *memory = NULL;
	struct volume volume;
	struct dd_place place = place_of(BLOB_A, &memory);
	struct dd_info info;

	(void)state;
	open_volume(&volume);
	dd_store_begin_looks(volume.store);
	assert_code(look_all(&volume, &place, &info), DD_ENOENT);
	put(&volume, BLOB_A, "bytes");
	assert_code(look_all(&volume, &place, &info), 0);
	put(&volume, BLOB_A, "more bytes");
	assert_code(look_all(&volume, &place, &info), 0);
	assert_int_equal(info.size, 10);
	unlink(below(&volume, BLOB_A));
	assert_code(look_all(&volume, &place, &info), DD_ENOENT);
	dd_store_end_looks(volume.store);
	close_volume(&volume);
}

static void a_look_follows_no_link(void **state)
{
	static const char *const parts[] = { "docker",		V2 "blobs/sha256",
					     V2 "blobs/sha256/aa", V2 "blobs/sha256/aa/" HEX_A,
					     BLOB_A };

	(void)state;
	for (size_t i = 0; i < 2 * DD_COUNT(parts); i++) {
		DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
		DD_CLEANUP(dd_directory_closep) struct dd_directory *held = NULL, *near = NULL;
		DD_AUTOFREE char *memory = NULL, *real = NULL;
		const char *part = parts[i / 2];
		struct volume volume;
		struct dd_place place = place_of(BLOB_A, &memory);
		struct dd_info info;

		open_volume(&volume);
		put(&volume, BLOB_A, "bytes");
		if (i % 2) /* the link comes later */
			dd_store_begin_looks(volume.store);
		real = strdup(below(&volume, "real"));
		assert_int_equal(rename(below(&volume, part), real), 0);
		assert_int_equal(symlink(real, below(&volume, part)), 0);
		if (i % 2 == 0)
			dd_store_begin_looks(volume.store);
		assert_code(dd_store_stat(volume.store, &place, &info, &volume.err), DD_ESYMLINK);
		for (int k = 0; k < 2; k++)
			assert_code(dd_store_stat_near(volume.store, &near, &place, &info, NULL),
				    DD_ESYMLINK);
		assert_code(dd_store_read(volume.store, &place, 100, &buffer, NULL, &volume.err),
			    DD_ESYMLINK);
		if (dd_store_open_directory(volume.store, &blobs, &held, NULL) == 0) {
			assert_code(dd_directory_stat(held, &place, &info, NULL), DD_ESYMLINK);
			assert_code(dd_directory_read(held, &place, 100, &buffer, NULL, NULL),
				    DD_ESYMLINK);
		}
		dd_store_end_looks(volume.store);
		close_volume(&volume);
	}
}

/*
 * A namespace of mounts of our own, in which they spread as a system's do; or the test is skipped, also
 * where the root directory is that of a chroot(2) and no mount.
 */
static void own_mounts(void)
{
	if (unshare(CLONE_NEWNS) < 0 ||
	    (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 && errno == EINVAL))
		skip();
	assert_int_equal(mount("none", "/", NULL, MS_REC | MS_SHARED, NULL), 0);
}

static void mount_on(const struct volume *volume, const char *path)
{
	assert_int_equal(mount("none", below(volume, path), "tmpfs", 0, NULL), 0);
}

static void what_is_mounted_in_the_volume_is_seen(void **state)
{
	DD_AUTOFREE char *memory = NULL, *real = NULL;
	struct volume volume;
	struct dd_place place = place_of(BLOB_A, &memory);
	struct dd_info beneath, before, during;

	(void)state;
	own_mounts();
	open_volume(&volume);
	put(&volume, BLOB_A, "beneath");
	assert_code(look_all(&volume, &place, &beneath), 0);
	mount_on(&volume, V2 "blobs/sha256");
	put(&volume, BLOB_A, "mounted over it");
	assert_code(look_all(&volume, &place, &before), 0);
	assert_int_not_equal(before.device, beneath.device);
	dd_store_begin_looks(volume.store);
	assert_code(look_all(&volume, &place, &during), 0);
	assert_same_info(&before, &during);
	/* There, too, no link is followed. */
	real = strdup(below(&volume, V2 "blobs/sha256/real"));
	assert_int_equal(rename(below(&volume, V2 "blobs/sha256/aa"), real), 0);
	assert_int_equal(symlink("real", below(&volume, V2 "blobs/sha256/aa")), 0);
	assert_code(look_all(&volume, &place, &during), DD_ESYMLINK);
	dd_store_end_looks(volume.store);
	umount(below(&volume, V2 "blobs/sha256"));
	close_volume(&volume);
}

static void what_is_mounted_later_is_seen_where_there_was_nothing(void **state)
{
	DD_AUTOFREE char *memory = NULL;
	struct volume volume;
	struct dd_place place = place_of(BLOB_A, &memory);
	struct dd_info info;

	(void)state;
	own_mounts();
	open_volume(&volume);
	make_parents(&volume, V2 "blobs/sha256/x");
	dd_store_begin_looks(volume.store);
	assert_code(look_all(&volume, &place, &info), DD_ENOENT);
	mount_on(&volume, V2 "blobs/sha256");
	put(&volume, BLOB_A, "mounted");
	assert_code(look_all(&volume, &place, &info), 0);
	assert_int_equal(info.size, strlen("mounted"));
	assert_int_equal(rename(below(&volume, V2 "blobs/sha256/aa"),
				below(&volume, V2 "blobs/sha256/real")),
			 0);
	assert_int_equal(symlink("real", below(&volume, V2 "blobs/sha256/aa")), 0);
	assert_code(look_all(&volume, &place, &info), DD_ESYMLINK);
	dd_store_end_looks(volume.store);
	umount(below(&volume, V2 "blobs/sha256"));
	close_volume(&volume);
}

/* A directory that outlives the looks goes on in the ordinary way: the copy is of former times. */
static void a_directory_outlives_the_looks(void **state)
{
	DD_CLEANUP(dd_directory_closep) struct dd_directory *held = NULL, *near = NULL;
	DD_AUTOFREE char *memory = NULL;
	struct volume volume;
	struct dd_place place = place_of(BLOB_A, &memory);
	struct dd_info info;

	(void)state;
	own_mounts();
	open_volume(&volume);
	put(&volume, BLOB_A, "beneath");
	put(&volume, BLOB_B, "beneath, too");
	dd_store_begin_looks(volume.store);
	assert_code(dd_store_open_directory(volume.store, &blobs, &held, NULL), 0);
	for (int i = 0; i < 2; i++)
		assert_code(dd_store_stat_near(volume.store, &near, &place, &info, NULL), 0);
	assert_listed(&volume, held, 2);
	dd_store_end_looks(volume.store);
	assert_listed(&volume, held, 2);
	assert_code(dd_store_stat_near(volume.store, &near, &place, &info, NULL), 0);
	mount_on(&volume, V2 "blobs/sha256");
	put(&volume, BLOB_A, "mounted over it");
	assert_listed(&volume, held, 1);
	assert_code(dd_directory_stat(held, &place, &info, NULL), 0);
	assert_int_equal(info.size, strlen("mounted over it"));
	dd_directory_closep(&near);
	dd_directory_closep(&held);
	umount(below(&volume, V2 "blobs/sha256"));
	close_volume(&volume);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_look_tells_the_same),
		cmocka_unit_test(a_look_sees_what_changes),
		cmocka_unit_test(a_look_follows_no_link),
		cmocka_unit_test(what_is_mounted_in_the_volume_is_seen),
		cmocka_unit_test(what_is_mounted_later_is_seen_where_there_was_nothing),
		cmocka_unit_test(a_directory_outlives_the_looks),
		cmocka_unit_test(an_old_kernel_makes_no_difference),
	};

	return is_kernel_ready() ? cmocka_run_group_tests(tests, NULL, NULL) : 125;
}
