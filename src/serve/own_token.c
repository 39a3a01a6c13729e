/*
 * "<seconds>.<user>.<seal>", all in hexadecimal: letters that any header may have.
 */
#include <stdlib.h>
#include <string.h>

#include "serve/own_token.h"

#define TIME_DIGITS 16

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int parse_time(const char *text, int64_t *seconds)
{
	uint64_t value = 0;

	for (int i = 0; i < TIME_DIGITS; i++) {
		int digit = nibble(text[i]);

		if (digit < 0)
			return DD_EFORMAT;
		value = value << 4 | (unsigned)digit;
	}
	if (value > INT64_MAX / 1000000000)
		return DD_EFORMAT;
	*seconds = (int64_t)value;
	return 0;
}

static int parse_user(const char *text, size_t len, char **user)
{
	char *to;

	if (len % 2)
		return DD_EFORMAT;
	*user = to = malloc(len / 2 + 1);
	if (!to)
		return DD_ENOMEM;
	for (size_t i = 0; i < len; i += 2) {
		int high = nibble(text[i]), low = nibble(text[i + 1]);

		if (high < 0 || low < 0 || !(high | low))
			return DD_EFORMAT;
		*to++ = (char)(high << 4 | low);
	}
	*to = '\0';
	return 0;
}

int dd_own_token_parse(struct dd_own_token *token, const char *text, size_t len)
{
	size_t seal_len = 2 * dd_algorithm_size(DD_SHA256);
	const char *user = text + TIME_DIGITS + 1, *end = text + len;
	int rc;

	memset(token, 0, sizeof(*token));
	if (len < TIME_DIGITS + 2 + seal_len || text[TIME_DIGITS] != '.' ||
	    end[-(ptrdiff_t)seal_len - 1] != '.')
		return DD_EFORMAT;
	rc = parse_time(text, &token->until_s);
	if (rc == 0)
		rc = dd_digest_parse_hex(&token->seal, DD_SHA256, end - seal_len, seal_len);
	if (rc == 0)
		rc = parse_user(user, (size_t)(end - seal_len - 1 - user), &token->user);
	if (rc < 0)
		dd_own_token_release(token);
	return rc;
}

void dd_own_token_release(struct dd_own_token *token)
{
	free(token->user);
	token->user = NULL;
}

int dd_own_token_seal(const struct dd_own_token *token, const struct dd_secret *secret,
		      const char *hash, struct dd_digest *seal, struct dd_error *err)
{
	const struct dd_secret_part parts[] = { { "own token", 9 },
						{ &token->until_s, sizeof(token->until_s) },
						{ token->user, strlen(token->user) },
						{ hash, strlen(hash) } };

	return dd_secret_digest(secret, parts, sizeof(parts) / sizeof(*parts), seal, err);
}

int dd_own_token_write(const struct dd_own_token *token, struct dd_text *text)
{
	char seal[DD_DIGEST_HEX];
	int rc = dd_text_printf(text, "%016llx.", (unsigned long long)token->until_s);

	for (const char *at = token->user; *at && rc == 0; at++)
		rc = dd_text_printf(text, "%02x", (unsigned char)*at);
	if (rc == 0)
		rc = dd_text_printf(text, ".%s", dd_digest_format_hex(&token->seal, seal));
	return rc;
}
