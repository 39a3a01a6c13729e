/*
 * Changes on disks that are full, read-only, or in pieces.
 */
#include <sys/mount.h>
#include <sys/vfs.h>

#include <drydock/units.h>

#include "change.h"

/* A volume on a small file system of its own, where we may mount one. */
static bool open_small_volume(struct volume *volume)
{
	const struct dd_store_options options = { .root = volume->root };

	open_volume(volume);
	dd_store_closep(&volume->store);
	if (mount("none", volume->root, "tmpfs", MS_NOSUID | MS_NODEV, "size=4m,mode=0755") < 0) {
		dd_context_close(volume->ctx);
		remove_tree(volume, "");
		return false;
	}
	make_parents(volume, V2 "blobs/x");
	make_parents(volume, V2 "repositories/x");
	assert_int_equal(dd_store_open(volume->ctx, &options, &volume->store, &volume->err), 0);
	return true;
}

static void close_small_volume(struct volume *volume)
{
	dd_store_closep(&volume->store);
	umount(volume->root);
	close_volume(volume);
}

static void fill_up(const struct volume *volume)
{
	static const char block[4096] = "x";
	int fd = open(below(volume, "filler"), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644);
	struct statfs st;

	while (write(fd, block, sizeof(block)) > 0)
		;
	close(fd);
	assert_int_equal(statfs(volume->root, &st), 0);
	assert_int_equal(st.f_bavail, 0);
}

static void on_a_full_disk_the_reserve_is_given_up(void **state)
{
	struct volume volume;
	struct dd_change *change;
	char run[32];

	(void)state;
	if (!open_small_volume(&volume))
		skip();
	fill(&volume);
	dd_change_close(begin_change(&volume));
	assert_true(exists(&volume, ".drydock/reserve"));
	fill_up(&volume);
	collect(&volume, everything, DD_COUNT(everything), run);
	assert_holds(&volume, in_trash(run, BLOB_A), BLOB_A);
	assert_false(exists(&volume, BLOB_A));
	change = begin_change(&volume);
	assert_code(dd_change_empty(change, run, &volume.err), 0);
	unlink(below(&volume, "filler"));
	assert_code(dd_change_finish(change, false, &volume.err), 0);
	assert_true(exists(&volume, ".drydock/reserve"));
	dd_change_close(change);
	close_small_volume(&volume);
}

static void a_disk_that_is_full_from_the_first_says_what_to_do(void **state)
{
	const struct dd_change_options options = { .command = "gc --apply" };
	DD_CLEANUP(dd_freep) char *before = NULL, *after = NULL, *memory = NULL;
	struct dd_change *change = NULL;
	struct volume volume;
	struct dd_item item;
	int rc;

	(void)state;
	if (!open_small_volume(&volume))
		skip();
	fill(&volume);
	before = draw(&volume);
	fill_up(&volume);
	rc = dd_change_begin(volume.ctx, volume.store, &options, &change, &volume.err);
	/* Where directories cost nothing it is the journal for which there is no room. */
	if (rc == 0) {
		item = item_of(&volume, BLOB_A, &memory);
		rc = dd_change_announce(change, &item, &volume.err);
		if (rc == 0)
			rc = dd_change_seal(change, &volume.err);
		dd_change_close(change);
	}
	assert_int_equal(rc, DD_ENOSPC);
	assert_true(volume.err.hint[0]);
	unlink(below(&volume, "filler"));
	after = draw(&volume);
	assert_string_equal(before, after);
	assert_true(is_empty(&volume, DD_IN_TRASH));
	close_small_volume(&volume);
}

static void a_read_only_volume_is_refused_and_says_why(void **state)
{
	const struct dd_change_options options = { .command = "gc --apply" };
	struct dd_change *change;
	struct volume volume;

	(void)state;
	if (!open_small_volume(&volume))
		skip();
	assert_int_equal(mount("none", volume.root, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	assert_int_equal(dd_change_begin(volume.ctx, volume.store, &options, &change, &volume.err),
			 DD_EACCES);
	assert_non_null(strstr(volume.err.hint, "read-only"));
	close_small_volume(&volume);
}

static void parts_that_are_mounted_from_elsewhere_are_refused(void **state)
{
	const struct dd_change_options options = { .command = "gc --apply" };
	struct dd_change *change;
	struct volume volume;
	bool mounted;

	(void)state;
	open_volume(&volume);
	make_parents(&volume, "elsewhere/x");
	mounted = mount(below(&volume, "elsewhere"), below(&volume, V2 "blobs"), NULL, MS_BIND, NULL) == 0;
	if (mounted) {
		/* The same device: only the mount is another. */
		assert_int_equal(dd_change_begin(volume.ctx, volume.store, &options, &change,
						 &volume.err), DD_EXDEV);
		assert_non_null(strstr(volume.err.text, "/blobs"));
		umount(below(&volume, V2 "blobs"));
	}
	assert_false(exists(&volume, ".drydock"));
	close_volume(&volume);
	if (!mounted)
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_a_full_disk_the_reserve_is_given_up),
		cmocka_unit_test(a_disk_that_is_full_from_the_first_says_what_to_do),
		cmocka_unit_test(a_read_only_volume_is_refused_and_says_why),
		cmocka_unit_test(parts_that_are_mounted_from_elsewhere_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
