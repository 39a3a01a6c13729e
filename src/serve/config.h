/*
 * The server's configuration: a registry's config.yml, REGISTRY_* in the environment, and a section
 * of our own ("drydock:"); drydockd.yml(5).
 *
 * All keys are one table (config_table.c), which says of each what it sets, or that it means nothing
 * here and why, or that it is something we must not pass over: it stops us. So what is honoured is
 * known before the change-over (drydockd --check-config).
 *
 * Strings are owned by the structure. No locking: once read it does not change.
 */
#ifndef SERVE_CONFIG_H
#define SERVE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <drydock/config.h>
#include <drydock/error.h>

#include "base/list.h"
#include "serve/access_line.h"

struct dd_config_pair {
	char *name, *value;
};
typedef DD_LIST(struct dd_config_pair) dd_config_pairs;
typedef DD_LIST(char *) dd_config_texts;

/* notifications.endpoints */
struct dd_config_endpoint {
	char *name, *url;
	bool disabled;
	int64_t timeout_ns, backoff_ns;
	uint64_t threshold;
	dd_config_pairs headers;
	dd_config_texts ignored_media_types; /* by the older name; both count */
	dd_config_texts ignore_media_types, ignore_actions;
};

struct dd_serve_config {
	char *version;

	char *log_level;
	enum dd_access_form access_form;
	bool access_log_disabled;

	bool delete_enabled, readonly;
	bool purge_enabled, purge_dry_run;
	int64_t purge_age_ns, purge_interval_ns;

	char *http_net, *http_addr, *http_prefix, *http_host;
	bool relative_urls;
	int64_t drain_ns;
	dd_config_pairs headers;
	char *tls_certificate, *tls_key, *tls_client_auth;
	bool tls_strict; /* TLS 1.3 alone */
	dd_config_texts tls_client_cas;
	char *debug_addr, *metrics_path;
	bool metrics_enabled;

	bool wants_passwords, wants_tokens; /* the section is there, whatever is in it */
	char *htpasswd_realm, *htpasswd_path;
	char *token_realm, *token_service, *token_issuer, *token_certificates, *token_jwks;
	dd_config_texts token_algorithms;
	bool token_autoredirect;
	char *token_autoredirect_path;

	bool validation_disabled, sparse_indexes;
	uint64_t catalog_max, tags_max;
	DD_LIST(struct dd_config_endpoint) endpoints;

	/* drydock */
	char *rules, *cache_dir;
	int64_t lease_ns;
	uint64_t verify_first, keep_free, manifest_max;
	uint64_t uploads_per_client; /* UINT64_MAX: half of all */
	uint64_t uploads_max, connections_max, per_address_max;
	int64_t timeout_ns, head_timeout_ns;
	uint64_t verify_all_rate; /* bytes a second; 0: not in the background */
	int64_t measure_every_ns; /* 0: never */
	int64_t collect_every_ns; /* 0: not by ourselves */
	dd_config_texts collect_options;
	char *drydock; /* the program that collects */
};

/* What became of a key that was given: rows for --check-config. */
enum dd_config_verdict {
	DD_CONFIG_HONOURED,
	DD_CONFIG_IGNORED, /* means nothing here, or is not known */
	DD_CONFIG_STOPS	   /* must not be passed over */
};

struct dd_config_row {
	char *key;   /* "http.addr", "REGISTRY_HTTP_ADDR" */
	char *value; /* secrets are left out */
	char *word;  /* why, or what else is to be known; NULL if there is nothing to say */
	enum dd_config_verdict verdict;
	size_t line; /* 0: of the environment */
};
typedef DD_LIST(struct dd_config_row) dd_config_rows;

/*
 * bytes NULL: no file, and defaults. environment: all of it, "NAME=value", ended by NULL; NULL: none.
 * DD_ECONFIG with line and key for what cannot be understood. What stops us is not an error here, but a
 * row: dd_serve_config_check() says the first one. config is to be released in any case.
 */
int dd_serve_config_read(const char *bytes, size_t len, const char *const *environment,
			 struct dd_serve_config *config, dd_config_rows *rows,
			 struct dd_error *err);
int dd_serve_config_check(const dd_config_rows *rows, struct dd_error *err);
void dd_serve_config_release(struct dd_serve_config *config);
void dd_config_rows_release(dd_config_rows *rows);

#endif
