/*
 * What matters to us in a registry's config.yml.
 *
 * Source: the distribution registry's configuration, version 0.1: "storage", and its override by
 * environment variables (REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY and so on). Only the filesystem
 * driver is supported. Two steps: dd_config_read() takes the file in, dd_config_settle() applies
 * the environment and judges what came out, for the environment may change the driver.
 */
#ifndef DRYDOCK_CONFIG_H
#define DRYDOCK_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include <drydock/error.h>

#define DD_CONFIG_MAX ((size_t)1 << 20)
#define DD_CONFIG_ROOT "/var/lib/registry" /* the filesystem driver's default */

/* Strings are owned by the structure and NULL where nothing was said. */
struct dd_registry_config {
	char *version;
	char *driver;
	char *root;	  /* storage.filesystem.rootdirectory; never NULL once settled */
	char *blob_cache; /* storage.cache.blobdescriptor: "inmemory", "redis" */
	bool delete_enabled;
};

/*
 * DD_ECONFIG with the line if it is no YAML, not a registry's configuration, names several storage
 * drivers or a field twice, or uses what we do not follow (merge keys, aliases beyond a bound).
 * out is to be released in any case.
 */
int dd_config_read(const char *bytes, size_t len, struct dd_registry_config *out,
		   struct dd_error *err);

/* As getenv(); NULL if not set. */
typedef const char *dd_config_env_fn(void *arg, const char *name);

/* env NULL: no environment. DD_ECONFIG naming the driver if that is not "filesystem". */
int dd_config_settle(struct dd_registry_config *config, dd_config_env_fn *env, void *arg,
		     struct dd_error *err);

/* "true", "no", "on" and so on, whatever their case. 0 or DD_ECONFIG. */
int dd_config_parse_bool(const char *text, bool *value);

void dd_registry_config_release(struct dd_registry_config *config);

#endif
