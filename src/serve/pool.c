/*
 * Two queues under one lock: slow jobs, of which only some run at once, and all others.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "base/thread.h"
#include "serve/pool.h"

#define IDLE_SECONDS 10
#define STACK_BYTES ((size_t)512 << 10)

struct queue {
	struct dd_pool_job *first, **end;
};

struct dd_pool {
	pthread_mutex_t lock;
	pthread_cond_t work, idle, other_done;
	struct queue quick, slow;
	size_t waiting;
	unsigned threads, limit, sleeping, running, slow_running;
	bool closing;
};

static void put(struct queue *queue, struct dd_pool_job *job)
{
	job->next = NULL;
	*queue->end = job;
	queue->end = &job->next;
}

static struct dd_pool_job *take(struct queue *queue)
{
	struct dd_pool_job *job = queue->first;

	if (!job)
		return NULL;
	queue->first = job->next;
	if (!queue->first)
		queue->end = &queue->first;
	return job;
}

/* False: it is not there any more. */
static bool take_back(struct queue *queue, const struct dd_pool_job *job)
{
	for (struct dd_pool_job **at = &queue->first; *at; at = &(*at)->next)
		if (*at == job) {
			*at = job->next;
			if (!*at)
				queue->end = at;
			return true;
		}
	return false;
}

/* Three of four threads at most are for what is slow. */
static struct dd_pool_job *next_job(struct dd_pool *pool)
{
	struct dd_pool_job *job = take(&pool->quick);

	if (!job && pool->slow_running < pool->limit - pool->limit / 4)
		job = take(&pool->slow);
	if (job)
		pool->waiting--;
	return job;
}

/* The lock is held before and after; job is gone once it has run. */
static void run(struct dd_pool *pool, struct dd_pool_job *job)
{
	bool slow = job->slow;

	pool->running++;
	pool->slow_running += slow;
	pthread_mutex_unlock(&pool->lock);
	job->run(job);
	pthread_mutex_lock(&pool->lock);
	pool->running--;
	pool->slow_running -= slow;
	if (!pool->running && !pool->waiting)
		pthread_cond_broadcast(&pool->idle);
}

/* False: nothing to do for so long that the thread is not needed. */
static bool sleep_for_work(struct dd_pool *pool)
{
	struct timespec until;
	int sys;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += IDLE_SECONDS;
	pool->sleeping++;
	sys = pthread_cond_timedwait(&pool->work, &pool->lock, &until);
	pool->sleeping--;
	return sys != ETIMEDOUT;
}

static void *worker(void *arg)
{
	struct dd_pool *pool = arg;
	struct dd_pool_job *job;

	pthread_mutex_lock(&pool->lock);
	for (;;) {
		while ((job = next_job(pool)))
			run(pool, job);
		if (pool->closing || (!sleep_for_work(pool) && !pool->waiting))
			break;
	}
	pool->threads--;
	pthread_cond_broadcast(&pool->idle);
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* Signals are for the main thread. */
static bool start_worker(struct dd_pool *pool)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t id;
	int sys;

	if (pthread_attr_init(&attributes) != 0)
		return false;
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	sys = pthread_create(&id, &attributes, worker, pool);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (sys == 0)
		pool->threads++;
	return sys == 0;
}

int dd_pool_open(unsigned threads, struct dd_pool **out, struct dd_error *err)
{
	struct dd_pool *pool = calloc(1, sizeof(*pool));

	*out = pool;
	if (!pool)
		return dd_fail(err, DD_ENOMEM, 0, "start %u threads", threads);
	pool->limit = threads < 2 ? 2 : threads;
	pool->quick.end = &pool->quick.first;
	pool->slow.end = &pool->slow.first;
	pthread_mutex_init(&pool->lock, NULL);
	dd_condition_init(&pool->work);
	dd_condition_init(&pool->idle);
	dd_condition_init(&pool->other_done);
	return 0;
}

void dd_pool_closep(struct dd_pool **pointer)
{
	struct dd_pool *pool = *pointer;

	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	while (pool->running || pool->waiting)
		pthread_cond_wait(&pool->idle, &pool->lock);
	pool->closing = true;
	pthread_cond_broadcast(&pool->work);
	while (pool->threads)
		pthread_cond_wait(&pool->idle, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	pthread_cond_destroy(&pool->idle);
	pthread_cond_destroy(&pool->other_done);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
	*pointer = NULL;
}

void dd_pool_add(struct dd_pool *pool, struct dd_pool_job *job)
{
	pthread_mutex_lock(&pool->lock);
	put(job->slow ? &pool->slow : &pool->quick, job);
	pool->waiting++;
	if (pool->sleeping)
		pthread_cond_signal(&pool->work);
	if (pool->sleeping < pool->waiting && pool->threads < pool->limit)
		start_worker(pool);
	if (!pool->threads && (job = next_job(pool)))
		run(pool, job);
	pthread_mutex_unlock(&pool->lock);
}

/* ---- two things at once ---- */

struct other {
	struct dd_pool_job job; /* first: one leads to the other */
	struct dd_pool *pool;
	void (*run)(void *of);
	void *of;
	bool done;
};

static void run_other(struct dd_pool_job *job)
{
	struct other *other = (struct other *)job;
	struct dd_pool *pool = other->pool;

	other->run(other->of);
	pthread_mutex_lock(&pool->lock);
	other->done = true;
	pthread_cond_broadcast(&pool->other_done);
	pthread_mutex_unlock(&pool->lock);
}

/* Nobody ever waits for a job that still waits for a thread: that might be his own. */
void dd_pool_both(void *arg, void (*one)(void *of), void (*other)(void *of), void *of)
{
	struct dd_pool *pool = arg;
	struct other beside = { .job.run = run_other, .pool = pool, .run = other, .of = of };

	dd_pool_add(pool, &beside.job);
	one(of);
	pthread_mutex_lock(&pool->lock);
	if (take_back(&pool->quick, &beside.job)) {
		pool->waiting--;
		run(pool, &beside.job);
	}
	while (!beside.done)
		pthread_cond_wait(&pool->other_done, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
}

size_t dd_pool_get_waiting(struct dd_pool *pool)
{
	size_t waiting;

	pthread_mutex_lock(&pool->lock);
	waiting = pool->waiting;
	pthread_mutex_unlock(&pool->lock);
	return waiting;
}

void dd_pool_wait(struct dd_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	while (pool->running || pool->waiting)
		pthread_cond_wait(&pool->idle, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
}
