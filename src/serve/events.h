/*
 * Notifications: what happened, told to endpoints over HTTP.
 *
 * An endpoint has a thread and a queue of its own, so that a slow one delays nobody. The queue is
 * bounded; when it is full, the oldest event goes, and is counted. An event is sent until the
 * endpoint takes it (2xx) or says that it never will (400, 413, 422), in the order of the queue.
 *
 * Source: distribution's "Work with notifications": the envelope, its fields, the configuration.
 *
 * Locking: any thread, but for open and close.
 */
#ifndef SERVE_EVENTS_H
#define SERVE_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <drydock/context.h>
#include <drydock/digest.h>

#define DD_EVENTS_MEDIA_TYPE "application/vnd.docker.distribution.events.v1+json"

/* X(constant, name). The last one is not of the reference. */
#define DD_EVENT_ACTIONS(X)          \
	X(DD_EVENT_PULL, "pull")     \
	X(DD_EVENT_PUSH, "push")     \
	X(DD_EVENT_MOUNT, "mount")   \
	X(DD_EVENT_DELETE, "delete") \
	X(DD_EVENT_CORRUPT, "corrupt")

enum dd_event_action {
#define X(constant, name) constant,
	DD_EVENT_ACTIONS(X)
#undef X
	DD_EVENT_ACTION_COUNT
};

/* What happened. NULL where nothing is to be said. All borrowed during the call. */
struct dd_event {
	enum dd_event_action action;
	bool manifest;			/* else a blob */
	const char *repository, *tag;	/* what is corrupt is of no repository in particular */
	const char *from_repository;	/* of a mount */
	const struct dd_digest *digest; /* NULL: a tag alone went */
	const char *media_type;
	uint64_t size;
	const char *base_url; /* "https://registry.example:5000", with a prefix if there is one */
	struct {
		const char *id, *addr, *host, *method, *user_agent;
	} request;
	const char *actor; /* the user's name */
};

/* An endpoint as it was configured. NULL and 0: what the reference has. */
struct dd_events_endpoint {
	const char *name, *url;
	const char *const *headers; /* "Name: value" */
	size_t header_count;
	int64_t timeout_ns; /* for one attempt; 1s */
	int64_t backoff_ns; /* between attempts, after so many in a row have failed; 1s */
	uint64_t threshold; /* so many; 10 */
	const char *const *ignore_media_types, *const *ignore_actions;
	size_t ignore_media_type_count, ignore_action_count;
};

struct dd_events_options {
	const struct dd_events_endpoint *endpoints;
	size_t endpoint_count;
	const char *source; /* who tells: "HOST:PORT" */
	size_t queue_max;   /* events an endpoint; 0: DD_EVENTS_QUEUE */
};
#define DD_EVENTS_QUEUE 4096

struct dd_events;

/* Everything is copied. DD_ECONFIG: no name, or one given twice; no http(s) URL; a header that is none. */
int dd_events_open(struct dd_context *ctx, const struct dd_events_options *options,
		   struct dd_events **events, struct dd_error *err);
/*
 * Other endpoints: those that are as before go on with their queues; those that are gone get a few
 * seconds for what they still have. On an error nothing has changed.
 */
int dd_events_reload(struct dd_events *events, const struct dd_events_options *options,
		     struct dd_error *err);
/* At most so long for what is still in the queues; the rest is counted, and logged. */
void dd_events_close(struct dd_events *events, int64_t wait_ns);
void dd_events_closep(struct dd_events **events); /* five seconds */

/* Whether there is anybody to tell this to; what costs something to find out need not be then. */
bool dd_events_wanted(struct dd_events *events, enum dd_event_action action);
/* Into the queues. Never waits. */
void dd_events_tell(struct dd_events *events, const struct dd_event *event);

/* How things stand, for metrics. */
struct dd_events_figures {
	const char *name;
	uint64_t queued;
	uint64_t told;	  /* taken by the endpoint */
	uint64_t failed;  /* attempts */
	uint64_t refused; /* events that the endpoint will never take */
	uint64_t dropped; /* from a full queue, or at the end */
};
typedef void dd_events_figures_fn(void *arg, const struct dd_events_figures *figures);
void dd_events_get_figures(struct dd_events *events, dd_events_figures_fn *fn, void *arg);
/* The same, in Prometheus' format. */
struct dd_metrics;
void dd_events_write_metrics(struct dd_events *events, struct dd_metrics *metrics);

#endif
