/*
 * One endpoint's connection: bytes are posted to it. The only place that knows libcurl.
 *
 * Redirects are not followed: headers of the configuration may be secrets, and where they go is the
 * operator's to say. A proxy is used only if the environment names one.
 */
#ifndef SERVE_EVENTS_SEND_H
#define SERVE_EVENTS_SEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <drydock/error.h>

struct dd_event_sender;

/* Whether somebody wants the attempt to end now. */
typedef bool dd_event_stop_fn(void *arg);

/* DD_ECONFIG: no URL of http or https, or a header that is none. */
int dd_event_sender_open(struct dd_event_sender **sender, const char *url,
			 const char *const *headers, size_t header_count, int64_t timeout_ns,
			 dd_event_stop_fn *stop, void *arg, struct dd_error *err);
void dd_event_sender_closep(struct dd_event_sender **sender);

/* One attempt. DD_EREFUSED: the endpoint will never take it; others: perhaps another time. */
int dd_event_sender_post(struct dd_event_sender *sender, const char *bytes, size_t len,
			 struct dd_error *err);

#endif
