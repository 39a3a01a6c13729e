/*
 * The store on a file system, our own files: directories, the lock, what grows, the reserve.
 */
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <time.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "volume.h"
#include "old_kernel.h"

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

static void a_look_at_the_lock_says_whose_it_is_and_takes_nothing(void **state)
{
	struct volume volume;
	struct dd_store *other;
	char holder[DD_HOLDER_TEXT];
	bool held = true;

	(void)state;
	open_volume(&volume);
	assert_code(dd_store_open(volume.ctx, &(struct dd_store_options){ .root = volume.root }, &other,
				  &volume.err), 0);
	assert_code(dd_store_look_at_lock(other, &held, holder, &volume.err), 0);
	assert_false(held);
	assert_false(exists(&volume, ".drydock"));
	assert_code(dd_store_make_state(volume.store, &volume.err), 0);
	assert_code(dd_store_lock(volume.ctx, volume.store, "the first\n", 0, holder, &volume.err), 0);
	assert_code(dd_store_look_at_lock(other, &held, holder, &volume.err), 0);
	assert_true(held);
	assert_string_equal(holder, "the first");
	dd_store_unlock(volume.store);
	for (int i = 0; i < 3; i++) {
		assert_code(dd_store_look_at_lock(other, &held, holder, &volume.err), 0);
		assert_false(held);
		assert_string_equal(holder, "");
	}
	assert_code(dd_store_lock(volume.ctx, volume.store, "again", 0, holder, &volume.err), 0);
	dd_store_close(other);
	close_volume(&volume);
}

static void who_was_stopped_in_a_look_at_the_lock_holds_nobody_up_for_ever(void **state)
{
	struct volume volume;
	char holder[DD_HOLDER_TEXT];
	int fd;

	(void)state;
	open_volume(&volume);
	assert_code(dd_store_make_state(volume.store, &volume.err), 0);
	put_bytes(&volume, ".drydock/lock", "", 0);
	fd = open(below(&volume, ".drydock/lock"), O_RDONLY);
	assert_int_equal(flock(fd, LOCK_SH), 0);
	assert_int_equal(dd_store_lock(volume.ctx, volume.store, "x", 0, holder, &volume.err),
			 DD_ELOCKED);
	close(fd);
	close_volume(&volume);
}

static void a_lock_that_is_no_file_is_refused(void **state)
{
	char holder[DD_HOLDER_TEXT];
	struct volume volume;
	bool held;

	(void)state;
	open_volume(&volume);
	put(&volume, "precious", "text");
	assert_code(dd_store_make_state(volume.store, &volume.err), 0);
	assert_int_equal(symlink("../precious", below(&volume, ".drydock/lock")), 0);
	assert_code(dd_store_lock(volume.ctx, volume.store, "x", 0, holder, &volume.err), DD_ESYMLINK);
	assert_code(dd_store_look_at_lock(volume.store, &held, holder, &volume.err), DD_ESYMLINK);
	assert_holds(&volume, "precious", "text");
	unlink(below(&volume, ".drydock/lock"));
	assert_int_equal(mkfifo(below(&volume, ".drydock/lock"), 0600), 0);
	assert_code(dd_store_lock(volume.ctx, volume.store, "x", 0, holder, &volume.err), DD_EIRREGULAR);
	assert_code(dd_store_look_at_lock(volume.store, &held, holder, &volume.err), DD_EIRREGULAR);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_directories_are_like_the_root),
		cmocka_unit_test(state_that_others_may_write_to_is_refused),
		cmocka_unit_test(state_that_is_no_directory_is_refused),
		cmocka_unit_test(the_lock_is_one_s_and_says_whose),
		cmocka_unit_test(a_look_at_the_lock_says_whose_it_is_and_takes_nothing),
		cmocka_unit_test(who_was_stopped_in_a_look_at_the_lock_holds_nobody_up_for_ever),
		cmocka_unit_test(the_lock_is_waited_for_and_ends_with_its_holder),
		cmocka_unit_test(a_lock_that_is_no_file_is_refused),
		cmocka_unit_test(what_cannot_be_added_whole_is_not_added),
		cmocka_unit_test(the_reserve_takes_up_space),
		cmocka_unit_test(an_old_kernel_makes_no_difference),
	};

	return is_kernel_ready() ? cmocka_run_group_tests(tests, NULL, NULL) : 125;
}
