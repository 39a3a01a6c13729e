/*
 * A registry's config.yml.
 *
 * The reference has keys as they are written (no folding), and takes what is between quotes and
 * what is not for the same.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <drydock/config.h>

#include "base/cleanup.h"
#include "text/yaml.h"

static int expect_mapping(const struct dd_yaml_node *node, const char *name, struct dd_error *err)
{
	if (node->type == DD_YAML_MAPPING)
		return 0;
	return dd_fail(err, DD_ECONFIG, 0, "line %zu: %s: a mapping was expected", node->line,
		       name);
}

/* The value of a key of a mapping; NULL if it is absent or null. */
static int find(const struct dd_yaml_node *mapping, const char *key,
		const struct dd_yaml_node **value, struct dd_error *err)
{
	*value = NULL;
	for (size_t i = 0; i < mapping->len; i++) {
		const struct dd_yaml_node *name = mapping->keys[i];

		if (dd_yaml_is(name, "<<"))
			return dd_fail(err, DD_ECONFIG, 0,
				       "line %zu: merge keys (<<) are not supported", name->line);
		if (!dd_yaml_is(name, key))
			continue;
		if (*value)
			return dd_fail(err, DD_ECONFIG, 0, "line %zu: %s is given twice",
				       name->line, key);
		*value = mapping->values[i];
	}
	if (*value && dd_yaml_is_null(*value))
		*value = NULL;
	return 0;
}

/* As find(), for a value that is a mapping itself. */
static int find_mapping(const struct dd_yaml_node *mapping, const char *key,
			const struct dd_yaml_node **value, struct dd_error *err)
{
	int rc = find(mapping, key, value, err);

	if (rc == 0 && *value)
		rc = expect_mapping(*value, key, err);
	return rc;
}

static int take_scalar(const struct dd_yaml_node *node, const char *name, char **text,
		       struct dd_error *err)
{
	if (node->type != DD_YAML_SCALAR)
		return dd_fail(err, DD_ECONFIG, 0, "line %zu: %s: a single value was expected",
			       node->line, name);
	if (memchr(node->text, '\0', node->len))
		return dd_fail(err, DD_ECONFIG, 0, "line %zu: %s: there is a NUL in it", node->line,
			       name);
	free(*text);
	*text = strndup(node->text, node->len);
	return *text ? 0 : dd_fail(err, DD_ENOMEM, 0, "read the configuration");
}

/* A copy of a key's value, NULL if there is none. */
static int find_text(const struct dd_yaml_node *mapping, const char *key, char **text,
		     struct dd_error *err)
{
	const struct dd_yaml_node *node;
	int rc = find(mapping, key, &node, err);

	if (rc < 0 || !node)
		return rc;
	return take_scalar(node, key, text, err);
}

int dd_config_parse_bool(const char *text, bool *value)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on", "n", "y" };

	for (size_t i = 0; i < DD_COUNT(words); i++)
		if (!strcasecmp(text, words[i])) {
			*value = i % 2;
			return 0;
		}
	return DD_ECONFIG;
}

static int find_bool(const struct dd_yaml_node *mapping, const char *key, bool *value,
		     struct dd_error *err)
{
	DD_AUTOFREE char *text = NULL;
	int rc = find_text(mapping, key, &text, err);

	if (rc < 0 || !text)
		return rc;
	if (dd_config_parse_bool(text, value) < 0)
		return dd_fail(err, DD_ECONFIG, 0, "%s: \"%.100s\" is neither true nor false", key,
			       text);
	return 0;
}

/* In "storage", what is not one of these names the driver. */
static bool is_driver(const struct dd_yaml_node *key)
{
	static const char *const others[] = { "maintenance", "cache", "delete", "redirect", "tag" };

	for (size_t i = 0; i < DD_COUNT(others); i++)
		if (dd_yaml_is(key, others[i]))
			return false;
	return true;
}

static int read_driver(const struct dd_yaml_node *storage, struct dd_registry_config *out,
		       struct dd_error *err)
{
	for (size_t i = 0; i < storage->len; i++) {
		const struct dd_yaml_node *key = storage->keys[i];
		int rc;

		if (!is_driver(key))
			continue;
		if (out->driver)
			return dd_fail(err, DD_ECONFIG, 0, "line %zu: a second storage driver",
				       key->line);
		rc = take_scalar(key, "storage", &out->driver, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_storage(const struct dd_yaml_node *storage, struct dd_registry_config *out,
			struct dd_error *err)
{
	const struct dd_yaml_node *part;
	int rc;

	/* "storage: filesystem" is short for a driver without parameters. */
	if (storage->type == DD_YAML_SCALAR)
		return take_scalar(storage, "storage", &out->driver, err);
	rc = expect_mapping(storage, "storage", err);
	if (rc == 0)
		rc = find_mapping(storage, "filesystem", &part, err);
	if (rc == 0 && part)
		rc = find_text(part, "rootdirectory", &out->root, err);
	if (rc == 0)
		rc = find_mapping(storage, "delete", &part, err);
	if (rc == 0 && part)
		rc = find_bool(part, "enabled", &out->delete_enabled, err);
	if (rc == 0)
		rc = find_mapping(storage, "cache", &part, err);
	/* "layerinfo" is what "blobdescriptor" was called once. */
	if (rc == 0 && part)
		rc = find_text(part, "layerinfo", &out->blob_cache, err);
	if (rc == 0 && part)
		rc = find_text(part, "blobdescriptor", &out->blob_cache, err);
	if (rc == 0)
		rc = read_driver(storage, out, err);
	return rc;
}

static int read_document(const struct dd_yaml *yaml, struct dd_registry_config *out,
			 struct dd_error *err)
{
	const struct dd_yaml_node *root = dd_yaml_root(yaml), *storage = NULL;
	int rc;

	if (!root)
		return dd_fail(err, DD_ECONFIG, 0, "empty");
	rc = expect_mapping(root, "the configuration", err);
	if (rc == 0)
		rc = find_text(root, "version", &out->version, err);
	if (rc == 0 && !out->version)
		rc = dd_fail(err, DD_ECONFIG, 0,
			     "not a registry's configuration: it has no version");
	else if (rc == 0 && strcmp(out->version, "0.1") != 0)
		rc = dd_fail(err, DD_ECONFIG, 0, "version %.100s is not supported, only 0.1 is",
			     out->version);
	if (rc == 0)
		rc = find(root, "storage", &storage, err);
	if (rc == 0 && storage)
		rc = read_storage(storage, out, err);
	return rc;
}

int dd_config_read(const char *bytes, size_t len, struct dd_registry_config *out,
		   struct dd_error *err)
{
	DD_CLEANUP(dd_yaml_closep) struct dd_yaml *yaml = NULL;
	int rc;

	memset(out, 0, sizeof(*out));
	if (len > DD_CONFIG_MAX)
		return dd_fail(err, DD_ECONFIG, 0,
			       "%zu bytes are more than a configuration may have", len);
	rc = dd_yaml_read(bytes, len, &yaml, err);
	return rc < 0 ? rc : read_document(yaml, out, err);
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
	if (value && dd_config_parse_bool(value, &config->delete_enabled) < 0)
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
