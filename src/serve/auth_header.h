/*
 * The Authorization header, and what is answered to one that does not suffice.
 *
 * Sources: RFC 9110, section 11; RFC 7617 (Basic), RFC 6750 (Bearer); distribution's "Docker
 * Registry v2 authentication via central service" for the challenge's parameters.
 */
#ifndef SERVE_AUTH_HEADER_H
#define SERVE_AUTH_HEADER_H

#include "base/text.h"
#include "serve/auth.h"

enum dd_credentials_kind {
	DD_NO_CREDENTIALS, /* no header, or a name and a password that are empty (podman) */
	DD_BASIC,
	DD_BEARER,
	DD_BAD_CREDENTIALS /* another scheme, or malformed */
};

struct dd_credentials {
	enum dd_credentials_kind kind;
	char *user, *password; /* of BASIC; NUL-terminated, nothing else in them is excluded */
	const char *token;     /* of BEARER: within the header */
	size_t token_len;
	char *memory; /* of user and password */
};

#define DD_AUTHORIZATION_MAX ((size_t)96 << 10)

/* header NULL: none came. 0 or DD_ENOMEM. */
int dd_credentials_read(const char *header, struct dd_credentials *credentials);
void dd_credentials_release(struct dd_credentials *credentials); /* and forgets the password */

/* For a challenge: what a token has to grant. */
int dd_auth_write_scope(struct dd_text *text, const struct dd_auth_request *request);
/* A parameter's value between quotes. */
int dd_auth_write_quoted(struct dd_text *text, const char *name, const char *value);

#endif
