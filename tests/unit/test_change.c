/*
 * A change: what goes goes as it was judged, what comes back is what went, and what is left behind
 * is in order wherever a run ended.
 */
#include <signal.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "volume.h"

static const char *const everything[] = { BLOB_A,     LAYER_A, REVISION_A,	HISTORY_A,
					  TAG_V1,     BLOB_B,  UPLOAD "data",
					  V2 "blobs/sha256/cc/cccccccccccccccccccccccccccccccc"
					     "cccccccccccccccccccccccccccccccc/data." UUID ".tmp" };

static void fill(const struct volume *volume)
{
	for (size_t i = 0; i < DD_COUNT(everything); i++)
		put(volume, everything[i], everything[i]);
	put(volume, UPLOAD "startedat", "2026-01-01T00:00:00Z");
	put(volume, UPLOAD "hashstates/sha256/0", "state");
}

/* ---- all files below the root but our own: path, size, time, inode ---- */

static struct dd_text *picture;
static size_t picture_root;

static int draw_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	if (type == FTW_F && !strstr(path, "/.drydock"))
		dd_text_printf(picture, "%s %ld %ld.%09ld %lu\n", path + picture_root, (long)st->st_size,
			       (long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
			       (unsigned long)st->st_ino);
	return 0;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, to be freed: no listing has an order. */
static char *draw(const struct volume *volume)
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

static int stop_at_once(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	(void)arg, (void)entry, (void)err;
	return 1;
}

static bool is_empty(const struct volume *volume, enum dd_place_kind kind)
{
	const struct dd_place place = { .kind = kind };

	return dd_store_list(volume->store, &place, stop_at_once, NULL, NULL) == 0;
}

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

static void revive(struct volume *opened, const char *run, const char *path, bool fresh, int code,
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

/* ---- how runs end ---- */

static void a_run_that_took_nothing_leaves_nothing(void **state)
{
	struct volume volume;
	struct dd_change *change;
	DD_AUTOFREE char *memory = NULL;
	struct dd_item item;

	(void)state;
	for (int way = 0; way < 6; way++) {
		open_volume(&volume);
		fill(&volume);
		change = begin_change(&volume);
		item = item_of(&volume, LAYER_A, &memory);
		if (way >= 1)
			assert_code(dd_change_announce(change, &item, &volume.err), 0);
		if (way >= 2)
			assert_code(dd_change_seal(change, &volume.err), 0);
		if (way >= 3)
			assert_code(dd_change_withdraw(change, &item, &volume.err), 0);
		if (way >= 3) { /* and came back */
			bool there;

			item.place.run = dd_change_get_run(change);
			assert_code(dd_change_revive(change, &item.place, false, &there, &volume.err), 0);
		}
		if (way == 4)
			assert_code(dd_change_finish(change, false, &volume.err), 0);
		if (way == 5)
			dd_context_cancel(volume.ctx); /* not even what was interrupted */
		dd_change_close(change);
		assert_true(is_empty(&volume, DD_IN_TRASH));
		assert_true(is_empty(&volume, DD_IN_PURGES));
		assert_true(exists(&volume, LAYER_A));
		free(memory);
		memory = NULL;
		close_volume(&volume);
	}
}

static void purged_is_gone_for_good(void **state)
{
	struct volume volume;
	struct dd_change *change;

	(void)state;
	open_volume(&volume);
	fill(&volume);
	change = begin_change(&volume);
	withdraw_all(&volume, change, everything, DD_COUNT(everything));
	assert_code(dd_change_finish(change, true, &volume.err), 0);
	dd_change_close(change);
	assert_true(is_empty(&volume, DD_IN_TRASH));
	assert_true(is_empty(&volume, DD_IN_PURGES));
	assert_false(exists(&volume, BLOB_A));
	close_volume(&volume);
}

static void earlier_runs_are_emptied_and_no_other(void **state)
{
	struct volume volume;
	struct dd_change *change;
	char one[32], two[32];

	(void)state;
	open_volume(&volume);
	fill(&volume);
	collect(&volume, (const char *const[]){ BLOB_A }, 1, one);
	collect(&volume, (const char *const[]){ BLOB_B }, 1, two);
	assert_true(strcmp(one, two) < 0); /* in one second, too */
	change = begin_change(&volume);
	assert_code(dd_change_empty(change, RUN, &volume.err), DD_ENOENT);
	assert_code(dd_change_empty(change, "..", &volume.err), DD_EFORMAT);
	assert_code(dd_change_empty(change, one, &volume.err), 0);
	assert_code(dd_change_finish(change, false, &volume.err), 0);
	assert_code(dd_change_empty(change, two, &volume.err), 0); /* afterwards, too */
	dd_change_close(change);
	assert_true(is_empty(&volume, DD_IN_TRASH));
	assert_true(exists(&volume, LAYER_A));
	close_volume(&volume);
}

static void runs_of_one_second_are_named_in_order(void **state)
{
	struct volume volume;
	char last[32] = "", run[32];

	(void)state;
	open_volume(&volume);
	for (int i = 0; i < 30; i++) {
		put(&volume, BLOB_A, "x");
		collect(&volume, (const char *const[]){ BLOB_A }, 1, run);
		assert_true(dd_run_valid(run));
		assert_true(strcmp(last, run) < 0);
		strcpy(last, run);
	}
	close_volume(&volume);
}

/* Withdraw in a child that is killed before it can end anything. */
static void die_in_the_middle(struct volume *volume, bool sealed, bool withdrawn)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct dd_change *change = begin_change(volume);
		struct dd_item one, other;
		char *memory;

		one = item_of(volume, BLOB_A, &memory);
		other = item_of(volume, LAYER_A, &memory);
		if (dd_change_announce(change, &one, NULL) == 0 &&
		    dd_change_announce(change, &other, NULL) == 0 &&
		    (!sealed || dd_change_seal(change, NULL) == 0) &&
		    (!withdrawn || dd_change_withdraw(change, &one, NULL) == 0))
			kill(getpid(), SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void a_dead_run_can_be_undone_and_does_not_seem_at_work_for_ever(void **state)
{
	struct volume volume;
	struct dd_trash trash;

	(void)state;
	open_volume(&volume);
	fill(&volume);
	die_in_the_middle(&volume, true, true);
	for (int round = 0; round < 2; round++) {
		assert_code(dd_trash_load(volume.ctx, volume.store, &trash, &volume.err), 0);
		assert_int_equal(trash.count, 1);
		assert_int_equal(trash.runs[0].state, DD_RUN_INTERRUPTED);
		assert_int_equal(trash.runs[0].ended, round == 1);
		assert_true(trash.runs[0].took);
		assert_int_equal(trash.runs[0].count, 1);
		assert_int_equal(trash.runs[0].gone, 1);
		assert_string_equal(trash.runs[0].command, "gc --apply");
		if (round == 0)
			dd_change_close(begin_change(&volume));
		else
			revive(&volume, trash.runs[0].name, BLOB_A, false, 0, false);
		dd_trash_release(&trash);
	}
	assert_holds(&volume, BLOB_A, BLOB_A);
	close_volume(&volume);
}

static void a_dead_run_that_took_nothing_goes(void **state)
{
	(void)state;
	for (int sealed = 0; sealed < 2; sealed++) {
		struct volume volume;
		struct dd_trash trash;

		open_volume(&volume);
		fill(&volume);
		die_in_the_middle(&volume, sealed, false);
		assert_false(is_empty(&volume, DD_IN_TRASH));
		assert_code(dd_trash_load(volume.ctx, volume.store, &trash, &volume.err), 0);
		assert_int_equal(trash.count, 0); /* nothing to undo */
		dd_trash_release(&trash);
		dd_change_close(begin_change(&volume));
		assert_true(is_empty(&volume, DD_IN_TRASH));
		assert_true(is_empty(&volume, DD_IN_PURGES));
		close_volume(&volume);
	}
}

static void a_half_purged_run_is_purged_to_its_end(void **state)
{
	struct volume volume;

	(void)state;
	open_volume(&volume);
	put(&volume, ".drydock/purge/" RUN "/" BLOB_A, "x");
	put(&volume, ".drydock/purge/not a run", "x");
	dd_change_close(begin_change(&volume));
	assert_false(exists(&volume, ".drydock/purge/" RUN));
	assert_true(exists(&volume, ".drydock/purge/not a run"));
	close_volume(&volume);
}

static void an_unfinished_run_is_marked_as_interrupted(void **state)
{
	struct volume volume;
	struct dd_change *change;
	struct dd_trash trash;

	(void)state;
	open_volume(&volume);
	fill(&volume);
	change = begin_change(&volume);
	withdraw_all(&volume, change, (const char *const[]){ BLOB_A }, 1);
	dd_change_close(change);
	assert_code(dd_trash_load(volume.ctx, volume.store, &trash, &volume.err), 0);
	assert_int_equal(trash.runs[0].state, DD_RUN_INTERRUPTED);
	assert_true(trash.runs[0].ended);
	dd_trash_release(&trash);
	close_volume(&volume);
}

static void two_changes_at_once_are_refused(void **state)
{
	const struct dd_change_options options = { .command = "trash empty" };
	struct dd_change *change, *second;
	struct dd_store *other;
	struct volume volume;

	(void)state;
	open_volume(&volume);
	change = begin_change(&volume);
	assert_code(dd_store_open(volume.ctx, &(struct dd_store_options){ .root = volume.root }, &other,
				  &volume.err), 0);
	assert_int_equal(dd_change_begin(volume.ctx, other, &options, &second, &volume.err), DD_ELOCKED);
	assert_null(second);
	assert_non_null(strstr(volume.err.text, "drydock gc --apply, process "));
	assert_non_null(strstr(volume.err.text, ", since 20"));
	dd_error_clear(&volume.err);
	dd_change_close(change);
	assert_code(dd_change_begin(volume.ctx, other, &options, &second, &volume.err), 0);
	dd_change_close(second);
	dd_store_close(other);
	close_volume(&volume);
}

/* ---- a full disk ---- */

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
		cmocka_unit_test(every_kind_of_object_goes_and_comes_back_as_it_was),
		cmocka_unit_test(what_is_not_as_it_was_judged_stays),
		cmocka_unit_test(made_anew_within_a_run_it_stays_and_the_old_one_is_kept),
		cmocka_unit_test(what_could_not_be_named_later_is_not_announced),
		cmocka_unit_test(what_has_grown_in_its_place_is_kept),
		cmocka_unit_test(a_link_in_the_way_is_not_followed),
		cmocka_unit_test(fresh_is_as_if_it_had_just_been_pushed),
		cmocka_unit_test(a_run_that_took_nothing_leaves_nothing),
		cmocka_unit_test(purged_is_gone_for_good),
		cmocka_unit_test(earlier_runs_are_emptied_and_no_other),
		cmocka_unit_test(runs_of_one_second_are_named_in_order),
		cmocka_unit_test(a_dead_run_can_be_undone_and_does_not_seem_at_work_for_ever),
		cmocka_unit_test(a_dead_run_that_took_nothing_goes),
		cmocka_unit_test(a_half_purged_run_is_purged_to_its_end),
		cmocka_unit_test(an_unfinished_run_is_marked_as_interrupted),
		cmocka_unit_test(two_changes_at_once_are_refused),
		cmocka_unit_test(on_a_full_disk_the_reserve_is_given_up),
		cmocka_unit_test(a_disk_that_is_full_from_the_first_says_what_to_do),
		cmocka_unit_test(a_read_only_volume_is_refused_and_says_why),
		cmocka_unit_test(parts_that_are_mounted_from_elsewhere_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
