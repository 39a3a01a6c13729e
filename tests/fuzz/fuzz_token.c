/*
 * Any bytes are an Authorization header, a token, claims: read without harm, and no token that
 * nobody signed is ever good.
 */
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <drydock/units.h>

#include "must.h"
#include "serve/auth_header.h"
#include "serve/own_token.h"
#include "serve/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first example of RFC 7517, appendix A.1: its private half is in A.2, and in no corpus. */
static const char jwks[] = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","
			   "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
			   "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}]}";

static struct dd_tokens *open_tokens(void)
{
	char path[] = "/tmp/drydock-fuzz-XXXXXX";
	struct dd_auth_options options = { .token_realm = "a",
					   .token_service = "registry",
					   .token_issuer = "auth",
					   .token_jwks = path };
	struct dd_tokens *tokens;
	struct dd_context *ctx;
	int fd = mkstemp(path);

	MUST(fd >= 0 && write(fd, jwks, strlen(jwks)) == (ssize_t)strlen(jwks));
	close(fd);
	MUST(dd_context_open(&ctx, NULL) == 0);
	MUST(dd_tokens_open(ctx, &options, &tokens, NULL) == 0);
	dd_context_closep(&ctx);
	unlink(path);
	return tokens;
}

static void try_header(const char *text)
{
	struct dd_credentials credentials;

	MUST(dd_credentials_read(text, &credentials) == 0);
	if (credentials.kind == DD_BASIC)
		MUST(credentials.user && credentials.password && !strchr(credentials.user, ':'));
	if (credentials.kind == DD_BEARER)
		MUST(credentials.token_len && credentials.token > text &&
		     credentials.token + credentials.token_len <= text + strlen(text));
	dd_credentials_release(&credentials);
}

static void try_claims(const char *text, size_t len)
{
	const int64_t now_ns = INT64_C(1700000000) * DD_SECOND;
	const struct dd_claims_wanted wanted = { "auth", "registry", now_ns };
	struct dd_identity *identity;
	int64_t until_ns = 0;
	int rc = dd_claims_read(text, len, &wanted, &identity, &until_ns, NULL);

	MUST(rc == 0 || (rc == DD_EREFUSED && !identity));
	if (rc == 0)
		MUST(until_ns > now_ns && !dd_identity_has(identity, "never/named",
							   DD_AUTH_CATALOG));
	dd_identity_unref(identity);
}

static void try_own(const char *text)
{
	struct dd_own_token token;
	struct dd_text again = { 0 };

	if (dd_own_token_parse(&token, text, strlen(text)) < 0)
		return;
	/* There is one way to write it. */
	MUST(dd_own_token_write(&token, &again) == 0 && !strcmp(again.bytes, text));
	dd_own_token_release(&token);
	dd_text_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dd_tokens *tokens;
	struct dd_identity *identity;
	int64_t until_ns;
	char *text = malloc(size + 1);

	if (!tokens)
		tokens = open_tokens();
	MUST(text);
	memcpy(text, data, size);
	text[size] = '\0';
	try_header(text);
	try_claims(text, size);
	try_own(text);
	MUST(dd_tokens_check(tokens, text, strlen(text), INT64_C(1700000000) * DD_SECOND, &identity,
			     &until_ns, NULL) == DD_EREFUSED &&
	     !identity);
	free(text);
	return 0;
}
