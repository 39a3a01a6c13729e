/*
 * The context of a long call: where talk goes, how far the work is, whether to stop, how many
 * threads may run. One context may serve many calls, one after the other or at once.
 *
 * The library never prints: messages go to the log function, which may be called from any thread
 * of a call (calls are serialised). Progress is pulled: whoever draws a bar asks for a snapshot.
 */
#ifndef DRYDOCK_CONTEXT_H
#define DRYDOCK_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include <drydock/error.h>

enum dd_log_level { DD_LOG_ERROR, DD_LOG_WARNING, DD_LOG_NOTE, DD_LOG_DEBUG };

/* text is valid during the call; it may hold untrusted bytes. */
typedef void dd_log_fn(void *arg, enum dd_log_level level, const char *text);

struct dd_context;

int dd_context_open(struct dd_context **ctx, struct dd_error *err);
void dd_context_close(struct dd_context *ctx);
void dd_context_closep(struct dd_context **ctx);

/* Messages up to and including level are handed to fn. Set it before the first long call. */
void dd_context_set_log(struct dd_context *ctx, dd_log_fn *fn, void *arg, enum dd_log_level level);

/*
 * Threads a call may use at most; 0 (the default) chooses: enough to hide a cold disk's latency. Of
 * these it uses as many as there are processors, and the others where they wait for something else.
 */
void dd_context_set_jobs(struct dd_context *ctx, unsigned jobs);
unsigned dd_context_get_jobs(const struct dd_context *ctx);

/* Ask every call with this context to stop at its next safe point; async-signal-safe. */
void dd_context_cancel(struct dd_context *ctx);
bool dd_context_cancelled(const struct dd_context *ctx);
/*
 * Ask the same once so long has passed from now; 0: never. A call that is at a point where stopping
 * would leave work to do ignores the limit from there on, and asks by itself whether the time is up.
 */
void dd_context_set_time_limit(struct dd_context *ctx, int64_t ns);
void dd_context_ignore_time_limit(struct dd_context *ctx, bool ignore);
bool dd_context_time_is_up(const struct dd_context *ctx);
/* DD_ECANCELLED if asked to stop, else 0. */
int dd_context_check(const struct dd_context *ctx, struct dd_error *err);

void dd_log(struct dd_context *ctx, enum dd_log_level level, const char *fmt, ...) DD_PRINTF(3, 4);

struct dd_progress {
	const char *phase;  /* static text, NULL if nothing is under way */
	uint64_t done;	    /* items, or bytes */
	uint64_t total;	    /* 0 if not known */
	int64_t started_ns; /* CLOCK_MONOTONIC, when the phase began */
	bool bytes;	    /* what is counted are bytes */
};

void dd_progress_begin(struct dd_context *ctx, const char *phase, uint64_t total);
void dd_progress_begin_bytes(struct dd_context *ctx, const char *phase, uint64_t total);
void dd_progress_add(struct dd_context *ctx, uint64_t done);
void dd_progress_end(struct dd_context *ctx);
void dd_progress_get(const struct dd_context *ctx, struct dd_progress *now);

#endif
