/*
 * Who may come in by a password: what clients send, what is remembered, a file that changes.
 */
#include <pthread.h>

#include "auth.h"
#include "serve/auth_header.h"

/* ---- headers ---- */

static void reads(const char *header, enum dd_credentials_kind kind, const char *user,
		  const char *password)
{
	struct dd_credentials credentials;

	assert_int_equal(dd_credentials_read(header, &credentials), 0);
	if (credentials.kind != kind)
		fail_msg("%s: %d", header, credentials.kind);
	if (user) {
		assert_string_equal(credentials.user, user);
		assert_string_equal(credentials.password, password);
	}
	dd_credentials_release(&credentials);
}

static void headers_are_read_as_clients_write_them(void **state)
{
	(void)state;
	reads(NULL, DD_NO_CREDENTIALS, NULL, NULL);
	reads("", DD_NO_CREDENTIALS, NULL, NULL);
	reads(EMPTY, DD_NO_CREDENTIALS, NULL, NULL);
	reads(AS_ALICE, DD_BASIC, "alice", "wonder");
	reads("bAsIc   YWxpY2U6d29uZGVy  ", DD_BASIC, "alice", "wonder");
	/* The first colon ends the name. */
	reads("Basic YTpiOmM=", DD_BASIC, "a", "b:c");
	reads("Basic YTo=", DD_BASIC, "a", "");
	reads("Basic OmI=", DD_BASIC, "", "b");
	reads("Bearer abc.def-ghi_~+/=", DD_BEARER, NULL, NULL);
	reads("bearer x", DD_BEARER, NULL, NULL);
}

static void what_is_no_header_is_not_taken_for_one(void **state)
{
	char *long_one = malloc(DD_AUTHORIZATION_MAX + 1);

	(void)state;
	reads("Basic", DD_BAD_CREDENTIALS, NULL, NULL);
	reads("Basic ", DD_BAD_CREDENTIALS, NULL, NULL);
	reads("Basic YWxpY2U=", DD_BAD_CREDENTIALS, NULL, NULL);
	reads("Basic YWxpY2U6d29uZGVy!", DD_BAD_CREDENTIALS, NULL, NULL);
	reads("Basic YQBiOmM=", DD_BAD_CREDENTIALS, NULL, NULL); /* a NUL */
	reads("BasicYWxpY2U6d29uZGVy", DD_BAD_CREDENTIALS, NULL, NULL);
	reads("Digest a=b", DD_BAD_CREDENTIALS, NULL, NULL);
	reads("Bearer", DD_BAD_CREDENTIALS, NULL, NULL);
	reads("Bearer ", DD_BAD_CREDENTIALS, NULL, NULL);
	reads("Bearer a b", DD_BAD_CREDENTIALS, NULL, NULL);
	memset(long_one, 'a', DD_AUTHORIZATION_MAX);
	memcpy(long_one, "Bearer ", 7);
	long_one[DD_AUTHORIZATION_MAX] = '\0';
	reads(long_one, DD_BAD_CREDENTIALS, NULL, NULL);
	free(long_one);
}

/* ---- passwords ---- */

static void without_authentication_everybody_may_do_all(void **state)
{
	(void)state;
	open_auth((struct dd_auth_options){ 0 }, NULL);
	assert_false(dd_auth_is_open(auth));
	answers(DD_AUTH_ALLOWED, NULL, NULL, 0);
	answers(DD_AUTH_ALLOWED, NULL, "app", PULL | PUSH | DELETE);
	answers(DD_AUTH_ALLOWED, NULL, NULL, CATALOG);
	answers(DD_AUTH_ALLOWED, AS_ALICE, "app", PULL);
	assert_string_equal(dd_identity_get_user(answer.identity), "");
}

static void whoever_knows_a_password_may_do_all(void **state)
{
	(void)state;
	open_auth(passwords(), NULL);
	assert_true(dd_auth_is_open(auth));
	answers(DD_AUTH_ALLOWED, AS_ALICE, NULL, 0);
	assert_string_equal(dd_identity_get_user(answer.identity), "alice");
	answers(DD_AUTH_ALLOWED, AS_BOB, "app", PULL | PUSH | DELETE);
	assert_string_equal(dd_identity_get_user(answer.identity), "bob");
	answers(DD_AUTH_ALLOWED, AS_BOB, NULL, CATALOG);
	assert_true(dd_auth_may(auth, answer.identity, "other", PULL | PUSH));
}

static void whoever_does_not_is_asked_who_they_are(void **state)
{
	(void)state;
	open_auth(passwords(), NULL);
	answers(DD_AUTH_UNKNOWN, NULL, NULL, 0);
	assert_string_equal(answer.challenge, "Basic realm=\"the \\\"realm\\\"\"");
	answers(DD_AUTH_UNKNOWN, NULL, "app", PULL);
	answers(DD_AUTH_UNKNOWN, NULL, NULL, CATALOG);
	answers(DD_AUTH_UNKNOWN, EMPTY, "app", PULL);
	answers(DD_AUTH_UNKNOWN, "Bearer abc", "app", PULL);
	answers(DD_AUTH_UNKNOWN, "Basic x", "app", PULL);
}

static void a_wrong_password_and_a_wrong_name_are_refused_alike(void **state)
{
	struct dd_auth_answer first;

	(void)state;
	open_auth(passwords(), NULL);
	answers(DD_AUTH_UNKNOWN, WRONG, "app", PULL);
	first = answer;
	answers(DD_AUTH_UNKNOWN, NOBODY, "app", PULL);
	assert_string_equal(answer.why, first.why);
	assert_string_equal(answer.challenge, first.challenge);
	/* "carol" has the stand-in of a user, and it may be alice's: her password is of no use. */
	answers(DD_AUTH_UNKNOWN, "Basic Y2Fyb2w6YnVpbGRlcg==", "app", PULL);
	assert_null(strstr(answer.why, "carol"));
}

static void a_verdict_is_remembered_and_needs_no_waiting_then(void **state)
{
	(void)state;
	open_auth(passwords(), NULL);
	assert_int_equal(ask_waiting(AS_ALICE, "app", PULL, false), DD_EAGAIN);
	answers(DD_AUTH_ALLOWED, AS_ALICE, "app", PULL);
	assert_int_equal(ask_waiting(AS_ALICE, "app", PUSH, false), 0);
	assert_int_equal(answer.verdict, DD_AUTH_ALLOWED);
	assert_int_equal(ask_waiting(WRONG, "app", PULL, false), DD_EAGAIN);
	answers(DD_AUTH_UNKNOWN, WRONG, "app", PULL);
	assert_int_equal(ask_waiting(WRONG, "app", PULL, false), 0);
	assert_int_equal(answer.verdict, DD_AUTH_UNKNOWN);
	/* Whoever shows nothing need not be waited for. */
	assert_int_equal(ask_waiting(NULL, "app", PULL, false), 0);
}

static void a_password_that_was_changed_counts_no_longer(void **state)
{
	(void)state;
	open_auth(passwords(), NULL);
	answers(DD_AUTH_ALLOWED, AS_ALICE, "app", PULL);
	write_file(users_path, "alice:" BOB "\n");
	reload(passwords());
	answers(DD_AUTH_UNKNOWN, AS_ALICE, "app", PULL);
	answers(DD_AUTH_ALLOWED, "Basic YWxpY2U6YnVpbGRlcg==", "app", PULL);
	write_file(users_path, "bob:" BOB "\n");
	reload(passwords());
	answers(DD_AUTH_UNKNOWN, AS_ALICE, "app", PULL);
	answers(DD_AUTH_UNKNOWN, "Basic YWxpY2U6YnVpbGRlcg==", "app", PULL);
}

static void the_file_is_read_again_when_it_has_changed(void **state)
{
	(void)state;
	open_auth(passwords(), NULL);
	answers(DD_AUTH_ALLOWED, AS_ALICE, "app", PULL);
	write_file(users_path, "bob:" BOB "\n");
	/* It is looked at once a second. */
	for (int i = 0; i < 500; i++) {
		assert_int_equal(ask_waiting(AS_ALICE, "app", PULL, true), 0);
		if (answer.verdict == DD_AUTH_UNKNOWN)
			break;
		usleep(20000);
	}
	answers(DD_AUTH_UNKNOWN, AS_ALICE, "app", PULL);
	answers(DD_AUTH_ALLOWED, AS_BOB, "app", PULL);
}

static void what_cannot_be_read_changes_nothing(void **state)
{
	struct dd_auth_options broken = passwords();
	struct dd_auth_state *none;

	(void)state;
	open_auth(passwords(), "immutable: [{repositories: \"**\", tags: v*}]\n");
	broken.rules_path = rules_path;
	write_file(rules_path, "rules: {}\n");
	assert_int_equal(dd_auth_state_open(ctx, &broken, &none, &err), DD_ECONFIG);
	assert_non_null(strstr(err.text, "rules.yml: line 1, column 8"));
	answers(DD_AUTH_ALLOWED, AS_ALICE, "app", PULL);
	assert_true(dd_auth_has_immutable(auth, "app"));
	broken.htpasswd_path = "/nowhere";
	assert_int_equal(dd_auth_state_open(ctx, &broken, &none, &err), DD_ENOENT);
	answers(DD_AUTH_ALLOWED, AS_ALICE, "app", PULL);
}

static void only_one_way_to_authenticate_is_taken(void **state)
{
	struct dd_auth_options both = by_token();

	(void)state;
	both.htpasswd_path = users_path;
	both.htpasswd_realm = "realm";
	assert_int_equal(dd_auth_open(ctx, &both, &auth, &err), DD_ECONFIG);
	both = passwords();
	both.htpasswd_realm = NULL;
	assert_int_equal(dd_auth_open(ctx, &both, &auth, &err), DD_ECONFIG);
	assert_non_null(strstr(err.text, "auth.htpasswd.realm"));
}

static void *ask_often(void *arg)
{
	const char *header = arg;

	for (int i = 0; i < 200; i++) {
		struct dd_auth_request request = { .authorization = header,
						   .repository = "app",
						   .wanted = PULL };
		struct dd_auth_answer got;

		if (dd_auth_check(auth, &request, true, &got, NULL) != 0 ||
		    got.verdict != DD_AUTH_ALLOWED)
			return arg;
		dd_identity_unref(got.identity);
	}
	return NULL;
}

static void many_may_ask_at_once_and_while_it_is_reloaded(void **state)
{
	static char alice[] = AS_ALICE, bob[] = AS_BOB;
	char *const headers[] = { alice, bob, alice, bob };
	pthread_t threads[4];
	void *failed;

	(void)state;
	open_auth(passwords(), NULL);
	for (unsigned i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, ask_often, headers[i]);
	for (int i = 0; i < 20; i++)
		reload(passwords());
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(headers_are_read_as_clients_write_them),
		TEST(what_is_no_header_is_not_taken_for_one),
		TEST(without_authentication_everybody_may_do_all),
		TEST(whoever_knows_a_password_may_do_all),
		TEST(whoever_does_not_is_asked_who_they_are),
		TEST(a_wrong_password_and_a_wrong_name_are_refused_alike),
		TEST(a_verdict_is_remembered_and_needs_no_waiting_then),
		TEST(a_password_that_was_changed_counts_no_longer),
		TEST(the_file_is_read_again_when_it_has_changed),
		TEST(what_cannot_be_read_changes_nothing),
		TEST(only_one_way_to_authenticate_is_taken),
		TEST(many_may_ask_at_once_and_while_it_is_reloaded),
	};

	return cmocka_run_group_tests_name("auth", tests, group_setup, group_teardown);
}
