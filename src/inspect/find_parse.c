/*
 * The expression, by hand: words in, a tree out, and blame on the right word if it is none.
 *
 *	any    = all { -o all }
 *	all    = one { [-a] one }
 *	one    = ! one | ( any ) | test | action
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "inspect/find.h"

struct parse {
	struct dd_find *find;
	const char *const *words;
	size_t count, at;
	size_t wrong;
	unsigned depth;
	struct dd_error *err;
};

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "read the expression");
}

static bool is_one_of(const char *word, const char *one, const char *other)
{
	return !strcmp(word, one) || !strcmp(word, other);
}

/* ---- blame ---- */

static int blame(struct parse *parse, size_t word, int rc)
{
	parse->wrong = word;
	return rc;
}

#define BLAME(parse, word, ...) blame(parse, word, dd_fail((parse)->err, DD_EUSAGE, 0, __VA_ARGS__))

static int blame_unknown(struct parse *parse)
{
	const char *word = parse->words[parse->at];
	int rc;

	if (word[0] != '-') {
		rc = BLAME(parse, parse->at, "\"%.200s\" is no part of an expression", word);
		dd_hint(parse->err, "to look into one repository write -repo '%.200s'", word);
		return rc;
	}
	rc = BLAME(parse, parse->at, "\"%.200s\" is no test and no action", word);
	dd_find_hint_word(word, parse->err);
	return rc;
}

/* ---- tests and actions ---- */

static struct dd_find_test *add_test(struct parse *parse, const struct dd_find_kind *kind)
{
	struct dd_find_test *test = calloc(1, sizeof(*test));
	struct dd_find_test **slot = test ? dd_list_add(&parse->find->tests) : NULL;

	if (!slot) {
		free(test);
		return NULL;
	}
	test->kind = kind;
	for (size_t i = 0; i + 1 < parse->find->tests.count; i++)
		test->number += parse->find->tests.items[i]->kind == kind;
	*slot = test;
	return test;
}

static int add_test_node(struct parse *parse, const struct dd_find_kind *kind,
			 struct dd_find_node **out, struct dd_find_test **out_test)
{
	struct dd_find_node *node = dd_find_node_new(parse->find, DD_OP_TEST);
	struct dd_find_test *test = node ? add_test(parse, kind) : NULL;

	if (!test)
		return no_memory(parse->err);
	node->test = test;
	*out = node;
	*out_test = test;
	return 0;
}

/* One type, or several: "tag,manifest". */
static int parse_type(struct parse *parse, struct dd_find_node **out)
{
	const char *word = parse->words[parse->at + 1];
	struct dd_find_node *any = dd_find_node_new(parse->find, DD_OP_OR);

	if (!any)
		return no_memory(parse->err);
	for (const char *at = word; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		size_t len = strcspn(at, ",");
		DD_AUTOFREE char *name = strndup(at, len);
		struct dd_find_node *node = NULL;
		struct dd_find_test *test = NULL;
		unsigned type = 0;
		int rc;

		if (!name)
			return no_memory(parse->err);
		while (type < DD_FIND_TYPE_COUNT && strcmp(dd_find_type_name(type), name) != 0)
			type++;
		if (type == DD_FIND_TYPE_COUNT) {
			rc = BLAME(parse, parse->at + 1, "\"%.200s\" is no type of object", name);
			dd_find_hint_type(name, parse->err);
			return rc;
		}
		rc = add_test_node(parse, dd_find_kind_of_type(type), &node, &test);
		if (rc < 0)
			return rc;
		test->type = (enum dd_find_type)type;
		test->at = parse->at + 1;
		if (dd_find_node_add(any, node) < 0)
			return no_memory(parse->err);
	}
	*out = any;
	return 0;
}

static int parse_test(struct parse *parse, const struct dd_find_kind *kind,
		      struct dd_find_node **out)
{
	struct dd_find_test *test = NULL;
	int rc = add_test_node(parse, kind, out, &test);

	if (rc < 0)
		return rc;
	if (test->number >= DD_FIND_BITS)
		return BLAME(parse, parse->at, "there are more than %d %s in it", DD_FIND_BITS,
			     kind->name);
	test->at = parse->at + 1;
	test->word = kind->argument ? parse->words[parse->at + 1] : NULL;
	if (!kind->parse)
		return 0;
	rc = kind->parse(test, parse->err);
	return rc < 0 ? blame(parse, parse->at + 1, dd_wrap(parse->err, rc, "%s", kind->name)) : 0;
}

static int parse_exec(struct parse *parse, struct dd_find_action *action, size_t length)
{
	const char *const *words = parse->words + parse->at;
	bool many =
		length > 2 && !strcmp(words[length - 1], "+") && !strcmp(words[length - 2], "{}");
	bool ended = many || (length > 1 && !strcmp(words[length - 1], ";"));
	size_t braces = 0;

	if (!ended)
		return BLAME(parse, parse->at, "-exec has no end: a \";\" of its own, or \"{} +\"");
	action->many = many;
	action->words = words + 1;
	action->word_count = length - 2;
	if (!action->word_count)
		return BLAME(parse, parse->at, "-exec has no command");
	for (size_t i = 0; i < action->word_count; i++)
		braces += strstr(action->words[i], "{}") != NULL;
	if (!action->many)
		return 0;
	action->word_count--; /* the last "{}", where the names go */
	if (!action->word_count)
		return BLAME(parse, parse->at, "-exec has no command");
	return braces == 1 ?
		       0 :
		       BLAME(parse, parse->at, "-exec … {} + has one {} only, right before the +");
}

static int parse_action(struct parse *parse, enum dd_find_action_kind kind, size_t length,
			struct dd_find_node **out)
{
	struct dd_find_action *action = calloc(1, sizeof(*action)), **slot = NULL;
	struct dd_find_format *format = NULL;
	int rc;

	*out = dd_find_node_new(parse->find, DD_OP_ACTION);
	if (action && *out)
		slot = dd_list_add(&parse->find->actions);
	if (!slot) {
		free(action);
		return no_memory(parse->err);
	}
	*slot = action;
	(*out)->action = action;
	action->kind = kind;
	for (size_t i = 0; i + 1 < parse->find->actions.count; i++)
		action->number += parse->find->actions.items[i]->kind == kind;
	if (kind == DD_FIND_EXEC)
		return parse_exec(parse, action, length);
	if (kind != DD_FIND_PRINTF)
		return 0;
	rc = dd_find_format_parse(parse->words[parse->at + 1], &format, parse->err);
	action->format = format;
	return rc < 0 ? blame(parse, parse->at + 1, dd_wrap(parse->err, rc, "-printf")) : 0;
}

/* ---- the grammar ---- */

static int parse_any(struct parse *parse, struct dd_find_node **out);

static const char *peek(const struct parse *parse)
{
	return parse->at < parse->count ? parse->words[parse->at] : NULL;
}

static int parse_word(struct parse *parse, struct dd_find_node **out)
{
	const char *word = parse->words[parse->at];
	const struct dd_find_kind *kind = dd_find_kind_of(word);
	int action = dd_find_action_of(word), rc;
	bool type = !strcmp(word, "-type");
	size_t length = dd_find_word_length(parse->words + parse->at, parse->count - parse->at);

	if (!length)
		return blame_unknown(parse);
	if (length == 1 && (type || action == DD_FIND_PRINTF || (kind && kind->argument)))
		return BLAME(parse, parse->at, "%s needs an argument: %s", word,
			     type ? "a type" :
			     kind ? kind->argument :
				    "a format");
	if (type)
		rc = parse_type(parse, out);
	else if (kind)
		rc = parse_test(parse, kind, out);
	else
		rc = parse_action(parse, (enum dd_find_action_kind)action, length, out);
	parse->at += length;
	return rc;
}

static int parse_one(struct parse *parse, struct dd_find_node **out)
{
	const char *word = peek(parse);
	size_t began = parse->at;
	struct dd_find_node *inner;
	int rc;

	if (parse->depth > DD_FIND_DEPTH)
		return BLAME(parse, parse->at, "the expression is nested too deeply");
	if (!word)
		return BLAME(parse, parse->at - 1, "something is missing after \"%s\"",
			     parse->words[parse->at - 1]);
	if (is_one_of(word, "!", "-not")) {
		*out = dd_find_node_new(parse->find, DD_OP_NOT);
		parse->at++;
		parse->depth++;
		rc = *out ? parse_one(parse, &inner) : no_memory(parse->err);
		parse->depth--;
		if (rc == 0 && dd_find_node_add(*out, inner) < 0)
			rc = no_memory(parse->err);
		return rc;
	}
	if (!strcmp(word, "(")) {
		parse->at++;
		if (peek(parse) && !strcmp(peek(parse), ")"))
			return BLAME(parse, parse->at, "there is nothing between the parentheses");
		parse->depth++;
		rc = parse_any(parse, out);
		parse->depth--;
		if (rc < 0)
			return rc;
		if (!peek(parse) || strcmp(peek(parse), ")") != 0)
			return BLAME(parse, began, "\"(\" is never closed");
		parse->at++;
		return 0;
	}
	if (dd_find_is_operator(word))
		return BLAME(parse, parse->at,
			     !strcmp(word, ")") && !parse->at ?
				     "\"%s\" closes what was never opened" :
				     "\"%s\" has nothing in front of it",
			     word);
	return parse_word(parse, out);
}

/* A chain of parts; a single one stands for itself. */
static int chain(struct parse *parse, struct dd_find_node **whole, enum dd_find_op op,
		 struct dd_find_node *part)
{
	struct dd_find_node *node;

	if (!*whole) {
		*whole = part;
		return 0;
	}
	node = (*whole)->op == op && (*whole)->value ? *whole : dd_find_node_new(parse->find, op);
	if (!node)
		return no_memory(parse->err);
	if (node != *whole && dd_find_node_add(node, *whole) < 0)
		return no_memory(parse->err);
	node->value = true; /* in the making: more may be added */
	*whole = node;
	return dd_find_node_add(node, part) < 0 ? no_memory(parse->err) : 0;
}

static int parse_all(struct parse *parse, struct dd_find_node **out)
{
	struct dd_find_node *part;
	int rc = 0;

	*out = NULL;
	do {
		const char *word;

		rc = parse_one(parse, &part);
		if (rc == 0)
			rc = chain(parse, out, DD_OP_AND, part);
		word = peek(parse);
		if (rc < 0 || !word || is_one_of(word, "-o", "-or") || !strcmp(word, ")"))
			break;
		if (is_one_of(word, "-a", "-and"))
			parse->at++;
	} while (true);
	if (rc == 0)
		(*out)->value = false;
	return rc;
}

static int parse_any(struct parse *parse, struct dd_find_node **out)
{
	struct dd_find_node *part;
	int rc;

	*out = NULL;
	do {
		rc = parse_all(parse, &part);
		if (rc == 0)
			rc = chain(parse, out, DD_OP_OR, part);
		if (rc < 0 || !peek(parse) || !is_one_of(peek(parse), "-o", "-or"))
			break;
		parse->at++;
	} while (true);
	if (rc == 0)
		(*out)->value = false;
	return rc;
}

/* Without an action all that matches is printed. */
static int add_default(struct parse *parse, enum dd_find_action_kind kind)
{
	struct dd_find *find = parse->find;
	struct dd_find_node *all = dd_find_node_new(find, DD_OP_AND), *print;
	int rc;

	parse->at = parse->count;
	rc = all ? parse_action(parse, kind, 1, &print) : no_memory(parse->err);
	if (rc < 0)
		return rc;
	if ((find->root && dd_find_node_add(all, find->root) < 0) ||
	    dd_find_node_add(all, print) < 0)
		return no_memory(parse->err);
	find->root = all;
	return 0;
}

static int parse(struct parse *parse, enum dd_find_action_kind otherwise)
{
	int rc = 0;

	if (parse->count)
		rc = parse_any(parse, &parse->find->root);
	if (rc == 0 && parse->at < parse->count)
		rc = BLAME(parse, parse->at, "\"%s\" closes what was never opened",
			   parse->words[parse->at]);
	if (rc == 0 && !parse->find->actions.count)
		rc = add_default(parse, otherwise);
	return rc < 0 ? rc : dd_find_optimise(parse->find, parse->err);
}

int dd_find_open(const char *const *words, size_t count, enum dd_find_action_kind otherwise,
		 struct dd_find **out, size_t *wrong, struct dd_error *err)
{
	DD_CLEANUP(dd_find_closep) struct dd_find *find = calloc(1, sizeof(*find));
	struct parse state = {
		.find = find, .words = words, .count = count, .wrong = count, .err = err
	};
	int rc;

	*out = NULL;
	*wrong = count;
	if (!find)
		return no_memory(err);
	find->word_count = count;
	rc = parse(&state, otherwise);
	*wrong = state.wrong;
	if (rc < 0)
		return rc;
	*out = find;
	find = NULL;
	return 0;
}
