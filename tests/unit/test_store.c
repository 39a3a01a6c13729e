/*
 * The store on a file system: what it refuses to follow, what it moves, what it leaves durable.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "volume.h"

static int nothing(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	(void)arg, (void)entry, (void)err;
	return 0;
}

static int count_one(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	(void)entry, (void)err;
	++*(size_t *)arg;
	return 0;
}

/* ---- reading ---- */

static void no_link_is_followed_in_any_part_of_a_path(void **state)
{
	static const char *const parts[] = { "docker", "docker/registry", "docker/registry/v2",
					     V2 "blobs", V2 "blobs/sha256", V2 "blobs/sha256/aa",
					     V2 "blobs/sha256/aa/" HEX_A, BLOB_A };

	(void)state;
	for (size_t i = 0; i < DD_COUNT(parts); i++) {
		DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
		DD_CLEANUP(dd_reader_closep) struct dd_reader *reader = NULL;
		DD_CLEANUP(dd_directory_closep) struct dd_directory *held = NULL;
		DD_AUTOFREE char *memory = NULL, *real = NULL;
		const struct dd_place blobs = { .kind = DD_IN_BLOBS };
		struct volume volume;
		struct dd_place place;
		struct dd_info info;
		int through;

		open_volume(&volume);
		put(&volume, BLOB_A, "bytes");
		place = place_of(BLOB_A, &memory);
		assert_code(dd_store_stat(volume.store, &place, &info, &volume.err), 0);
		assert_int_equal(info.size, 5);
		assert_code(dd_store_open_directory(volume.store, &blobs, &held, &volume.err), 0);
		/* What was there stays there, behind a link. */
		real = strdup(below(&volume, "real"));
		assert_int_equal(rename(below(&volume, parts[i]), real), 0);
		assert_int_equal(symlink(real, below(&volume, parts[i])), 0);
		assert_code(dd_store_stat(volume.store, &place, &info, &volume.err), DD_ESYMLINK);
		assert_code(dd_store_read(volume.store, &place, 100, &buffer, NULL, &volume.err),
			    DD_ESYMLINK);
		assert_code(dd_store_open_reader(volume.store, &place, &reader, NULL, &volume.err),
			    DD_ESYMLINK);
		assert_code(dd_store_touch(volume.store, &place, &volume.err), DD_ESYMLINK);
		assert_code(dd_store_withdraw(volume.store, &place, RUN, NULL, &volume.err), DD_ESYMLINK);
		assert_true(exists(&volume, parts[i]) && exists(&volume, "real"));
		/* A directory that was held before is the one that it was, wherever it lies now. */
		through = strlen(parts[i]) <= strlen(V2 "blobs") ? 0 : DD_ESYMLINK;
		assert_code(dd_directory_stat(held, &place, &info, &volume.err), through);
		assert_code(dd_directory_read(held, &place, 100, &buffer, NULL, &volume.err), through);
		if (strcmp(parts[i], BLOB_A))
			assert_code(dd_store_list_owner(volume.store, &place, nothing, NULL, &volume.err),
				    DD_ESYMLINK);
		close_volume(&volume);
	}
}

static void what_is_no_file_is_never_opened(void **state)
{
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	DD_CLEANUP(dd_reader_closep) struct dd_reader *reader = NULL;
	DD_AUTOFREE char *memory = NULL;
	struct volume volume;
	struct dd_place place;
	struct dd_info info;

	(void)state;
	open_volume(&volume);
	make_parents(&volume, BLOB_A);
	place = place_of(BLOB_A, &memory);
	assert_code(dd_store_read(volume.store, &place, 100, &buffer, NULL, &volume.err), DD_ENOENT);
	assert_int_equal(mkfifo(below(&volume, BLOB_A), 0644), 0);
	assert_code(dd_store_stat(volume.store, &place, &info, &volume.err), 0);
	assert_int_equal(info.type, DD_ENTRY_OTHER);
	assert_code(dd_store_read(volume.store, &place, 100, &buffer, NULL, &volume.err), DD_EIRREGULAR);
	assert_code(dd_store_open_reader(volume.store, &place, &reader, NULL, &volume.err),
		    DD_EIRREGULAR);
	assert_code(dd_store_touch(volume.store, &place, &volume.err), DD_EIRREGULAR);
	unlink(below(&volume, BLOB_A));
	assert_int_equal(mkdir(below(&volume, BLOB_A), 0755), 0);
	assert_code(dd_store_read(volume.store, &place, 100, &buffer, NULL, &volume.err), DD_EIRREGULAR);
	close_volume(&volume);
}

static void a_read_ends_at_its_bound(void **state)
{
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	DD_CLEANUP(dd_reader_closep) struct dd_reader *reader = NULL;
	DD_AUTOFREE char *memory = NULL;
	struct volume volume;
	struct dd_place place;
	char rest[16];

	(void)state;
	open_volume(&volume);
	put(&volume, BLOB_A, "0123456789");
	place = place_of(BLOB_A, &memory);
	assert_code(dd_store_read(volume.store, &place, 9, &buffer, NULL, &volume.err), DD_ETOOBIG);
	assert_code(dd_store_read(volume.store, &place, 10, &buffer, NULL, &volume.err), 0);
	assert_int_equal(buffer.len, 10);
	assert_memory_equal(buffer.bytes, "0123456789", 10);
	assert_code(dd_store_open_reader(volume.store, &place, &reader, NULL, &volume.err), 0);
	assert_code(dd_reader_skip(reader, 7, &volume.err), 0);
	assert_int_equal(dd_reader_read(reader, rest, sizeof(rest), &volume.err), 3);
	assert_memory_equal(rest, "789", 3);
	assert_int_equal(dd_reader_read(reader, rest, sizeof(rest), &volume.err), 0);
	close_volume(&volume);
}

static void a_large_directory_is_listed_whole(void **state)
{
	struct volume volume;
	struct dd_place uploads = { .kind = DD_IN_UPLOADS, .repository = "a" };
	size_t count = 0;

	(void)state;
	open_volume(&volume);
	assert_code(dd_store_list(volume.store, &uploads, nothing, NULL, &volume.err), DD_ENOENT);
	make_parents(&volume, V2 "repositories/a/_uploads/x");
	for (int i = 0; i < 1500; i++) {
		char path[512];

		snprintf(path, sizeof(path), V2 "repositories/a/_uploads/%d-%0200d", i, i);
		assert_int_equal(mkdir(below(&volume, path), 0755), 0);
	}
	assert_code(dd_store_list(volume.store, &uploads, count_one, &count, &volume.err), 0);
	assert_int_equal(count, 1500);
	close_volume(&volume);
}

static void a_stamp_tells_writing_from_moving_and_copying(void **state)
{
	const struct dd_stamp was = { { 1, 2, 3, 4, 5 } };
	struct dd_stamp now = was;

	(void)state;
	assert_true(dd_stamp_equal(&was, &now));
	assert_false(dd_stamp_written(&was, &now, false));
	now.word[4] = 6; /* ctime */
	assert_false(dd_stamp_equal(&was, &now));
	assert_true(dd_stamp_same_content(&was, &now));
	assert_true(dd_stamp_written(&was, &now, false));
	assert_false(dd_stamp_written(&was, &now, true));
	now.word[1] = 7; /* another inode: a copy */
	assert_false(dd_stamp_written(&was, &now, false));
	now.word[3] = 8; /* mtime */
	assert_true(dd_stamp_written(&was, &now, false));
	now = was;
	now.word[2] = 9; /* size */
	assert_true(dd_stamp_written(&was, &now, true));
}

/* ---- withdrawing and reviving ---- */

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

/* ---- our own state ---- */

static void our_directories_are_like_the_root(void **state)
{
	struct volume volume;
	struct stat st;

	(void)state;
	open_volume(&volume);
	assert_int_equal(chmod(volume.root, 0770), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(volume.root, 1234, 1235), 0);
	assert_code(dd_store_check_state(volume.store, &volume.err), 0);
	assert_code(dd_store_make_state(volume.store, &volume.err), 0);
	assert_code(dd_store_make_state(volume.store, &volume.err), 0);
	assert_int_equal(stat(below(&volume, ".drydock/trash"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0770);
	assert_true(geteuid() != 0 || (st.st_uid == 1234 && st.st_gid == 1235));
	assert_code(dd_store_check_state(volume.store, &volume.err), 0);
	/* All the world may write to the root: not to what is ours. */
	assert_int_equal(chmod(volume.root, 0777), 0);
	remove_tree(&volume, ".drydock");
	assert_code(dd_store_make_state(volume.store, &volume.err), 0);
	assert_int_equal(stat(below(&volume, ".drydock/purge"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0775);
	assert_code(dd_store_check_state(volume.store, &volume.err), 0);
	close_volume(&volume);
}

static void state_that_others_may_write_to_is_refused(void **state)
{
	static const char *const paths[] = { ".drydock", ".drydock/trash", ".drydock/purge" };

	(void)state;
	for (size_t i = 0; i < DD_COUNT(paths); i++) {
		struct volume volume;

		open_volume(&volume);
		assert_code(dd_store_make_state(volume.store, &volume.err), 0);
		assert_int_equal(chmod(below(&volume, paths[i]), 0757), 0);
		assert_code(dd_store_check_state(volume.store, &volume.err), DD_EREFUSED);
		assert_int_equal(chmod(below(&volume, paths[i]), 0775), 0); /* the root is 0755 */
		assert_int_equal(dd_store_check_state(volume.store, &volume.err), DD_EREFUSED);
		assert_non_null(strstr(volume.err.text, paths[i]));
		assert_true(volume.err.hint[0]);
		assert_int_equal(chmod(below(&volume, paths[i]), 0755), 0);
		assert_code(dd_store_check_state(volume.store, &volume.err), 0);
		if (geteuid() == 0) {
			assert_int_equal(chown(below(&volume, paths[i]), 1234, 0), 0);
			assert_code(dd_store_check_state(volume.store, &volume.err), DD_EREFUSED);
			/* The volume's owner's is as good as root's. */
			assert_int_equal(chown(volume.root, 1234, 0), 0);
			assert_code(dd_store_check_state(volume.store, &volume.err), 0);
		}
		close_volume(&volume);
	}
}

static void state_that_is_no_directory_is_refused(void **state)
{
	static const char *const paths[] = { ".drydock", ".drydock/trash", ".drydock/purge" };

	(void)state;
	for (size_t i = 0; i < DD_COUNT(paths); i++) {
		struct volume volume;
		DD_AUTOFREE char *real = NULL;

		open_volume(&volume);
		assert_code(dd_store_make_state(volume.store, &volume.err), 0);
		real = strdup(below(&volume, "real"));
		assert_int_equal(rename(below(&volume, paths[i]), real), 0);
		assert_int_equal(symlink(real, below(&volume, paths[i])), 0);
		assert_code(dd_store_check_state(volume.store, &volume.err), DD_ESYMLINK);
		assert_code(dd_store_make_state(volume.store, &volume.err), DD_ESYMLINK);
		unlink(below(&volume, paths[i]));
		put(&volume, paths[i], "");
		assert_code(dd_store_check_state(volume.store, &volume.err), DD_EIRREGULAR);
		assert_code(dd_store_make_state(volume.store, &volume.err), DD_EIRREGULAR);
		close_volume(&volume);
	}
}

static void the_lock_is_one_s_and_says_whose(void **state)
{
	char holder[DD_HOLDER_TEXT];
	struct dd_store *other;
	struct volume volume;

	(void)state;
	open_volume(&volume);
	assert_code(dd_store_make_state(volume.store, &volume.err), 0);
	assert_code(dd_store_open(volume.ctx, &(struct dd_store_options){ .root = volume.root }, &other,
				  &volume.err), 0);
	assert_code(dd_store_lock(volume.ctx, volume.store, "the first\n", 0, holder, &volume.err), 0);
	assert_int_equal(dd_store_lock(volume.ctx, other, "the second", 0, holder, &volume.err),
			 DD_ELOCKED);
	assert_string_equal(holder, "the first");
	assert_non_null(strstr(volume.err.text, "the first"));
	dd_store_unlock(volume.store);
	assert_code(dd_store_lock(volume.ctx, other, "it", 0, holder, &volume.err), 0);
	assert_holds(&volume, ".drydock/lock", "it");
	dd_store_close(other);
	assert_code(dd_store_lock(volume.ctx, volume.store, "again", 0, holder, &volume.err), 0);
	close_volume(&volume);
}

static int64_t monotonic_in(int64_t ns)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * DD_SECOND + now.tv_nsec + ns;
}

static void the_lock_is_waited_for_and_ends_with_its_holder(void **state)
{
	char holder[DD_HOLDER_TEXT], ready;
	struct volume volume;
	int up[2], status;
	pid_t pid;

	(void)state;
	open_volume(&volume);
	assert_code(dd_store_make_state(volume.store, &volume.err), 0);
	assert_int_equal(pipe(up), 0);
	pid = fork();
	if (pid == 0) {
		struct dd_store *store;

		if (dd_store_open(volume.ctx, &(struct dd_store_options){ .root = volume.root }, &store,
				  NULL) < 0 ||
		    dd_store_lock(volume.ctx, store, "child", 0, holder, NULL) < 0 ||
		    write(up[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(1);
	}
	assert_int_equal(read(up[0], &ready, 1), 1);
	assert_code(dd_store_lock(volume.ctx, volume.store, "us", monotonic_in(100 * 1000 * 1000),
				  holder, &volume.err), DD_ELOCKED);
	assert_string_equal(holder, "child");
	kill(pid, SIGKILL);
	assert_code(dd_store_lock(volume.ctx, volume.store, "us", monotonic_in(60 * DD_SECOND), holder,
				  &volume.err), 0);
	waitpid(pid, &status, 0);
	close(up[0]);
	close(up[1]);
	close_volume(&volume);
}

static void a_lock_that_is_no_file_is_refused(void **state)
{
	char holder[DD_HOLDER_TEXT];
	struct volume volume;

	(void)state;
	open_volume(&volume);
	put(&volume, "precious", "text");
	assert_code(dd_store_make_state(volume.store, &volume.err), 0);
	assert_int_equal(symlink("../precious", below(&volume, ".drydock/lock")), 0);
	assert_code(dd_store_lock(volume.ctx, volume.store, "x", 0, holder, &volume.err), DD_ESYMLINK);
	assert_holds(&volume, "precious", "text");
	unlink(below(&volume, ".drydock/lock"));
	assert_int_equal(mkfifo(below(&volume, ".drydock/lock"), 0600), 0);
	assert_code(dd_store_lock(volume.ctx, volume.store, "x", 0, holder, &volume.err), DD_EIRREGULAR);
	close_volume(&volume);
}

static void what_cannot_be_added_whole_is_not_added(void **state)
{
	const struct dd_place records = { .kind = DD_AT_RECORDS };
	DD_CLEANUP(dd_appender_closep) struct dd_appender *appender = NULL;
	struct rlimit limit, small;
	struct volume volume;

	(void)state;
	open_volume(&volume);
	put(&volume, ".drydock/records", "whole\ntorn");
	assert_code(dd_store_open_appender(volume.store, &records, &appender, &volume.err), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = limit;
	small.rlim_cur = 16;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_not_equal(dd_appender_add(appender, "a long line\n", 12, &volume.err), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_holds(&volume, ".drydock/records", "whole\ntorn");
	assert_code(dd_appender_reserve(appender, 4096, &volume.err), 0);
	assert_code(dd_appender_add(appender, "line\n", 5, &volume.err), 0);
	assert_code(dd_appender_add(appender, "next\n", 5, &volume.err), 0);
	assert_code(dd_appender_sync(appender, &volume.err), 0);
	assert_holds(&volume, ".drydock/records", "whole\ntorn\nline\nnext\n");
	close_volume(&volume);
}

static void the_reserve_takes_up_space(void **state)
{
	const struct dd_place reserve = { .kind = DD_AT_RESERVE };
	struct volume volume;
	struct dd_info info;

	(void)state;
	open_volume(&volume);
	assert_code(dd_store_make_state(volume.store, &volume.err), 0);
	assert_code(dd_store_set_aside(volume.store, &reserve, 1 << 20, &volume.err), 0);
	assert_code(dd_store_stat(volume.store, &reserve, &info, &volume.err), 0);
	assert_true(info.allocated >= 1 << 20);
	assert_code(dd_store_set_aside(volume.store, &reserve, 2 << 20, &volume.err), 0);
	assert_code(dd_store_stat(volume.store, &reserve, &info, &volume.err), 0);
	assert_true(info.allocated >= 2 << 20);
	assert_code(dd_store_remove(volume.store, &reserve, &volume.err), 0);
	assert_code(dd_store_remove(volume.store, &reserve, &volume.err), DD_ENOENT);
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

/* ---- where the kernel has no openat2(2) ---- */

#define WITHOUT "DRYDOCK_TEST_WITHOUT_OPENAT2"

static bool forbid_openat2(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { DD_COUNT(code), code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 &&
	       syscall(SYS_openat2, AT_FDCWD, "/", NULL, 0) < 0 && errno == ENOSYS;
}

static void an_old_kernel_makes_no_difference(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (getenv(WITHOUT))
		return;
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		setenv(WITHOUT, "1", 1);
		execl("/proc/self/exe", "test_store", (char *)NULL);
		_exit(126);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 125)
		skip(); /* no filter can be set here */
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_link_is_followed_in_any_part_of_a_path),
		cmocka_unit_test(what_is_no_file_is_never_opened),
		cmocka_unit_test(a_read_ends_at_its_bound),
		cmocka_unit_test(a_large_directory_is_listed_whole),
		cmocka_unit_test(a_stamp_tells_writing_from_moving_and_copying),
		cmocka_unit_test(an_object_goes_and_comes_back_with_all_that_is_beside_it),
		cmocka_unit_test(neither_way_replaces_anything),
		cmocka_unit_test(what_changed_stays),
		cmocka_unit_test(a_directory_made_anew_is_seen),
		cmocka_unit_test(directories_are_made_anew_like_their_surroundings),
		cmocka_unit_test(each_missing_file_is_put_beside_what_has_grown),
		cmocka_unit_test(touching_sets_the_time_to_now),
		cmocka_unit_test(our_directories_are_like_the_root),
		cmocka_unit_test(state_that_others_may_write_to_is_refused),
		cmocka_unit_test(state_that_is_no_directory_is_refused),
		cmocka_unit_test(the_lock_is_one_s_and_says_whose),
		cmocka_unit_test(the_lock_is_waited_for_and_ends_with_its_holder),
		cmocka_unit_test(a_lock_that_is_no_file_is_refused),
		cmocka_unit_test(what_cannot_be_added_whole_is_not_added),
		cmocka_unit_test(the_reserve_takes_up_space),
		cmocka_unit_test(a_purge_removes_everything_and_follows_nothing),
		cmocka_unit_test(a_condemned_run_that_is_a_link_is_not_followed),
		cmocka_unit_test(a_purge_can_be_interrupted_and_gone_on_with),
		cmocka_unit_test(a_run_is_listed_by_the_paths_that_were),
		cmocka_unit_test(an_old_kernel_makes_no_difference),
	};

	if (getenv(WITHOUT) && !forbid_openat2())
		return 125;

	return cmocka_run_group_tests(tests, NULL, NULL);
}
