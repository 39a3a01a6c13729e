/*
 * Fields of the right type, or an error that says where.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "manifest/read.h"

int dd_place_fail(const struct dd_place *place, const char *name, struct dd_error *err, int code,
		  const char *fmt, ...)
{
	char reason[512], index[24] = "";
	va_list args;

	if (!err)
		return code;
	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	if (!place->field)
		return dd_fail(err, code, 0, "%s: %s", name, reason);
	if (place->listed)
		snprintf(index, sizeof(index), "[%zu]", place->index);
	return dd_fail(err, code, 0, "%s%s%s%s: %s", place->field, index, name ? "." : "",
		       name ? name : "", reason);
}

int dd_arena_fail(const struct dd_arena *arena, struct dd_error *err)
{
	if (!arena->exceeded)
		return dd_fail(err, DD_ENOMEM, 0, "read a manifest");
	return dd_fail(err, DD_ETOOBIG, 0, "its parts need more than %zu KiB of memory",
		       arena->budget >> 10);
}

int dd_read_type(const struct dd_json *value, enum dd_json_type type, const struct dd_place *place,
		 const char *name, struct dd_error *err)
{
	if (!value || value->type == type)
		return 0;
	return dd_place_fail(place, name, err, DD_EFORMAT, "%s was expected, not %s",
			     dd_json_type_name(type), dd_json_type_name(value->type));
}

int dd_read_text(struct dd_arena *arena, const struct dd_json *value, const struct dd_place *place,
		 const char *name, const char **text, struct dd_error *err)
{
	int rc = dd_read_type(value, DD_JSON_STRING, place, name, err);

	*text = NULL;
	if (rc < 0 || !value || !value->len)
		return rc;
	if (memchr(value->text, '\0', value->len))
		return dd_place_fail(place, name, err, DD_EFORMAT, "there is a NUL in it");
	*text = dd_arena_copy(arena, value->text, value->len);
	return *text ? 0 : dd_arena_fail(arena, err);
}

/* As in Go's map[string]string: a null is an empty string. */
static int read_annotation(struct dd_arena *arena, const struct dd_json *member,
			   const struct dd_place *place, struct dd_annotation *item,
			   struct dd_error *err)
{
	if (member->type != DD_JSON_STRING && member->type != DD_JSON_NULL)
		return dd_place_fail(place, "annotations", err, DD_EFORMAT,
				     "\"%.100s\": a string was expected, not %s", member->key,
				     dd_json_type_name(member->type));
	item->value_len = member->type == DD_JSON_STRING ? member->len : 0;
	item->key = dd_arena_copy(arena, member->key, member->key_len);
	item->value = dd_arena_copy(arena, item->value_len ? member->text : "", item->value_len);
	return item->key && item->value ? 0 : dd_arena_fail(arena, err);
}

int dd_read_annotations(struct dd_arena *arena, const struct dd_json *value,
			const struct dd_place *place, struct dd_annotations *annotations,
			struct dd_error *err)
{
	int rc = dd_read_type(value, DD_JSON_OBJECT, place, "annotations", err);
	struct dd_annotation *items;

	annotations->items = NULL;
	annotations->count = 0;
	if (rc < 0 || !value || !value->len)
		return rc;
	items = dd_arena_alloc(arena, value->len * sizeof(*items));
	if (!items)
		return dd_arena_fail(arena, err);
	for (const struct dd_json *member = value->first; member; member = member->next) {
		rc = read_annotation(arena, member, place, &items[annotations->count], err);
		if (rc < 0)
			return rc;
		annotations->count++;
	}
	annotations->items = items;
	return 0;
}
