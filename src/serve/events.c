/*
 * From what happened to the queues of those who want to know.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "serve/events_endpoint.h"
#include "serve/events_json.h"

#define FAREWELL (5 * DD_SECOND)

typedef DD_LIST(struct dd_endpoint *) endpoints;

struct dd_events {
	struct dd_context *ctx;
	pthread_rwlock_t lock; /* of what follows */
	endpoints list;
	char *source;
	char instance[DD_UUID];
};

/* Those that are not as before are new. made: as long as the options, NULL where one is kept. */
static int make_endpoints(struct dd_events *events, const struct dd_events_options *options,
			  endpoints *made, struct dd_error *err)
{
	size_t room = options->queue_max ? options->queue_max : DD_EVENTS_QUEUE;

	for (size_t i = 0; i < options->endpoint_count; i++) {
		const struct dd_events_endpoint *wanted = &options->endpoints[i];
		struct dd_endpoint **endpoint = dd_list_add(made);
		bool kept = false;
		int rc;

		if (!endpoint)
			return dd_fail(err, DD_ENOMEM, 0, "set up notifications");
		for (size_t k = 0; k < i; k++)
			if (wanted->name && !strcmp(options->endpoints[k].name, wanted->name))
				return dd_fail(err, DD_ECONFIG, 0, "%s: two endpoints of that name",
					       wanted->name);
		for (size_t k = 0; k < events->list.count && !kept; k++)
			kept = dd_endpoint_is(events->list.items[k], wanted, room);
		if (kept)
			continue;
		rc = dd_endpoint_open(events->ctx, wanted, room, endpoint, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void close_all(endpoints *list, int64_t wait_ns)
{
	int64_t until_ns = dd_time_after(dd_events_clock(), wait_ns);

	for (size_t i = 0; i < list->count; i++)
		if (list->items[i])
			dd_endpoint_stop(list->items[i], until_ns);
	for (size_t i = 0; i < list->count; i++)
		dd_endpoint_closep(&list->items[i]);
	dd_list_release(list);
}

/* Moves those that stay into the new list. */
static void keep(struct dd_events *events, const struct dd_events_options *options, endpoints *made)
{
	size_t room = options->queue_max ? options->queue_max : DD_EVENTS_QUEUE;

	for (size_t i = 0; i < made->count; i++)
		for (size_t k = 0; k < events->list.count && !made->items[i]; k++) {
			struct dd_endpoint *old = events->list.items[k];

			if (!old || !dd_endpoint_is(old, &options->endpoints[i], room))
				continue;
			made->items[i] = old;
			events->list.items[k] = NULL;
		}
}

int dd_events_reload(struct dd_events *events, const struct dd_events_options *options,
		     struct dd_error *err)
{
	DD_AUTOFREE char *source = strdup(options->source ? options->source : "");
	endpoints made = { 0 }, before;
	int rc = source ? make_endpoints(events, options, &made, err) :
			  dd_fail(err, DD_ENOMEM, 0, "set up notifications");
	char *old_source;

	if (rc < 0) {
		close_all(&made, 0);
		return dd_wrap(err, rc, "notifications.endpoints");
	}
	pthread_rwlock_wrlock(&events->lock);
	keep(events, options, &made);
	before = events->list;
	events->list = made;
	old_source = events->source;
	events->source = source;
	pthread_rwlock_unlock(&events->lock);
	source = old_source;
	close_all(&before, FAREWELL);
	return 0;
}

int dd_events_open(struct dd_context *ctx, const struct dd_events_options *options,
		   struct dd_events **out, struct dd_error *err)
{
	DD_CLEANUP(dd_events_closep) struct dd_events *events = calloc(1, sizeof(*events));
	int rc;

	*out = NULL;
	if (!events)
		return dd_fail(err, DD_ENOMEM, 0, "set up notifications");
	events->ctx = ctx;
	pthread_rwlock_init(&events->lock, NULL);
	rc = dd_uuid_make(events->instance, err);
	if (rc == 0)
		rc = dd_events_reload(events, options, err);
	if (rc < 0)
		return rc;
	*out = events;
	events = NULL;
	return 0;
}

void dd_events_close(struct dd_events *events, int64_t wait_ns)
{
	if (!events)
		return;
	close_all(&events->list, wait_ns);
	pthread_rwlock_destroy(&events->lock);
	free(events->source);
	free(events);
}

void dd_events_closep(struct dd_events **events)
{
	dd_events_close(*events, FAREWELL);
	*events = NULL;
}

/* With the lock. */
static bool is_wanted(const struct dd_events *events, enum dd_event_action action,
		      const char *media_type)
{
	for (size_t i = 0; i < events->list.count; i++)
		if (dd_endpoint_wants(events->list.items[i], action, media_type))
			return true;
	return false;
}

bool dd_events_wanted(struct dd_events *events, enum dd_event_action action)
{
	bool wanted;

	pthread_rwlock_rdlock(&events->lock);
	wanted = is_wanted(events, action, NULL);
	pthread_rwlock_unlock(&events->lock);
	return wanted;
}

static struct dd_event_text *write_event(const struct dd_events *events,
					 const struct dd_event *event, struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text json = { 0 };
	char id[DD_UUID];
	struct dd_event_frame frame = { .id = id,
					.time_ns = dd_time_now(),
					.source = events->source,
					.instance = events->instance };

	if (dd_uuid_make(id, err) < 0 || dd_event_write(event, &frame, &json, err) < 0)
		return NULL;
	return dd_event_text_make(json.bytes, json.len);
}

void dd_events_tell(struct dd_events *events, const struct dd_event *event)
{
	struct dd_error err = { .text = "out of memory" };
	struct dd_event_text *text = NULL;
	bool wanted;

	pthread_rwlock_rdlock(&events->lock);
	wanted = is_wanted(events, event->action, event->media_type);
	if (wanted)
		text = write_event(events, event, &err);
	for (size_t i = 0; i < events->list.count && text; i++)
		if (dd_endpoint_wants(events->list.items[i], event->action, event->media_type))
			dd_endpoint_tell(events->list.items[i], text);
	pthread_rwlock_unlock(&events->lock);
	if (text)
		dd_event_text_unref(text);
	else if (wanted)
		dd_log(events->ctx, DD_LOG_ERROR, "notifications: an event is lost: %s", err.text);
}

void dd_events_get_figures(struct dd_events *events, dd_events_figures_fn *fn, void *arg)
{
	pthread_rwlock_rdlock(&events->lock);
	for (size_t i = 0; i < events->list.count; i++) {
		struct dd_events_figures figures;

		dd_endpoint_get_figures(events->list.items[i], &figures);
		fn(arg, &figures);
	}
	pthread_rwlock_unlock(&events->lock);
}
