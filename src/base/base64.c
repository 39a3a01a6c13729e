/*
 * Base64: six bits a character.
 */
#include <stdint.h>
#include <string.h>

#include "base/base64.h"

static int value_of(enum dd_base64_kind kind, char c)
{
	const char *last = kind == DD_BASE64 ? "+/" : "-_";

	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == last[0] ? 62 : c == last[1] ? 63 : -1;
}

int dd_base64_decode(enum dd_base64_kind kind, const char *text, size_t len, void *out,
		     size_t *out_len)
{
	uint8_t *to = out;
	uint32_t bits = 0;
	unsigned held = 0;

	*out_len = 0;
	if (kind == DD_BASE64) {
		if (len % 4)
			return DD_EFORMAT;
		for (int i = 0; i < 2 && len && text[len - 1] == '='; i++)
			len--;
	}
	if (len % 4 == 1)
		return DD_EFORMAT;
	for (size_t i = 0; i < len; i++) {
		int value = value_of(kind, text[i]);

		if (value < 0)
			return DD_EFORMAT;
		bits = bits << 6 | (uint32_t)value;
		held += 6;
		if (held < 8)
			continue;
		held -= 8;
		to[(*out_len)++] = (uint8_t)(bits >> held);
		bits &= (1u << held) - 1;
	}
	to[*out_len] = '\0';
	return bits ? DD_EFORMAT : 0;
}
