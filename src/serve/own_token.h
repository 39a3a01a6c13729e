/*
 * Tokens that we hand out ourselves: until when, who, and a digest under a key of this process over
 * both and the hash of the password, so that a changed password ends them.
 */
#ifndef SERVE_OWN_TOKEN_H
#define SERVE_OWN_TOKEN_H

#include "base/secret.h"
#include "base/text.h"

#define DD_OWN_TOKEN_SECONDS 300

struct dd_own_token {
	char *user;	 /* "": nobody in particular; to be freed */
	int64_t until_s; /* since the epoch */
	struct dd_digest seal;
};

/* What it says; nothing has been proved. 0, DD_EFORMAT or DD_ENOMEM. */
int dd_own_token_parse(struct dd_own_token *token, const char *text, size_t len);
void dd_own_token_release(struct dd_own_token *token);

/* The seal that it has to have. hash: of the user's password, "" for nobody in particular. */
int dd_own_token_seal(const struct dd_own_token *token, const struct dd_secret *secret,
		      const char *hash, struct dd_digest *seal, struct dd_error *err);
int dd_own_token_write(const struct dd_own_token *token, struct dd_text *text);

#endif
