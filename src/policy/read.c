/*
 * A policy's file, read: every key is known, every value is of its kind, or it is refused with its
 * place. What could be misread is refused as well: a size or a duration without a unit, a duration
 * of minutes where months were meant.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "policy/policy.h"
#include "text/yaml_keys.h"

#define SHORTEST (3600 * DD_SECOND)
#define NEWEST_MAX 1000000

struct reading {
	struct dd_policy *policy;
	struct dd_rule *rule;
	struct dd_error *err;
};

static int wrong(const struct reading *reading, const struct dd_yaml_node *node, const char *what,
		 const char *why)
{
	return dd_yaml_wrong(node, what, why, reading->err);
}

/* ---- keys ---- */

typedef int read_fn(struct reading *reading, const struct dd_yaml_node *node, const char *name);

struct key {
	const char *name;
	read_fn *read;
};

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

/* ---- values ---- */

static int expect_text(const struct reading *reading, const struct dd_yaml_node *node,
		       const char *name)
{
	return dd_yaml_expect_text(node, name, reading->err);
}

static int read_count(struct reading *reading, const struct dd_yaml_node *node, const char *name,
		      uint64_t *count)
{
	int rc = expect_text(reading, node, name);

	if (rc < 0)
		return rc;
	if (!node->len || node->len > 7 || strspn(node->text, "0123456789") != node->len ||
	    strtoul(node->text, NULL, 10) > NEWEST_MAX)
		return wrong(reading, node, name, "a number from 1 to 1000000 was expected");
	*count = strtoul(node->text, NULL, 10);
	return *count ? 0 : wrong(reading, node, name, "0 keeps nothing: leave it out");
}

static bool ends_in_a_digit(const struct dd_yaml_node *node)
{
	return node->len && strchr("0123456789", node->text[node->len - 1]);
}

static int read_duration(struct reading *reading, const struct dd_yaml_node *node, const char *name,
			 int64_t *ns)
{
	int rc = expect_text(reading, node, name);

	if (rc < 0)
		return rc;
	if (ends_in_a_digit(node))
		return wrong(reading, node, name, "a unit is missing: 30d is thirty days");
	if (dd_duration_parse(ns, node->text, reading->err) < 0)
		return dd_yaml_at(node, dd_wrap(reading->err, DD_ECONFIG, "%s", name),
				  reading->err);
	return *ns >= SHORTEST ? 0 :
				 wrong(reading, node, name,
				       "less than an hour (m stands for minutes, M for months)");
}

static int read_size(struct reading *reading, const struct dd_yaml_node *node, const char *name,
		     uint64_t *bytes)
{
	int rc = expect_text(reading, node, name);

	if (rc < 0)
		return rc;
	if (ends_in_a_digit(node))
		return wrong(reading, node, name, "a unit is missing: 500G, say");
	if (dd_size_parse(bytes, node->text, reading->err) < 0)
		return dd_yaml_at(node, dd_wrap(reading->err, DD_ECONFIG, "%s", name),
				  reading->err);
	return *bytes ? 0 : wrong(reading, node, name, "nothing fits into nothing");
}

static int read_word(struct reading *reading, const struct dd_yaml_node *node, const char *name,
		     enum dd_policy_word *word)
{
	int rc = expect_text(reading, node, name);

	if (rc < 0)
		return rc;
	*word = dd_yaml_is(node, "keep")   ? DD_KEEP :
		dd_yaml_is(node, "remove") ? DD_REMOVE :
					     DD_UNSAID;
	return *word ? 0 : wrong(reading, node, name, "\"keep\" or \"remove\" was expected");
}

static int read_pattern(struct reading *reading, const struct dd_yaml_node *node, const char *name,
			enum dd_pattern_kind kind, struct dd_patterns *patterns)
{
	int rc = expect_text(reading, node, name);
	struct dd_written *written;

	if (rc < 0)
		return rc;
	written = dd_list_add(&patterns->list);
	if (!written)
		return dd_fail(reading->err, DD_ENOMEM, 0, "read a policy");
	written->line = node->line;
	written->column = node->column;
	rc = dd_pattern_open(&written->pattern, kind, node->text, reading->err);
	if (rc == 0)
		return 0;
	patterns->list.count--;
	return dd_yaml_at(node, dd_wrap(reading->err, rc, "%s", name), reading->err);
}

static int read_patterns(struct reading *reading, const struct dd_yaml_node *node, const char *name,
			 enum dd_pattern_kind kind, struct dd_patterns *patterns)
{
	int rc = 0;

	if (node->type != DD_YAML_SEQUENCE)
		return read_pattern(reading, node, name, kind, patterns);
	if (!node->len)
		return wrong(reading, node, name, "an empty list");
	if (node->len > DD_POLICY_PATTERNS)
		return wrong(reading, node, name, "more than 1000 patterns");
	for (size_t i = 0; i < node->len && rc == 0; i++)
		rc = read_pattern(reading, node->values[i], name, kind, patterns);
	return rc;
}

/* ---- keep ---- */

static int read_keep_tags(struct reading *reading, const struct dd_yaml_node *node,
			  const char *name)
{
	return read_patterns(reading, node, name, DD_PATTERN_TAG, &reading->rule->keep);
}

static int read_newest(struct reading *reading, const struct dd_yaml_node *node, const char *name)
{
	return read_count(reading, node, name, &reading->rule->said.newest);
}

static int read_versions(struct reading *reading, const struct dd_yaml_node *node, const char *name)
{
	return read_count(reading, node, name, &reading->rule->said.newest_versions);
}

static int read_pushed(struct reading *reading, const struct dd_yaml_node *node, const char *name)
{
	return read_duration(reading, node, name, &reading->rule->said.pushed_within_ns);
}

static int read_pulled(struct reading *reading, const struct dd_yaml_node *node, const char *name)
{
	return read_duration(reading, node, name, &reading->rule->said.pulled_within_ns);
}

static int read_keep(struct reading *reading, const struct dd_yaml_node *node, const char *name)
{
	static const struct key keys[] = {
		{ "tags", read_keep_tags },	      { "newest", read_newest },
		{ "newest-versions", read_versions }, { "pushed-within", read_pushed },
		{ "pulled-within", read_pulled },     { 0 }
	};

	if (dd_yaml_is(node, "all")) {
		reading->rule->said.keep_all = true;
		return 0;
	}
	if (node->type != DD_YAML_MAPPING)
		return wrong(reading, node, name, "\"all\", or what is kept, was expected");
	if (!node->len)
		return wrong(reading, node, name,
			     "keeps nothing; every rule says what stays of what it is about");
	return read_keys(reading, node, keys, "keep");
}

/* ---- rules ---- */

static int read_name(struct reading *reading, const struct dd_yaml_node *node, const char *name)
{
	int rc = expect_text(reading, node, name);

	if (rc < 0)
		return rc;
	if (node->len > 100)
		return wrong(reading, node, name, "longer than 100 bytes");
	reading->rule->said.name = strdup(node->text);
	return reading->rule->said.name ? 0 : dd_fail(reading->err, DD_ENOMEM, 0, "read a policy");
}

static int read_repositories(struct reading *reading, const struct dd_yaml_node *node,
			     const char *name)
{
	return read_patterns(reading, node, name, DD_PATTERN_REPOSITORY,
			     &reading->rule->repositories);
}

static int read_tags(struct reading *reading, const struct dd_yaml_node *node, const char *name)
{
	return read_patterns(reading, node, name, DD_PATTERN_TAG, &reading->rule->tags);
}

static int read_rule_fit(struct reading *reading, const struct dd_yaml_node *node, const char *name)
{
	return read_size(reading, node, name, &reading->rule->said.fit_bytes);
}

static int read_untagged(struct reading *reading, const struct dd_yaml_node *node, const char *name)
{
	return read_word(reading, node, name, &reading->rule->said.untagged);
}

static int read_referrers(struct reading *reading, const struct dd_yaml_node *node,
			  const char *name)
{
	return read_word(reading, node, name, &reading->rule->said.referrers);
}

static int read_history(struct reading *reading, const struct dd_yaml_node *node, const char *name)
{
	return read_word(reading, node, name, &reading->rule->said.history);
}

static int read_rule(struct reading *reading, const struct dd_yaml_node *node)
{
	static const struct key keys[] = { { "name", read_name },
					   { "repositories", read_repositories },
					   { "tags", read_tags },
					   { "keep", read_keep },
					   { "fit", read_rule_fit },
					   { "untagged", read_untagged },
					   { "referrers", read_referrers },
					   { "history", read_history },
					   { 0 } };
	const struct dd_policy_rule *said;
	int rc;

	reading->rule = dd_list_add(&reading->policy->rules);
	if (!reading->rule)
		return dd_fail(reading->err, DD_ENOMEM, 0, "read a policy");
	reading->rule->said.line = node->line;
	reading->rule->said.column = node->column;
	rc = read_keys(reading, node, keys, "a rule");
	if (rc < 0)
		return rc;
	said = &reading->rule->said;
	if (!reading->rule->repositories.list.count)
		return wrong(reading, node, "this rule",
			     "does not say which repositories it is about");
	if (!said->keep_all && !reading->rule->keep.list.count && !said->newest &&
	    !said->newest_versions && !said->pushed_within_ns && !said->pulled_within_ns)
		return wrong(reading, node, "this rule", "has no \"keep\"");
	if (said->keep_all && said->fit_bytes)
		return wrong(reading, node, "this rule", "keeps all, and nothing can go to fit");
	return 0;
}

static int read_rules(struct reading *reading, const struct dd_yaml_node *node, const char *name)
{
	int rc = 0;

	if (node->type != DD_YAML_SEQUENCE)
		return wrong(reading, node, name, "a list was expected");
	if (!node->len)
		return wrong(reading, node, name, "an empty list");
	if (node->len > DD_POLICY_RULES)
		return wrong(reading, node, name, "more than 1000 of them");
	for (size_t i = 0; i < node->len && rc == 0; i++)
		rc = read_rule(reading, node->values[i]);
	return rc;
}

static int read_fit(struct reading *reading, const struct dd_yaml_node *node, const char *name)
{
	return read_size(reading, node, name, &reading->policy->fit_bytes);
}

static int read_document(struct reading *reading, const struct dd_yaml *yaml)
{
	static const struct key keys[] = { { "rules", read_rules }, { "fit", read_fit }, { 0 } };
	const struct dd_yaml_node *root = dd_yaml_root(yaml);
	int rc;

	if (!root || dd_yaml_is_null(root))
		return dd_fail(reading->err, DD_ECONFIG, 0,
			       "line 1, column 1: the policy is empty");
	if (dd_yaml_second(yaml))
		return dd_fail(reading->err, DD_ECONFIG, 0,
			       "line %zu, column 1: a second document; a policy is one",
			       dd_yaml_second(yaml));
	rc = read_keys(reading, root, keys, "a policy");
	if (rc == 0 && !reading->policy->rules.count)
		rc = wrong(reading, root, "the policy", "has no rules");
	return rc;
}

int dd_policy_read(const char *bytes, size_t len, struct dd_policy **out, struct dd_error *err)
{
	DD_CLEANUP(dd_policy_closep) struct dd_policy *policy = calloc(1, sizeof(*policy));
	DD_CLEANUP(dd_yaml_closep) struct dd_yaml *yaml = NULL;
	struct reading reading = { .policy = policy, .err = err };
	int rc;

	*out = NULL;
	if (!policy)
		return dd_fail(err, DD_ENOMEM, 0, "read a policy");
	if (len > DD_POLICY_MAX)
		return dd_fail(err, DD_ECONFIG, 0, "%zu bytes are more than a policy may have",
			       len);
	rc = dd_yaml_read(bytes, len, &yaml, err);
	if (rc == DD_ECONFIG)
		dd_hint(err, "a pattern that begins with * or [, or holds a colon, stands in "
			     "quotes");
	if (rc == 0)
		rc = read_document(&reading, yaml);
	if (rc < 0)
		return rc;
	*out = policy;
	policy = NULL;
	return 0;
}
