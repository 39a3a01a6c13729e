/*
 * The door: users with passwords, rules and a key for tokens in a directory of their own, and what is
 * answered to whom.
 */
#ifndef TESTS_AUTH_H
#define TESTS_AUTH_H

#include <time.h>
#include <unistd.h>

#include "jwt.h"
#include "serve/auth_state.h"

#define ALICE "$2y$04$AXq0jBV/PVWd32ssMB91OuFdCcA3sRnfM717kUJNu9rtq4YKmFsMS" /* wonder */
#define BOB "$2y$05$0JSc.oDocW0uDnk5d30XkuyY7J3vIgE10aKKxhQ6Rzrlfl5BaYbli"   /* builder */

static char *directory, *users_path, *rules_path, *jwks_path;
static EVP_PKEY *ec;
static struct dd_context *ctx;
static struct dd_auth *auth;
static struct dd_auth_answer answer;
static struct dd_error err;

static inline void write_file(const char *path, const char *text)
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

static inline int group_setup(void **state)
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

static inline int group_teardown(void **state)
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

static inline int setup(void **state)
{
	(void)state;
	write_file(users_path, "alice:" ALICE "\nbob:" BOB "\n");
	memset(&answer, 0, sizeof(answer));
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	dd_identity_unref(answer.identity);
	answer.identity = NULL;
	dd_auth_closep(&auth);
	return 0;
}

static inline struct dd_auth_options passwords(void)
{
	return (struct dd_auth_options){ .htpasswd_realm = "the \"realm\"",
					 .htpasswd_path = users_path };
}

static inline struct dd_auth_options by_token(void)
{
	return (struct dd_auth_options){ .token_realm = "https://auth.example/token",
					 .token_service = "registry",
					 .token_issuer = "auth",
					 .token_jwks = jwks_path };
}

static inline void open_auth(struct dd_auth_options options, const char *rules)
{
	dd_auth_closep(&auth);
	if (rules) {
		write_file(rules_path, rules);
		options.rules_path = rules_path;
	}
	if (dd_auth_open(ctx, &options, &auth, &err) < 0)
		fail_msg("%s", err.text);
}

static inline void reload(struct dd_auth_options options)
{
	struct dd_auth_state *state;

	if (dd_auth_state_open(ctx, &options, &state, &err) < 0)
		fail_msg("%s", err.text);
	dd_auth_take(auth, state);
}

static inline int ask_waiting(const char *authorization, const char *repository, unsigned wanted,
			      bool may_wait)
{
	const struct dd_auth_request request = { .authorization = authorization,
						 .base_url = "http://here:5000",
						 .repository = repository,
						 .wanted = wanted };

	dd_identity_unref(answer.identity);
	return dd_auth_check(auth, &request, may_wait, &answer, &err);
}

static inline void answers(enum dd_auth_verdict verdict, const char *authorization,
			   const char *repository, unsigned wanted)
{
	if (ask_waiting(authorization, repository, wanted, true) != 0 || answer.verdict != verdict)
		fail_msg("%s, %s, %u: wanted %d, got %d (%s)", authorization ? authorization : "-",
			 repository ? repository : "-", wanted, verdict, answer.verdict,
			 answer.why);
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

static inline char *bearer(const char *subject, const char *access)
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
