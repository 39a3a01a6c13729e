/*
 * Pushing blobs: POST, PATCH, PUT, GET and DELETE of uploads, and mounts.
 *
 * An upload is in the hands of one request at a time. What is written stays if the request fails in the
 * middle, and the client goes on from the offset that it is told.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/layout.h>

#include "serve/client.h"
#include "serve/events_note.h"
#include "serve/server.h"

#define UNSAID UINT64_MAX

/* ---- replies ---- */

static const char *owner_of(const struct dd_request *request)
{
	const char *user = dd_request_user(request);

	return *user ? user : NULL;
}

static void upload_headers(struct dd_request *request, struct dd_reply *reply)
{
	uint64_t offset = dd_upload_get_offset(request->upload);
	char range[40];

	dd_request_location(request, reply, "%s/blobs/uploads/%s", request->route.repository,
			    dd_upload_get_id(request->upload));
	snprintf(range, sizeof(range), "0-%" PRIu64, offset ? offset - 1 : 0);
	dd_reply_header(reply, "Range", range);
	dd_reply_header(reply, "Docker-Upload-UUID", dd_upload_get_id(request->upload));
}

static void reply_upload(struct dd_request *request, unsigned status)
{
	struct dd_reply *reply = dd_reply_new(status, "", 0);

	upload_headers(request, reply);
	dd_request_reply(request, reply);
}

static void reply_created(struct dd_request *request, const struct dd_digest *digest)
{
	struct dd_reply *reply = dd_reply_new(201, "", 0);
	char text[DD_DIGEST_TEXT];

	dd_digest_format(digest, text);
	dd_request_location(request, reply, "%s/blobs/%s", request->route.repository, text);
	dd_reply_header(reply, "Docker-Content-Digest", text);
	dd_request_reply(request, reply);
}

/* 416 with what there is, so that the client can go on from there. */
static void reply_out_of_order(struct dd_request *request)
{
	struct dd_reply *reply =
		dd_fail_reply(DD_UPLOAD_INVALID, "a chunk has to begin where the last one ended");

	upload_headers(request, reply);
	dd_request_reply(request, reply);
}

static void fail_too_many(struct dd_request *request, const struct dd_error *err)
{
	char detail[DD_ERROR_TEXT + 80];

	snprintf(detail, sizeof(detail), "%s (drydock.uploads-max, drydock.uploads-per-client)",
		 err->text);
	dd_request_fail(request, DD_TOO_MANY, detail);
}

static void fail_upload(struct dd_request *request, int rc, const struct dd_error *err)
{
	if (rc == DD_ECORRUPT)
		dd_request_fail(request, DD_DIGEST_INVALID, err->text);
	else if (rc == DD_ELOCKED)
		dd_request_fail(request, DD_UPLOAD_BUSY, NULL);
	else if (rc == DD_ETOOBIG)
		fail_too_many(request, err);
	else
		dd_request_fail_by(request, rc, DD_UPLOAD_UNKNOWN, err);
}

/* ---- the body ---- */

static void take(struct dd_exchange *exchange, const void *bytes, size_t len)
{
	struct dd_request *request = dd_request_of(exchange);
	struct dd_error err = { 0 };
	int rc = dd_upload_append(request->upload, bytes, len, &err);

	if (rc < 0)
		fail_upload(request, rc, &err);
}

/* "0-499", "bytes 0-499/1000": false if it is none. */
static bool parse_content_range(const char *text, uint64_t *first, uint64_t *len)
{
	uint64_t last;
	char *end;

	if (!strncmp(text, "bytes ", 6) || !strncmp(text, "bytes=", 6))
		text += 6;
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*first = strtoull(text, &end, 10);
	if (*end++ != '-' || *end < '0' || *end > '9')
		return false;
	last = strtoull(end, &end, 10);
	if (errno || (*end && *end != '/') || last < *first || last == UINT64_MAX)
		return false;
	*len = last - *first + 1;
	return true;
}

/* False, and a reply. */
static bool note_content_range(struct dd_request *request)
{
	const char *text = dd_exchange_get_header(request->exchange, "Content-Range");
	uint64_t length = dd_exchange_get_length(request->exchange);

	request->offset = request->chunk = UNSAID;
	if (!text)
		return true;
	if (!parse_content_range(text, &request->offset, &request->chunk)) {
		dd_request_fail(request, DD_UPLOAD_BAD, "the Content-Range is none");
		return false;
	}
	if (length == UINT64_MAX || length == request->chunk)
		return true;
	dd_request_fail(request, DD_SIZE_INVALID, "Content-Range and Content-Length differ");
	return false;
}

/* Takes the upload into our hands. */
static void find(struct dd_exchange *exchange)
{
	struct dd_request *request = dd_request_of(exchange);
	struct dd_error err = { 0 };
	int rc =
		dd_upload_find(request->server->registry, request->route.repository,
			       request->route.reference, owner_of(request), &request->upload, &err);

	if (rc < 0) {
		fail_upload(request, rc, &err);
		return;
	}
	if (request->has_digest)
		dd_upload_expect(request->upload, &request->digest);
	if (request->offset != UNSAID && request->offset != dd_upload_get_offset(request->upload))
		reply_out_of_order(request);
}

/*
 * Who says how much is to come is told at once that there is no room for it, and need not send it. What
 * is all there by now needs none.
 */
static void announce(struct dd_request *request)
{
	uint64_t length = dd_exchange_get_length(request->exchange);
	struct dd_error err = { 0 };
	int rc = 0;

	if (request->upload && length && length != UINT64_MAX &&
	    !dd_exchange_get_status(request->exchange))
		rc = dd_upload_announce(request->upload, length, &err);
	if (rc < 0)
		fail_upload(request, rc, &err);
}

static void prepare(struct dd_exchange *exchange)
{
	find(exchange);
	announce(dd_request_of(exchange));
}

static void patched(struct dd_exchange *exchange)
{
	struct dd_request *request = dd_request_of(exchange);

	if (request->chunk != UNSAID && request->chunk != dd_exchange_get_received(exchange)) {
		dd_request_fail(request, DD_SIZE_INVALID, "fewer bytes than Content-Range says");
		return;
	}
	reply_upload(request, 202);
}

static void commit(struct dd_exchange *exchange)
{
	struct dd_request *request = dd_request_of(exchange);
	uint64_t size = dd_upload_get_offset(request->upload);
	struct dd_error err = { 0 };
	int rc;

	if (request->chunk != UNSAID && request->chunk != dd_exchange_get_received(exchange)) {
		dd_request_fail(request, DD_SIZE_INVALID, "fewer bytes than Content-Range says");
		return;
	}
	rc = dd_upload_commit(&request->upload, &request->digest, &err);
	if (rc < 0) {
		fail_upload(request, rc, &err);
		return;
	}
	dd_note_blob(request, DD_EVENT_PUSH, &request->digest, size, NULL);
	reply_created(request, &request->digest);
}

/* ---- POST ---- */

static void open_upload(struct dd_exchange *exchange)
{
	struct dd_request *request = dd_request_of(exchange);
	struct dd_error err = { 0 };
	char client[DD_CLIENT_TEXT];
	int rc;

	dd_client_name(dd_request_user(request), dd_exchange_get_peer(exchange), client);
	rc = dd_upload_begin(request->server->registry, request->route.repository,
			     owner_of(request), client, &request->upload, &err);
	if (rc < 0)
		fail_upload(request, rc, &err);
	else if (request->has_digest)
		dd_upload_expect(request->upload, &request->digest);
}

static void post(struct dd_exchange *exchange)
{
	struct dd_request *request = dd_request_of(exchange);

	open_upload(exchange);
	if (request->upload)
		reply_upload(request, 202);
}

static bool may_pull(void *arg, const char *repository)
{
	const struct dd_request *request = arg;

	return dd_auth_may(request->server->auth, request->identity, repository, DD_AUTH_PULL);
}

/* What cannot be mounted is uploaded: the client is told to begin. */
static void mount(struct dd_exchange *exchange)
{
	struct dd_request *request = dd_request_of(exchange);
	struct dd_registry *registry = request->server->registry;
	char from[DD_ROUTE_REPOSITORY];
	int len = dd_query_get(request->route.query, "from", 0, from, sizeof(from));
	bool named = len > 0,
	     allowed = !named || (dd_repository_valid(from) && may_pull(request, from));
	struct dd_error err = { 0 };
	uint64_t size = 0;
	int rc = DD_ENOENT;

	if (allowed && len != -2)
		rc = dd_registry_mount_blob(registry, request->route.repository,
					    named ? from : NULL, &request->digest, may_pull,
					    request, &err);
	if (rc == 0) {
		dd_registry_look_at_blob(registry, request->route.repository, &request->digest,
					 &size, NULL);
		dd_note_blob(request, DD_EVENT_MOUNT, &request->digest, size, named ? from : NULL);
		reply_created(request, &request->digest);
	} else if (rc == DD_ENOENT) {
		request->has_digest = false;
		post(exchange);
	} else {
		dd_request_fail_by(request, rc, DD_BLOB_UNKNOWN, &err);
	}
}

static void open_sole_upload(struct dd_exchange *exchange)
{
	dd_request_of(exchange)->sole = true;
	open_upload(exchange);
	announce(dd_request_of(exchange));
}

/* A field of the query that is a digest: 1; 0: not there; DD_EFORMAT. */
static int query_digest(const struct dd_request *request, const char *name,
			struct dd_digest *digest)
{
	char text[DD_DIGEST_TEXT];
	int len = dd_query_get(request->route.query, name, 0, text, sizeof(text));

	if (len == -1)
		return 0;
	return len < 0 || dd_digest_parse(digest, text, (size_t)len) < 0 ? DD_EFORMAT : 1;
}

static const struct dd_body whole_body = { open_sole_upload, take, commit, 0 };

void dd_begin_post_upload(struct dd_request *request)
{
	int mounts = query_digest(request, "mount", &request->digest);
	int whole = mounts ? 0 : query_digest(request, "digest", &request->digest);

	request->offset = request->chunk = UNSAID;
	if (mounts < 0 || whole < 0) {
		dd_request_fail(request, DD_DIGEST_INVALID, NULL);
	} else if (mounts) {
		request->has_digest = true;
		dd_exchange_work(request->exchange, mount, true);
	} else if (whole) {
		request->has_digest = true;
		dd_exchange_receive(request->exchange, &whole_body);
	} else {
		dd_exchange_work(request->exchange, post, false);
	}
}

/* ---- an upload that is open ---- */

static void status(struct dd_exchange *exchange)
{
	struct dd_request *request = dd_request_of(exchange);

	find(exchange);
	if (!dd_exchange_get_status(exchange))
		reply_upload(request, 204);
}

static void cancel(struct dd_exchange *exchange)
{
	struct dd_request *request = dd_request_of(exchange);
	struct dd_error err = { 0 };
	int rc;

	find(exchange);
	if (dd_exchange_get_status(exchange))
		return;
	rc = dd_upload_cancel(&request->upload, &err);
	if (rc < 0)
		fail_upload(request, rc, &err);
	else
		dd_request_reply(request, dd_reply_new(204, "", 0));
}

static const struct dd_body chunk_body = { prepare, take, patched, 0 };
static const struct dd_body last_body = { prepare, take, commit, 0 };

static void begin_put(struct dd_request *request)
{
	int rc = query_digest(request, "digest", &request->digest);

	if (rc <= 0) {
		dd_request_fail(request, DD_DIGEST_INVALID,
				rc < 0 ? NULL : "the last request of an upload needs ?digest=");
		return;
	}
	request->has_digest = true;
	if (note_content_range(request))
		dd_exchange_receive(request->exchange, &last_body);
}

void dd_begin_upload(struct dd_request *request)
{
	request->offset = request->chunk = UNSAID;
	switch (request->method) {
	case DD_PATCH:
		if (note_content_range(request))
			dd_exchange_receive(request->exchange, &chunk_body);
		break;
	case DD_PUT:
		begin_put(request);
		break;
	case DD_DELETE:
		dd_exchange_work(request->exchange, cancel, false);
		break;
	default:
		dd_exchange_work(request->exchange, status, false);
	}
}
