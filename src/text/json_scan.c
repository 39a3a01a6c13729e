/*
 * Plain JSON, fast: one pass over a writable copy, in which the strings stay where they are.
 *
 * The scanner never says what is wrong. Whatever it does not take, jansson judges; so it may only
 * ever take less than jansson does, and must read that alike (a fuzz target holds it to that).
 */
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "text/json_read.h"

#define DEPTH 16   /* of nesting */
#define MEMBERS 64 /* of an object: they are compared each with each */

struct scan {
	struct dd_arena *arena;
	char *at, *end; /* *end is NUL: reading it is no accident, and it is never part of JSON */
};

static bool scan_value(struct scan *scan, struct dd_json *value, unsigned depth);

static void skip_space(struct scan *scan)
{
	while (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t')
		scan->at++;
}

static bool take(struct scan *scan, char c)
{
	if (*scan->at != c)
		return false;
	scan->at++;
	return true;
}

/* Characters of a string that are what they are: no quote, backslash, control, nothing above. */
static const bool plain[256] = {
	[' ' ... '!'] = true,
	['#' ... '['] = true,
	[']' ... 0x7f] = true,
};

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Whether all of eight characters are plain; now and then not, though they are. */
static bool are_plain(const char *at)
{
	uint64_t word, quote, backslash;

	memcpy(&word, at, sizeof(word));
	quote = word ^ EACH('"');
	backslash = word ^ EACH('\\');
	/* A byte below another borrows from its highest bit; one above ASCII has it already. */
	return !(((quote - EACH(1)) | (backslash - EACH(1)) | (word - EACH(' ')) | word) &
		 EACH(0x80));
}

/* One escape at *from (behind the backslash) to *to. Those of \u are left to jansson. */
static bool unescape(char **from, char **to)
{
	static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *letter = **from ? strchr(letters, **from) : NULL;

	if (!letter)
		return false;
	*(*to)++ = values[letter - letters];
	(*from)++;
	return true;
}

/* The rest of a string from the first character on that is not plain. */
static bool scan_odd(struct scan *scan, char **end_of_text)
{
	char *from = scan->at, *to = scan->at;

	while (*from != '"') {
		uint32_t point;
		size_t length;

		if (*from == '\\') {
			from++;
			if (!unescape(&from, &to))
				return false;
			continue;
		}
		if (from >= scan->end)
			return false;
		length = dd_utf8_decode(from, (size_t)(scan->end - from), &point);
		if (!length || point < ' ')
			return false;
		memmove(to, from, length);
		from += length;
		to += length;
	}
	*end_of_text = to;
	scan->at = from;
	return true;
}

/* Behind the opening quote. */
static bool scan_string(struct scan *scan, const char **text, size_t *len)
{
	char *start = scan->at, *end_of_text;

	while (scan->end - scan->at >= 8 && are_plain(scan->at))
		scan->at += 8;
	while (plain[(unsigned char)*scan->at])
		scan->at++;
	end_of_text = scan->at;
	if (*scan->at != '"' && !scan_odd(scan, &end_of_text))
		return false;
	scan->at++;
	*end_of_text = '\0';
	*text = start;
	*len = (size_t)(end_of_text - start);
	return true;
}

static bool scan_integer(struct scan *scan, int64_t *integer)
{
	bool negative = take(scan, '-');
	const char *start = scan->at;
	int64_t value = 0;

	while (*scan->at >= '0' && *scan->at <= '9' && scan->at - start < 18)
		value = value * 10 + (*scan->at++ - '0');
	if (scan->at == start || (*start == '0' && scan->at - start > 1))
		return false;
	*integer = negative ? -value : value;
	/* A nineteenth digit, a fraction or an exponent would follow at once. */
	return !*scan->at || !strchr("0123456789.eE", *scan->at);
}

static bool scan_word(struct scan *scan, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(scan->at, word, len) != 0)
		return false;
	scan->at += len;
	return true;
}

static bool has_key(const struct dd_json *object, const char *key, size_t len)
{
	for (const struct dd_json *member = object->first; member; member = member->next)
		if (member->key_len == len && !memcmp(member->key, key, len))
			return true;
	return false;
}

static bool scan_key(struct scan *scan, const struct dd_json *object, struct dd_json *member)
{
	size_t len;

	if (!take(scan, '"') || !scan_string(scan, &member->key, &len))
		return false;
	if (object->len == MEMBERS || has_key(object, member->key, len))
		return false;
	member->key_len = (uint32_t)len;
	skip_space(scan);
	if (!take(scan, ':'))
		return false;
	skip_space(scan);
	return true;
}

/* Behind the opening bracket. */
static bool scan_group(struct scan *scan, struct dd_json *group, char closing, unsigned depth)
{
	const struct dd_json **link = &group->first;

	group->first = NULL;
	group->len = 0;
	skip_space(scan);
	if (take(scan, closing))
		return true;
	do {
		struct dd_json *member = dd_arena_alloc(scan->arena, sizeof(*member));

		if (!member)
			return false;
		member->key = NULL;
		member->key_len = 0;
		member->next = NULL;
		skip_space(scan);
		if (closing == '}' && !scan_key(scan, group, member))
			return false;
		if (!scan_value(scan, member, depth))
			return false;
		*link = member;
		link = &member->next;
		group->len++;
		skip_space(scan);
	} while (take(scan, ','));
	return take(scan, closing);
}

static bool scan_value(struct scan *scan, struct dd_json *value, unsigned depth)
{
	switch (*scan->at) {
	case '{':
	case '[':
		value->type = *scan->at == '{' ? DD_JSON_OBJECT : DD_JSON_ARRAY;
		return depth < DEPTH &&
		       scan_group(scan, value, *scan->at++ == '{' ? '}' : ']', depth + 1);
	case '"':
		value->type = DD_JSON_STRING;
		scan->at++;
		return scan_string(scan, &value->text, &value->len);
	case 't':
	case 'f':
		value->type = DD_JSON_BOOL;
		value->boolean = *scan->at == 't';
		return scan_word(scan, value->boolean ? "true" : "false");
	case 'n':
		value->type = DD_JSON_NULL;
		return scan_word(scan, "null");
	default:
		value->type = DD_JSON_INTEGER;
		return scan_integer(scan, &value->integer);
	}
}

const struct dd_json *dd_json_scan(struct dd_arena *arena, char *text, size_t len)
{
	struct scan scan = { arena, text, text + len };
	struct dd_json *root = dd_arena_alloc(arena, sizeof(*root));

	if (!root)
		return NULL;
	root->key = NULL;
	root->key_len = 0;
	root->next = NULL;
	skip_space(&scan);
	if (*scan.at != '{' && *scan.at != '[')
		return NULL;
	if (!scan_value(&scan, root, 0))
		return NULL;
	skip_space(&scan);
	return scan.at == scan.end ? root : NULL;
}
