/*
 * Collections that the daemon begins by itself: "drydock gc --apply", by a worker, every so often.
 */
#ifndef SERVE_COLLECT_H
#define SERVE_COLLECT_H

#include "serve/control.h"
#include "serve/worker.h"

struct dd_collector;

struct dd_collector_options {
	const struct dd_worker_options *worker;
	int64_t every_ns;
	const char *const *words; /* beside gc, --apply and where the volume is */
	size_t word_count;
};

int dd_collector_open(const struct dd_collector_options *options, struct dd_collector **collector,
		      struct dd_error *err);
/* The worker's stop_fd is readable by then. */
void dd_collector_closep(struct dd_collector **collector);
/* The counts of collections alone. */
void dd_collector_get_counts(struct dd_collector *collector, struct dd_control_counts *counts);

#endif
