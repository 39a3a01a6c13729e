/*
 * Who somebody is: by a password, by somebody else's token, by one of ours.
 *
 * What takes long is computed at a turnstile, and remembered. What it rests on (the stored hash, the
 * keys) is part of what it is remembered under, so that nothing has to be forgotten by a reload.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "serve/auth_private.h"
#include "serve/own_token.h"

/* A client asks hundreds of times a minute; somebody who was shut out should not stay in for long. */
#define GOOD_FOR (10 * 60 * DD_SECOND)
#define BAD_FOR (60 * DD_SECOND)
#define BAD_TOKEN_FOR (5 * DD_SECOND) /* it may be early, and count soon */

int dd_asking_begin(struct dd_asking *asking)
{
	int rc;

	memset(asking->answer, 0, sizeof(*asking->answer));
	rc = dd_credentials_read(asking->request->authorization, &asking->credentials);
	return rc < 0 ? dd_fail(asking->err, rc, 0, "read who somebody is") : 0;
}

void dd_asking_end(struct dd_asking *asking)
{
	dd_credentials_release(&asking->credentials);
}

void dd_asking_because(struct dd_asking *asking, const char *what, const char *why)
{
	snprintf(asking->answer->why, sizeof(asking->answer->why), "%s%.200s", what, why);
}

static int64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return dd_time_of(&now);
}

static bool look_up(const struct dd_asking *asking, const struct dd_digest *key,
		    struct dd_identity **identity)
{
	int64_t now_ns = monotonic_ns();

	return dd_verdicts_get(asking->auth->good, key, now_ns, identity) ||
	       dd_verdicts_get(asking->auth->bad, key, now_ns, identity);
}

static void remember(const struct dd_asking *asking, const struct dd_digest *key, int64_t for_ns,
		     struct dd_identity *identity)
{
	dd_verdicts_put(identity ? asking->auth->good : asking->auth->bad, key,
			monotonic_ns() + for_ns, identity);
}

/* 0 and no identity: what was shown is wrong; answer->why says so. for_ns: how long that is so. */
typedef int compute_fn(struct dd_asking *asking, const void *arg, int64_t *for_ns,
		       struct dd_identity **identity);

/*
 * From what is known, or computed if that is all right. Whoever waited at the turnstile looks again: it
 * may have been found out meanwhile.
 */
static int find_out(struct dd_asking *asking, const struct dd_digest *key, compute_fn *compute,
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

static int compute_password(struct dd_asking *asking, const void *arg, int64_t *for_ns,
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

static int find_password(struct dd_asking *asking, struct dd_identity **identity)
{
	const struct dd_credentials *shown = &asking->credentials;
	struct dd_secret_part parts[] = { { "basic", 5 },
					  { shown->user, strlen(shown->user) },
					  { shown->password, strlen(shown->password) },
					  { NULL, DD_BCRYPT_TEXT },
					  { NULL, sizeof(bool) } };
	struct password password = { .hash = asking->hash };
	struct dd_digest key;
	int rc;

	if (!asking->may_wait && !dd_passwords_are_fresh(asking->state->passwords))
		return DD_EAGAIN;
	if (asking->may_wait)
		dd_passwords_look(asking->state->passwords);
	password.known = dd_passwords_find(asking->state->passwords, shown->user, asking->hash);
	if (!password.known) {
		/* A name that is none has always the same stand-in: it takes always as long. */
		rc = dd_secret_digest(asking->auth->secret, parts, 2, &key, asking->err);
		if (rc < 0)
			return rc;
		dd_passwords_stand_in(asking->state->passwords, dd_digest_start(&key),
				      asking->hash);
	}
	parts[3].bytes = asking->hash;
	parts[4].bytes = &password.known;
	rc = dd_secret_digest(asking->auth->secret, parts, DD_COUNT(parts), &key, asking->err);
	if (rc == 0)
		rc = find_out(asking, &key, compute_password, &password, identity);
	if (rc == 0 && !*identity)
		dd_asking_because(asking, "", "the name or the password is wrong");
	return rc;
}

static int compute_token(struct dd_asking *asking, const void *arg, int64_t *for_ns,
			 struct dd_identity **identity)
{
	const struct dd_credentials *shown = arg;
	struct dd_error why = { 0 };
	int64_t now_ns = dd_time_now(), until_ns = 0;
	int rc = dd_tokens_check(asking->state->tokens, shown->token, shown->token_len, now_ns,
				 identity, &until_ns, &why);

	*for_ns = until_ns - now_ns < GOOD_FOR ? until_ns - now_ns : GOOD_FOR;
	if (rc == DD_EREFUSED) {
		dd_asking_because(asking, "the token: ", why.text);
		*for_ns = BAD_TOKEN_FOR;
		return 0;
	}
	return rc < 0 ? dd_fail(asking->err, rc, 0, "%s", why.text) : 0;
}

static int find_token(struct dd_asking *asking, struct dd_identity **identity)
{
	const struct dd_credentials *shown = &asking->credentials;
	const struct dd_secret_part parts[] = { { "bearer", 6 },
						{ shown->token, shown->token_len },
						{ &asking->state->number,
						  sizeof(asking->state->number) } };
	struct dd_digest key;
	int rc = dd_secret_digest(asking->auth->secret, parts, DD_COUNT(parts), &key, asking->err);

	if (rc == 0)
		rc = find_out(asking, &key, compute_token, shown, identity);
	if (rc == 0 && !*identity && !asking->answer->why[0])
		dd_asking_because(asking, "", "the token does not count");
	return rc;
}

/* One of ours: who it says, if the seal is right with the password of today. */
static int find_own_token(struct dd_asking *asking, struct dd_identity **identity)
{
	const struct dd_credentials *shown = &asking->credentials;
	DD_CLEANUP(dd_own_token_release) struct dd_own_token token;
	struct dd_digest seal;
	bool known = true;
	int rc = dd_own_token_parse(&token, shown->token, shown->token_len);

	if (rc == DD_ENOMEM)
		return dd_fail(asking->err, rc, 0, "check a token");
	dd_asking_because(asking, "", "the token does not count, or no longer");
	if (rc < 0 || token.until_s * DD_SECOND <= dd_time_now())
		return 0;
	if (token.user[0])
		known = dd_passwords_find(asking->state->passwords, token.user, asking->hash);
	rc = dd_own_token_seal(&token, asking->auth->secret, asking->hash, &seal, asking->err);
	if (rc < 0 || !known ||
	    !dd_secret_equal(seal.bytes, token.seal.bytes, dd_digest_size(&seal)))
		return rc;
	asking->answer->why[0] = '\0';
	rc = dd_identity_open(identity, token.user, asking->err);
	if (rc == 0)
		(*identity)->has_token = true;
	return rc;
}

static int find_bearer(struct dd_asking *asking, struct dd_identity **identity)
{
	if (asking->state->tokens)
		return find_token(asking, identity);
	if (!asking->may_wait && !dd_passwords_are_fresh(asking->state->passwords))
		return DD_EAGAIN;
	if (asking->may_wait)
		dd_passwords_look(asking->state->passwords);
	return find_own_token(asking, identity);
}

int dd_asking_find_identity(struct dd_asking *asking, struct dd_identity **identity)
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
	if (kind == DD_BEARER && (asking->state->tokens || asking->state->gives_tokens))
		return find_bearer(asking, identity);
	dd_asking_because(asking, "",
			  kind == DD_BAD_CREDENTIALS ?
				  "the Authorization header cannot be understood" :
			  asking->state->tokens ? "a token is wanted, not a password" :
						  "a password is wanted, not a token");
	return 0;
}
