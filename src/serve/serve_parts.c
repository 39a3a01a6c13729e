/*
 * Parts of the daemon that the configuration describes at length: who is told what happened; and what
 * is read again by a reload.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "serve/events.h"
#include "serve/serve_private.h"
#include "serve/systemd.h"
#include "serve/tls.h"

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "read the configuration");
}

/* ---- events ---- */

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

static int tell_events(struct dd_serve *serve, const struct dd_serve_config *config, bool again,
		       struct dd_error *err)
{
	DD_CLEANUP(release_endpoints) struct endpoints endpoints = { 0 };
	size_t count = config->endpoints.count;
	struct dd_events_options options = { .source = serve->address };
	int rc = 0;

	endpoints.items = calloc(count + 1, sizeof(*endpoints.items));
	endpoints.headers = calloc(count + 1, sizeof(*endpoints.headers));
	if (!endpoints.items || !endpoints.headers)
		return no_memory(err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		if (!config->endpoints.items[i].disabled)
			rc = copy_endpoint(&config->endpoints.items[i], &endpoints, err);
	options.endpoints = endpoints.items;
	options.endpoint_count = endpoints.count;
	if (rc == 0 && again)
		return dd_events_reload(serve->server.events, &options, err);
	return rc < 0 ? rc : dd_events_open(serve->ctx, &options, &serve->server.events, err);
}

int dd_serve_open_events(struct dd_serve *serve, struct dd_error *err)
{
	return tell_events(serve, atomic_load(&serve->server.config), false, err);
}

void dd_serve_close_events(struct dd_serve *serve)
{
	dd_events_closep(&serve->server.events);
}

/* ---- again ---- */

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* What was read when the server began. */
static void say_what_stays(struct dd_serve *serve, const struct dd_serve_config *old,
			   const struct dd_serve_config *now)
{
	const struct {
		const char *key;
		bool changed;
	} keys[] = {
		{ "http.addr", !serve->options.addr && !same(old->http_addr, now->http_addr) },
		{ "http.net", !same(old->http_net, now->http_net) },
		{ "http.debug.addr", !same(old->debug_addr, now->debug_addr) },
		{ "http.tls.certificate", !old->tls_certificate != !now->tls_certificate },
		{ "log.accesslog.disabled", old->access_log_disabled != now->access_log_disabled },
		{ "log.formatter", old->access_form != now->access_form },
		{ "drydock.cache-dir", !same(old->cache_dir, now->cache_dir) },
		{ "drydock.connections-max", old->connections_max != now->connections_max },
	};

	for (size_t i = 0; i < DD_COUNT(keys); i++)
		if (keys[i].changed)
			dd_log(serve->ctx, DD_LOG_WARNING, "%s counts after a restart only",
			       keys[i].key);
}

static int reload_tls(struct dd_serve *serve, const struct dd_serve_config *config,
		      struct dd_error *err)
{
	struct dd_tls_options options;

	dd_serve_tls_options(config, &options);
	return serve->tls && config->tls_certificate ? dd_tls_reload(serve->tls, &options, err) : 0;
}

static int reload(struct dd_serve *serve, struct dd_error *err)
{
	const struct dd_serve_config *old = atomic_load(&serve->server.config);
	struct dd_serve_config *config;
	struct dd_auth_options auth;
	int rc = dd_serve_load_config(serve, &config, err);

	if (rc < 0)
		return rc;
	dd_serve_auth_options(config, &auth);
	rc = dd_auth_reload(serve->server.auth, &auth, err);
	if (rc == 0)
		rc = reload_tls(serve, config, err);
	if (rc == 0)
		rc = tell_events(serve, config, true, err);
	if (rc < 0)
		return rc;
	say_what_stays(serve, old, config);
	atomic_store(&serve->server.config, config);
	dd_serve_apply_options(serve);
	return 0;
}

int dd_serve_reload(struct dd_serve *serve, struct dd_error *err)
{
	int rc;

	dd_systemd_reloading();
	rc = reload(serve, err);
	dd_systemd_ready(rc == 0 ? "serving" : "serving; the last reload failed");
	return rc;
}
