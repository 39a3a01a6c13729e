/*
 * The server's threads: two things at once.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "base/cleanup.h"
#include "serve/pool.h"
#include "unit.h"

#define JOBS 64

struct pair {
	struct dd_pool_job job; /* first */
	struct dd_pool *pool;
	atomic_uint one, other;
};

static void run_one(void *of)
{
	atomic_fetch_add(&((struct pair *)of)->one, 1);
}

static void run_other(void *of)
{
	atomic_fetch_add(&((struct pair *)of)->other, 1);
}

static void run_both(struct dd_pool_job *job)
{
	struct pair *pair = (struct pair *)job;

	for (int i = 0; i < 100; i++)
		dd_pool_both(pair->pool, run_one, run_other, pair);
}

static void assert_ran(const struct pair *pair, unsigned times)
{
	assert_int_equal(pair->one, times);
	assert_int_equal(pair->other, times);
}

static void both_are_done_when_it_returns(void **state)
{
	struct pair pair = { 0 };
	struct dd_pool *pool;

	(void)state;
	assert_int_equal(dd_pool_open(4, &pool, NULL), 0);
	for (unsigned i = 1; i <= 1000; i++) {
		dd_pool_both(pool, run_one, run_other, &pair);
		assert_ran(&pair, i);
	}
	assert_int_equal(dd_pool_get_waiting(pool), 0);
	dd_pool_wait(pool);
	dd_pool_closep(&pool);
}

/* More jobs than threads, and each of them wants another: none waits for a thread that never comes. */
static void jobs_that_take_all_threads_do_not_wait_for_one_another(void **state)
{
	static struct pair pairs[JOBS];
	struct dd_pool *pool;

	(void)state;
	assert_int_equal(dd_pool_open(2, &pool, NULL), 0);
	for (size_t i = 0; i < JOBS; i++) {
		pairs[i].pool = pool;
		pairs[i].job.run = run_both;
		dd_pool_add(pool, &pairs[i].job);
	}
	dd_pool_wait(pool);
	for (size_t i = 0; i < JOBS; i++)
		assert_ran(&pairs[i], 100);
	dd_pool_closep(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_are_done_when_it_returns),
		cmocka_unit_test(jobs_that_take_all_threads_do_not_wait_for_one_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
