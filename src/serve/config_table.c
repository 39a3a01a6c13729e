/*
 * All keys of the configuration.
 *
 * Source: the distribution registry's "Configuring a registry", versions 2.8 and 3.1.
 */
#include <string.h>
#include <strings.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "base/nearest.h"
#include "serve/config_table.h"
#include "serve/config_value.h"

static int set_verify_first(struct dd_serve_config *config, const char *value, struct dd_error *err)
{
	if (!strcmp(value, "all"))
		config->verify_first = UINT64_MAX;
	else if (!strcmp(value, "none"))
		config->verify_first = 0;
	else
		return dd_size_parse(&config->verify_first, value, err);
	return 0;
}

static int set_driver(struct dd_serve_config *config, const char *value, struct dd_error *err)
{
	(void)config;
	if (!strcmp(value, "filesystem"))
		return 0;
	return dd_fail(err, DD_ECONFIG, 0,
		       "the storage driver is \"%.100s\"; only \"filesystem\" is supported", value);
}

/* A word alone, as REGISTRY_AUTH has it; what it needs is said by further keys. */
static int set_auth(struct dd_serve_config *config, const char *value, struct dd_error *err)
{
	config->wants_passwords |= !strcmp(value, "htpasswd");
	config->wants_tokens |= !strcmp(value, "token");
	if (!*value || !strcmp(value, "none") || !strcmp(value, "htpasswd") ||
	    !strcmp(value, "token"))
		return 0;
	return dd_fail(err, DD_ECONFIG, 0,
		       "\"%.100s\" is not known, and may be what keeps others out; htpasswd and "
		       "token are",
		       value);
}

/* A section with nothing in it is one all the same. */
static int set_wants_passwords(struct dd_serve_config *config, const char *value,
			       struct dd_error *err)
{
	return *value ? dd_fail(err, DD_ECONFIG, 0, "\"%.100s\" is not its realm and path", value) :
			set_auth(config, "htpasswd", err);
}

static int set_wants_tokens(struct dd_serve_config *config, const char *value, struct dd_error *err)
{
	return *value ? dd_fail(err, DD_ECONFIG, 0, "\"%.100s\" is not its realm and keys", value) :
			set_auth(config, "token", err);
}

/* Registry 3's words for indexes that may be sparse. Of a list, none of its platforms is demanded. */
static int set_platforms(struct dd_serve_config *config, const char *value, struct dd_error *err)
{
	config->sparse_indexes = !strcasecmp(value, "none") || !strcasecmp(value, "list");
	if (config->sparse_indexes || !*value || !strcasecmp(value, "all"))
		return 0;
	return dd_fail(err, DD_ECONFIG, 0, "\"%.100s\" is none of all, none and list", value);
}

static int set_enabled(struct dd_serve_config *config, const char *value, struct dd_error *err)
{
	(void)err;
	config->validation_disabled = strcasecmp(value, "true") != 0;
	return 0;
}

static int set_net(struct dd_serve_config *config, const char *value, struct dd_error *err)
{
	if (strcmp(value, "tcp") != 0 && strcmp(value, "unix") != 0)
		return dd_fail(err, DD_ECONFIG, 0, "\"%.100s\" is neither tcp nor unix", value);
	return dd_config_set_text(&config->http_net, value, err);
}

static int set_prefix(struct dd_serve_config *config, const char *value, struct dd_error *err)
{
	size_t len = strlen(value);

	if (!len || value[0] != '/' || value[len - 1] != '/' || strpbrk(value, "?#%\"\\ "))
		return dd_fail(err, DD_ECONFIG, 0, "a prefix begins and ends with a slash");
	return dd_config_set_text(&config->http_prefix, value, err);
}

/* Older ones are broken; who allows them wants the server to start all the same. */
static int set_minimum(struct dd_serve_config *config, const char *value, struct dd_error *err)
{
	config->tls_strict = !strcmp(value, "tls1.3");
	if (config->tls_strict || !*value || !strcmp(value, "tls1.2") || !strcmp(value, "tls1.1") ||
	    !strcmp(value, "tls1.0"))
		return 0;
	return dd_fail(err, DD_ECONFIG, 0, "\"%.40s\" is neither tls1.2 nor tls1.3", value);
}

static const char *remark_minimum(const char *value)
{
	bool old = !strcmp(value, "tls1.0") || !strcmp(value, "tls1.1");

	return old ? "TLS 1.2 is the least that is spoken" : NULL;
}

static int set_formatter(struct dd_serve_config *config, const char *value, struct dd_error *err)
{
	if (dd_access_find_form(*value ? value : "text", &config->access_form))
		return 0;
	return dd_fail(err, DD_ECONFIG, 0, "\"%.40s\" is none of text, json and logstash", value);
}

/* clang-format off */
#define AT(member) offsetof(struct dd_serve_config, member)
#define OF(member) offsetof(struct dd_config_endpoint, member)
#define HONOUR(pattern, kind, member) { pattern, kind, AT(member), DD_CONFIG_HONOURED, NULL, false, NULL, false, 0, NULL }
#define SECRET(pattern, kind, member) { pattern, kind, AT(member), DD_CONFIG_HONOURED, NULL, true, NULL, false, 0, NULL }
#define SET(pattern, set)             { pattern, DD_KEY_SET, 0, DD_CONFIG_HONOURED, NULL, false, set, false, 0, NULL }
#define REMARK(pattern, set, remark)  { pattern, DD_KEY_SET, 0, DD_CONFIG_HONOURED, NULL, false, set, false, 0, remark }
#define ENDPOINT(pattern, kind, member, secret) \
	{ "notifications.endpoints[]." pattern, DD_KEY_ENDPOINT, OF(member), DD_CONFIG_HONOURED, NULL, secret, NULL, false, kind, NULL }
#define IGNORE(pattern, word)         { pattern, DD_KEY_NONE, 0, DD_CONFIG_IGNORED, word, false, NULL, false, 0, NULL }
#define IGNORE_SECRET(pattern, word)  { pattern, DD_KEY_NONE, 0, DD_CONFIG_IGNORED, word, true, NULL, false, 0, NULL }
#define STOP(pattern, word)           { pattern, DD_KEY_NONE, 0, DD_CONFIG_STOPS, word, true, NULL, false, 0, NULL }
#define STOP_ALWAYS(pattern, word)    { pattern, DD_KEY_NONE, 0, DD_CONFIG_STOPS, word, true, NULL, true, 0, NULL }

static const struct dd_config_key keys[] = {
	HONOUR("version", DD_KEY_TEXT, version),

	HONOUR("log.level", DD_KEY_TEXT, log_level),
	HONOUR("loglevel", DD_KEY_TEXT, log_level),
	SET("log.formatter", set_formatter),
	HONOUR("log.accesslog.disabled", DD_KEY_BOOL, access_log_disabled),
	IGNORE("log.fields.**", "log lines have no further fields"),
	IGNORE_SECRET("log.hooks**", "no mail is sent; notifications and metrics are there for that"),
	IGNORE("log.reportcaller", "means nothing here"),

	SET("storage", set_driver),
	{ "storage.filesystem.rootdirectory", DD_KEY_NONE, 0, DD_CONFIG_HONOURED, NULL, false, NULL, false, 0, NULL },
	{ "storage.filesystem", DD_KEY_NONE, 0, DD_CONFIG_HONOURED, NULL, false, NULL, false, 0, NULL },
	IGNORE("storage.filesystem.maxthreads", "threads are started as they are needed"),
	HONOUR("storage.delete.enabled", DD_KEY_BOOL, delete_enabled),
	IGNORE("storage.cache.**", "what is known of blobs is always proved, and remembered in the index"),
	IGNORE("storage.redirect.**", "blobs are served from here, never by a redirect"),
	IGNORE("storage.tag.**", "means nothing here"),
	HONOUR("storage.maintenance.readonly.enabled", DD_KEY_BOOL, readonly),
	HONOUR("storage.maintenance.uploadpurging.enabled", DD_KEY_BOOL, purge_enabled),
	HONOUR("storage.maintenance.uploadpurging.age", DD_KEY_DURATION, purge_age_ns),
	HONOUR("storage.maintenance.uploadpurging.interval", DD_KEY_DURATION, purge_interval_ns),
	HONOUR("storage.maintenance.uploadpurging.dryrun", DD_KEY_BOOL, purge_dry_run),
	STOP("storage.delete**", DD_KEY_UNKNOWN),
	STOP("storage.maintenance**", DD_KEY_UNKNOWN),
	STOP("storage.**", "only the storage driver \"filesystem\" is supported"),

	SET("http.net", set_net),
	HONOUR("http.addr", DD_KEY_TEXT, http_addr),
	SET("http.prefix", set_prefix),
	HONOUR("http.host", DD_KEY_TEXT, http_host),
	HONOUR("http.relativeurls", DD_KEY_BOOL, relative_urls),
	HONOUR("http.draintimeout", DD_KEY_TIMEOUT, drain_ns),
	IGNORE_SECRET("http.secret", "uploads need no signed state"),
	SECRET("http.headers.*", DD_KEY_PAIRS, headers),
	HONOUR("http.tls.certificate", DD_KEY_TEXT, tls_certificate),
	HONOUR("http.tls.key", DD_KEY_TEXT, tls_key),
	REMARK("http.tls.minimumtls", set_minimum, remark_minimum),
	IGNORE("http.tls.ciphersuites**", "the TLS library's own choice"),
	HONOUR("http.tls.clientcas[]", DD_KEY_TEXTS, tls_client_cas),
	STOP("http.tls.clientcas**", "is a list of files"),
	HONOUR("http.tls.clientauth", DD_KEY_TEXT, tls_client_auth),
	STOP("http.tls.letsencrypt.**", "certificates are not fetched: name files by http.tls.certificate and http.tls.key"),
	HONOUR("http.debug.addr", DD_KEY_TEXT, debug_addr),
	HONOUR("http.debug.prometheus.enabled", DD_KEY_BOOL, metrics_enabled),
	HONOUR("http.debug.prometheus.path", DD_KEY_TEXT, metrics_path),
	IGNORE("http.http2.disabled", "HTTP/1.1 is spoken"),
	IGNORE("http.h2c.enabled", "HTTP/1.1 is spoken"),

	SET("auth.htpasswd", set_wants_passwords),
	HONOUR("auth.htpasswd.realm", DD_KEY_TEXT, htpasswd_realm),
	HONOUR("auth.htpasswd.path", DD_KEY_TEXT, htpasswd_path),
	SET("auth.token", set_wants_tokens),
	HONOUR("auth.token.realm", DD_KEY_TEXT, token_realm),
	HONOUR("auth.token.service", DD_KEY_TEXT, token_service),
	HONOUR("auth.token.issuer", DD_KEY_TEXT, token_issuer),
	HONOUR("auth.token.rootcertbundle", DD_KEY_TEXT, token_certificates),
	HONOUR("auth.token.jwks", DD_KEY_TEXT, token_jwks),
	HONOUR("auth.token.signingalgorithms[]", DD_KEY_TEXTS, token_algorithms),
	HONOUR("auth.token.autoredirect", DD_KEY_BOOL, token_autoredirect),
	HONOUR("auth.token.autoredirectpath", DD_KEY_TEXT, token_autoredirect_path),
	STOP_ALWAYS("auth.token.**", "is not known: it may be what keeps others out"),
	SET("auth", set_auth),
	IGNORE("auth.none**", "everybody may do all"),
	STOP_ALWAYS("auth.**", "only htpasswd and token are known: it may be what keeps others out"),

	HONOUR("catalog.maxentries", DD_KEY_NUMBER, catalog_max),
	HONOUR("tags.maxtags", DD_KEY_NUMBER, tags_max),
	HONOUR("validation.disabled", DD_KEY_BOOL, validation_disabled),
	SET("validation.enabled", set_enabled),
	SET("validation.manifests.indexes.platforms", set_platforms),
	IGNORE("validation.manifests.indexes.platformlist**", "an index may lack any platform, those of the list too"),
	IGNORE("validation.manifests.urls.**", "layers with URLs of their own are accepted, and never fetched"),

	ENDPOINT("name", DD_KEY_TEXT, name, false),
	ENDPOINT("url", DD_KEY_TEXT, url, true),
	ENDPOINT("disabled", DD_KEY_BOOL, disabled, false),
	ENDPOINT("timeout", DD_KEY_TIMEOUT, timeout_ns, false),
	ENDPOINT("backoff", DD_KEY_TIMEOUT, backoff_ns, false),
	ENDPOINT("threshold", DD_KEY_NUMBER, threshold, false),
	ENDPOINT("headers.*", DD_KEY_PAIRS, headers, true),
	ENDPOINT("ignoredmediatypes[]", DD_KEY_TEXTS, ignored_media_types, false),
	ENDPOINT("ignore.mediatypes[]", DD_KEY_TEXTS, ignore_media_types, false),
	ENDPOINT("ignore.actions[]", DD_KEY_TEXTS, ignore_actions, false),
	IGNORE("notifications.events.**", "references are not listed in events"),

	HONOUR("drydock.rules", DD_KEY_TEXT, rules),
	HONOUR("drydock.cache-dir", DD_KEY_TEXT, cache_dir),
	HONOUR("drydock.lease", DD_KEY_DURATION, lease_ns),
	SET("drydock.verify-first", set_verify_first),
	HONOUR("drydock.verify-all-rate", DD_KEY_SIZE, verify_all_rate),
	HONOUR("drydock.keep-free", DD_KEY_SIZE, keep_free),
	HONOUR("drydock.manifest-max", DD_KEY_SIZE, manifest_max),
	HONOUR("drydock.uploads-max", DD_KEY_NUMBER, uploads_max),
	HONOUR("drydock.uploads-per-client", DD_KEY_NUMBER, uploads_per_client),
	HONOUR("drydock.connections-max", DD_KEY_NUMBER, connections_max),
	HONOUR("drydock.connections-per-address", DD_KEY_NUMBER, per_address_max),
	HONOUR("drydock.timeout", DD_KEY_DURATION, timeout_ns),
	HONOUR("drydock.header-timeout", DD_KEY_DURATION, head_timeout_ns),
	HONOUR("drydock.measure-every", DD_KEY_DURATION, measure_every_ns),
	HONOUR("drydock.collect.every", DD_KEY_DURATION, collect_every_ns),
	HONOUR("drydock.collect.options[]", DD_KEY_TEXTS, collect_options),
	HONOUR("drydock.program", DD_KEY_TEXT, drydock),
	STOP("drydock**", DD_KEY_UNKNOWN),

	STOP("proxy.**", "a pull-through cache is something else: nothing is fetched from elsewhere"),
	STOP("middleware.**", "there is none"),
	IGNORE_SECRET("redis.**", "no cache outside of this process is used"),
	IGNORE_SECRET("reporting.**", "nothing is reported to others"),
	IGNORE_SECRET("health.**", "/healthz and /readyz tell"),
	IGNORE("compatibility.**", "manifests of schema 1 are served as they are"),
	STOP("policy.repository.classes**", "classes of repositories are not known: say who may push by drydock.rules"),
};
/* clang-format on */

const struct dd_config_key *dd_config_keys(size_t *count)
{
	*count = DD_COUNT(keys);
	return keys;
}

/* "[7]" and "[]" are one; "*" takes a part, "**" the rest, nothing included. */
static bool fits(const char *pattern, const char *path)
{
	for (; *pattern; pattern++) {
		if (pattern[0] == '*' && pattern[1] == '*')
			return true;
		if (*pattern == '*') {
			size_t len = strcspn(path, ".[");

			if (!len)
				return false;
			path += len;
			continue;
		}
		if (*path++ != *pattern)
			return false;
		if (*pattern == '[')
			path += strspn(path, "0123456789");
	}
	/* An entry of a list is a member of its key: a header may have several values. */
	return !*path || *path == '[';
}

const struct dd_config_key *dd_config_find_key(const char *path)
{
	for (size_t i = 0; i < DD_COUNT(keys); i++)
		if (fits(keys[i].pattern, path))
			return &keys[i];
	return NULL;
}

const char *dd_config_guess_key(const char *path)
{
	struct dd_nearest meant = { .word = path, .least = 4 };

	for (size_t i = 0; i < DD_COUNT(keys); i++)
		if (!strchr(keys[i].pattern, '*'))
			dd_nearest_try(&meant, keys[i].pattern);
	return meant.best;
}
