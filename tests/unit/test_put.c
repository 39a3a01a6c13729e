/*
 * What is put in place: whole, where it was judged to go, and never over what somebody else wrote.
 */
#include "put.h"

#define LINK_TEXT "sha256:" HEX_A

/* ---- staging ---- */

static void what_is_missing_is_put_and_looks_like_its_surroundings(void **state)
{
	DD_CLEANUP(dd_trash_release) struct dd_trash trash = { 0 };
	const struct dd_run *latest;
	struct stat around, st;
	struct volume volume;
	char run[32];

	(void)state;
	open_volume(&volume);
	if (geteuid() == 0)
		assert_int_equal(chown(below(&volume, V2 "repositories"), 1234, 1235), 0);
	assert_int_equal(chmod(below(&volume, V2 "repositories"), 02770), 0);
	repair(&volume, LAYER_A, LINK_TEXT, run);
	assert_holds(&volume, LAYER_A, LINK_TEXT);
	assert_int_equal(stat(below(&volume, V2 "repositories"), &around), 0);
	assert_int_equal(stat(below(&volume, LAYER_A), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(st.st_uid, around.st_uid);
	assert_int_equal(st.st_gid, around.st_gid);
	assert_int_equal(stat(below(&volume, REPO "_layers/sha256"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 02770);
	assert_int_equal(st.st_gid, around.st_gid);

	/* Nothing lies in its trash, and it is a run that can be undone. */
	assert_true(none_staged(&volume, run));
	trash = load_trash(&volume);
	assert_int_equal(trash.count, 1);
	assert_int_equal(trash.runs[0].state, DD_RUN_DONE);
	assert_true(trash.runs[0].took && trash.runs[0].ended);
	assert_int_equal(trash.runs[0].count, 0);
	assert_int_equal(trash.runs[0].put_count, 1);
	assert_int_equal(trash.runs[0].puts[0].place.kind, DD_AT_LAYER);
	assert_string_equal(trash.runs[0].puts[0].place.repository, "team/app");
	assert_int_equal(trash.runs[0].puts[0].bytes, strlen(LINK_TEXT));
	assert_true(trash.runs[0].puts[0].made);
	assert_code(dd_trash_find(&trash, "latest", &latest, &volume.err), 0);
	assert_ptr_equal(latest, &trash.runs[0]);
	close_volume(&volume);
}

static void of_what_cannot_be_staged_nothing_is_left(void **state)
{
	DD_AUTOFREE char *memory = NULL;
	struct volume volume;
	struct dd_change *change;
	struct dd_place place;
	struct dd_put put;

	(void)state;
	open_volume(&volume);
	place = place_of(BLOB_A, &memory);
	change = begin_change(&volume);
	for (int way = 0; way < 2; way++) {
		struct source source = { .text = way ? "half of it" : "", .fails = DD_ECORRUPT };
		const char *staged = in_trash(dd_change_get_run(change), "staged");

		assert_code(dd_change_stage(change, &place, next_bytes, &source, &put, &volume.err),
			    DD_ECORRUPT);
		assert_int_equal(rmdir(below(&volume, staged)), 0);
	}
	dd_change_close(change);
	assert_true(is_empty(&volume, DD_IN_TRASH));
	close_volume(&volume);
}

static void what_was_staged_and_not_put_does_not_stay(void **state)
{
	(void)state;
	for (int way = 0; way < 4; way++) {
		DD_AUTOFREE char *memory = NULL, *other = NULL;
		struct volume volume;
		struct dd_change *change;
		struct dd_put put, second;
		char run[32];

		open_volume(&volume);
		change = begin_change(&volume);
		snprintf(run, sizeof(run), "%s", dd_change_get_run(change));
		put = stage(&volume, change, BLOB_A, "bytes", &memory);
		second = stage(&volume, change, BLOB_B, "", &other);
		assert_int_equal(second.bytes, 0);
		if (way >= 1)
			assert_code(dd_change_announce_put(change, &second, &volume.err), 0);
		if (way >= 1)
			announce_and_seal(&volume, change, &put);
		if (way >= 2)
			assert_code(dd_change_put(change, &put, &volume.err), 0);
		assert_true(exists(&volume, in_trash(run, "staged/1")));
		if (way != 2)
			assert_code(dd_change_finish(change, false, &volume.err), 0);
		dd_change_close(change);
		settle(&volume);
		assert_int_equal(exists(&volume, BLOB_A), way >= 2);
		assert_false(exists(&volume, BLOB_B));
		assert_int_equal(is_there(&volume, run), way >= 2);
		assert_true(none_staged(&volume, run));
		close_volume(&volume);
	}
}

/* ---- in place ---- */

static void what_is_replaced_lies_in_the_trash(void **state)
{
	static const char *const paths[] = { BLOB_A, LAYER_A, REVISION_A, HISTORY_A, TAG_V1 };

	(void)state;
	for (size_t i = 0; i < 2 * DD_COUNT(paths); i++) {
		DD_CLEANUP(dd_trash_release) struct dd_trash trash = { 0 };
		const char *path = paths[i / 2];
		struct volume volume;
		struct stat before, st;
		char run[32];

		open_volume(&volume);
		put(&volume, path, "bad");
		assert_int_equal(stat(below(&volume, path), &before), 0);
		no_exchange = i % 2;
		repair(&volume, path, "good", run);
		assert_holds(&volume, path, "good");
		assert_holds(&volume, in_trash(run, path), "bad");
		assert_int_equal(stat(below(&volume, in_trash(run, path)), &st), 0);
		assert_int_equal(st.st_ino, before.st_ino);
		trash = load_trash(&volume);
		assert_int_equal(trash.runs[0].count, 1);
		assert_int_equal(trash.runs[0].gone, 0);
		assert_int_equal(trash.runs[0].items[0].reason, DD_REASON_REPLACED);
		assert_int_equal(trash.runs[0].items[0].bytes, 3);
		assert_false(trash.runs[0].changed[0]);
		assert_int_equal(trash.runs[0].put_count, 1);
		assert_true(trash.runs[0].puts[0].replaces);
		assert_int_equal(dd_run_bytes(&trash.runs[0]), 3);
		close_volume(&volume);
	}
}

/* Nothing was in the place, or, from the third on, something was and is to be replaced. */
static void what_is_not_as_it_was_judged_is_left_alone(void **state)
{
	(void)state;
	for (int way = 0; way < 5; way++) {
		DD_AUTOFREE char *memory = NULL;
		struct volume volume;
		struct dd_change *change;
		struct dd_put put_it;
		bool with_old = way >= 2;
		char run[32];

		open_volume(&volume);
		no_exchange = way == 4;
		if (with_old)
			put(&volume, BLOB_A, "bad");
		put_it = ready(&volume, &change, BLOB_A, "good", run, &memory);
		if (way == 1) /* the origin */
			assert_int_equal(unlink(below(&volume, in_trash(run, "staged/0"))), 0);
		else
			put(&volume, BLOB_A, "by somebody else");
		if (way == 3) {
			assert_int_equal(unlink(below(&volume, BLOB_A)), 0);
			assert_int_equal(symlink("/etc/passwd", below(&volume, BLOB_A)), 0);
		}
		assert_code(dd_change_put(change, &put_it, &volume.err),
			    way == 1 ? DD_ENOENT : way == 3 ? DD_ESYMLINK : DD_ECHANGED);
		if (way != 1 && way != 3)
			assert_holds(&volume, BLOB_A, "by somebody else");
		assert_false(exists(&volume, in_trash(run, BLOB_A)));
		assert_code(dd_change_finish(change, false, &volume.err), 0);
		dd_change_close(change);
		assert_true(is_empty(&volume, DD_IN_TRASH));
		close_volume(&volume);
	}
}

static void what_vanishes_before_it_is_replaced_is_not_put(void **state)
{
	DD_AUTOFREE char *memory = NULL;
	struct volume volume;
	struct dd_change *change;
	struct dd_put put_it;
	char run[32];

	(void)state;
	open_volume(&volume);
	put(&volume, LAYER_A, "bad");
	put_it = ready(&volume, &change, LAYER_A, "good", run, &memory);
	remove_tree(&volume, REPO "_layers");
	assert_code(dd_change_put(change, &put_it, &volume.err), DD_ENOENT);
	assert_false(exists(&volume, REPO "_layers"));
	dd_change_close(change);
	assert_true(is_empty(&volume, DD_IN_TRASH));
	close_volume(&volume);
}

/* ---- when a rename fails ---- */

/* Only a rename that fails when it is to bring back is left to the next change. */
static void what_was_in_the_place_is_never_lost(void **state)
{
	(void)state;
	for (int way = 0; way < 6; way++) {
		DD_AUTOFREE char *memory = NULL;
		struct volume volume;
		struct dd_change *change;
		struct dd_put put_it;
		char run[32];

		reset_renames(NULL);
		open_volume(&volume);
		put(&volume, TAG_V1, "bad");
		put_it = ready(&volume, &change, TAG_V1, "good", run, &memory);
		no_exchange = way > 2;
		rename_number = 0;
		failing = way % 3;
		if (way == 2 || way == 5)
			assert_code(dd_change_put(change, &put_it, &volume.err),
				    way == 2 ? 0 : DD_EIO);
		else
			assert_code(dd_change_put(change, &put_it, &volume.err), DD_EIO);
		failing = -1;
		assert_code(dd_change_finish(change, false, &volume.err), 0);
		dd_change_close(change);
		assert_holds(&volume, TAG_V1, way == 2 ? "good" : "bad");
		assert_int_equal(is_there(&volume, run), way == 2);
		close_volume(&volume);
	}
}

static void fail_twice(unsigned flags, int number)
{
	(void)flags;
	failing = number == 1 || number == 2 ? number : -1;
}

static void what_cannot_be_brought_back_the_next_change_brings_to_its_end(void **state)
{
	DD_CLEANUP(dd_trash_release) struct dd_trash trash = { 0 };
	DD_AUTOFREE char *memory = NULL;
	struct volume volume;
	struct dd_change *change;
	struct dd_put put_it;
	char run[32];

	(void)state;
	open_volume(&volume);
	put(&volume, TAG_V1, "bad");
	put_it = ready(&volume, &change, TAG_V1, "good", run, &memory);
	rename_number = 0;
	before_rename = fail_twice;
	assert_code(dd_change_put(change, &put_it, &volume.err), DD_EIO);
	assert_code(dd_change_finish(change, false, &volume.err), DD_EIO);
	dd_change_close(change);
	assert_holds(&volume, in_trash(run, "staged/0"), "bad");
	settle(&volume);
	assert_holds(&volume, TAG_V1, "good");
	assert_holds(&volume, in_trash(run, TAG_V1), "bad");
	trash = load_trash(&volume);
	assert_int_equal(trash.runs[0].count, 1);
	assert_int_equal(trash.runs[0].put_count, 1);
	assert_int_equal(trash.runs[0].state, DD_RUN_INTERRUPTED);
	close_volume(&volume);
}

/* ---- a registry that writes at the very moment ---- */

static const struct volume *written;
static bool write_anew; /* by a rename of its own, else in place */
static int write_before;
static unsigned writes, write_most;

static void write_meanwhile(unsigned flags, int number)
{
	char text[32];

	(void)number;
	if (!(flags & RENAME_EXCHANGE) || writes == write_most)
		return;
	if (write_anew)
		assert_int_equal(unlink(below(written, TAG_V1)), 0);
	snprintf(text, sizeof(text), "write %u of a registry", ++writes);
	put(written, TAG_V1, text);
}

/* Once, between the look and the exchange; or again, before that is put right. */
static void the_last_write_of_a_registry_is_in_place(void **state)
{
	(void)state;
	for (int way = 0; way < 4; way++) {
		DD_AUTOFREE char *memory = NULL;
		struct volume volume;
		struct dd_change *change;
		struct dd_put put_it;
		char run[32];

		open_volume(&volume);
		put(&volume, TAG_V1, "bad");
		put_it = ready(&volume, &change, TAG_V1, "good", run, &memory);
		written = &volume;
		writes = 0;
		write_anew = way % 2;
		write_most = way < 2 ? 1 : 2;
		before_rename = write_meanwhile;
		assert_code(dd_change_put(change, &put_it, &volume.err), DD_ECHANGED);
		before_rename = NULL;
		assert_int_equal(writes, write_most);
		if (way < 2) {
			assert_holds(&volume, TAG_V1, "write 1 of a registry");
			assert_false(exists(&volume, in_trash(run, TAG_V1)));
		} else {
			assert_holds(&volume, TAG_V1, "write 2 of a registry");
			assert_holds(&volume, in_trash(run, TAG_V1), "write 1 of a registry");
		}
		dd_change_close(change);
		assert_int_equal(is_there(&volume, run), way >= 2);
		close_volume(&volume);
	}
}

static void write_before_that(unsigned flags, int number)
{
	(void)flags;
	if (number != write_before)
		return;
	if (write_anew)
		unlink(below(written, TAG_V1));
	put(written, TAG_V1, "of a registry");
}

/* No exchange; before the old one goes, or before the new one comes. */
static void in_two_steps_no_write_is_lost_either(void **state)
{
	(void)state;
	for (int way = 0; way < 3; way++) {
		DD_AUTOFREE char *memory = NULL;
		struct volume volume;
		struct dd_change *change;
		struct dd_put put_it;
		char run[32];

		reset_renames(NULL);
		open_volume(&volume);
		put(&volume, TAG_V1, "bad");
		put_it = ready(&volume, &change, TAG_V1, "good", run, &memory);
		no_exchange = true;
		rename_number = 0;
		write_before = way < 2 ? 1 : 2;
		write_anew = way == 1;
		written = &volume;
		before_rename = write_before_that;
		assert_code(dd_change_put(change, &put_it, &volume.err), DD_ECHANGED);
		before_rename = NULL;
		assert_holds(&volume, TAG_V1, "of a registry");
		assert_code(dd_change_finish(change, false, &volume.err), 0);
		dd_change_close(change);
		assert_int_equal(is_there(&volume, run), way == 2);
		close_volume(&volume);
	}
}

#define TEST(name) cmocka_unit_test_setup(name, reset_renames)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_missing_is_put_and_looks_like_its_surroundings),
		TEST(of_what_cannot_be_staged_nothing_is_left),
		TEST(what_was_staged_and_not_put_does_not_stay),
		TEST(what_is_replaced_lies_in_the_trash),
		TEST(what_is_not_as_it_was_judged_is_left_alone),
		TEST(what_vanishes_before_it_is_replaced_is_not_put),
		TEST(what_was_in_the_place_is_never_lost),
		TEST(what_cannot_be_brought_back_the_next_change_brings_to_its_end),
		TEST(the_last_write_of_a_registry_is_in_place),
		TEST(in_two_steps_no_write_is_lost_either),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
