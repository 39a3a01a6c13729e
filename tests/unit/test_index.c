/*
 * The index: what it remembers, who may write, and what a killed writer leaves.
 */
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>

#include <drydock/units.h>

#include "index.h"
#include "index/sum.h"

/* ---- remembering ---- */

static void what_is_put_is_there_when_opened_again(void **state)
{
	struct cached cached;
	struct dd_index *index;

	(void)state;
	open_cached(&cached);
	index = open_quietly(&cached);
	assert_true(dd_index_is_writable(index));
	assert_int_equal(dd_index_count_verified(index), 0);
	put_range(index, 0, 1000);
	put_range(index, 500, 2000);
	assert_int_equal(found_of(index, 0, 2000), 0);
	dd_index_close(index);
	index = open_quietly(&cached);
	assert_int_equal(found_of(index, 0, 2000), 2000);
	assert_int_equal(found_of(index, 2000, 3000), 0);
	assert_int_equal(dd_index_count_verified(index), 2000);
	dd_index_close(index);
	close_cached(&cached);
}

static void of_two_for_one_digest_the_later_counts(void **state)
{
	struct dd_verified_blob blobs[2] = { blob_of(1), blob_of(1) };
	struct dd_verified got;
	struct cached cached;
	struct dd_index *index;

	(void)state;
	open_cached(&cached);
	blobs[1].verified.stamp.word[2]++;
	blobs[1].verified.verdict = DD_VERDICT_CORRUPT;
	index = open_quietly(&cached);
	assert_int_equal(dd_index_put_verified(index, blobs, 2, NULL), 0);
	dd_index_close(index);
	index = open_quietly(&cached);
	assert_false(dd_index_get_verified(index, &blobs[0].digest, &blobs[0].verified.stamp, &got));
	assert_true(dd_index_get_verified(index, &blobs[1].digest, &blobs[1].verified.stamp, &got));
	assert_int_equal(got.verdict, DD_VERDICT_CORRUPT);
	dd_index_close(index);
	close_cached(&cached);
}

static void another_stamp_is_no_record(void **state)
{
	struct dd_verified_blob blob = blob_of(3);
	struct dd_verified got;
	struct cached cached;
	struct dd_index *index;

	(void)state;
	open_cached(&cached);
	make_index(&cached, 10);
	index = open_quietly(&cached);
	for (size_t i = 0; i < 5; i++) {
		struct dd_stamp now = blob.verified.stamp;

		now.word[i]++;
		assert_false(dd_index_get_verified(index, &blob.digest, &now, &got));
	}
	assert_true(dd_index_get_verified(index, &blob.digest, &blob.verified.stamp, &got));
	dd_index_close(index);
	close_cached(&cached);
}

static int count_until(void *arg, const struct dd_verified_blob *blob, struct dd_error *err)
{
	uint64_t *left = arg;

	(void)blob, (void)err;
	return --*left == 0 ? 42 : 0;
}

static int add_up(void *arg, const struct dd_verified_blob *blob, struct dd_error *err)
{
	struct dd_verified_blob is;

	(void)err;
	is = blob_of(blob->verified.size / 3);
	assert_true(dd_digest_equal(&is.digest, &blob->digest));
	assert_true(dd_stamp_equal(&is.verified.stamp, &blob->verified.stamp));
	*(uint64_t *)arg += blob->verified.size / 3;
	return 0;
}

static void a_visit_sees_all_and_can_be_stopped(void **state)
{
	uint64_t sum = 0, left = 7;
	struct cached cached;
	struct dd_index *index;

	(void)state;
	open_cached(&cached);
	make_index(&cached, 1000);
	index = open_quietly(&cached);
	assert_int_equal(dd_index_visit_verified(index, add_up, &sum, NULL), 0);
	assert_int_equal(sum, 999 * 1000 / 2);
	assert_int_equal(dd_index_visit_verified(index, count_until, &left, NULL), 42);
	dd_context_cancel(cached.volume.ctx);
	assert_int_equal(dd_index_visit_verified(index, add_up, &sum, NULL), DD_ECANCELLED);
	dd_index_close(index);
	close_cached(&cached);
}

static void what_is_forgotten_is_gone_and_takes_no_space(void **state)
{
	struct dd_digest *digests = calloc(20000, sizeof(*digests));
	struct stat before, after;
	struct cached cached;
	struct dd_index *index;

	(void)state;
	open_cached(&cached);
	make_index(&cached, 20000);
	assert_int_equal(stat(in_index(&cached, DD_INDEX_FILE), &before), 0);
	for (uint64_t i = 0; i < 20000; i++)
		digests[i] = blob_of(i).digest;
	index = open_quietly(&cached);
	assert_int_equal(dd_index_forget(index, digests, 19000, NULL), 0);
	assert_int_equal(dd_index_forget(index, digests, 10, NULL), 0);
	dd_index_close(index);
	index = open_quietly(&cached);
	assert_int_equal(found_of(index, 0, 20000), 1000);
	assert_int_equal(stat(in_index(&cached, DD_INDEX_FILE), &after), 0);
	assert_true(after.st_size < before.st_size / 4);
	assert_int_equal(dd_index_forget(index, digests, 20000, NULL), 0);
	dd_index_close(index);
	index = open_quietly(&cached);
	assert_int_equal(dd_index_count_verified(index), 0);
	put_range(index, 0, 10);
	dd_index_close(index);
	index = open_quietly(&cached);
	assert_int_equal(found_of(index, 0, 20000), 10);
	dd_index_close(index);
	free(digests);
	close_cached(&cached);
}

static void without_an_index_everything_is_empty(void **state)
{
	struct dd_verified_blob blob = blob_of(1);
	struct dd_verified got;
	struct dd_index *index = NULL;
	uint64_t sum = 0;

	(void)state;
	assert_false(dd_index_get_verified(NULL, &blob.digest, &blob.verified.stamp, &got));
	assert_int_equal(dd_index_put_verified(NULL, &blob, 1, NULL), 0);
	assert_int_equal(dd_index_forget(NULL, &blob.digest, 1, NULL), 0);
	assert_int_equal(dd_index_visit_verified(NULL, add_up, &sum, NULL), 0);
	assert_int_equal(dd_index_count_verified(NULL), 0);
	assert_null(dd_index_get_directory(NULL));
	assert_false(dd_index_is_writable(NULL));
	dd_index_close(NULL);
	dd_index_closep(&index);
}

static void fresh_files_are_not_remembered(void **state)
{
	const int64_t now = INT64_C(1800000000) * DD_SECOND;
	struct dd_info info = { .mtime_ns = now - 2 * DD_SECOND, .changed_ns = now - 2 * DD_SECOND };

	(void)state;
	assert_true(dd_index_may_remember(&info, now));
	info.changed_ns++;
	assert_false(dd_index_may_remember(&info, now));
	info.changed_ns = now - 2 * DD_SECOND;
	info.mtime_ns++;
	assert_false(dd_index_may_remember(&info, now));
	info.mtime_ns = INT64_MAX;
	assert_false(dd_index_may_remember(&info, now));
	info.mtime_ns = INT64_MIN;
	assert_true(dd_index_may_remember(&info, now));
	assert_false(dd_index_may_remember(&info, INT64_MIN));
}

static void a_file_just_written_is_fresh(void **state)
{
	DD_AUTOFREE char *memory = NULL;
	struct volume volume;
	struct dd_place place;
	struct dd_info info;

	(void)state;
	open_volume(&volume);
	put(&volume, BLOB_A, "bytes");
	place = place_of(BLOB_A, &memory);
	assert_code(dd_store_stat(volume.store, &place, &info, &volume.err), 0);
	assert_false(dd_index_may_remember(&info, dd_time_now()));
	assert_true(dd_index_may_remember(&info, dd_time_now() + 3 * DD_SECOND));
	close_volume(&volume);
}

static void sums_are_those_of_xxh64(void **state)
{
	char bytes[101];
	struct dd_sum sum;

	(void)state;
	assert_true(dd_sum_of("", 0) == UINT64_C(0xef46db3751d8e999));
	assert_true(dd_sum_of("a", 1) == UINT64_C(0xd24ec4f1a98c6e5b));
	assert_true(dd_sum_of("abc", 3) == UINT64_C(0x44bc2cf5ad770999));
	assert_true(dd_sum_of("Nobody inspects the spammish repetition", 39) ==
		    UINT64_C(0xfbcea83c8a378bf1));
	memset(bytes, 'x', sizeof(bytes));
	dd_sum_init(&sum);
	dd_sum_add(&sum, bytes, 32);
	dd_sum_add(&sum, bytes + 32, 32);
	assert_true(dd_sum_end(&sum, bytes + 64, 37) == dd_sum_of(bytes, 101));
}

/* ---- growing ---- */

static void the_map_grows_from_tiny(void **state)
{
	struct cached cached;
	struct dd_index *index;

	(void)state;
	open_cached(&cached);
	index = open_quietly(&cached);
	index->map = 64 << 10;
	put_range(index, 0, 10);
	put_range(index, 10, 50000);
	assert_true(index->map > 4 << 20);
	dd_index_close(index);
	assert_int_equal(cached.warnings, 0);
	index = open_quietly(&cached);
	assert_int_equal(found_of(index, 0, 50000), 50000);
	dd_index_close(index);
	close_cached(&cached);
}

static void at_its_bound_it_stops_with_one_word(void **state)
{
	struct cached cached;
	struct dd_index *index;

	(void)state;
	open_cached(&cached);
	make_index(&cached, 100);
	index = open_quietly(&cached);
	index->map_max = 1 << 20;
	put_range(index, 100, 50000);
	assert_int_equal(cached.warnings, 1);
	assert_non_null(strstr(cached.said, "larger than 1.0 MiB"));
	assert_false(dd_index_is_writable(index));
	put_range(index, 100, 50000);
	assert_int_equal(cached.warnings, 1);
	assert_int_equal(found_of(index, 0, 100), 100);
	dd_index_close(index);
	index = open_quietly(&cached);
	assert_int_equal(dd_index_count_verified(index), 100);
	dd_index_close(index);
	close_cached(&cached);
}

/* ---- several at once ---- */

static void in_another_write_and_publish(struct cached *cached)
{
	struct dd_index *index = open_quietly(cached);

	for (uint64_t i = 0; i < 20; i++) {
		index->publish_every_ns = 0;
		put_range(index, i * 500, 20000);
	}
	dd_index_close(index);
}

static void who_reads_goes_on_while_another_writes(void **state)
{
	struct cached cached;
	struct dd_index *index;
	pid_t pid;
	int status;

	(void)state;
	open_cached(&cached);
	make_index(&cached, 5000);
	cached.options.read_only = true;
	index = open_quietly(&cached);
	cached.options.read_only = false;
	pid = fork();
	if (pid == 0) {
		in_another_write_and_publish(&cached);
		_exit(0);
	}
	do {
		assert_int_equal(found_of(index, 0, 5000), 5000);
		assert_int_equal(found_of(index, 5000, 6000), 0);
	} while (waitpid(pid, &status, WNOHANG) == 0);
	assert_int_equal(status, 0);
	assert_int_equal(found_of(index, 0, 5000), 5000);
	dd_index_close(index);
	index = open_quietly(&cached);
	assert_int_equal(found_of(index, 0, 20000), 20000);
	dd_index_close(index);
	close_cached(&cached);
}

static void in_another_only_read(struct cached *cached)
{
	struct dd_index *index = open_index(cached);

	if (!index || dd_index_is_writable(index) || cached->warnings || cached->notes != 1 ||
	    found_of(index, 0, 100) != 100)
		_exit(1);
	put_range(index, 100, 200);
	dd_index_close(index);
}

static void who_comes_second_only_reads_and_is_told(void **state)
{
	struct cached cached;
	struct dd_index *index;

	(void)state;
	open_cached(&cached);
	make_index(&cached, 100);
	index = open_quietly(&cached);
	in_child(in_another_only_read, &cached);
	put_range(index, 100, 300);
	in_child(in_another_only_read, &cached);
	dd_index_close(index);
	index = open_quietly(&cached);
	assert_int_equal(dd_index_count_verified(index), 300);
	dd_index_close(index);
	close_cached(&cached);
}

/* With the first process id of a namespace of its own, as in a container. */
static pid_t fork_as_first(void)
{
	pid_t pid = fork();

	/* None outlives a test that fails. */
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (pid == 0 && unshare(CLONE_NEWPID) == 0) {
		int status;

		pid = fork();
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			return 0;
		}
		waitpid(pid, &status, 0);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 9);
	}
	if (pid == 0)
		_exit(NOT_HERE);
	return pid;
}

static void containers_with_the_same_process_ids_do_not_meet(void **state)
{
	struct cached cached;
	int status, first[2], second[2];
	pid_t pid;
	char byte = 0;

	(void)state;
	open_cached(&cached);
	make_index(&cached, 100);
	assert_int_equal(pipe2(first, O_CLOEXEC) | pipe2(second, O_CLOEXEC), 0);
	pid = fork_as_first();
	if (pid == 0) {
		struct dd_index *index = open_quietly(&cached);

		put_range(index, 100, 200);
		assert_int_equal(write(first[1], &byte, 1), 1);
		assert_int_equal(read(second[0], &byte, 1), 1);
		dd_index_close(index);
		_exit(getpid() == 1 ? 0 : 2);
	}
	close(first[1]);
	if (read(first[0], &byte, 1) == 1) {
		pid_t other = fork_as_first();

		if (other == 0) {
			in_another_only_read(&cached);
			_exit(getpid() == 1 ? 0 : 2);
		}
		assert_int_equal(waitpid(other, &status, 0), other);
		assert_int_equal(status, 0);
	}
	assert_int_equal(write(second[1], &byte, 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(first[0]);
	close(second[0]);
	close(second[1]);
	close_cached(&cached);
	if (WEXITSTATUS(status) == NOT_HERE)
		skip();
	assert_int_equal(status, 0);
}

struct look {
	struct dd_index *index;
	uint64_t found;
};

static void *look_up(void *arg)
{
	struct look *look = arg;

	for (int i = 0; i < 5; i++)
		look->found += found_of(look->index, 0, 3000);
	return NULL;
}

static void many_threads_look_up_beside_one_that_writes(void **state)
{
	struct look looks[12];
	pthread_t threads[12];
	struct cached cached;
	struct dd_index *index;
	uint64_t sum = 0;

	(void)state;
	open_cached(&cached);
	make_index(&cached, 2000);
	index = open_quietly(&cached);
	for (size_t i = 0; i < DD_COUNT(threads); i++) {
		looks[i] = (struct look){ index, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, look_up, &looks[i]), 0);
	}
	for (uint64_t i = 2; i < 12; i++) {
		index->publish_every_ns = 0;
		put_range(index, i * 1000, i * 1000 + 1000);
	}
	assert_int_equal(dd_index_visit_verified(index, add_up, &sum, NULL), 0);
	assert_int_equal(sum, 1999 * 2000 / 2);
	for (size_t i = 0; i < DD_COUNT(threads); i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(looks[i].found, 5 * 2000);
	}
	dd_index_close(index);
	index = open_quietly(&cached);
	assert_int_equal(found_of(index, 0, 13000), 12000);
	dd_index_close(index);
	close_cached(&cached);
}

/* ---- crashes ---- */

static void a_killed_writer_costs_what_was_not_published(void **state)
{
	struct cached cached;
	struct dd_index *index;

	(void)state;
	open_cached(&cached);
	make_index(&cached, 1000);
	for (unsigned ms = 0; ms < 120; ms += 4) {
		pid_t pid = fork();
		uint64_t found;

		if (pid == 0) {
			index = open_quietly(&cached);
			for (uint64_t i = 0;; i++) {
				index->publish_every_ns = i % 3 ? INT64_MAX : 0;
				put_range(index, 1000, 3000);
			}
		}
		usleep(ms * 1000);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		index = open_quietly(&cached);
		assert_true(dd_index_is_writable(index));
		assert_int_equal(found_of(index, 0, 1000), 1000);
		found = found_of(index, 1000, 3000);
		assert_true(found == 0 || found == 2000);
		put_range(index, 0, 1000);
		dd_index_close(index);
		assert_int_equal(cached.warnings, 0);
		assert_int_equal(access(in_index(&cached, DD_INDEX_NEW), F_OK), -1);
		assert_int_equal(access(in_index(&cached, DD_INDEX_WORK), F_OK), -1);
	}
	close_cached(&cached);
}

static void opening_can_be_interrupted_and_closing_keeps_what_was_put(void **state)
{
	struct dd_error err = { 0 };
	struct cached cached;
	struct dd_index *index, *none;

	(void)state;
	open_cached(&cached);
	make_index(&cached, 1000);
	index = open_quietly(&cached);
	put_range(index, 1000, 2000);
	dd_context_cancel(cached.volume.ctx);
	assert_int_equal(dd_index_open(cached.volume.ctx, cached.volume.store, &cached.options,
				       &none, &err),
			 DD_ECANCELLED);
	assert_null(none);
	dd_index_close(index);
	dd_context_closep(&cached.volume.ctx);
	assert_int_equal(dd_context_open(&cached.volume.ctx, &err), 0);
	index = open_quietly(&cached);
	assert_int_equal(found_of(index, 0, 2000), 2000);
	dd_index_close(index);
	close_cached(&cached);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_is_there_when_opened_again),
		cmocka_unit_test(of_two_for_one_digest_the_later_counts),
		cmocka_unit_test(another_stamp_is_no_record),
		cmocka_unit_test(a_visit_sees_all_and_can_be_stopped),
		cmocka_unit_test(what_is_forgotten_is_gone_and_takes_no_space),
		cmocka_unit_test(without_an_index_everything_is_empty),
		cmocka_unit_test(fresh_files_are_not_remembered),
		cmocka_unit_test(a_file_just_written_is_fresh),
		cmocka_unit_test(sums_are_those_of_xxh64),
		cmocka_unit_test(the_map_grows_from_tiny),
		cmocka_unit_test(at_its_bound_it_stops_with_one_word),
		cmocka_unit_test(who_reads_goes_on_while_another_writes),
		cmocka_unit_test(who_comes_second_only_reads_and_is_told),
		cmocka_unit_test(containers_with_the_same_process_ids_do_not_meet),
		cmocka_unit_test(many_threads_look_up_beside_one_that_writes),
		cmocka_unit_test(a_killed_writer_costs_what_was_not_published),
		cmocka_unit_test(opening_can_be_interrupted_and_closing_keeps_what_was_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
