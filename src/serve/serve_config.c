/*
 * Which file is the configuration, and what else has to be right in it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "serve/auth_state.h"
#include "serve/read_file.h"
#include "serve/serve_private.h"
#include "serve/tls.h"

static const char *variable(const struct dd_serve_options *options, const char *name)
{
	size_t len = strlen(name);

	for (char *const *at = options->environment; at && *at; at++)
		if (!strncmp(*at, name, len) && (*at)[len] == '=')
			return *at + len + 1;
	return NULL;
}

/* With --root alone nothing is read that nobody named: it may be of another registry. */
static const char *choose_path(const struct dd_serve_options *options)
{
	static const char *const usual[] = { "/etc/drydock/drydockd.yml",
					     "/etc/docker/registry/config.yml" };
	const char *named = variable(options, "REGISTRY_CONFIGURATION_PATH");

	if (options->config)
		return options->config;
	if (named && *named)
		return named;
	for (size_t i = 0; !options->root && i < DD_COUNT(usual); i++)
		if (access(usual[i], F_OK) == 0)
			return usual[i];
	return NULL;
}

/* Whoever names a way to keep others out, and not all that it needs, must not be open to everybody. */
static int check_auth(const struct dd_serve_config *config, struct dd_error *err)
{
	if (config->wants_passwords && (!config->htpasswd_realm || !config->htpasswd_path))
		return dd_fail(err, DD_ECONFIG, 0, "auth.htpasswd.%s: has to be set",
			       config->htpasswd_realm ? "path" : "realm");
	if (config->wants_tokens && !config->token_issuer)
		return dd_fail(err, DD_ECONFIG, 0, "auth.token.issuer: has to be set");
	return 0;
}

/* What goes together. */
static int check(const struct dd_serve_config *config, struct dd_error *err)
{
	if (!config->tls_certificate != !config->tls_key ||
	    (!config->tls_certificate && config->tls_client_cas.count))
		return dd_fail(err, DD_ECONFIG, 0, "http.tls needs both a certificate and its key");
	if (config->tls_client_auth && !config->tls_client_cas.count)
		return dd_fail(err, DD_ECONFIG, 0, "http.tls.clientauth needs http.tls.clientcas");
	if (config->http_host && strncmp(config->http_host, "http://", 7) != 0 &&
	    strncmp(config->http_host, "https://", 8) != 0)
		return dd_fail(err, DD_ECONFIG, 0,
			       "http.host: \"%.200s\" is no URL (https://registry.example)",
			       config->http_host);
	if (!config->catalog_max || !config->tags_max || config->connections_max < 8)
		return dd_fail(err, DD_ECONFIG, 0,
			       "catalog.maxentries, tags.maxtags: at least 1; "
			       "drydock.connections-max: at least 8");
	return check_auth(config, err);
}

static int read_named(const struct dd_serve_options *options, const char *path,
		      struct dd_serve_config *config, dd_config_rows *rows, struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	int rc = path ? dd_read_file(path, DD_CONFIG_MAX, &text, err) : 0;

	if (rc < 0)
		return DD_ECONFIG;
	rc = dd_serve_config_read(path ? text.bytes : NULL, text.len,
				  (const char *const *)options->environment, config, rows, err);
	if (rc == 0)
		rc = check(config, err);
	return rc < 0 && path ? dd_wrap(err, rc, "%s", path) : rc;
}

int dd_serve_read_config(const struct dd_serve_options *options, struct dd_serve_config *config,
			 dd_config_rows *rows, char **path, struct dd_error *err)
{
	const char *chosen = choose_path(options);

	*path = chosen ? strdup(chosen) : NULL;
	if (chosen && !*path)
		return dd_fail(err, DD_ENOMEM, 0, "read the configuration");
	return read_named(options, chosen, config, rows, err);
}

/* What the storage's own reader makes of the same file. */
static int read_storage(const char *path, struct dd_registry_config *config, struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	int rc;

	if (!path) {
		config->driver = strdup("filesystem");
		return config->driver ? 0 : dd_fail(err, DD_ENOMEM, 0, "read the configuration");
	}
	rc = dd_read_file(path, DD_CONFIG_MAX, &text, err);
	if (rc == 0)
		rc = dd_config_read(text.bytes, text.len, config, err);
	return rc < 0 ? dd_wrap(err, rc, "%s", path) : 0;
}

/* The environment counts for the root as for all else. */
static const char *environment_of(void *arg, const char *name)
{
	const struct dd_serve_options *options = arg;

	return options->get_environment(name);
}

static int configured_root(const struct dd_serve_options *options, const char *path, char **root,
			   struct dd_error *err)
{
	DD_CLEANUP(dd_registry_config_release) struct dd_registry_config config = { 0 };
	int rc = read_storage(path, &config, err);

	if (rc < 0)
		return rc;
	rc = dd_config_settle(&config, environment_of, (void *)options, err);
	if (rc < 0)
		return path ? dd_wrap(err, rc, "%s", path) : rc;
	*root = config.root;
	config.root = NULL;
	return 0;
}

int dd_serve_find_root(const struct dd_serve_options *options, const char *path, char **root,
		       struct dd_error *err)
{
	int rc = 0;

	if (options->root)
		*root = strdup(options->root);
	else
		rc = configured_root(options, path, root, err);
	if (rc < 0)
		return rc;
	if (!*root)
		return dd_fail(err, DD_ENOMEM, 0, "find the volume");
	if (access(*root, F_OK) == 0 || errno != ENOENT)
		return 0;
	rc = dd_fail(err, DD_ECONFIG, ENOENT, "open the volume %s", *root);
	dd_hint(err,
		"mkdir it, and it becomes a volume; or name the registry's directory with --root "
		"('docker volume inspect NAME' tells where that of a container lies)");
	return rc;
}

int dd_serve_load_config(struct dd_serve *serve, struct dd_serve_config **config,
			 struct dd_error *err)
{
	DD_CLEANUP(dd_config_rows_release) dd_config_rows rows = { 0 };
	struct dd_old_config *fresh = calloc(1, sizeof(*fresh));
	char *path = NULL;
	int rc;

	if (!fresh)
		return dd_fail(err, DD_ENOMEM, 0, "read the configuration");
	fresh->before = serve->configs;
	serve->configs = fresh;
	*config = &fresh->config;
	rc = dd_serve_read_config(&serve->options, *config, &rows, &path, err);
	free(serve->config_path);
	serve->config_path = path;
	if (rc == 0)
		rc = dd_serve_config_check(&rows, err);
	if (rc < 0 || !path)
		return rc;
	for (size_t i = 0; i < rows.count; i++)
		if (rows.items[i].word)
			dd_log(serve->ctx, DD_LOG_NOTE, "%s: %s%s: %s", path, rows.items[i].key,
			       rows.items[i].verdict == DD_CONFIG_IGNORED ? " is ignored" : "",
			       rows.items[i].word);
	return 0;
}

void dd_serve_free_configs(struct dd_serve *serve)
{
	while (serve->configs) {
		struct dd_old_config *gone = serve->configs;

		serve->configs = gone->before;
		dd_serve_config_release(&gone->config);
		free(gone);
	}
}

static int check_addresses(const struct dd_serve_options *options,
			   const struct dd_serve_config *config, struct dd_error *err)
{
	const char *net = options->addr ? NULL : config->http_net;
	const char *address = options->addr ? options->addr : config->http_addr;
	int rc = address ? dd_listen_check(net, address, err) : 0;

	if (rc < 0)
		return dd_wrap(err, rc, "http.addr");
	rc = config->debug_addr ? dd_listen_check(NULL, config->debug_addr, err) : 0;
	return rc < 0 ? dd_wrap(err, rc, "http.debug.addr") : 0;
}

int dd_serve_check(struct dd_context *ctx, const struct dd_serve_options *options,
		   const struct dd_serve_config *config, const char *path, struct dd_error *err)
{
	DD_CLEANUP(dd_auth_state_unrefp) struct dd_auth_state *state = NULL;
	DD_CLEANUP(dd_tls_closep) struct dd_tls *tls = NULL;
	struct dd_tls_options tls_options;
	DD_AUTOFREE char *root = NULL;
	struct dd_auth_options auth;
	int rc = dd_serve_find_root(options, path, &root, err);

	dd_serve_auth_options(config, &auth);
	dd_serve_tls_options(config, &tls_options);
	if (rc == 0)
		rc = check_addresses(options, config, err);
	if (rc == 0)
		rc = dd_auth_state_open(ctx, &auth, &state, err);
	if (rc == 0 && config->tls_certificate)
		rc = dd_tls_open(&tls_options, &tls, err);
	if (rc == 0)
		rc = dd_serve_check_events(ctx, config, err);
	return rc;
}
