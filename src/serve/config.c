/*
 * The configuration, read: the document is taken apart into leaves ("http.headers.X-Frame[0]"), each of
 * which is looked up in the table. The environment is more leaves, after those of the file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/manifest.h>
#include <drydock/registry.h>
#include <drydock/units.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "serve/config_table.h"
#include "serve/config_value.h"
#include "serve/config_variable.h"
#include "text/yaml.h"

#define LEAVES_MAX 4096 /* aliases stand for what they name, each time */
#define PATH_ROOM 512

struct reading {
	struct dd_serve_config *config;
	dd_config_rows *rows;
	const char *variable; /* of the environment; NULL: the file */
	size_t leaves;
};

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "read the configuration");
}

static int set_endpoint(struct dd_serve_config *config, const struct dd_config_key *key,
			const char *path, const char *value, struct dd_error *err)
{
	size_t number, count = config->endpoints.count;
	int rc = dd_config_entry(strchr(path, '['), count, &number, err);

	if (rc < 0)
		return rc;
	if (number == count) {
		struct dd_config_endpoint *endpoint = dd_list_add(&config->endpoints);

		if (!endpoint)
			return no_memory(err);
		*endpoint = (struct dd_config_endpoint){ .timeout_ns = DD_SECOND,
							 .backoff_ns = DD_SECOND,
							 .threshold = 10 };
	}
	return dd_config_set_value(key->entry,
				   (char *)&config->endpoints.items[number] + key->offset, path,
				   value, err);
}

/* ---- leaves ---- */

/* Why it is as it is; NULL: there is nothing to say. To be freed. */
static int explain(const struct dd_config_key *key, const char *path, const char *value, char **out,
		   struct dd_error *err)
{
	const char *why = !key ? DD_KEY_UNKNOWN : key->remark ? key->remark(value) : key->word;
	const char *meant = NULL;
	struct dd_text text = { 0 };
	int rc = why ? dd_text_printf(&text, "%s", why) : 0;

	if (why && !strcmp(why, DD_KEY_UNKNOWN))
		meant = dd_config_guess_key(path);
	if (rc == 0 && meant)
		rc = dd_text_printf(&text, ": did you mean %s?", meant);
	*out = dd_text_take(&text);
	return rc < 0 ? no_memory(err) : 0;
}

/* What is said about a key, once for all entries of a list. */
static int add_row(struct reading *reading, const struct dd_config_key *key, const char *path,
		   const char *value, size_t line, struct dd_error *err)
{
	struct dd_config_row *row = dd_list_add(reading->rows);
	bool harmless = key && key->verdict == DD_CONFIG_STOPS && !key->always && !*value;

	if (!row)
		return no_memory(err);
	row->key = strdup(reading->variable ? reading->variable : path);
	/* What is not known may be a password under a name that is misspelt. */
	row->value = strdup((!key || key->secret) && *value ? "…" : value);
	row->line = line;
	row->verdict = !key || harmless ? DD_CONFIG_IGNORED : key->verdict;
	if (!row->key || !row->value)
		return no_memory(err);
	return harmless ? 0 : explain(key, path, value, &row->word, err);
}

/* Of a section that says who may come in a part counts as all: what it lacks is missed, not passed over. */
static void note_auth(struct dd_serve_config *config, const char *path)
{
	config->wants_passwords |= !strncmp(path, "auth.htpasswd.", 14);
	config->wants_tokens |= !strncmp(path, "auth.token.", 11);
}

static int take_leaf(struct reading *reading, const char *path, const char *value, size_t line,
		     struct dd_error *err)
{
	const struct dd_config_key *key = dd_config_find_key(path);
	struct dd_serve_config *config = reading->config;
	int rc = add_row(reading, key, path, value, line, err);

	if (++reading->leaves > LEAVES_MAX)
		return dd_fail(err, DD_ECONFIG, 0, "more than %d values", LEAVES_MAX);
	if (rc < 0 || !key || key->verdict != DD_CONFIG_HONOURED)
		return rc;
	note_auth(config, path);
	if (key->kind == DD_KEY_SET)
		rc = key->set(config, value, err);
	else if (key->kind == DD_KEY_ENDPOINT)
		rc = set_endpoint(config, key, path, value, err);
	else
		rc = dd_config_set_value(key->kind, (char *)config + key->offset, path, value, err);
	if (rc == 0 || rc == DD_ENOMEM)
		return rc;
	rc = DD_ECONFIG;
	if (err)
		err->code = rc;
	if (reading->variable)
		return dd_wrap(err, rc, "%s", reading->variable);
	return dd_wrap(err, rc, "line %zu: %s", line, path);
}

static int take_node(struct reading *reading, const struct dd_yaml_node *node, char *path,
		     size_t len, struct dd_error *err);

static int take_member(struct reading *reading, const struct dd_yaml_node *node, size_t i,
		       char *path, size_t len, struct dd_error *err)
{
	const struct dd_yaml_node *key = node->type == DD_YAML_MAPPING ? node->keys[i] : NULL;
	int added;

	if (!key)
		added = snprintf(path + len, PATH_ROOM - len, "[%zu]", i);
	else if (key->type != DD_YAML_SCALAR || memchr(key->text, '\0', key->len) || !key->len)
		return dd_fail(err, DD_ECONFIG, 0, "line %zu: that is no key", key->line);
	else if (dd_yaml_is(key, "<<"))
		return dd_fail(err, DD_ECONFIG, 0, "line %zu: merge keys (<<) are not supported",
			       key->line);
	else
		added = snprintf(path + len, PATH_ROOM - len, "%s%s", len ? "." : "", key->text);
	if (added < 0 || len + (size_t)added >= PATH_ROOM)
		return dd_fail(err, DD_ECONFIG, 0, "line %zu: that is nested too deep", node->line);
	return take_node(reading, node->values[i], path, len + (size_t)added, err);
}

static int take_node(struct reading *reading, const struct dd_yaml_node *node, char *path,
		     size_t len, struct dd_error *err)
{
	int rc = 0;

	if (node->type == DD_YAML_SCALAR) {
		if (memchr(node->text, '\0', node->len))
			return dd_fail(err, DD_ECONFIG, 0, "line %zu: there is a NUL in it",
				       node->line);
		return take_leaf(reading, path, dd_yaml_is_null(node) ? "" : node->text, node->line,
				 err);
	}
	if (!node->len && !strncmp(path, "auth", 4))
		rc = take_leaf(reading, path, "", node->line, err);
	for (size_t i = 0; rc == 0 && i < node->len; i++)
		rc = take_member(reading, node, i, path, len, err);
	path[len] = '\0';
	return rc;
}

static int check_twice(const struct dd_yaml_node *node, struct dd_error *err)
{
	for (size_t i = 0; node->type == DD_YAML_MAPPING && i < node->len; i++)
		for (size_t j = 0; j < i; j++)
			if (node->keys[i]->type == DD_YAML_SCALAR &&
			    dd_yaml_is(node->keys[j], node->keys[i]->text))
				return dd_fail(err, DD_ECONFIG, 0, "line %zu: %s is given twice",
					       node->keys[i]->line, node->keys[i]->text);
	return 0;
}

/* ---- the environment ---- */

static void release_texts(dd_config_texts *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	dd_list_release(list);
}

static void release_pairs(dd_config_pairs *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].name);
		free(list->items[i].value);
	}
	dd_list_release(list);
}

static void release_endpoints(struct dd_serve_config *config)
{
	for (size_t i = 0; i < config->endpoints.count; i++) {
		struct dd_config_endpoint *endpoint = &config->endpoints.items[i];

		free(endpoint->name);
		free(endpoint->url);
		release_pairs(&endpoint->headers);
		release_texts(&endpoint->ignored_media_types);
		release_texts(&endpoint->ignore_media_types);
		release_texts(&endpoint->ignore_actions);
	}
	dd_list_release(&config->endpoints);
}

static void forget_of_endpoint(struct dd_serve_config *config, const char *path)
{
	size_t number = strtoul(path + strlen("notifications.endpoints["), NULL, 10);
	const char *member = strchr(path, '.') ? strrchr(path, ']') : NULL;
	struct dd_config_endpoint *endpoint;

	if (number >= config->endpoints.count || !member)
		return;
	endpoint = &config->endpoints.items[number];
	if (!strcmp(member, "].headers"))
		release_pairs(&endpoint->headers);
	else if (!strcmp(member, "].ignoredmediatypes"))
		release_texts(&endpoint->ignored_media_types);
	else if (!strcmp(member, "].ignore.mediatypes"))
		release_texts(&endpoint->ignore_media_types);
	else if (!strcmp(member, "].ignore.actions"))
		release_texts(&endpoint->ignore_actions);
}

/* A variable takes the place of what the file has there, lists and all. */
static void forget(struct dd_serve_config *config, const char *path)
{
	if (!strcmp(path, "http.headers"))
		release_pairs(&config->headers);
	else if (!strcmp(path, "http.tls.clientcas"))
		release_texts(&config->tls_client_cas);
	else if (!strcmp(path, "auth.token.signingalgorithms"))
		release_texts(&config->token_algorithms);
	else if (!strcmp(path, "drydock.collect.options"))
		release_texts(&config->collect_options);
	else if (!strcmp(path, "notifications.endpoints"))
		release_endpoints(config);
	else if (!strncmp(path, "notifications.endpoints[", 24))
		forget_of_endpoint(config, path);
}

/* Where a single value has its place, it is taken as it stands, whatever signs are in it. */
static bool is_plain(const char *path, const char *value)
{
	const struct dd_config_key *key = dd_config_find_key(path);

	if (strchr("[{\"'", *value)) /* of "", too: strchr() finds the end */
		return !*value;
	if (key && key->verdict == DD_CONFIG_HONOURED)
		return true;
	return strncmp(value, "- ", 2) != 0 && !strstr(value, ": ") && !strstr(value, ":\n");
}

/* Its value is YAML, of any shape: "5000", "[a, b]", "{X-Frame-Options: [deny]}". */
static int take_variable(struct reading *reading, const char *variable, const char *value,
			 struct dd_error *err)
{
	DD_CLEANUP(dd_yaml_closep) struct dd_yaml *yaml = NULL;
	char path[PATH_ROOM];
	const struct dd_yaml_node *root;
	int rc;

	dd_config_path_of(variable, path, sizeof(path));
	if (is_plain(path, value))
		return take_leaf(reading, path, value, 0, err);
	rc = dd_yaml_read(value, strlen(value), &yaml, err);
	if (rc < 0)
		return dd_wrap(err, rc, "%s", variable);
	root = dd_yaml_root(yaml);
	if (!root)
		return 0;
	forget(reading->config, path);
	return take_node(reading, root, path, strlen(path), err);
}

/* Whose name is as if it were a key, and is none: whoever pushes by podman may have it set. */
static const struct dd_config_key clients_own = {
	.pattern = "REGISTRY_AUTH_FILE",
	.verdict = DD_CONFIG_IGNORED,
	.word = "podman's and skopeo's: where they find their passwords",
};

static int take_pair(struct reading *reading, const char *pair, struct dd_error *err)
{
	const char *equal = strchr(pair, '=');
	DD_AUTOFREE char *name = NULL;
	int rc;

	if (!equal || strncmp(pair, "REGISTRY_", 9) != 0 || equal - pair > 200 ||
	    !strncmp(pair, "REGISTRY_CONFIGURATION_PATH=", 28))
		return 0;
	name = strndup(pair, (size_t)(equal - pair));
	if (!name)
		return no_memory(err);
	reading->variable = name;
	if (!strcmp(name, clients_own.pattern))
		rc = add_row(reading, &clients_own, name, equal + 1, 0, err);
	else
		rc = take_variable(reading, name, equal + 1, err);
	reading->variable = NULL;
	return rc;
}

/* "=" comes before "_", so that a whole comes before its parts; and an entry after those before it. */
static int compare_pairs(const void *a, const void *b)
{
	return strverscmp(*(const char *const *)a, *(const char *const *)b);
}

static int take_environment(struct reading *reading, const char *const *environment,
			    struct dd_error *err)
{
	DD_AUTOFREE const char **sorted = NULL;
	size_t count = 0;
	int rc = 0;

	while (environment[count])
		count++;
	sorted = calloc(count + 1, sizeof(*sorted));
	if (!sorted)
		return no_memory(err);
	memcpy(sorted, environment, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare_pairs);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = take_pair(reading, sorted[i], err);
	return rc;
}

/* ---- the whole ---- */

static int set_defaults(struct dd_serve_config *config, struct dd_error *err)
{
	*config = (struct dd_serve_config){
		.purge_enabled = true,
		.purge_age_ns = 168 * 3600 * DD_SECOND,
		.purge_interval_ns = 24 * 3600 * DD_SECOND,
		.drain_ns = 30 * DD_SECOND,
		.metrics_enabled = true,
		.catalog_max = 1000,
		.tags_max = 10000,
		.measure_every_ns = 3600 * DD_SECOND,
		.lease_ns = DD_LEASE_DEFAULT,
		.verify_first = DD_PROVE_FIRST_DEFAULT,
		.keep_free = UINT64_C(256) << 20,
		.manifest_max = DD_MANIFEST_MAX,
		.uploads_max = 10000,
		.uploads_per_client = UINT64_MAX,
		.connections_max = 4096,
		.timeout_ns = 120 * DD_SECOND,
		.head_timeout_ns = 30 * DD_SECOND,
	};
	return dd_config_set_text(&config->http_addr, ":5000", err);
}

static int read_file(struct reading *reading, const char *bytes, size_t len, struct dd_error *err)
{
	DD_CLEANUP(dd_yaml_closep) struct dd_yaml *yaml = NULL;
	const struct dd_yaml_node *root;
	char path[PATH_ROOM] = "";
	int rc = dd_yaml_read(bytes, len, &yaml, err);

	if (rc < 0)
		return rc;
	root = dd_yaml_root(yaml);
	if (!root || root->type != DD_YAML_MAPPING)
		return dd_fail(err, DD_ECONFIG, 0, "a mapping was expected");
	rc = check_twice(root, err);
	return rc < 0 ? rc : take_node(reading, root, path, 0, err);
}

/* What the older name has given counts with the rest. */
static int join_media_types(struct dd_config_endpoint *endpoint, struct dd_error *err)
{
	dd_config_texts *from = &endpoint->ignored_media_types, *to = &endpoint->ignore_media_types;

	if (dd_list_reserve(to, from->count) < 0)
		return no_memory(err);
	for (size_t i = 0; i < from->count; i++)
		to->items[to->count++] = from->items[i];
	dd_list_release(from);
	return 0;
}

int dd_serve_config_read(const char *bytes, size_t len, const char *const *environment,
			 struct dd_serve_config *config, dd_config_rows *rows, struct dd_error *err)
{
	struct reading reading = { .config = config, .rows = rows };
	int rc;

	if (len > DD_CONFIG_MAX)
		return dd_fail(err, DD_ECONFIG, 0, "%zu bytes are more than it may have", len);
	rc = set_defaults(config, err);
	if (rc == 0 && bytes)
		rc = read_file(&reading, bytes, len, err);
	if (rc == 0 && environment)
		rc = take_environment(&reading, environment, err);
	for (size_t i = 0; rc == 0 && i < config->endpoints.count; i++)
		rc = join_media_types(&config->endpoints.items[i], err);
	return rc;
}

int dd_serve_config_check(const dd_config_rows *rows, struct dd_error *err)
{
	for (size_t i = 0; i < rows->count; i++) {
		const struct dd_config_row *row = &rows->items[i];
		char where[32] = "";

		if (row->verdict != DD_CONFIG_STOPS)
			continue;
		if (row->line)
			snprintf(where, sizeof(where), "line %zu: ", row->line);
		dd_fail(err, DD_ECONFIG, 0, "%s%s: %s", where, row->key, row->word);
		dd_hint(err, "drydockd --check-config lists what becomes of each key");
		return DD_ECONFIG;
	}
	return 0;
}

void dd_serve_config_release(struct dd_serve_config *config)
{
	char **texts[] = {
		&config->version,
		&config->log_level,
		&config->http_net,
		&config->http_addr,
		&config->http_prefix,
		&config->http_host,
		&config->tls_certificate,
		&config->tls_key,
		&config->tls_client_auth,
		&config->debug_addr,
		&config->metrics_path,
		&config->htpasswd_realm,
		&config->htpasswd_path,
		&config->token_realm,
		&config->token_service,
		&config->token_issuer,
		&config->token_certificates,
		&config->token_jwks,
		&config->rules,
		&config->cache_dir,
		&config->drydock,
		&config->token_autoredirect_path,
	};

	for (size_t i = 0; i < DD_COUNT(texts); i++)
		free(*texts[i]);
	release_pairs(&config->headers);
	release_texts(&config->tls_client_cas);
	release_texts(&config->token_algorithms);
	release_texts(&config->collect_options);
	release_endpoints(config);
	*config = (struct dd_serve_config){ 0 };
}

void dd_config_rows_release(dd_config_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		free(rows->items[i].key);
		free(rows->items[i].value);
		free(rows->items[i].word);
	}
	dd_list_release(rows);
}
