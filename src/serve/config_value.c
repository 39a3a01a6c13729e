/*
 * A value of the configuration, from its text: each kind by a function.
 */
#include <stdlib.h>
#include <string.h>

#include <drydock/units.h>

#include "serve/config_value.h"
#include "serve/go_duration.h"

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "read the configuration");
}

int dd_config_set_text(char **to, const char *value, struct dd_error *err)
{
	char *copy = *value ? strdup(value) : NULL;

	if (*value && !copy)
		return no_memory(err);
	free(*to);
	*to = copy;
	return 0;
}

static int set_number(uint64_t *to, const char *value, struct dd_error *err)
{
	size_t digits = strspn(value, "0123456789");

	if (!digits || value[digits] || digits > 18)
		return dd_fail(err, DD_ECONFIG, 0, "\"%.100s\" is not a number", value);
	*to = strtoull(value, NULL, 10);
	return 0;
}

int dd_config_entry(const char *bracket, size_t count, size_t *number, struct dd_error *err)
{
	*number = bracket ? strtoul(bracket + 1, NULL, 10) : count;
	return *number <= count ? 0 :
				  dd_fail(err, DD_ECONFIG, 0, "entry %zu of a list that has %zu",
					  *number, count);
}

/* The entry that the path names: one more, or in the place of what is there. */
static int set_text_entry(dd_config_texts *list, const char *path, const char *value,
			  struct dd_error *err)
{
	size_t number;
	int rc = dd_config_entry(strrchr(path, '['), list->count, &number, err);

	if (rc == 0 && number == list->count && !dd_list_add(list))
		rc = no_memory(err);
	if (rc < 0)
		return rc;
	free(list->items[number]);
	list->items[number] = strdup(value);
	return list->items[number] ? 0 : no_memory(err);
}

/* The name is the part of the path that the pattern's "*" stands for: its last. */
static int add_pair(dd_config_pairs *list, const char *path, const char *value,
		    struct dd_error *err)
{
	const char *dot = strrchr(path, '.');
	size_t len = strcspn(dot + 1, "[");
	struct dd_config_pair *pair;

	if (strpbrk(value, "\r\n") || strcspn(dot + 1, " :\t\r\n") < len)
		return dd_fail(err, DD_ECONFIG, 0, "that cannot be a header");
	pair = dd_list_add(list);
	if (pair) {
		pair->name = strndup(dot + 1, len);
		pair->value = strdup(value);
	}
	return pair && pair->name && pair->value ? 0 : no_memory(err);
}

/* As Go's programs have them, and what else is one to us: "7d". */
static int set_duration(int64_t *to, const char *value, bool timeout, struct dd_error *err)
{
	int64_t ns;
	int rc = dd_go_duration_parse(&ns, value) ? 0 : dd_duration_parse(&ns, value, err);

	if (rc < 0)
		return rc;
	if (ns < 0 && !timeout)
		return dd_fail(err, DD_ECONFIG, 0, "\"%.100s\" is less than nothing", value);
	*to = ns < 0 ? 0 : ns;
	return 0;
}

int dd_config_set_value(enum dd_config_kind kind, void *to, const char *path, const char *value,
			struct dd_error *err)
{
	switch (kind) {
	case DD_KEY_TEXT:
		return dd_config_set_text(to, value, err);
	case DD_KEY_BOOL:
		return dd_config_parse_bool(value, to) < 0 ?
			       dd_fail(err, DD_ECONFIG, 0, "\"%.100s\" is neither true nor false",
				       value) :
			       0;
	case DD_KEY_DURATION:
	case DD_KEY_TIMEOUT:
		return set_duration(to, value, kind == DD_KEY_TIMEOUT, err);
	case DD_KEY_SIZE:
		return dd_size_parse(to, value, err);
	case DD_KEY_NUMBER:
		return set_number(to, value, err);
	case DD_KEY_TEXTS:
		return set_text_entry(to, path, value, err);
	case DD_KEY_PAIRS:
		return add_pair(to, path, value, err);
	case DD_KEY_NONE:
	case DD_KEY_ENDPOINT:
	case DD_KEY_SET:
		break;
	}
	return 0;
}
