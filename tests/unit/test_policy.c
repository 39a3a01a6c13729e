/*
 * Policies: what is read, what is refused and where, and which verdicts come out of names and times.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/policy.h>
#include <drydock/units.h>

#include "base/cleanup.h"
#include "unit.h"

#define DAY (24 * 3600 * DD_SECOND)
#define NOW (20000 * DAY)
#define TAGS_MAX 32

static struct dd_policy *policy;
static struct dd_error err;
static struct dd_policy_tag tags[TAGS_MAX];
static struct dd_tag_verdict verdicts[TAGS_MAX];
static struct dd_rule_count counts[16];
static struct dd_policy_times times;
static size_t count;

static int setup(void **state)
{
	(void)state;
	count = 0;
	times = (struct dd_policy_times){ NOW, 0, 0 };
	memset(counts, 0, sizeof(counts));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dd_policy_closep(&policy);
	return 0;
}

static int read_policy(const char *text)
{
	memset(&err, 0, sizeof(err));
	dd_policy_closep(&policy);
	return dd_policy_read(text, strlen(text), &policy, &err);
}

static void must_read(const char *text)
{
	if (read_policy(text) < 0)
		fail_msg("%s: %s", text, err.text);
}

static void refused(const char *text, const char *place, const char *reason)
{
	if (read_policy(text) != DD_ECONFIG || strncmp(err.text, place, strlen(place)) != 0 ||
	    !strstr(err.text, reason))
		fail_msg("%s: wanted \"%s … %s\", got \"%s\"", text, place, reason, err.text);
}

static void add(const char *name, int pushed_days_ago, int pulled_days_ago)
{
	tags[count++] =
		(struct dd_policy_tag){ name, NOW - pushed_days_ago * DAY,
					pulled_days_ago < 0 ? 0 : NOW - pulled_days_ago * DAY,
					false };
}

/* "v1:newest v2:not-kept", in the order of the tags. */
static void judged(const char *repository, const char *wanted)
{
	char got[2048] = "";
	int rc = dd_policy_judge(NULL, policy, repository, tags, count, &times, verdicts, counts, &err);

	if (rc < 0)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < count; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s:%s", i ? " " : "",
			 tags[i].name, dd_tag_verdict_name(verdicts[i].reason));
	assert_string_equal(got, wanted);
}

static void json_is_a_policy_too(void **state)
{
	(void)state;
	must_read(
		"{\"rules\": [{\"repositories\": \"team/**\", \"keep\": {\"newest\": 3,\n"
		"\"tags\": [\"v*\"], \"pushed-within\": \"1M\"}, \"fit\":\"2G\"}], \"fit\": \"3T\"}");
	assert_int_equal(dd_policy_count(policy), 1);
	assert_int_equal(dd_policy_get_rule(policy, 0)->newest, 3);
	assert_int_equal(dd_policy_get_rule(policy, 0)->fit_bytes, UINT64_C(2) << 30);
	assert_int_equal(dd_policy_fit(policy), UINT64_C(3) << 40);
}

static void what_is_wrong_is_refused_with_line_and_column(void **state)
{
	(void)state;
	refused("", "line 1, column 1", "empty");
	refused("rules: []", "line 1, column 8", "empty list");
	refused("rule: []", "line 1, column 1", "\"rule\" is no key");
	refused("- a", "line 1, column 1", "keys and values");
	refused("fit: 1G\n", "line 1, column 1", "no rules");
	refused("rules:\n- repositories: a\n", "line 2, column 3", "no \"keep\"");
	refused("rules:\n- keep: all\n", "line 2, column 3", "which repositories");
	refused("rules:\n- repositories: a\n  keep: {}\n", "line 3, column 9", "keeps nothing");
	refused("rules:\n- repositories: a\n  keep: [v]\n", "line 3, column 9", "\"all\"");
	refused("rules:\n- repositories: a\n  keep: {newest: 0}\n", "line 3, column 18", "0 keeps");
	refused("rules:\n- repositories: a\n  keep: {newest: ten}\n", "line 3, column 18",
		"number");
	refused("rules:\n- repositories: a\n  keep: {newest: 1, newest: 2}\n", "line 3, column 21",
		"twice");
	refused("rules:\n- repositories: a\n  keep:\n    pushed-within: 30\n", "line 4, column 20",
		"unit");
	refused("rules:\n- repositories: a\n  keep:\n    pushed-within: 3m\n", "line 4, column 20",
		"months");
	refused("rules:\n- repositories: a\n  keep:\n    pushed-within: soon\n",
		"line 4, column 20", "soon");
	refused("rules:\n- repositories: a\n  keep: {newest: 1}\n  fit: 500\n", "line 4, column 8",
		"unit");
	refused("rules:\n- repositories: a\n  keep: all\n  fit: 5G\n", "line 2, column 3", "fit");
	refused("rules:\n- repositories: a\n  keep: all\n  untagged: yes\n", "line 4, column 13",
		"\"remove\"");
	refused("rules:\n- repositories: []\n  keep: all\n", "line 2, column 17", "empty list");
	refused("rules:\n- repositories:\n  keep: all\n", "line 2, column 3", "no value");
	refused("rules:\n- repositories: *\n  keep: all\n", "line 2, column ", "did not find");
	refused("rules:\n- repositories: a\n  keep: all\n---\nrules: []\n", "line 4", "second");
	refused("rules:\n- repositories: {a: b}\n  keep: all\n", "line 2, column 17", "single");
}

static void a_key_that_is_nearly_one_is_suggested(void **state)
{
	(void)state;
	refused("rules:\n- repository: a\n  keep: all\n", "line 2, column 3", "repository");
	assert_non_null(strstr(err.hint, "\"repositories\""));
	refused("rules:\n- repositories: a\n  keep: {pushed_within: 3d}\n", "line 3, column 10",
		"pushed_within");
	assert_non_null(strstr(err.hint, "\"pushed-within\""));
}

static void a_pattern_that_can_match_nothing_is_refused(void **state)
{
	static const char *const wrong[][2] = {
		{ "\".*\"", "begins" },
		{ "\"^v1$\"", "bytes" },
		{ "\"v(1|2)\"", "bytes" },
		{ "\"{a,b}\"", "braces" },
		{ "\"[a-\"", "bracket" },
		{ "\"a/b\"", "slash" },
		{ "\"/v1\"", "end" },
		{ "\"/v(/\"", "regular expression" },
		{ "\"//\"", "end" },
		{ "\"\"", "empty" },
		{ "\"/a\\\\Cb/\"", "regular" },
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(wrong); i++) {
		char text[200];

		snprintf(text, sizeof(text), "rules:\n- repositories: a\n  keep: {tags: %s}\n",
			 wrong[i][0]);
		refused(text, "line 3, column 16: tags: ", wrong[i][1]);
	}
	refused("rules:\n- repositories: Team/*\n  keep: all\n", "line 2, column 17", "lower case");
}

static void the_first_rule_about_a_tag_decides(void **state)
{
	(void)state;
	must_read("rules:\n"
		  "- {repositories: app, tags: 'pr-*', keep: {newest: 1}}\n"
		  "- {repositories: '*', keep: {tags: 'pr-1'}}\n"
		  "- {repositories: never, keep: all}\n"
		  "- {repositories: app, tags: pr-1, keep: all}\n");
	add("pr-1", 9, -1);
	add("pr-2", 2, -1);
	add("other", 2, -1);
	judged("app", "pr-1:not-kept pr-2:newest other:not-kept");
	assert_true(counts[0].matches && counts[1].matches && !counts[2].matches);
	assert_true(counts[3].matches && !counts[3].tags);
	assert_int_equal(counts[0].tags, 2);
	assert_int_equal(counts[0].goes, 1);
	judged("other", "pr-1:tags pr-2:not-kept other:not-kept");
	judged("team/app", "pr-1:no-rule pr-2:no-rule other:no-rule");
}

static void anything_in_a_rule_keeps(void **state)
{
	(void)state;
	must_read("rules:\n- repositories: '**'\n  keep:\n    tags: [latest, '/v[0-9]+/']\n"
		  "    newest: 1\n    pushed-within: 5d\n");
	add("latest", 99, -1);
	add("v12", 99, -1);
	add("v12x", 98, -1);
	add("new", 1, -1);
	add("newish", 5, -1);
	add("old", 6, -1);
	judged("a/b/c", "latest:tags v12:tags v12x:not-kept new:newest newish:pushed-within "
			"old:not-kept");
}

static void those_of_the_same_time_as_the_last_of_the_newest_stay(void **state)
{
	(void)state;
	must_read("rules: [{repositories: '**', keep: {newest: 2}}]");
	add("a", 1, -1);
	add("b", 3, -1);
	add("c", 3, -1);
	add("d", 4, -1);
	judged("app", "a:newest b:newest c:newest d:not-kept");
}

static void a_tag_without_its_manifest_takes_nobodys_place(void **state)
{
	(void)state;
	must_read("rules: [{repositories: '**', keep: {newest: 1, newest-versions: 1}}]");
	add("v2", 1, -1);
	add("v1", 2, -1);
	tags[0].dangling = true;
	judged("app", "v2:not-kept v1:newest");
}

static void versions_are_told_by_their_order_and_not_by_their_time(void **state)
{
	(void)state;
	must_read("rules: [{repositories: '**', keep: {newest-versions: 2}}]");
	add("v1.9.0", 1, -1);
	add("1.10.0", 50, -1);
	add("v1.10.0", 51, -1);
	add("2.0.0-rc.1", 60, -1);
	add("main", 1, -1);
	add("1.10", 1, -1);
	add("1", 1, -1);
	add("1.9", 1, -1);
	add("1234567", 1, -1);
	judged("app", "v1.9.0:not-kept 1.10.0:newest-versions v1.10.0:newest-versions "
		      "2.0.0-rc.1:newest-versions main:not-kept 1.10:newest-versions "
		      "1:newest-versions 1.9:not-kept 1234567:not-kept");
}

static void pulls_keep_only_where_they_are_known(void **state)
{
	(void)state;
	must_read("rules: [{repositories: '**', keep: {pulled-within: 30d}}]");
	add("pulled", 99, 10);
	add("once", 99, 40);
	add("never", 99, -1);
	judged("app", "pulled:pulled-within once:pulls-unknown never:pulls-unknown");
	/* The log begins too late. */
	times.pulls_from_ns = NOW - 20 * DAY;
	times.pulls_to_ns = NOW;
	judged("app", "pulled:pulled-within once:pulls-unknown never:pulls-unknown");
	times.pulls_from_ns = NOW - 30 * DAY;
	judged("app", "pulled:pulled-within once:not-kept never:not-kept");
	/* It ended 15 days ago: then that is the time from which is counted. */
	times.pulls_from_ns = NOW - 60 * DAY;
	times.pulls_to_ns = NOW - 15 * DAY;
	judged("app", "pulled:pulled-within once:pulled-within never:not-kept");
}

static void what_is_about_a_manifest_is_no_tag_of_a_rule(void **state)
{
	static const char signature[] =
		"sha256-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.sig";
	struct dd_digest subject;

	(void)state;
	must_read("rules: [{repositories: app, keep: {newest: 1}}]");
	add(signature, 1, -1);
	add("v1", 2, -1);
	add("sha256-aaaa.sig", 3, -1);
	assert_true(dd_tag_subject(signature, &subject));
	judged("app", "sha256-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.sig"
		      ":referrer v1:newest sha256-aaaa.sig:not-kept");
}

static void a_pattern_that_gives_up_is_an_error_that_names_it(void **state)
{
	char name[129];

	(void)state;
	memset(name, 'a', 128);
	name[128] = '\0';
	must_read("rules:\n- repositories: '**'\n  keep:\n    tags: ['/(a|aa)+[xy]/']\n");
	add(name, 1, -1);
	assert_int_equal(
		dd_policy_judge(NULL, policy, "app", tags, count, &times, verdicts, counts, &err),
		DD_EREFUSED);
	assert_non_null(strstr(err.text, "line 4, column 12"));
	assert_non_null(strstr(err.text, "(a|aa)+[xy]"));
}

static void slow_patterns_can_be_interrupted(void **state)
{
	struct dd_context *ctx;

	(void)state;
	must_read("rules:\n- repositories: '**'\n  tags: '/a*a*a*([bc]|1x)/'\n  keep: all\n");
	add("aaaaaaaaaaaaaaaaaaaaaaaaaa", 1, -1);
	assert_int_equal(dd_context_open(&ctx, &err), 0);
	assert_int_equal(
		dd_policy_judge(ctx, policy, "app", tags, count, &times, verdicts, counts, &err), 0);
	dd_context_cancel(ctx);
	assert_int_equal(
		dd_policy_judge(ctx, policy, "app", tags, count, &times, verdicts, counts, &err),
		DD_ECANCELLED);
	dd_context_closep(&ctx);
}

static void hostile_globs_take_no_time(void **state)
{
	char name[129];

	(void)state;
	memset(name, 'a', 128);
	name[128] = '\0';
	must_read(
		"rules:\n- repositories: '**'\n  keep:\n    tags: '*a*a*a*a*a*a*a*a*a*a*a*a*a*b'\n");
	add(name, 1, -1);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(
			dd_policy_judge(NULL, policy, "app", tags, count, &times, verdicts, counts, &err),
			0);
	assert_int_equal(verdicts[0].reason, DD_VERDICT_GOES);
}

static bool about(const char *pattern, const char *repository)
{
	char text[400];
	bool matches;

	snprintf(text, sizeof(text), "rules: [{repositories: '%s', keep: all}]", pattern);
	must_read(text);
	assert_int_equal(dd_policy_matches(policy, 0, repository, &matches, &err), 0);
	return matches;
}

static void globs_match_as_documented(void **state)
{
	(void)state;
	assert_true(about("team/*", "team/app"));
	assert_false(about("team/*", "team/app/sub"));
	assert_false(about("team/*", "team"));
	assert_true(about("team/**", "team/app/sub"));
	assert_true(about("**", "a/b"));
	assert_true(about("**/app", "x/y/app"));
	assert_false(about("**/app", "app"));
	assert_true(about("a?c", "abc"));
	assert_false(about("a?c", "a/c"));
	assert_true(about("app-[0-9a]", "app-a"));
	assert_false(about("app-[!0-9]", "app-7"));
	assert_true(about("*a*b*", "xaxxb"));
	assert_false(about("*a*b", "xaxxbc"));
	assert_true(about("/team\\/(a|b)/", "team/b"));
	assert_false(about("/team/", "team/b"));
	assert_false(about("app", "apps"));
}

static void what_can_never_be_reached_is_told_from_the_file(void **state)
{
	(void)state;
	must_read("rules:\n"
		  "- {repositories: [a, b], tags: [x, y], keep: all}\n"
		  "- {repositories: a, tags: y, keep: all}\n"
		  "- {repositories: a, keep: all}\n"
		  "- {repositories: '**', keep: all}\n"
		  "- {repositories: c, keep: all}\n");
	assert_int_equal(dd_policy_shadow(policy, 0), DD_NO_RULE);
	assert_int_equal(dd_policy_shadow(policy, 1), 0);
	assert_int_equal(dd_policy_shadow(policy, 2), DD_NO_RULE);
	assert_int_equal(dd_policy_shadow(policy, 3), DD_NO_RULE);
	assert_int_equal(dd_policy_shadow(policy, 4), 3);
}

static void the_first_rule_that_says_a_word_decides_for_a_repository(void **state)
{
	struct dd_policy_repository said;

	(void)state;
	must_read("rules:\n"
		  "- {repositories: a, tags: x, keep: all, untagged: remove}\n"
		  "- {repositories: '**', keep: all, untagged: keep, history: remove}\n");
	assert_int_equal(dd_policy_about(policy, "a", &said, &err), 0);
	assert_int_equal(said.untagged, DD_REMOVE);
	assert_int_equal(said.history, DD_REMOVE);
	assert_int_equal(said.referrers, DD_UNSAID);
	assert_int_equal(dd_policy_about(policy, "b", &said, &err), 0);
	assert_int_equal(said.untagged, DD_KEEP);
}

/* ---- the list of what is kept ---- */

static struct dd_keep *keep;

static int read_keep(const char *text)
{
	memset(&err, 0, sizeof(err));
	dd_keep_closep(&keep);
	return dd_keep_read(text, strlen(text), &keep, &err);
}

static void a_list_says_names_in_all_ways_that_people_write_them(void **state)
{
	uint64_t lines, found;

	(void)state;
	assert_int_equal(
		read_keep("# deployed\n\n  registry.example.com:5000/team/app:v1\r\n"
			  "nginx:1.25\n"
			  "docker-pullable://localhost/web@sha256:"
			  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
			  "whole\nteam/x:v1@sha256:"
			  "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"),
		0);
	assert_true(dd_keep_has_tag(keep, "team/app", "v1"));
	assert_false(dd_keep_has_tag(keep, "team/app", "v2"));
	assert_true(dd_keep_has_tag(keep, "library/nginx", "1.25"));
	assert_true(dd_keep_has_tag(keep, "nginx", "1.25"));
	assert_true(dd_keep_has_tag(keep, "whole", "any"));
	assert_true(dd_keep_has_tag(keep, "team/x", "v1"));
	assert_false(dd_keep_has_tag(keep, "web", "any"));
	assert_int_equal(dd_keep_digest_count(keep), 2);
	dd_keep_count(keep, &lines, &found);
	assert_int_equal(lines, 5);
	assert_int_equal(found, 4);
	dd_keep_closep(&keep);
}

static void a_list_without_a_reference_is_refused(void **state)
{
	(void)state;
	assert_int_equal(read_keep(""), DD_EREFUSED);
	assert_int_equal(read_keep("\n# nothing\n   \n"), DD_EREFUSED);
	assert_int_equal(read_keep("app:v1\n<none>\n"), DD_EUSAGE);
	assert_non_null(strstr(err.text, "line 2"));
	assert_int_equal(read_keep("app@sha256:1234\n"), DD_EUSAGE);
	assert_int_equal(read_keep("Error from server (Forbidden): pods is forbidden\n"),
			 DD_EUSAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(json_is_a_policy_too),
		TEST(what_is_wrong_is_refused_with_line_and_column),
		TEST(a_key_that_is_nearly_one_is_suggested),
		TEST(a_pattern_that_can_match_nothing_is_refused),
		TEST(the_first_rule_about_a_tag_decides),
		TEST(anything_in_a_rule_keeps),
		TEST(those_of_the_same_time_as_the_last_of_the_newest_stay),
		TEST(a_tag_without_its_manifest_takes_nobodys_place),
		TEST(versions_are_told_by_their_order_and_not_by_their_time),
		TEST(pulls_keep_only_where_they_are_known),
		TEST(what_is_about_a_manifest_is_no_tag_of_a_rule),
		TEST(a_pattern_that_gives_up_is_an_error_that_names_it),
		TEST(slow_patterns_can_be_interrupted),
		TEST(hostile_globs_take_no_time),
		TEST(globs_match_as_documented),
		TEST(what_can_never_be_reached_is_told_from_the_file),
		TEST(the_first_rule_that_says_a_word_decides_for_a_repository),
		TEST(a_list_says_names_in_all_ways_that_people_write_them),
		TEST(a_list_without_a_reference_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
