/*
 * Checksummed lines, written and read.
 */
#include <stdbool.h>
#include <string.h>

#include "record/line.h"

#define SUM 16 /* characters */

static bool plain(unsigned char c)
{
	return c > ' ' && c != '%' && c < 0x7f;
}

int dd_line_word(struct dd_text *payload, const char *word)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t len = strlen(word);
	char *out;

	if (dd_text_reserve(payload, 3 * len + 2) < 0)
		return DD_ENOMEM;
	out = payload->bytes + payload->len;
	if (payload->len)
		*out++ = ' ';
	if (!len)
		*out++ = '%';
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)word[i];

		if (plain(c)) {
			*out++ = (char)c;
			continue;
		}
		*out++ = '%';
		*out++ = digits[c >> 4];
		*out++ = digits[c & 15];
	}
	*out = '\0';
	payload->len = (size_t)(out - payload->bytes);
	return 0;
}

int dd_line_number(struct dd_text *payload, uint64_t number)
{
	char word[21], *at = word + sizeof(word);

	*--at = '\0';
	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	return dd_line_word(payload, at);
}

int dd_line_parse_number(const char *word, uint64_t *number)
{
	*number = 0;
	if (!*word)
		return DD_EFORMAT;
	for (; *word; word++)
		if (*word < '0' || *word > '9' || __builtin_mul_overflow(*number, 10u, number) ||
		    __builtin_add_overflow(*number, (unsigned)(*word - '0'), number))
			return DD_EFORMAT;
	return 0;
}

/* The checksum of a payload, as the line begins with it. */
static int sum(struct dd_hasher *hasher, const char *payload, size_t len, char hex[DD_DIGEST_HEX],
	       struct dd_error *err)
{
	struct dd_digest digest;
	int rc = dd_hasher_add(hasher, payload, len, err);

	if (rc == 0)
		rc = dd_hasher_final(hasher, &digest, err);
	if (rc == 0)
		dd_digest_format_hex(&digest, hex);
	return rc;
}

int dd_line_end(struct dd_hasher *hasher, struct dd_text *out, struct dd_text *payload,
		struct dd_error *err)
{
	char hex[DD_DIGEST_HEX];
	int rc;

	if (SUM + 1 + payload->len + 1 > DD_LINE_MAX)
		return dd_fail(err, DD_ETOOBIG, 0, "a line of %zu bytes", payload->len);
	rc = sum(hasher, payload->bytes, payload->len, hex, err);
	if (rc < 0)
		return rc;
	if (dd_text_reserve(out, SUM + 1 + payload->len + 1) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "write a line");
	hex[SUM] = ' ';
	dd_text_add(out, hex, SUM + 1);
	dd_text_add(out, payload->bytes, payload->len);
	dd_text_add(out, "\n", 1);
	dd_text_cut(payload, 0);
	return 0;
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One word of [s, end), in place; NULL if it is none. */
static char *decode(char *s, char *end)
{
	char *word = s, *out = s;

	if (s == end)
		return NULL;
	if (end - s == 1 && *s == '%')
		s = end;
	while (s < end) {
		int high, low;

		if (plain((unsigned char)*s)) {
			*out++ = *s++;
			continue;
		}
		if (*s != '%' || end - s < 3)
			return NULL;
		high = hex_value(s[1]);
		low = hex_value(s[2]);
		if (high < 0 || low < 0 || high + low == 0)
			return NULL;
		*out++ = (char)(high << 4 | low);
		s += 3;
	}
	*out = '\0';
	return word;
}

static bool split(char *payload, char *end, char *words[DD_LINE_WORDS], size_t *count)
{
	for (char *s = payload;;) {
		char *space = memchr(s, ' ', (size_t)(end - s)), *stop = space ? space : end;

		if (*count == DD_LINE_WORDS)
			return false;
		words[*count] = decode(s, stop);
		if (!words[(*count)++])
			return false;
		if (!space)
			return true;
		s = space + 1;
	}
}

int dd_line_next(struct dd_hasher *hasher, char **at, char *end, char *words[DD_LINE_WORDS],
		 size_t *count, struct dd_error *err)
{
	char *line = *at, hex[DD_DIGEST_HEX], *newline;
	int rc;

	*count = 0;
	if (line == end)
		return 0;
	newline = memchr(line, '\n', (size_t)(end - line));
	*at = newline ? newline + 1 : end;
	if (!newline || newline - line < SUM + 2 || line[SUM] != ' ')
		return dd_fail(err, DD_EFORMAT, 0, "a line is torn");
	rc = sum(hasher, line + SUM + 1, (size_t)(newline - line - SUM - 1), hex, err);
	if (rc < 0)
		return rc;
	if (memcmp(hex, line, SUM) || !split(line + SUM + 1, newline, words, count))
		return dd_fail(err, DD_EFORMAT, 0, "a line is damaged");
	return 1;
}
