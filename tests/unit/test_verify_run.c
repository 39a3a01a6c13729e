/*
 * Verification as a whole, where what decides is not of the volume: the machine's load, the clock.
 */
#include "volume.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>

#include <drydock/index.h>
#include <drydock/units.h>
#include <drydock/verify.h>

/* Nobody waits: the clock goes on by as much as somebody would have slept, and not otherwise. */
static _Atomic int64_t slept_ns;
/* So wrong is the clock on the wall. */
static _Atomic int64_t wrong_ns;

int nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)left;
	slept_ns += time->tv_sec * DD_SECOND + time->tv_nsec;
	return 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	if (clock != CLOCK_MONOTONIC) {
		int rc = (int)syscall(SYS_clock_gettime, clock, now);

		now->tv_sec += wrong_ns / DD_SECOND;
		return rc;
	}
	*now = (struct timespec){ 1 + slept_ns / DD_SECOND, slept_ns % DD_SECOND };
	return 0;
}

/* A blob under its own name. */
static void put_blob(const struct volume *volume, const char *bytes)
{
	struct dd_place place = { .kind = DD_AT_BLOB };
	char *path = NULL;

	assert_int_equal(dd_digest_of(&place.digest, DD_SHA256, bytes, strlen(bytes), NULL), 0);
	assert_int_equal(dd_layout_path(&place, &path, NULL), 0);
	put(volume, path, bytes);
	free(path);
}

static void open_three_blobs(struct volume *volume)
{
	open_volume(volume);
	put_blob(volume, "one");
	put_blob(volume, "two");
	put_blob(volume, "three");
}

static struct dd_verify_summary verify(struct volume *volume,
				       const struct dd_verify_options *options, int code)
{
	struct dd_verify_summary summary;
	struct dd_verify *run;
	int rc = dd_verify(volume->ctx, volume->store, options, &run, &volume->err);

	if (rc != code)
		fail_msg("%s: %s", dd_code_name(rc), volume->err.text);
	summary = *dd_verify_get_summary(run);
	dd_verify_close(run);
	return summary;
}

/* ---- the machine's load ---- */

struct machine {
	struct volume volume;
	double load[4]; /* what is answered, one after the other; the last one for ever */
	unsigned asked;
	bool interrupt; /* when it is asked for the last time */
};

static double next_load(void *arg)
{
	struct machine *machine = arg;

	if (machine->asked < 3)
		return machine->load[machine->asked++];
	if (machine->interrupt)
		dd_context_cancel(machine->volume.ctx);
	return machine->load[3];
}

static struct dd_verify_options below_load(struct machine *machine, double load)
{
	return (struct dd_verify_options){
		.limit_load = true, .max_load = load, .get_load = next_load, .arg = machine
	};
}

static void nothing_is_begun_while_the_load_is_above_the_limit(void **state)
{
	struct machine machine = { .load = { 1.51, 3, 1.6, 1.5 } };
	struct dd_verify_options options = below_load(&machine, 1.5);
	struct dd_verify_summary summary;

	(void)state;
	open_three_blobs(&machine.volume);
	summary = verify(&machine.volume, &options, 0);
	assert_int_equal(machine.asked, 3);
	assert_int_equal(summary.verified_blobs, 3);
	assert_int_equal(summary.left_blobs, 0);
	assert_true(summary.waited_ns >= 3 * DD_SECOND / 2);
	assert_true(summary.waited_ns <= summary.reading_ns);
	close_volume(&machine.volume);
}

static void waiting_ends_with_the_budget_and_everything_is_left(void **state)
{
	struct machine machine = { .load = { 0.1, 0.1, 0.1, 0.1 } };
	struct dd_verify_options options = below_load(&machine, 0);
	struct dd_verify_summary summary;

	(void)state;
	open_three_blobs(&machine.volume);
	options.budget_ns = DD_SECOND;
	summary = verify(&machine.volume, &options, 0);
	assert_int_equal(summary.left_blobs, 3);
	assert_int_equal(summary.left_bytes, 11);
	assert_int_equal(summary.read_blobs, 0);
	assert_true(summary.waited_ns > 0);
	close_volume(&machine.volume);
}

static void waiting_can_be_interrupted(void **state)
{
	struct machine machine = { .load = { 9, 9, 9, 9 }, .interrupt = true };
	struct dd_verify_options options = below_load(&machine, 0.5);

	(void)state;
	open_three_blobs(&machine.volume);
	assert_int_equal(verify(&machine.volume, &options, DD_ECANCELLED).read_blobs, 0);
	close_volume(&machine.volume);
}

/* A second each, the last one begun after two: no more than there is to read is waited for. */
static void a_rate_counts_the_bytes_that_there_are(void **state)
{
	struct dd_verify_options options = { .rate = 100000 };
	struct dd_verify_summary summary;
	struct volume volume;
	char bytes[100001] = "";

	(void)state;
	open_volume(&volume);
	dd_context_set_jobs(volume.ctx, 1);
	for (char c = 'a'; c < 'd'; c++) {
		memset(bytes, c, sizeof(bytes) - 1);
		put_blob(&volume, bytes);
	}
	summary = verify(&volume, &options, 0);
	assert_int_equal(summary.verified_bytes, 300000);
	assert_int_equal(summary.reading_ns, 2 * DD_SECOND);
	close_volume(&volume);
}

static void a_load_that_is_not_known_keeps_nobody_waiting(void **state)
{
	struct machine machine = { .load = { -1, -1, -1, -1 } };
	struct dd_verify_options options = below_load(&machine, 0);

	(void)state;
	open_three_blobs(&machine.volume);
	assert_int_equal(verify(&machine.volume, &options, 0).verified_blobs, 3);
	close_volume(&machine.volume);
}

/* ---- a clock that was wrong ---- */

#define DAY (24 * 3600 * DD_SECOND)

static struct dd_index *open_memory(struct volume *volume, const char *directory)
{
	const struct dd_index_options options = { .kind = DD_INDEX_VERIFIED,
						  .cache_dir = directory };
	struct dd_index *index;

	assert_int_equal(dd_index_open(volume->ctx, volume->store, &options, &index, &volume->err),
			 0);
	assert_true(dd_index_is_writable(index));
	return index;
}

static struct dd_verify_summary verify_at_night(struct volume *volume, const char *directory,
						struct dd_verify_options options)
{
	struct dd_index *index = open_memory(volume, directory);
	struct dd_verify_summary summary;

	options.index = index;
	summary = verify(volume, &options, 0);
	dd_index_close(index);
	return summary;
}

/* Else it would be the last that is read again, and where nights are short never. */
static void what_was_read_in_the_future_counts_as_never_read(void **state)
{
	const struct dd_verify_options night = { .max_bytes = 3 };
	struct dd_verify_summary summary;
	char directory[] = "/tmp/drydock-test.XXXXXX";
	struct volume volume;
	int64_t first_ns = 0;

	(void)state;
	open_volume(&volume);
	dd_context_set_jobs(volume.ctx, 1);
	assert_non_null(mkdtemp(directory));
	put_blob(&volume, "one");
	put_blob(&volume, "two");
	put_blob(&volume, "six");
	wrong_ns = 4000 * DAY;
	summary = verify_at_night(&volume, directory, (struct dd_verify_options){ 0 });
	assert_int_equal(summary.never_blobs, 0);
	for (int i = 0; i < 3; i++) {
		wrong_ns = (i + 1) * DAY;
		summary = verify_at_night(&volume, directory, night);
		assert_int_equal(summary.read_blobs, 1);
		assert_int_equal(summary.never_blobs, 2 - i);
		if (!i)
			first_ns = summary.oldest_ns;
		assert_int_equal(summary.oldest_ns, first_ns);
	}
	wrong_ns = 0;
	nftw(directory, remove_one, 32, FTW_DEPTH | FTW_PHYS);
	close_volume(&volume);
}

/* ---- a run that dies ---- */

struct watch {
	struct volume volume;
	const char *directory;
	size_t remembered; /* by another process, when the last blob was about to be read */
};

static double look_into_memory(void *arg)
{
	struct watch *watch = arg;
	const struct dd_index_options options = { .kind = DD_INDEX_VERIFIED,
						  .cache_dir = watch->directory,
						  .read_only = true };
	struct dd_index *index;

	assert_int_equal(dd_index_open(watch->volume.ctx, watch->volume.store, &options, &index,
				       &watch->volume.err),
			 0);
	watch->remembered = dd_index_count_verified(index);
	dd_index_close(index);
	return 0;
}

/* Few blobs may be a night's work. */
static void a_run_that_dies_costs_minutes_and_not_the_night(void **state)
{
	struct watch watch = { 0 };
	struct dd_verify_options options = {
		.rate = 1000, .limit_load = true, .get_load = look_into_memory, .arg = &watch
	};
	char bytes[100001] = "", directory[] = "/tmp/drydock-test.XXXXXX";

	(void)state;
	open_volume(&watch.volume);
	dd_context_set_jobs(watch.volume.ctx, 1);
	assert_non_null(mkdtemp(directory));
	watch.directory = directory;
	for (char c = 'a'; c < 'h'; c++) {
		memset(bytes, c, sizeof(bytes) - 1);
		put_blob(&watch.volume, bytes);
	}
	wrong_ns = DAY; /* else the blobs are too young to be remembered */
	assert_int_equal(verify_at_night(&watch.volume, directory, options).read_blobs, 7);
	assert_true(watch.remembered >= 4);
	wrong_ns = 0;
	nftw(directory, remove_one, 32, FTW_DEPTH | FTW_PHYS);
	close_volume(&watch.volume);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_begun_while_the_load_is_above_the_limit),
		cmocka_unit_test(waiting_ends_with_the_budget_and_everything_is_left),
		cmocka_unit_test(waiting_can_be_interrupted),
		cmocka_unit_test(a_rate_counts_the_bytes_that_there_are),
		cmocka_unit_test(a_load_that_is_not_known_keeps_nobody_waiting),
		cmocka_unit_test(what_was_read_in_the_future_counts_as_never_read),
		cmocka_unit_test(a_run_that_dies_costs_minutes_and_not_the_night),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
