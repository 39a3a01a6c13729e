/*
 * Limits: who may read now, who waits, and for whom the run is over.
 */
#include <stdlib.h>
#include <time.h>

#include "verify/limits.h"

#define NAP_NS (100 * 1000 * 1000)
#define ASK_NS (DD_SECOND / 2) /* the kernel reckons the load anew every five seconds */

int64_t dd_limits_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * DD_SECOND + now.tv_nsec;
}

int dd_limits_nap(struct dd_context *ctx, int64_t ns, struct dd_error *err)
{
	const int64_t piece = ns < NAP_NS ? ns : NAP_NS;
	const struct timespec pause = { piece / DD_SECOND, piece % DD_SECOND };
	int rc = dd_context_check(ctx, err);

	if (rc == 0)
		nanosleep(&pause, NULL);
	return rc;
}

void dd_limits_init(struct dd_limits *limits, struct dd_context *ctx,
		    const struct dd_verify_options *options)
{
	*limits = (struct dd_limits){ .ctx = ctx,
				      .options = options,
				      .pace = { .rate = options->rate },
				      .began_ns = dd_limits_clock() };
	if (options->budget_ns)
		limits->deadline_ns = limits->began_ns + options->budget_ns;
	pthread_mutex_init(&limits->lock, NULL);
}

void dd_limits_release(struct dd_limits *limits)
{
	pthread_mutex_destroy(&limits->lock);
}

static double load_now(const struct dd_verify_options *options)
{
	double minute;

	if (options->get_load)
		return options->get_load(options->arg);
	return getloadavg(&minute, 1) == 1 ? minute : -1;
}

/* With the lock held. */
static void count_waiting(struct dd_limits *limits, int64_t now_ns)
{
	if (limits->busy)
		limits->waited_ns += now_ns - limits->asked_ns;
	limits->busy = false;
}

/* With the lock held. What cannot be known is no reason to wait. */
static bool is_busy(struct dd_limits *limits, int64_t now_ns)
{
	if (!limits->options->limit_load)
		return false;
	if (limits->asked_ns && now_ns - limits->asked_ns < ASK_NS)
		return limits->busy;
	count_waiting(limits, now_ns);
	limits->asked_ns = now_ns;
	limits->busy = load_now(limits->options) > limits->options->max_load;
	return limits->busy;
}

enum turn { TURN_NOW, TURN_LATER, TURN_NEVER };

/* With the lock held. */
static enum turn turn_of(struct dd_limits *limits, uint64_t bytes)
{
	const struct dd_verify_options *options = limits->options;
	int64_t now_ns = dd_limits_clock();

	if (limits->deadline_ns && now_ns >= limits->deadline_ns) {
		count_waiting(limits, now_ns);
		return TURN_NEVER;
	}
	if (options->max_bytes && limits->spent && limits->spent + bytes > options->max_bytes)
		return TURN_NEVER;
	if (is_busy(limits, now_ns))
		return TURN_LATER;
	limits->spent += bytes;
	return TURN_NOW;
}

int dd_limits_begin(struct dd_limits *limits, uint64_t bytes, struct dd_error *err)
{
	const struct dd_verify_options *options = limits->options;

	if (!options->budget_ns && !options->max_bytes && !options->limit_load)
		return 1;
	for (;;) {
		enum turn turn;
		int rc;

		pthread_mutex_lock(&limits->lock);
		turn = turn_of(limits, bytes);
		pthread_mutex_unlock(&limits->lock);
		if (turn != TURN_LATER)
			return turn == TURN_NOW;
		rc = dd_limits_nap(limits->ctx, NAP_NS, err);
		if (rc < 0)
			return rc;
	}
}

int dd_limits_wait(struct dd_limits *limits, uint64_t bytes, struct dd_error *err)
{
	int64_t due, now;

	if (!limits->pace.rate)
		return 0;
	pthread_mutex_lock(&limits->lock);
	due = dd_pace_due(&limits->pace, dd_limits_clock(), bytes);
	pthread_mutex_unlock(&limits->lock);
	while ((now = dd_limits_clock()) < due) {
		int rc = dd_limits_nap(limits->ctx, due - now, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}
