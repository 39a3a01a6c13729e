/*
 * A registry's config.yml; the only file that knows libyaml.
 *
 * The file is read twice. As events first, which proves that it is small in every direction: depth,
 * and aliases, each of which may stand for all that is below its anchor. Then as a document, whose
 * nodes aliases share, in which we go from key to key and never walk over the whole.
 *
 * The reference has keys as they are written (no folding), and takes what is between quotes and
 * what is not for the same.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <yaml.h>

#include <drydock/config.h>

#include "base/cleanup.h"

#define MAX_DEPTH 64
#define MAX_ALIASES 64

static int fail_yaml(const yaml_parser_t *yaml, struct dd_error *err)
{
	if (yaml->error == YAML_MEMORY_ERROR)
		return dd_fail(err, DD_ENOMEM, 0, "read YAML");
	if (yaml->error == YAML_READER_ERROR)
		return dd_fail(err, DD_ECONFIG, 0, "byte %zu: %s", yaml->problem_offset,
			       yaml->problem);
	return dd_fail(err, DD_ECONFIG, 0, "line %zu: %s", yaml->problem_mark.line + 1,
		       yaml->problem ? yaml->problem : "not YAML");
}

static void start_yaml(yaml_parser_t *yaml, const char *bytes, size_t len)
{
	yaml_parser_set_input_string(yaml, (const unsigned char *)bytes, len);
}

struct bounds {
	unsigned depth, aliases;
};

/* Account for one event; DD_ECONFIG if that goes too far. */
static int count_event(struct bounds *bounds, const yaml_event_t *event, struct dd_error *err)
{
	size_t line = event->start_mark.line + 1;

	switch (event->type) {
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		if (++bounds->depth > MAX_DEPTH)
			return dd_fail(err, DD_ECONFIG, 0, "line %zu: nested deeper than %d", line,
				       MAX_DEPTH);
		return 0;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		bounds->depth--;
		return 0;
	case YAML_ALIAS_EVENT:
		if (++bounds->aliases > MAX_ALIASES)
			return dd_fail(err, DD_ECONFIG, 0, "line %zu: more than %d aliases", line,
				       MAX_ALIASES);
		return 0;
	default:
		return 0;
	}
}

static int check_bounds(yaml_parser_t *yaml, struct dd_error *err)
{
	struct bounds bounds = { 0 };
	bool more = true;

	while (more) {
		yaml_event_t event;
		int rc;

		if (!yaml_parser_parse(yaml, &event))
			return fail_yaml(yaml, err);
		rc = count_event(&bounds, &event, err);
		more = event.type != YAML_STREAM_END_EVENT && event.type != YAML_DOCUMENT_END_EVENT;
		yaml_event_delete(&event);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static size_t line_of(const yaml_node_t *node)
{
	return node->start_mark.line + 1;
}

static bool is_text(const yaml_node_t *node, const char *text)
{
	return node->type == YAML_SCALAR_NODE && node->data.scalar.length == strlen(text) &&
	       !memcmp(node->data.scalar.value, text, node->data.scalar.length);
}

/* Nothing after a key, or one of the words for it. */
static bool is_null(const yaml_node_t *node)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };

	if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < DD_COUNT(words); i++)
		if (is_text(node, words[i]))
			return true;
	return false;
}

struct config_yaml {
	yaml_document_t *document;
	struct dd_error *err;
};

static int expect_mapping(const struct config_yaml *config, const yaml_node_t *node,
			  const char *name)
{
	if (node->type == YAML_MAPPING_NODE)
		return 0;
	return dd_fail(config->err, DD_ECONFIG, 0, "line %zu: %s: a mapping was expected",
		       line_of(node), name);
}

/* The value of a key of a mapping; NULL if it is absent or null. */
static int find(const struct config_yaml *config, const yaml_node_t *mapping, const char *key,
		const yaml_node_t **value)
{
	*value = NULL;
	for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
	     pair < mapping->data.mapping.pairs.top; pair++) {
		const yaml_node_t *name = yaml_document_get_node(config->document, pair->key);

		if (is_text(name, "<<"))
			return dd_fail(config->err, DD_ECONFIG, 0,
				       "line %zu: merge keys (<<) are not supported",
				       line_of(name));
		if (!is_text(name, key))
			continue;
		if (*value)
			return dd_fail(config->err, DD_ECONFIG, 0, "line %zu: %s is given twice",
				       line_of(name), key);
		*value = yaml_document_get_node(config->document, pair->value);
	}
	if (*value && is_null(*value))
		*value = NULL;
	return 0;
}

/* As find(), for a value that is a mapping itself. */
static int find_mapping(const struct config_yaml *config, const yaml_node_t *mapping,
			const char *key, const yaml_node_t **value)
{
	int rc = find(config, mapping, key, value);

	if (rc == 0 && *value)
		rc = expect_mapping(config, *value, key);
	return rc;
}

static int take_scalar(const struct config_yaml *config, const yaml_node_t *node, const char *name,
		       char **text)
{
	const char *value;
	size_t len;

	if (node->type != YAML_SCALAR_NODE)
		return dd_fail(config->err, DD_ECONFIG, 0,
			       "line %zu: %s: a single value was expected", line_of(node), name);
	value = (const char *)node->data.scalar.value;
	len = node->data.scalar.length;
	if (memchr(value, '\0', len))
		return dd_fail(config->err, DD_ECONFIG, 0, "line %zu: %s: there is a NUL in it",
			       line_of(node), name);
	free(*text);
	*text = strndup(value, len);
	return *text ? 0 : dd_fail(config->err, DD_ENOMEM, 0, "read the configuration");
}

/* A copy of a key's value, NULL if there is none. */
static int find_text(const struct config_yaml *config, const yaml_node_t *mapping, const char *key,
		     char **text)
{
	const yaml_node_t *node;
	int rc = find(config, mapping, key, &node);

	if (rc < 0 || !node)
		return rc;
	return take_scalar(config, node, key, text);
}

static int parse_bool(const char *text, bool *value)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on", "n", "y" };

	for (size_t i = 0; i < DD_COUNT(words); i++)
		if (!strcasecmp(text, words[i])) {
			*value = i % 2;
			return 0;
		}
	return DD_ECONFIG;
}

static int find_bool(const struct config_yaml *config, const yaml_node_t *mapping, const char *key,
		     bool *value)
{
	DD_AUTOFREE char *text = NULL;
	int rc = find_text(config, mapping, key, &text);

	if (rc < 0 || !text)
		return rc;
	if (parse_bool(text, value) < 0)
		return dd_fail(config->err, DD_ECONFIG, 0,
			       "%s: \"%.100s\" is neither true nor false", key, text);
	return 0;
}

/* In "storage", what is not one of these names the driver. */
static bool is_driver(const yaml_node_t *key)
{
	static const char *const others[] = { "maintenance", "cache", "delete", "redirect", "tag" };

	for (size_t i = 0; i < DD_COUNT(others); i++)
		if (is_text(key, others[i]))
			return false;
	return true;
}

static int read_driver(const struct config_yaml *config, const yaml_node_t *storage,
		       struct dd_registry_config *out)
{
	for (const yaml_node_pair_t *pair = storage->data.mapping.pairs.start;
	     pair < storage->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = yaml_document_get_node(config->document, pair->key);
		int rc;

		if (!is_driver(key))
			continue;
		if (out->driver)
			return dd_fail(config->err, DD_ECONFIG, 0,
				       "line %zu: a second storage driver", line_of(key));
		rc = take_scalar(config, key, "storage", &out->driver);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_storage(const struct config_yaml *config, const yaml_node_t *storage,
			struct dd_registry_config *out)
{
	const yaml_node_t *part;
	int rc;

	/* "storage: filesystem" is short for a driver without parameters. */
	if (storage->type == YAML_SCALAR_NODE)
		return take_scalar(config, storage, "storage", &out->driver);
	rc = expect_mapping(config, storage, "storage");
	if (rc == 0)
		rc = find_mapping(config, storage, "filesystem", &part);
	if (rc == 0 && part)
		rc = find_text(config, part, "rootdirectory", &out->root);
	if (rc == 0)
		rc = find_mapping(config, storage, "delete", &part);
	if (rc == 0 && part)
		rc = find_bool(config, part, "enabled", &out->delete_enabled);
	if (rc == 0)
		rc = find_mapping(config, storage, "cache", &part);
	/* "layerinfo" is what "blobdescriptor" was called once. */
	if (rc == 0 && part)
		rc = find_text(config, part, "layerinfo", &out->blob_cache);
	if (rc == 0 && part)
		rc = find_text(config, part, "blobdescriptor", &out->blob_cache);
	if (rc == 0)
		rc = read_driver(config, storage, out);
	return rc;
}

static int read_document(yaml_document_t *document, struct dd_registry_config *out,
			 struct dd_error *err)
{
	struct config_yaml config = { document, err };
	const yaml_node_t *root = yaml_document_get_root_node(document), *storage = NULL;
	int rc;

	if (!root)
		return dd_fail(err, DD_ECONFIG, 0, "empty");
	rc = expect_mapping(&config, root, "the configuration");
	if (rc == 0)
		rc = find_text(&config, root, "version", &out->version);
	if (rc == 0 && !out->version)
		rc = dd_fail(err, DD_ECONFIG, 0,
			     "not a registry's configuration: it has no version");
	else if (rc == 0 && strcmp(out->version, "0.1") != 0)
		rc = dd_fail(err, DD_ECONFIG, 0, "version %.100s is not supported, only 0.1 is",
			     out->version);
	if (rc == 0)
		rc = find(&config, root, "storage", &storage);
	if (rc == 0 && storage)
		rc = read_storage(&config, storage, out);
	return rc;
}

int dd_config_read(const char *bytes, size_t len, struct dd_registry_config *out,
		   struct dd_error *err)
{
	DD_CLEANUP(yaml_parser_delete) yaml_parser_t events = { 0 }, nodes = { 0 };
	yaml_document_t document;
	int rc;

	memset(out, 0, sizeof(*out));
	if (len > DD_CONFIG_MAX)
		return dd_fail(err, DD_ECONFIG, 0,
			       "%zu bytes are more than a configuration may have", len);
	if (!yaml_parser_initialize(&events) || !yaml_parser_initialize(&nodes))
		return dd_fail(err, DD_ENOMEM, 0, "read YAML");
	start_yaml(&events, bytes, len);
	rc = check_bounds(&events, err);
	if (rc < 0)
		return rc;
	start_yaml(&nodes, bytes, len);
	if (!yaml_parser_load(&nodes, &document))
		return fail_yaml(&nodes, err);
	rc = read_document(&document, out, err);
	yaml_document_delete(&document);
	return rc;
}

static int override_text(char **text, const char *value, struct dd_error *err)
{
	char *copy;

	if (!value)
		return 0;
	copy = strdup(value);
	if (!copy)
		return dd_fail(err, DD_ENOMEM, 0, "read the environment");
	free(*text);
	*text = copy;
	return 0;
}

/*
 * In the reference any of these may be YAML of any shape. A word or a path is what people write; of
 * the rest we say that we do not understand it rather than look for the volume elsewhere.
 */
static bool is_plain(const char *value)
{
	size_t len = strlen(value);

	return !strpbrk(value, "{}[]\"'\r\n") && !strchr(" \t&*!|>%@`#~,?-", *value) &&
	       !strstr(value, ": ") && !strstr(value, " #") && !strchr(" \t:", value[len - 1]);
}

/* NULL if not set, empty, or *rc < 0. */
static const char *get(dd_config_env_fn *env, void *arg, const char *name, int *rc,
		       struct dd_error *err)
{
	const char *value = *rc < 0 ? NULL : env(arg, name);

	if (!value || !*value)
		return NULL;
	if (is_plain(value))
		return value;
	*rc = dd_fail(err, DD_ECONFIG, 0, "%s=%.200s: only a plain value is supported", name,
		      value);
	return NULL;
}

static int apply_environment(struct dd_registry_config *config, dd_config_env_fn *env, void *arg,
			     struct dd_error *err)
{
	const char *value;
	int rc = 0;

	/* It replaces all of "storage": the least specific first, as the reference does. */
	value = get(env, arg, "REGISTRY_STORAGE", &rc, err);
	if (value) {
		char *version = config->version;

		config->version = NULL;
		dd_registry_config_release(config);
		config->version = version;
		rc = override_text(&config->driver, value, err);
	}
	if (rc == 0 && get(env, arg, "REGISTRY_STORAGE_FILESYSTEM", &rc, err))
		rc = dd_fail(err, DD_ECONFIG, 0,
			     "REGISTRY_STORAGE_FILESYSTEM is not supported, only "
			     "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY is");
	value = get(env, arg, "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", &rc, err);
	if (value)
		rc = override_text(&config->root, value, err);
	if (rc == 0 && value && !config->driver)
		rc = override_text(&config->driver, "filesystem", err);
	value = get(env, arg, "REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR", &rc, err);
	if (value)
		rc = override_text(&config->blob_cache, value, err);
	value = get(env, arg, "REGISTRY_STORAGE_DELETE_ENABLED", &rc, err);
	if (value && parse_bool(value, &config->delete_enabled) < 0)
		rc = dd_fail(err, DD_ECONFIG, 0,
			     "REGISTRY_STORAGE_DELETE_ENABLED=%.100s is neither true nor false",
			     value);
	return rc;
}

int dd_config_settle(struct dd_registry_config *config, dd_config_env_fn *env, void *arg,
		     struct dd_error *err)
{
	int rc = env ? apply_environment(config, env, arg, err) : 0;

	if (rc < 0)
		return rc;
	if (!config->driver)
		return dd_fail(err, DD_ECONFIG, 0, "it names no storage driver");
	if (strcmp(config->driver, "filesystem") != 0)
		return dd_fail(err, DD_ECONFIG, 0,
			       "the storage driver is \"%.100s\"; only \"filesystem\" is supported",
			       config->driver);
	if (config->root && !*config->root)
		return dd_fail(err, DD_ECONFIG, 0, "storage.filesystem.rootdirectory is empty");
	return config->root ? 0 : override_text(&config->root, DD_CONFIG_ROOT, err);
}

void dd_registry_config_release(struct dd_registry_config *config)
{
	free(config->version);
	free(config->driver);
	free(config->root);
	free(config->blob_cache);
	memset(config, 0, sizeof(*config));
}
