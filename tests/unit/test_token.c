/*
 * Tokens: whose signature counts, and which claims have to be there.
 */
#include <unistd.h>

#include <drydock/units.h>

#include "jwt.h"
#include "serve/token.h"
#include "serve/token_keys.h"

#define NOW (INT64_C(1700000000) * DD_SECOND)
#define CLAIMS                                                                            \
	"{\"iss\":\"auth\",\"aud\":\"registry\",\"sub\":\"alice\",\"exp\":1700000300,"    \
	"\"nbf\":1700000000,\"access\":[{\"type\":\"repository\",\"name\":\"app\"," \
	"\"actions\":[\"pull\",\"push\"]}]}"

static EVP_PKEY *rsa, *ec, *other, *big;
static X509 *rsa_certificate;
static char *directory, *bundle_path, *jwks_path;
static struct dd_context *ctx;
static struct dd_tokens *tokens;
static struct dd_identity *identity;
static struct dd_error err;
static char said[4096];

static void hear(void *arg, enum dd_log_level level, const char *text)
{
	(void)arg;
	(void)level;
	snprintf(said, sizeof(said), "%s", text);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fputs(text, file) < 0, 0);
	assert_int_equal(fclose(file), 0);
}

static void write_jwks(EVP_PKEY *key, const char *id)
{
	char *jwk = jwt_public(key, id), text[4096];

	snprintf(text, sizeof(text), "{\"keys\":[%s]}", jwk);
	write_file(jwks_path, text);
	free(jwk);
}

static int group_setup(void **state)
{
	char *pem;

	(void)state;
	rsa = EVP_RSA_gen(2048);
	ec = EVP_EC_gen("P-256");
	other = EVP_EC_gen("P-256");
	big = EVP_EC_gen("P-384");
	rsa_certificate = jwt_certificate(rsa, "root", NULL, NULL, 10);
	directory = strdup("/tmp/drydock-token-XXXXXX");
	if (!mkdtemp(directory) || asprintf(&bundle_path, "%s/bundle.pem", directory) < 0 ||
	    asprintf(&jwks_path, "%s/jwks.json", directory) < 0 || dd_context_open(&ctx, NULL) < 0)
		return -1;
	dd_context_set_log(ctx, hear, NULL, DD_LOG_WARNING);
	pem = jwt_pem(rsa_certificate);
	write_file(bundle_path, pem);
	free(pem);
	write_jwks(ec, "the-key");
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	unlink(bundle_path);
	unlink(jwks_path);
	rmdir(directory);
	free(bundle_path);
	free(jwks_path);
	free(directory);
	X509_free(rsa_certificate);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(other);
	EVP_PKEY_free(big);
	dd_context_closep(&ctx);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dd_tokens_closep(&tokens);
	dd_identity_unref(identity);
	identity = NULL;
	said[0] = '\0';
	return 0;
}

static struct dd_auth_options options(bool bundle, bool jwks)
{
	return (struct dd_auth_options){ .token_realm = "https://auth.example/token",
					 .token_service = "registry",
					 .token_issuer = "auth",
					 .token_rootcertbundle = bundle ? bundle_path : NULL,
					 .token_jwks = jwks ? jwks_path : NULL };
}

static void open_tokens(bool bundle, bool jwks)
{
	const struct dd_auth_options chosen = options(bundle, jwks);

	dd_tokens_closep(&tokens);
	if (dd_tokens_open(ctx, &chosen, &tokens, &err) < 0)
		fail_msg("%s", err.text);
}

static int check(char *token)
{
	int64_t until_ns;
	int rc;

	dd_identity_unref(identity);
	err.text[0] = '\0';
	rc = dd_tokens_check(tokens, token, strlen(token), NOW, &identity, &until_ns, &err);
	assert_true((rc == 0) == !!identity);
	free(token);
	return rc;
}

static void counts(char *token)
{
	if (check(token) != 0)
		fail_msg("%s", err.text);
}

static void refused(char *token, const char *why)
{
	if (check(token) != DD_EREFUSED || !strstr(err.text, why))
		fail_msg("wanted \"%s\", got \"%s\"", why, err.text);
}

/* ---- signatures ---- */

static void a_token_signed_with_a_key_of_the_set_counts(void **state)
{
	(void)state;
	open_tokens(false, true);
	counts(jwt_sign("{\"alg\":\"ES256\",\"kid\":\"the-key\"}", CLAIMS, ec));
	assert_string_equal(dd_identity_get_user(identity), "alice");
	assert_true(dd_identity_has(identity, "app", DD_AUTH_PULL | DD_AUTH_PUSH));
	assert_false(dd_identity_has(identity, "app", DD_AUTH_DELETE));
	assert_false(dd_identity_has(identity, "application", DD_AUTH_PULL));
	counts(jwt_sign("{\"alg\":\"ES256\"}", CLAIMS, ec));
	refused(jwt_sign("{\"alg\":\"ES256\",\"kid\":\"another\"}", CLAIMS, ec), "not known");
	refused(jwt_sign("{\"alg\":\"ES256\",\"kid\":\"the-key\"}", CLAIMS, other), "signature");
	refused(jwt_sign("{\"alg\":\"ES256\"}", CLAIMS, other), "signature");
}

static void a_token_signed_with_a_certificates_key_counts(void **state)
{
	static const char *const algorithms[] = { "RS256", "RS384", "RS512",
						  "PS256", "PS384", "PS512" };
	char header[64];

	(void)state;
	open_tokens(true, false);
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(*algorithms); i++) {
		snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", algorithms[i]);
		counts(jwt_sign(header, CLAIMS, rsa));
	}
	refused(jwt_sign("{\"alg\":\"ES256\"}", CLAIMS, ec), "not known");
}

/* By the two names that token servers have for it. */
static void a_certificates_key_is_known_by_its_digests(void **state)
{
	json_t *jwk = jose_openssl_jwk_from_EVP_PKEY(NULL, rsa), *print;
	char header[256], trust[60], *to = trust;
	unsigned char *der = NULL, digest[32];
	int len = i2d_PUBKEY(rsa, &der);
	unsigned bits = 0, held = 0, written = 0;

	(void)state;
	open_tokens(true, false);
	print = jose_jwk_thp(NULL, jwk, "S256");
	snprintf(header, sizeof(header), "{\"alg\":\"RS256\",\"kid\":\"%s\"}",
		 json_string_value(print));
	counts(jwt_sign(header, CLAIMS, rsa));
	EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL);
	for (unsigned i = 0; i < 30; i++) {
		bits = bits << 8 | digest[i];
		for (held += 8; held >= 5; held -= 5) {
			if (written && written % 4 == 0)
				*to++ = ':';
			*to++ = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[bits >> (held - 5) & 31];
			written++;
		}
	}
	*to = '\0';
	assert_int_equal(strlen(trust), 59);
	snprintf(header, sizeof(header), "{\"alg\":\"RS256\",\"kid\":\"%s\"}", trust);
	counts(jwt_sign(header, CLAIMS, rsa));
	header[strlen(header) - 3] ^= 1;
	refused(jwt_sign(header, CLAIMS, rsa), "not known");
	OPENSSL_free(der);
	json_decref(jwk);
	json_decref(print);
}

static char *sign_with_chain(EVP_PKEY *key, X509 *first, X509 *second)
{
	const char *algorithm = key == rsa ? "RS256" : "ES256";
	char *a = jwt_der(first), *b = second ? jwt_der(second) : NULL, *header, *token;

	assert_true(asprintf(&header, "{\"alg\":\"%s\",\"x5c\":[\"%s\"%s%s%s]}", algorithm, a, b ? ",\"" : "",
			     b ? b : "", b ? "\"" : "") > 0);
	token = jwt_sign(header, CLAIMS, key);
	free(a);
	free(b);
	free(header);
	return token;
}

static void a_certificate_that_the_bundle_vouches_for_counts(void **state)
{
	X509 *leaf = jwt_certificate(ec, "leaf", rsa_certificate, rsa, 10);
	X509 *late = jwt_certificate(ec, "late", rsa_certificate, rsa, -1);
	X509 *own = jwt_certificate(ec, "root", NULL, NULL, 10);
	X509 *middle = jwt_certificate(other, "middle", rsa_certificate, rsa, 10);
	X509 *below = jwt_certificate(ec, "below", middle, other, 10);

	(void)state;
	open_tokens(true, false);
	counts(sign_with_chain(rsa, rsa_certificate, NULL));
	counts(sign_with_chain(ec, leaf, NULL));
	counts(sign_with_chain(ec, leaf, rsa_certificate));
	refused(sign_with_chain(other, leaf, NULL), "signature");
	refused(sign_with_chain(ec, late, NULL), "expired");
	refused(sign_with_chain(ec, own, NULL), "not trusted");
	/* What stands between is no authority, and says so nowhere. */
	refused(sign_with_chain(ec, below, NULL), "not trusted");
	refused(sign_with_chain(ec, below, middle), "not trusted");
	open_tokens(false, true);
	/* Where no certificate is trusted, none is: not even with a key that is. */
	refused(sign_with_chain(ec, leaf, NULL), "none is trusted");
	X509_free(leaf);
	X509_free(late);
	X509_free(own);
	X509_free(middle);
	X509_free(below);
}

static void the_algorithm_is_not_the_tokens_to_choose(void **state)
{
	char *pem = jwt_pem(rsa_certificate);
	json_t *jwk, *secret = jose_b64_enc(pem, strlen(pem));

	(void)state;
	open_tokens(true, true);
	refused(jwt_sign("{\"alg\":\"none\"}", CLAIMS, NULL), "algorithm");
	refused(jwt_sign("{\"alg\":\"None\"}", CLAIMS, NULL), "algorithm");
	refused(jwt_sign("{\"alg\":\"\"}", CLAIMS, NULL), "algorithm");
	refused(jwt_sign("{}", CLAIMS, NULL), "header");
	refused(jwt_sign("{\"ALG\":\"ES256\"}", CLAIMS, NULL), "header");
	/* The public key as the secret of a MAC. */
	jwk = json_pack("{s:s, s:O}", "kty", "oct", "k", secret);
	refused(jwt_sign_jwk("{\"alg\":\"HS256\"}", CLAIMS, jwk), "algorithm");
	json_decref(jwk);
	/* Of its kind, but not for its curve. */
	refused(jwt_sign("{\"alg\":\"ES256\"}", CLAIMS, NULL), "signature");
	refused(jwt_sign("{\"alg\":\"ES384\"}", CLAIMS, big), "not known");
	/* What is critical has to be understood. */
	refused(jwt_sign("{\"alg\":\"ES256\",\"crit\":[\"b64\"],\"b64\":false}", CLAIMS, NULL),
		"crit");
	refused(jwt_sign("{\"alg\":\"ES256\",\"alg\":\"ES256\"}", CLAIMS, NULL), "header");
	json_decref(secret);
	free(pem);
}

static void only_the_algorithms_that_were_configured_count(void **state)
{
	static const char *const some[] = { "RS256", "HS256", "EdDSA" };
	struct dd_auth_options chosen = options(true, true);

	(void)state;
	chosen.token_algorithms = some;
	chosen.token_algorithm_count = 2;
	assert_int_equal(dd_tokens_open(ctx, &chosen, &tokens, &err), 0);
	assert_non_null(strstr(said, "HS256"));
	counts(jwt_sign("{\"alg\":\"RS256\"}", CLAIMS, rsa));
	refused(jwt_sign("{\"alg\":\"RS384\"}", CLAIMS, rsa), "algorithm");
	refused(jwt_sign("{\"alg\":\"ES256\"}", CLAIMS, ec), "algorithm");
	dd_tokens_closep(&tokens);
	chosen.token_algorithms = some + 1;
	assert_int_equal(dd_tokens_open(ctx, &chosen, &tokens, &err), DD_ECONFIG);
	assert_non_null(strstr(err.text, "signingalgorithms"));
}

static void what_is_no_token_is_refused(void **state)
{
	char *long_one = malloc(DD_TOKEN_MAX + 2);

	(void)state;
	open_tokens(false, true);
	refused(strdup(""), "three parts");
	refused(strdup("a.b"), "three parts");
	refused(strdup("a.b.c.d"), "three parts");
	refused(strdup("..."), "three parts");
	refused(strdup("YQ.YQ."), "three parts");
	refused(strdup("a.b.c"), "base64url");
	refused(strdup("YQ==.YQ.YQ"), "base64url");
	refused(strdup("YQ.YQ.YQ"), "header");
	refused(strdup("W10.YQ.YQ"), "header");
	memset(long_one, 'a', DD_TOKEN_MAX + 1);
	long_one[DD_TOKEN_MAX + 1] = '\0';
	refused(long_one, "too long");
	refused(jwt_sign("{\"alg\":\"ES256\",\"x5c\":[]}", CLAIMS, ec), "certificates");
	refused(jwt_sign("{\"alg\":\"ES256\",\"x5c\":[\"YQ\"]}", CLAIMS, ec), "certificates");
	refused(jwt_sign("{\"alg\":\"ES256\",\"kid\":7}", CLAIMS, ec), "header");
	refused(jwt_sign("{\"alg\":\"ES256\"}", "no JSON", ec), "claims");
	refused(jwt_sign("{\"alg\":\"ES256\"}", "[]", ec), "claims");
}

static void a_changed_byte_of_a_token_is_noticed(void **state)
{
	char *good = jwt_sign("{\"alg\":\"ES256\"}", CLAIMS, ec);

	(void)state;
	open_tokens(false, true);
	for (size_t i = 0; i < strlen(good); i++) {
		char *copy = strdup(good);

		copy[i] = copy[i] == 'A' ? 'B' : 'A';
		assert_int_equal(check(copy), DD_EREFUSED);
	}
	counts(good);
}

/* ---- claims ---- */

static int claims(const char *text)
{
	const struct dd_claims_wanted wanted = { "auth", "registry", NOW };
	int64_t until_ns;
	int rc;

	dd_identity_unref(identity);
	err.text[0] = '\0';
	rc = dd_claims_read(text, strlen(text), &wanted, &identity, &until_ns, &err);
	assert_true((rc == 0) == !!identity);
	return rc;
}

static void claim_refused(const char *text, const char *why)
{
	if (claims(text) != DD_EREFUSED || !strstr(err.text, why))
		fail_msg("%s: wanted \"%s\", got \"%s\"", text, why, err.text);
}

#define MOST "\"iss\":\"auth\",\"aud\":\"registry\""
#define ALL MOST ",\"exp\":1700000300"

static void issuer_audience_and_times_have_to_be_right(void **state)
{
	(void)state;
	assert_int_equal(claims("{" ALL "}"), 0);
	claim_refused("{\"aud\":\"registry\",\"exp\":1700000300}", "issuer");
	claim_refused("{\"iss\":\"Auth\",\"aud\":\"registry\",\"exp\":1700000300}", "issuer");
	claim_refused("{\"iss\":[\"auth\"],\"aud\":\"registry\",\"exp\":1700000300}", "issuer");
	claim_refused("{\"iss\":\"auth\\u0000\",\"aud\":\"registry\",\"exp\":1700000300}", "issuer");
	claim_refused("{\"iss\":\"auth\",\"exp\":1700000300}", "service");
	claim_refused("{\"iss\":\"auth\",\"aud\":\"registry2\",\"exp\":1700000300}", "service");
	claim_refused("{\"iss\":\"auth\",\"aud\":[],\"exp\":1700000300}", "service");
	assert_int_equal(claims("{\"iss\":\"auth\",\"aud\":[7,\"x\",\"registry\"],"
				"\"exp\":1700000300}"),
			 0);
	claim_refused("{" MOST "}", "expires");
	claim_refused("{" MOST ",\"exp\":\"1700000300\"}", "expires");
	claim_refused("{" MOST ",\"exp\":1e30}", "expires");
	claim_refused("{" MOST ",\"exp\":-1}", "expires");
	claim_refused("{" MOST ",\"exp\":9223372036854775807}", "expires");
	/* A minute either way, for clocks differ. */
	claim_refused("{" MOST ",\"exp\":1699999940}", "has expired");
	assert_int_equal(claims("{" MOST ",\"exp\":1699999941}"), 0);
	claim_refused("{" ALL ",\"nbf\":1700000061}", "not count yet");
	assert_int_equal(claims("{" ALL ",\"nbf\":1700000060}"), 0);
	claim_refused("{" ALL ",\"nbf\":\"x\"}", "whole number");
	claim_refused("{" ALL ",\"exp\":1900000000}", "malformed");
	claim_refused("{" ALL ",\"sub\":7}", "subject");
	claim_refused("{" ALL ",\"sub\":\"a\\u0000b\"}", "subject");
}

static void access_grants_what_it_names_and_nothing_else(void **state)
{
	(void)state;
	assert_int_equal(
		claims("{" ALL ",\"sub\":\"ci\",\"access\":["
		       "{\"type\":\"repository\",\"name\":\"a/b\",\"actions\":[\"pull\"]},"
		       "{\"type\":\"repository\",\"name\":\"a/b\",\"actions\":[\"delete\",\"fly\",7]},"
		       "{\"type\":\"repository\",\"name\":\"all\",\"actions\":[\"*\"]},"
		       "{\"type\":\"repository(plugin)\",\"name\":\"p\",\"actions\":[\"pull\"]},"
		       "{\"type\":\"registry\",\"name\":\"other\",\"actions\":[\"*\"]},"
		       "{\"type\":\"repository\",\"name\":\"s\",\"actions\":\"pull\"}]}"),
		0);
	assert_true(dd_identity_has(identity, "a/b", DD_AUTH_PULL | DD_AUTH_DELETE));
	assert_false(dd_identity_has(identity, "a/b", DD_AUTH_PUSH));
	assert_false(dd_identity_has(identity, "a", DD_AUTH_PULL));
	assert_true(
		dd_identity_has(identity, "all", DD_AUTH_PULL | DD_AUTH_PUSH | DD_AUTH_DELETE));
	assert_false(dd_identity_has(identity, "p", DD_AUTH_PULL));
	assert_false(dd_identity_has(identity, "s", DD_AUTH_PULL));
	assert_false(dd_identity_has(identity, NULL, DD_AUTH_CATALOG));
	assert_int_equal(claims("{" ALL ",\"access\":[{\"type\":\"registry\",\"name\":\"catalog\","
				"\"actions\":[\"*\"]}]}"),
			 0);
	assert_true(dd_identity_has(identity, NULL, DD_AUTH_CATALOG));
	assert_false(dd_identity_has(identity, "a", DD_AUTH_PULL));
	/* Somebody who is nobody in particular has what the token grants. */
	assert_string_equal(dd_identity_get_user(identity), "");
	claim_refused("{" ALL ",\"access\":{}}", "list");
	claim_refused("{" ALL ",\"access\":[7]}", "malformed");
	claim_refused("{" ALL ",\"access\":[{\"type\":\"repository\",\"Type\":\"registry\"}]}",
		      "malformed");
}

/* ---- what is configured ---- */

static void cannot_open(const struct dd_auth_options *chosen, int code, const char *why)
{
	struct dd_tokens *none;

	err.text[0] = '\0';
	if (dd_tokens_open(ctx, chosen, &none, &err) != code || !strstr(err.text, why))
		fail_msg("wanted \"%s\", got \"%s\"", why, err.text);
	assert_null(none);
}

static void files_without_usable_keys_are_refused(void **state)
{
	struct dd_auth_options chosen = options(false, true);

	(void)state;
	write_file(jwks_path, "{\"keys\":[]}");
	cannot_open(&chosen, DD_ECONFIG, "no key");
	assert_non_null(strstr(err.text, jwks_path));
	write_file(jwks_path, "{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}]}");
	cannot_open(&chosen, DD_ECONFIG, "key 1: a shared secret");
	write_file(jwks_path, "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\"}]}");
	cannot_open(&chosen, DD_ECONFIG, "key 1: damaged");
	write_file(jwks_path, "{\"keys\":[{\"crv\":\"P-256\"}]}");
	cannot_open(&chosen, DD_ECONFIG, "key 1: it has no type");
	write_file(jwks_path, "[]");
	cannot_open(&chosen, DD_ECONFIG, "not a JWKS");
	write_file(jwks_path, "{");
	cannot_open(&chosen, DD_ECONFIG, "not JSON");
	chosen = options(true, false);
	chosen.token_rootcertbundle = jwks_path;
	cannot_open(&chosen, DD_ECONFIG, "no certificate");
	write_file(jwks_path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	cannot_open(&chosen, DD_ECONFIG, "certificate 1: damaged");
	chosen.token_rootcertbundle = "/nowhere";
	cannot_open(&chosen, DD_ENOENT, "auth.token.rootcertbundle");
	write_jwks(ec, "the-key");
}

static void what_a_token_is_checked_against_has_to_be_set(void **state)
{
	struct dd_auth_options chosen = options(true, false);

	(void)state;
	chosen.token_issuer = NULL;
	cannot_open(&chosen, DD_ECONFIG, "issuer");
	chosen = options(true, false);
	chosen.token_service = "";
	cannot_open(&chosen, DD_ECONFIG, "service");
	chosen = options(true, false);
	chosen.token_realm = NULL;
	cannot_open(&chosen, DD_ECONFIG, "realm");
	chosen = options(false, false);
	cannot_open(&chosen, DD_ECONFIG, "rootcertbundle");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_token_signed_with_a_key_of_the_set_counts, teardown),
		cmocka_unit_test_teardown(a_token_signed_with_a_certificates_key_counts, teardown),
		cmocka_unit_test_teardown(a_certificates_key_is_known_by_its_digests, teardown),
		cmocka_unit_test_teardown(a_certificate_that_the_bundle_vouches_for_counts,
					  teardown),
		cmocka_unit_test_teardown(the_algorithm_is_not_the_tokens_to_choose, teardown),
		cmocka_unit_test_teardown(only_the_algorithms_that_were_configured_count, teardown),
		cmocka_unit_test_teardown(what_is_no_token_is_refused, teardown),
		cmocka_unit_test_teardown(a_changed_byte_of_a_token_is_noticed, teardown),
		cmocka_unit_test_teardown(issuer_audience_and_times_have_to_be_right, teardown),
		cmocka_unit_test_teardown(access_grants_what_it_names_and_nothing_else, teardown),
		cmocka_unit_test_teardown(files_without_usable_keys_are_refused, teardown),
		cmocka_unit_test_teardown(what_a_token_is_checked_against_has_to_be_set, teardown),
	};

	return cmocka_run_group_tests_name("token", tests, group_setup, group_teardown);
}
