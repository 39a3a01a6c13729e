/*
 * The log of runs beside the index.
 */
#include "index.h"

#include <drydock/record.h>

static void add_run(struct dd_index *index, int64_t began, uint64_t never, uint64_t unseen)
{
	const struct dd_verify_run run = { .began_ns = began,
				    .ended_ns = began + 5,
				    .read_blobs = 2,
				    .read_bytes = UINT64_MAX,
				    .never_blobs = never,
				    .unseen = unseen,
				    .oldest_ns = began - 7 };

	assert_int_equal(dd_runs_add(index, &run, NULL), 0);
}

static void put_text(const char *path, const char *text, int flags)
{
	int fd = open(path, O_WRONLY | O_CREAT | flags, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void the_last_run_that_left_nothing_unread_is_found(void **state)
{
	struct cached cached;
	struct dd_index *index;
	struct dd_verify_run run;

	(void)state;
	open_cached(&cached);
	index = open_quietly(&cached);
	assert_int_equal(dd_runs_find_whole(index, &run, NULL), 0);
	add_run(index, 100, 0, 0);
	add_run(index, 200, 0, 0);
	add_run(index, 300, 1, 0);
	add_run(index, 400, 0, 1);
	assert_int_equal(dd_runs_find_whole(index, &run, NULL), 1);
	assert_int_equal(run.began_ns, 200);
	assert_int_equal(run.oldest_ns, 193);
	assert_true(run.read_bytes == UINT64_MAX);
	assert_int_equal(dd_runs_find_last(index, &run, NULL), 1);
	assert_int_equal(run.began_ns, 400);
	dd_index_close(index);
	close_cached(&cached);
}

static void the_log_outlives_the_index(void **state)
{
	struct cached cached;
	struct dd_index *index;
	struct dd_verify_run run;

	(void)state;
	open_cached(&cached);
	index = open_quietly(&cached);
	put_range(index, 0, 100);
	add_run(index, 100, 0, 0);
	dd_index_close(index);
	put_text(in_index(&cached, DD_INDEX_FILE), "damaged", O_TRUNC);
	index = open_index(&cached);
	assert_int_equal(cached.warnings, 1);
	assert_int_equal(dd_index_count_verified(index), 0);
	assert_int_equal(dd_runs_find_whole(index, &run, NULL), 1);
	assert_int_equal(run.began_ns, 100);
	dd_index_close(index);
	close_cached(&cached);
}

static void lines_that_are_torn_damaged_or_unknown_are_passed_over(void **state)
{
	struct cached cached;
	struct dd_index *index;
	struct dd_verify_run run;

	(void)state;
	open_cached(&cached);
	index = open_quietly(&cached);
	add_run(index, 100, 0, 0);
	put_text(in_index(&cached, "runs"), "0123456789abcdef verified 1 2 3\n\n\0garbage", O_APPEND);
	add_run(index, 200, 0, 0);
	put_text(in_index(&cached, "runs"), "torn", O_APPEND);
	assert_int_equal(dd_runs_find_whole(index, &run, NULL), 1);
	assert_int_equal(run.began_ns, 200);
	add_run(index, 300, 0, 0);
	assert_int_equal(dd_runs_find_whole(index, &run, NULL), 1);
	assert_int_equal(run.began_ns, 300);
	dd_index_close(index);
	close_cached(&cached);
}

static void of_a_long_log_the_end_is_read(void **state)
{
	struct cached cached;
	struct dd_index *index;
	struct dd_verify_run run;

	(void)state;
	open_cached(&cached);
	index = open_quietly(&cached);
	for (int64_t i = 1; i <= 1200; i++)
		add_run(index, i * 1000, 0, 0);
	assert_int_equal(dd_runs_find_whole(index, &run, NULL), 1);
	assert_int_equal(run.began_ns, 1200000);
	dd_index_close(index);
	close_cached(&cached);
}

static void without_an_index_there_is_no_log(void **state)
{
	struct dd_verify_run run;

	(void)state;
	add_run(NULL, 100, 0, 0);
	assert_int_equal(dd_runs_find_whole(NULL, &run, NULL), 0);
}

static void the_log_is_read_without_the_index_and_nothing_is_made_for_it(void **state)
{
	struct cached cached;
	struct dd_index *index;
	struct dd_verify_run run;

	(void)state;
	open_cached(&cached);
	cached.options.read_only = cached.options.log_only = true;
	assert_null(open_index(&cached));
	cached.options.read_only = cached.options.log_only = false;
	index = open_quietly(&cached);
	put_range(index, 0, 100);
	add_run(index, 100, 1, 0);
	dd_index_close(index);
	put_text(in_index(&cached, DD_INDEX_FILE), "damaged", O_TRUNC);
	cached.options.read_only = cached.options.log_only = true;
	index = open_quietly(&cached);
	assert_false(dd_index_is_writable(index));
	assert_int_equal(dd_index_count_verified(index), 0);
	assert_int_equal(dd_runs_find_last(index, &run, NULL), 1);
	assert_int_equal(run.began_ns, 100);
	dd_index_close(index);
	close_cached(&cached);
}

static void a_link_in_its_place_is_not_followed(void **state)
{
	struct cached cached;
	struct dd_index *index;
	struct dd_verify_run run;
	struct dd_error err = { 0 };

	(void)state;
	open_cached(&cached);
	index = open_quietly(&cached);
	assert_int_equal(symlink("elsewhere", in_index(&cached, "runs")), 0);
	assert_int_equal(dd_runs_add(index, &(struct dd_verify_run){ 0 }, &err), DD_ESYMLINK);
	assert_int_equal(dd_runs_find_whole(index, &run, NULL), DD_ESYMLINK);
	dd_index_close(index);
	close_cached(&cached);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_run_that_left_nothing_unread_is_found),
		cmocka_unit_test(the_log_outlives_the_index),
		cmocka_unit_test(lines_that_are_torn_damaged_or_unknown_are_passed_over),
		cmocka_unit_test(of_a_long_log_the_end_is_read),
		cmocka_unit_test(the_log_is_read_without_the_index_and_nothing_is_made_for_it),
		cmocka_unit_test(without_an_index_there_is_no_log),
		cmocka_unit_test(a_link_in_its_place_is_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
