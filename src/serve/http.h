/*
 * HTTP/1.1 by libmicrohttpd, and the only part that knows it: connections, headers, bodies in,
 * replies out. What a request means is the application's to say (struct dd_http_app).
 *
 * Its threads never wait for a disk. An exchange (a request and its reply) that has to is handed to
 * the pool by dd_exchange_work(), its connection suspended meanwhile. A body is never held whole:
 * while the application takes one buffer of it, in a job, the next one is filled.
 *
 * An exchange belongs to one thread at a time: one of ours, or the job's.
 */
#ifndef SERVE_HTTP_H
#define SERVE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <drydock/context.h>

#include "serve/pool.h"

struct dd_http;
struct dd_exchange;
struct dd_reply;
struct dd_tls;

/* ---- the application ---- */

typedef void dd_exchange_fn(struct dd_exchange *exchange);

/*
 * What becomes of a body. All but begin run in jobs, one after the other. Whoever sets a reply before
 * the end has the rest of the body read and thrown away, or the connection cut.
 */
struct dd_body {
	dd_exchange_fn *prepare; /* before the first byte; large bodies wait for its verdict */
	void (*take)(struct dd_exchange *exchange, const void *bytes, size_t len); /* in order */
	dd_exchange_fn *done; /* has to set a reply */
	uint64_t max;	      /* bytes; a longer one is refused with 413. 0: no bound */
};

struct dd_http_app {
	/*
	 * A request's headers are here. In a thread of ours: must not wait. Sets a reply, or asks for
	 * the body, or for a job that will set a reply.
	 */
	dd_exchange_fn *begin;
	/* The reply has been sent, or the client is gone. In any thread: must not wait. */
	dd_exchange_fn *end;
	/*
	 * A request that was never begun: its headers could not be read, or its client was not let in. target is
	 * "" if it is not known, status 0 if nothing was replied. In a thread of ours: must not wait.
	 */
	void (*refused)(void *arg, const char *peer, const char *target, unsigned status);
	/*
	 * A reply for what went wrong here: a request that is none (400), too slow a client (408), too long a
	 * body (413), too many connections (429), too much to do (503), 500.
	 */
	struct dd_reply *(*trouble)(void *arg, unsigned status, const char *why);
	void *arg;
};

/* ---- the server ---- */

struct dd_http_options {
	int listen_fd; /* bound and listening; the caller's */
	unsigned threads;
	unsigned connections_max, per_address_max; /* per_address_max 0: no bound */
	unsigned timeout_s;			   /* without any byte */
	unsigned head_timeout_s;		   /* until a request's headers are here */
	size_t head_max;			   /* bytes of a request's headers, about */
	struct dd_tls *tls;			   /* NULL: plain */
	struct dd_pool *pool;
	struct dd_http_app app;
};

int dd_http_open(struct dd_context *ctx, const struct dd_http_options *options,
		 struct dd_http **http, struct dd_error *err);
/* No new connections; what is under way goes on, and a connection ends with its reply. */
void dd_http_quiesce(struct dd_http *http);
/* Exchanges that are under way, and connections. */
unsigned dd_http_get_busy(struct dd_http *http);
unsigned dd_http_get_connections(struct dd_http *http);
/* Ends connections whose client does not get on with its request: called now and then. */
void dd_http_sweep(struct dd_http *http);
/* What is under way is cut off. */
void dd_http_closep(struct dd_http **http);

/* ---- an exchange ---- */

/* Texts live as long as the exchange. */
const char *dd_exchange_get_method(const struct dd_exchange *exchange);
/* The request's target as it came: nothing is decoded. */
const char *dd_exchange_get_target(const struct dd_exchange *exchange);
/* NULL: there is none. Not while the body is being received. */
const char *dd_exchange_get_header(struct dd_exchange *exchange, const char *name);
/* "192.0.2.1:55512", "[2001:db8::1]:55512" */
const char *dd_exchange_get_peer(struct dd_exchange *exchange);
bool dd_exchange_is_tls(const struct dd_exchange *exchange);
/* Content-Length; UINT64_MAX: not known beforehand. */
uint64_t dd_exchange_get_length(const struct dd_exchange *exchange);
/* Of the body so far; of the reply so far. */
uint64_t dd_exchange_get_received(const struct dd_exchange *exchange);
uint64_t dd_exchange_get_sent(const struct dd_exchange *exchange);
/* 0: there is no reply yet. */
unsigned dd_exchange_get_status(const struct dd_exchange *exchange);
/* In end(): the whole reply has been sent. */
bool dd_exchange_is_complete(const struct dd_exchange *exchange);
/* The http.app.arg of the server. */
void *dd_exchange_get_arg(const struct dd_exchange *exchange);
/* The application's own. */
void dd_exchange_set_data(struct dd_exchange *exchange, void *data);
void *dd_exchange_get_data(const struct dd_exchange *exchange);

/* In begin() alone; the last word is what counts. */
void dd_exchange_work(struct dd_exchange *exchange, dd_exchange_fn *fn, bool slow);
void dd_exchange_receive(struct dd_exchange *exchange, const struct dd_body *body);

/* ---- replies ---- */

/*
 * Shared by count: a prepared one can be the answer to many exchanges at once. NULL without memory,
 * which all functions here take, and which becomes the end of the connection.
 */
struct dd_reply *dd_reply_new(unsigned status, const void *bytes, size_t len); /* copied */
/* For HEAD: a body of that length is told of. */
struct dd_reply *dd_reply_head(unsigned status, uint64_t len);
/*
 * Bytes by a callback, from 0 to len in order. may_wait false: DD_EAGAIN sends it into a job, where it
 * is called again with true. 0 or another error: the connection is cut. free is called at the end.
 */
struct dd_reply_source {
	int64_t (*read)(void *arg, uint64_t offset, void *bytes, size_t len, bool may_wait);
	void (*free)(void *arg);
	void *arg;
};
struct dd_reply *dd_reply_stream(struct dd_exchange *exchange, unsigned status, uint64_t len,
				 const struct dd_reply_source *source);
void dd_reply_header(struct dd_reply *reply, const char *name, const char *value);
struct dd_reply *dd_reply_ref(struct dd_reply *reply);
void dd_reply_unref(struct dd_reply *reply);

/* Takes over the reply. Of two the first counts. */
void dd_exchange_reply(struct dd_exchange *exchange, struct dd_reply *reply);

#endif
