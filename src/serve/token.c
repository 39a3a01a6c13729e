/*
 * A token, taken apart: header, claims, signature. Nothing in it is believed before the signature
 * has been found good, but for what is needed to find that out.
 */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "serve/read_file.h"
#include "serve/token.h"
#include "serve/token_keys.h"
#include "text/json.h"

#define KEY_FILE_MAX ((size_t)4 << 20)
#define CHAIN_MAX 10

struct dd_tokens {
	char *issuer, *service;
	unsigned signatures; /* bits of enum dd_signature that are taken */
	struct dd_token_keys *keys;
};

static int refuse(struct dd_error *err, const char *why)
{
	return dd_fail(err, DD_EREFUSED, 0, "%s", why);
}

/* ---- what is set up ---- */

static int choose_signatures(struct dd_context *ctx, const struct dd_auth_options *options,
			     struct dd_tokens *tokens, struct dd_error *err)
{
	for (size_t i = 0; i < options->token_algorithm_count; i++) {
		const char *name = options->token_algorithms[i];
		int signature = dd_signature_parse(name);

		if (signature >= 0)
			tokens->signatures |= 1u << signature;
		else
			dd_log(ctx, DD_LOG_WARNING,
			       "auth.token.signingalgorithms: no token signed with %.40s will be "
			       "taken: %s",
			       name,
			       strncmp(name, "HS", 2) != 0 ?
				       "it is not supported here" :
				       "whoever has the key to check it could make one");
	}
	if (!options->token_algorithm_count)
		tokens->signatures = (1u << DD_SIGNATURE_COUNT) - 1;
	if (!tokens->signatures)
		return dd_fail(err, DD_ECONFIG, 0,
			       "auth.token.signingalgorithms: none of them can be used");
	return 0;
}

typedef int add_fn(struct dd_token_keys *keys, const char *bytes, size_t len, struct dd_error *err);

static int add_file(struct dd_tokens *tokens, const char *key, const char *path, add_fn *add,
		    struct dd_error *err)
{
	struct dd_text text = { 0 };
	int rc;

	if (!path)
		return 0;
	rc = dd_read_file(path, KEY_FILE_MAX, &text, err);
	if (rc == 0) {
		rc = add(tokens->keys, text.bytes, text.len, err);
		if (rc < 0)
			dd_wrap(err, rc, "%s", path);
	}
	dd_text_release(&text);
	return rc < 0 ? dd_wrap(err, rc, "%s", key) : 0;
}

/* As the reference has it; a token whose issuer or audience is not looked at is anybody's. */
static int check_options(const struct dd_auth_options *options, struct dd_error *err)
{
	const struct {
		const char *name, *value;
	} needed[] = { { "realm", options->token_realm },
		       { "issuer", options->token_issuer },
		       { "service", options->token_service } };

	for (size_t i = 0; i < DD_COUNT(needed); i++) {
		if (i == 0 && options->token_autoredirect)
			continue;
		if (!needed[i].value || !needed[i].value[0])
			return dd_fail(err, DD_ECONFIG, 0, "auth.token.%s: has to be set",
				       needed[i].name);
	}
	if (!options->token_rootcertbundle && !options->token_jwks)
		return dd_fail(err, DD_ECONFIG, 0,
			       "auth.token: neither rootcertbundle nor jwks is set");
	return 0;
}

int dd_tokens_open(struct dd_context *ctx, const struct dd_auth_options *options,
		   struct dd_tokens **out, struct dd_error *err)
{
	DD_CLEANUP(dd_tokens_closep) struct dd_tokens *tokens = NULL;
	int rc = check_options(options, err);

	*out = NULL;
	if (rc < 0)
		return rc;
	tokens = calloc(1, sizeof(*tokens));
	if (tokens) {
		tokens->issuer = strdup(options->token_issuer);
		tokens->service = strdup(options->token_service);
	}
	if (!tokens || !tokens->issuer || !tokens->service)
		return dd_fail(err, DD_ENOMEM, 0, "read auth.token");
	rc = choose_signatures(ctx, options, tokens, err);
	if (rc == 0)
		rc = dd_token_keys_open(&tokens->keys, err);
	if (rc == 0)
		rc = add_file(tokens, "auth.token.rootcertbundle", options->token_rootcertbundle,
			      dd_token_keys_add_certificates, err);
	if (rc == 0)
		rc = add_file(tokens, "auth.token.jwks", options->token_jwks,
			      dd_token_keys_add_jwks, err);
	if (rc < 0)
		return rc;
	*out = tokens;
	tokens = NULL;
	return 0;
}

void dd_tokens_closep(struct dd_tokens **tokens)
{
	if (!*tokens)
		return;
	dd_token_keys_closep(&(*tokens)->keys);
	free((*tokens)->issuer);
	free((*tokens)->service);
	free(*tokens);
	*tokens = NULL;
}

/* ---- a token ---- */

struct header {
	struct dd_json_reader *reader;
	int signature;
	const char *key_id;
	struct dd_certificate chain[CHAIN_MAX];
	size_t chain_count;
	char *der[CHAIN_MAX];
};

static void release_header(struct header *header)
{
	for (size_t i = 0; i < header->chain_count; i++)
		free(header->der[i]);
	dd_json_reader_closep(&header->reader);
}

/* Letter case counts: libjose reads the same header, and must see the same in it. */
static const struct dd_json *get(const struct dd_json *object, const char *name)
{
	for (const struct dd_json *field = object->first; field; field = field->next)
		if (!strcmp(field->key, name))
			return field;
	return NULL;
}

static int read_chain(struct header *header, const struct dd_json *list, struct dd_error *err)
{
	if (list->type != DD_JSON_ARRAY || !list->len || list->len > CHAIN_MAX)
		return refuse(err, "its certificates are no list of one to ten");
	for (const struct dd_json *one = list->first; one; one = one->next) {
		char *der;
		size_t len;

		if (one->type != DD_JSON_STRING)
			return refuse(err, "its certificates are malformed");
		der = malloc(DD_BASE64_ROOM(one->len));
		if (!der)
			return dd_fail(err, DD_ENOMEM, 0, "check a token");
		header->der[header->chain_count] = der;
		header->chain_count++;
		if (dd_base64_decode(DD_BASE64, one->text, one->len, der, &len) < 0)
			return refuse(err, "its certificates are malformed");
		header->chain[header->chain_count - 1] = (struct dd_certificate){ der, len };
	}
	return 0;
}

static int read_header(const struct dd_tokens *tokens, const char *json, size_t len,
		       struct header *header, struct dd_error *err)
{
	const struct dd_json *root, *algorithm, *key_id, *chain;
	int rc = dd_json_reader_open(&header->reader, err);

	if (rc < 0)
		return rc;
	rc = dd_json_read(header->reader, json, len, dd_json_budget(len), &root, err);
	if (rc == DD_ENOMEM)
		return rc;
	if (rc < 0 || root->type != DD_JSON_OBJECT)
		return refuse(err, "its header is malformed");
	algorithm = get(root, "alg");
	key_id = get(root, "kid");
	chain = get(root, "x5c");
	/* RFC 7515, section 4.1.11: what is critical and not understood makes it void. */
	if (get(root, "crit"))
		return refuse(err, "it wants what is not supported (crit)");
	if (!algorithm || algorithm->type != DD_JSON_STRING ||
	    (key_id && key_id->type != DD_JSON_STRING))
		return refuse(err, "its header is malformed");
	header->signature = dd_signature_parse(algorithm->text);
	if (header->signature < 0 || strlen(algorithm->text) != algorithm->len ||
	    !(tokens->signatures & 1u << header->signature))
		return refuse(err, "it is signed with an algorithm that is not accepted");
	header->key_id = key_id ? key_id->text : NULL;
	return chain ? read_chain(header, chain, err) : 0;
}

/* The three parts, each with a NUL behind it. */
static int split(char *token, char *parts[static 3])
{
	parts[0] = token;
	for (int i = 1; i < 3; i++) {
		char *dot = strchr(parts[i - 1], '.');

		if (!dot)
			return DD_EFORMAT;
		*dot = '\0';
		parts[i] = dot + 1;
	}
	return parts[0][0] && parts[1][0] && parts[2][0] && !strchr(parts[2], '.') ? 0 : DD_EFORMAT;
}

static int decode(const char *part, char **bytes, size_t *len)
{
	size_t text_len = strlen(part);

	*bytes = malloc(DD_BASE64_ROOM(text_len));
	if (!*bytes)
		return DD_ENOMEM;
	return dd_base64_decode(DD_BASE64_URL, part, text_len, *bytes, len);
}

static int check_signature(struct dd_tokens *tokens, const struct header *header,
			   char *const parts[static 3], struct dd_error *err)
{
	const struct dd_signed token = {
		.signature = (enum dd_signature)header->signature,
		.key_id = header->key_id,
		.certificates = header->chain,
		.certificate_count = header->chain_count,
		.protected = parts[0],
		.payload = parts[1],
		.signed_by = parts[2],
	};

	return dd_token_keys_verify(tokens->keys, &token, err);
}

static int check_parts(struct dd_tokens *tokens, char *const parts[static 3], int64_t now_ns,
		       struct dd_identity **identity, int64_t *until_ns, struct dd_error *err)
{
	const struct dd_claims_wanted wanted = { tokens->issuer, tokens->service, now_ns };
	DD_CLEANUP(release_header) struct header header = { 0 };
	DD_AUTOFREE char *json = NULL, *claims = NULL, *signature = NULL;
	size_t json_len, claims_len, signature_len;
	int rc = decode(parts[0], &json, &json_len);

	if (rc == 0)
		rc = decode(parts[1], &claims, &claims_len);
	if (rc == 0)
		rc = decode(parts[2], &signature, &signature_len);
	if (rc == DD_ENOMEM)
		return dd_fail(err, rc, 0, "check a token");
	if (rc < 0)
		return refuse(err, "it is not base64url, which a JWT is");
	rc = read_header(tokens, json, json_len, &header, err);
	if (rc == 0)
		rc = check_signature(tokens, &header, parts, err);
	if (rc == 0)
		rc = dd_claims_read(claims, claims_len, &wanted, identity, until_ns, err);
	return rc;
}

int dd_tokens_check(struct dd_tokens *tokens, const char *token, size_t len, int64_t now_ns,
		    struct dd_identity **identity, int64_t *until_ns, struct dd_error *err)
{
	DD_AUTOFREE char *copy = NULL;
	char *parts[3];

	*identity = NULL;
	if (len > DD_TOKEN_MAX)
		return refuse(err, "it is too long");
	copy = strndup(token, len);
	if (!copy)
		return dd_fail(err, DD_ENOMEM, 0, "check a token");
	if (split(copy, parts) < 0)
		return refuse(err, "it is no JWT of three parts");
	return check_parts(tokens, parts, now_ns, identity, until_ns, err);
}
