/*
 * Who somebody is, and what they may do.
 *
 * All that was configured is one state, which a reload replaces as a whole; whoever is in the middle
 * of a question goes on with the one that it began with. Verdicts outlive it: what they rest on is
 * part of their key.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "serve/auth_private.h"
#include "serve/own_token.h"

#define GOOD_MAX 4096
#define BAD_MAX 512 /* apart, so that guesses push out nobody */
#define WAITING_MAX 64

struct dd_auth_state *dd_auth_get_state(struct dd_auth *auth)
{
	struct dd_auth_state *state;

	pthread_rwlock_rdlock(&auth->lock);
	state = dd_auth_state_ref(auth->state);
	pthread_rwlock_unlock(&auth->lock);
	return state;
}

/* ---- opening ---- */

static unsigned at_once(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	/* Passwords take all of a core; the rest of the server wants some of them. */
	return cores > 3 ? (unsigned)(cores + 1) / 2 : 2;
}

int dd_auth_open(struct dd_context *ctx, const struct dd_auth_options *options,
		 struct dd_auth **out, struct dd_error *err)
{
	DD_CLEANUP(dd_auth_closep) struct dd_auth *auth = calloc(1, sizeof(*auth));
	int rc;

	*out = NULL;
	if (!auth)
		return dd_fail(err, DD_ENOMEM, 0, "set up authentication");
	auth->ctx = ctx;
	pthread_rwlock_init(&auth->lock, NULL);
	rc = dd_secret_open(&auth->secret, err);
	if (rc == 0)
		rc = dd_identity_open(&auth->anonymous, NULL, err);
	if (rc == 0)
		rc = dd_verdicts_open(&auth->good, GOOD_MAX, err);
	if (rc == 0)
		rc = dd_verdicts_open(&auth->bad, BAD_MAX, err);
	if (rc == 0)
		rc = dd_turnstile_open(&auth->turnstile, at_once(), WAITING_MAX, err);
	if (rc == 0)
		rc = dd_auth_state_open(ctx, options, &auth->state, err);
	if (rc < 0)
		return rc;
	*out = auth;
	auth = NULL;
	return 0;
}

void dd_auth_take(struct dd_auth *auth, struct dd_auth_state *state)
{
	struct dd_auth_state *before;

	pthread_rwlock_wrlock(&auth->lock);
	before = auth->state;
	auth->state = state;
	pthread_rwlock_unlock(&auth->lock);
	dd_auth_state_unrefp(&before);
}

void dd_auth_close(struct dd_auth *auth)
{
	if (!auth)
		return;
	if (auth->state)
		dd_auth_state_unrefp(&auth->state);
	dd_verdicts_closep(&auth->good);
	dd_verdicts_closep(&auth->bad);
	dd_turnstile_closep(&auth->turnstile);
	dd_identity_unref(auth->anonymous);
	pthread_rwlock_destroy(&auth->lock);
	dd_secret_closep(&auth->secret);
	free(auth);
}

void dd_auth_closep(struct dd_auth **auth)
{
	dd_auth_close(*auth);
	*auth = NULL;
}

bool dd_auth_is_open(const struct dd_auth *auth)
{
	DD_CLEANUP(dd_auth_state_unrefp)
	struct dd_auth_state *state = dd_auth_get_state((struct dd_auth *)(uintptr_t)auth);

	return state->passwords || state->tokens;
}

/* ---- what it may do ---- */

/* UNKNOWN. rc: how writing the challenge went. */
static int ask_who(struct dd_asking *asking, int rc, const struct dd_text *text)
{
	struct dd_auth_answer *answer = asking->answer;

	if (rc < 0)
		return dd_fail(asking->err, rc, 0, "answer somebody unknown");
	answer->verdict = DD_AUTH_UNKNOWN;
	/* Repository names are bounded, realms are the operator's. */
	if (text->len < sizeof(answer->challenge))
		memcpy(answer->challenge, text->bytes, text->len + 1);
	return 0;
}

/* error: RFC 6750's word, or NULL. */
static int challenge(struct dd_asking *asking, const char *error)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	int rc = dd_auth_state_challenge(asking->state, asking->request, error, &text);

	return ask_who(asking, rc, &text);
}

static int deny(struct dd_asking *asking, struct dd_identity *identity)
{
	const struct dd_auth_state *state = asking->state;

	if (!identity->authenticated && state->passwords) {
		dd_asking_because(asking, "", "that is not allowed to somebody unknown");
		return challenge(asking, NULL);
	}
	if (state->tokens && !identity->has_token) {
		dd_asking_because(asking, "", "a token is wanted");
		return challenge(asking, NULL);
	}
	asking->answer->verdict = DD_AUTH_DENIED;
	dd_asking_because(asking, "", "the rules do not allow that");
	asking->answer->identity = dd_identity_ref(identity);
	return 0;
}

static int judge(struct dd_asking *asking, struct dd_identity *identity)
{
	const struct dd_auth_request *request = asking->request;
	bool known = identity->authenticated || identity->has_token;

	/* GET /v2/: docker, podman and helm learn here how to say who they are. */
	if (!request->wanted && !known && (asking->state->passwords || asking->state->tokens)) {
		dd_asking_because(asking, "", "say who you are");
		return challenge(asking, NULL);
	}
	if (request->wanted &&
	    !dd_identity_has(identity,
			     request->wanted & DD_AUTH_CATALOG ? NULL : request->repository,
			     request->wanted)) {
		dd_asking_because(asking, "", "the token does not grant that");
		return challenge(asking, "insufficient_scope");
	}
	if (request->wanted &&
	    !dd_auth_state_allows(asking->state, identity, request->repository, request->wanted))
		return deny(asking, identity);
	asking->answer->verdict = DD_AUTH_ALLOWED;
	asking->answer->identity = dd_identity_ref(identity);
	return 0;
}

int dd_auth_check(struct dd_auth *auth, const struct dd_auth_request *request, bool may_wait,
		  struct dd_auth_answer *answer, struct dd_error *err)
{
	DD_CLEANUP(dd_auth_state_unrefp) struct dd_auth_state *state = dd_auth_get_state(auth);
	DD_CLEANUP(dd_identity_closep) struct dd_identity *identity = NULL;
	struct dd_asking asking = { .auth = auth,
				    .state = state,
				    .request = request,
				    .may_wait = may_wait,
				    .answer = answer,
				    .err = err };
	int rc = dd_asking_begin(&asking);

	if (rc == 0)
		rc = dd_asking_find_identity(&asking, &identity);
	if (rc == 0)
		rc = identity ? judge(&asking, identity) : challenge(&asking, "invalid_token");
	dd_asking_end(&asking);
	return rc;
}

/* ---- tokens of our own ---- */

static int write_token(struct dd_asking *asking, const struct dd_identity *identity, char **json)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	DD_CLEANUP(dd_text_release) struct dd_text document = { 0 };
	int64_t now_ns = dd_time_now();
	struct dd_own_token token = { .user = identity->user,
				      .until_s = now_ns / DD_SECOND + DD_OWN_TOKEN_SECONDS };
	char issued[DD_UNIT_TEXT];
	int rc = dd_own_token_seal(&token, asking->auth->secret, asking->hash, &token.seal,
				   asking->err);

	if (rc < 0)
		return rc;
	if (dd_own_token_write(&token, &text) < 0 ||
	    dd_text_printf(&document,
			   "{\"token\":\"%s\",\"access_token\":\"%s\",\"expires_in\":%d,"
			   "\"issued_at\":\"%s\"}\n",
			   text.bytes, text.bytes, DD_OWN_TOKEN_SECONDS,
			   dd_time_format_utc(now_ns, issued)) < 0)
		return dd_fail(asking->err, DD_ENOMEM, 0, "make a token");
	*json = dd_text_take(&document);
	return 0;
}

static int ask_for_password(struct dd_asking *asking)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };

	return ask_who(asking, dd_auth_state_ask_for_password(asking->state, &text), &text);
}

static int give_token(struct dd_asking *asking, char **json)
{
	DD_CLEANUP(dd_identity_closep) struct dd_identity *identity = NULL;
	int rc = dd_asking_begin(asking);

	/* A token is no way to another that counts longer. */
	if (rc == 0 && asking->credentials.kind != DD_BEARER)
		rc = dd_asking_find_identity(asking, &identity);
	if (rc == 0 && !identity)
		return ask_for_password(asking);
	if (rc == 0)
		rc = write_token(asking, identity, json);
	if (rc < 0)
		return rc;
	asking->answer->verdict = DD_AUTH_ALLOWED;
	asking->answer->identity = dd_identity_ref(identity);
	return 0;
}

int dd_auth_give_token(struct dd_auth *auth, const struct dd_auth_request *request, bool may_wait,
		       struct dd_auth_answer *answer, char **json, struct dd_error *err)
{
	DD_CLEANUP(dd_auth_state_unrefp) struct dd_auth_state *state = dd_auth_get_state(auth);
	struct dd_asking asking = { .auth = auth,
				    .state = state,
				    .request = request,
				    .may_wait = may_wait,
				    .answer = answer,
				    .err = err };
	int rc;

	*json = NULL;
	if (!state->gives_tokens)
		return dd_fail(err, DD_ENOENT, 0, "no tokens are given here");
	rc = give_token(&asking, json);
	dd_asking_end(&asking);
	return rc;
}

/* ---- what comes later in a request ---- */

bool dd_auth_may(struct dd_auth *auth, const struct dd_identity *identity, const char *repository,
		 unsigned wanted)
{
	DD_CLEANUP(dd_auth_state_unrefp) struct dd_auth_state *state = dd_auth_get_state(auth);

	return dd_identity_has(identity, repository, wanted) &&
	       dd_auth_state_allows(state, identity, repository, wanted);
}

bool dd_auth_may_see(struct dd_auth *auth, const struct dd_identity *identity,
		     const char *repository)
{
	DD_CLEANUP(dd_auth_state_unrefp) struct dd_auth_state *state = dd_auth_get_state(auth);

	return dd_auth_state_allows(state, identity, repository, DD_AUTH_PULL);
}

bool dd_auth_is_immutable(struct dd_auth *auth, const char *repository, const char *tag, char *rule,
			  size_t room)
{
	DD_CLEANUP(dd_auth_state_unrefp) struct dd_auth_state *state = dd_auth_get_state(auth);
	struct dd_immutable found;

	if (!state->rules || !dd_rules_make_immutable(state->rules, repository, tag, &found))
		return false;
	if (found.name)
		snprintf(rule, room, "%s:%zu: %s (%s %s)", state->rules_name, found.line,
			 found.name, found.repositories, found.tags);
	else
		snprintf(rule, room, "%s:%zu: %s %s", state->rules_name, found.line,
			 found.repositories, found.tags);
	return true;
}

bool dd_auth_has_immutable(struct dd_auth *auth, const char *repository)
{
	DD_CLEANUP(dd_auth_state_unrefp) struct dd_auth_state *state = dd_auth_get_state(auth);
	struct dd_immutable found;

	return state->rules && dd_rules_make_immutable(state->rules, repository, NULL, &found);
}
