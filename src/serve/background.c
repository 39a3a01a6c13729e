/*
 * One thread that wakes up twice a second, and another that reads all blobs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <drydock/units.h>
#include <drydock/walk.h>

#include "base/cleanup.h"
#include "base/thread.h"
#include "registry/gate.h"
#include "registry/prove.h"
#include "registry/remove.h"
#include "serve/background.h"
#include "serve/pull_notes.h"
#include "serve/serve_private.h"

#define TICK_NS (DD_SECOND / 2)
#define SWEEP_NS (5 * DD_SECOND)
#define PULLS_NS (60 * DD_SECOND)
#define LOOK_NS (10 * DD_SECOND)
#define PULLS_WAIT_NS (2 * DD_SECOND)

struct dd_background {
	struct dd_serve *serve;
	struct dd_store *store; /* the volume again: one thread changes by one */
	pthread_t thread, reader;
	bool has_thread, has_reader;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool closing;
};

/* False: the end has come. */
static bool sleep_ns(struct dd_background *background, int64_t ns)
{
	struct timespec until;
	int64_t at = dd_time_steady() + ns;
	bool closing;

	until.tv_sec = at / DD_SECOND;
	until.tv_nsec = at % DD_SECOND;
	pthread_mutex_lock(&background->lock);
	while (!background->closing && dd_time_steady() < at)
		pthread_cond_timedwait(&background->wake, &background->lock, &until);
	closing = background->closing;
	pthread_mutex_unlock(&background->lock);
	return !closing;
}

/* ---- whether we can write ---- */

/* A volume that was handed over to us after the start becomes ours then. */
static bool may_write(struct dd_serve *serve, struct dd_error *err)
{
	if (dd_store_check_writable(serve->store, err) < 0)
		return atomic_load(&serve->server.config)->readonly;
	if (serve->owned)
		return true;
	return dd_serve_own(serve, err) == 0 && dd_serve_listen_for_errands(serve, err) == 0;
}

static void look_at_volume(struct dd_background *background)
{
	struct dd_serve *serve = background->serve;
	struct dd_error err = { 0 };
	const char *before = atomic_load(&serve->server.unready);

	if (may_write(serve, &err)) {
		atomic_store(&serve->server.unready, NULL);
		if (before)
			dd_log(serve->ctx, DD_LOG_NOTE, "the volume can be written to now");
		return;
	}
	if (before)
		return;
	/* Written once: who reads it later finds a whole text. */
	if (!serve->why[0])
		snprintf(serve->why, sizeof(serve->why), "%s; %s", err.text, err.hint);
	atomic_store(&serve->server.unready, serve->why);
	dd_log(serve->ctx, DD_LOG_ERROR,
	       "pushes are refused: %s; to hand the volume over to this server: %s", err.text,
	       err.hint);
}

/* ---- what is due ---- */

/* The lock is a collection's as long as one runs: they are kept until the next time. */
static int write_pulls(struct dd_background *background, struct dd_error *err)
{
	struct dd_serve *serve = background->serve;
	struct dd_registry *registry = serve->server.registry;
	int64_t wait_ns = dd_registry_get_watch(registry)->collecting ? 0 : PULLS_WAIT_NS;
	int rc = dd_registry_take_turn(registry, dd_time_after(dd_time_steady(), PULLS_WAIT_NS),
				       err);

	if (rc < 0)
		return rc;
	rc = dd_pull_notes_flush(serve->server.pulls, serve->ctx, background->store, wait_ns, err);
	dd_registry_end_turn(registry);
	return rc;
}

static void flush_pulls(struct dd_background *background)
{
	struct dd_serve *serve = background->serve;
	struct dd_error err = { 0 };
	int rc = 0;

	if (!serve->owned || atomic_load(&serve->server.config)->readonly ||
	    atomic_load(&serve->server.unready))
		return;
	dd_store_set_gate(background->store, dd_store_get_gate(serve->store));
	rc = write_pulls(background, &err);
	if (rc < 0)
		dd_log(serve->ctx, rc == DD_ELOCKED ? DD_LOG_DEBUG : DD_LOG_WARNING, "%s",
		       err.text);
}

static void purge_uploads(struct dd_serve *serve)
{
	const struct dd_serve_config *config = atomic_load(&serve->server.config);
	struct dd_error err = { 0 };
	uint64_t gone = 0;

	if (!config->purge_enabled || config->purge_dry_run || config->readonly ||
	    atomic_load(&serve->server.unready))
		return;
	if (dd_registry_purge_uploads(serve->server.registry, config->purge_age_ns, &gone, &err) <
	    0)
		dd_log(serve->ctx, DD_LOG_WARNING, "purge uploads: %s", err.text);
	else if (gone)
		dd_log(serve->ctx, DD_LOG_NOTE, "purged %llu uploads that nobody went on with",
		       (unsigned long long)gone);
}

/* Once; beside pushes and pulls, which need nothing of it. */
static void recover_tags(struct dd_serve *serve)
{
	struct dd_error err = { 0 };
	uint64_t mended = 0;

	if (!serve->died_ns || atomic_load(&serve->server.config)->readonly ||
	    atomic_load(&serve->server.unready))
		return;
	if (dd_registry_recover_tags(serve->server.registry, serve->died_ns, &mended, &err) < 0)
		dd_log(serve->ctx, DD_LOG_WARNING, "%s", err.text);
	else
		dd_store_owe(serve->store, 0);
	if (mended)
		dd_log(serve->ctx, DD_LOG_NOTE,
		       "tags that were being written when the server before this one was killed, "
		       "and are whole now: %llu",
		       (unsigned long long)mended);
}

static bool is_due(int64_t *next_ns, int64_t every_ns)
{
	int64_t now = dd_time_steady();

	if (now < *next_ns)
		return false;
	*next_ns = now + every_ns;
	return true;
}

static void *run(void *arg)
{
	struct dd_background *background = arg;
	struct dd_serve *serve = background->serve;
	int64_t pulls = dd_time_steady() + PULLS_NS, look = dd_time_steady() + LOOK_NS, sweep = 0,
		purge = 0;

	recover_tags(serve);
	while (sleep_ns(background, TICK_NS)) {
		int64_t interval = atomic_load(&serve->server.config)->purge_interval_ns;

		if (is_due(&sweep, SWEEP_NS))
			dd_http_sweep(serve->http);
		if (is_due(&look, LOOK_NS))
			look_at_volume(background);
		if (is_due(&pulls, PULLS_NS))
			flush_pulls(background);
		if (is_due(&purge, interval > DD_SECOND ? interval : DD_SECOND))
			purge_uploads(serve);
	}
	return NULL;
}

/* ---- reading everything ---- */

struct reading {
	struct dd_background *background;
	uint64_t rate; /* bytes a second */
	uint64_t blobs, bad, bytes;
};

/* As long as the bytes would have taken at the rate. */
static bool pace(struct reading *reading, uint64_t bytes)
{
	double seconds = (double)bytes / (double)reading->rate;

	return sleep_ns(reading->background, (int64_t)(seconds * 1e9));
}

static int read_blobs(void *arg, const struct dd_digest *digests, size_t count)
{
	struct reading *reading = arg;
	struct dd_registry *registry = reading->background->serve->server.registry;

	for (size_t i = 0; i < count; i++) {
		struct dd_info info = { 0 };
		int rc = dd_prove(registry, &digests[i], &digests[i], &info, NULL);

		reading->blobs++;
		reading->bad += rc == DD_ECORRUPT;
		reading->bytes += info.size;
		if (!pace(reading, info.size))
			return 1;
	}
	return 0;
}

static int pass_over(void *arg, enum dd_strange what, const struct dd_place *directory,
		     const char *name, const struct dd_error *err)
{
	(void)arg;
	(void)what;
	(void)directory;
	(void)name;
	(void)err;
	return 0;
}

static void *read_all(void *arg)
{
	struct dd_background *background = arg;
	struct dd_serve *serve = background->serve;
	uint64_t rate = atomic_load(&serve->server.config)->verify_all_rate;
	struct reading reading = { background, rate ? rate : UINT64_C(50) << 20, 0, 0, 0 };
	const struct dd_blob_visitor visitor = { .blobs = read_blobs,
						 .strange = pass_over,
						 .arg = &reading };
	DD_CLEANUP(dd_context_closep) struct dd_context *ctx = NULL;
	struct dd_error err = { 0 };
	char size[DD_UNIT_TEXT];

	/* One thread, so that the rate is one: a context of its own. */
	if (dd_context_open(&ctx, &err) < 0)
		return NULL;
	dd_context_set_jobs(ctx, 1);
	if (dd_walk_blobs(ctx, serve->store, &visitor, &err) < 0)
		dd_log(serve->ctx, DD_LOG_WARNING, "verify all: %s", err.text);
	else if (sleep_ns(background, 0))
		dd_log(serve->ctx, DD_LOG_NOTE,
		       "all %llu blobs (%s) are verified, %llu are not whole",
		       (unsigned long long)reading.blobs, dd_size_format(reading.bytes, size),
		       (unsigned long long)reading.bad);
	return NULL;
}

/* ---- begin and end ---- */

static int open_store(struct dd_background *background, struct dd_error *err)
{
	struct dd_serve *serve = background->serve;
	const struct dd_store_options options = { .root = dd_store_get_root(serve->store) };

	return dd_store_open(serve->ctx, &options, &background->store, err);
}

int dd_background_start(struct dd_background *background, struct dd_error *err)
{
	struct dd_serve *serve = background->serve;
	bool reads = serve->options.verify_all ||
		     atomic_load(&serve->server.config)->verify_all_rate != 0;
	int sys = pthread_create(&background->thread, NULL, run, background);

	background->has_thread = sys == 0;
	if (sys == 0 && reads) {
		sys = pthread_create(&background->reader, NULL, read_all, background);
		background->has_reader = sys == 0;
	}
	return sys ? dd_fail(err, DD_ENOMEM, sys, "start a thread") : 0;
}

int dd_background_open(struct dd_serve *serve, struct dd_background **out, struct dd_error *err)
{
	struct dd_background *background = calloc(1, sizeof(*background));
	int rc;

	*out = NULL;
	if (!background)
		return dd_fail(err, DD_ENOMEM, 0, "start the server");
	background->serve = serve;
	pthread_mutex_init(&background->lock, NULL);
	dd_condition_init(&background->wake);
	look_at_volume(background);
	rc = open_store(background, err);
	if (rc < 0)
		dd_background_closep(&background);
	*out = background;
	return rc;
}

void dd_background_stop(struct dd_background *background)
{
	if (!background)
		return;
	pthread_mutex_lock(&background->lock);
	background->closing = true;
	pthread_cond_broadcast(&background->wake);
	pthread_mutex_unlock(&background->lock);
	if (background->has_thread)
		pthread_join(background->thread, NULL);
	if (background->has_reader)
		pthread_join(background->reader, NULL);
	background->has_thread = background->has_reader = false;
}

void dd_background_closep(struct dd_background **pointer)
{
	struct dd_background *background = *pointer;

	if (!background)
		return;
	dd_background_stop(background);
	if (background->store && background->serve->server.registry)
		flush_pulls(background);
	dd_store_closep(&background->store);
	pthread_cond_destroy(&background->wake);
	pthread_mutex_destroy(&background->lock);
	free(background);
	*pointer = NULL;
}
