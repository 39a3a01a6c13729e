/*
 * What is read again by a reload: the configuration, and the files that it names.
 */
#include <string.h>

#include "base/cleanup.h"
#include "serve/events.h"
#include "serve/serve_private.h"
#include "serve/systemd.h"
#include "serve/tls.h"

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
		rc = dd_serve_reload_events(serve, config, err);
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
