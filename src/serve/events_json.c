/*
 * Events in JSON, with the reference's names.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <drydock/json.h>
#include <drydock/units.h>

#include "base/cleanup.h"
#include "base/secret.h"
#include "serve/events_json.h"

static const char *const action_names[] = {
#define X(constant, name) [constant] = name,
	DD_EVENT_ACTIONS(X)
#undef X
};

const char *dd_event_action_name(enum dd_event_action action)
{
	return action_names[action];
}

int dd_uuid_make(char uuid[static DD_UUID], struct dd_error *err)
{
	unsigned char b[16];
	int rc = dd_secret_random(b, sizeof(b), err);

	if (rc < 0)
		return rc;
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(uuid, DD_UUID,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		 b[15]);
	return 0;
}

static int add(void *arg, const char *bytes, size_t len)
{
	return dd_text_add(arg, bytes, len) < 0 ? ENOMEM : 0;
}

/* To the nanosecond, so that events sort as they happened. */
static void write_time(struct dd_json_out *out, int64_t ns)
{
	char seconds[DD_UNIT_TEXT], text[DD_UNIT_TEXT + 16];

	dd_time_format_utc(ns, seconds);
	seconds[strcspn(seconds, "Z")] = '\0';
	snprintf(text, sizeof(text), "%s.%09uZ", seconds, (unsigned)(ns % DD_SECOND));
	dd_json_text(out, "timestamp", text);
}

static void write_if(struct dd_json_out *out, const char *key, const char *text)
{
	if (text)
		dd_json_text(out, key, text);
}

static void write_url(struct dd_json_out *out, const struct dd_event *event)
{
	DD_CLEANUP(dd_text_release) struct dd_text url = { 0 };
	char digest[DD_DIGEST_TEXT];

	if (!event->base_url || !event->repository || !event->digest ||
	    event->action == DD_EVENT_DELETE)
		return;
	if (dd_text_printf(&url, "%s/v2/%s/%s/%s", event->base_url, event->repository,
			   event->manifest ? "manifests" : "blobs",
			   dd_digest_format(event->digest, digest)) == 0)
		dd_json_text(out, "url", url.bytes);
}

static void write_target(struct dd_json_out *out, const struct dd_event *event)
{
	dd_json_object(out, "target");
	write_if(out, "mediaType", event->media_type);
	if (event->digest) {
		/* "length" is what "size" was called first. */
		if (event->action != DD_EVENT_DELETE && event->action != DD_EVENT_CORRUPT) {
			dd_json_uint(out, "size", event->size);
			dd_json_uint(out, "length", event->size);
		}
		dd_json_digest(out, "digest", event->digest);
	}
	write_if(out, "repository", event->repository);
	write_if(out, "fromRepository", event->from_repository);
	write_url(out, event);
	write_if(out, "tag", event->tag);
	dd_json_end(out);
}

static void write_request(struct dd_json_out *out, const struct dd_event *event)
{
	dd_json_object(out, "request");
	write_if(out, "id", event->request.id);
	write_if(out, "addr", event->request.addr);
	write_if(out, "host", event->request.host);
	write_if(out, "method", event->request.method);
	write_if(out, "useragent", event->request.user_agent);
	dd_json_end(out);
}

static void write_event(struct dd_json_out *out, const struct dd_event *event,
			const struct dd_event_frame *frame)
{
	dd_json_object(out, NULL);
	dd_json_text(out, "id", frame->id);
	write_time(out, frame->time_ns);
	dd_json_text(out, "action", action_names[event->action]);
	write_target(out, event);
	write_request(out, event);
	dd_json_object(out, "actor");
	if (event->actor && event->actor[0])
		dd_json_text(out, "name", event->actor);
	dd_json_end(out);
	dd_json_object(out, "source");
	write_if(out, "addr", frame->source);
	dd_json_text(out, "instanceID", frame->instance);
	dd_json_end(out);
	dd_json_end(out);
}

int dd_event_write(const struct dd_event *event, const struct dd_event_frame *frame,
		   struct dd_text *text, struct dd_error *err)
{
	DD_CLEANUP(dd_json_closep) struct dd_json_out *out = NULL;
	int rc = dd_json_open(&out, add, text, 0, err);

	if (rc < 0)
		return rc;
	dd_json_object(out, NULL);
	dd_json_array(out, "events");
	write_event(out, event, frame);
	dd_json_end(out);
	dd_json_end(out);
	return dd_json_finish(out, err);
}
