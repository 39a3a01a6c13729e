/*
 * Threads for whoever has to wait for a disk: as many as wait at the same time, up to a bound, each
 * ended when it has had nothing to do for a while. The oldest job runs first.
 *
 * A job that may take minutes (a large blob is read through before its first byte is served) is a
 * slow one: those never take all threads, so that a push still gets through beside them.
 *
 * Locking: all functions from any thread, but for open and close.
 */
#ifndef SERVE_POOL_H
#define SERVE_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include <drydock/error.h>

/* Belongs to whoever queues it, and lives until it has run. */
struct dd_pool_job {
	struct dd_pool_job *next;
	void (*run)(struct dd_pool_job *job);
	bool slow;
};

struct dd_pool;

int dd_pool_open(unsigned threads, struct dd_pool **pool, struct dd_error *err);
/* Runs what is queued first. */
void dd_pool_closep(struct dd_pool **pool);

/* Never fails and never waits; without any thread to be had it is run in the caller. */
void dd_pool_add(struct dd_pool *pool, struct dd_pool_job *job);
/*
 * Both, the second by another thread if one comes to it, else by the caller, too; returns when both are
 * done. arg is the pool. Also in a job.
 */
void dd_pool_both(void *arg, void (*one)(void *of), void (*other)(void *of), void *of);
/* Jobs that wait for a thread: whoever is to begin something may rather refuse it. */
size_t dd_pool_get_waiting(struct dd_pool *pool);
/* Until nothing is queued and nothing runs. */
void dd_pool_wait(struct dd_pool *pool);

#endif
