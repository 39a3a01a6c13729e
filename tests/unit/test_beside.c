/*
 * How long somebody waits for a change that is under way beside his own.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include <drydock/units.h>

#include "registry/beside.h"
#include "unit.h"

/* A clock by which each look at it is six seconds late; the first so many times somebody has got on meanwhile. */
static struct dd_beside *beside;
static _Atomic unsigned looks;
static unsigned steps_left;

static int64_t later(void)
{
	if (steps_left) {
		dd_beside_step(beside);
		steps_left--;
	}
	return ++looks * 6 * DD_SECOND;
}

static int set_up(void **state)
{
	(void)state;
	looks = 0;
	assert_int_equal(dd_beside_open(&beside, NULL), 0);
	dd_beside_set_clock(beside, later);
	dd_beside_let_in(beside, true);
	assert_true(dd_beside_enter(beside));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	dd_beside_closep(&beside);
	return 0;
}

static void *leave_after_half_a_minute(void *arg)
{
	static const struct timespec moment = { 0, 10 * 1000 * 1000 };

	(void)arg;
	while (looks < 6)
		nanosleep(&moment, NULL);
	dd_beside_leave(beside);
	return NULL;
}

static void who_gets_on_is_waited_for_however_long_that_takes(void **state)
{
	pthread_t thread;
	bool waited;

	(void)state;
	steps_left = 1000000;
	assert_int_equal(pthread_create(&thread, NULL, leave_after_half_a_minute, NULL), 0);
	waited = dd_beside_wait(beside);
	looks = 6;
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(waited);
}

static void who_stands_still_is_not_waited_for_without_end(void **state)
{
	(void)state;
	steps_left = 3;
	assert_false(dd_beside_wait(beside));
	assert_int_equal(steps_left, 0);
	dd_beside_leave(beside);
	assert_true(dd_beside_wait(beside));
}

static void who_comes_later_is_not_waited_for(void **state)
{
	(void)state;
	steps_left = 0;
	dd_beside_leave(beside);
	dd_beside_let_in(beside, false);
	assert_false(dd_beside_enter(beside));
	assert_true(dd_beside_wait(beside));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(who_gets_on_is_waited_for_however_long_that_takes),
		CASE(who_stands_still_is_not_waited_for_without_end),
		CASE(who_comes_later_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
