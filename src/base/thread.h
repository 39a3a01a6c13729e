/*
 * What the kernel says of a thread of this process.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <stdbool.h>
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

#endif
