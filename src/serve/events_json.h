/*
 * An event as it is sent: an envelope around one.
 */
#ifndef SERVE_EVENTS_JSON_H
#define SERVE_EVENTS_JSON_H

#include "base/text.h"
#include "serve/events.h"

#define DD_UUID 37 /* with its NUL */

/* Version 4 of RFC 9562: by chance. */
int dd_uuid_make(char uuid[static DD_UUID], struct dd_error *err);

const char *dd_event_action_name(enum dd_event_action action);

/* What does not come with the event. */
struct dd_event_frame {
	const char *id;
	int64_t time_ns;
	const char *source, *instance;
};
int dd_event_write(const struct dd_event *event, const struct dd_event_frame *frame,
		   struct dd_text *text, struct dd_error *err);

#endif
