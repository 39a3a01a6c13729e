/*
 * What takes the space, now and then, for the metrics: the gauges of "drydock du --metrics", a repository
 * at a time. A survey of the whole volume, by a thread of its own that nobody waits for.
 */
#ifndef SERVE_MEASURE_H
#define SERVE_MEASURE_H

#include <drydock/context.h>

struct dd_measure;
struct dd_metrics;

/* Borrowed, and they live until it is closed. */
struct dd_measure_options {
	struct dd_context *ctx; /* for what goes wrong */
	const char *root;
	const char *cache_dir; /* as dd_index_options has it */
	const char *(*get_environment)(const char *name);
	int64_t every_ns; /* not 0 */
};

/* The first measurement begins at once. */
int dd_measure_open(const struct dd_measure_options *options, struct dd_measure **measure,
		    struct dd_error *err);
/* One that is under way is given up. */
void dd_measure_closep(struct dd_measure **measure);

/* The latest; nothing as long as there is none. Never waits. measure may be NULL. */
void dd_measure_write(struct dd_measure *measure, struct dd_metrics *metrics);

#endif
