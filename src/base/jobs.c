/*
 * A pool of threads over one stack of jobs.
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/jobs.h"

struct job {
	dd_job_fn *fn;
	void *arg;
};

struct dd_jobs {
	pthread_mutex_t lock;
	pthread_cond_t work; /* something is queued, or closing */
	pthread_cond_t idle; /* nothing is queued or running */
	struct job *stack;
	size_t queued, room;
	size_t running;
	unsigned threads, sleeping, limit;
	bool waking; /* one was woken or started, and does not run yet */
	int closing;
	pthread_t *ids;
};

static void *worker(void *arg);

/* Signals are for whoever made the pool: what is meant for a program must not wait for a worker. */
static bool start_worker(struct dd_jobs *jobs)
{
	sigset_t all, before;
	bool started;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	started = !pthread_create(&jobs->ids[jobs->threads], NULL, worker, jobs);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

/*
 * One more thread for what is queued; the lock is held. Only one is woken at a time, and it wakes the
 * next: while it waits for a processor, all of them are busy and a further one would be in the way.
 * Where threads wait for a disk it runs at once, so that soon all of them do.
 */
static void wake_one(struct dd_jobs *jobs)
{
	if (jobs->waking || !jobs->queued)
		return;
	if (jobs->sleeping) {
		jobs->waking = true;
		pthread_cond_signal(&jobs->work);
	} else if (jobs->threads < jobs->limit && start_worker(jobs)) {
		jobs->waking = true;
		jobs->threads++;
	}
}

/* Run the newest job; the lock is held before and after. */
static void run_one(struct dd_jobs *jobs)
{
	struct job job = jobs->stack[--jobs->queued];

	jobs->running++;
	pthread_mutex_unlock(&jobs->lock);
	job.fn(job.arg);
	pthread_mutex_lock(&jobs->lock);
	jobs->running--;
	if (!jobs->running && !jobs->queued)
		pthread_cond_broadcast(&jobs->idle);
}

static void *worker(void *arg)
{
	struct dd_jobs *jobs = arg;

	pthread_mutex_lock(&jobs->lock);
	for (;;) {
		jobs->waking = false;
		if (jobs->queued > 1)
			wake_one(jobs);
		while (jobs->queued)
			run_one(jobs);
		if (jobs->closing)
			break;
		jobs->sleeping++;
		pthread_cond_wait(&jobs->work, &jobs->lock);
		jobs->sleeping--;
	}
	pthread_mutex_unlock(&jobs->lock);
	return NULL;
}

int dd_jobs_open(struct dd_context *ctx, struct dd_jobs **out, struct dd_error *err)
{
	struct dd_jobs *jobs = calloc(1, sizeof(*jobs));
	unsigned limit = dd_context_get_jobs(ctx);

	*out = NULL;
	if (jobs)
		jobs->ids = calloc(limit, sizeof(*jobs->ids));
	if (!jobs || !jobs->ids) {
		free(jobs);
		return dd_fail(err, DD_ENOMEM, 0, "start %u threads", limit);
	}
	jobs->limit = limit > 1 ? limit : 0;
	pthread_mutex_init(&jobs->lock, NULL);
	pthread_cond_init(&jobs->work, NULL);
	pthread_cond_init(&jobs->idle, NULL);
	*out = jobs;
	return 0;
}

void dd_jobs_closep(struct dd_jobs **pointer)
{
	struct dd_jobs *jobs = *pointer;

	if (!jobs)
		return;
	dd_jobs_wait(jobs);
	pthread_mutex_lock(&jobs->lock);
	jobs->closing = 1;
	pthread_cond_broadcast(&jobs->work);
	pthread_mutex_unlock(&jobs->lock);
	for (unsigned i = 0; i < jobs->threads; i++)
		pthread_join(jobs->ids[i], NULL);
	pthread_cond_destroy(&jobs->idle);
	pthread_cond_destroy(&jobs->work);
	pthread_mutex_destroy(&jobs->lock);
	free(jobs->stack);
	free(jobs->ids);
	free(jobs);
	*pointer = NULL;
}

static int grow(struct dd_jobs *jobs)
{
	size_t room = jobs->room ? 2 * jobs->room : 64;
	struct job *stack = reallocarray(jobs->stack, room, sizeof(*stack));

	if (!stack)
		return DD_ENOMEM;
	jobs->stack = stack;
	jobs->room = room;
	return 0;
}

void dd_jobs_add(struct dd_jobs *jobs, dd_job_fn *fn, void *arg)
{
	pthread_mutex_lock(&jobs->lock);
	if (jobs->queued == jobs->room && grow(jobs) < 0) {
		pthread_mutex_unlock(&jobs->lock);
		fn(arg);
		return;
	}
	jobs->stack[jobs->queued++] = (struct job){ fn, arg };
	wake_one(jobs);
	pthread_mutex_unlock(&jobs->lock);
}

void dd_jobs_wait(struct dd_jobs *jobs)
{
	pthread_mutex_lock(&jobs->lock);
	while (jobs->queued || jobs->running) {
		/* The waiter works too, or a pool without threads would never end. */
		if (jobs->queued && !jobs->threads)
			run_one(jobs);
		else
			pthread_cond_wait(&jobs->idle, &jobs->lock);
	}
	pthread_mutex_unlock(&jobs->lock);
}
