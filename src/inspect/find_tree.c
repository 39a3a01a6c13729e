/*
 * An expression's memory, and what can be asked of it.
 */
#include <stdlib.h>

#include "inspect/find.h"

struct dd_find_node *dd_find_node_new(struct dd_find *find, enum dd_find_op op)
{
	struct dd_find_node *node = calloc(1, sizeof(*node));
	struct dd_find_node **slot = node ? dd_list_add(&find->nodes) : NULL;

	if (!slot) {
		free(node);
		return NULL;
	}
	node->op = op;
	*slot = node;
	return node;
}

int dd_find_node_add(struct dd_find_node *node, struct dd_find_node *part)
{
	struct dd_find_node **parts =
		part ? reallocarray(node->parts, node->count + 1, sizeof(*parts)) : NULL;

	if (!parts)
		return DD_ENOMEM;
	node->parts = parts;
	parts[node->count++] = part;
	return 0;
}

void dd_find_close(struct dd_find *find)
{
	if (!find)
		return;
	for (size_t i = 0; i < find->nodes.count; i++) {
		free(find->nodes.items[i]->parts);
		free(find->nodes.items[i]);
	}
	for (size_t i = 0; i < find->tests.count; i++) {
		free(find->tests.items[i]->key);
		free(find->tests.items[i]->value);
		free(find->tests.items[i]->marked);
		free(find->tests.items[i]);
	}
	for (size_t i = 0; i < find->actions.count; i++) {
		dd_find_format_free((struct dd_find_format *)find->actions.items[i]->format);
		free(find->actions.items[i]);
	}
	dd_list_release(&find->nodes);
	dd_list_release(&find->tests);
	dd_list_release(&find->actions);
	free(find);
}

void dd_find_closep(struct dd_find **find)
{
	dd_find_close(*find);
	*find = NULL;
}

bool dd_find_has_action(const struct dd_find *find, enum dd_find_action_kind kind)
{
	for (size_t i = 0; i < find->actions.count; i++)
		if (find->actions.items[i]->kind == kind)
			return true;
	return false;
}
