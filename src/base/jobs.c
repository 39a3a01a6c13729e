/*
 * A pool of threads over one stack of jobs. It begins with a thread a processor. Where jobs wait, for
 * a disk or a network, more of them hide that; where none does they are in each other's way. So a
 * watch looks at the threads now and then, and when it finds them waiting again and again while jobs
 * are queued, it lets them be twice as many. One that is ready and has no processor does not wait:
 * on a busy machine nothing is won by more.
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/jobs.h"
#include "base/thread.h"

/* The first looks come close after one another, for a cold disk is cold from the beginning. */
#define LOOK_SOON_NS 500000L
#define LOOK_LATE_NS 8000000L
/* So often in a row has it to find them waiting for a device; or for whatever it may be, which is
 * mostly one another: who has the lock may be without a processor for long. */
#define LOOKS 3
#define LOOKS_IN_DOUBT 30

struct job {
	dd_job_fn *fn;
	void *arg;
};

struct worker {
	struct dd_jobs *jobs;
	pthread_t id;
	pid_t thread; /* as the kernel knows it; since it first ran */
};

struct dd_jobs {
	pthread_mutex_t lock;
	pthread_cond_t work; /* something is queued, or closing */
	pthread_cond_t idle; /* nothing is queued or running */
	struct job *stack;
	size_t queued, room;
	size_t running;
	struct worker *workers;
	unsigned processors;
	unsigned threads, sleeping;
	unsigned enough; /* threads, as far as is known; at most limit */
	unsigned limit;
	bool waking; /* one was woken or started, and does not run yet */
	bool closing;
	bool watched;
	pthread_t watch;
	pthread_cond_t closes;
};

static void *work(void *arg);
static void *watch(void *arg);

/* Signals are for whoever made the pool: what is meant for a program must not wait for a worker. */
static bool start(pthread_t *id, void *(*fn)(void *), void *arg)
{
	sigset_t all, before;
	bool started;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	started = !pthread_create(id, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

static bool start_worker(struct dd_jobs *jobs)
{
	struct worker *worker = &jobs->workers[jobs->threads];

	worker->jobs = jobs;
	return start(&worker->id, work, worker);
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
		return;
	}
	if (jobs->threads == jobs->enough && jobs->enough < jobs->limit && !jobs->watched) {
		jobs->watched = start(&jobs->watch, watch, jobs);
		if (!jobs->watched)
			jobs->enough = jobs->limit;
	}
	if (jobs->threads < jobs->enough && start_worker(jobs)) {
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

/*
 * Nobody cancels a worker. One that could be at any time, if at all, is spared two atomic operations
 * at each call that may block: glibc before 2.41 makes them so that it can be cancelled there alone.
 */
static void refuse_cancellation(void)
{
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct dd_jobs *jobs = worker->jobs;

	refuse_cancellation();
	pthread_mutex_lock(&jobs->lock);
	worker->thread = gettid();
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

/* ---- the watch ---- */

/* Every thread that there may be has a job, and there are more. */
static bool all_at_work(const struct dd_jobs *jobs)
{
	return jobs->queued && jobs->running == jobs->threads && jobs->threads == jobs->enough;
}

/* What they do who do the least; of many processors a few may be busy. */
static enum dd_thread_state state_of(const struct dd_jobs *jobs, unsigned threads)
{
	enum dd_thread_state state = DD_THREAD_SLEEPS;
	unsigned ready = 0;

	for (unsigned i = 0; i < threads; i++) {
		enum dd_thread_state one = dd_thread_state(jobs->workers[i].thread);

		if (one == DD_THREAD_READY && ++ready > jobs->processors / 8)
			return DD_THREAD_READY;
		if (one == DD_THREAD_WAITS)
			state = one;
	}
	return state;
}

/* The lock is held, but not while it looks: others would have to wait for it. */
static enum dd_thread_state look(struct dd_jobs *jobs)
{
	unsigned threads = jobs->threads;
	enum dd_thread_state state;

	if (!all_at_work(jobs))
		return DD_THREAD_READY;
	pthread_mutex_unlock(&jobs->lock);
	state = state_of(jobs, threads);
	pthread_mutex_lock(&jobs->lock);
	return all_at_work(jobs) ? state : DD_THREAD_READY;
}

static void pause_for(struct dd_jobs *jobs, long ns)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += ns;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_cond_timedwait(&jobs->closes, &jobs->lock, &until);
}

static void *watch(void *arg)
{
	struct dd_jobs *jobs = arg;
	long pause_ns = LOOK_SOON_NS;
	unsigned looks = 0, at_device = 0;

	pthread_mutex_lock(&jobs->lock);
	while (!jobs->closing && jobs->enough < jobs->limit) {
		enum dd_thread_state state;

		pause_for(jobs, pause_ns);
		state = look(jobs);
		if (state == DD_THREAD_READY) {
			looks = at_device = 0;
			pause_ns = pause_ns < LOOK_LATE_NS ? 2 * pause_ns : LOOK_LATE_NS;
			continue;
		}
		pause_ns = LOOK_SOON_NS;
		looks++;
		at_device += state == DD_THREAD_WAITS;
		if (at_device < LOOKS && looks < LOOKS_IN_DOUBT)
			continue;
		looks = at_device = 0;
		jobs->enough = jobs->enough < jobs->limit / 2 ? 2 * jobs->enough : jobs->limit;
		wake_one(jobs);
	}
	pthread_mutex_unlock(&jobs->lock);
	return NULL;
}

unsigned dd_jobs_threads(struct dd_jobs *jobs)
{
	unsigned threads;

	pthread_mutex_lock(&jobs->lock);
	threads = jobs->threads;
	pthread_mutex_unlock(&jobs->lock);
	return threads;
}

/* ---- the pool ---- */

static void init_conditions(struct dd_jobs *jobs)
{
	pthread_cond_init(&jobs->work, NULL);
	pthread_cond_init(&jobs->idle, NULL);
	dd_condition_init(&jobs->closes);
}

int dd_jobs_open(struct dd_context *ctx, struct dd_jobs **out, struct dd_error *err)
{
	struct dd_jobs *jobs = calloc(1, sizeof(*jobs));
	unsigned limit = dd_context_get_jobs(ctx);

	*out = NULL;
	if (jobs)
		jobs->workers = calloc(limit, sizeof(*jobs->workers));
	if (!jobs || !jobs->workers) {
		free(jobs);
		return dd_fail(err, DD_ENOMEM, 0, "start %u threads", limit);
	}
	jobs->limit = limit > 1 ? limit : 0;
	jobs->processors = dd_processors();
	jobs->enough = jobs->processors < jobs->limit ? jobs->processors : jobs->limit;
	pthread_mutex_init(&jobs->lock, NULL);
	init_conditions(jobs);
	*out = jobs;
	return 0;
}

static void end_threads(struct dd_jobs *jobs)
{
	bool watched;

	pthread_mutex_lock(&jobs->lock);
	jobs->closing = true;
	watched = jobs->watched;
	pthread_cond_signal(&jobs->closes);
	pthread_cond_broadcast(&jobs->work);
	pthread_mutex_unlock(&jobs->lock);
	if (watched)
		pthread_join(jobs->watch, NULL);
	for (unsigned i = 0; i < jobs->threads; i++)
		pthread_join(jobs->workers[i].id, NULL);
}

void dd_jobs_closep(struct dd_jobs **pointer)
{
	struct dd_jobs *jobs = *pointer;

	if (!jobs)
		return;
	dd_jobs_wait(jobs);
	end_threads(jobs);
	pthread_cond_destroy(&jobs->closes);
	pthread_cond_destroy(&jobs->idle);
	pthread_cond_destroy(&jobs->work);
	pthread_mutex_destroy(&jobs->lock);
	free(jobs->stack);
	free(jobs->workers);
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
