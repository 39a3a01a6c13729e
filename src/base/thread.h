/*
 * Threads: what the kernel says of them, and what the standard makes long.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <sys/types.h>

/* Processors that this process may run on, at least 1. */
unsigned dd_processors(void);

enum dd_thread_state {
	DD_THREAD_READY,  /* it runs, or would if it had a processor */
	DD_THREAD_SLEEPS, /* for a lock, a pipe, a time, somebody else */
	DD_THREAD_WAITS,  /* for a device; also where the kernel does not tell */
};

/* Of the thread of this id (gettid(2)), as it was a moment ago. Costs some microseconds. */
enum dd_thread_state dd_thread_state(pid_t thread);

/* A condition whose timed waits go by CLOCK_MONOTONIC: nobody sets that back. */
void dd_condition_init(pthread_cond_t *condition);

#endif
