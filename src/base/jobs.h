/*
 * A pool of threads and a stack of work. A job may add further jobs; the newest runs first, so a
 * walk goes deep before it goes wide and the stack stays short.
 *
 * Jobs report through what their argument points to; the pool only counts them. dd_jobs_add() never
 * fails: when there is no memory to queue a job, it runs at once in the caller.
 */
#ifndef BASE_JOBS_H
#define BASE_JOBS_H

#include <drydock/context.h>

struct dd_jobs;
typedef void dd_job_fn(void *arg);

/*
 * As there is work for them it starts as many threads as there are processors, and more of them, up to
 * dd_context_get_jobs(ctx), only where the jobs are found to wait for something else than a processor.
 * With 1 job or no thread to be had the work is done in dd_jobs_wait().
 */
int dd_jobs_open(struct dd_context *ctx, struct dd_jobs **jobs, struct dd_error *err);
void dd_jobs_closep(struct dd_jobs **jobs); /* waits first */

/* Any thread. The pool does not own arg. */
void dd_jobs_add(struct dd_jobs *jobs, dd_job_fn *fn, void *arg);

/* Until nothing is queued and nothing runs. */
void dd_jobs_wait(struct dd_jobs *jobs);

/* How many threads it has started so far. */
unsigned dd_jobs_threads(struct dd_jobs *jobs);

#endif
