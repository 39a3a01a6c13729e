/*
 * What takes the place of a file that has grown: whole or not at all, and nobody adds to the old one.
 */
#include <dirent.h>
#include <pthread.h>
#include <time.h>

#include "base/cleanup.h"
#include "volume.h"

#define RECORDS ".drydock/records"
#define NEW RECORDS ".new"

static const struct dd_place records = { .kind = DD_AT_RECORDS };

static void open_with_records(struct volume *volume, const char *text)
{
	open_volume(volume);
	assert_int_equal(dd_store_make_state(volume->store, &volume->err), 0);
	put(volume, RECORDS, text);
}

static void it_takes_the_place_with_owner_and_mode(void **state)
{
	DD_CLEANUP(dd_appender_closep) struct dd_appender *successor = NULL;
	struct volume volume;
	struct stat before, after;

	(void)state;
	open_with_records(&volume, "old\n");
	assert_int_equal(chmod(below(&volume, RECORDS), 0640), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(below(&volume, RECORDS), 1234, 1235), 0);
	assert_int_equal(stat(below(&volume, RECORDS), &before), 0);
	assert_code(dd_store_open_successor(volume.store, &records, &successor, &volume.err), 0);
	assert_code(dd_appender_add(successor, "new\n", 4, &volume.err), 0);
	assert_holds(&volume, RECORDS, "old\n");
	assert_code(dd_appender_succeed(successor, &volume.err), 0);
	dd_appender_closep(&successor);
	assert_holds(&volume, RECORDS, "new\n");
	assert_false(exists(&volume, NEW));
	assert_int_equal(stat(below(&volume, RECORDS), &after), 0);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(after.st_uid, before.st_uid);
	assert_int_equal(after.st_gid, before.st_gid);
	close_volume(&volume);
}

static void given_up_it_leaves_nothing(void **state)
{
	DD_CLEANUP(dd_appender_closep) struct dd_appender *successor = NULL;
	struct volume volume;

	(void)state;
	open_with_records(&volume, "old\n");
	assert_code(dd_store_open_successor(volume.store, &records, &successor, &volume.err), 0);
	assert_true(exists(&volume, NEW));
	dd_appender_closep(&successor);
	assert_false(exists(&volume, NEW));
	assert_holds(&volume, RECORDS, "old\n");
	unlink(below(&volume, RECORDS));
	assert_code(dd_store_open_successor(volume.store, &records, &successor, &volume.err),
		    DD_ENOENT);
	assert_false(exists(&volume, NEW));
	close_volume(&volume);
}

static void what_a_dead_one_left_or_a_link_is_in_nobody_s_way(void **state)
{
	DD_CLEANUP(dd_appender_closep) struct dd_appender *successor = NULL;
	struct volume volume;

	(void)state;
	open_with_records(&volume, "old\n");
	put(&volume, NEW, "half a li");
	assert_code(dd_store_open_successor(volume.store, &records, &successor, &volume.err), 0);
	assert_holds(&volume, NEW, "");
	dd_appender_closep(&successor);
	put(&volume, "precious", "text");
	assert_int_equal(symlink("../precious", below(&volume, NEW)), 0);
	assert_code(dd_store_open_successor(volume.store, &records, &successor, &volume.err), 0);
	assert_code(dd_appender_add(successor, "new\n", 4, &volume.err), 0);
	assert_code(dd_appender_succeed(successor, &volume.err), 0);
	dd_appender_closep(&successor);
	assert_holds(&volume, "precious", "text");
	assert_holds(&volume, RECORDS, "new\n");
	unlink(below(&volume, RECORDS));
	assert_int_equal(symlink("../precious", below(&volume, RECORDS)), 0);
	assert_code(dd_store_open_successor(volume.store, &records, &successor, &volume.err),
		    DD_ESYMLINK);
	assert_holds(&volume, "precious", "text");
	close_volume(&volume);
}

static void who_adds_is_left_alone(void **state)
{
	DD_CLEANUP(dd_appender_closep) struct dd_appender *appender = NULL, *successor = NULL;
	struct volume volume;

	(void)state;
	open_with_records(&volume, "old\n");
	assert_code(dd_store_open_appender(volume.store, &records, &appender, &volume.err), 0);
	assert_code(dd_store_open_successor(volume.store, &records, &successor, &volume.err),
		    DD_ELOCKED);
	assert_null(successor);
	assert_false(exists(&volume, NEW));
	dd_appender_closep(&appender);
	assert_code(dd_store_open_successor(volume.store, &records, &successor, &volume.err), 0);
	dd_appender_closep(&successor);
	close_volume(&volume);
}

/* How often this process has the file open, by whatever name it has now. */
static int count_open(const struct volume *volume, const char *path)
{
	struct stat wanted, st;
	struct dirent *entry;
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(dir);
	assert_int_equal(stat(below(volume, path), &wanted), 0);
	while ((entry = readdir(dir)))
		count += fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 &&
			 st.st_dev == wanted.st_dev && st.st_ino == wanted.st_ino;
	closedir(dir);
	return count;
}

static void *add_late(void *arg)
{
	DD_CLEANUP(dd_appender_closep) struct dd_appender *appender = NULL;
	struct volume *volume = arg;
	struct dd_store *store = NULL;
	int rc = dd_store_open(volume->ctx, &(struct dd_store_options){ .root = volume->root },
			       &store, NULL);

	if (rc == 0)
		rc = dd_store_open_appender(store, &records, &appender, NULL);
	if (rc == 0)
		rc = dd_appender_add(appender, "late\n", 5, NULL);
	if (rc == 0)
		rc = dd_appender_sync(appender, NULL);
	dd_appender_closep(&appender);
	dd_store_close(store);
	return rc == 0 ? volume : NULL;
}

static void what_is_added_meanwhile_is_added_to_the_successor(void **state)
{
	static const struct timespec moment = { 0, 1000 * 1000 };
	DD_CLEANUP(dd_appender_closep) struct dd_appender *successor = NULL;
	struct volume volume;
	pthread_t thread;
	void *added;

	(void)state;
	open_with_records(&volume, "old\n");
	assert_code(dd_store_open_successor(volume.store, &records, &successor, &volume.err), 0);
	assert_code(dd_appender_add(successor, "new\n", 4, &volume.err), 0);
	assert_int_equal(count_open(&volume, RECORDS), 1);
	assert_int_equal(pthread_create(&thread, NULL, add_late, &volume), 0);
	/* It has the old file, and waits. */
	while (count_open(&volume, RECORDS) < 2)
		nanosleep(&moment, NULL);
	assert_code(dd_appender_succeed(successor, &volume.err), 0);
	dd_appender_closep(&successor);
	assert_int_equal(pthread_join(thread, &added), 0);
	assert_ptr_equal(added, &volume);
	assert_holds(&volume, RECORDS, "new\nlate\n");
	close_volume(&volume);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_takes_the_place_with_owner_and_mode),
		cmocka_unit_test(given_up_it_leaves_nothing),
		cmocka_unit_test(what_a_dead_one_left_or_a_link_is_in_nobody_s_way),
		cmocka_unit_test(who_adds_is_left_alone),
		cmocka_unit_test(what_is_added_meanwhile_is_added_to_the_successor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
