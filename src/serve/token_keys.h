/*
 * The keys that tokens may be signed with: those of a bundle of certificates, those that
 * certificates of the bundle vouch for, those of a JWKS (RFC 7517).
 *
 * Public keys only, and each for the algorithms of its own kind: what a token says about its
 * algorithm chooses among what a key is for, never what a key means. The only place that knows
 * libjose and libcrypto's X.509.
 */
#ifndef SERVE_TOKEN_KEYS_H
#define SERVE_TOKEN_KEYS_H

#include <stddef.h>

#include <drydock/error.h>

/* X(constant, name, key type, curve): RFC 7518, section 3.1; asymmetric ones only */
#define DD_SIGNATURES(X)                    \
	X(DD_RS256, "RS256", "RSA", NULL)   \
	X(DD_RS384, "RS384", "RSA", NULL)   \
	X(DD_RS512, "RS512", "RSA", NULL)   \
	X(DD_ES256, "ES256", "EC", "P-256") \
	X(DD_ES384, "ES384", "EC", "P-384") \
	X(DD_ES512, "ES512", "EC", "P-521") \
	X(DD_PS256, "PS256", "RSA", NULL)   \
	X(DD_PS384, "PS384", "RSA", NULL)   \
	X(DD_PS512, "PS512", "RSA", NULL)

enum dd_signature {
#define X(constant, name, type, curve) constant,
	DD_SIGNATURES(X)
#undef X
	DD_SIGNATURE_COUNT
};

const char *dd_signature_name(enum dd_signature signature);
/* -1: none of them. */
int dd_signature_parse(const char *name);

struct dd_token_keys;

int dd_token_keys_open(struct dd_token_keys **keys, struct dd_error *err);
void dd_token_keys_closep(struct dd_token_keys **keys);

/* Before anybody asks: the files' bytes. DD_ECONFIG: there is no key in it, or one that is none. */
int dd_token_keys_add_certificates(struct dd_token_keys *keys, const char *pem, size_t len,
				   struct dd_error *err);
int dd_token_keys_add_jwks(struct dd_token_keys *keys, const char *json, size_t len,
			   struct dd_error *err);
size_t dd_token_keys_count(const struct dd_token_keys *keys);

/* A certificate as a token's header has it: DER, the signer's first. */
struct dd_certificate {
	const void *der;
	size_t len;
};

/* The three parts of a token as they came, in base64url; each ends in a NUL. */
struct dd_signed {
	enum dd_signature signature;
	const char *key_id; /* NULL: not said, any will do */
	const struct dd_certificate
		*certificates; /* if there are some, the first one's key counts */
	size_t certificate_count;
	const char *protected, *payload, *signed_by;
};

/* 0; DD_EREFUSED with why not. Any thread. */
int dd_token_keys_verify(struct dd_token_keys *keys, const struct dd_signed *token,
			 struct dd_error *err);

#endif
