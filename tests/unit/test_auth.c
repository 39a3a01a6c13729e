/*
 * Who may do what, as the server asks it: verdicts, challenges, what is remembered.
 */
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <drydock/units.h>

#include "jwt.h"
#include "serve/auth.h"
#include "serve/auth_header.h"
#include "serve/turnstile.h"
#include "serve/verdicts.h"

#define ALICE "$2y$04$AXq0jBV/PVWd32ssMB91OuFdCcA3sRnfM717kUJNu9rtq4YKmFsMS" /* wonder */
#define BOB "$2y$05$0JSc.oDocW0uDnk5d30XkuyY7J3vIgE10aKKxhQ6Rzrlfl5BaYbli"   /* builder */

static char *directory, *users_path, *rules_path, *jwks_path;
static EVP_PKEY *ec;
static struct dd_context *ctx;
static struct dd_auth *auth;
static struct dd_auth_answer answer;
static struct dd_error err;

static void write_file(const char *path, const char *text)
{
	char *beside;
	FILE *file;

	/* Renamed into its place, as htpasswd and editors do. */
	assert_true(asprintf(&beside, "%s.new", path) > 0);
	file = fopen(beside, "w");
	assert_non_null(file);
	assert_false(fputs(text, file) < 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(rename(beside, path), 0);
	free(beside);
}

static int group_setup(void **state)
{
	char *jwk, text[4096];

	(void)state;
	directory = strdup("/tmp/drydock-auth-XXXXXX");
	if (!mkdtemp(directory) || asprintf(&users_path, "%s/users", directory) < 0 ||
	    asprintf(&rules_path, "%s/rules.yml", directory) < 0 ||
	    asprintf(&jwks_path, "%s/jwks.json", directory) < 0 || dd_context_open(&ctx, NULL) < 0)
		return -1;
	ec = EVP_EC_gen("P-256");
	jwk = jwt_public(ec, "the-key");
	snprintf(text, sizeof(text), "{\"keys\":[%s]}", jwk);
	write_file(jwks_path, text);
	free(jwk);
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	unlink(users_path);
	unlink(rules_path);
	unlink(jwks_path);
	rmdir(directory);
	free(users_path);
	free(rules_path);
	free(jwks_path);
	free(directory);
	EVP_PKEY_free(ec);
	dd_context_closep(&ctx);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	write_file(users_path, "alice:" ALICE "\nbob:" BOB "\n");
	memset(&answer, 0, sizeof(answer));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dd_identity_unref(answer.identity);
	answer.identity = NULL;
	dd_auth_closep(&auth);
	return 0;
}

static struct dd_auth_options passwords(void)
{
	return (struct dd_auth_options){ .htpasswd_realm = "the \"realm\"",
					 .htpasswd_path = users_path };
}

static struct dd_auth_options by_token(void)
{
	return (struct dd_auth_options){ .token_realm = "https://auth.example/token",
					 .token_service = "registry",
					 .token_issuer = "auth",
					 .token_jwks = jwks_path };
}

static void open_auth(struct dd_auth_options options, const char *rules)
{
	dd_auth_closep(&auth);
	if (rules) {
		write_file(rules_path, rules);
		options.rules_path = rules_path;
	}
	if (dd_auth_open(ctx, &options, &auth, &err) < 0)
		fail_msg("%s", err.text);
}

static int ask_waiting(const char *authorization, const char *repository, unsigned wanted,
		       bool may_wait)
{
	const struct dd_auth_request request = { .authorization = authorization,
						 .base_url = "http://here:5000",
						 .repository = repository,
						 .wanted = wanted };

	dd_identity_unref(answer.identity);
	return dd_auth_check(auth, &request, may_wait, &answer, &err);
}

static void answers(enum dd_auth_verdict verdict, const char *authorization, const char *repository,
		    unsigned wanted)
{
	if (ask_waiting(authorization, repository, wanted, true) != 0 || answer.verdict != verdict)
		fail_msg("%s, %s, %u: wanted %d, got %d (%s)", authorization, repository, wanted,
			 verdict, answer.verdict, answer.why);
	assert_int_equal(!!answer.identity, verdict != DD_AUTH_UNKNOWN);
	assert_int_equal(!!answer.challenge[0], verdict == DD_AUTH_UNKNOWN);
}

/* "alice:wonder" and others. */
#define AS_ALICE "Basic YWxpY2U6d29uZGVy"
#define AS_BOB "Basic Ym9iOmJ1aWxkZXI="
#define WRONG "Basic YWxpY2U6d29uZGVX"
#define NOBODY "Basic Y2Fyb2w6d29uZGVy"
#define EMPTY "Basic Og=="
#define PULL DD_AUTH_PULL
#define PUSH DD_AUTH_PUSH
#define DELETE DD_AUTH_DELETE
#define CATALOG DD_AUTH_CATALOG

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

static void reload(struct dd_auth_options options)
{
	if (dd_auth_reload(auth, &options, &err) < 0)
		fail_msg("%s", err.text);
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

static void a_reload_that_fails_changes_nothing(void **state)
{
	struct dd_auth_options broken = passwords();

	(void)state;
	open_auth(passwords(), "immutable: [{repositories: \"**\", tags: v*}]\n");
	broken.rules_path = rules_path;
	write_file(rules_path, "rules: {}\n");
	assert_int_equal(dd_auth_reload(auth, &broken, &err), DD_ECONFIG);
	assert_non_null(strstr(err.text, "rules.yml: line 1, column 8"));
	answers(DD_AUTH_ALLOWED, AS_ALICE, "app", PULL);
	assert_true(dd_auth_has_immutable(auth, "app"));
	broken.htpasswd_path = "/nowhere";
	assert_int_equal(dd_auth_reload(auth, &broken, &err), DD_ENOENT);
	answers(DD_AUTH_ALLOWED, AS_ALICE, "app", PULL);
}

/* ---- rules ---- */

static const char rules[] = "groups: {team: [alice]}\n"
			    "rules:\n"
			    "- repositories: public/**\n"
			    "  pull: anybody\n"
			    "  push: group:team\n"
			    "- repositories: \"**\"\n"
			    "  pull: group:team\n"
			    "immutable:\n"
			    "- name: releases\n"
			    "  repositories: public/**\n"
			    "  tags: v*\n";

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

/* ---- tokens ---- */

static char *bearer(const char *subject, const char *access)
{
	char claims[512], *token, *header;

	snprintf(claims, sizeof(claims),
		 "{\"iss\":\"auth\",\"aud\":\"registry\",\"sub\":\"%s\",\"exp\":%lld,"
		 "\"access\":[%s]}",
		 subject, (long long)time(NULL) + 300, access);
	token = jwt_sign("{\"alg\":\"ES256\"}", claims, ec);
	assert_true(asprintf(&header, "Bearer %s", token) > 0);
	free(token);
	return header;
}

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

/* ---- tokens of our own ---- */

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

/* ---- what is remembered, and how much at once ---- */

static void a_verdict_is_forgotten_when_its_time_is_up(void **state)
{
	struct dd_verdicts *verdicts;
	struct dd_identity *alice, *found;
	struct dd_digest key, other;

	(void)state;
	dd_digest_of(&key, DD_SHA256, "a", 1, NULL);
	dd_digest_of(&other, DD_SHA256, "b", 1, NULL);
	assert_int_equal(dd_verdicts_open(&verdicts, 16, NULL), 0);
	assert_int_equal(dd_identity_open(&alice, "alice", NULL), 0);
	assert_false(dd_verdicts_get(verdicts, &key, 1, &found));
	dd_verdicts_put(verdicts, &key, 100, alice);
	assert_true(dd_verdicts_get(verdicts, &key, 99, &found));
	assert_ptr_equal(found, alice);
	dd_identity_unref(found);
	assert_false(dd_verdicts_get(verdicts, &other, 99, &found));
	assert_false(dd_verdicts_get(verdicts, &key, 100, &found));
	dd_verdicts_put(verdicts, &key, 200, NULL);
	assert_true(dd_verdicts_get(verdicts, &key, 150, &found));
	assert_null(found);
	dd_identity_unref(alice);
	dd_verdicts_closep(&verdicts);
}

static void what_is_used_stays_when_there_are_too_many(void **state)
{
	struct dd_verdicts *verdicts;
	struct dd_identity *alice, *found;
	struct dd_digest key;

	(void)state;
	assert_int_equal(dd_verdicts_open(&verdicts, 8, NULL), 0);
	assert_int_equal(dd_identity_open(&alice, "alice", NULL), 0);
	dd_digest_of(&key, DD_SHA256, "alice", 5, NULL);
	dd_verdicts_put(verdicts, &key, 100, alice);
	for (int i = 0; i < 1000; i++) {
		struct dd_digest guess;

		dd_digest_of(&guess, DD_SHA256, &i, sizeof(i), NULL);
		dd_verdicts_put(verdicts, &guess, 100, NULL);
		if (!dd_verdicts_get(verdicts, &key, 1, &found))
			fail_msg("lost after %d", i);
		dd_identity_unref(found);
	}
	dd_identity_unref(alice);
	dd_verdicts_closep(&verdicts);
}

struct party {
	struct dd_turnstile *turnstile;
	struct dd_digest key;
	unsigned inside, most, came, later, away; /* atomic */
	bool open;				  /* whoever is inside may leave */
};

static void *visit(void *arg)
{
	struct party *party = arg;
	int rc = dd_turnstile_enter(party->turnstile, &party->key, NULL);
	unsigned inside;

	if (rc == DD_EEXIST)
		__atomic_add_fetch(&party->later, 1, __ATOMIC_SEQ_CST);
	if (rc == DD_ETOOBIG)
		__atomic_add_fetch(&party->away, 1, __ATOMIC_SEQ_CST);
	if (rc != 0)
		return NULL;
	inside = __atomic_add_fetch(&party->inside, 1, __ATOMIC_SEQ_CST);
	if (inside > __atomic_load_n(&party->most, __ATOMIC_SEQ_CST))
		__atomic_store_n(&party->most, inside, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&party->came, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&party->open, __ATOMIC_SEQ_CST))
		usleep(1000);
	__atomic_sub_fetch(&party->inside, 1, __ATOMIC_SEQ_CST);
	dd_turnstile_leave(party->turnstile, &party->key);
	return NULL;
}

/* Whoever comes with the key of somebody inside waits, and then need not enter. */
static void what_is_being_computed_is_computed_once(void **state)
{
	struct party party = { 0 };
	pthread_t threads[8];

	(void)state;
	dd_digest_of(&party.key, DD_SHA256, "a", 1, NULL);
	assert_int_equal(dd_turnstile_open(&party.turnstile, 4, 4, NULL), 0);
	for (unsigned i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, visit, &party);
	/* One is inside, four wait, three were turned away. */
	while (__atomic_load_n(&party.away, __ATOMIC_SEQ_CST) < 3)
		usleep(1000);
	__atomic_store_n(&party.open, true, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(party.most, 1);
	assert_int_equal(party.came, 1);
	assert_int_equal(party.later, 4);
	assert_int_equal(party.away, 3);
	dd_turnstile_closep(&party.turnstile);
}

static void so_many_are_computed_at_once_and_no_more(void **state)
{
	struct dd_digest keys[3];
	struct dd_turnstile *turnstile;

	(void)state;
	assert_int_equal(dd_turnstile_open(&turnstile, 2, 0, NULL), 0);
	for (int i = 0; i < 3; i++)
		dd_digest_of(&keys[i], DD_SHA256, &i, sizeof(i), NULL);
	assert_int_equal(dd_turnstile_enter(turnstile, &keys[0], NULL), 0);
	assert_int_equal(dd_turnstile_enter(turnstile, &keys[1], NULL), 0);
	assert_int_equal(dd_turnstile_enter(turnstile, &keys[2], NULL), DD_ETOOBIG);
	dd_turnstile_leave(turnstile, &keys[0]);
	assert_int_equal(dd_turnstile_enter(turnstile, &keys[2], NULL), 0);
	dd_turnstile_leave(turnstile, &keys[1]);
	dd_turnstile_leave(turnstile, &keys[2]);
	dd_turnstile_closep(&turnstile);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
		TEST(a_reload_that_fails_changes_nothing),
		TEST(rules_decide_once_it_is_known_who_asks),
		TEST(without_authentication_rules_are_about_anybody),
		TEST(an_immutable_tag_names_its_rule),
		TEST(a_challenge_says_where_tokens_are_and_what_for),
		TEST(a_token_is_good_for_what_it_grants),
		TEST(a_token_that_is_wrong_is_called_so),
		TEST(rules_and_a_token_have_to_allow_it_both),
		TEST(where_anybody_may_pull_a_token_is_asked_for),
		TEST(a_token_of_ours_says_who_somebody_is_and_rules_decide),
		TEST(a_token_of_ours_cannot_be_made_or_changed),
		TEST(a_token_of_ours_ends_with_the_password),
		TEST(the_catalogue_names_what_may_be_pulled),
		TEST(only_one_way_to_authenticate_is_taken),
		TEST(a_verdict_is_forgotten_when_its_time_is_up),
		TEST(what_is_used_stays_when_there_are_too_many),
		TEST(what_is_being_computed_is_computed_once),
		TEST(so_many_are_computed_at_once_and_no_more),
		TEST(many_may_ask_at_once_and_while_it_is_reloaded),
	};

	return cmocka_run_group_tests_name("auth", tests, group_setup, group_teardown);
}
