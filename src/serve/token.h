/*
 * Bearer tokens: JSON web tokens that somebody else hands out, and whose signature says so.
 *
 * Sources: distribution's "Token Authentication Specification" and "Token Authentication
 * Implementation" (claims, access); RFC 7515 (JWS), RFC 7519 (JWT), RFC 8725 (what goes wrong).
 */
#ifndef SERVE_TOKEN_H
#define SERVE_TOKEN_H

#include "serve/identity.h"

#define DD_TOKEN_MAX ((size_t)64 << 10)		   /* bytes of one */
#define DD_TOKEN_LEEWAY (INT64_C(60) * 1000000000) /* clocks differ, as the reference has it */

struct dd_tokens;

/*
 * From the options of auth.token, with the files that they name. DD_ECONFIG. What is said and
 * cannot be (an algorithm with a shared secret, say) is logged.
 */
int dd_tokens_open(struct dd_context *ctx, const struct dd_auth_options *options,
		   struct dd_tokens **tokens, struct dd_error *err);
void dd_tokens_closep(struct dd_tokens **tokens);

/*
 * Whose token it is and what it grants, and until when it counts (realtime). DD_EREFUSED: it does
 * not; why is for the client. Any thread; takes as long as a signature does.
 */
int dd_tokens_check(struct dd_tokens *tokens, const char *token, size_t len, int64_t now_ns,
		    struct dd_identity **identity, int64_t *until_ns, struct dd_error *err);

/* ---- between its files ---- */

/* What has to be in the claims. */
struct dd_claims_wanted {
	const char *issuer, *audience;
	int64_t now_ns;
};
int dd_claims_read(const char *json, size_t len, const struct dd_claims_wanted *wanted,
		   struct dd_identity **identity, int64_t *until_ns, struct dd_error *err);

#endif
