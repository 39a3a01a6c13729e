/*
 * Media types and roles: the tables of manifest.h.
 */
#include <string.h>
#include <strings.h>

#include <drydock/manifest.h>

#include "base/cleanup.h"

/* clang-format off */
static const struct {
	const char *media_type;
	size_t len;
	const char *name;
	bool is_index;
} types[] = {
	[DD_MANIFEST_NONE] = { NULL, 0, "unknown", false },
#define X(constant, media_type, name, index) \
	[constant] = { media_type, sizeof(media_type) - 1, name, index },
	DD_MANIFEST_TYPES(X)
#undef X
};
/* clang-format on */

/* Without parameters. Asked of every descriptor: strcspn(3) makes itself a table each time. */
static size_t bare_length(const char *media_type)
{
	size_t len = 0;

	while (media_type[len] && media_type[len] != ';' && media_type[len] != ' ' &&
	       media_type[len] != '\t')
		len++;
	return len;
}

enum dd_manifest_type dd_manifest_type_of(const char *media_type)
{
	size_t len;

	if (!media_type)
		return DD_MANIFEST_NONE;
	len = bare_length(media_type);
	for (size_t i = DD_MANIFEST_NONE + 1; i < DD_COUNT(types); i++)
		if (len == types[i].len && !strncasecmp(media_type, types[i].media_type, len))
			return (enum dd_manifest_type)i;
	return DD_MANIFEST_NONE;
}

bool dd_media_type_is_manifest(const char *media_type)
{
	return dd_manifest_type_of(media_type) != DD_MANIFEST_NONE;
}

const char *dd_manifest_type_name(enum dd_manifest_type type)
{
	return types[type].name;
}

const char *dd_manifest_type_media_type(enum dd_manifest_type type)
{
	return types[type].media_type;
}

bool dd_manifest_type_is_index(enum dd_manifest_type type)
{
	return types[type].is_index;
}

const char *dd_role_name(enum dd_role role)
{
	static const char *const names[] = {
#define X(constant, name) [constant] = name,
		DD_ROLES(X)
#undef X
	};

	return names[role];
}

const char *dd_annotations_get(const struct dd_annotations *annotations, const char *key)
{
	for (size_t i = 0; i < annotations->count; i++)
		if (!strcmp(annotations->items[i].key, key))
			return annotations->items[i].value;
	return NULL;
}
