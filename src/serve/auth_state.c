/*
 * From the options to what questions are answered from.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "serve/auth_header.h"
#include "serve/auth_state.h"
#include "serve/read_file.h"

#define TOKEN_PATH "/auth/token" /* as the reference has it */

static int copy(char **to, const char *from, struct dd_error *err)
{
	*to = strdup(from);
	return *to ? 0 : dd_fail(err, DD_ENOMEM, 0, "set up authentication");
}

static int open_passwords(struct dd_context *ctx, const struct dd_auth_options *options,
			  struct dd_auth_state *state, struct dd_error *err)
{
	int rc;

	if (!options->htpasswd_path)
		return 0;
	if (!options->htpasswd_realm || !options->htpasswd_realm[0])
		return dd_fail(err, DD_ECONFIG, 0, "auth.htpasswd.realm: has to be set");
	rc = copy(&state->realm, options->htpasswd_realm, err);
	if (rc < 0)
		return rc;
	rc = dd_passwords_open(ctx, options->htpasswd_path, &state->passwords, err);
	/* Debian's configuration names the directory that it is in. */
	if (rc < 0 && err && (err->sys_errno == ENOENT || err->sys_errno == EISDIR))
		dd_hint(err,
			"auth.htpasswd.path names a file, which htpasswd -B -c FILE USER makes; "
			"without the section auth anybody may push");
	return rc;
}

static bool wants_tokens(const struct dd_auth_options *options)
{
	return options->token_realm || options->token_service || options->token_issuer ||
	       options->token_rootcertbundle || options->token_jwks;
}

static int open_tokens(struct dd_context *ctx, const struct dd_auth_options *options,
		       struct dd_auth_state *state, struct dd_error *err)
{
	const char *realm = options->token_realm;
	int rc;

	if (!wants_tokens(options))
		return 0;
	rc = dd_tokens_open(ctx, options, &state->tokens, err);
	state->relative_realm = options->token_autoredirect;
	if (state->relative_realm)
		realm = options->token_autoredirect_path ? options->token_autoredirect_path :
							   TOKEN_PATH;
	if (rc == 0)
		rc = copy(&state->realm, realm, err);
	if (rc == 0)
		rc = copy(&state->service, options->token_service, err);
	return rc;
}

static int open_rules(struct dd_context *ctx, const char *path, struct dd_auth_state *state,
		      struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	const char *slash;
	int rc;

	if (!path)
		return 0;
	slash = strrchr(path, '/');
	rc = copy(&state->rules_name, slash ? slash + 1 : path, err);
	if (rc == 0)
		rc = dd_read_file(path, DD_RULES_MAX, &text, err);
	if (rc < 0)
		return rc;
	rc = dd_rules_read(text.bytes, text.len, &state->rules, err);
	if (rc < 0)
		return dd_wrap(err, rc, "%s", path);
	if (dd_rules_name_users(state->rules) && !state->passwords && !state->tokens)
		dd_log(ctx, DD_LOG_WARNING,
		       "%s: it names users, but there is no way to say who one is (auth.htpasswd, "
		       "auth.token)",
		       path);
	return 0;
}

int dd_auth_state_open(struct dd_context *ctx, const struct dd_auth_options *options,
		       struct dd_auth_state **out, struct dd_error *err)
{
	static uint64_t numbers;
	DD_CLEANUP(dd_auth_state_unrefp) struct dd_auth_state *state = calloc(1, sizeof(*state));
	int rc;

	*out = NULL;
	if (!state)
		return dd_fail(err, DD_ENOMEM, 0, "set up authentication");
	state->refs = 1;
	state->number = __atomic_add_fetch(&numbers, 1, __ATOMIC_RELAXED);
	if (options->htpasswd_path && wants_tokens(options))
		return dd_fail(err, DD_ECONFIG, 0, "auth: one of htpasswd and token, not both");
	rc = open_passwords(ctx, options, state, err);
	if (rc == 0)
		rc = open_tokens(ctx, options, state, err);
	if (rc == 0)
		rc = open_rules(ctx, options->rules_path, state, err);
	if (rc < 0)
		return rc;
	state->gives_tokens =
		state->passwords && state->rules && dd_rules_know_anybody(state->rules);
	*out = state;
	state = NULL;
	return 0;
}

struct dd_auth_state *dd_auth_state_ref(struct dd_auth_state *state)
{
	__atomic_add_fetch(&state->refs, 1, __ATOMIC_RELAXED);
	return state;
}

void dd_auth_state_unrefp(struct dd_auth_state **out)
{
	struct dd_auth_state *state = *out;

	*out = NULL;
	if (!state || __atomic_sub_fetch(&state->refs, 1, __ATOMIC_ACQ_REL))
		return;
	dd_passwords_closep(&state->passwords);
	dd_tokens_closep(&state->tokens);
	dd_rules_closep(&state->rules);
	free(state->rules_name);
	free(state->realm);
	free(state->service);
	free(state);
}

bool dd_auth_state_allows(const struct dd_auth_state *state, const struct dd_identity *identity,
			  const char *repository, unsigned wanted)
{
	const char *user = identity->authenticated ? identity->user : NULL;

	if (state->rules && dd_rules_decide(state->rules, wanted))
		return dd_rules_allow(state->rules, user, repository, wanted);
	/* Of tokens what they grant has been looked at; they may be nobody's in particular. */
	return user || identity->limited || (!state->passwords && !state->tokens);
}

/* Where a token is to be had. A realm that is a path lies where the client is already. */
static int write_token_realm(const struct dd_auth_state *state,
			     const struct dd_auth_request *request, struct dd_text *text)
{
	DD_CLEANUP(dd_text_release) struct dd_text url = { 0 };
	int rc;

	if (!state->tokens)
		return dd_auth_write_quoted(text, "realm", request->token_url);
	if (!state->relative_realm)
		return dd_auth_write_quoted(text, "realm", state->realm);
	rc = dd_text_printf(&url, "%s%s", request->base_url ? request->base_url : "", state->realm);
	return rc < 0 ? rc : dd_auth_write_quoted(text, "realm", url.bytes);
}

int dd_auth_state_ask_for_password(const struct dd_auth_state *state, struct dd_text *text)
{
	int rc = dd_text_printf(text, "Basic ");

	return rc < 0 ? rc : dd_auth_write_quoted(text, "realm", state->realm);
}

int dd_auth_state_challenge(const struct dd_auth_state *state,
			    const struct dd_auth_request *request, const char *error,
			    struct dd_text *text)
{
	int rc;

	if (!state->tokens && !(state->gives_tokens && request->token_url))
		return dd_auth_state_ask_for_password(state, text);
	rc = dd_text_printf(text, "Bearer ");
	if (rc == 0)
		rc = write_token_realm(state, request, text);
	if (rc == 0)
		rc = dd_text_add(text, ",", 1);
	if (rc == 0)
		rc = dd_auth_write_quoted(text, "service",
					  state->tokens ? state->service : state->realm);
	if (rc == 0)
		rc = dd_auth_write_scope(text, request);
	if (rc == 0 && error)
		rc = dd_text_printf(text, ",error=\"%s\"", error);
	return rc;
}
