/*
 * The registry's HTTP API: what a server consists of, and one request of it.
 *
 * A request that can be answered without waiting is answered at once (cache.h); what has to wait runs in
 * a job, which ends with a reply.
 */
#ifndef SERVE_SERVER_H
#define SERVE_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#include <drydock/registry.h>

#include "serve/auth.h"
#include "serve/config.h"
#include "serve/fail.h"
#include "serve/http.h"
#include "serve/route.h"

struct dd_cache;
struct dd_access_log;
struct dd_counters;
struct dd_pull_notes;
struct dd_events;

#define DD_IMMUTABLE_LOCKS 64

struct dd_server {
	struct dd_context *ctx;
	struct dd_store *store;
	struct dd_registry *registry;
	struct dd_auth *auth;
	struct dd_pool *pool;
	struct dd_cache *cache;
	struct dd_access_log *log; /* NULL: none is wanted */
	struct dd_counters *counters;
	struct dd_pull_notes *pulls;
	struct dd_events *events; /* NULL: nobody is told */
	/* A reload puts another one here; those before it live as long as the server. */
	const struct dd_serve_config *_Atomic config;
	/* Why the volume cannot be written to (static or as old as the server); NULL: it can. */
	const char *_Atomic unready;
	/* Looking at an immutable tag and writing it is one step. */
	pthread_mutex_t immutable[DD_IMMUTABLE_LOCKS];
};

enum dd_method {
	DD_GET = 1 << 0,
	DD_HEAD = 1 << 1,
	DD_POST = 1 << 2,
	DD_PUT = 1 << 3,
	DD_PATCH = 1 << 4,
	DD_DELETE = 1 << 5
};

#define DD_AGENT 200

struct dd_request {
	struct dd_server *server;
	const struct dd_serve_config *config;
	struct dd_exchange *exchange;
	const struct endpoint *endpoint;
	enum dd_method method;
	struct dd_identity *identity; /* NULL until it is known */
	int64_t began_ns;	      /* CLOCK_MONOTONIC */
	char agent[DD_AGENT];

	/* of pushes */
	struct dd_upload *upload;
	bool sole;		/* the upload is this request's alone, and goes with it */
	struct dd_buffer bytes; /* a manifest's */
	struct dd_body body;	/* likewise */
	uint64_t offset;	/* Content-Range: where the chunk begins; UINT64_MAX: not said */
	uint64_t chunk;		/* and its length */
	bool has_digest;
	struct dd_digest digest; /* ?digest= */
	struct dd_pool_job late; /* lets go of the upload when the client is gone */
	char base_url[300];	 /* "https://registry.example", "" for relative Locations */

	struct dd_route route; /* last: it is large */
};

static inline struct dd_request *dd_request_of(struct dd_exchange *exchange)
{
	return dd_exchange_get_data(exchange);
}

/* "" for anonymous. */
static inline const char *dd_request_user(const struct dd_request *request)
{
	return request->identity ? dd_identity_get_user(request->identity) : "";
}

/* The application of the HTTP server; debug: of the one that has only health and metrics. */
struct dd_http_app dd_server_app(struct dd_server *server);
struct dd_http_app dd_server_debug_app(struct dd_server *server);

/* ---- for the endpoints ---- */

/* Replies, with the headers that all have. */
void dd_request_reply(struct dd_request *request, struct dd_reply *reply);
void dd_request_fail(struct dd_request *request, enum dd_failure failure, const char *detail);
/*
 * By the code of an error of the registry: what is the client's becomes a failure, of which not_found is
 * that of DD_ENOENT; what is ours is logged, and told as no more than that.
 */
void dd_request_fail_by(struct dd_request *request, int rc, enum dd_failure not_found,
			const struct dd_error *err);
/* Into a reply: the server's own headers and those of the configuration. */
void dd_request_common_headers(const struct dd_serve_config *config, struct dd_reply *reply);
/* "Location", absolute or relative as is configured. */
void dd_request_location(struct dd_request *request, struct dd_reply *reply, const char *fmt, ...)
	DD_PRINTF(3, 4);
/* From the headers: how the client reached us. */
void dd_request_set_base_url(struct dd_request *request);
/*
 * Of the upload that is in its hands. What was begun by the request that would have ended it, and did not,
 * is known to nobody: that goes.
 */
void dd_request_let_go(struct dd_request *request);
/* 401 or 403, as the answer says. */
void dd_request_deny(struct dd_request *request, const struct dd_auth_answer *answer);
/* Where the client finds tokens of ours; "": it did not say where it reached us. */
#define DD_TOKEN_URL 600
void dd_request_token_url(const struct dd_request *request, char *url, size_t room);

/* The endpoints, begun in a thread that must not wait: blobs.c, uploads.c, manifests.c, lists.c. */
void dd_begin_blob(struct dd_request *request);
void dd_begin_delete_blob(struct dd_request *request);
void dd_begin_post_upload(struct dd_request *request);
void dd_begin_upload(struct dd_request *request);
void dd_begin_manifest(struct dd_request *request);
void dd_begin_put_manifest(struct dd_request *request);
void dd_begin_delete_manifest(struct dd_request *request);
void dd_begin_tags(struct dd_request *request);
void dd_begin_catalog(struct dd_request *request);
void dd_begin_token(struct dd_request *request);
void dd_begin_referrers(struct dd_request *request);

/* Before tags are written or deleted: false, and a reply, if one of them is immutable. */
bool dd_request_may_tag(struct dd_request *request, const char *const *tags, size_t count,
			const struct dd_digest *digest);
/* Whether no immutable tag needs the digest, which is to go from the repository. False: a reply was made. */
bool dd_request_may_lose(struct dd_request *request, const struct dd_digest *digest);
void dd_request_lock_tags(struct dd_request *request);
void dd_request_unlock_tags(struct dd_request *request);

#endif
