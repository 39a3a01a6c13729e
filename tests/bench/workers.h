/*
 * What programs that are timed have in common: a clock, and threads that all do the same until there is
 * nothing left.
 */
#ifndef TESTS_WORKERS_H
#define TESTS_WORKERS_H

#include <err.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

static inline double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline void run_workers(unsigned threads, void *(*work)(void *arg))
{
	pthread_t *ids = calloc(threads, sizeof(*ids));

	if (!ids)
		errx(3, "no memory");
	for (unsigned i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, work, NULL))
			errx(3, "cannot start a thread");
	for (unsigned i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	free(ids);
}

#endif
