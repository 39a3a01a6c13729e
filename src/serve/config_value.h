/*
 * Values of the configuration, as their texts say them.
 */
#ifndef SERVE_CONFIG_VALUE_H
#define SERVE_CONFIG_VALUE_H

#include "serve/config_table.h"

/* "" is none. */
int dd_config_set_text(char **to, const char *value, struct dd_error *err);
/*
 * Which entry of a list is meant: "[7]", or with NULL one more. DD_ECONFIG if there would be none before it, as
 * the registry has it.
 */
int dd_config_entry(const char *bracket, size_t count, size_t *number, struct dd_error *err);
/*
 * to: the member of that kind. path: the key in full, of which DD_KEY_PAIRS takes the name, and DD_KEY_TEXTS the
 * entry. DD_ENOMEM, or an
 * error that says what is wrong with the value.
 */
int dd_config_set_value(enum dd_config_kind kind, void *to, const char *path, const char *value,
			struct dd_error *err);

#endif
