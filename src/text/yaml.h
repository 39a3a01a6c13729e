/*
 * YAML in, as a tree of nodes that know where they stand. The only place that knows libyaml.
 *
 * The bytes are read twice. As events first, which proves that they are small in every direction:
 * depth, and aliases, each of which may stand for all that is below its anchor. Then as a document,
 * whose nodes aliases share: go from key to key, and never walk over the whole.
 *
 * No value has a type: what is between quotes and what is not are both text, told apart by "plain".
 * Merge keys (<<) are keys like any other.
 */
#ifndef TEXT_YAML_H
#define TEXT_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include <drydock/error.h>

enum dd_yaml_type { DD_YAML_SCALAR, DD_YAML_SEQUENCE, DD_YAML_MAPPING };

struct dd_yaml_node {
	enum dd_yaml_type type;
	bool plain;	     /* a scalar without quotes */
	size_t line, column; /* from 1 */
	const char *text;    /* of a scalar; NUL-terminated, may have others inside */
	size_t len;	     /* bytes of a scalar, members of the others */
	/* Members: values alone, or keys as well. */
	const struct dd_yaml_node *const *keys, *const *values;
};

struct dd_yaml;

/*
 * The first document. DD_ECONFIG with the line and the reason. How many bytes there may be is the
 * caller's to say.
 */
int dd_yaml_read(const char *bytes, size_t len, struct dd_yaml **yaml, struct dd_error *err);
void dd_yaml_closep(struct dd_yaml **yaml);

/* NULL: there is nothing in it. */
const struct dd_yaml_node *dd_yaml_root(const struct dd_yaml *yaml);
/* The line where something else begins behind the document; 0: nothing does. */
size_t dd_yaml_second(const struct dd_yaml *yaml);

bool dd_yaml_is(const struct dd_yaml_node *node, const char *text);
/* Nothing after a key, or one of the words for it. */
bool dd_yaml_is_null(const struct dd_yaml_node *node);

#endif
