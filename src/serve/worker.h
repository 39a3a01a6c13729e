/*
 * A worker: the program drydock, started by the daemon to change the volume. It is the same program that
 * everybody runs, so that there are no two truths; what it may take it asks at the gate, a socket that it
 * was born with.
 */
#ifndef SERVE_WORKER_H
#define SERVE_WORKER_H

#include <sys/types.h>

#include "registry/gate.h"

struct dd_worker_options {
	struct dd_context *ctx; /* for what goes wrong at the gate */
	struct dd_watch *watch;
	struct dd_store *store;
	const char *program; /* drydock's path */
	int stop_fd;	     /* readable: the daemon ends, and the worker is asked to */
};

/* What it is to do. Descriptors and texts are borrowed. */
struct dd_work {
	const char *const *words; /* the first is the program's name */
	size_t word_count;
	const char *const *environment;
	size_t environment_count;
	int directory; /* -1: as it is */
	int streams[3];
	/* A socket of whoever waits (change/errand.h): signals come by it, and its end is one. -1: none. */
	int caller;
	/* What the worker says on the pipe of which streams are the other end, line by line. -1: none. */
	int said;
	void (*line)(void *arg, const char *text); /* untrusted bytes */
	void *arg;
};

/*
 * Start it, keep its gate, and wait for its end: *status as of waitpid(2). Only variables that a
 * command's result depends on are passed on.
 */
int dd_worker_run(const struct dd_worker_options *options, const struct dd_work *work, int *status,
		  struct dd_error *err);

#endif
