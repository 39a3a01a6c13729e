/*
 * Rules: what is allowed by them, which tags they keep, what is refused and where.
 */
#include <string.h>

#include "serve/auth.h"
#include "serve/rules.h"
#include "unit.h"

static struct dd_rules *rules;
static struct dd_error err;

static int teardown(void **state)
{
	(void)state;
	dd_rules_closep(&rules);
	return 0;
}

static int read_text(const char *text)
{
	memset(&err, 0, sizeof(err));
	dd_rules_closep(&rules);
	return dd_rules_read(text, strlen(text), &rules, &err);
}

static void must_read(const char *text)
{
	if (read_text(text) < 0)
		fail_msg("%s: %s", text, err.text);
}

static void refused(const char *text, const char *place, const char *reason)
{
	if (read_text(text) != DD_ECONFIG || strncmp(err.text, place, strlen(place)) != 0 ||
	    !strstr(err.text, reason))
		fail_msg("%s: wanted \"%s … %s\", got \"%s\"", text, place, reason, err.text);
}

#define PULL DD_AUTH_PULL
#define PUSH DD_AUTH_PUSH
#define DELETE DD_AUTH_DELETE

static const char team[] = "groups:\n"
			   "  team: [alice, bob]\n"
			   "  gone: []\n"
			   "rules:\n"
			   "- name: what is released\n"
			   "  repositories: release/**\n"
			   "  pull: anybody\n"
			   "  push: [user:ci, group:gone]\n"
			   "  delete: nobody\n"
			   "- repositories: [team/*, \"/x[0-9]+/\"]\n"
			   "  push: group:team\n"
			   "- repositories: \"**\"\n"
			   "  pull: authenticated\n"
			   "  push: user:root\n"
			   "  delete: user:root\n"
			   "catalog: [user:root, group:team]\n";

static void the_first_rule_that_says_something_decides(void **state)
{
	(void)state;
	must_read(team);
	assert_true(dd_rules_allow(rules, NULL, "release/app", PULL));
	assert_true(dd_rules_allow(rules, "ci", "release/a/b", PULL | PUSH));
	assert_false(dd_rules_allow(rules, "alice", "release/app", PUSH));
	assert_false(dd_rules_allow(rules, "root", "release/app", DELETE));
	/* "release" is not below "release/". */
	assert_false(dd_rules_allow(rules, NULL, "release", PULL));

	assert_true(dd_rules_allow(rules, "alice", "team/app", PULL | PUSH));
	assert_true(dd_rules_allow(rules, "bob", "x17", PUSH));
	assert_false(dd_rules_allow(rules, "bob", "y17", PUSH));
	/* The second rule has decided about pushing, and says nothing about deleting. */
	assert_false(dd_rules_allow(rules, "root", "team/app", PUSH));
	assert_true(dd_rules_allow(rules, "root", "team/app", PULL | DELETE));
	assert_false(dd_rules_allow(rules, "alice", "team/app", DELETE));
	assert_false(dd_rules_allow(rules, "alice", "team/app", PULL | PUSH | DELETE));
	assert_false(dd_rules_allow(rules, NULL, "team/app", PULL));
	assert_true(dd_rules_allow(rules, "root", "other", PULL | PUSH | DELETE));
}

static void the_catalogue_is_for_whom_it_says(void **state)
{
	(void)state;
	must_read(team);
	assert_true(dd_rules_allow(rules, "root", NULL, DD_AUTH_CATALOG));
	assert_true(dd_rules_allow(rules, "alice", NULL, DD_AUTH_CATALOG));
	assert_false(dd_rules_allow(rules, "ci", NULL, DD_AUTH_CATALOG));
	assert_false(dd_rules_allow(rules, NULL, NULL, DD_AUTH_CATALOG));
	must_read("catalog: anybody\n");
	assert_true(dd_rules_allow(rules, NULL, NULL, DD_AUTH_CATALOG));
	must_read("catalog: nobody\n");
	assert_false(dd_rules_allow(rules, "root", NULL, DD_AUTH_CATALOG));
}

static void what_no_rule_is_about_nobody_may(void **state)
{
	(void)state;
	must_read("rules:\n- repositories: a/*\n  pull: anybody\n");
	assert_true(dd_rules_allow(rules, NULL, "a/b", PULL));
	assert_false(dd_rules_allow(rules, "alice", "a/b", PUSH));
	assert_false(dd_rules_allow(rules, "alice", "b", PULL));
	assert_true(dd_rules_allow(rules, "alice", NULL, DD_AUTH_CATALOG));
	assert_false(dd_rules_allow(rules, NULL, NULL, DD_AUTH_CATALOG));
}

static void rules_about_tags_alone_decide_nothing_else(void **state)
{
	(void)state;
	must_read("immutable:\n- repositories: \"**\"\n  tags: v*\n");
	assert_false(dd_rules_decide(rules, PULL | PUSH | DELETE));
	assert_false(dd_rules_decide(rules, DD_AUTH_CATALOG));
	assert_false(dd_rules_know_anybody(rules));
	assert_false(dd_rules_name_users(rules));
	must_read("catalog: user:root\n");
	assert_false(dd_rules_decide(rules, PULL));
	assert_true(dd_rules_decide(rules, DD_AUTH_CATALOG));
	must_read(team);
	assert_true(dd_rules_decide(rules, PULL));
	assert_true(dd_rules_decide(rules, DD_AUTH_CATALOG));
}

static void a_pattern_that_gives_up_lets_nobody_in(void **state)
{
	char long_name[121];

	(void)state;
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	must_read("rules:\n"
		  "- repositories: \"/(a|aa)+[xy]/\"\n"
		  "  pull: user:root\n"
		  "- repositories: \"**\"\n"
		  "  pull: anybody\n"
		  "immutable:\n"
		  "- repositories: \"/(a|aa)+[xy]/\"\n"
		  "  tags: x\n");
	assert_false(dd_rules_allow(rules, NULL, long_name, PULL));
	assert_true(dd_rules_allow(rules, NULL, "c", PULL));
	assert_true(dd_rules_make_immutable(rules, long_name, "x", &(struct dd_immutable){ 0 }));
	assert_false(dd_rules_make_immutable(rules, "c", "x", &(struct dd_immutable){ 0 }));
}

static void a_user_is_not_called_like_a_group_or_a_word(void **state)
{
	(void)state;
	must_read("groups: {team: alice}\nrules:\n- repositories: a\n  pull: [user:group:team, "
		  "user:anybody]\n");
	assert_false(dd_rules_allow(rules, "alice", "a", PULL));
	assert_true(dd_rules_allow(rules, "group:team", "a", PULL));
	assert_true(dd_rules_allow(rules, "anybody", "a", PULL));
	assert_false(dd_rules_allow(rules, NULL, "a", PULL));
	assert_true(dd_rules_name_users(rules));
}

static void whether_anybody_is_meant_is_known(void **state)
{
	(void)state;
	must_read("rules:\n- repositories: a\n  pull: anybody\n");
	assert_true(dd_rules_know_anybody(rules));
	assert_false(dd_rules_name_users(rules));
	must_read("rules:\n- repositories: a\n  pull: authenticated\n");
	assert_false(dd_rules_know_anybody(rules));
	must_read("catalog: anybody\n");
	assert_true(dd_rules_know_anybody(rules));
}

static void tags_are_kept_by_the_first_rule_that_is_about_them(void **state)
{
	struct dd_immutable rule;

	(void)state;
	must_read("immutable:\n"
		  "- name: releases\n"
		  "  repositories: [release/**, base]\n"
		  "  tags: [v*, \"/[0-9]+\\\\.[0-9]+/\"]\n"
		  "  except: v0*\n"
		  "- repositories: base\n"
		  "  tags: \"*\"\n");
	assert_true(dd_rules_make_immutable(rules, "release/app", "v1.2", &rule));
	assert_int_equal(rule.line, 2);
	assert_string_equal(rule.name, "releases");
	assert_string_equal(rule.repositories, "release/**");
	assert_string_equal(rule.tags, "v*");
	assert_true(dd_rules_make_immutable(rules, "release/app", "1.2", &rule));
	assert_false(dd_rules_make_immutable(rules, "release/app", "1.2.3", &rule));
	assert_false(dd_rules_make_immutable(rules, "release/app", "v0.1", &rule));
	assert_false(dd_rules_make_immutable(rules, "other", "v1", &rule));
	assert_true(dd_rules_make_immutable(rules, "base", "v0.1", &rule));
	assert_int_equal(rule.line, 6);
	assert_null(rule.name);
	assert_true(dd_rules_make_immutable(rules, "release/app", NULL, &rule));
	assert_false(dd_rules_make_immutable(rules, "other", NULL, &rule));
}

static void what_is_wrong_is_refused_with_its_place(void **state)
{
	(void)state;
	refused("", "line 1, column 1", "no rules");
	refused("- a\n", "line 1, column 1", "keys and values");
	refused("rule: []\n", "line 1, column 1", "\"rule\" is no key");
	assert_string_equal(err.hint, "did you mean \"rules\"?");
	refused("rules: []\n", "line 1, column 8", "empty list");
	refused("rules: {}\n", "line 1, column 8", "a list");
	refused("rules:\n- pull: anybody\n", "line 2, column 3", "which repositories");
	refused("rules:\n- repositories: a\n", "line 2, column 3", "says nothing");
	refused("rules:\n- repositories: A\n  pull: anybody\n", "line 2, column 17", "lower case");
	refused("rules:\n- repositories: a\n  pull: everybody\n", "line 3, column 9", "user:NAME");
	refused("rules:\n- repositories: a\n  pull: alice\n", "line 3, column 9", "user:NAME");
	refused("rules:\n- repositories: a\n  pull: \"user:\"\n", "line 3, column 9", "user:NAME");
	refused("rules:\n- repositories: a\n  pull: group:team\n", "line 3, column 9",
		"no such group");
	refused("rules:\n- repositories: a\n  pull: [nobody, user:a]\n", "line 3, column 10",
		"user:NAME");
	refused("rules:\n- repositories: a\n  pull: []\n", "line 3, column 9", "empty list");
	refused("rules:\n- repositories: a\n  pull:\n", "line 3, column 3", "no value");
	refused("rules:\n- repositories: a\n  write: anybody\n", "line 3, column 3", "no key");
	refused("rules:\n- repositories: a\n  pull: anybody\n  pull: nobody\n", "line 4, column 3",
		"twice");
	refused("groups: {a: b, a: c}\n", "line 1, column 16", "twice");
	refused("groups: {a: {b: c}}\n", "line 1, column 13", "single value");
	refused("immutable:\n- repositories: a\n", "line 2, column 3", "never change");
	refused("immutable:\n- tags: a\n", "line 2, column 3", "which repositories");
	refused("immutable:\n- repositories: a\n  tags: /v[/\n", "line 3, column 9", "regular");
	refused("immutable:\n- repositories: a\n  tags: a/b\n", "line 3, column 9", "slash");
	refused("a: b\n---\nc: d\n", "line 2, column 1", "second document");
	refused("rules: [\n", "line ", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(the_first_rule_that_says_something_decides, teardown),
		cmocka_unit_test_teardown(the_catalogue_is_for_whom_it_says, teardown),
		cmocka_unit_test_teardown(what_no_rule_is_about_nobody_may, teardown),
		cmocka_unit_test_teardown(rules_about_tags_alone_decide_nothing_else, teardown),
		cmocka_unit_test_teardown(a_pattern_that_gives_up_lets_nobody_in, teardown),
		cmocka_unit_test_teardown(a_user_is_not_called_like_a_group_or_a_word, teardown),
		cmocka_unit_test_teardown(whether_anybody_is_meant_is_known, teardown),
		cmocka_unit_test_teardown(tags_are_kept_by_the_first_rule_that_is_about_them,
					  teardown),
		cmocka_unit_test_teardown(what_is_wrong_is_refused_with_its_place, teardown),
	};

	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
