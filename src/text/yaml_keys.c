/*
 * Known keys, and the nearest one to what is none.
 */
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "text/yaml_keys.h"

int dd_yaml_at(const struct dd_yaml_node *node, int rc, struct dd_error *err)
{
	return dd_wrap(err, rc, "line %zu, column %zu", node->line, node->column);
}

int dd_yaml_wrong(const struct dd_yaml_node *node, const char *what, const char *why,
		  struct dd_error *err)
{
	return dd_yaml_at(node, dd_fail(err, DD_ECONFIG, 0, "%s: %s", what, why), err);
}

/* How many bytes have to be changed, put in or left out. */
static size_t distance(const char *a, const char *b)
{
	size_t row[32], len = strlen(b);

	if (len + 1 > DD_COUNT(row))
		return SIZE_MAX;
	for (size_t i = 0; i <= len; i++)
		row[i] = i;
	for (size_t i = 0; a[i]; i++) {
		size_t corner = row[0];

		row[0] = i + 1;
		for (size_t k = 0; k < len; k++) {
			size_t best = corner + (a[i] != b[k]);

			if (row[k] + 1 < best)
				best = row[k] + 1;
			if (row[k + 1] + 1 < best)
				best = row[k + 1] + 1;
			corner = row[k + 1];
			row[k + 1] = best;
		}
	}
	return row[len];
}

static const char *name_at(const void *names, size_t stride, size_t at)
{
	const char *name;

	memcpy(&name, (const char *)names + at * stride, sizeof(name));
	return name;
}

static int unknown_key(const struct dd_yaml_node *node, const void *names, size_t stride,
		       const char *where, struct dd_error *err)
{
	bool text = node->type == DD_YAML_SCALAR && !memchr(node->text, '\0', node->len);
	const char *closest = NULL, *name;
	size_t least = 4;
	int rc;

	for (size_t i = 0; text && node->len < 64 && (name = name_at(names, stride, i)); i++) {
		size_t far = distance(node->text, name);

		if (far >= least)
			continue;
		least = far;
		closest = name;
	}
	if (text)
		rc = dd_fail(err, DD_ECONFIG, 0, "\"%.64s\" is no key of %s", node->text, where);
	else
		rc = dd_fail(err, DD_ECONFIG, 0, "a key of %s has to be a word", where);
	if (closest)
		dd_hint(err, "did you mean \"%s\"?", closest);
	return dd_yaml_at(node, rc, err);
}

int dd_yaml_which_key(const struct dd_yaml_node *mapping, size_t member, const void *names,
		      size_t stride, const char *where, size_t *which, struct dd_error *err)
{
	const struct dd_yaml_node *key = mapping->keys[member];
	const char *name;
	size_t at = 0;

	while ((name = name_at(names, stride, at)) && !dd_yaml_is(key, name))
		at++;
	if (!name)
		return unknown_key(key, names, stride, where, err);
	for (size_t i = 0; i < member; i++)
		if (dd_yaml_is(mapping->keys[i], name))
			return dd_yaml_wrong(key, name, "is given twice", err);
	if (dd_yaml_is_null(mapping->values[member]))
		return dd_yaml_wrong(key, name, "has no value", err);
	*which = at;
	return 0;
}

int dd_yaml_expect_text(const struct dd_yaml_node *node, const char *name, struct dd_error *err)
{
	if (node->type != DD_YAML_SCALAR)
		return dd_yaml_wrong(node, name, "a single value was expected", err);
	if (memchr(node->text, '\0', node->len))
		return dd_yaml_wrong(node, name, "there is a NUL in it", err);
	return 0;
}
