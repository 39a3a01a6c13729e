/*
 * What was written: told apart from what others write, in bounded memory.
 */
#include "unit.h"

#include "registry/written.h"

static struct dd_trace trace_of(uint64_t number)
{
	/* As spread as sums of stamps are. */
	return (struct dd_trace){ number * UINT64_C(0x9e3779b97f4a7c15), 1000 + (int64_t)number };
}

static struct dd_written *open_written(size_t most)
{
	struct dd_written *written;

	assert_int_equal(dd_written_open(1000, most, &written, NULL), 0);
	return written;
}

static void what_was_told_is_ours_and_nothing_else(void **state)
{
	struct dd_written *written = open_written(1 << 16);

	(void)state;
	for (uint64_t i = 0; i < 20000; i += 2) {
		struct dd_trace trace = trace_of(i);

		dd_written_add_trace(written, &trace);
	}
	for (uint64_t i = 0; i < 20000; i++) {
		struct dd_trace trace = trace_of(i);

		assert_int_equal(dd_written_is_ours(written, &trace), i % 2 == 0);
	}
	dd_written_closep(&written);
	assert_null(written);
}

static void what_is_older_than_the_start_is_nobodys(void **state)
{
	struct dd_written *written = open_written(16);
	const struct dd_trace before = { 5, 999 }, after = { 5, 1000 };

	(void)state;
	assert_int_equal(dd_written_since(written), 1000);
	assert_true(dd_written_is_ours(written, &before));
	assert_false(dd_written_is_ours(written, &after));
	dd_written_closep(&written);
}

static void a_file_written_to_again_is_another(void **state)
{
	struct dd_written *written = open_written(16);
	struct dd_stamp stamp = { { 1, 2, 3, 4000, 5000 } };
	struct dd_trace trace;

	(void)state;
	dd_written_add(written, &stamp);
	stamp.word[4] = 9000; /* renamed */
	trace = (struct dd_trace){ dd_stamp_sum(&stamp), dd_stamp_time(&stamp) };
	assert_int_equal(trace.written_ns, 9000);
	assert_true(dd_written_is_ours(written, &trace));
	for (int word = 0; word < 4; word++) {
		struct dd_stamp other = stamp;

		other.word[word]++;
		trace.sum = dd_stamp_sum(&other);
		assert_false(dd_written_is_ours(written, &trace));
	}
	dd_written_closep(&written);
}

static void a_sum_of_zero_is_one_as_any(void **state)
{
	struct dd_written *written = open_written(16);
	const struct dd_trace zero = { 0, 5000 };

	(void)state;
	assert_false(dd_written_is_ours(written, &zero));
	dd_written_add_trace(written, &zero);
	assert_true(dd_written_is_ours(written, &zero));
	dd_written_closep(&written);
}

/* What is forgotten is never taken for another's. */
static void memory_is_bounded_and_what_is_forgotten_is_taken_for_ours(void **state)
{
	struct dd_written *written = open_written(1000);
	struct dd_trace trace;

	(void)state;
	for (uint64_t i = 0; i < 100000; i++) {
		trace = trace_of(i);
		dd_written_add_trace(written, &trace);
		if (i % 977 == 0)
			for (uint64_t k = 0; k <= i; k += 331) {
				trace = trace_of(k);
				assert_true(dd_written_is_ours(written, &trace));
			}
	}
	/* And of what is new the others' is still told apart. */
	assert_true(dd_written_since(written) > 1000 + 97000);
	trace = (struct dd_trace){ 12345, dd_written_since(written) };
	assert_false(dd_written_is_ours(written, &trace));
	dd_written_closep(&written);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_told_is_ours_and_nothing_else),
		cmocka_unit_test(what_is_older_than_the_start_is_nobodys),
		cmocka_unit_test(a_file_written_to_again_is_another),
		cmocka_unit_test(a_sum_of_zero_is_one_as_any),
		cmocka_unit_test(memory_is_bounded_and_what_is_forgotten_is_taken_for_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
