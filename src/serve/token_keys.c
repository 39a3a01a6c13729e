/*
 * Keys as libjose has them (JWK), with the names under which tokens may refer to them.
 *
 * A certificate has no name for its key; token servers use either of two digests of it: RFC 7638's
 * thumbprint, or the one of libtrust (SHA-256 of the key's DER cut to 240 bits, in base32, by fours).
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <jose/jwk.h>
#include <jose/jws.h>
#include <jose/openssl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include <drydock/digest.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "serve/token_keys.h"
#include "text/json.h"

#define KEYS_MAX 1000
#define TRUST_ID 60 /* 48 characters and 11 colons */

static const struct {
	const char *name, *type, *curve;
} signatures[] = {
#define X(constant, name, type, curve) [constant] = { name, type, curve },
	DD_SIGNATURES(X)
#undef X
};

struct token_key {
	json_t *jwk;
	char *names[2]; /* NULL: it has none */
};

struct dd_token_keys {
	/* Neither jansson's counts nor libjose promise anything to threads. */
	pthread_mutex_t lock;
	DD_LIST(struct token_key) list;
	X509_STORE *roots; /* NULL: no certificates */
};

const char *dd_signature_name(enum dd_signature signature)
{
	return signatures[signature].name;
}

int dd_signature_parse(const char *name)
{
	for (size_t i = 0; i < DD_COUNT(signatures); i++)
		if (!strcmp(signatures[i].name, name))
			return (int)i;
	return -1;
}

static void json_decrefp_(json_t **json)
{
	json_decref(*json);
}

static void pkey_freep(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void x509_freep(X509 **certificate)
{
	X509_free(*certificate);
}

static void bio_freep(BIO **bio)
{
	BIO_free(*bio);
}

static void x509_stackp(STACK_OF(X509) * *stack)
{
	sk_X509_pop_free(*stack, X509_free);
}

static void x509_ctxp(X509_STORE_CTX **ctx)
{
	X509_STORE_CTX_free(*ctx);
}

static void jose_cfgp(jose_cfg_t **cfg)
{
	jose_cfg_decref(*cfg);
}

/* libjose would tell standard error what it thinks. */
static void say_nothing(void *misc, const char *file, int line, uint64_t code, const char *fmt,
			va_list args)
{
	(void)misc;
	(void)file;
	(void)line;
	(void)code;
	(void)fmt;
	(void)args;
}

static jose_cfg_t *quiet(void)
{
	jose_cfg_t *cfg = jose_cfg();

	if (cfg)
		jose_cfg_set_err_func(cfg, say_nothing, NULL);
	return cfg;
}

int dd_token_keys_open(struct dd_token_keys **keys, struct dd_error *err)
{
	*keys = calloc(1, sizeof(**keys));
	if (!*keys)
		return dd_fail(err, DD_ENOMEM, 0, "read the keys of tokens");
	pthread_mutex_init(&(*keys)->lock, NULL);
	return 0;
}

void dd_token_keys_closep(struct dd_token_keys **keys)
{
	if (!*keys)
		return;
	for (size_t i = 0; i < (*keys)->list.count; i++) {
		struct token_key *key = &(*keys)->list.items[i];

		json_decref(key->jwk);
		free(key->names[0]);
		free(key->names[1]);
	}
	dd_list_release(&(*keys)->list);
	X509_STORE_free((*keys)->roots);
	pthread_mutex_destroy(&(*keys)->lock);
	free(*keys);
	*keys = NULL;
}

size_t dd_token_keys_count(const struct dd_token_keys *keys)
{
	return keys->list.count;
}

static const char *text_of(const json_t *jwk, const char *field)
{
	return json_string_value(json_object_get(jwk, field));
}

/* Which of the algorithms it is for at all; by its type and curve. */
static bool is_for(const json_t *jwk, enum dd_signature signature)
{
	const char *type = text_of(jwk, "kty"), *curve = text_of(jwk, "crv");
	const char *said = text_of(jwk, "alg"), *use = text_of(jwk, "use");

	return type && !strcmp(type, signatures[signature].type) &&
	       (!signatures[signature].curve ||
		(curve && !strcmp(curve, signatures[signature].curve))) &&
	       (!said || !strcmp(said, signatures[signature].name)) &&
	       (!use || !strcmp(use, "sig"));
}

static bool is_for_any(const json_t *jwk)
{
	for (int i = 0; i < DD_SIGNATURE_COUNT; i++)
		if (is_for(jwk, (enum dd_signature)i))
			return true;
	return false;
}

/* ---- names of keys ---- */

static char *thumbprint(const json_t *jwk)
{
	DD_CLEANUP(jose_cfgp) jose_cfg_t *cfg = quiet();
	DD_CLEANUP(json_decrefp_) json_t *text = jose_jwk_thp(cfg, jwk, "S256");

	return text ? strdup(json_string_value(text)) : NULL;
}

static char *trust_id(EVP_PKEY *key)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der);
	struct dd_digest digest = { 0 };
	char *text = NULL, *to;

	if (len > 0 && dd_digest_of(&digest, DD_SHA256, der, (size_t)len, NULL) == 0)
		text = to = calloc(1, TRUST_ID);
	OPENSSL_free(der);
	for (unsigned i = 0; text && i < 48; i++) {
		unsigned bit = i * 5, byte = bit / 8;
		unsigned two = (unsigned)digest.bytes[byte] << 8 | digest.bytes[byte + 1];

		if (i && i % 4 == 0)
			*to++ = ':';
		*to++ = letters[two >> (11 - bit % 8) & 31];
	}
	return text;
}

/* The key becomes the table's, names too. */
static int add_key(struct dd_token_keys *keys, json_t *jwk, char *first, char *second,
		   struct dd_error *err)
{
	struct token_key *key = dd_list_add(&keys->list);

	if (!key) {
		json_decref(jwk);
		free(first);
		free(second);
		return dd_fail(err, DD_ENOMEM, 0, "read the keys of tokens");
	}
	*key = (struct token_key){ jwk, { first, second } };
	return 0;
}

/* ---- certificates ---- */

static json_t *jwk_of(X509 *certificate)
{
	DD_CLEANUP(jose_cfgp) jose_cfg_t *cfg = quiet();
	EVP_PKEY *key = X509_get0_pubkey(certificate);

	return key ? jose_openssl_jwk_from_EVP_PKEY(cfg, key) : NULL;
}

static int add_certificate(struct dd_token_keys *keys, X509 *certificate, size_t number,
			   struct dd_error *err)
{
	json_t *jwk = jwk_of(certificate);

	/* Of another kind, it may still vouch for one of ours. */
	if (jwk && is_for_any(jwk)) {
		int rc = add_key(keys, jwk, thumbprint(jwk),
				 trust_id(X509_get0_pubkey(certificate)), err);

		if (rc < 0)
			return rc;
	} else {
		json_decref(jwk);
	}
	if (!X509_STORE_add_cert(keys->roots, certificate))
		return dd_fail(err, DD_ECONFIG, 0, "certificate %zu: cannot be used", number);
	return 0;
}

int dd_token_keys_add_certificates(struct dd_token_keys *keys, const char *pem, size_t len,
				   struct dd_error *err)
{
	DD_CLEANUP(bio_freep) BIO *bio = BIO_new_mem_buf(pem, (int)len);
	size_t count = 0;
	int rc = 0;

	if (!keys->roots)
		keys->roots = X509_STORE_new();
	if (!bio || !keys->roots)
		return dd_fail(err, DD_ENOMEM, 0, "read certificates");
	/* Each of the bundle is an anchor, whoever signed it. */
	X509_STORE_set_flags(keys->roots, X509_V_FLAG_PARTIAL_CHAIN);
	while (rc == 0) {
		DD_CLEANUP(x509_freep) X509 *certificate = NULL;

		ERR_clear_error();
		certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		if (!certificate)
			break;
		if (++count > KEYS_MAX)
			return dd_fail(err, DD_ECONFIG, 0, "more than %d certificates", KEYS_MAX);
		rc = add_certificate(keys, certificate, count, err);
	}
	if (rc == 0 && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		rc = dd_fail(err, DD_ECONFIG, 0, "certificate %zu: damaged", count + 1);
	else if (rc == 0 && !count)
		rc = dd_fail(err, DD_ECONFIG, 0, "there is no certificate in it (PEM)");
	ERR_clear_error();
	return rc;
}

static int refuse_chain(X509_STORE_CTX *ctx, struct dd_error *err)
{
	const char *why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx));

	ERR_clear_error();
	return dd_fail(err, DD_EREFUSED, 0, "its certificate is not trusted: %s", why);
}

static X509 *decode(const struct dd_certificate *from)
{
	const unsigned char *at = from->der;
	X509 *certificate = d2i_X509(NULL, &at, (long)from->len);

	if (certificate && (const char *)at == (const char *)from->der + from->len)
		return certificate;
	X509_free(certificate);
	return NULL;
}

/* The first certificate, once the others and the bundle have vouched for it. */
static int trust_chain(struct dd_token_keys *keys, const struct dd_signed *token, X509 **out,
		       struct dd_error *err)
{
	DD_CLEANUP(x509_ctxp) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	DD_CLEANUP(x509_stackp) STACK_OF(X509) *others = sk_X509_new_null();
	DD_CLEANUP(x509_freep) X509 *first = decode(&token->certificates[0]);

	for (size_t i = 1; first && others && i < token->certificate_count; i++) {
		X509 *next = decode(&token->certificates[i]);

		if (!next || !sk_X509_push(others, next)) {
			X509_free(next);
			X509_free(first);
			first = NULL;
		}
	}
	if (!first) {
		ERR_clear_error();
		return dd_fail(err, DD_EREFUSED, 0, "a certificate in its header is damaged");
	}
	if (!ctx || !others || !X509_STORE_CTX_init(ctx, keys->roots, first, others))
		return dd_fail(err, DD_ENOMEM, 0, "check a token");
	if (X509_verify_cert(ctx) != 1)
		return refuse_chain(ctx, err);
	*out = first;
	first = NULL;
	return 0;
}

/* ---- JWKS ---- */

static int add_jwk(struct dd_token_keys *keys, const json_t *from, size_t number,
		   struct dd_error *err)
{
	const char *type = text_of(from, "kty"), *id = text_of(from, "kid");
	DD_CLEANUP(jose_cfgp) jose_cfg_t *cfg = quiet();
	DD_CLEANUP(pkey_freep) EVP_PKEY *key = NULL;
	json_t *copy;

	if (!type)
		return dd_fail(err, DD_ECONFIG, 0, "key %zu: it has no type (kty)", number);
	if (!strcmp(type, "oct"))
		return dd_fail(err, DD_ECONFIG, 0,
			       "key %zu: a shared secret; tokens are signed with private keys",
			       number);
	/* A set is for others, too: keys for encryption, kinds that we do not know. */
	if (!is_for_any(from))
		return 0;
	copy = json_deep_copy(from);
	key = copy && jose_jwk_pub(cfg, copy) ? jose_openssl_jwk_to_EVP_PKEY(cfg, copy) : NULL;
	if (!key) {
		json_decref(copy);
		return dd_fail(err, DD_ECONFIG, 0, "key %zu: damaged", number);
	}
	return add_key(keys, copy, id ? strdup(id) : NULL, NULL, err);
}

int dd_token_keys_add_jwks(struct dd_token_keys *keys, const char *bytes, size_t len,
			   struct dd_error *err)
{
	json_error_t error;
	DD_CLEANUP(json_decrefp_)
	json_t *root = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &error);
	const json_t *list = json_object_get(root, "keys"), *key;
	size_t at, before = keys->list.count;

	if (!root)
		return dd_fail(err, DD_ECONFIG, 0, "line %d, column %d: not JSON: %s", error.line,
			       error.column, error.text);
	if (!json_is_array(list))
		return dd_fail(err, DD_ECONFIG, 0, "not a JWKS: there is no list \"keys\" in it");
	if (json_array_size(list) > KEYS_MAX)
		return dd_fail(err, DD_ECONFIG, 0, "more than %d keys", KEYS_MAX);
	json_array_foreach((json_t *)(uintptr_t)list, at, key)
	{
		int rc = add_jwk(keys, key, at + 1, err);

		if (rc < 0)
			return rc;
	}
	if (keys->list.count == before)
		return dd_fail(err, DD_ECONFIG, 0, "there is no key in it that signs");
	return 0;
}

/* ---- signatures ---- */

static bool verify_by(const json_t *jws, const json_t *jwk)
{
	DD_CLEANUP(jose_cfgp) jose_cfg_t *cfg = quiet();
	bool good = cfg && jose_jws_ver(cfg, jws, NULL, jwk, false);

	ERR_clear_error();
	return good;
}

static bool has_name(const struct token_key *key, const char *name)
{
	return !name || (key->names[0] && !strcmp(key->names[0], name)) ||
	       (key->names[1] && !strcmp(key->names[1], name));
}

static int verify_by_any(struct dd_token_keys *keys, const struct dd_signed *token,
			 const json_t *jws, struct dd_error *err)
{
	bool tried = false;

	for (size_t i = 0; i < keys->list.count; i++) {
		const struct token_key *key = &keys->list.items[i];

		if (!has_name(key, token->key_id) || !is_for(key->jwk, token->signature))
			continue;
		tried = true;
		if (verify_by(jws, key->jwk))
			return 0;
	}
	return dd_fail(err, DD_EREFUSED, 0, "%s",
		       tried ? "its signature is wrong" :
			       "it is signed with a key that is not known");
}

static int verify_by_chain(struct dd_token_keys *keys, const struct dd_signed *token,
			   const json_t *jws, struct dd_error *err)
{
	DD_CLEANUP(x509_freep) X509 *certificate = NULL;
	DD_CLEANUP(json_decrefp_) json_t *jwk = NULL;
	int rc;

	if (!keys->roots)
		return dd_fail(err, DD_EREFUSED, 0, "it brings a certificate, and none is trusted");
	rc = trust_chain(keys, token, &certificate, err);
	if (rc < 0)
		return rc;
	jwk = jwk_of(certificate);
	if (!jwk || !is_for(jwk, token->signature))
		return dd_fail(err, DD_EREFUSED, 0, "its certificate's key is for something else");
	if (!verify_by(jws, jwk))
		return dd_fail(err, DD_EREFUSED, 0, "its signature is wrong");
	return 0;
}

int dd_token_keys_verify(struct dd_token_keys *keys, const struct dd_signed *token,
			 struct dd_error *err)
{
	json_t *jws;
	int rc;

	pthread_mutex_lock(&keys->lock);
	jws = json_pack("{s:s, s:s, s:s}", "protected", token->protected, "payload", token->payload,
			"signature", token->signed_by);
	if (!jws)
		rc = dd_fail(err, DD_ENOMEM, 0, "check a token");
	else if (token->certificate_count)
		rc = verify_by_chain(keys, token, jws, err);
	else
		rc = verify_by_any(keys, token, jws, err);
	json_decref(jws);
	pthread_mutex_unlock(&keys->lock);
	return rc;
}
