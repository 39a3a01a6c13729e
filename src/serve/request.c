/*
 * A request: what it is, whether it may be, and to which endpoint it goes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <drydock/layout.h>

#include "base/cleanup.h"
#include "serve/access_log.h"
#include "serve/counters.h"
#include "serve/server.h"

#define CHANGES (DD_POST | DD_PUT | DD_PATCH | DD_DELETE)

/* What a method of a route wants, and who does it. */
struct endpoint {
	enum dd_route_kind route;
	unsigned methods;
	unsigned wanted; /* of enum dd_auth_action */
	void (*begin)(struct dd_request *request);
};

static void begin_base(struct dd_request *request)
{
	struct dd_reply *reply = dd_reply_new(200, "{}", 2);

	dd_reply_header(reply, "Content-Type", "application/json");
	dd_request_reply(request, reply);
}

static const struct endpoint endpoints[] = {
	{ DD_ROUTE_BASE, DD_GET | DD_HEAD, 0, begin_base },
	{ DD_ROUTE_TOKEN, DD_GET, 0, dd_begin_token },
	{ DD_ROUTE_CATALOG, DD_GET, DD_AUTH_CATALOG, dd_begin_catalog },
	{ DD_ROUTE_BLOB, DD_GET | DD_HEAD, DD_AUTH_PULL, dd_begin_blob },
	{ DD_ROUTE_BLOB, DD_DELETE, DD_AUTH_DELETE, dd_begin_delete_blob },
	{ DD_ROUTE_UPLOADS, DD_POST, DD_AUTH_PULL | DD_AUTH_PUSH, dd_begin_post_upload },
	{ DD_ROUTE_UPLOAD, DD_GET | DD_HEAD | DD_PATCH | DD_PUT | DD_DELETE,
	  DD_AUTH_PULL | DD_AUTH_PUSH, dd_begin_upload },
	{ DD_ROUTE_MANIFEST, DD_GET | DD_HEAD, DD_AUTH_PULL, dd_begin_manifest },
	{ DD_ROUTE_MANIFEST, DD_PUT, DD_AUTH_PULL | DD_AUTH_PUSH, dd_begin_put_manifest },
	{ DD_ROUTE_MANIFEST, DD_DELETE, DD_AUTH_DELETE, dd_begin_delete_manifest },
	{ DD_ROUTE_TAGS, DD_GET, DD_AUTH_PULL, dd_begin_tags },
	{ DD_ROUTE_REFERRERS, DD_GET, DD_AUTH_PULL, dd_begin_referrers },
};

static const struct {
	const char *name;
	enum dd_method method;
} methods[] = {
	{ "GET", DD_GET },     { "HEAD", DD_HEAD }, { "POST", DD_POST },
	{ "PATCH", DD_PATCH }, { "PUT", DD_PUT },   { "DELETE", DD_DELETE },
};

static enum dd_method method_of(const char *name)
{
	for (size_t i = 0; i < DD_COUNT(methods); i++)
		if (!strcmp(methods[i].name, name))
			return methods[i].method;
	return 0;
}

/* ---- who, and whether ---- */

void dd_request_token_url(const struct dd_request *request, char *url, size_t room)
{
	const char *prefix = request->config->http_prefix;

	url[0] = '\0';
	if (request->base_url[0])
		snprintf(url, room, "%s%sv2/token", request->base_url, prefix ? prefix : "/");
}

/* False: DD_EAGAIN, and nothing has been done. */
static bool authorise(struct dd_request *request, bool may_wait)
{
	char from[DD_ROUTE_REPOSITORY], token_url[DD_TOKEN_URL];
	struct dd_auth_request asked = {
		.authorization = dd_exchange_get_header(request->exchange, "Authorization"),
		.peer = dd_exchange_get_peer(request->exchange),
		.base_url = request->base_url,
		.repository = request->route.repository[0] ? request->route.repository : NULL,
		.wanted = request->endpoint->wanted,
	};
	struct dd_auth_answer answer;
	struct dd_error err = { 0 };
	int rc;

	if (request->route.kind == DD_ROUTE_UPLOADS &&
	    dd_query_get(request->route.query, "from", 0, from, sizeof(from)) > 0 &&
	    dd_repository_valid(from))
		asked.from = from;
	dd_request_token_url(request, token_url, sizeof(token_url));
	asked.token_url = token_url[0] ? token_url : NULL;
	answer.identity = NULL;
	rc = dd_auth_check(request->server->auth, &asked, may_wait, &answer, &err);
	if (rc == DD_EAGAIN && !may_wait)
		return false;
	if (rc < 0) {
		dd_request_fail_by(request, rc, DD_TROUBLE, &err);
		return true;
	}
	request->identity = answer.identity;
	if (answer.verdict == DD_AUTH_ALLOWED)
		request->endpoint->begin(request);
	else
		dd_request_deny(request, &answer);
	return true;
}

static void authorise_late(struct dd_exchange *exchange)
{
	authorise(dd_request_of(exchange), true);
}

/* ---- the beginning ---- */

static void set_allow(struct dd_reply *reply, unsigned allowed)
{
	char text[64] = "";
	size_t len = 0;

	for (size_t i = 0; i < DD_COUNT(methods); i++)
		if (allowed & methods[i].method)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
						len ? ", " : "", methods[i].name);
	dd_reply_header(reply, "Allow", text);
}

/* What a target that has the form of a route gets if it is none. */
static enum dd_failure fault(const struct dd_request *request)
{
	bool reads = request->method & (DD_GET | DD_HEAD | DD_DELETE);

	switch (request->route.fault) {
	case DD_ROUTE_BAD_NAME:
		return DD_NAME_INVALID;
	case DD_ROUTE_BAD_REFERENCE:
		return reads ? DD_MANIFEST_UNKNOWN : DD_TAG_INVALID;
	case DD_ROUTE_BAD_UPLOAD:
		return DD_UPLOAD_UNKNOWN;
	case DD_ROUTE_BAD_DIGEST:
	case DD_ROUTE_FINE:
		break;
	}
	return DD_DIGEST_INVALID;
}

/* NULL, and a reply: there is none for that. */
static const struct endpoint *find_endpoint(struct dd_request *request)
{
	unsigned allowed = 0;
	struct dd_reply *reply;

	for (size_t i = 0; i < DD_COUNT(endpoints); i++) {
		if (endpoints[i].route != request->route.kind)
			continue;
		if (endpoints[i].methods & request->method)
			return &endpoints[i];
		allowed |= endpoints[i].methods;
	}
	if (!allowed) {
		dd_request_fail(request, DD_NO_ROUTE, NULL);
		return NULL;
	}
	/* A browser asks so before it asks at all, and without saying who it is; so it needs no right. */
	if (!strcmp(dd_exchange_get_method(request->exchange), "OPTIONS"))
		reply = dd_reply_new(200, "", 0);
	else
		reply = dd_fail_reply(DD_UNSUPPORTED, "the method");
	set_allow(reply, allowed);
	dd_request_reply(request, reply);
	return NULL;
}

/* False, and a reply: the configuration does not have it. */
static bool is_enabled(struct dd_request *request)
{
	const struct dd_serve_config *config = request->config;
	bool removes = request->method == DD_DELETE && request->route.kind != DD_ROUTE_UPLOAD;
	const char *unready = atomic_load(&request->server->unready);

	if ((request->method & CHANGES) && config->readonly)
		dd_request_fail(request, DD_UNSUPPORTED,
				"storage.maintenance.readonly.enabled is set");
	else if (removes && !config->delete_enabled)
		dd_request_fail(request, DD_UNSUPPORTED,
				"deleting needs storage.delete.enabled: true "
				"(REGISTRY_STORAGE_DELETE_ENABLED=true)");
	else if ((request->method & CHANGES) && unready)
		dd_request_fail(request, DD_UNAVAILABLE, "the registry cannot write to its volume");
	else
		return true;
	return false;
}

static void dispatch(struct dd_request *request)
{
	request->endpoint = find_endpoint(request);
	if (!request->endpoint)
		return;
	if (request->route.fault != DD_ROUTE_FINE)
		dd_request_fail(request, fault(request), NULL);
	else if (request->route.kind == DD_ROUTE_TOKEN)
		request->endpoint->begin(request);
	else if (is_enabled(request) && !authorise(request, false))
		dd_exchange_work(request->exchange, authorise_late, false);
}

static struct dd_request *new_request(struct dd_exchange *exchange)
{
	struct dd_request *request = malloc(sizeof(*request));
	struct timespec now;
	const char *agent;

	if (!request)
		return NULL;
	memset(request, 0, offsetof(struct dd_request, route));
	clock_gettime(CLOCK_MONOTONIC, &now);
	request->began_ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
	request->server = dd_exchange_get_arg(exchange);
	request->config = atomic_load_explicit(&request->server->config, memory_order_acquire);
	request->exchange = exchange;
	request->method = method_of(dd_exchange_get_method(exchange));
	dd_exchange_get_peer(exchange); /* remembered: it cannot be asked for at the end */
	agent = dd_exchange_get_header(exchange, "User-Agent");
	if (agent)
		snprintf(request->agent, sizeof(request->agent), "%s", agent);
	return request;
}

static void begin(struct dd_exchange *exchange)
{
	struct dd_request *request = new_request(exchange);

	dd_exchange_set_data(exchange, request);
	if (!request) {
		dd_exchange_reply(exchange, dd_fail_reply(DD_TROUBLE, NULL));
		return;
	}
	dd_route_parse(dd_exchange_get_target(exchange), request->config->http_prefix,
		       &request->route);
	dd_request_set_base_url(request);
	if (!dd_counters_answer(request, false))
		dispatch(request);
}

/* ---- the end ---- */

static void free_request(struct dd_request *request)
{
	dd_buffer_release(&request->bytes);
	dd_identity_unref(request->identity);
	free(request);
}

/* Of a client that is gone: an upload that is let go of may wait for a collector. */
static void free_late(struct dd_pool_job *job)
{
	struct dd_request *request =
		(struct dd_request *)((char *)job - offsetof(struct dd_request, late));

	dd_request_let_go(request);
	free_request(request);
}

static void log_access(struct dd_request *request)
{
	struct dd_exchange *exchange = request->exchange;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	dd_access_log_add(
		request->server->log,
		&(struct dd_access_entry){
			.peer = dd_exchange_get_peer(exchange),
			.user = dd_request_user(request),
			.agent = request->agent,
			.method = dd_exchange_get_method(exchange),
			.target = dd_exchange_get_target(exchange),
			.repository = request->route.repository,
			.status = dd_exchange_get_status(exchange),
			.complete = dd_exchange_is_complete(exchange),
			.received = dd_exchange_get_received(exchange),
			.sent = dd_exchange_get_sent(exchange),
			.us = (now.tv_sec * INT64_C(1000000000) + now.tv_nsec - request->began_ns) /
			      1000,
		});
}

/* It was refused before anybody looked at what it asks for. */
static void log_unbegun(struct dd_exchange *exchange)
{
	struct dd_server *server = dd_exchange_get_arg(exchange);

	if (server->log)
		dd_access_log_add(server->log,
				  &(struct dd_access_entry){
					  .peer = dd_exchange_get_peer(exchange),
					  .user = "",
					  .agent = "",
					  .method = dd_exchange_get_method(exchange),
					  .target = dd_exchange_get_target(exchange),
					  .repository = "",
					  .status = dd_exchange_get_status(exchange),
					  .complete = dd_exchange_is_complete(exchange),
					  .sent = dd_exchange_get_sent(exchange),
				  });
}

static void refused(void *arg, const char *peer, const char *target, unsigned status)
{
	struct dd_server *server = arg;

	if (server->log)
		dd_access_log_add(server->log, &(struct dd_access_entry){ .peer = peer,
									  .user = "",
									  .agent = "",
									  .method = "",
									  .target = target,
									  .repository = "",
									  .status = status });
}

static void end(struct dd_exchange *exchange)
{
	struct dd_request *request = dd_request_of(exchange);

	if (!request) {
		log_unbegun(exchange);
		return;
	}
	dd_counters_add(request);
	if (request->server->log)
		log_access(request);
	request->exchange = NULL;
	request->late = (struct dd_pool_job){ .run = free_late };
	if (request->upload)
		dd_pool_add(request->server->pool, &request->late);
	else
		free_request(request);
}

static struct dd_reply *trouble(void *arg, unsigned status, const char *why)
{
	struct dd_server *server = arg;
	struct dd_reply *reply = dd_fail_reply(dd_failure_of_status(status), why);

	dd_request_common_headers(atomic_load(&server->config), reply);
	return reply;
}

struct dd_http_app dd_server_app(struct dd_server *server)
{
	return (struct dd_http_app){ begin, end, refused, trouble, server };
}

/* ---- the address for debugging: health and metrics alone ---- */

/* Of the configuration; they are at their usual one, too. */
static bool is_metrics_path(const struct dd_request *request)
{
	const char *target = dd_exchange_get_target(request->exchange);
	const char *path = request->config->metrics_path;
	size_t len = path ? strlen(path) : 0;

	return len && !strncmp(target, path, len) && (!target[len] || target[len] == '?');
}

static void begin_debug(struct dd_exchange *exchange)
{
	struct dd_request *request = new_request(exchange);

	dd_exchange_set_data(exchange, request);
	if (!request) {
		dd_exchange_reply(exchange, dd_fail_reply(DD_TROUBLE, NULL));
		return;
	}
	dd_route_parse(dd_exchange_get_target(exchange), NULL, &request->route);
	if (is_metrics_path(request))
		request->route.kind = DD_ROUTE_METRICS;
	if (!dd_counters_answer(request, true))
		dd_request_fail(request, DD_NO_ROUTE, NULL);
}

struct dd_http_app dd_server_debug_app(struct dd_server *server)
{
	return (struct dd_http_app){ begin_debug, end, refused, trouble, server };
}
