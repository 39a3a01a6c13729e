/*
 * Tokens: those that somebody else gives, and our own.
 */
#include "auth.h"

/* ---- of somebody else ---- */

#define APP "{\"type\":\"repository\",\"name\":\"app\",\"actions\":[\"pull\",\"push\"]}"

static void a_challenge_says_where_tokens_are_and_what_for(void **state)
{
	struct dd_auth_request request = { .repository = "a/b",
					   .wanted = PULL | PUSH,
					   .base_url = "http://here:5000",
					   .from = "c" };
	struct dd_auth_options redirect = by_token();

	(void)state;
	open_auth(by_token(), NULL);
	answers(DD_AUTH_UNKNOWN, NULL, NULL, 0);
	assert_string_equal(answer.challenge,
			    "Bearer realm=\"https://auth.example/token\",service=\"registry\"");
	answers(DD_AUTH_UNKNOWN, NULL, "a/b", PULL);
	assert_string_equal(answer.challenge,
			    "Bearer realm=\"https://auth.example/token\",service=\"registry\","
			    "scope=\"repository:a/b:pull\"");
	answers(DD_AUTH_UNKNOWN, NULL, NULL, CATALOG);
	assert_non_null(strstr(answer.challenge, ",scope=\"registry:catalog:*\""));
	answers(DD_AUTH_UNKNOWN, NULL, "a/b", DELETE);
	assert_non_null(strstr(answer.challenge, ",scope=\"repository:a/b:delete\""));
	assert_int_equal(dd_auth_check(auth, &request, true, &answer, &err), 0);
	assert_non_null(strstr(answer.challenge,
			       ",scope=\"repository:a/b:pull,push repository:c:pull\""));
	assert_null(strstr(answer.challenge, "error"));
	redirect.token_autoredirect = true;
	open_auth(redirect, NULL);
	answers(DD_AUTH_UNKNOWN, NULL, NULL, 0);
	assert_string_equal(answer.challenge,
			    "Bearer realm=\"http://here:5000/auth/token\",service=\"registry\"");
	redirect.token_autoredirect_path = "/tokens";
	open_auth(redirect, NULL);
	answers(DD_AUTH_UNKNOWN, NULL, NULL, 0);
	assert_string_equal(answer.challenge,
			    "Bearer realm=\"http://here:5000/tokens\",service=\"registry\"");
}

static void a_token_is_good_for_what_it_grants(void **state)
{
	char *token = bearer("alice", APP);

	(void)state;
	open_auth(by_token(), NULL);
	answers(DD_AUTH_ALLOWED, token, NULL, 0);
	answers(DD_AUTH_ALLOWED, token, "app", PULL | PUSH);
	assert_string_equal(dd_identity_get_user(answer.identity), "alice");
	assert_true(dd_auth_may(auth, answer.identity, "app", PULL));
	assert_false(dd_auth_may(auth, answer.identity, "other", PULL));
	answers(DD_AUTH_UNKNOWN, token, "app", DELETE);
	assert_non_null(strstr(answer.challenge, ",error=\"insufficient_scope\""));
	answers(DD_AUTH_UNKNOWN, token, "other", PULL);
	assert_non_null(strstr(answer.challenge, ",scope=\"repository:other:pull\""));
	answers(DD_AUTH_UNKNOWN, token, NULL, CATALOG);
	/* Known by now. */
	assert_int_equal(ask_waiting(token, "app", PULL, false), 0);
	free(token);
}

static void a_token_that_is_wrong_is_called_so(void **state)
{
	char *token = bearer("alice", APP);

	(void)state;
	token[strlen(token) - 3] = token[strlen(token) - 3] == 'A' ? 'B' : 'A';
	open_auth(by_token(), NULL);
	answers(DD_AUTH_UNKNOWN, token, "app", PULL);
	assert_non_null(strstr(answer.challenge, ",error=\"invalid_token\""));
	assert_string_equal(answer.why, "the token: its signature is wrong");
	answers(DD_AUTH_UNKNOWN, AS_ALICE, "app", PULL);
	free(token);
}

static void rules_and_a_token_have_to_allow_it_both(void **state)
{
	char *token = bearer("alice", APP), *nobody = bearer("", APP);

	(void)state;
	open_auth(by_token(), "rules:\n- repositories: app\n  pull: authenticated\n"
			      "- repositories: public\n  pull: anybody\n");
	answers(DD_AUTH_ALLOWED, token, "app", PULL);
	answers(DD_AUTH_DENIED, token, "app", PUSH);
	/* Nobody in particular is not authenticated, whatever the token grants. */
	answers(DD_AUTH_DENIED, nobody, "app", PULL);
	answers(DD_AUTH_ALLOWED, NULL, "public", PULL);
	answers(DD_AUTH_UNKNOWN, NULL, "app", PULL);
	answers(DD_AUTH_UNKNOWN, token, "public", PULL);
	open_auth(by_token(), NULL);
	answers(DD_AUTH_ALLOWED, nobody, "app", PUSH);
	free(token);
	free(nobody);
}

/* ---- of our own ---- */

static char *take_token(const char *authorization)
{
	const struct dd_auth_request request = { .authorization = authorization };
	char *json, *token, *end;

	dd_identity_unref(answer.identity);
	if (dd_auth_give_token(auth, &request, true, &answer, &json, &err) < 0)
		fail_msg("%s", err.text);
	if (answer.verdict != DD_AUTH_ALLOWED) {
		assert_null(json);
		return NULL;
	}
	token = strstr(json, "\"token\":\"");
	assert_non_null(token);
	end = strchr(token + 9, '"');
	*end = '\0';
	assert_true(asprintf(&token, "Bearer %s", token + 9) > 0);
	assert_non_null(strstr(end + 1, "\"expires_in\":300"));
	free(json);
	return token;
}

static void ask_for_token_url(const char *authorization, const char *repository, unsigned wanted)
{
	const struct dd_auth_request request = { .authorization = authorization,
						 .token_url = "http://here:5000/v2/token",
						 .repository = repository,
						 .wanted = wanted };

	dd_identity_unref(answer.identity);
	assert_int_equal(dd_auth_check(auth, &request, true, &answer, &err), 0);
}

/* docker asks nothing at all without a password if a password is what it is asked for. */
static void where_anybody_may_pull_a_token_is_asked_for(void **state)
{
	(void)state;
	open_auth(passwords(), rules);
	ask_for_token_url(NULL, NULL, 0);
	assert_int_equal(answer.verdict, DD_AUTH_UNKNOWN);
	assert_string_equal(answer.challenge, "Bearer realm=\"http://here:5000/v2/token\","
					      "service=\"the \\\"realm\\\"\"");
	ask_for_token_url(NULL, "public/app", PULL | PUSH);
	assert_non_null(strstr(answer.challenge, "scope=\"repository:public/app:pull,push\""));
	/* Where nobody may do anything without a password, it is a password. */
	open_auth(passwords(), NULL);
	ask_for_token_url(NULL, NULL, 0);
	assert_string_equal(answer.challenge, "Basic realm=\"the \\\"realm\\\"\"");
}

static void a_token_of_ours_says_who_somebody_is_and_rules_decide(void **state)
{
	char *alice, *bob, *nobody;

	(void)state;
	open_auth(passwords(), rules);
	alice = take_token(AS_ALICE);
	bob = take_token(AS_BOB);
	nobody = take_token(NULL);
	answers(DD_AUTH_ALLOWED, alice, NULL, 0);
	assert_string_equal(dd_identity_get_user(answer.identity), "alice");
	answers(DD_AUTH_ALLOWED, alice, "public/app", PULL | PUSH);
	answers(DD_AUTH_ALLOWED, bob, "public/app", PULL);
	answers(DD_AUTH_DENIED, bob, "app", PULL);
	answers(DD_AUTH_ALLOWED, nobody, "public/app", PULL);
	assert_string_equal(dd_identity_get_user(answer.identity), "");
	answers(DD_AUTH_ALLOWED, nobody, NULL, 0);
	answers(DD_AUTH_UNKNOWN, nobody, "public/app", PUSH);
	/* No token from a token, and none for a wrong password. */
	assert_null(take_token(alice));
	assert_null(take_token(WRONG));
	assert_non_null(strstr(answer.challenge, "Basic "));
	assert_null(take_token(NOBODY));
	free(alice);
	free(bob);
	free(nobody);
}

static void a_token_of_ours_cannot_be_made_or_changed(void **state)
{
	char *token;

	(void)state;
	open_auth(passwords(), rules);
	token = take_token(AS_BOB);
	answers(DD_AUTH_ALLOWED, token, "public/app", PULL);
	for (size_t i = 7; token[i]; i++) {
		char kept = token[i];

		token[i] = kept == 'a' ? 'b' : 'a';
		answers(DD_AUTH_UNKNOWN, token, "public/app", PULL);
		token[i] = kept;
	}
	token[strlen(token) - 1] = '\0';
	answers(DD_AUTH_UNKNOWN, token, "public/app", PULL);
	answers(DD_AUTH_UNKNOWN, "Bearer 00000000ffffffff..", "public/app", PULL);
	answers(DD_AUTH_UNKNOWN, "Bearer .", "public/app", PULL);
	free(token);
	/* Another process has another key. */
	token = take_token(AS_BOB);
	open_auth(passwords(), rules);
	answers(DD_AUTH_UNKNOWN, token, "public/app", PULL);
	free(token);
}

static void a_token_of_ours_ends_with_the_password(void **state)
{
	struct dd_auth_options options = passwords();
	char *token, *json;

	(void)state;
	open_auth(options, rules);
	options.rules_path = rules_path;
	token = take_token(AS_ALICE);
	answers(DD_AUTH_ALLOWED, token, "app", PULL);
	write_file(users_path, "alice:" BOB "\n");
	reload(options);
	answers(DD_AUTH_UNKNOWN, token, "app", PULL);
	write_file(users_path, "bob:" BOB "\n");
	reload(options);
	answers(DD_AUTH_UNKNOWN, token, "app", PULL);
	options.rules_path = NULL;
	reload(options);
	assert_int_equal(dd_auth_give_token(auth, &(struct dd_auth_request){ .authorization = AS_BOB },
					    true, &answer, &json, &err),
			 DD_ENOENT);
	assert_null(json);
	free(token);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_challenge_says_where_tokens_are_and_what_for),
		TEST(a_token_is_good_for_what_it_grants),
		TEST(a_token_that_is_wrong_is_called_so),
		TEST(rules_and_a_token_have_to_allow_it_both),
		TEST(where_anybody_may_pull_a_token_is_asked_for),
		TEST(a_token_of_ours_says_who_somebody_is_and_rules_decide),
		TEST(a_token_of_ours_cannot_be_made_or_changed),
		TEST(a_token_of_ours_ends_with_the_password),
	};

	return cmocka_run_group_tests_name("auth_token", tests, group_setup, group_teardown);
}
