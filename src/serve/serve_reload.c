/*
 * What is read again by a reload: the configuration, and the files that it names.
 */
#include <string.h>

#include "base/cleanup.h"
#include "serve/auth_state.h"
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

/* What was read, all of it before any of it is taken. */
struct fresh {
	struct dd_serve_config *config; /* the server's list has it */
	struct dd_auth_state *auth;
	struct dd_tls_terms *terms; /* NULL: no TLS */
};

static void release_fresh(struct fresh *fresh)
{
	dd_auth_state_unrefp(&fresh->auth);
	dd_tls_terms_closep(&fresh->terms);
}

static int read_fresh(struct dd_serve *serve, struct fresh *fresh, struct dd_error *err)
{
	struct dd_auth_options auth;
	struct dd_tls_options tls;
	int rc = dd_serve_load_config(serve, &fresh->config, err);

	if (rc < 0)
		return rc;
	dd_serve_auth_options(fresh->config, &auth);
	rc = dd_auth_state_open(serve->ctx, &auth, &fresh->auth, err);
	if (rc < 0 || !serve->tls || !fresh->config->tls_certificate)
		return rc;
	dd_serve_tls_options(fresh->config, &tls);
	return dd_tls_read(&tls, &fresh->terms, err);
}

static void take_fresh(struct dd_serve *serve, struct fresh *fresh)
{
	dd_auth_take(serve->server.auth, fresh->auth);
	fresh->auth = NULL;
	if (fresh->terms)
		dd_tls_take(serve->tls, fresh->terms);
	fresh->terms = NULL;
	say_what_stays(serve, atomic_load(&serve->server.config), fresh->config);
	atomic_store(&serve->server.config, fresh->config);
	dd_serve_apply_options(serve);
}

static int reload(struct dd_serve *serve, struct dd_error *err)
{
	DD_CLEANUP(release_fresh) struct fresh fresh = { 0 };
	int rc = read_fresh(serve, &fresh, err);

	/* They take all or nothing themselves; nothing that comes after it can fail. */
	if (rc == 0)
		rc = dd_serve_reload_events(serve, fresh.config, err);
	if (rc < 0)
		return dd_wrap(err, rc, "nothing of the reload was taken");
	take_fresh(serve, &fresh);
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
