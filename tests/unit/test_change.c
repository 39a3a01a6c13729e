/*
 * A change: what goes goes as it was judged, and what comes back is what went.
 */
#include <signal.h>
#include <sys/wait.h>

#include <drydock/units.h>

#include "change.h"

/* ---- there and back ---- */

static void every_kind_of_object_goes_and_comes_back_as_it_was(void **state)
{
	DD_CLEANUP(dd_freep) char *before = NULL, *after = NULL;
	struct volume volume;
	struct dd_change *change;
	struct dd_trash trash;
	char run[32];

	(void)state;
	open_volume(&volume);
	fill(&volume);
	before = draw(&volume);
	collect(&volume, everything, DD_COUNT(everything), run);
	for (size_t i = 0; i < DD_COUNT(everything); i++) {
		assert_false(exists(&volume, everything[i]));
		assert_holds(&volume, in_trash(run, everything[i]), everything[i]);
	}
	assert_true(exists(&volume, REPO "_layers/sha256"));

	assert_code(dd_trash_load(volume.ctx, volume.store, &trash, &volume.err), 0);
	assert_int_equal(trash.runs[0].count, DD_COUNT(everything));
	change = begin_change(&volume);
	for (size_t i = 0; i < trash.runs[0].count; i++) {
		bool there = true;

		assert_code(dd_change_revive(change, &trash.runs[0].items[i].place, false, &there,
					     &volume.err), 0);
		assert_false(there);
	}
	assert_code(dd_change_sync(change, &volume.err), 0);
	assert_code(dd_change_finish(change, false, &volume.err), 0);
	dd_change_close(change);
	dd_trash_release(&trash);
	after = draw(&volume);
	assert_string_equal(before, after);
	close_volume(&volume);
}

static void what_is_not_as_it_was_judged_stays(void **state)
{
	static const struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	static const char *const paths[] = { BLOB_A, BLOB_B, LAYER_A, REVISION_A, HISTORY_A };
	struct volume volume;
	struct dd_change *change;
	struct dd_trash trash;
	struct dd_item items[5];
	char *memory[5];

	(void)state;
	open_volume(&volume);
	fill(&volume);
	change = begin_change(&volume);
	for (size_t i = 0; i < 5; i++) {
		items[i] = item_of(&volume, paths[i], &memory[i]);
		assert_code(dd_change_announce(change, &items[i], &volume.err), 0);
	}
	assert_code(dd_change_seal(change, &volume.err), 0);
	put(&volume, BLOB_A, "longer than it was before, whatever that was, by a good deal of text "
			     "that makes it longer than a path of the volume can ever have been, with "
			     "room to spare for what a path of another volume might be, if longer");
	assert_int_equal(utimensat(AT_FDCWD, below(&volume, BLOB_B), old, 0), 0);
	assert_int_equal(unlink(below(&volume, LAYER_A)), 0);
	remove_tree(&volume, REPO "_manifests/revisions");
	assert_code(dd_change_withdraw(change, &items[0], &volume.err), DD_ECHANGED);
	assert_code(dd_change_withdraw(change, &items[1], &volume.err), DD_ECHANGED);
	assert_code(dd_change_withdraw(change, &items[2], &volume.err), DD_ENOENT);
	assert_code(dd_change_withdraw(change, &items[3], &volume.err), DD_ENOENT);
	memset(&items[4].stamp, 0, sizeof(items[4].stamp)); /* however it is */
	put(&volume, HISTORY_A, "changed");
	assert_code(dd_change_withdraw(change, &items[4], &volume.err), 0);
	assert_code(dd_change_finish(change, false, &volume.err), 0);
	dd_change_close(change);
	assert_true(exists(&volume, BLOB_A) && exists(&volume, BLOB_B));
	assert_code(dd_trash_load(volume.ctx, volume.store, &trash, &volume.err), 0);
	assert_int_equal(trash.runs[0].count, 1);
	assert_int_equal(trash.runs[0].gone, 4);
	dd_trash_release(&trash);
	for (size_t i = 0; i < 5; i++)
		free(memory[i]);
	close_volume(&volume);
}

/* ---- many at once ---- */

#define MANY 300 /* several batches */

struct many {
	struct volume *volume;
	struct dd_item items[MANY];
	char *memory[MANY];
	size_t next, went, changed, gone;
};

static void many_path(char path[160], size_t number)
{
	snprintf(path, 160, V2 "blobs/sha256/%02zx/%02zx%062zx/data", number % 7, number % 7, number);
}

/* While others are renamed: one that a look has not come to yet, and that no later one may miss. */
static void disturb(struct many *many, size_t number)
{
	char path[160];

	many_path(path, number);
	if (number % 2)
		put(many->volume, path, "written to since it was judged");
	else
		assert_int_equal(unlink(below(many->volume, path)), 0);
}

static int next_of_many(void *arg, struct dd_item *item, struct dd_error *err)
{
	struct many *many = arg;

	(void)err;
	if (many->next == MANY)
		return 0;
	*item = many->items[many->next++];
	return 1;
}

static void done_with_one(void *arg, const struct dd_item *item, int rc)
{
	struct many *many = arg;

	(void)item;
	many->went += rc == 0;
	many->changed += rc == DD_ECHANGED;
	many->gone += rc == DD_ENOENT;
	if (many->went == 1 && rc == 0) {
		disturb(many, MANY - 1);
		disturb(many, MANY - 2);
	}
}

static void of_many_those_that_are_not_as_judged_stay(void **state)
{
	static const unsigned jobs[] = { 1, 4 };

	(void)state;
	for (size_t j = 0; j < DD_COUNT(jobs); j++) {
		struct volume volume;
		struct many many = { .volume = &volume };
		const struct dd_withdrawal withdrawal = { next_of_many, done_with_one, &many, false };
		struct dd_change *change;
		char path[160];

		open_volume(&volume);
		dd_context_set_jobs(volume.ctx, jobs[j]);
		change = begin_change(&volume);
		for (size_t i = 0; i < MANY; i++) {
			many_path(path, i);
			put(&volume, path, "a blob");
			many.items[i] = item_of(&volume, path, &many.memory[i]);
			assert_code(dd_change_announce(change, &many.items[i], &volume.err), 0);
		}
		assert_code(dd_change_seal(change, &volume.err), 0);
		disturb(&many, 0);
		disturb(&many, 101);
		assert_code(dd_change_withdraw_many(change, &withdrawal, &volume.err), 0);
		assert_int_equal(many.gone, 2);
		assert_int_equal(many.changed, 2);
		assert_int_equal(many.went, MANY - 4);
		many_path(path, 101);
		assert_true(exists(&volume, path));
		many_path(path, MANY - 1);
		assert_true(exists(&volume, path));
		many_path(path, 102);
		assert_false(exists(&volume, path));
		assert_code(dd_change_finish(change, false, &volume.err), 0);
		dd_change_close(change);
		for (size_t i = 0; i < MANY; i++)
			free(many.memory[i]);
		close_volume(&volume);
	}
}

static void made_anew_within_a_run_it_stays_and_the_old_one_is_kept(void **state)
{
	DD_AUTOFREE char *memory = NULL;
	struct volume volume;
	struct dd_change *change;
	struct dd_item item;

	(void)state;
	open_volume(&volume);
	put(&volume, BLOB_A, "old");
	change = begin_change(&volume);
	item = item_of(&volume, BLOB_A, &memory);
	assert_code(dd_change_announce(change, &item, &volume.err), 0);
	assert_code(dd_change_seal(change, &volume.err), 0);
	assert_code(dd_change_withdraw(change, &item, &volume.err), 0);
	put(&volume, BLOB_A, "new");
	memset(&item.stamp, 0, sizeof(item.stamp));
	assert_code(dd_change_withdraw(change, &item, &volume.err), DD_ECHANGED);
	assert_holds(&volume, BLOB_A, "new");
	assert_holds(&volume, in_trash(dd_change_get_run(change), BLOB_A), "old");
	dd_change_close(change);
	close_volume(&volume);
}

static void what_could_not_be_named_later_is_not_announced(void **state)
{
	DD_AUTOFREE char *memory = NULL;
	struct volume volume;
	struct dd_change *change;
	struct dd_item item;

	(void)state;
	open_volume(&volume);
	put(&volume, BLOB_A, "x");
	put(&volume, V2 "blobs/sha256/aa/" HEX_A "/link." UUID ".tmp", "x");
	change = begin_change(&volume);
	item = item_of(&volume, BLOB_A, &memory);
	item.place.beside = "link." UUID ".tmp"; /* no file of a blob */
	assert_code(dd_change_announce(change, &item, &volume.err), DD_EFORMAT);
	dd_change_close(change);
	close_volume(&volume);
}

/* ---- reviving ---- */

static void what_has_grown_in_its_place_is_kept(void **state)
{
	struct volume volume;
	char run[32];

	(void)state;
	open_volume(&volume);
	fill(&volume);
	collect(&volume, everything, DD_COUNT(everything), run);
	put(&volume, BLOB_A, "new");
	put(&volume, TAG_V1, "new");
	make_parents(&volume, BLOB_B); /* without data */
	put(&volume, UPLOAD "startedat", "new");
	revive(&volume, run, BLOB_A, true, 0, true);
	revive(&volume, run, TAG_V1, true, 0, true);
	revive(&volume, run, BLOB_B, false, 0, false);
	revive(&volume, run, UPLOAD "data", false, 0, false);
	assert_holds(&volume, BLOB_A, "new");
	assert_holds(&volume, in_trash(run, BLOB_A), BLOB_A);
	assert_holds(&volume, TAG_V1, "new");
	assert_holds(&volume, in_trash(run, TAG_V1), TAG_V1);
	assert_holds(&volume, BLOB_B, BLOB_B);
	assert_holds(&volume, UPLOAD "startedat", "new");
	assert_holds(&volume, UPLOAD "data", UPLOAD "data");
	assert_holds(&volume, UPLOAD "hashstates/sha256/0", "state");
	revive(&volume, run, BLOB_B, false, DD_ENOENT, false);
	remove_tree(&volume, V2 "blobs/sha256/bb");
	revive(&volume, run, BLOB_B, false, DD_ENOENT, false);
	revive(&volume, RUN, LAYER_A, false, DD_ENOENT, false);
	close_volume(&volume);
}

static void a_link_in_the_way_is_not_followed(void **state)
{
	struct volume volume;
	char run[32];

	(void)state;
	open_volume(&volume);
	put(&volume, LAYER_A, "link");
	put(&volume, "elsewhere/x", "");
	collect(&volume, (const char *const[]){ LAYER_A }, 1, run);
	remove_tree(&volume, REPO "_layers");
	assert_int_equal(symlink("../../../../../../elsewhere", below(&volume, REPO "_layers")), 0);
	revive(&volume, run, LAYER_A, false, DD_ESYMLINK, false);
	revive(&volume, run, LAYER_A, true, DD_ESYMLINK, false);
	assert_false(exists(&volume, "elsewhere/sha256"));
	assert_true(exists(&volume, in_trash(run, LAYER_A)));
	close_volume(&volume);
}

static int64_t mtime_of(const struct volume *volume, const char *path)
{
	struct stat st;

	assert_int_equal(stat(below(volume, path), &st), 0);
	return st.st_mtim.tv_sec;
}

static void fresh_is_as_if_it_had_just_been_pushed(void **state)
{
	static const struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	static const char *const paths[] = { BLOB_A, LAYER_A, REVISION_A, TAG_V1 };
	struct volume volume;
	char run[32];

	(void)state;
	open_volume(&volume);
	fill(&volume);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(utimensat(AT_FDCWD, below(&volume, paths[i]), old, 0), 0);
	collect(&volume, paths, 4, run);
	revive(&volume, run, BLOB_A, true, 0, false);
	revive(&volume, run, LAYER_A, false, 0, false);
	revive(&volume, run, TAG_V1, true, 0, false);
	assert_true(mtime_of(&volume, BLOB_A) > 1000);
	assert_int_equal(mtime_of(&volume, LAYER_A), 1000);
	assert_true(mtime_of(&volume, TAG_V1) > 1000);
	/* What stays in the trash must not look as if it had been written to. */
	put(&volume, REVISION_A, "new");
	revive(&volume, run, REVISION_A, true, 0, true);
	assert_int_equal(mtime_of(&volume, in_trash(run, REVISION_A)), 1000);
	close_volume(&volume);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_object_goes_and_comes_back_as_it_was),
		cmocka_unit_test(what_is_not_as_it_was_judged_stays),
		cmocka_unit_test(of_many_those_that_are_not_as_judged_stay),
		cmocka_unit_test(made_anew_within_a_run_it_stays_and_the_old_one_is_kept),
		cmocka_unit_test(what_could_not_be_named_later_is_not_announced),
		cmocka_unit_test(what_has_grown_in_its_place_is_kept),
		cmocka_unit_test(a_link_in_the_way_is_not_followed),
		cmocka_unit_test(fresh_is_as_if_it_had_just_been_pushed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
