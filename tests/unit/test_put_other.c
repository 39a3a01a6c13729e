/*
 * What else a repair does: it moves what lies elsewhere, withdraws directories that hold nothing, sets
 * owner and mode.
 */
#include "put.h"

#define STRAY_A V2 "blobs/sha256/bb/" HEX_A "/data"

static const struct volume *written;
static int write_before;

/* ---- from elsewhere ---- */

static void a_blob_of_another_run_is_gone_from_there(void **state)
{
	DD_CLEANUP(dd_trash_release) struct dd_trash trash = { 0 };
	DD_AUTOFREE char *origin = NULL;
	char first[32], run[32];
	struct volume volume;

	(void)state;
	open_volume(&volume);
	put(&volume, BLOB_A, "bytes");
	put(&volume, BLOB_B, "others");
	collect(&volume, (const char *const[]){ BLOB_A, BLOB_B }, 2, first);
	origin = strdup(in_trash(first, BLOB_A));
	move_in(&volume, origin, BLOB_A, run);
	assert_holds(&volume, BLOB_A, "bytes");
	trash = load_trash(&volume);
	assert_int_equal(trash.count, 2);
	assert_int_equal(trash.runs[0].count, 1);
	assert_int_equal(trash.runs[0].gone, 1);
	assert_int_equal(trash.runs[1].put_count, 1);
	assert_string_equal(trash.runs[1].puts[0].origin.run, first);
	close_volume(&volume);
}

static void a_stray_blob_is_put_where_it_belongs(void **state)
{
	struct volume volume;
	char run[32];

	(void)state;
	for (int old = 0; old < 2; old++) {
		open_volume(&volume);
		put(&volume, STRAY_A, "bytes");
		if (old)
			put(&volume, BLOB_A, "bad");
		move_in(&volume, STRAY_A, BLOB_A, run);
		assert_holds(&volume, BLOB_A, "bytes");
		assert_false(exists(&volume, V2 "blobs/sha256/bb/" HEX_A));
		if (old)
			assert_holds(&volume, in_trash(run, BLOB_A), "bad");
		close_volume(&volume);
	}
}

/* ---- empty directories ---- */

static void come_into_it(unsigned flags, int number)
{
	(void)flags, (void)number;
	if (write_before-- == 0)
		put(written, REVISION_A, "of a registry");
}

static void an_empty_directory_goes_and_comes_back(void **state)
{
	DD_AUTOFREE char *memory = NULL;
	struct dd_item item = { .place = place_of(REVISION_A, &memory), .reason = DD_REASON_EMPTY };
	struct volume volume;
	struct dd_change *change;
	struct dd_info info;
	char run[32];
	bool there;

	(void)state;
	open_volume(&volume);
	make_parents(&volume, REVISION_A);
	assert_code(dd_store_look_at_owner(volume.store, &item.place, &info, &volume.err), 0);
	item.stamp = info.stamp;
	change = begin_change(&volume);
	assert_code(dd_change_announce(change, &item, &volume.err), 0);
	assert_code(dd_change_seal(change, &volume.err), 0);
	/* While something is being made in it, or came into it, it stays. */
	put(&volume, REVISION_A ".tmp", "x");
	assert_int_equal(unlink(below(&volume, REVISION_A ".tmp")), 0);
	assert_code(dd_change_withdraw(change, &item, &volume.err), DD_ECHANGED);
	assert_code(dd_store_look_at_owner(volume.store, &item.place, &info, &volume.err), 0);
	item.stamp = info.stamp;
	written = &volume;
	write_before = 0;
	before_rename = come_into_it;
	assert_code(dd_change_withdraw(change, &item, &volume.err), DD_ECHANGED);
	before_rename = NULL;
	assert_holds(&volume, REVISION_A, "of a registry");
	assert_int_equal(unlink(below(&volume, REVISION_A)), 0);

	item.stamp = (struct dd_stamp){ { 0 } };
	assert_code(dd_change_withdraw(change, &item, &volume.err), 0);
	assert_code(dd_change_withdraw(change, &item, &volume.err), DD_ENOENT);
	snprintf(run, sizeof(run), "%s", dd_change_get_run(change));
	assert_code(dd_change_finish(change, false, &volume.err), 0);
	dd_change_close(change);

	item.place.run = run;
	change = begin_change(&volume);
	assert_code(dd_change_revive_empty(change, &item.place, &there, &volume.err), 0);
	assert_false(there);
	assert_code(dd_change_revive_empty(change, &item.place, &there, &volume.err), DD_ENOENT);
	dd_change_close(change);
	assert_true(exists(&volume, REPO "_manifests/revisions/sha256/" HEX_A));
	close_volume(&volume);
}

/* ---- owner and mode ---- */

static void owner_and_mode_are_set_and_set_back(void **state)
{
	DD_AUTOFREE char *memory = NULL;
	DD_CLEANUP(dd_trash_release) struct dd_trash trash = { 0 };
	struct volume volume;
	struct dd_change *change;
	struct dd_dress dress;
	struct dd_info info;

	(void)state;
	open_volume(&volume);
	put(&volume, BLOB_A, "bytes");
	assert_int_equal(chmod(below(&volume, BLOB_A), 0604), 0);
	dress.place = place_of(BLOB_A, &memory);
	info = info_of(&volume, &dress.place);
	dress.old_owner = dress.owner = info.owner;
	dress.old_group = dress.group = info.group;
	dress.old_mode = 0604;
	dress.mode = 0640;
	if (geteuid() == 0)
		dress.owner = 1234;
	change = begin_change(&volume);
	assert_code(dd_change_announce_dress(change, &dress, &volume.err), 0);
	assert_code(dd_change_seal(change, &volume.err), 0);
	assert_int_equal(chmod(below(&volume, BLOB_A), 0600), 0);
	assert_code(dd_change_dress(change, &dress, &volume.err), DD_ECHANGED);
	assert_int_equal(chmod(below(&volume, BLOB_A), 0604), 0);
	assert_code(dd_change_dress(change, &dress, &volume.err), 0);
	assert_code(dd_change_finish(change, false, &volume.err), 0);
	dd_change_close(change);
	info = info_of(&volume, &dress.place);
	assert_int_equal(info.mode, 0640);
	assert_int_equal(info.owner, dress.owner);
	trash = load_trash(&volume);
	assert_int_equal(trash.runs[0].dress_count, 1);
	assert_true(trash.runs[0].took);
	change = begin_change(&volume);
	assert_code(dd_change_undress(change, &trash.runs[0].dresses[0], &volume.err), 0);
	assert_code(dd_change_undress(change, &trash.runs[0].dresses[0], &volume.err), DD_ECHANGED);
	dd_change_close(change);
	info = info_of(&volume, &dress.place);
	assert_int_equal(info.mode, 0604);
	assert_int_equal(info.owner, dress.old_owner);
	close_volume(&volume);
}

#define TEST(name) cmocka_unit_test_setup(name, reset_renames)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_blob_of_another_run_is_gone_from_there),
		TEST(a_stray_blob_is_put_where_it_belongs),
		TEST(an_empty_directory_goes_and_comes_back),
		TEST(owner_and_mode_are_set_and_set_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
