/*
 * What was put is taken back, and all is as it was, unless somebody has written to it since; and runs
 * that died while they put: each file is in one of its two places, and the next change has all in order.
 */
#include "put.h"

#define STRAY_A V2 "blobs/sha256/bb/" HEX_A "/data"
#define BYTES "good"

/* What is there is taken back, then what it replaced comes back: as undoing a run does. */
static void take_back(struct volume *opened, const char *run, int code)
{
	struct volume volume = *opened;
	struct dd_change *change = begin_change(&volume);
	DD_CLEANUP(dd_trash_release) struct dd_trash trash = load_trash(&volume);
	const struct dd_run *found;
	bool there;

	assert_code(dd_trash_find(&trash, run, &found, &volume.err), 0);
	assert_int_equal(found->put_count, 1);
	assert_code(dd_change_take_back(change, run, &found->puts[0], &volume.err), code);
	for (size_t i = 0; i < found->count && code == 0; i++) {
		assert_code(dd_change_revive_file(change, &found->items[i].place, &there, &volume.err),
			    0);
		assert_false(there);
	}
	assert_code(dd_change_sync(change, &volume.err), 0);
	dd_change_close(change);
}

/* ---- taking back ---- */

static void a_put_goes_with_the_directory_that_was_made_for_it(void **state)
{
	DD_CLEANUP(dd_trash_release) struct dd_trash trash = { 0 };
	struct volume volume;
	char run[32];

	(void)state;
	open_volume(&volume);
	make_parents(&volume, BLOB_B); /* a directory without data */
	repair(&volume, LAYER_A, "link", run);
	take_back(&volume, run, 0);
	assert_false(exists(&volume, REPO "_layers/sha256/" HEX_A));
	assert_holds(&volume, in_trash(run, "staged/0"), "link");
	trash = load_trash(&volume);
	assert_int_equal(trash.runs[0].put_count, 0);
	assert_true(trash.runs[0].took);

	repair(&volume, BLOB_B, "bytes", run);
	take_back(&volume, run, 0);
	assert_false(exists(&volume, BLOB_B));
	assert_true(exists(&volume, V2 "blobs/sha256/bb/" HEX_B));
	close_volume(&volume);
}

static void what_was_replaced_is_back_as_it_was(void **state)
{
	static const char *const paths[] = { BLOB_A, LAYER_A, TAG_V1 };

	(void)state;
	for (size_t i = 0; i < 2 * DD_COUNT(paths); i++) {
		DD_CLEANUP(dd_freep) char *before = NULL, *after = NULL;
		struct volume volume;
		char run[32];

		open_volume(&volume);
		no_exchange = i % 2;
		put(&volume, paths[i / 2], "bad");
		before = draw(&volume);
		repair(&volume, paths[i / 2], BYTES, run);
		take_back(&volume, run, 0);
		after = draw(&volume);
		assert_string_equal(before, after);
		close_volume(&volume);
	}
}

static const struct volume *written;
static bool write_anew; /* by a rename of its own, else in place */

static void write_meanwhile(unsigned flags, int number)
{
	(void)flags, (void)number;
	before_rename = NULL;
	if (write_anew)
		assert_int_equal(unlink(below(written, LAYER_A)), 0);
	put(written, LAYER_A, "of a registry");
}

static void what_is_written_to_at_that_moment_stays(void **state)
{
	(void)state;
	for (int way = 0; way < 4; way++) {
		struct volume volume;
		char run[32];

		open_volume(&volume);
		if (way < 2)
			put(&volume, LAYER_A, "bad");
		repair(&volume, LAYER_A, BYTES, run);
		written = &volume;
		write_anew = way % 2;
		before_rename = write_meanwhile;
		take_back(&volume, run, DD_ECHANGED);
		assert_null(before_rename);
		assert_holds(&volume, LAYER_A, "of a registry");
		if (way < 2)
			assert_holds(&volume, in_trash(run, LAYER_A), "bad");
		close_volume(&volume);
	}
}

static void what_is_gone_or_other_cannot_be_taken_back(void **state)
{
	DD_AUTOFREE char *memory = NULL;
	struct volume volume;
	struct dd_change *change;
	struct dd_put put_it;
	char run[32];

	(void)state;
	open_volume(&volume);
	repair(&volume, LAYER_A, BYTES, run);
	change = begin_change(&volume);
	put_it = (struct dd_put){ .place = place_of(LAYER_A, &memory),
				  .origin = { .kind = DD_AT_STAGED, .run = run, .name = "0" } };
	put_it.stamp = info_of(&volume, &put_it.place).stamp;
	assert_int_equal(unlink(below(&volume, LAYER_A)), 0);
	assert_code(dd_change_take_back(change, run, &put_it, &volume.err), DD_ENOENT);
	put(&volume, LAYER_A, "of a registry");
	assert_code(dd_change_take_back(change, run, &put_it, &volume.err), DD_ECHANGED);
	assert_holds(&volume, LAYER_A, "of a registry");
	dd_change_close(change);
	close_volume(&volume);
}

static void what_came_from_elsewhere_goes_back_there(void **state)
{
	(void)state;
	for (int way = 0; way < 4; way++) {
		DD_CLEANUP(dd_freep) char *before = NULL, *after = NULL, *origin = NULL;
		char first[32], run[32];
		struct volume volume;

		open_volume(&volume);
		put(&volume, way / 2 ? STRAY_A : BLOB_A, "bytes");
		put(&volume, BLOB_B, "others");
		if (way < 2)
			collect(&volume, (const char *const[]){ BLOB_A }, 1, first);
		if (way % 2)
			put(&volume, BLOB_A, "bad");
		before = draw(&volume);
		origin = strdup(way / 2 ? STRAY_A : in_trash(first, BLOB_A));
		move_in(&volume, origin, BLOB_A, run);
		assert_holds(&volume, BLOB_A, "bytes");
		take_back(&volume, run, 0);
		after = draw(&volume);
		assert_string_equal(before, after);
		assert_holds(&volume, origin, "bytes");
		close_volume(&volume);
	}
}

static void where_that_cannot_be_it_stays(void **state)
{
	(void)state;
	for (int way = 0; way < 2; way++) {
		DD_AUTOFREE char *origin = NULL;
		char first[32] = "", run[32];
		struct dd_change *change;
		struct volume volume;

		open_volume(&volume);
		put(&volume, way ? BLOB_A : STRAY_A, "bytes");
		if (way)
			collect(&volume, (const char *const[]){ BLOB_A }, 1, first);
		origin = strdup(way ? in_trash(first, BLOB_A) : STRAY_A);
		move_in(&volume, origin, BLOB_A, run);
		if (way) { /* the run expires */
			change = begin_change(&volume);
			assert_code(dd_change_empty(change, first, &volume.err), 0);
			dd_change_close(change);
		} else {
			put(&volume, STRAY_A, "others");
		}
		take_back(&volume, run, DD_EREFUSED);
		assert_holds(&volume, BLOB_A, "bytes");
		if (way)
			assert_false(is_there(&volume, first));
		else
			assert_holds(&volume, STRAY_A, "others");
		close_volume(&volume);
	}
}

/* ---- a journal that is damaged ---- */

/* Each byte in turn: what it says of the volume is never more than what is so. */
static void a_damaged_journal_takes_nothing_else(void **state)
{
	DD_AUTOFREE char *path = NULL;
	DD_CLEANUP(dd_freep) char *before = NULL, *after = NULL, *bytes = NULL;
	struct volume volume;
	char run[32];
	size_t len;

	(void)state;
	open_volume(&volume);
	fill(&volume);
	repair(&volume, LAYER_A, BYTES, run);
	before = draw(&volume);
	path = strdup(in_trash(run, "journal"));
	bytes = get(&volume, path, &len);
	for (size_t at = 0; at < len; at += 7) {
		DD_CLEANUP(dd_trash_release) struct dd_trash trash = { 0 };

		bytes[at] ^= 4;
		put_bytes(&volume, path, bytes, len);
		bytes[at] ^= 4;
		trash = load_trash(&volume);
		assert_int_equal(trash.count, 1);
		assert_true(trash.runs[0].put_count <= 1 && trash.runs[0].count == 1);
		assert_int_equal(trash.runs[0].items[0].place.kind, DD_AT_LAYER);
		settle(&volume);
		assert_holds(&volume, in_trash(run, LAYER_A), LAYER_A);
	}
	after = draw(&volume);
	assert_string_equal(before, after);
	close_volume(&volume);
}

/* ---- runs that died ---- */

static const char *origin_path; /* NULL: it is staged */
static bool until_the_seal;

/* Tells its name, stages or takes from elsewhere, announces, seals, puts. */
static void work(struct volume *volume)
{
	char *memory, *origin_memory;
	struct dd_change *change = begin_change(volume);
	struct dd_put put_it;

	tell(change);
	if (origin_path)
		put_it = put_from(volume, origin_path, BLOB_A, &memory, &origin_memory);
	else
		put_it = stage(volume, change, BLOB_A, BYTES, &memory);
	if (exists(volume, BLOB_A))
		replaces(volume, &put_it);
	if (dd_change_announce_put(change, &put_it, NULL) < 0)
		_exit(1);
	if (!until_the_seal &&
	    (dd_change_seal(change, NULL) < 0 || dd_change_put(change, &put_it, NULL) < 0))
		_exit(1);
}

static int reset(void **state)
{
	origin_path = NULL;
	until_the_seal = false;
	return reset_renames(state);
}

static void what_was_staged_before_the_seal_goes_with_its_run(void **state)
{
	DD_CLEANUP(dd_trash_release) struct dd_trash trash = { 0 };
	struct volume volume;
	char run[32];

	(void)state;
	open_volume(&volume);
	until_the_seal = true;
	die(&volume, work, -1, run);
	assert_holds(&volume, in_trash(run, "staged/0"), BYTES);
	trash = load_trash(&volume);
	assert_int_equal(trash.count, 0);
	settle(&volume);
	assert_false(is_there(&volume, run));
	assert_true(is_empty(&volume, DD_IN_PURGES));
	close_volume(&volume);
}

/* One rename where nothing is in the place; then it is done, and can be undone. */
static void what_was_put_by_a_dead_run_can_be_taken_back(void **state)
{
	(void)state;
	for (int renames = 0; renames < 2; renames++) {
		struct volume volume;
		char run[32];

		open_volume(&volume);
		die(&volume, work, renames, run);
		assert_int_equal(exists(&volume, BLOB_A), renames);
		settle(&volume);
		assert_int_equal(is_there(&volume, run), renames);
		if (renames)
			take_back(&volume, run, 0);
		assert_false(exists(&volume, BLOB_A));
		close_volume(&volume);
	}
}

/* Before anything, between the exchange and what follows, after it; in two steps as well. */
static void what_was_to_be_replaced_never_went_or_is_in_the_trash(void **state)
{
	(void)state;
	for (int way = 0; way < 7; way++) {
		DD_CLEANUP(dd_freep) char *before = NULL, *after = NULL;
		int renames = way < 3 ? way : way - 3;
		bool went = way < 3 ? renames >= 1 : renames >= 2, is_put;
		struct volume volume;
		char run[32];

		open_volume(&volume);
		put(&volume, BLOB_A, "bad");
		before = draw(&volume);
		no_exchange = way >= 3;
		die(&volume, work, renames, run);
		settle(&volume);
		is_put = way < 3 ? renames >= 1 : renames == 3;
		if (is_put)
			assert_holds(&volume, BLOB_A, BYTES);
		else
			assert_int_equal(exists(&volume, BLOB_A), !went);
		assert_int_equal(is_there(&volume, run), went);
		if (went)
			assert_holds(&volume, in_trash(run, BLOB_A), "bad");
		assert_true(none_staged(&volume, run));
		if (is_put) {
			take_back(&volume, run, 0);
			after = draw(&volume);
			assert_string_equal(before, after);
		}
		close_volume(&volume);
	}
}

static void what_came_from_elsewhere_is_never_lost(void **state)
{
	(void)state;
	for (int way = 0; way < 6; way++) {
		DD_AUTOFREE char *origin = NULL;
		char first[32] = "", run[32];
		int renames = way % 3;
		struct volume volume;

		open_volume(&volume);
		put(&volume, way < 3 ? BLOB_A : STRAY_A, BYTES);
		if (way < 3)
			collect(&volume, (const char *const[]){ BLOB_A }, 1, first);
		origin = strdup(way < 3 ? in_trash(first, BLOB_A) : STRAY_A);
		put(&volume, BLOB_A, "bad");
		origin_path = origin;
		die(&volume, work, renames, run);
		settle(&volume);
		if (renames < 2)
			assert_holds(&volume, origin, BYTES);
		else
			assert_holds(&volume, BLOB_A, BYTES);
		assert_holds(&volume, renames ? in_trash(run, BLOB_A) : BLOB_A, "bad");
		assert_int_equal(is_there(&volume, run), renames > 0);
		close_volume(&volume);
	}
}

/* It wrote to what had just been exchanged, and the run died before it could see that. */
static void write_and_die(unsigned flags, int number)
{
	(void)number;
	if (!(flags & RENAME_EXCHANGE))
		return;
	put(written, BLOB_A, "of a registry");
	renames_until_death = 0;
}

static void work_beside_a_registry(struct volume *volume)
{
	written = volume;
	before_rename = write_and_die;
	work(volume);
}

static void what_a_registry_wrote_as_the_run_died_is_in_place(void **state)
{
	struct volume volume;
	char run[32];

	(void)state;
	open_volume(&volume);
	put(&volume, BLOB_A, "bad");
	die(&volume, work_beside_a_registry, -1, run);
	settle(&volume);
	assert_holds(&volume, BLOB_A, "of a registry");
	close_volume(&volume);
}

#define TEST(name) cmocka_unit_test_setup(name, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_put_goes_with_the_directory_that_was_made_for_it),
		TEST(what_was_replaced_is_back_as_it_was),
		TEST(what_is_written_to_at_that_moment_stays),
		TEST(what_is_gone_or_other_cannot_be_taken_back),
		TEST(what_came_from_elsewhere_goes_back_there),
		TEST(where_that_cannot_be_it_stays),
		TEST(a_damaged_journal_takes_nothing_else),
		TEST(what_was_staged_before_the_seal_goes_with_its_run),
		TEST(what_was_put_by_a_dead_run_can_be_taken_back),
		TEST(what_was_to_be_replaced_never_went_or_is_in_the_trash),
		TEST(what_came_from_elsewhere_is_never_lost),
		TEST(what_a_registry_wrote_as_the_run_died_is_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
