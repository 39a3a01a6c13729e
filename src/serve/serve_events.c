/*
 * Who is told what happened, as the configuration has it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "serve/events.h"
#include "serve/serve_private.h"

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "read the configuration");
}

struct endpoints {
	struct dd_events_endpoint *items;
	char ***headers; /* a list each */
	size_t count;
};

static void release_endpoints(struct endpoints *endpoints)
{
	for (size_t i = 0; endpoints->headers && i < endpoints->count; i++) {
		for (size_t j = 0; j < endpoints->items[i].header_count; j++)
			free(endpoints->headers[i][j]);
		free(endpoints->headers[i]);
	}
	free(endpoints->headers);
	free(endpoints->items);
}

static int copy_headers(const struct dd_config_endpoint *from, struct dd_events_endpoint *to,
			char ***list, struct dd_error *err)
{
	*list = calloc(from->headers.count + 1, sizeof(**list));
	if (!*list)
		return no_memory(err);
	to->headers = (const char *const *)*list;
	for (size_t i = 0; i < from->headers.count; i++) {
		if (asprintf(&(*list)[i], "%s: %s", from->headers.items[i].name,
			     from->headers.items[i].value) < 0) {
			(*list)[i] = NULL;
			return no_memory(err);
		}
		to->header_count = i + 1;
	}
	return 0;
}

static int copy_endpoint(const struct dd_config_endpoint *from, struct endpoints *endpoints,
			 struct dd_error *err)
{
	struct dd_events_endpoint *to = &endpoints->items[endpoints->count];
	char ***list = &endpoints->headers[endpoints->count++];

	*to = (struct dd_events_endpoint){
		.name = from->name,
		.url = from->url,
		.timeout_ns = from->timeout_ns,
		.backoff_ns = from->backoff_ns,
		.threshold = from->threshold,
		.ignore_media_types = (const char *const *)from->ignore_media_types.items,
		.ignore_media_type_count = from->ignore_media_types.count,
		.ignore_actions = (const char *const *)from->ignore_actions.items,
		.ignore_action_count = from->ignore_actions.count,
	};
	return copy_headers(from, to, list, err);
}

/* Lists that the options point to; those that are disabled are left out. */
static int make_endpoints(const struct dd_serve_config *config, struct endpoints *endpoints,
			  struct dd_events_options *options, struct dd_error *err)
{
	size_t count = config->endpoints.count;
	int rc = 0;

	endpoints->items = calloc(count + 1, sizeof(*endpoints->items));
	endpoints->headers = calloc(count + 1, sizeof(*endpoints->headers));
	if (!endpoints->items || !endpoints->headers)
		return no_memory(err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		if (!config->endpoints.items[i].disabled)
			rc = copy_endpoint(&config->endpoints.items[i], endpoints, err);
	options->endpoints = endpoints->items;
	options->endpoint_count = endpoints->count;
	return rc;
}

static int tell_events(struct dd_serve *serve, const struct dd_serve_config *config, bool again,
		       struct dd_error *err)
{
	DD_CLEANUP(release_endpoints) struct endpoints endpoints = { 0 };
	struct dd_events_options options = { .source = serve->address };
	int rc = make_endpoints(config, &endpoints, &options, err);

	if (rc == 0 && again)
		return dd_events_reload(serve->server.events, &options, err);
	return rc < 0 ? rc : dd_events_open(serve->ctx, &options, &serve->server.events, err);
}

int dd_serve_check_events(struct dd_context *ctx, const struct dd_serve_config *config,
			  struct dd_error *err)
{
	DD_CLEANUP(release_endpoints) struct endpoints endpoints = { 0 };
	DD_CLEANUP(dd_events_closep) struct dd_events *events = NULL;
	struct dd_events_options options = { .source = "" };
	int rc = make_endpoints(config, &endpoints, &options, err);

	if (rc == 0)
		rc = dd_events_open(ctx, &options, &events, err);
	return rc;
}

int dd_serve_open_events(struct dd_serve *serve, struct dd_error *err)
{
	return tell_events(serve, atomic_load(&serve->server.config), false, err);
}

int dd_serve_reload_events(struct dd_serve *serve, const struct dd_serve_config *config,
			   struct dd_error *err)
{
	return tell_events(serve, config, true, err);
}

void dd_serve_close_events(struct dd_serve *serve)
{
	dd_events_closep(&serve->server.events);
}
