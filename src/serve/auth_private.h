/*
 * Between the files that answer who somebody is and what they may do.
 */
#ifndef SERVE_AUTH_PRIVATE_H
#define SERVE_AUTH_PRIVATE_H

#include <pthread.h>

#include "base/secret.h"
#include "serve/auth_header.h"
#include "serve/auth_state.h"
#include "serve/turnstile.h"
#include "serve/verdicts.h"

struct dd_auth {
	struct dd_context *ctx;
	pthread_rwlock_t lock; /* of state */
	struct dd_auth_state *state;
	struct dd_verdicts *good, *bad;
	struct dd_turnstile *turnstile;
	struct dd_identity *anonymous;
	struct dd_secret *secret;
};

struct dd_auth_state *dd_auth_get_state(struct dd_auth *auth); /* a reference */

/* One question on its way. */
struct dd_asking {
	struct dd_auth *auth;
	struct dd_auth_state *state;
	const struct dd_auth_request *request;
	struct dd_credentials credentials;
	char hash[DD_BCRYPT_TEXT]; /* that the password had to have */
	bool may_wait;
	struct dd_auth_answer *answer;
	struct dd_error *err;
};

/* Reads the credentials; asking is to be ended in any case. */
int dd_asking_begin(struct dd_asking *asking);
void dd_asking_end(struct dd_asking *asking);

/* 0 and no identity: the credentials are of no use here, or wrong; answer->why says so. */
int dd_asking_find_identity(struct dd_asking *asking, struct dd_identity **identity);

/* For the answer's "why". */
void dd_asking_because(struct dd_asking *asking, const char *what, const char *why);

#endif
