/*
 * An exchange, from its headers to its end.
 *
 * libmicrohttpd calls http_answer() once when the headers are here, for each piece of the body, and a
 * last time when all is here; and again whenever a suspended connection goes on. A reply that is given
 * before the body is read ends the connection, so a request without a body is begun with its last call.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "serve/http_private.h"

/* Jobs that wait for a thread, over which no more are begun. */
#define QUEUE_MAX 1024

/* ---- what the application asks for and tells ---- */

static void run_work(struct dd_pool_job *job)
{
	struct dd_exchange *exchange = exchange_of_job(job);
	dd_exchange_fn *work = exchange->work;

	exchange->work = NULL;
	work(exchange);
	http_resume(exchange);
}

void dd_exchange_work(struct dd_exchange *exchange, dd_exchange_fn *fn, bool slow)
{
	if (dd_pool_get_waiting(http_of(exchange)->options.pool) >= QUEUE_MAX) {
		exchange_trouble(exchange, 503, "too much is waiting for the disk already");
		return;
	}
	exchange->work = fn;
	exchange->work_slow = slow;
}

void dd_exchange_receive(struct dd_exchange *exchange, const struct dd_body *body)
{
	exchange->body.ops = body;
}

/* ---- the stages ---- */

/*
 * The parts of the first line lie where they came, each ended in its place. What is between one and the
 * next beyond that was behind a NUL, at which the library has cut it off, and a proxy before us may not have.
 */
static bool is_next(const struct dd_exchange *exchange, const char *part, size_t len,
		    const char *next)
{
	uintptr_t end = (uintptr_t)part + len + 1, begin = (uintptr_t)next;

	/* Where there is no next part it lies anywhere. */
	return begin <= end || begin - end > http_of(exchange)->options.head_max;
}

static void meet(struct dd_exchange *exchange, const char *target, const char *method,
		 const char *version)
{
	const char *length = dd_exchange_get_header(exchange, "Content-Length");
	const char *coding = dd_exchange_get_header(exchange, "Transfer-Encoding");
	const char *expect = dd_exchange_get_header(exchange, "Expect");

	snprintf(exchange->method, sizeof(exchange->method), "%s", method);
	exchange->length = length ? strtoull(length, NULL, 10) : 0;
	if (coding)
		exchange->length = UINT64_MAX;
	exchange->has_body = exchange->length != 0;
	atomic_store_explicit(&link_of(exchange)->unfinished, exchange->has_body,
			      memory_order_relaxed);
	exchange->old = !strcmp(version, "HTTP/1.0");
	exchange->torn = !is_next(exchange, method, strlen(method), target) ||
			 !is_next(exchange, target, strlen(link_of(exchange)->target), version);
	exchange->expects = expect && !strcasecmp(expect, "100-continue");
	atomic_fetch_add(&http_of(exchange)->busy, 1);
	link_enter(link_of(exchange), LINK_BUSY);
}

static enum MHD_Result go_on(struct dd_exchange *exchange)
{
	if (exchange->work) {
		if (http_suspend_for(exchange, exchange->work_slow, run_work))
			return MHD_YES;
		exchange->work(exchange);
		exchange->work = NULL;
	}
	if (exchange->reply)
		return exchange->has_body ? exchange_refuse_body(exchange) :
					    exchange_queue(exchange);
	if (exchange->body.ops && body_begin(exchange)) {
		if (exchange->work)
			return go_on(exchange);
		exchange->state = EXCHANGE_BODY;
		return exchange->has_body ? MHD_YES : body_end(exchange);
	}
	exchange_trouble(exchange, 500, "nothing was made of the request");
	return go_on(exchange);
}

static enum MHD_Result begin(struct dd_exchange *exchange)
{
	exchange->state = EXCHANGE_BEGUN;
	http_of(exchange)->options.app.begin(exchange);
	return go_on(exchange);
}

enum MHD_Result http_answer(void *arg, struct MHD_Connection *connection, const char *url,
			    const char *method, const char *version, const char *bytes, size_t *len,
			    void **context)
{
	struct dd_exchange *exchange = *context;

	(void)arg;
	(void)connection;
	if (!exchange || link_of(exchange)->refused)
		return MHD_NO;
	switch (exchange->state) {
	case EXCHANGE_HEAD:
		meet(exchange, url, method, version);
		if (!exchange_may_begin(exchange)) {
			exchange->state = EXCHANGE_BEGUN;
			return exchange_queue(exchange);
		}
		if (exchange->has_body)
			return begin(exchange);
		exchange->state = EXCHANGE_READY;
		return MHD_YES;
	case EXCHANGE_READY:
		return begin(exchange);
	case EXCHANGE_BEGUN:
		return go_on(exchange);
	case EXCHANGE_BODY:
		return *len ? body_data(exchange, bytes, len) : body_end(exchange);
	case EXCHANGE_DISCARD:
		return exchange_discard(exchange, len);
	case EXCHANGE_LAST:
		return exchange_queue(exchange);
	case EXCHANGE_REPLIED:
		return MHD_YES;
	case EXCHANGE_NONE:
		break;
	}
	return MHD_NO;
}

/* ---- the end ---- */

/* The request has come to its end, and so has every job of it. */
static void finish(struct dd_exchange *exchange)
{
	struct dd_http *http = http_of(exchange);

	http->options.app.end(exchange);
	dd_reply_unref(exchange->reply);
	body_release(exchange);
	exchange->reply = NULL;
	exchange->data = NULL;
	exchange->work = NULL;
	exchange->late = (struct late_read){ 0 };
	exchange->complete = exchange->cut = false;
	atomic_store_explicit(&exchange->sent, 0, memory_order_relaxed);
	exchange->state = EXCHANGE_NONE;
	link_enter(link_of(exchange), LINK_IDLE);
	atomic_fetch_sub(&http->busy, 1);
}

/* Its headers never came to their end, or libmicrohttpd has refused them. */
static void note_head(struct dd_exchange *exchange)
{
	struct link *link = link_of(exchange);
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_HTTP_STATUS);

	exchange->state = EXCHANGE_NONE;
	if (!link->refused)
		link_note_refused(link, link->target, info ? info->http_status : link->told);
}

void http_completed(void *arg, struct MHD_Connection *connection, void **context,
		    enum MHD_RequestTerminationCode code)
{
	struct dd_exchange *exchange = *context;

	(void)arg;
	(void)connection;
	*context = NULL;
	if (!exchange || exchange->state == EXCHANGE_NONE)
		return;
	if (exchange->state == EXCHANGE_HEAD) {
		note_head(exchange);
		return;
	}
	exchange->complete = exchange->cut || (code == MHD_REQUEST_TERMINATED_COMPLETED_OK &&
					       exchange->state == EXCHANGE_REPLIED);
	if (body_abandon(exchange, finish))
		finish(exchange);
}
