/*
 * Which file is the configuration, and what else has to be right in it.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "serve/read_file.h"
#include "serve/serve_private.h"

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

/* What goes together. */
static int check(const struct dd_serve_config *config, struct dd_error *err)
{
	if (!config->tls_certificate != !config->tls_key)
		return dd_fail(err, DD_ECONFIG, 0, "http.tls needs both a certificate and its key");
	if (config->tls_minimum && strcmp(config->tls_minimum, "tls1.2") != 0 &&
	    strcmp(config->tls_minimum, "tls1.3") != 0)
		return dd_fail(err, DD_ECONFIG, 0,
			       "http.tls.minimumtls: \"%.40s\" is neither tls1.2 nor tls1.3",
			       config->tls_minimum);
	if (config->http_host && strncmp(config->http_host, "http://", 7) != 0 &&
	    strncmp(config->http_host, "https://", 8) != 0)
		return dd_fail(err, DD_ECONFIG, 0,
			       "http.host: \"%.200s\" is no URL (https://registry.example)",
			       config->http_host);
	if (config->log_formatter && strcmp(config->log_formatter, "text") != 0 &&
	    strcmp(config->log_formatter, "json") != 0)
		return dd_fail(err, DD_ECONFIG, 0,
			       "log.formatter: \"%.40s\" is neither text nor json",
			       config->log_formatter);
	if (!config->catalog_max || !config->tags_max || config->connections_max < 8)
		return dd_fail(err, DD_ECONFIG, 0,
			       "catalog.maxentries, tags.maxtags: at least 1; "
			       "drydock.connections-max: at least 8");
	return 0;
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

int dd_serve_read_storage(const char *path, struct dd_registry_config *config, struct dd_error *err)
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
		if (rows.items[i].verdict == DD_CONFIG_IGNORED && rows.items[i].word)
			dd_log(serve->ctx, DD_LOG_NOTE, "%s: %s is ignored: %s", path,
			       rows.items[i].key, rows.items[i].word);
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
