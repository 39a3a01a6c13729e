/*
 * Any bytes are a registry's configuration with a root, or an error with a reason. What follows
 * "#env" and a newline is no YAML, but the environment: lines NAME=value.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/config.h>

#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *find_env(void *arg, const char *name)
{
	static char value[256];
	size_t len = strlen(name);

	for (const char *line = arg; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, len) && line[len] == '=') {
			snprintf(value, sizeof(value), "%.*s", (int)strcspn(line + len + 1, "\n"),
				 line + len + 1);
			return value;
		}
	}
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dd_registry_config config;
	struct dd_error err = { 0 };
	char *text = malloc(size + 1), *env;
	int rc;

	MUST(text);
	memcpy(text, data, size);
	text[size] = '\0';
	env = strstr(text, "#env\n");
	rc = dd_config_read(text, env ? (size_t)(env - text) : size, &config, &err);
	if (rc == 0)
		rc = dd_config_settle(&config, env ? find_env : NULL, env ? env + 4 : NULL, &err);
	if (rc == 0)
		MUST(config.root && config.root[0] && !strcmp(config.driver, "filesystem"));
	else
		MUST(rc == DD_ECONFIG && err.code == rc && err.text[0]);
	dd_registry_config_release(&config);
	free(text);
	return 0;
}
