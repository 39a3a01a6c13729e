/*
 * The optimiser. An expression means the same before and after: what is moved has no effect but its
 * value, so a chain is sorted between its actions and never across one.
 */
#include <stdlib.h>
#include <string.h>

#include "inspect/find.h"

static bool is_pure(const struct dd_find_node *node)
{
	if (node->op == DD_OP_ACTION)
		return false;
	for (size_t i = 0; i < node->count; i++)
		if (!is_pure(node->parts[i]))
			return false;
	return true;
}

/* What has to be done to tell the value, at most; of a chain its dearest part. */
static unsigned cost(const struct dd_find_node *node)
{
	unsigned most = node->op == DD_OP_TEST ? node->test->kind->cost : 0;

	for (size_t i = 0; i < node->count; i++) {
		unsigned part = cost(node->parts[i]);

		most = part > most ? part : most;
	}
	return most;
}

/* Stable, and short chains mostly. */
static void sort_run(struct dd_find_node **parts, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct dd_find_node *part = parts[i];
		unsigned own = cost(part);
		size_t to = i;

		for (; to > 0 && cost(parts[to - 1]) > own; to--)
			parts[to] = parts[to - 1];
		parts[to] = part;
	}
}

static void sort_chain(struct dd_find_node *node)
{
	for (size_t first = 0; first < node->count; first++) {
		size_t end = first;

		while (end < node->count && is_pure(node->parts[end]))
			end++;
		sort_run(node->parts + first, end - first);
		first = end;
	}
}

static bool is_constant(const struct dd_find_node *node, bool *value)
{
	if (node->op == DD_OP_CONST)
		*value = node->value;
	else if (node->op == DD_OP_TEST && !strcmp(node->test->kind->name, "-true"))
		*value = true;
	else if (node->op == DD_OP_TEST && !strcmp(node->test->kind->name, "-false"))
		*value = false;
	else
		return false;
	return true;
}

static int become(struct dd_find *find, struct dd_find_node **node, bool value)
{
	struct dd_find_node *constant = dd_find_node_new(find, DD_OP_CONST);

	if (!constant)
		return DD_ENOMEM;
	constant->value = value;
	*node = constant;
	return 0;
}

static int simplify(struct dd_find *find, struct dd_find_node **pointer);

static int simplify_not(struct dd_find *find, struct dd_find_node **pointer)
{
	struct dd_find_node *node = *pointer;
	bool value;
	int rc = simplify(find, &node->parts[0]);

	if (rc < 0)
		return rc;
	if (node->parts[0]->op == DD_OP_NOT)
		*pointer = node->parts[0]->parts[0];
	else if (is_constant(node->parts[0], &value))
		return become(find, pointer, !value);
	return 0;
}

/*
 * Adds the parts of an inner chain of the same kind, which is simple already, instead of it. What a
 * constant decides ends it.
 */
static int flatten(struct dd_find *find, struct dd_find_node *to, struct dd_find_node *from,
		   bool simple, bool *decided)
{
	bool all = to->op == DD_OP_AND, value;

	for (size_t i = 0; i < from->count && !*decided; i++) {
		int rc = simple ? 0 : simplify(find, &from->parts[i]);
		struct dd_find_node *part = from->parts[i];

		if (rc < 0)
			return rc;
		if (part->op == to->op) {
			rc = flatten(find, to, part, true, decided);
		} else if (is_constant(part, &value)) {
			*decided = value != all;
			if (*decided)
				rc = dd_find_node_add(to, part);
		} else {
			rc = dd_find_node_add(to, part);
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int simplify_chain(struct dd_find *find, struct dd_find_node **pointer)
{
	struct dd_find_node *node = *pointer, *flat = dd_find_node_new(find, node->op);
	bool decided = false;
	int rc = flat ? flatten(find, flat, node, false, &decided) : DD_ENOMEM;

	if (rc < 0)
		return rc;
	*pointer = flat;
	if (flat->count == 0)
		return become(find, pointer, flat->op == DD_OP_AND);
	if (decided && is_pure(flat))
		return become(find, pointer, flat->op == DD_OP_OR);
	if (flat->count == 1)
		*pointer = flat->parts[0];
	else
		sort_chain(flat);
	return 0;
}

static int simplify(struct dd_find *find, struct dd_find_node **pointer)
{
	switch ((*pointer)->op) {
	case DD_OP_NOT:
		return simplify_not(find, pointer);
	case DD_OP_AND:
	case DD_OP_OR:
		return simplify_chain(find, pointer);
	default:
		return 0;
	}
}

int dd_find_optimise(struct dd_find *find, struct dd_error *err)
{
	int rc = simplify(find, &find->root);

	return rc < 0 ? dd_fail(err, rc, 0, "read the expression") : 0;
}

/* ---- for people ---- */

static int describe(const struct dd_find_node *node, struct dd_text *text)
{
	static const char *const ops[] = {
		[DD_OP_NOT] = "not", [DD_OP_AND] = "and", [DD_OP_OR] = "or"
	};
	static const char *const actions[] = {
#define X(constant, name) [constant] = name,
		DD_FIND_ACTIONS(X)
#undef X
	};
	const struct dd_find_test *test = node->test;
	int rc;

	if (node->op == DD_OP_CONST)
		return dd_text_printf(text, "%s", node->value ? "true" : "false");
	if (node->op == DD_OP_ACTION)
		return dd_text_printf(text, "%s", actions[node->action->kind] + 1);
	if (node->op == DD_OP_TEST && !strcmp(test->kind->name, "-type"))
		return dd_text_printf(text, "(type %s)", dd_find_type_name(test->type));
	if (node->op == DD_OP_TEST)
		return dd_text_printf(text, test->word ? "(%s %s)" : "%s", test->kind->name + 1,
				      test->word);
	rc = dd_text_printf(text, "(%s", ops[node->op]);
	for (size_t i = 0; i < node->count && rc == 0; i++) {
		rc = dd_text_add(text, " ", 1);
		if (rc == 0)
			rc = describe(node->parts[i], text);
	}
	return rc < 0 ? rc : dd_text_add(text, ")", 1);
}

int dd_find_describe(const struct dd_find *find, struct dd_text *text)
{
	return describe(find->root, text);
}
