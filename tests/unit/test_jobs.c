/*
 * The pool of threads.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "unit.h"

#include "base/jobs.h"
#include "base/thread.h"

struct tree {
	struct dd_jobs *jobs;
	atomic_uint visited;
	unsigned depth[1 << 12]; /* of each job's argument */
	atomic_uint next;
};

struct branch {
	struct tree *tree;
	unsigned depth;
};

static struct branch branches[1 << 12];

static void visit(void *arg)
{
	struct branch *branch = arg;
	struct tree *tree = branch->tree;

	atomic_fetch_add(&tree->visited, 1);
	for (int i = 0; i < 2 && branch->depth; i++) {
		struct branch *child = &branches[atomic_fetch_add(&tree->next, 1)];

		*child = (struct branch){ tree, branch->depth - 1 };
		dd_jobs_add(tree->jobs, visit, child);
	}
}

static unsigned walk(unsigned threads)
{
	struct dd_context *ctx;
	struct tree tree = { 0 };
	unsigned visited;

	assert_int_equal(dd_context_open(&ctx, NULL), 0);
	dd_context_set_jobs(ctx, threads);
	assert_int_equal(dd_jobs_open(ctx, &tree.jobs, NULL), 0);
	branches[0] = (struct branch){ &tree, 10 };
	tree.next = 1;
	dd_jobs_add(tree.jobs, visit, &branches[0]);
	dd_jobs_wait(tree.jobs);
	visited = tree.visited;
	/* After a wait the pool takes work again. */
	branches[0].depth = 0;
	dd_jobs_add(tree.jobs, visit, &branches[0]);
	dd_jobs_closep(&tree.jobs);
	assert_int_equal(tree.visited, visited + 1);
	assert_null(tree.jobs);
	dd_context_close(ctx);
	return visited;
}

static void jobs_that_add_jobs_all_run_whatever_the_number_of_threads(void **state)
{
	static const unsigned threads[] = { 1, 2, 3, 8, 64 };

	(void)state;
	for (size_t i = 0; i < sizeof(threads) / sizeof(*threads); i++)
		assert_int_equal(walk(threads[i]), 2047);
}

static void a_pool_without_work_ends(void **state)
{
	struct dd_context *ctx;
	struct dd_jobs *jobs;

	(void)state;
	assert_int_equal(dd_context_open(&ctx, NULL), 0);
	assert_int_equal(dd_jobs_open(ctx, &jobs, NULL), 0);
	dd_jobs_wait(jobs);
	dd_jobs_closep(&jobs);
	dd_jobs_closep(&jobs);
	dd_context_close(ctx);
}

#define MEET 8

static void meet(void *arg)
{
	pthread_barrier_wait(arg);
}

/* As those do that wait for a disk: a thread that sleeps in a job keeps no other from its own. */
static void jobs_that_wait_for_one_another_all_run_at_once(void **state)
{
	pthread_barrier_t barrier;
	struct dd_context *ctx;
	struct dd_jobs *jobs;

	(void)state;
	pthread_barrier_init(&barrier, NULL, MEET);
	assert_int_equal(dd_context_open(&ctx, NULL), 0);
	dd_context_set_jobs(ctx, MEET);
	assert_int_equal(dd_jobs_open(ctx, &jobs, NULL), 0);
	for (int again = 0; again < 100; again++) {
		for (int i = 0; i < MEET; i++)
			dd_jobs_add(jobs, meet, &barrier);
		if (again % 2)
			dd_jobs_wait(jobs);
	}
	dd_jobs_closep(&jobs);
	dd_context_close(ctx);
	pthread_barrier_destroy(&barrier);
}

/* ---- how many threads ---- */

struct crowd {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct dd_context *ctx;
	struct dd_jobs *jobs;
	unsigned wanted; /* so many at once */
	unsigned here, most;
	atomic_uint ran;
};

static void open_crowd(struct crowd *crowd, unsigned limit, unsigned wanted)
{
	*crowd = (struct crowd){ .lock = PTHREAD_MUTEX_INITIALIZER,
				 .more = PTHREAD_COND_INITIALIZER,
				 .wanted = wanted };
	assert_int_equal(dd_context_open(&crowd->ctx, NULL), 0);
	dd_context_set_jobs(crowd->ctx, limit);
	assert_int_equal(dd_jobs_open(crowd->ctx, &crowd->jobs, NULL), 0);
}

static void close_crowd(struct crowd *crowd)
{
	dd_jobs_closep(&crowd->jobs);
	dd_context_close(crowd->ctx);
	pthread_cond_destroy(&crowd->more);
	pthread_mutex_destroy(&crowd->lock);
}

static void enter(struct crowd *crowd)
{
	crowd->here++;
	if (crowd->here > crowd->most)
		crowd->most = crowd->here;
	pthread_cond_broadcast(&crowd->more);
}

/* Waits until so many do the same at once, or did. */
static void wait_for_others(void *arg)
{
	struct crowd *crowd = arg;

	pthread_mutex_lock(&crowd->lock);
	enter(crowd);
	while (crowd->most < crowd->wanted)
		pthread_cond_wait(&crowd->more, &crowd->lock);
	crowd->here--;
	pthread_mutex_unlock(&crowd->lock);
	atomic_fetch_add(&crowd->ran, 1);
}

static void jobs_that_wait_get_as_many_threads_as_may_be_and_no_more(void **state)
{
	static const unsigned limits[] = { 2, 7, 32 };
	struct crowd crowd;

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		open_crowd(&crowd, limits[i], limits[i]);
		for (unsigned n = 0; n < 4 * limits[i]; n++)
			dd_jobs_add(crowd.jobs, wait_for_others, &crowd);
		dd_jobs_wait(crowd.jobs);
		assert_int_equal(crowd.most, limits[i]);
		assert_int_equal(dd_jobs_threads(crowd.jobs), limits[i]);
		assert_int_equal(crowd.ran, 4 * limits[i]);
		close_crowd(&crowd);
	}
}

#define SPINS 400
#define TURNS 100000

static void spin(void *arg)
{
	struct crowd *crowd = arg;

	for (volatile unsigned n = 0; n < TURNS; n++)
		continue;
	atomic_fetch_add(&crowd->ran, 1);
}

/* However long they have to stand in line for one. */
static void jobs_that_compute_get_a_thread_a_processor(void **state)
{
	struct crowd crowd;

	(void)state;
	open_crowd(&crowd, 4 * dd_processors(), 0);
	for (unsigned n = 0; n < SPINS; n++)
		dd_jobs_add(crowd.jobs, spin, &crowd);
	dd_jobs_wait(crowd.jobs);
	assert_int_equal(crowd.ran, SPINS);
	assert_in_range(dd_jobs_threads(crowd.jobs), 1, dd_processors());
	close_crowd(&crowd);
}

/* The last one that there is room for cancels; until then none of them ends. */
static void wait_or_cancel(void *arg)
{
	struct crowd *crowd = arg;

	pthread_mutex_lock(&crowd->lock);
	enter(crowd);
	if (crowd->here == crowd->wanted)
		dd_context_cancel(crowd->ctx);
	while (!dd_context_cancelled(crowd->ctx))
		pthread_cond_wait(&crowd->more, &crowd->lock);
	pthread_cond_broadcast(&crowd->more);
	crowd->here--;
	pthread_mutex_unlock(&crowd->lock);
	atomic_fetch_add(&crowd->ran, 1);
}

static void cancelled_jobs_end_while_threads_are_being_added(void **state)
{
	struct crowd crowd;

	(void)state;
	for (unsigned wanted = 1; wanted < 8; wanted++) {
		open_crowd(&crowd, 16, wanted);
		for (unsigned n = 0; n < 64; n++)
			dd_jobs_add(crowd.jobs, wait_or_cancel, &crowd);
		dd_jobs_closep(&crowd.jobs);
		assert_int_equal(crowd.ran, 64);
		close_crowd(&crowd);
	}
}

/* ---- what a thread does ---- */

struct sleeper {
	int pipe[2];
	atomic_int thread;
};

static void *sleep_in_a_pipe(void *arg)
{
	struct sleeper *sleeper = arg;
	char byte;

	atomic_store(&sleeper->thread, gettid());
	return read(sleeper->pipe[0], &byte, 1) == 0 ? arg : NULL;
}

static void a_thread_is_ready_or_sleeps(void **state)
{
	struct sleeper sleeper = { .thread = 0 };
	pthread_t thread;
	void *result;

	(void)state;
	assert_int_equal(dd_thread_state(gettid()), DD_THREAD_READY);
	assert_int_equal(pipe(sleeper.pipe), 0);
	assert_int_equal(pthread_create(&thread, NULL, sleep_in_a_pipe, &sleeper), 0);
	while (!sleeper.thread || dd_thread_state(sleeper.thread) != DD_THREAD_SLEEPS)
		usleep(100);
	close(sleeper.pipe[1]);
	pthread_join(thread, &result);
	close(sleeper.pipe[0]);
	assert_ptr_equal(result, &sleeper);
	/* Nobody tells of one that is not there. */
	assert_int_equal(dd_thread_state(0), DD_THREAD_WAITS);
	assert_true(dd_processors() >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jobs_that_add_jobs_all_run_whatever_the_number_of_threads),
		cmocka_unit_test(a_pool_without_work_ends),
		cmocka_unit_test(jobs_that_wait_for_one_another_all_run_at_once),
		cmocka_unit_test(jobs_that_wait_get_as_many_threads_as_may_be_and_no_more),
		cmocka_unit_test(jobs_that_compute_get_a_thread_a_processor),
		cmocka_unit_test(cancelled_jobs_end_while_threads_are_being_added),
		cmocka_unit_test(a_thread_is_ready_or_sleeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
