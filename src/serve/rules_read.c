/*
 * Reading rules: every key is known, every name of a group is a group's, or the file is refused with
 * the place. What is misread here lets somebody in.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "serve/rules_table.h"
#include "text/yaml_keys.h"

#define MEMBERS_MAX 10000 /* of any list */
#define NAME_MAX_BYTES 255

struct reading {
	struct dd_rules *rules;
	struct dd_access_rule *access;
	struct dd_immutable_rule *immutable;
	struct dd_error *err;
};

typedef int read_fn(struct reading *reading, const struct dd_yaml_node *node, const char *name);

struct key {
	const char *name;
	read_fn *read;
};

static int wrong(const struct reading *reading, const struct dd_yaml_node *node, const char *what,
		 const char *why)
{
	return dd_yaml_wrong(node, what, why, reading->err);
}

static int no_memory(const struct reading *reading)
{
	return dd_fail(reading->err, DD_ENOMEM, 0, "read rules");
}

static int read_keys(struct reading *reading, const struct dd_yaml_node *node,
		     const struct key *keys, const char *where)
{
	int rc = 0;

	if (node->type != DD_YAML_MAPPING)
		return wrong(reading, node, where, "keys and values were expected");
	for (size_t i = 0; i < node->len && rc == 0; i++) {
		size_t which;

		rc = dd_yaml_which_key(node, i, keys, sizeof(*keys), where, &which, reading->err);
		if (rc == 0)
			rc = keys[which].read(reading, node->values[i], keys[which].name);
	}
	return rc;
}

/* A list of things, or one thing without a list around it. */
static int read_some(struct reading *reading, const struct dd_yaml_node *node, const char *name,
		     int (*read)(struct reading *, const struct dd_yaml_node *, const char *,
				 void *),
		     void *into)
{
	int rc = 0;

	if (node->type != DD_YAML_SEQUENCE)
		return read(reading, node, name, into);
	if (!node->len)
		return wrong(reading, node, name, "an empty list");
	if (node->len > MEMBERS_MAX)
		return wrong(reading, node, name, "more than 10000 members");
	for (size_t i = 0; i < node->len && rc == 0; i++)
		rc = read(reading, node->values[i], name, into);
	return rc;
}

static int read_text(struct reading *reading, const struct dd_yaml_node *node, const char *name,
		     char **text)
{
	int rc = dd_yaml_expect_text(node, name, reading->err);

	if (rc < 0)
		return rc;
	if (!node->len || node->len > NAME_MAX_BYTES)
		return wrong(reading, node, name, "from 1 to 255 bytes were expected");
	*text = strdup(node->text);
	return *text ? 0 : no_memory(reading);
}

/* ---- patterns ---- */

struct patterns_to {
	struct dd_rule_patterns *patterns;
	enum dd_pattern_kind kind;
};

static int read_pattern(struct reading *reading, const struct dd_yaml_node *node, const char *name,
			void *into)
{
	struct patterns_to *to = into;
	struct dd_pattern **pattern;
	int rc = dd_yaml_expect_text(node, name, reading->err);

	if (rc < 0)
		return rc;
	pattern = dd_list_add(&to->patterns->list);
	if (!pattern)
		return no_memory(reading);
	rc = dd_pattern_open(pattern, to->kind, node->text, reading->err);
	if (rc == 0)
		return 0;
	to->patterns->list.count--;
	return dd_yaml_at(node, dd_wrap(reading->err, rc, "%s", name), reading->err);
}

static int read_patterns(struct reading *reading, const struct dd_yaml_node *node, const char *name,
			 enum dd_pattern_kind kind, struct dd_rule_patterns *patterns)
{
	struct patterns_to to = { patterns, kind };

	return read_some(reading, node, name, read_pattern, &to);
}

/* ---- who ---- */

static int read_group_of(struct reading *reading, const struct dd_yaml_node *node, const char *name,
			 const char *group, struct dd_who *who)
{
	size_t *at;

	for (size_t i = 0; i < reading->rules->groups.count; i++) {
		if (strcmp(reading->rules->groups.items[i].name, group) != 0)
			continue;
		at = dd_list_add(&who->groups);
		if (!at)
			return no_memory(reading);
		*at = i;
		return 0;
	}
	return wrong(reading, node, name, "there is no such group in this file");
}

static int read_user_of(struct reading *reading, const char *user, struct dd_who *who)
{
	char **copy = dd_list_add(&who->users);

	if (!copy)
		return no_memory(reading);
	*copy = strdup(user);
	if (*copy)
		return 0;
	who->users.count--;
	return no_memory(reading);
}

static int read_one_who(struct reading *reading, const struct dd_yaml_node *node, const char *name,
			void *into)
{
	struct dd_who *who = into;
	int rc = dd_yaml_expect_text(node, name, reading->err);

	if (rc < 0)
		return rc;
	if (!strncmp(node->text, "user:", 5) && node->text[5])
		return read_user_of(reading, node->text + 5, who);
	if (!strncmp(node->text, "group:", 6) && node->text[6])
		return read_group_of(reading, node, name, node->text + 6, who);
	if (dd_yaml_is(node, "anybody"))
		who->anybody = true;
	else if (dd_yaml_is(node, "authenticated"))
		who->authenticated = true;
	else
		return wrong(
			reading, node, name,
			"anybody, authenticated, nobody, user:NAME or group:NAME was expected");
	return 0;
}

static int read_who(struct reading *reading, const struct dd_yaml_node *node, const char *name,
		    struct dd_who *who)
{
	who->said = true;
	/* Alone only: among others it would say nothing, or the opposite of what was meant. */
	if (dd_yaml_is(node, "nobody"))
		return 0;
	return read_some(reading, node, name, read_one_who, who);
}

static int read_catalog(struct reading *reading, const struct dd_yaml_node *node, const char *name)
{
	return read_who(reading, node, name, &reading->rules->catalog);
}

/* ---- groups ---- */

static int read_member(struct reading *reading, const struct dd_yaml_node *node, const char *name,
		       void *into)
{
	struct dd_group *group = into;
	char **user = dd_list_add(&group->users);
	int rc;

	if (!user)
		return no_memory(reading);
	rc = read_text(reading, node, name, user);
	if (rc < 0)
		group->users.count--;
	return rc;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_group(struct reading *reading, const struct dd_yaml_node *key,
		      const struct dd_yaml_node *value)
{
	struct dd_group *group;
	char *name = NULL;
	int rc = read_text(reading, key, "a group", &name);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < reading->rules->groups.count && rc == 0; i++)
		if (!strcmp(reading->rules->groups.items[i].name, name))
			rc = wrong(reading, key, name, "is given twice");
	group = rc == 0 ? dd_list_add(&reading->rules->groups) : NULL;
	if (!group) {
		free(name);
		return rc < 0 ? rc : no_memory(reading);
	}
	group->name = name;
	/* A group may be empty: everybody has left. */
	if (value->type != DD_YAML_SEQUENCE || value->len)
		rc = read_some(reading, value, name, read_member, group);
	if (group->users.count)
		qsort(group->users.items, group->users.count, sizeof(*group->users.items), by_text);
	return rc;
}

static int read_groups(struct reading *reading, const struct dd_yaml_node *node, const char *name)
{
	int rc = 0;

	if (node->type != DD_YAML_MAPPING)
		return wrong(reading, node, name, "names with lists of users were expected");
	if (node->len > MEMBERS_MAX)
		return wrong(reading, node, name, "more than 10000 members");
	for (size_t i = 0; i < node->len && rc == 0; i++)
		rc = read_group(reading, node->keys[i], node->values[i]);
	return rc;
}

/* ---- rules ---- */

static int read_access_name(struct reading *reading, const struct dd_yaml_node *node,
			    const char *name)
{
	DD_AUTOFREE char *text = NULL;

	return read_text(reading, node, name, &text);
}

static int read_access_repositories(struct reading *reading, const struct dd_yaml_node *node,
				    const char *name)
{
	return read_patterns(reading, node, name, DD_PATTERN_REPOSITORY,
			     &reading->access->repositories);
}

#define X(constant, name, action)                                                            \
	static int read_##constant(struct reading *reading, const struct dd_yaml_node *node, \
				   const char *key)                                          \
	{                                                                                    \
		return read_who(reading, node, key, &reading->access->who[constant]);        \
	}
DD_RULE_ACTIONS(X)
#undef X

static int read_access(struct reading *reading, const struct dd_yaml_node *node, const char *name,
		       void *into)
{
	static const struct key keys[] = { { "name", read_access_name },
					   { "repositories", read_access_repositories },
#define X(constant, word, action) { word, read_##constant },
					   DD_RULE_ACTIONS(X)
#undef X
						   { 0 } };
	bool says = false;
	int rc;

	(void)name;
	(void)into;
	reading->access = dd_list_add(&reading->rules->access);
	if (!reading->access)
		return no_memory(reading);
	rc = read_keys(reading, node, keys, "a rule");
	if (rc < 0)
		return rc;
	if (!reading->access->repositories.list.count)
		return wrong(reading, node, "this rule",
			     "does not say which repositories it is about");
	for (unsigned i = 0; i < DD_RULE_ACTION_COUNT; i++)
		says |= reading->access->who[i].said;
	return says ? 0 : wrong(reading, node, "this rule", "says nothing about anybody");
}

static int read_immutable_name(struct reading *reading, const struct dd_yaml_node *node,
			       const char *name)
{
	return read_text(reading, node, name, &reading->immutable->name);
}

static int read_immutable_repositories(struct reading *reading, const struct dd_yaml_node *node,
				       const char *name)
{
	return read_patterns(reading, node, name, DD_PATTERN_REPOSITORY,
			     &reading->immutable->repositories);
}

static int read_immutable_tags(struct reading *reading, const struct dd_yaml_node *node,
			       const char *name)
{
	return read_patterns(reading, node, name, DD_PATTERN_TAG, &reading->immutable->tags);
}

static int read_immutable_except(struct reading *reading, const struct dd_yaml_node *node,
				 const char *name)
{
	return read_patterns(reading, node, name, DD_PATTERN_TAG, &reading->immutable->except);
}

static int read_immutable(struct reading *reading, const struct dd_yaml_node *node,
			  const char *name, void *into)
{
	static const struct key keys[] = { { "name", read_immutable_name },
					   { "repositories", read_immutable_repositories },
					   { "tags", read_immutable_tags },
					   { "except", read_immutable_except },
					   { 0 } };
	int rc;

	(void)name;
	(void)into;
	reading->immutable = dd_list_add(&reading->rules->immutable);
	if (!reading->immutable)
		return no_memory(reading);
	reading->immutable->line = node->line;
	rc = read_keys(reading, node, keys, "a rule about tags");
	if (rc < 0)
		return rc;
	if (!reading->immutable->repositories.list.count)
		return wrong(reading, node, "this rule",
			     "does not say which repositories it is about");
	if (!reading->immutable->tags.list.count)
		return wrong(reading, node, "this rule", "does not say which tags never change");
	return 0;
}

/* ---- the file ---- */

static int pass_over(struct reading *reading, const struct dd_yaml_node *node, const char *name)
{
	(void)reading;
	(void)node;
	(void)name;
	return 0;
}

static int read_rules(struct reading *reading, const struct dd_yaml_node *node, const char *name)
{
	if (node->type != DD_YAML_SEQUENCE)
		return wrong(reading, node, name, "a list was expected");
	return read_some(reading, node, name, read_access, NULL);
}

static int read_immutables(struct reading *reading, const struct dd_yaml_node *node,
			   const char *name)
{
	if (node->type != DD_YAML_SEQUENCE)
		return wrong(reading, node, name, "a list was expected");
	return read_some(reading, node, name, read_immutable, NULL);
}

static int read_document(struct reading *reading, const struct dd_yaml *yaml)
{
	/* Rules may stand before the groups that they name. */
	static const struct key groups[] = { { "groups", read_groups },
					     { "catalog", pass_over },
					     { "rules", pass_over },
					     { "immutable", pass_over },
					     { 0 } };
	static const struct key others[] = { { "groups", pass_over },
					     { "catalog", read_catalog },
					     { "rules", read_rules },
					     { "immutable", read_immutables },
					     { 0 } };
	const struct dd_yaml_node *root = dd_yaml_root(yaml);
	int rc;

	if (!root || dd_yaml_is_null(root))
		return dd_fail(reading->err, DD_ECONFIG, 0,
			       "line 1, column 1: there are no rules in it");
	if (dd_yaml_second(yaml))
		return dd_fail(reading->err, DD_ECONFIG, 0,
			       "line %zu, column 1: a second document; rules are one",
			       dd_yaml_second(yaml));
	rc = read_keys(reading, root, groups, "a file of rules");
	if (rc == 0)
		rc = read_keys(reading, root, others, "a file of rules");
	return rc;
}

int dd_rules_read(const char *bytes, size_t len, struct dd_rules **out, struct dd_error *err)
{
	DD_CLEANUP(dd_rules_closep) struct dd_rules *rules = calloc(1, sizeof(*rules));
	DD_CLEANUP(dd_yaml_closep) struct dd_yaml *yaml = NULL;
	struct reading reading = { .rules = rules, .err = err };
	int rc;

	*out = NULL;
	if (!rules)
		return no_memory(&reading);
	pthread_mutex_init(&rules->matching, NULL);
	if (len > DD_RULES_MAX)
		return dd_fail(err, DD_ECONFIG, 0, "%zu bytes are more than rules may have", len);
	rc = dd_yaml_read(bytes, len, &yaml, err);
	if (rc == DD_ECONFIG)
		dd_hint(err, "a pattern that begins with * or [, or holds a colon, stands in "
			     "quotes");
	if (rc == 0)
		rc = read_document(&reading, yaml);
	if (rc < 0)
		return rc;
	*out = rules;
	rules = NULL;
	return 0;
}
