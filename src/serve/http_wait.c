/*
 * What a link is at, who still has it, and waiting: its connection is suspended while a job has its
 * exchange.
 */
#include <stdlib.h>
#include <time.h>

#include "serve/http_private.h"

int64_t http_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void link_enter(struct link *link, enum link_phase phase)
{
	atomic_store_explicit(&link->since_ns, http_now_ns(), memory_order_relaxed);
	atomic_store_explicit(&link->phase, phase, memory_order_relaxed);
}

void link_ref(struct link *link)
{
	atomic_fetch_add(&link->refs, 1);
}

void link_unref(struct link *link)
{
	if (atomic_fetch_sub(&link->refs, 1) != 1)
		return;
	pthread_mutex_destroy(&link->exchange.body.lock);
	free(link->target);
	free(link);
}

/* ---- suspending ---- */

void http_suspend(struct dd_exchange *exchange)
{
	link_enter(link_of(exchange), LINK_WAITING);
	MHD_suspend_connection(exchange->connection);
}

void http_resume(struct dd_exchange *exchange)
{
	link_enter(link_of(exchange), LINK_BUSY);
	MHD_resume_connection(exchange->connection);
}

bool http_suspend_for(struct dd_exchange *exchange, bool slow, void (*run)(struct dd_pool_job *job))
{
	struct dd_http *http = http_of(exchange);
	bool open;

	pthread_mutex_lock(&http->gate);
	open = !http->closing;
	if (open) {
		exchange->job = (struct dd_pool_job){ .run = run, .slow = slow };
		http_suspend(exchange);
		dd_pool_add(http->options.pool, &exchange->job);
	}
	pthread_mutex_unlock(&http->gate);
	return open;
}
