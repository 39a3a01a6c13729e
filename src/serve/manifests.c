/*
 * GET, HEAD, PUT and DELETE of manifests and tags.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/layout.h>

#include "base/cleanup.h"
#include "serve/cache.h"
#include "serve/events_note.h"
#include "serve/pull_notes.h"
#include "serve/server.h"

#define TAGS_MAX 100 /* of one push */

/* ---- GET and HEAD ---- */

static void manifest_headers(struct dd_reply *reply, const struct dd_request *request,
			     const struct dd_cached *cached)
{
	char text[DD_DIGEST_TEXT];

	dd_reply_header(reply, "Content-Type", cached->media_type);
	dd_reply_header(reply, "Docker-Content-Digest", dd_digest_format(&cached->digest, text));
	dd_reply_header(reply, "ETag", cached->etag);
	dd_request_common_headers(request->config, reply);
}

/* Without its quotes, too, as the registry takes it. */
static bool is_same(struct dd_request *request, const struct dd_cached *cached)
{
	const char *has = dd_exchange_get_header(request->exchange, "If-None-Match");

	return has && (memmem(has, strlen(has), cached->etag + 1, strlen(cached->etag) - 2) ||
		       !strcmp(has, "*"));
}

static void serve_cached(struct dd_request *request, struct dd_cached *cached)
{
	bool same = is_same(request, cached);

	dd_exchange_reply(request->exchange, dd_reply_ref(same ? cached->same : cached->reply));
	dd_pull_notes_add(request->server->pulls, request->route.repository,
			  request->route.reference, &cached->noted_ns);
	if (request->method == DD_GET)
		dd_note_manifest(request, DD_EVENT_PULL, &cached->digest, cached->size,
				 cached->media_type,
				 request->route.by_digest ? NULL : request->route.reference);
}

/* Takes the media type. */
static void fill(struct dd_cached *cached, const struct dd_request *request,
		 struct dd_pulled *pulled)
{
	char text[DD_DIGEST_TEXT];

	cached->digest = pulled->digest;
	cached->size = pulled->bytes.len;
	cached->media_type = pulled->media_type;
	pulled->media_type = NULL;
	snprintf(cached->etag, sizeof(cached->etag), "\"%s\"",
		 dd_digest_format(&cached->digest, text));
	cached->bytes += pulled->bytes.len;
	cached->reply = dd_reply_new(200, pulled->bytes.bytes, pulled->bytes.len);
	cached->same = dd_reply_new(304, "", 0);
	manifest_headers(cached->reply, request, cached);
	manifest_headers(cached->same, request, cached);
}

static int look(struct dd_request *request, struct dd_cached *cached, struct dd_error *err)
{
	struct dd_registry *registry = request->server->registry;
	const struct dd_route *route = &request->route;
	DD_CLEANUP(dd_pulled_release) struct dd_pulled pulled = { 0 };
	int rc;

	cached->generation = dd_registry_get_generation(registry, route->repository);
	rc = dd_registry_get_manifest(registry, route->repository,
				      route->by_digest ? NULL : route->reference,
				      route->by_digest ? &route->digest : NULL, &pulled, err);
	if (rc == 0)
		fill(cached, request, &pulled);
	return rc;
}

static void get_manifest(struct dd_exchange *exchange)
{
	struct dd_request *request = dd_request_of(exchange);
	struct dd_cached *cached =
		dd_cached_new('m', request->route.repository, request->route.reference);
	struct dd_error err = { 0 };
	int rc = cached ? look(request, cached, &err) : DD_ENOMEM;

	if (rc == 0) {
		serve_cached(request, cached);
		if (cached->reply && cached->same)
			dd_cache_put(request->server->cache, cached);
	} else {
		dd_request_fail_by(request, rc, DD_MANIFEST_UNKNOWN, &err);
	}
	dd_cached_unref(cached);
}

void dd_begin_manifest(struct dd_request *request)
{
	struct dd_server *server = request->server;
	const char *repository = request->route.repository;
	struct dd_cached *cached =
		dd_cache_find(server->cache, 'm', repository, request->route.reference,
			      dd_registry_get_generation(server->registry, repository));

	if (!cached) {
		dd_exchange_work(request->exchange, get_manifest, true);
		return;
	}
	serve_cached(request, cached);
	dd_cached_unref(cached);
}

/* ---- immutable tags ---- */

static pthread_mutex_t *lock_of(struct dd_request *request)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (const char *at = request->route.repository; *at; at++)
		hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
	return &request->server->immutable[hash % DD_IMMUTABLE_LOCKS];
}

void dd_request_lock_tags(struct dd_request *request)
{
	pthread_mutex_lock(lock_of(request));
}

void dd_request_unlock_tags(struct dd_request *request)
{
	pthread_mutex_unlock(lock_of(request));
}

/* digest: what the tag is to point to; NULL: it is to go. */
static bool may_tag(struct dd_request *request, const char *tag, const struct dd_digest *digest)
{
	struct dd_server *server = request->server;
	char rule[200], text[500];
	struct dd_error err = { 0 };
	struct dd_digest now;
	int rc;

	if (!dd_auth_is_immutable(server->auth, request->route.repository, tag, rule, sizeof(rule)))
		return true;
	/* The tag alone counts: one whose manifest was damaged is no more to be moved than others. */
	rc = dd_registry_resolve_tag(server->registry, request->route.repository, tag, &now, &err);
	if (rc == DD_ENOENT || (rc == 0 && digest && dd_digest_equal(&now, digest)))
		return true;
	if (rc < 0) {
		dd_request_fail_by(request, rc, DD_MANIFEST_UNKNOWN, &err);
		return false;
	}
	snprintf(text, sizeof(text), "%s is %s, by %s", tag, dd_digest_text(&now), rule);
	dd_request_fail(request, DD_TAG_IMMUTABLE, text);
	return false;
}

/* It does not change, either, by losing what it needs. */
static bool may_lose(struct dd_request *request, const char *tag, const struct dd_digest *digest)
{
	struct dd_server *server = request->server;
	const char *repository = request->route.repository;
	char rule[200], text[500];
	struct dd_error err = { 0 };
	struct dd_digest now;
	bool needed;
	int rc;

	if (!dd_auth_is_immutable(server->auth, repository, tag, rule, sizeof(rule)))
		return true;
	rc = dd_registry_resolve_tag(server->registry, repository, tag, &now, &err);
	if (rc == DD_ENOENT)
		return true;
	/* Of one that cannot be read it may be what it points to. */
	if (rc == 0)
		rc = dd_registry_reaches(server->registry, repository, &now, digest, &needed, &err);
	if (rc < 0) {
		dd_request_fail_by(request, rc, DD_MANIFEST_UNKNOWN, &err);
		return false;
	}
	if (!needed)
		return true;
	snprintf(text, sizeof(text),
		 dd_digest_equal(&now, digest) ? "%s is %s, by %s" :
						 "%s is %s, which needs it, by %s",
		 tag, dd_digest_text(&now), rule);
	dd_request_fail(request, DD_TAG_IMMUTABLE, text);
	return false;
}

bool dd_request_may_lose(struct dd_request *request, const struct dd_digest *digest)
{
	struct dd_server *server = request->server;
	DD_CLEANUP(dd_names_release) struct dd_names names = { 0 };
	struct dd_error err = { 0 };
	int rc = dd_registry_list_tags(server->registry, request->route.repository, NULL, SIZE_MAX,
				       &names, &err);

	for (size_t i = 0; rc == 0 && i < names.count; i++)
		if (!may_lose(request, names.items[i], digest))
			return false;
	if (rc == 0 || rc == DD_ENOENT)
		return true;
	dd_request_fail_by(request, rc, DD_MANIFEST_UNKNOWN, &err);
	return false;
}

bool dd_request_may_tag(struct dd_request *request, const char *const *tags, size_t count,
			const struct dd_digest *digest)
{
	for (size_t i = 0; i < count; i++)
		if (!may_tag(request, tags[i], digest))
			return false;
	return true;
}

/* ---- PUT ---- */

struct push {
	struct dd_pushed pushed;
	char media_type[256];
	char tags[TAGS_MAX][129];
	const char *list[TAGS_MAX];
};

/* What the query names, and the path. False, and a reply. */
static bool gather_tags(struct dd_request *request, struct push *push)
{
	size_t count = 0;

	if (!request->route.by_digest)
		push->list[count++] = request->route.reference;
	for (size_t i = 0;; i++) {
		char tag[300];
		int len = dd_query_get(request->route.query, "tag", i, tag, sizeof(tag));

		if (len == -1)
			break;
		if (len < 0 || !dd_tag_valid(tag)) {
			dd_request_fail(request, DD_TAG_INVALID, len < 0 ? NULL : tag);
			return false;
		}
		if (count == TAGS_MAX) {
			dd_request_fail(request, DD_TAG_INVALID, "too many in one push");
			return false;
		}
		memcpy(push->tags[count], tag, (size_t)len + 1);
		push->list[count] = push->tags[count];
		count++;
	}
	push->pushed.tags = push->list;
	push->pushed.tag_count = count;
	return true;
}

/* The media type without its parameters; what is none of a manifest is told by the document alone. */
static void set_media_type(struct dd_request *request, struct push *push)
{
	const char *said = dd_exchange_get_header(request->exchange, "Content-Type");
	size_t len = said ? strcspn(said, "; \t") : 0;

	if (!len || len >= sizeof(push->media_type))
		return;
	memcpy(push->media_type, said, len);
	push->media_type[len] = '\0';
	push->pushed.media_type = push->media_type;
}

static void name_missing(const struct dd_push_report *report, char *out, size_t room)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < report->missing_count && len + DD_DIGEST_TEXT + 3 < room; i++)
		len += (size_t)snprintf(out + len, room - len, "%s%s", i ? ", " : "",
					dd_digest_text(&report->missing[i]));
}

static void fail_push(struct dd_request *request, int rc, const struct dd_push_report *report,
		      const struct dd_error *err)
{
	char missing[900];

	switch (rc) {
	case DD_ENOENT:
		name_missing(report, missing, sizeof(missing));
		dd_request_fail(request, DD_MANIFEST_BLOB_UNKNOWN, missing);
		break;
	case DD_EFORMAT:
	case DD_EUNKNOWN:
		dd_request_fail(request, DD_MANIFEST_INVALID, err->text);
		break;
	case DD_ECORRUPT:
		dd_request_fail(request, DD_DIGEST_INVALID, err->text);
		break;
	case DD_ETOOBIG:
		dd_request_fail(request, DD_TOO_LARGE, err->text);
		break;
	default:
		dd_request_fail_by(request, rc, DD_MANIFEST_UNKNOWN, err);
	}
}

static void reply_pushed(struct dd_request *request, const struct push *push,
			 const struct dd_push_report *report)
{
	struct dd_reply *reply = dd_reply_new(201, "", 0);
	char text[DD_DIGEST_TEXT], subject[DD_DIGEST_TEXT];

	dd_digest_format(&report->digest, text);
	dd_request_location(request, reply, "%s/manifests/%s", request->route.repository, text);
	dd_reply_header(reply, "Docker-Content-Digest", text);
	if (report->has_subject)
		dd_reply_header(reply, "OCI-Subject", dd_digest_format(&report->subject, subject));
	/* Those of the query, each in a header of its own. */
	for (size_t i = !request->route.by_digest; i < push->pushed.tag_count; i++)
		dd_reply_header(reply, "OCI-Tag", push->list[i]);
	dd_request_reply(request, reply);
}

/* By what it will be called: the client's algorithm, or sha256. */
static int digest_of(const struct dd_request *request, struct dd_digest *digest,
		     struct dd_error *err)
{
	enum dd_algorithm alg =
		request->route.by_digest ? (enum dd_algorithm)request->route.digest.alg : DD_SHA256;

	return dd_digest_of(digest, alg, request->bytes.bytes ? request->bytes.bytes : (void *)"",
			    request->bytes.len, err);
}

static void put(struct dd_request *request, struct push *push)
{
	struct dd_server *server = request->server;
	bool guarded = dd_auth_has_immutable(server->auth, request->route.repository);
	struct dd_push_report report = { 0 };
	struct dd_error err = { 0 };
	struct dd_digest digest;
	int rc = 0;

	if (guarded) {
		dd_request_lock_tags(request);
		rc = digest_of(request, &digest, &err);
		if (rc == 0 && !dd_request_may_tag(request, push->pushed.tags,
						   push->pushed.tag_count, &digest)) {
			dd_request_unlock_tags(request);
			return;
		}
	}
	if (rc == 0)
		rc = dd_registry_put_manifest(server->registry, request->route.repository,
					      &push->pushed, &report, &err);
	if (guarded)
		dd_request_unlock_tags(request);
	if (rc < 0) {
		fail_push(request, rc, &report, &err);
		return;
	}
	dd_note_manifest(request, DD_EVENT_PUSH, &report.digest, request->bytes.len,
			 push->pushed.media_type, push->pushed.tag_count ? push->list[0] : NULL);
	reply_pushed(request, push, &report);
}

static void put_manifest(struct dd_exchange *exchange)
{
	struct dd_request *request = dd_request_of(exchange);
	struct push *push = calloc(1, sizeof(*push));

	if (!push) {
		dd_request_fail(request, DD_TROUBLE, NULL);
		return;
	}
	push->pushed.bytes = request->bytes.bytes ? request->bytes.bytes : (void *)"";
	push->pushed.len = request->bytes.len;
	push->pushed.digest = request->route.by_digest ? &request->route.digest : NULL;
	set_media_type(request, push);
	if (gather_tags(request, push))
		put(request, push);
	free(push);
}

static void take(struct dd_exchange *exchange, const void *bytes, size_t len)
{
	struct dd_request *request = dd_request_of(exchange);
	struct dd_buffer *buffer = &request->bytes;

	if (buffer->room - buffer->len < len) {
		size_t room = buffer->len + len + buffer->room / 2;
		unsigned char *grown = realloc(buffer->bytes, room);

		if (!grown) {
			dd_request_fail(request, DD_TROUBLE, NULL);
			return;
		}
		buffer->bytes = grown;
		buffer->room = room;
	}
	memcpy(buffer->bytes + buffer->len, bytes, len);
	buffer->len += len;
}

void dd_begin_put_manifest(struct dd_request *request)
{
	request->body = (struct dd_body){ NULL, take, put_manifest, request->config->manifest_max };
	dd_exchange_receive(request->exchange, &request->body);
}

/* ---- DELETE ---- */

static void delete_manifest(struct dd_exchange *exchange)
{
	struct dd_request *request = dd_request_of(exchange);
	struct dd_server *server = request->server;
	const struct dd_route *route = &request->route;
	struct dd_error err = { 0 };
	int rc;

	if (route->by_digest)
		rc = dd_registry_delete_manifest(server->registry, route->repository,
						 &route->digest, dd_request_user(request), &err);
	else
		rc = dd_registry_delete_tag(server->registry, route->repository, route->reference,
					    dd_request_user(request), &err);
	if (rc < 0) {
		dd_request_fail_by(request, rc, DD_MANIFEST_UNKNOWN, &err);
		return;
	}
	dd_note_manifest(request, DD_EVENT_DELETE, route->by_digest ? &route->digest : NULL, 0,
			 NULL, route->by_digest ? NULL : route->reference);
	dd_request_reply(request, dd_reply_new(202, "", 0));
}

static void delete_guarded(struct dd_exchange *exchange)
{
	struct dd_request *request = dd_request_of(exchange);
	bool may;

	dd_request_lock_tags(request);
	if (request->route.by_digest)
		may = dd_request_may_lose(request, &request->route.digest);
	else
		may = may_tag(request, request->route.reference, NULL);
	if (may)
		delete_manifest(exchange);
	dd_request_unlock_tags(request);
}

void dd_begin_delete_manifest(struct dd_request *request)
{
	bool guarded = dd_auth_has_immutable(request->server->auth, request->route.repository);

	dd_exchange_work(request->exchange, guarded ? delete_guarded : delete_manifest, false);
}
