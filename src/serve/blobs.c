/*
 * GET, HEAD and DELETE of a blob.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "serve/cache.h"
#include "serve/server.h"

#define FOREVER "max-age=31536000"

/* ---- ranges ---- */

struct range {
	bool given; /* one that we serve; else all of it */
	uint64_t first, last;
};

static bool take_number(const char **at, uint64_t *number)
{
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	errno = 0;
	*number = strtoull(*at, &end, 10);
	*at = end;
	return errno == 0;
}

/*
 * RFC 9110, 14.2: one range of bytes; several, or what is none, are as good as nothing. False: it lies
 * outside, or ends before it begins (416).
 */
static bool parse_range(const char *text, uint64_t size, struct range *range)
{
	uint64_t first = 0, last = size ? size - 1 : 0;
	bool suffix;

	*range = (struct range){ 0 };
	if (!text || strncmp(text, "bytes=", 6) != 0 || strchr(text, ','))
		return true;
	text += 6;
	suffix = *text == '-';
	if (!suffix && !take_number(&text, &first))
		return true;
	if (*text++ != '-')
		return true;
	if (*text && !take_number(&text, &last))
		return true;
	if (*text || (suffix && text[-1] == '-'))
		return true;
	if (suffix) {
		if (!last || !size)
			return false;
		first = last < size ? size - last : 0;
		last = size - 1;
	}
	if (first >= size || last < first)
		return false;
	if (last >= size)
		last = size - 1;
	*range = (struct range){ true, first, last };
	return true;
}

/* ---- GET ---- */

struct source {
	struct dd_download *stream;
	struct dd_context *ctx;
	uint64_t from;
};

static int64_t read_source(void *arg, uint64_t offset, void *bytes, size_t len, bool may_wait)
{
	struct source *source = arg;
	struct dd_error err = { 0 };
	int64_t got =
		dd_download_read(source->stream, source->from + offset, bytes, len, may_wait, &err);

	if (got < 0 && got != DD_EAGAIN)
		dd_log(source->ctx, DD_LOG_ERROR, "a blob is broken off: %s", err.text);
	return got;
}

static void free_source(void *arg)
{
	struct source *source = arg;

	dd_download_closep(&source->stream);
	free(source);
}

static void blob_headers(struct dd_reply *reply, const struct dd_request *request)
{
	char etag[DD_ROUTE_REFERENCE + 2];

	snprintf(etag, sizeof(etag), "\"%s\"", request->route.reference);
	dd_reply_header(reply, "Content-Type", "application/octet-stream");
	dd_reply_header(reply, "Docker-Content-Digest", request->route.reference);
	dd_reply_header(reply, "ETag", etag);
	dd_reply_header(reply, "Cache-Control", FOREVER);
	dd_reply_header(reply, "Accept-Ranges", "bytes");
}

static void refuse_range(struct dd_request *request, uint64_t size)
{
	struct dd_reply *reply = dd_fail_reply(DD_RANGE_INVALID, NULL);
	char text[40];

	snprintf(text, sizeof(text), "bytes */%" PRIu64, size);
	dd_reply_header(reply, "Content-Range", text);
	dd_request_reply(request, reply);
}

static void reply_stream(struct dd_request *request, struct dd_download **stream,
			 const struct range *range)
{
	uint64_t size = dd_download_get_size(*stream);
	uint64_t len = range->given ? range->last - range->first + 1 : size;
	struct source *source = malloc(sizeof(*source));
	struct dd_reply *reply;
	char text[80];

	if (!source) {
		dd_request_fail(request, DD_TROUBLE, NULL);
		return;
	}
	*source = (struct source){ *stream, request->server->ctx, range->given ? range->first : 0 };
	*stream = NULL;
	reply = dd_reply_stream(request->exchange, range->given ? 206 : 200, len,
				&(struct dd_reply_source){ read_source, free_source, source });
	if (range->given) {
		snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range->first,
			 range->last, size);
		dd_reply_header(reply, "Content-Range", text);
	}
	blob_headers(reply, request);
	dd_request_reply(request, reply);
}

/*
 * NULL: all of it. A part is wanted of what the client has, and not of anything else: RFC 9110, 13.1.5; and by
 * GET alone (14.2), so that HEAD always tells the size.
 */
static const char *wanted_range(struct dd_request *request)
{
	const char *has = dd_exchange_get_header(request->exchange, "If-Range");

	if (request->method != DD_GET)
		return NULL;
	if (has && (!strncmp(has, "W/", 2) || !strstr(has, request->route.reference)))
		return NULL;
	return dd_exchange_get_header(request->exchange, "Range");
}

static void get_blob(struct dd_exchange *exchange)
{
	struct dd_request *request = dd_request_of(exchange);
	struct dd_registry *registry = request->server->registry;
	const char *wanted = wanted_range(request);
	DD_CLEANUP(dd_download_closep) struct dd_download *stream = NULL;
	struct dd_error err = { 0 };
	struct range range;
	int rc;

	/* Not "whole" if a range may be meant: then nothing is streamed that is not proved yet. */
	rc = dd_registry_open_blob(registry, request->route.repository, &request->route.digest,
				   !wanted, &stream, &err);
	if (rc < 0)
		dd_request_fail_by(request, rc, DD_BLOB_UNKNOWN, &err);
	else if (!parse_range(wanted, dd_download_get_size(stream), &range))
		refuse_range(request, dd_download_get_size(stream));
	else
		reply_stream(request, &stream, &range);
}

/* ---- HEAD ---- */

static struct dd_reply *head_reply(const struct dd_request *request, uint64_t size)
{
	struct dd_reply *reply = dd_reply_head(200, size);

	blob_headers(reply, request);
	dd_request_common_headers(request->config, reply);
	return reply;
}

static void look_at_blob(struct dd_exchange *exchange)
{
	struct dd_request *request = dd_request_of(exchange);
	struct dd_server *server = request->server;
	const char *repository = request->route.repository;
	struct dd_cached *cached = dd_cached_new('b', repository, request->route.reference);
	struct dd_error err = { 0 };
	int rc = cached ? 0 : DD_ENOMEM;

	if (cached)
		cached->generation = dd_registry_get_generation(server->registry, repository);
	if (rc == 0)
		rc = dd_registry_look_at_blob(server->registry, repository, &request->route.digest,
					      &cached->size, &err);
	if (rc == 0) {
		cached->reply = head_reply(request, cached->size);
		dd_exchange_reply(exchange, dd_reply_ref(cached->reply));
		if (cached->reply)
			dd_cache_put(server->cache, cached);
	} else {
		dd_request_fail_by(request, rc, DD_BLOB_UNKNOWN, &err);
	}
	dd_cached_unref(cached);
}

static bool head_from_cache(struct dd_request *request)
{
	struct dd_server *server = request->server;
	const char *repository = request->route.repository;
	uint64_t generation = dd_registry_get_generation(server->registry, repository);
	struct dd_cached *cached =
		dd_cache_find(server->cache, 'b', repository, request->route.reference, generation);

	if (!cached)
		return false;
	dd_exchange_reply(request->exchange, dd_reply_ref(cached->reply));
	dd_cached_unref(cached);
	return true;
}

/* What has the digest's name never is another. */
static bool client_has_it(struct dd_request *request)
{
	const char *has = dd_exchange_get_header(request->exchange, "If-None-Match");

	return has && (!strcmp(has, "*") || strstr(has, request->route.reference));
}

static void look_for_304(struct dd_exchange *exchange)
{
	struct dd_request *request = dd_request_of(exchange);
	struct dd_error err = { 0 };
	struct dd_reply *reply;
	uint64_t size;
	int rc = dd_registry_look_at_blob(request->server->registry, request->route.repository,
					  &request->route.digest, &size, &err);

	if (rc < 0) {
		dd_request_fail_by(request, rc, DD_BLOB_UNKNOWN, &err);
		return;
	}
	reply = dd_reply_new(304, "", 0);
	blob_headers(reply, request);
	dd_request_reply(request, reply);
}

void dd_begin_blob(struct dd_request *request)
{
	if (client_has_it(request)) /* counts before a range does: RFC 9110, 13.2.2 */
		dd_exchange_work(request->exchange, look_for_304, true);
	else if (request->method == DD_GET)
		dd_exchange_work(request->exchange, get_blob, true);
	else if (!head_from_cache(request))
		dd_exchange_work(request->exchange, look_at_blob, true);
}

/* ---- DELETE ---- */

static void delete_blob(struct dd_exchange *exchange)
{
	struct dd_request *request = dd_request_of(exchange);
	struct dd_error err = { 0 };
	int rc = dd_registry_delete_blob(request->server->registry, request->route.repository,
					 &request->route.digest, &err);
	struct dd_reply *reply;

	if (rc < 0) {
		dd_request_fail_by(request, rc, DD_BLOB_UNKNOWN, &err);
		return;
	}
	reply = dd_reply_new(202, "", 0);
	dd_reply_header(reply, "Docker-Content-Digest", request->route.reference);
	dd_request_reply(request, reply);
}

static void delete_guarded(struct dd_exchange *exchange)
{
	struct dd_request *request = dd_request_of(exchange);

	dd_request_lock_tags(request);
	if (dd_request_may_lose(request, &request->route.digest))
		delete_blob(exchange);
	dd_request_unlock_tags(request);
}

void dd_begin_delete_blob(struct dd_request *request)
{
	bool guarded = dd_auth_has_immutable(request->server->auth, request->route.repository);

	dd_exchange_work(request->exchange, guarded ? delete_guarded : delete_blob, false);
}
