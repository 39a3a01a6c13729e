/*
 * Names in the environment: matched against the keys of the table, for an underscore may be a dot, a hyphen,
 * or the beginning of an entry's number.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "serve/config_table.h"
#include "serve/config_variable.h"

#define PREFIX "REGISTRY_"
#define DIGITS "0123456789"

struct path {
	char *text;
	size_t len, room;
};

static void add(struct path *path, char c)
{
	if (path->len + 1 < path->room)
		path->text[path->len++] = c;
	path->text[path->len] = '\0';
}

/* "_7" is "[7]". Returns what follows; NULL: there is no number. */
static const char *take_number(const char *name, struct path *path)
{
	size_t digits = *name == '_' ? strspn(name + 1, DIGITS) : 0;

	if (!digits || (name[1 + digits] && name[1 + digits] != '_'))
		return NULL;
	add(path, '[');
	for (size_t i = 1; i <= digits; i++)
		add(path, name[i]);
	add(path, ']');
	return name + 1 + digits;
}

/* A part that may have any name, in small letters, as the registry has it; and an entry of its list. */
static bool take_any(const char *name, struct path *path)
{
	size_t len = strcspn(name, "_");

	for (size_t i = 0; i < len; i++)
		add(path, (char)tolower((unsigned char)name[i]));
	if (len && name[len])
		name = take_number(name + len, path);
	else
		name += len;
	return len && name && !*name;
}

/* The name may end with any part of the pattern: it is a whole section, or list, then. */
static bool matches(const char *pattern, const char *name, struct path *path)
{
	for (; *pattern && *name; pattern++) {
		if (pattern[0] == '*')
			return pattern[1] != '*' && take_any(name, path);
		if (*pattern == '[') {
			name = take_number(name, path);
			if (!name)
				return false;
			pattern++;
			continue;
		}
		if (*name++ != (*pattern == '.' || *pattern == '-' ?
					'_' :
					(char)toupper((unsigned char)*pattern)))
			return false;
		add(path, *pattern);
	}
	return !*name && (!*pattern || strchr(".[", *pattern) || !strcmp(pattern, "**"));
}

void dd_config_path_of(const char *variable, char *path, size_t room)
{
	const char *name = variable + strlen(PREFIX);
	size_t count;
	const struct dd_config_key *keys = dd_config_keys(&count);

	for (size_t i = 0; i < count; i++) {
		struct path made = { .text = path, .room = room };

		*path = '\0';
		if (matches(keys[i].pattern, name, &made) && made.len)
			return;
	}
	snprintf(path, room, "%s", name);
	for (char *at = path; *at; at++)
		*at = *at == '_' ? '.' : (char)tolower((unsigned char)*at);
}
