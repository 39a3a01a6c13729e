/*
 * Who somebody is, and what they may do.
 *
 * All that was configured is one state, which a reload replaces as a whole; whoever is in the middle
 * of a question goes on with the one that it began with. Verdicts outlive it: what they rest on is
 * part of their key.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "base/secret.h"
#include "serve/auth_header.h"
#include "serve/auth_state.h"
#include "serve/turnstile.h"
#include "serve/verdicts.h"

/* A client asks hundreds of times a minute; somebody who was shut out should not stay in for long. */
#define GOOD_FOR (10 * 60 * DD_SECOND)
#define BAD_FOR (60 * DD_SECOND)
#define BAD_TOKEN_FOR (5 * DD_SECOND) /* it may be early, and count soon */
#define GOOD_MAX 4096
#define BAD_MAX 512 /* apart, so that guesses push out nobody */
#define WAITING_MAX 64

struct dd_auth {
	struct dd_context *ctx;
	pthread_rwlock_t lock; /* of state */
	struct dd_auth_state *state;
	struct dd_verdicts *good, *bad;
	struct dd_turnstile *turnstile;
	struct dd_identity *anonymous;
	unsigned char key[DD_SECRET_KEY];
};

static struct dd_auth_state *get_state(struct dd_auth *auth)
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
	rc = dd_secret_random(auth->key, sizeof(auth->key), err);
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

int dd_auth_reload(struct dd_auth *auth, const struct dd_auth_options *options,
		   struct dd_error *err)
{
	struct dd_auth_state *state, *before;
	int rc = dd_auth_state_open(auth->ctx, options, &state, err);

	if (rc < 0)
		return rc;
	pthread_rwlock_wrlock(&auth->lock);
	before = auth->state;
	auth->state = state;
	pthread_rwlock_unlock(&auth->lock);
	dd_auth_state_unrefp(&before);
	return 0;
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
	explicit_bzero(auth->key, sizeof(auth->key));
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
	struct dd_auth_state *state = get_state((struct dd_auth *)(uintptr_t)auth);

	return state->passwords || state->tokens;
}

/* ---- who it is ---- */

/* One question on its way. */
struct asking {
	struct dd_auth *auth;
	struct dd_auth_state *state;
	const struct dd_auth_request *request;
	struct dd_credentials credentials;
	bool may_wait;
	struct dd_auth_answer *answer;
	struct dd_error *err;
};

static void because(struct asking *asking, const char *what, const char *why)
{
	snprintf(asking->answer->why, sizeof(asking->answer->why), "%s%.200s", what, why);
}

static int64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return dd_time_of(&now);
}

static bool look_up(const struct asking *asking, const struct dd_digest *key,
		    struct dd_identity **identity)
{
	int64_t now_ns = monotonic_ns();

	return dd_verdicts_get(asking->auth->good, key, now_ns, identity) ||
	       dd_verdicts_get(asking->auth->bad, key, now_ns, identity);
}

static void remember(const struct asking *asking, const struct dd_digest *key, int64_t for_ns,
		     struct dd_identity *identity)
{
	dd_verdicts_put(identity ? asking->auth->good : asking->auth->bad, key,
			monotonic_ns() + for_ns, identity);
}

/* 0 and no identity: what was shown is wrong; answer->why says so. for_ns: how long that is so. */
typedef int compute_fn(struct asking *asking, const void *arg, int64_t *for_ns,
		       struct dd_identity **identity);

/*
 * From what is known, or computed if that is all right. Whoever waited at the turnstile looks again: it
 * may have been found out meanwhile.
 */
static int find_out(struct asking *asking, const struct dd_digest *key, compute_fn *compute,
		    const void *arg, struct dd_identity **identity)
{
	for (;;) {
		int64_t for_ns = 0;
		int rc;

		if (look_up(asking, key, identity))
			return 0;
		if (!asking->may_wait)
			return DD_EAGAIN;
		rc = dd_turnstile_enter(asking->auth->turnstile, key, asking->err);
		if (rc == DD_EEXIST)
			continue;
		if (rc < 0)
			return rc;
		if (!look_up(asking, key, identity)) {
			rc = compute(asking, arg, &for_ns, identity);
			if (rc == 0)
				remember(asking, key, for_ns, *identity);
		}
		dd_turnstile_leave(asking->auth->turnstile, key);
		return rc;
	}
}

struct password {
	const char *hash;
	bool known; /* the user is */
};

static int compute_password(struct asking *asking, const void *arg, int64_t *for_ns,
			    struct dd_identity **identity)
{
	const struct password *password = arg;
	bool matches;
	int rc = dd_bcrypt_check(password->hash, asking->credentials.password, &matches,
				 asking->err);

	*for_ns = GOOD_FOR;
	if (rc < 0 || (matches && password->known))
		return rc < 0 ? rc :
				dd_identity_open(identity, asking->credentials.user, asking->err);
	*for_ns = BAD_FOR;
	return 0;
}

static int find_password(struct asking *asking, struct dd_identity **identity)
{
	const struct dd_credentials *shown = &asking->credentials;
	struct dd_secret_part parts[] = { { "basic", 5 },
					  { shown->user, strlen(shown->user) },
					  { shown->password, strlen(shown->password) },
					  { NULL, DD_BCRYPT_TEXT },
					  { NULL, sizeof(bool) } };
	char hash[DD_BCRYPT_TEXT];
	struct password password = { .hash = hash };
	struct dd_digest key;
	int rc;

	if (!asking->may_wait && !dd_passwords_are_fresh(asking->state->passwords))
		return DD_EAGAIN;
	if (asking->may_wait)
		dd_passwords_look(asking->state->passwords);
	/* A name that is none has always the same stand-in, so that it takes always as long. */
	rc = dd_secret_digest(&key, asking->auth->key, parts, 2, asking->err);
	if (rc < 0)
		return rc;
	password.known = dd_passwords_find(asking->state->passwords, shown->user,
					   dd_digest_start(&key), hash);
	parts[3].bytes = hash;
	parts[4].bytes = &password.known;
	rc = dd_secret_digest(&key, asking->auth->key, parts, DD_COUNT(parts), asking->err);
	if (rc == 0)
		rc = find_out(asking, &key, compute_password, &password, identity);
	if (rc == 0 && !*identity)
		because(asking, "", "the name or the password is wrong");
	return rc;
}

static int compute_token(struct asking *asking, const void *arg, int64_t *for_ns,
			 struct dd_identity **identity)
{
	const struct dd_credentials *shown = arg;
	struct dd_error why = { 0 };
	int64_t now_ns = dd_time_now(), until_ns = 0;
	int rc = dd_tokens_check(asking->state->tokens, shown->token, shown->token_len, now_ns,
				 identity, &until_ns, &why);

	*for_ns = until_ns - now_ns < GOOD_FOR ? until_ns - now_ns : GOOD_FOR;
	if (rc == DD_EREFUSED) {
		because(asking, "the token: ", why.text);
		*for_ns = BAD_TOKEN_FOR;
		return 0;
	}
	return rc < 0 ? dd_fail(asking->err, rc, 0, "%s", why.text) : 0;
}

static int find_token(struct asking *asking, struct dd_identity **identity)
{
	const struct dd_credentials *shown = &asking->credentials;
	const struct dd_secret_part parts[] = { { "bearer", 6 },
						{ shown->token, shown->token_len },
						{ &asking->state->number,
						  sizeof(asking->state->number) } };
	struct dd_digest key;
	int rc = dd_secret_digest(&key, asking->auth->key, parts, DD_COUNT(parts), asking->err);

	if (rc == 0)
		rc = find_out(asking, &key, compute_token, shown, identity);
	if (rc == 0 && !*identity && !asking->answer->why[0])
		because(asking, "", "the token does not count");
	return rc;
}

/* 0 and no identity: the credentials are of no use here, or wrong. */
static int find_identity(struct asking *asking, struct dd_identity **identity)
{
	enum dd_credentials_kind kind = asking->credentials.kind;

	*identity = NULL;
	/* Without any way to say who one is, saying it changes nothing. */
	if (kind == DD_NO_CREDENTIALS || (!asking->state->passwords && !asking->state->tokens)) {
		*identity = dd_identity_ref(asking->auth->anonymous);
		return 0;
	}
	if (kind == DD_BASIC && asking->state->passwords)
		return find_password(asking, identity);
	if (kind == DD_BEARER && asking->state->tokens)
		return find_token(asking, identity);
	because(asking, "",
		kind == DD_BAD_CREDENTIALS ? "the Authorization header cannot be understood" :
		asking->state->tokens	   ? "a token is wanted, not a password" :
					     "a password is wanted, not a token");
	return 0;
}

/* ---- what it may do ---- */

static int challenge(struct asking *asking, const char *error)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	struct dd_auth_answer *answer = asking->answer;
	int rc = dd_auth_state_challenge(asking->state, asking->request, error, &text);

	if (rc < 0)
		return dd_fail(asking->err, rc, 0, "answer somebody unknown");
	answer->verdict = DD_AUTH_UNKNOWN;
	/* Repository names are bounded, realms are the operator's: without a scope it always fits. */
	if (text.len < sizeof(answer->challenge))
		memcpy(answer->challenge, text.bytes, text.len + 1);
	return 0;
}

static int deny(struct asking *asking, struct dd_identity *identity)
{
	const struct dd_auth_state *state = asking->state;

	if (!identity->authenticated && state->passwords) {
		because(asking, "", "that is not allowed to somebody unknown");
		return challenge(asking, NULL);
	}
	if (state->tokens && !identity->limited) {
		because(asking, "", "a token is wanted");
		return challenge(asking, NULL);
	}
	asking->answer->verdict = DD_AUTH_DENIED;
	because(asking, "", "the rules do not allow that");
	asking->answer->identity = dd_identity_ref(identity);
	return 0;
}

static int judge(struct asking *asking, struct dd_identity *identity)
{
	const struct dd_auth_request *request = asking->request;
	bool known = identity->authenticated || identity->limited;

	/* GET /v2/: docker, podman and helm learn here how to say who they are. */
	if (!request->wanted && !known && (asking->state->passwords || asking->state->tokens)) {
		because(asking, "", "say who you are");
		return challenge(asking, NULL);
	}
	if (request->wanted &&
	    !dd_identity_has(identity,
			     request->wanted & DD_AUTH_CATALOG ? NULL : request->repository,
			     request->wanted)) {
		because(asking, "", "the token does not grant that");
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
	DD_CLEANUP(dd_auth_state_unrefp) struct dd_auth_state *state = get_state(auth);
	DD_CLEANUP(dd_identity_closep) struct dd_identity *identity = NULL;
	struct asking asking = { .auth = auth,
				 .state = state,
				 .request = request,
				 .may_wait = may_wait,
				 .answer = answer,
				 .err = err };
	int rc;

	memset(answer, 0, sizeof(*answer));
	rc = dd_credentials_read(request->authorization, &asking.credentials);
	if (rc < 0)
		dd_fail(err, rc, 0, "read who somebody is");
	if (rc == 0)
		rc = find_identity(&asking, &identity);
	if (rc == 0)
		rc = identity ? judge(&asking, identity) :
				challenge(&asking, state->tokens ? "invalid_token" : NULL);
	dd_credentials_release(&asking.credentials);
	return rc;
}

bool dd_auth_may(struct dd_auth *auth, const struct dd_identity *identity, const char *repository,
		 unsigned wanted)
{
	DD_CLEANUP(dd_auth_state_unrefp) struct dd_auth_state *state = get_state(auth);

	return dd_identity_has(identity, repository, wanted) &&
	       dd_auth_state_allows(state, identity, repository, wanted);
}

bool dd_auth_is_immutable(struct dd_auth *auth, const char *repository, const char *tag, char *rule,
			  size_t room)
{
	DD_CLEANUP(dd_auth_state_unrefp) struct dd_auth_state *state = get_state(auth);
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
	DD_CLEANUP(dd_auth_state_unrefp) struct dd_auth_state *state = get_state(auth);
	struct dd_immutable found;

	return state->rules && dd_rules_make_immutable(state->rules, repository, NULL, &found);
}
