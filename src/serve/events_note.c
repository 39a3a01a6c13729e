/*
 * From a request to an event.
 */
#include <stdio.h>
#include <string.h>

#include "serve/events.h"
#include "serve/events_note.h"

static void tell(struct dd_request *request, struct dd_event *event)
{
	struct dd_exchange *exchange = request->exchange;
	const char *prefix = request->config->http_prefix;
	char base[600], id[40], host[300];
	const char *scheme_end = strstr(request->base_url, "://");

	snprintf(base, sizeof(base), "%s%s", request->base_url, prefix && prefix[1] ? prefix : "");
	if (*base && base[strlen(base) - 1] == '/')
		base[strlen(base) - 1] = '\0';
	snprintf(host, sizeof(host), "%s", scheme_end ? scheme_end + 3 : "");
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)request->began_ns);
	event->repository = request->route.repository;
	event->base_url = base;
	event->request.id = id;
	event->request.addr = dd_exchange_get_peer(exchange);
	event->request.host = host;
	event->request.method = dd_exchange_get_method(exchange);
	event->request.user_agent = request->agent;
	event->actor = dd_request_user(request);
	dd_events_tell(request->server->events, event);
}

static bool is_wanted(struct dd_request *request, enum dd_event_action action)
{
	struct dd_events *events = request->server->events;

	return events && dd_events_wanted(events, action);
}

void dd_note_blob(struct dd_request *request, enum dd_event_action action,
		  const struct dd_digest *digest, uint64_t size, const char *from)
{
	struct dd_event event = { .action = action,
				  .from_repository = from,
				  .digest = digest,
				  .media_type = "application/octet-stream",
				  .size = size };

	if (is_wanted(request, action))
		tell(request, &event);
}

void dd_note_manifest(struct dd_request *request, enum dd_event_action action,
		      const struct dd_digest *digest, uint64_t size, const char *media_type,
		      const char *tag)
{
	struct dd_event event = { .action = action,
				  .manifest = true,
				  .digest = digest,
				  .media_type = media_type,
				  .size = size,
				  .tag = tag };

	if (is_wanted(request, action))
		tell(request, &event);
}

void dd_note_corrupt(void *arg, const struct dd_digest *digest)
{
	struct dd_event event = { .action = DD_EVENT_CORRUPT,
				  .digest = digest,
				  .media_type = "application/octet-stream" };

	if (arg)
		dd_events_tell(arg, &event);
}
