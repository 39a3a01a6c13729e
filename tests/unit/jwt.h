/*
 * Tokens and keys for tests, made as a token server would make them.
 */
#ifndef TESTS_JWT_H
#define TESTS_JWT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jose/b64.h>
#include <jose/jwk.h>
#include <jose/jws.h>
#include <jose/openssl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "unit.h"

/* The DER of a certificate in base64, as x5c wants it. */
static inline char *jwt_der(X509 *certificate)
{
	unsigned char *der = NULL;
	int len = i2d_X509(certificate, &der);
	char *text = calloc(1, (size_t)len * 2);

	assert_true(len > 0);
	assert_non_null(text);
	EVP_EncodeBlock((unsigned char *)text, der, len);
	OPENSSL_free(der);
	return text;
}

static inline char *jwt_pem(X509 *certificate)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes, *text;
	long len;

	assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
	len = BIO_get_mem_data(bio, &bytes);
	text = strndup(bytes, (size_t)len);
	BIO_free(bio);
	return text;
}

/*
 * Signed by the issuer, or by itself if that is NULL: then it is an authority. days: how long it
 * counts; negative: it did.
 */
static inline X509 *jwt_certificate(EVP_PKEY *key, const char *name, X509 *issuer,
				    EVP_PKEY *issuer_key, int days)
{
	static long serial;
	X509 *certificate = X509_new();
	X509_NAME *subject = X509_get_subject_name(certificate);

	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -10 * 86400);
	X509_gmtime_adj(X509_getm_notAfter(certificate), (long)days * 86400);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
				   0);
	X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : subject);
	X509_set_pubkey(certificate, key);
	if (!issuer) {
		char authority[] = "critical,CA:TRUE";
		X509_EXTENSION *extension =
			X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, authority);

		assert_true(X509_add_ext(certificate, extension, -1));
		X509_EXTENSION_free(extension);
	}
	assert_true(X509_sign(certificate, issuer ? issuer_key : key, EVP_sha256()) > 0);
	return certificate;
}

static inline char *jwt_b64(const char *text)
{
	json_t *json = jose_b64_enc(text, strlen(text));
	char *copy = strdup(json_string_value(json));

	json_decref(json);
	return copy;
}

/* A token with a header and claims as they are given, signed by a key (a JWK; NULL: not at all). */
static inline char *jwt_sign_jwk(const char *header, const char *claims, const json_t *jwk)
{
	char *payload = jwt_b64(claims), *protected = jwt_b64(header), *token;
	json_t *jws = json_pack("{s:s}", "payload", payload);
	json_t *sig = json_pack("{s:s}", "protected", protected);
	const char *signed_by = "AAAA";
	size_t len;

	if (jwk) {
		assert_true(jose_jws_sig(NULL, jws, sig, jwk));
		signed_by = json_string_value(json_object_get(jws, "signature"));
		assert_non_null(signed_by);
	}
	len = strlen(payload) + strlen(protected) + strlen(signed_by) + 3;
	token = malloc(len);
	snprintf(token, len, "%s.%s.%s", protected, payload, signed_by);
	free(payload);
	free(protected);
	json_decref(jws);
	json_decref(sig);
	return token;
}

static inline char *jwt_sign(const char *header, const char *claims, EVP_PKEY *key)
{
	json_t *jwk = key ? jose_openssl_jwk_from_EVP_PKEY(NULL, key) : NULL;
	char *token = jwt_sign_jwk(header, claims, jwk);

	json_decref(jwk);
	return token;
}

/* The public half, as a JWKS has it, with a name. */
static inline char *jwt_public(EVP_PKEY *key, const char *id)
{
	json_t *jwk = jose_openssl_jwk_from_EVP_PKEY(NULL, key);
	char *text;

	assert_true(jose_jwk_pub(NULL, jwk));
	json_object_set_new(jwk, "kid", json_string(id));
	text = json_dumps(jwk, JSON_COMPACT);
	json_decref(jwk);
	return text;
}

#endif
