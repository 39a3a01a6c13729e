/*
 * From libyaml's events and documents to nodes.
 */
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/cleanup.h"
#include "text/yaml.h"

#define MAX_DEPTH 64
#define MAX_ALIASES 64

struct dd_yaml {
	yaml_document_t document;
	bool loaded;
	size_t second;
	struct dd_yaml_node *nodes;	     /* by number, from 1 */
	const struct dd_yaml_node **members; /* of all nodes */
};

static int fail_yaml(const yaml_parser_t *yaml, struct dd_error *err)
{
	if (yaml->error == YAML_MEMORY_ERROR)
		return dd_fail(err, DD_ENOMEM, 0, "read YAML");
	if (yaml->error == YAML_READER_ERROR)
		return dd_fail(err, DD_ECONFIG, 0, "byte %zu: %s", yaml->problem_offset,
			       yaml->problem);
	return dd_fail(err, DD_ECONFIG, 0, "line %zu, column %zu: %s", yaml->problem_mark.line + 1,
		       yaml->problem_mark.column + 1, yaml->problem ? yaml->problem : "not YAML");
}

struct bounds {
	unsigned depth, aliases;
};

/* Account for one event; DD_ECONFIG if that goes too far. */
static int count_event(struct bounds *bounds, const yaml_event_t *event, struct dd_error *err)
{
	size_t line = event->start_mark.line + 1;

	switch (event->type) {
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		if (++bounds->depth > MAX_DEPTH)
			return dd_fail(err, DD_ECONFIG, 0, "line %zu: nested deeper than %d", line,
				       MAX_DEPTH);
		return 0;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		bounds->depth--;
		return 0;
	case YAML_ALIAS_EVENT:
		if (++bounds->aliases > MAX_ALIASES)
			return dd_fail(err, DD_ECONFIG, 0, "line %zu: more than %d aliases", line,
				       MAX_ALIASES);
		return 0;
	default:
		return 0;
	}
}

/* What comes behind the first document is only looked at to say that there is something. */
static int check_bounds(yaml_parser_t *yaml, size_t *second, struct dd_error *err)
{
	struct bounds bounds = { 0 };
	bool ended = false;

	for (;;) {
		yaml_event_t event;
		bool last;
		int rc;

		if (!yaml_parser_parse(yaml, &event)) {
			if (!ended)
				return fail_yaml(yaml, err);
			*second = yaml->problem_mark.line + 1;
			return 0;
		}
		rc = count_event(&bounds, &event, err);
		if (ended && event.type == YAML_DOCUMENT_START_EVENT)
			*second = event.start_mark.line + 1;
		last = event.type == YAML_STREAM_END_EVENT || *second;
		ended |= event.type == YAML_DOCUMENT_END_EVENT;
		yaml_event_delete(&event);
		if (rc < 0 || last)
			return rc;
	}
}

static size_t count_members(const yaml_node_t *node)
{
	switch (node->type) {
	case YAML_SEQUENCE_NODE:
		return (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	case YAML_MAPPING_NODE:
		return 2 * (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
	default:
		return 0;
	}
}

/* Fills in one node; its members come to lie at the given place. */
static void convert(const struct dd_yaml *yaml, const yaml_node_t *from, struct dd_yaml_node *to,
		    const struct dd_yaml_node **members)
{
	size_t count = count_members(from);

	to->line = from->start_mark.line + 1;
	to->column = from->start_mark.column + 1;
	if (from->type == YAML_SCALAR_NODE) {
		to->plain = from->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
		to->text = (const char *)from->data.scalar.value;
		to->len = from->data.scalar.length;
	} else if (from->type == YAML_SEQUENCE_NODE) {
		to->type = DD_YAML_SEQUENCE;
		to->len = count;
		to->values = members;
		for (size_t i = 0; i < count; i++)
			members[i] = &yaml->nodes[from->data.sequence.items.start[i]];
	} else if (from->type == YAML_MAPPING_NODE) {
		to->type = DD_YAML_MAPPING;
		to->len = count / 2;
		to->keys = members;
		to->values = members + to->len;
		for (size_t i = 0; i < to->len; i++) {
			members[i] = &yaml->nodes[from->data.mapping.pairs.start[i].key];
			members[to->len + i] =
				&yaml->nodes[from->data.mapping.pairs.start[i].value];
		}
	}
}

static int make_nodes(struct dd_yaml *yaml, struct dd_error *err)
{
	const yaml_node_t *first = yaml->document.nodes.start;
	size_t count = (size_t)(yaml->document.nodes.top - first), members = 0;

	for (size_t i = 0; i < count; i++)
		members += count_members(&first[i]);
	yaml->nodes = calloc(count + 1, sizeof(*yaml->nodes));
	yaml->members = calloc(members + 1, sizeof(*yaml->members));
	if (!yaml->nodes || !yaml->members)
		return dd_fail(err, DD_ENOMEM, 0, "read YAML");
	members = 0;
	for (size_t i = 0; i < count; i++) {
		convert(yaml, &first[i], &yaml->nodes[i + 1], yaml->members + members);
		members += count_members(&first[i]);
	}
	return 0;
}

int dd_yaml_read(const char *bytes, size_t len, struct dd_yaml **out, struct dd_error *err)
{
	DD_CLEANUP(dd_yaml_closep) struct dd_yaml *yaml = calloc(1, sizeof(*yaml));
	DD_CLEANUP(yaml_parser_delete) yaml_parser_t events = { 0 }, nodes = { 0 };
	int rc;

	*out = NULL;
	if (!yaml || !yaml_parser_initialize(&events) || !yaml_parser_initialize(&nodes))
		return dd_fail(err, DD_ENOMEM, 0, "read YAML");
	yaml_parser_set_input_string(&events, (const unsigned char *)bytes, len);
	rc = check_bounds(&events, &yaml->second, err);
	if (rc < 0)
		return rc;
	yaml_parser_set_input_string(&nodes, (const unsigned char *)bytes, len);
	if (!yaml_parser_load(&nodes, &yaml->document))
		return fail_yaml(&nodes, err);
	yaml->loaded = true;
	rc = make_nodes(yaml, err);
	if (rc < 0)
		return rc;
	*out = yaml;
	yaml = NULL;
	return 0;
}

void dd_yaml_closep(struct dd_yaml **yaml)
{
	if (!*yaml)
		return;
	if ((*yaml)->loaded)
		yaml_document_delete(&(*yaml)->document);
	free((*yaml)->nodes);
	free((*yaml)->members);
	free(*yaml);
	*yaml = NULL;
}

const struct dd_yaml_node *dd_yaml_root(const struct dd_yaml *yaml)
{
	return yaml->document.nodes.top > yaml->document.nodes.start ? &yaml->nodes[1] : NULL;
}

size_t dd_yaml_second(const struct dd_yaml *yaml)
{
	return yaml->second;
}

bool dd_yaml_is(const struct dd_yaml_node *node, const char *text)
{
	return node->type == DD_YAML_SCALAR && node->len == strlen(text) &&
	       !memcmp(node->text, text, node->len);
}

bool dd_yaml_is_null(const struct dd_yaml_node *node)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };

	if (node->type != DD_YAML_SCALAR || !node->plain)
		return false;
	for (size_t i = 0; i < DD_COUNT(words); i++)
		if (dd_yaml_is(node, words[i]))
			return true;
	return false;
}
