/*
 * Measuring: the volume and the index are opened anew each time, and all memory is given back, so that
 * nothing of it stays between two.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include <drydock/du.h>
#include <drydock/index.h>
#include <drydock/units.h>

#include "base/cleanup.h"
#include "base/thread.h"
#include "serve/measure.h"
#include "text/metrics.h"

#define JOBS 2 /* there are others who want the disk */

struct dd_measure {
	struct dd_measure_options options;
	struct dd_context *ctx; /* cancelled at the end */
	pthread_t thread;
	bool started, closing;
	pthread_mutex_t lock; /* of closing and text */
	pthread_cond_t wake;
	char *text;
};

static int measure_volume(struct dd_measure *measure, struct dd_store *store, char **text,
			  struct dd_error *err)
{
	struct dd_index_options options = { .kind = DD_INDEX_SURVEYED,
					    .cache_dir = measure->options.cache_dir,
					    .get_environment = measure->options.get_environment };
	DD_CLEANUP(dd_index_closep) struct dd_index *index = NULL;
	DD_CLEANUP(dd_index_closep) struct dd_index *measured = NULL;
	struct dd_du_options wanted = { .by = DD_DU_REPOSITORY, .exclusive = true };
	struct dd_du du = { 0 };
	int rc = dd_index_open(measure->ctx, store, &options, &index, err);

	options.kind = DD_INDEX_MEASURED;
	if (rc == 0 && index)
		rc = dd_index_open(measure->ctx, store, &options, &measured, err);
	if (rc < 0)
		return rc;
	wanted.index = index;
	wanted.measured = measured;
	rc = dd_du(measure->ctx, store, &wanted, &du, err);
	if (rc == 0)
		rc = dd_du_metrics(&du, dd_store_get_root(store), text, err);
	dd_du_release(&du);
	return rc;
}

static void measure_once(struct dd_measure *measure)
{
	const struct dd_store_options options = { .root = measure->options.root };
	struct dd_store *store = NULL;
	struct dd_error err = { 0 };
	char *text = NULL;
	int rc = dd_store_open(measure->ctx, &options, &store, &err);

	if (rc == 0)
		rc = measure_volume(measure, store, &text, &err);
	dd_store_closep(&store);
	malloc_trim(0);
	if (rc == DD_ECANCELLED)
		return;
	if (rc < 0) {
		dd_log(measure->options.ctx, DD_LOG_WARNING, "measure the volume: %s", err.text);
		return;
	}
	pthread_mutex_lock(&measure->lock);
	free(measure->text);
	measure->text = text;
	pthread_mutex_unlock(&measure->lock);
}

/* False: the end has come. */
static bool wait_for_next(struct dd_measure *measure)
{
	int64_t every_ns = measure->options.every_ns;
	struct timespec until;
	bool closing;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += every_ns / DD_SECOND;
	until.tv_nsec += every_ns % DD_SECOND;
	until.tv_sec += until.tv_nsec / DD_SECOND;
	until.tv_nsec %= DD_SECOND;
	pthread_mutex_lock(&measure->lock);
	while (!measure->closing &&
	       pthread_cond_timedwait(&measure->wake, &measure->lock, &until) == 0)
		;
	closing = measure->closing;
	pthread_mutex_unlock(&measure->lock);
	return !closing;
}

static void *run(void *arg)
{
	struct dd_measure *measure = arg;

	do
		measure_once(measure);
	while (wait_for_next(measure));
	return NULL;
}

int dd_measure_open(const struct dd_measure_options *options, struct dd_measure **out,
		    struct dd_error *err)
{
	DD_CLEANUP(dd_measure_closep) struct dd_measure *measure = calloc(1, sizeof(*measure));
	int rc, sys;

	*out = NULL;
	if (!measure)
		return dd_fail(err, DD_ENOMEM, 0, "measure the volume");
	measure->options = *options;
	pthread_mutex_init(&measure->lock, NULL);
	dd_condition_init(&measure->wake);
	rc = dd_context_open(&measure->ctx, err);
	if (rc < 0)
		return rc;
	dd_context_set_jobs(measure->ctx, JOBS);
	sys = pthread_create(&measure->thread, NULL, run, measure);
	if (sys)
		return dd_fail(err, DD_ENOMEM, sys, "start a thread");
	measure->started = true;
	*out = measure;
	measure = NULL;
	return 0;
}

void dd_measure_closep(struct dd_measure **pointer)
{
	struct dd_measure *measure = *pointer;

	if (!measure)
		return;
	pthread_mutex_lock(&measure->lock);
	measure->closing = true;
	pthread_cond_broadcast(&measure->wake);
	pthread_mutex_unlock(&measure->lock);
	if (measure->started) {
		dd_context_cancel(measure->ctx);
		pthread_join(measure->thread, NULL);
	}
	dd_context_closep(&measure->ctx);
	pthread_cond_destroy(&measure->wake);
	pthread_mutex_destroy(&measure->lock);
	free(measure->text);
	free(measure);
	*pointer = NULL;
}

void dd_measure_write(struct dd_measure *measure, struct dd_metrics *metrics)
{
	if (!measure)
		return;
	pthread_mutex_lock(&measure->lock);
	if (measure->text)
		dd_metrics_append(metrics, measure->text);
	pthread_mutex_unlock(&measure->lock);
}
