/*
 * An exchange, from its headers to its end.
 *
 * libmicrohttpd calls http_answer() once when the headers are here, for each piece of the body, and a
 * last time when all is here; and again whenever a suspended connection goes on. A reply that is given
 * before the body is read ends the connection, so a request without a body is begun with its last call.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "serve/http_private.h"

/* A body that nobody wants is read all the same if it is no larger: so its connection can go on. */
#define DRAIN_MAX (UINT64_C(256) << 10)
/* Jobs that wait for a thread, over which no more are begun. */
#define QUEUE_MAX 1024

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

void dd_exchange_reply(struct dd_exchange *exchange, struct dd_reply *reply)
{
	if (exchange->reply)
		dd_reply_unref(reply);
	else
		exchange->reply = reply;
}

void exchange_trouble(struct dd_exchange *exchange, unsigned status, const char *why)
{
	const struct dd_http_app *app = &http_of(exchange)->options.app;

	dd_exchange_reply(exchange, app->trouble(app->arg, status, why));
}

/* ---- the stages ---- */

static const char *header(struct dd_exchange *exchange, const char *name)
{
	return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

static void meet(struct dd_exchange *exchange, const char *method, const char *version)
{
	const char *length = header(exchange, "Content-Length");
	const char *coding = header(exchange, "Transfer-Encoding");
	const char *expect = header(exchange, "Expect");

	snprintf(exchange->method, sizeof(exchange->method), "%s", method);
	exchange->length = length ? strtoull(length, NULL, 10) : 0;
	if (coding)
		exchange->length = UINT64_MAX;
	exchange->has_body = exchange->length != 0;
	atomic_store_explicit(&link_of(exchange)->unfinished, exchange->has_body,
			      memory_order_relaxed);
	exchange->old = !strcmp(version, "HTTP/1.0");
	exchange->expects = expect && !strcasecmp(expect, "100-continue");
	atomic_fetch_add(&http_of(exchange)->busy, 1);
	link_enter(link_of(exchange), LINK_BUSY);
}

enum MHD_Result exchange_queue(struct dd_exchange *exchange)
{
	struct dd_reply *reply = exchange->reply;

	exchange->state = EXCHANGE_REPLIED;
	atomic_store_explicit(&link_of(exchange)->unfinished, false, memory_order_relaxed);
	if (!reply || !reply->response)
		return MHD_NO;
	if (!reply->stream && strcmp(exchange->method, "HEAD") != 0)
		atomic_store_explicit(&exchange->sent, reply->len, memory_order_relaxed);
	if (http_of(exchange)->quiet)
		MHD_set_connection_option(exchange->connection, MHD_CONNECTION_OPTION_TIMEOUT, 5u);
	return MHD_queue_response(exchange->connection, reply->status, reply->response);
}

/* The reply came before the body. */
static enum MHD_Result refuse_body(struct dd_exchange *exchange)
{
	if (exchange->expects || exchange->length > DRAIN_MAX) {
		link_of(exchange)->lingers = true;
		return exchange_queue(exchange);
	}
	exchange->state = EXCHANGE_DISCARD;
	return MHD_YES;
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
		return exchange->has_body ? refuse_body(exchange) : exchange_queue(exchange);
	if (exchange->body.ops && body_begin(exchange)) {
		if (exchange->work)
			return go_on(exchange);
		exchange->state = EXCHANGE_BODY;
		return exchange->has_body ? MHD_YES : body_end(exchange);
	}
	exchange_trouble(exchange, 500, "out of memory");
	return go_on(exchange);
}

static enum MHD_Result begin(struct dd_exchange *exchange)
{
	exchange->state = EXCHANGE_BEGUN;
	http_of(exchange)->options.app.begin(exchange);
	return go_on(exchange);
}

/* What is left of a body that nobody wants; as much as would be drained at the beginning. */
enum MHD_Result exchange_discard(struct dd_exchange *exchange, size_t *len)
{
	struct body *body = &exchange->body;

	if (!*len)
		return exchange_queue(exchange);
	if (exchange->length == UINT64_MAX ||
	    exchange->length - body->received - body->discarded > DRAIN_MAX)
		return exchange_cut(exchange);
	body->discarded += *len;
	*len = 0;
	return MHD_YES;
}

enum MHD_Result http_answer(void *arg, struct MHD_Connection *connection, const char *url,
			    const char *method, const char *version, const char *bytes, size_t *len,
			    void **context)
{
	struct dd_exchange *exchange = *context;

	(void)arg;
	(void)connection;
	(void)url;
	if (!exchange || link_of(exchange)->refused)
		return MHD_NO;
	switch (exchange->state) {
	case EXCHANGE_HEAD:
		meet(exchange, method, version);
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

void exchange_finish(struct dd_exchange *exchange)
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
	if (body_abandon(exchange))
		exchange_finish(exchange);
}

/* ---- what can be asked ---- */

const char *dd_exchange_get_method(const struct dd_exchange *exchange)
{
	return exchange->method;
}

const char *dd_exchange_get_target(const struct dd_exchange *exchange)
{
	return link_of(exchange)->target;
}

const char *dd_exchange_get_header(struct dd_exchange *exchange, const char *name)
{
	return header(exchange, name);
}

static void format_peer(const struct sockaddr *address, char text[static PEER_TEXT])
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (address && address->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)address;

		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(text, PEER_TEXT, "%s:%u", host, ntohs(in->sin_port));
	} else if (address && address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const void *)address;

		inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof(host));
		snprintf(text, PEER_TEXT, "[%s]:%u", host, ntohs(in->sin6_port));
	} else {
		snprintf(text, PEER_TEXT, "@");
	}
}

const char *dd_exchange_get_peer(struct dd_exchange *exchange)
{
	const union MHD_ConnectionInfo *info;

	if (!exchange->peer[0]) {
		info = MHD_get_connection_info(exchange->connection,
					       MHD_CONNECTION_INFO_CLIENT_ADDRESS);
		format_peer(info ? info->client_addr : NULL, exchange->peer);
	}
	return exchange->peer;
}

bool dd_exchange_is_tls(const struct dd_exchange *exchange)
{
	return http_of(exchange)->options.tls != NULL;
}

uint64_t dd_exchange_get_length(const struct dd_exchange *exchange)
{
	return exchange->length;
}

uint64_t dd_exchange_get_received(const struct dd_exchange *exchange)
{
	return exchange->body.received;
}

uint64_t dd_exchange_get_sent(const struct dd_exchange *exchange)
{
	return atomic_load_explicit(&exchange->sent, memory_order_relaxed);
}

unsigned dd_exchange_get_status(const struct dd_exchange *exchange)
{
	return exchange->reply ? exchange->reply->status : 0;
}

bool dd_exchange_is_complete(const struct dd_exchange *exchange)
{
	return exchange->complete;
}

void *dd_exchange_get_arg(const struct dd_exchange *exchange)
{
	return http_of(exchange)->options.app.arg;
}

void dd_exchange_set_data(struct dd_exchange *exchange, void *data)
{
	exchange->data = data;
}

void *dd_exchange_get_data(const struct dd_exchange *exchange)
{
	return exchange->data;
}
