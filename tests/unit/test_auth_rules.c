/*
 * Who may do what: rules at the door.
 */
#include "auth.h"

static void rules_decide_once_it_is_known_who_asks(void **state)
{
	(void)state;
	open_auth(passwords(), rules);
	answers(DD_AUTH_ALLOWED, NULL, "public/app", PULL);
	answers(DD_AUTH_ALLOWED, EMPTY, "public/app", PULL);
	answers(DD_AUTH_ALLOWED, AS_BOB, "public/app", PULL);
	answers(DD_AUTH_ALLOWED, AS_ALICE, "public/app", PULL | PUSH);
	answers(DD_AUTH_ALLOWED, AS_ALICE, "app", PULL);
	/* Who is unknown may say who they are; who is known may not, and need not try again. */
	answers(DD_AUTH_UNKNOWN, NULL, "public/app", PUSH);
	answers(DD_AUTH_UNKNOWN, NULL, "app", PULL);
	answers(DD_AUTH_DENIED, AS_BOB, "public/app", PUSH);
	answers(DD_AUTH_DENIED, AS_BOB, "app", PULL);
	answers(DD_AUTH_DENIED, AS_ALICE, "app", PUSH);
	assert_string_equal(dd_identity_get_user(answer.identity), "alice");
	assert_false(dd_auth_may(auth, answer.identity, "app", PUSH));
	assert_true(dd_auth_may(auth, answer.identity, "app", PULL));
	/* A wrong password is no way to be anybody. */
	answers(DD_AUTH_UNKNOWN, WRONG, "public/app", PULL);
	/* A client learns how to log in even where it could do without. */
	answers(DD_AUTH_UNKNOWN, NULL, NULL, 0);
}

static void without_authentication_rules_are_about_anybody(void **state)
{
	(void)state;
	open_auth((struct dd_auth_options){ 0 }, rules);
	answers(DD_AUTH_ALLOWED, NULL, NULL, 0);
	answers(DD_AUTH_ALLOWED, NULL, "public/app", PULL);
	answers(DD_AUTH_DENIED, NULL, "public/app", PUSH);
	answers(DD_AUTH_DENIED, NULL, "app", PULL);
}

static void an_immutable_tag_names_its_rule(void **state)
{
	char rule[64], cut[12];

	(void)state;
	open_auth(passwords(), rules);
	assert_true(dd_auth_is_immutable(auth, "public/app", "v1", rule, sizeof(rule)));
	assert_string_equal(rule, "rules.yml:9: releases (public/** v*)");
	assert_true(dd_auth_is_immutable(auth, "public/app", "v1", cut, sizeof(cut)));
	assert_string_equal(cut, "rules.yml:9");
	assert_false(dd_auth_is_immutable(auth, "public/app", "latest", rule, sizeof(rule)));
	assert_false(dd_auth_is_immutable(auth, "app", "v1", rule, sizeof(rule)));
	assert_true(dd_auth_has_immutable(auth, "public/app"));
	assert_false(dd_auth_has_immutable(auth, "app"));
	open_auth(passwords(), NULL);
	assert_false(dd_auth_is_immutable(auth, "public/app", "v1", rule, sizeof(rule)));
}

static void the_catalogue_names_what_may_be_pulled(void **state)
{
	char *token = bearer("ci", "{\"type\":\"registry\",\"name\":\"catalog\","
				   "\"actions\":[\"*\"]}");

	(void)state;
	open_auth(passwords(), rules);
	answers(DD_AUTH_ALLOWED, AS_BOB, NULL, CATALOG);
	assert_true(dd_auth_may_see(auth, answer.identity, "public/app"));
	assert_false(dd_auth_may_see(auth, answer.identity, "app"));
	/* What a token grants is the list, whatever else it does not. */
	open_auth(by_token(), NULL);
	answers(DD_AUTH_ALLOWED, token, NULL, CATALOG);
	assert_true(dd_auth_may_see(auth, answer.identity, "app"));
	assert_false(dd_auth_may(auth, answer.identity, "app", PULL));
	free(token);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rules_decide_once_it_is_known_who_asks),
		TEST(without_authentication_rules_are_about_anybody),
		TEST(an_immutable_tag_names_its_rule),
		TEST(the_catalogue_names_what_may_be_pulled),
	};

	return cmocka_run_group_tests_name("auth_rules", tests, group_setup, group_teardown);
}
