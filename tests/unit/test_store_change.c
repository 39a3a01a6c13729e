/*
 * The store on a file system, changing: what goes, comes back and ends, and what is never replaced.
 */
#include <sys/resource.h>
#include <time.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "volume.h"
#include "old_kernel.h"

static void prepare(struct volume *opened, const struct dd_place *place)
{
	struct volume volume = *opened;

	assert_code(dd_store_make_state(volume.store, &volume.err), 0);
	assert_code(dd_store_prepare(volume.store, place, RUN, &volume.err), 0);
	assert_code(dd_store_sync(volume.store, &volume.err), 0);
}

static void an_object_goes_and_comes_back_with_all_that_is_beside_it(void **state)
{
	DD_AUTOFREE char *memory = NULL;
	struct volume volume;
	struct dd_place place, trashed;
	struct dd_info before, after;

	(void)state;
	open_volume(&volume);
	put(&volume, UPLOAD "data", "half");
	put(&volume, UPLOAD "startedat", "2026-01-01T00:00:00Z");
	put(&volume, UPLOAD "hashstates/sha256/0", "x");
	place = trashed = place_of(UPLOAD "data", &memory);
	trashed.run = RUN;
	prepare(&volume, &place);
	assert_code(dd_store_stat(volume.store, &place, &before, &volume.err), 0);
	assert_code(dd_store_withdraw(volume.store, &place, RUN, &before.stamp, &volume.err), 0);
	assert_code(dd_store_sync(volume.store, &volume.err), 0);
	assert_false(exists(&volume, UPLOAD));
	assert_true(exists(&volume, REPO "_uploads"));
	assert_holds(&volume, in_trash(RUN, UPLOAD "hashstates/sha256/0"), "x");
	/* Only a directory was renamed. */
	assert_code(dd_store_stat(volume.store, &trashed, &after, &volume.err), 0);
	assert_true(dd_stamp_equal(&before.stamp, &after.stamp));
	assert_code(dd_store_withdraw(volume.store, &place, RUN, NULL, &volume.err), DD_ENOENT);

	assert_code(dd_store_revive(volume.store, &trashed, &volume.err), 0);
	assert_holds(&volume, UPLOAD "data", "half");
	assert_holds(&volume, UPLOAD "hashstates/sha256/0", "x");
	assert_code(dd_store_revive(volume.store, &trashed, &volume.err), DD_ENOENT);
	close_volume(&volume);
}

static void neither_way_replaces_anything(void **state)
{
	DD_AUTOFREE char *memory = NULL, *tag_memory = NULL;
	struct volume volume;
	struct dd_place place, trashed, tag;

	(void)state;
	open_volume(&volume);
	put(&volume, BLOB_A, "old");
	put(&volume, TAG_V1, "old");
	place = trashed = place_of(BLOB_A, &memory);
	tag = place_of(TAG_V1, &tag_memory);
	trashed.run = RUN;
	prepare(&volume, &place);
	assert_code(dd_store_withdraw(volume.store, &place, RUN, NULL, &volume.err), 0);
	assert_code(dd_store_withdraw(volume.store, &tag, RUN, NULL, &volume.err), 0);
	put(&volume, BLOB_A, "new");
	put(&volume, TAG_V1, "new");
	assert_code(dd_store_withdraw(volume.store, &place, RUN, NULL, &volume.err), DD_EEXIST);
	assert_code(dd_store_withdraw(volume.store, &tag, RUN, NULL, &volume.err), DD_EEXIST);
	assert_code(dd_store_revive(volume.store, &trashed, &volume.err), DD_EEXIST);
	tag.run = RUN;
	assert_code(dd_store_revive(volume.store, &tag, &volume.err), DD_EEXIST);
	assert_holds(&volume, BLOB_A, "new");
	assert_holds(&volume, TAG_V1, "new");
	assert_holds(&volume, in_trash(RUN, BLOB_A), "old");
	assert_holds(&volume, in_trash(RUN, TAG_V1), "old");
	close_volume(&volume);
}

static void what_changed_stays(void **state)
{
	DD_AUTOFREE char *memory = NULL;
	struct volume volume;
	struct dd_place place;
	struct dd_info info;

	(void)state;
	open_volume(&volume);
	put(&volume, LAYER_A, "sha256:" HEX_A);
	place = place_of(LAYER_A, &memory);
	prepare(&volume, &place);
	assert_code(dd_store_stat(volume.store, &place, &info, &volume.err), 0);
	/* Not even its size: as the registry rewrites a link that exists. */
	info.stamp.word[4]--;
	assert_code(dd_store_withdraw(volume.store, &place, RUN, &info.stamp, &volume.err), DD_ECHANGED);
	assert_true(exists(&volume, LAYER_A));
	info.stamp.word[4]++;
	assert_code(dd_store_withdraw(volume.store, &place, RUN, &info.stamp, &volume.err), 0);
	close_volume(&volume);
}

static void a_directory_made_anew_is_seen(void **state)
{
	DD_AUTOFREE char *memory_a = NULL, *memory_b = NULL;
	struct volume volume;
	struct dd_place a, b;

	(void)state;
	open_volume(&volume);
	put(&volume, LAYER_A, "one");
	put(&volume, REPO "_layers/sha256/" HEX_B "/link", "two");
	a = place_of(LAYER_A, &memory_a);
	b = place_of(REPO "_layers/sha256/" HEX_B "/link", &memory_b);
	prepare(&volume, &a);
	assert_code(dd_store_withdraw(volume.store, &a, RUN, NULL, &volume.err), 0);
	/* The directory whose descriptor is remembered goes, and its like comes. */
	remove_tree(&volume, REPO "_layers");
	put(&volume, REPO "_layers/sha256/" HEX_B "/link", "three");
	assert_code(dd_store_withdraw(volume.store, &b, RUN, NULL, &volume.err), 0);
	assert_holds(&volume, in_trash(RUN, REPO "_layers/sha256/" HEX_B "/link"), "three");
	close_volume(&volume);
}

static void directories_are_made_anew_like_their_surroundings(void **state)
{
	DD_AUTOFREE char *memory = NULL;
	struct volume volume;
	struct dd_place place, trashed;
	struct stat around, st;

	(void)state;
	open_volume(&volume);
	put(&volume, LAYER_A, "link");
	place = trashed = place_of(LAYER_A, &memory);
	trashed.run = RUN;
	assert_int_equal(chmod(below(&volume, V2 "repositories"), 02750), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(below(&volume, V2 "repositories"), 1234, 1235), 0);
	assert_int_equal(chmod(below(&volume, V2 "repositories"), 02750), 0);
	prepare(&volume, &place);
	assert_code(dd_store_withdraw(volume.store, &place, RUN, NULL, &volume.err), 0);
	remove_tree(&volume, V2 "repositories/team");
	assert_code(dd_store_revive(volume.store, &trashed, &volume.err), 0);
	assert_holds(&volume, LAYER_A, "link");
	assert_int_equal(stat(below(&volume, V2 "repositories"), &around), 0);
	assert_int_equal(stat(below(&volume, REPO "_layers/sha256"), &st), 0);
	assert_int_equal(st.st_mode & 07777, around.st_mode & 07777);
	assert_int_equal(st.st_uid, around.st_uid);
	assert_int_equal(st.st_gid, around.st_gid);
	close_volume(&volume);
}

static void each_missing_file_is_put_beside_what_has_grown(void **state)
{
	DD_AUTOFREE char *memory = NULL;
	struct volume volume;
	struct dd_place place, trashed;
	size_t moved;

	(void)state;
	open_volume(&volume);
	put(&volume, UPLOAD "data", "old");
	put(&volume, UPLOAD "startedat", "old");
	put(&volume, UPLOAD "hashstates/sha256/0", "old");
	place = trashed = place_of(UPLOAD "data", &memory);
	trashed.run = RUN;
	prepare(&volume, &place);
	assert_code(dd_store_withdraw(volume.store, &place, RUN, NULL, &volume.err), 0);
	put(&volume, UPLOAD "startedat", "new");
	assert_code(dd_store_revive_missing(volume.store, &trashed, &moved, &volume.err), 0);
	assert_int_equal(moved, 2);
	assert_holds(&volume, UPLOAD "data", "old");
	assert_holds(&volume, UPLOAD "hashstates/sha256/0", "old");
	assert_holds(&volume, UPLOAD "startedat", "new");
	assert_holds(&volume, in_trash(RUN, UPLOAD "startedat"), "old");
	assert_code(dd_store_revive_missing(volume.store, &trashed, &moved, &volume.err), 0);
	assert_int_equal(moved, 0);
	close_volume(&volume);
}

static void touching_sets_the_time_to_now(void **state)
{
	static const struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	DD_AUTOFREE char *memory = NULL;
	struct volume volume;
	struct dd_place place;
	struct dd_info info;

	(void)state;
	open_volume(&volume);
	put(&volume, BLOB_A, "x");
	place = place_of(BLOB_A, &memory);
	assert_int_equal(utimensat(AT_FDCWD, below(&volume, BLOB_A), old, 0), 0);
	assert_code(dd_store_touch(volume.store, &place, &volume.err), 0);
	assert_code(dd_store_sync(volume.store, &volume.err), 0);
	assert_code(dd_store_stat(volume.store, &place, &info, &volume.err), 0);
	assert_true(dd_time_now() - info.mtime_ns < 60 * DD_SECOND);
	close_volume(&volume);
}


/* ---- the end of a run ---- */

static void a_purge_removes_everything_and_follows_nothing(void **state)
{
	struct volume volume;
	char deep[4096] = "";

	(void)state;
	open_volume(&volume);
	assert_code(dd_store_make_state(volume.store, &volume.err), 0);
	put(&volume, "precious/data", "text");
	put(&volume, in_trash(RUN, BLOB_A), "x");
	put(&volume, in_trash(RUN, UPLOAD "data"), "x");
	put(&volume, in_trash(RUN, UPLOAD "startedat"), "x");
	put(&volume, in_trash(RUN, "journal"), "x");
	for (int i = 0; i < 120; i++)
		strcat(deep, "directory/");
	strcat(deep, "data");
	put(&volume, in_trash(RUN, deep), "x");
	for (int i = 0; i < 3000; i++) {
		char name[64];

		snprintf(name, sizeof(name), "many/%d", i);
		put(&volume, in_trash(RUN, name), "");
	}
	assert_int_equal(symlink("../../../precious", below(&volume, in_trash(RUN, "link"))), 0);
	assert_int_equal(mkdir(below(&volume, in_trash(RUN, "around")), 0755), 0);
	assert_int_equal(symlink("../../../../precious", below(&volume, in_trash(RUN, "around/x"))), 0);
	assert_int_equal(mkfifo(below(&volume, in_trash(RUN, "fifo")), 0600), 0);
	assert_int_equal(mkdir(below(&volume, in_trash(RUN, "empty")), 0755), 0);

	assert_code(dd_store_purge(volume.ctx, volume.store, RUN, &volume.err), 0); /* not condemned */
	assert_true(exists(&volume, in_trash(RUN, BLOB_A)));
	assert_code(dd_store_condemn(volume.store, RUN, &volume.err), 0);
	assert_false(exists(&volume, ".drydock/trash/" RUN));
	assert_true(exists(&volume, ".drydock/purge/" RUN "/" BLOB_A));
	assert_code(dd_store_purge(volume.ctx, volume.store, RUN, &volume.err), 0);
	assert_false(exists(&volume, ".drydock/purge/" RUN));
	assert_true(exists(&volume, ".drydock/purge"));
	assert_holds(&volume, "precious/data", "text");
	assert_code(dd_store_condemn(volume.store, RUN, &volume.err), DD_ENOENT);
	assert_code(dd_store_condemn(volume.store, "../trash", &volume.err), DD_EFORMAT);
	assert_code(dd_store_purge(volume.ctx, volume.store, "..", &volume.err), DD_EFORMAT);
	close_volume(&volume);
}

static void a_condemned_run_that_is_a_link_is_not_followed(void **state)
{
	struct volume volume;

	(void)state;
	open_volume(&volume);
	assert_code(dd_store_make_state(volume.store, &volume.err), 0);
	put(&volume, "precious/data", "text");
	assert_int_equal(symlink("../../precious", below(&volume, ".drydock/purge/" RUN)), 0);
	assert_code(dd_store_purge(volume.ctx, volume.store, RUN, &volume.err), DD_ESYMLINK);
	assert_holds(&volume, "precious/data", "text");
	close_volume(&volume);
}

static void a_purge_can_be_interrupted_and_gone_on_with(void **state)
{
	struct volume volume;

	(void)state;
	open_volume(&volume);
	put(&volume, ".drydock/purge/" RUN "/" BLOB_A, "x");
	dd_context_cancel(volume.ctx);
	assert_code(dd_store_purge(volume.ctx, volume.store, RUN, &volume.err), DD_ECANCELLED);
	assert_true(exists(&volume, ".drydock/purge/" RUN));
	assert_code(dd_store_purge(NULL, volume.store, RUN, &volume.err), 0);
	assert_false(exists(&volume, ".drydock/purge/" RUN));
	close_volume(&volume);
}

struct seen {
	size_t files, others;
	bool blob;
};

static int see(void *arg, const char *path, enum dd_entry_type type, struct dd_error *err)
{
	struct seen *seen = arg;

	(void)err;
	seen->files += type == DD_ENTRY_FILE;
	seen->others += type != DD_ENTRY_FILE;
	seen->blob |= !strcmp(path, BLOB_A);
	return 0;
}

static void a_run_is_listed_by_the_paths_that_were(void **state)
{
	struct volume volume;
	struct seen seen = { 0 };

	(void)state;
	open_volume(&volume);
	assert_code(dd_store_list_run(volume.store, RUN, see, &seen, &volume.err), DD_ENOENT);
	put(&volume, in_trash(RUN, "journal"), "not of it");
	put(&volume, in_trash(RUN, BLOB_A), "x");
	put(&volume, in_trash(RUN, UPLOAD "journal"), "of it");
	assert_int_equal(symlink("/", below(&volume, in_trash(RUN, "link"))), 0);
	assert_code(dd_store_list_run(volume.store, RUN, see, &seen, &volume.err), 0);
	assert_int_equal(seen.files, 2);
	assert_int_equal(seen.others, 1);
	assert_true(seen.blob);
	close_volume(&volume);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_goes_and_comes_back_with_all_that_is_beside_it),
		cmocka_unit_test(neither_way_replaces_anything),
		cmocka_unit_test(what_changed_stays),
		cmocka_unit_test(a_directory_made_anew_is_seen),
		cmocka_unit_test(directories_are_made_anew_like_their_surroundings),
		cmocka_unit_test(each_missing_file_is_put_beside_what_has_grown),
		cmocka_unit_test(touching_sets_the_time_to_now),
		cmocka_unit_test(a_purge_removes_everything_and_follows_nothing),
		cmocka_unit_test(a_condemned_run_that_is_a_link_is_not_followed),
		cmocka_unit_test(a_purge_can_be_interrupted_and_gone_on_with),
		cmocka_unit_test(a_run_is_listed_by_the_paths_that_were),
		cmocka_unit_test(an_old_kernel_makes_no_difference),
	};

	return is_kernel_ready() ? cmocka_run_group_tests(tests, NULL, NULL) : 125;
}
