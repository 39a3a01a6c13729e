/*
 * What was configured about authentication, as one thing: files read, keys at hand. Counted, and
 * never changed but for the htpasswd file, which looks after itself.
 */
#ifndef SERVE_AUTH_STATE_H
#define SERVE_AUTH_STATE_H

#include "base/text.h"
#include "serve/identity.h"
#include "serve/passwords.h"
#include "serve/rules.h"
#include "serve/token.h"

struct dd_auth_state {
	unsigned refs;			/* atomic */
	uint64_t number;		/* no two states of a process have the same */
	char *realm, *service;		/* for challenges */
	bool relative_realm;		/* a path of the server that was asked */
	struct dd_passwords *passwords; /* at most one of these two */
	struct dd_tokens *tokens;
	bool gives_tokens;	/* of our own: see dd_auth_give_token() */
	struct dd_rules *rules; /* NULL: none */
	char *rules_name;	/* the file's, without its directories */
};

int dd_auth_state_open(struct dd_context *ctx, const struct dd_auth_options *options,
		       struct dd_auth_state **state, struct dd_error *err);
struct dd_auth_state *dd_auth_state_ref(struct dd_auth_state *state);
void dd_auth_state_unrefp(struct dd_auth_state **state);

/* By the rules; what a token grants is another matter. */
bool dd_auth_state_allows(const struct dd_auth_state *state, const struct dd_identity *identity,
			  const char *repository, unsigned wanted);

/* The value of WWW-Authenticate. error: RFC 6750's word for it, or NULL. 0 or DD_ENOMEM. */
int dd_auth_state_challenge(const struct dd_auth_state *state,
			    const struct dd_auth_request *request, const char *error,
			    struct dd_text *text);
int dd_auth_state_ask_for_password(const struct dd_auth_state *state, struct dd_text *text);

#endif
