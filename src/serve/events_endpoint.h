/*
 * One endpoint: its queue, its thread.
 */
#ifndef SERVE_EVENTS_ENDPOINT_H
#define SERVE_EVENTS_ENDPOINT_H

#include "serve/events.h"

/* An event in the queues of several endpoints, counted. */
struct dd_event_text {
	unsigned refs; /* atomic */
	size_t len;
	char bytes[];
};
struct dd_event_text *dd_event_text_make(const char *bytes, size_t len); /* NULL: no memory */
void dd_event_text_unref(struct dd_event_text *text);

struct dd_endpoint;

int dd_endpoint_open(struct dd_context *ctx, const struct dd_events_endpoint *options,
		     size_t queue_max, struct dd_endpoint **endpoint, struct dd_error *err);
/* Whether it was made from the same options. */
bool dd_endpoint_is(const struct dd_endpoint *endpoint, const struct dd_events_endpoint *options,
		    size_t queue_max);

/* No more from now on but what is in the queue, and that until then (CLOCK_MONOTONIC). */
void dd_endpoint_stop(struct dd_endpoint *endpoint, int64_t until_ns);
void dd_endpoint_closep(
	struct dd_endpoint **endpoint); /* stops at once unless it was told before */

bool dd_endpoint_wants(const struct dd_endpoint *endpoint, enum dd_event_action action,
		       const char *media_type);
/* Takes a reference. */
void dd_endpoint_tell(struct dd_endpoint *endpoint, struct dd_event_text *text);
void dd_endpoint_get_figures(struct dd_endpoint *endpoint, struct dd_events_figures *figures);

int64_t dd_events_clock(void); /* CLOCK_MONOTONIC */

#endif
