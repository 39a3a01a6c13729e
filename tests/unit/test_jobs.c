/*
 * The pool of threads.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "unit.h"

#include "base/jobs.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jobs_that_add_jobs_all_run_whatever_the_number_of_threads),
		cmocka_unit_test(a_pool_without_work_ends),
		cmocka_unit_test(jobs_that_wait_for_one_another_all_run_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
