/*
 * Any bytes are a server's configuration, or an error with a reason. What follows "#env" and a newline is
 * no YAML, but the environment: lines NAME=value.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"
#include "serve/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VARIABLES 16

/* Lines of a text, which is cut up. */
static void split(char *text, const char *variables[VARIABLES + 1])
{
	size_t count = 0;

	for (char *line = strtok(text, "\n"); line && count < VARIABLES; line = strtok(NULL, "\n"))
		variables[count++] = line;
	variables[count] = NULL;
}

static void check(const struct dd_serve_config *config, const dd_config_rows *rows)
{
	struct dd_error err = { 0 };
	int rc = dd_serve_config_check(rows, &err);

	MUST(config->lease_ns >= 0 && config->purge_age_ns >= 0 && config->drain_ns >= 0);
	MUST(rc == 0 || (rc == DD_ECONFIG && err.text[0]));
	for (size_t i = 0; i < rows->count; i++)
		MUST(rows->items[i].key && rows->items[i].value);
	for (size_t i = 0; i < config->headers.count; i++)
		MUST(!strpbrk(config->headers.items[i].name, " :\r\n") &&
		     !strpbrk(config->headers.items[i].value, "\r\n"));
	if (config->http_prefix)
		MUST(config->http_prefix[0] == '/' &&
		     config->http_prefix[strlen(config->http_prefix) - 1] == '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *variables[VARIABLES + 1] = { NULL };
	struct dd_serve_config config = { 0 };
	dd_config_rows rows = { 0 };
	struct dd_error err = { 0 };
	char *text = malloc(size + 1), *env;
	int rc;

	MUST(text);
	memcpy(text, data, size);
	text[size] = '\0';
	env = strstr(text, "#env\n");
	if (env)
		split(env + 5, variables);
	rc = dd_serve_config_read(text, env ? (size_t)(env - text) : size, variables, &config, &rows,
				  &err);
	if (rc == 0)
		check(&config, &rows);
	else
		MUST(rc == DD_ECONFIG && err.code == rc && err.text[0]);
	dd_config_rows_release(&rows);
	dd_serve_config_release(&config);
	free(text);
	return 0;
}
