/*
 * A thread that waits for the hour, and a worker each time.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drydock/record.h>
#include <drydock/units.h>

#include "base/cleanup.h"
#include "serve/collect.h"

#define AGAIN (600 * DD_SECOND) /* after a run that somebody else's was in the way of */
#define FIXED 8			/* words that are always there */
#define MILLISECOND (DD_SECOND / 1000)

struct dd_collector {
	struct dd_collector_options options;
	const char **words;
	pthread_t thread;
	bool started;
	_Atomic uint64_t collections, failed;
	_Atomic int64_t collected_ns;
};

extern char **environ;

static void log_line(void *arg, const char *text)
{
	struct dd_collector *collector = arg;

	dd_log(collector->options.worker->ctx, DD_LOG_WARNING, "collection: %s", text);
}

/* "gc -q" talks only if a person is needed. */
static int run_worker(struct dd_collector *collector, int *status, struct dd_error *err)
{
	DD_AUTOCLOSE int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	DD_AUTOCLOSE int said = -1;
	DD_AUTOCLOSE int speaks = -1;
	struct dd_work work = { .words = collector->words,
				.word_count = FIXED + collector->options.word_count,
				.environment = (const char *const *)environ,
				.directory = -1,
				.caller = -1,
				.line = log_line,
				.arg = collector };
	int pair[2];

	if (nothing < 0 || pipe2(pair, O_CLOEXEC) < 0)
		return dd_fail(err, DD_EIO, errno, "begin a collection");
	said = pair[0];
	speaks = pair[1];
	work.said = said;
	work.streams[0] = nothing;
	work.streams[1] = work.streams[2] = speaks;
	while (environ[work.environment_count])
		work.environment_count++;
	return dd_worker_run(collector->options.worker, &work, status, err);
}

/* True: it may be tried again soon. */
static bool collect(struct dd_collector *collector)
{
	struct dd_context *ctx = collector->options.worker->ctx;
	struct dd_error err = { 0 };
	int status = 0, rc;

	collector->collected_ns = dd_time_now();
	collector->collections++;
	rc = run_worker(collector, &status, &err);
	if (rc < 0)
		dd_log(ctx, DD_LOG_ERROR, "collection: %s", err.text);
	else if (!WIFEXITED(status))
		dd_log(ctx, DD_LOG_ERROR, "collection: it was ended by signal %d",
		       WTERMSIG(status));
	else
		dd_log(ctx, WEXITSTATUS(status) ? DD_LOG_WARNING : DD_LOG_NOTE,
		       "collection: done, status %d", WEXITSTATUS(status));
	collector->failed += rc < 0 || status != 0;
	return rc == 0 && WIFEXITED(status) && WEXITSTATUS(status) == DD_EXIT_LOCKED;
}

/* When the last one began, whoever began it; 0: never, as far as is known. */
static int64_t last_began(struct dd_collector *collector)
{
	struct dd_collections collections = { 0 };
	int64_t began_ns = 0;

	if (dd_collections_load(collector->options.worker->store, &collections, NULL) == 0)
		began_ns = collections.last.began_ns;
	dd_collections_release(&collections);
	return began_ns;
}

/* What is left until the next one is due; at most 0: it is. */
static int64_t wait_ns(struct dd_collector *collector, int64_t not_before_ns)
{
	int64_t now = dd_time_now(), began = last_began(collector), due;

	/* A clock that was wrong once must not put collections off for ever. */
	if (began > now)
		began = now;
	due = began ? dd_time_after(began, collector->options.every_ns) : now;
	if (due < not_before_ns)
		due = not_before_ns;
	if (due < now + dd_leases_quiet(collector->options.worker->watch->leases))
		due = now + dd_leases_quiet(collector->options.worker->watch->leases);
	return due - now;
}

static void *collect_every_so_often(void *arg)
{
	struct dd_collector *collector = arg;
	struct pollfd stop = { .fd = collector->options.worker->stop_fd, .events = POLLIN };
	int64_t not_before_ns = 0;

	for (;;) {
		int64_t left_ns = wait_ns(collector, not_before_ns);
		/* By the hour at most: the clock may be set, and others may collect. */
		int64_t pause = left_ns > 3600 * DD_SECOND ? 3600 * DD_SECOND : left_ns;

		if (poll(&stop, 1, left_ns > 0 ? (int)(pause / MILLISECOND) + 1 : 0) > 0)
			return NULL;
		if (left_ns > 0)
			continue;
		not_before_ns = dd_time_after(dd_time_now(), collector->options.every_ns);
		if (collect(collector) && collector->options.every_ns > AGAIN)
			not_before_ns = dd_time_after(dd_time_now(), AGAIN);
	}
}

int dd_collector_open(const struct dd_collector_options *options, struct dd_collector **out,
		      struct dd_error *err)
{
	DD_CLEANUP(dd_collector_closep)
	struct dd_collector *collector = calloc(1, sizeof(*collector));
	/* A deletion by a client is over in no time. */
	const char *fixed[FIXED] = { "drydock", "--root",  NULL,	  "gc",
				     "-q",	"--apply", "--lock-wait", "1m" };
	int sys;

	*out = NULL;
	if (!collector)
		return dd_fail(err, DD_ENOMEM, 0, "begin to collect");
	collector->options = *options;
	fixed[2] = dd_store_get_root(options->worker->store);
	collector->words = calloc(FIXED + options->word_count + 1, sizeof(*collector->words));
	if (!collector->words)
		return dd_fail(err, DD_ENOMEM, 0, "begin to collect");
	memcpy(collector->words, fixed, sizeof(fixed));
	for (size_t i = 0; i < options->word_count; i++)
		collector->words[FIXED + i] = options->words[i];
	sys = pthread_create(&collector->thread, NULL, collect_every_so_often, collector);
	if (sys)
		return dd_fail(err, dd_code_of_errno(sys), sys, "begin to collect");
	collector->started = true;
	*out = collector;
	collector = NULL;
	return 0;
}

void dd_collector_closep(struct dd_collector **collector)
{
	if (!*collector)
		return;
	if ((*collector)->started)
		pthread_join((*collector)->thread, NULL);
	free((*collector)->words);
	free(*collector);
	*collector = NULL;
}

void dd_collector_get_counts(struct dd_collector *collector, struct dd_control_counts *counts)
{
	counts->collections = collector->collections;
	counts->collections_failed = collector->failed;
	counts->collected_ns = collector->collected_ns;
}
