/*
 * Known keys, and the nearest one to what is none.
 */
#include <string.h>

#include "base/nearest.h"
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
	struct dd_nearest meant = { .word = node->text, .least = 4 };
	const char *name;
	int rc;

	for (size_t i = 0; text && (name = name_at(names, stride, i)); i++)
		dd_nearest_try(&meant, name);
	if (text)
		rc = dd_fail(err, DD_ECONFIG, 0, "\"%.64s\" is no key of %s", node->text, where);
	else
		rc = dd_fail(err, DD_ECONFIG, 0, "a key of %s has to be a word", where);
	if (meant.best)
		dd_hint(err, "did you mean \"%s\"?", meant.best);
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
