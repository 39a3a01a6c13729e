/*
 * The context: log, progress, cancellation, jobs.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <drydock/context.h>
#include <drydock/units.h>

/* More than there are cores: what hides a cold disk's latency is what is in flight. */
#define DEFAULT_JOBS 32

struct dd_context {
	dd_log_fn *log;
	void *log_arg;
	enum dd_log_level log_level;
	pthread_mutex_t log_lock;
	unsigned jobs;
	atomic_bool cancelled;
	atomic_int_fast64_t deadline_ns; /* CLOCK_MONOTONIC; 0: none */
	atomic_bool unhurried;		 /* the deadline stops nobody who does not ask for it */
	_Atomic(const char *) phase;
	atomic_uint_fast64_t done, total;
	atomic_int_fast64_t started_ns;
	atomic_bool bytes;
};

int dd_context_open(struct dd_context **out, struct dd_error *err)
{
	struct dd_context *ctx = calloc(1, sizeof(*ctx));

	*out = ctx;
	if (!ctx)
		return dd_fail(err, DD_ENOMEM, 0, "open a context");
	pthread_mutex_init(&ctx->log_lock, NULL);
	ctx->jobs = DEFAULT_JOBS;
	return 0;
}

void dd_context_close(struct dd_context *ctx)
{
	if (!ctx)
		return;
	pthread_mutex_destroy(&ctx->log_lock);
	free(ctx);
}

void dd_context_closep(struct dd_context **ctx)
{
	dd_context_close(*ctx);
	*ctx = NULL;
}

void dd_context_set_log(struct dd_context *ctx, dd_log_fn *fn, void *arg, enum dd_log_level level)
{
	ctx->log = fn;
	ctx->log_arg = arg;
	ctx->log_level = level;
}

void dd_context_set_jobs(struct dd_context *ctx, unsigned jobs)
{
	ctx->jobs = jobs ? jobs : DEFAULT_JOBS;
}

unsigned dd_context_get_jobs(const struct dd_context *ctx)
{
	return ctx->jobs;
}

void dd_context_cancel(struct dd_context *ctx)
{
	atomic_store(&ctx->cancelled, true);
}

void dd_context_set_time_limit(struct dd_context *ctx, int64_t ns)
{
	atomic_store(&ctx->deadline_ns, ns ? dd_time_after(dd_time_steady(), ns) : 0);
}

void dd_context_ignore_time_limit(struct dd_context *ctx, bool ignore)
{
	atomic_store(&ctx->unhurried, ignore);
}

bool dd_context_time_is_up(const struct dd_context *ctx)
{
	int64_t deadline_ns = atomic_load_explicit(&ctx->deadline_ns, memory_order_relaxed);

	return deadline_ns && dd_time_steady() >= deadline_ns;
}

static bool hurried(const struct dd_context *ctx)
{
	return !atomic_load_explicit(&ctx->unhurried, memory_order_relaxed) &&
	       dd_context_time_is_up(ctx);
}

bool dd_context_cancelled(const struct dd_context *ctx)
{
	return atomic_load_explicit(&ctx->cancelled, memory_order_relaxed) || hurried(ctx);
}

int dd_context_check(const struct dd_context *ctx, struct dd_error *err)
{
	if (atomic_load_explicit(&ctx->cancelled, memory_order_relaxed))
		return dd_fail(err, DD_ECANCELLED, 0, "interrupted");
	if (hurried(ctx))
		return dd_fail(err, DD_ECANCELLED, 0, "the time limit was reached");
	return 0;
}

void dd_log(struct dd_context *ctx, enum dd_log_level level, const char *fmt, ...)
{
	char text[DD_ERROR_TEXT + 256];
	va_list args;

	if (!ctx->log || level > ctx->log_level)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	pthread_mutex_lock(&ctx->log_lock);
	ctx->log(ctx->log_arg, level, text);
	pthread_mutex_unlock(&ctx->log_lock);
}

static void begin(struct dd_context *ctx, const char *phase, uint64_t total, bool bytes)
{
	atomic_store(&ctx->phase, NULL);
	atomic_store(&ctx->done, 0);
	atomic_store(&ctx->total, total);
	atomic_store(&ctx->bytes, bytes);
	atomic_store(&ctx->started_ns, dd_time_steady());
	atomic_store(&ctx->phase, phase);
}

void dd_progress_begin(struct dd_context *ctx, const char *phase, uint64_t total)
{
	begin(ctx, phase, total, false);
}

void dd_progress_begin_bytes(struct dd_context *ctx, const char *phase, uint64_t total)
{
	begin(ctx, phase, total, true);
}

void dd_progress_add(struct dd_context *ctx, uint64_t done)
{
	atomic_fetch_add_explicit(&ctx->done, done, memory_order_relaxed);
}

void dd_progress_end(struct dd_context *ctx)
{
	atomic_store(&ctx->phase, NULL);
}

void dd_progress_get(const struct dd_context *ctx, struct dd_progress *now)
{
	now->phase = atomic_load(&ctx->phase);
	now->done = atomic_load(&ctx->done);
	now->total = atomic_load(&ctx->total);
	now->started_ns = atomic_load(&ctx->started_ns);
	now->bytes = atomic_load(&ctx->bytes);
}
