/*
 * Versions in tags: Semantic Versioning 2.0.0, a "v" in front, and parts that are missing or more.
 */
#include <string.h>

#include <drydock/policy.h>

/* A longer one without dots is a date or part of a hash: it would pass for the newest of all. */
#define BARE_DIGITS 6

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t count_digits(const char *text)
{
	size_t count = 0;

	while (is_digit(text[count]))
		count++;
	return count;
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
	       c == '_';
}

/* Words between dots, none of them empty; how long that is, or 0. */
static size_t words_end(const char *text)
{
	size_t at = 0;

	for (;;) {
		size_t start = at;

		while (is_word(text[at]))
			at++;
		if (at == start)
			return 0;
		if (text[at] != '.')
			return at;
		at++;
	}
}

bool dd_version_parse(struct dd_version *version, const char *text)
{
	bool marked = *text == 'v';
	const char *at = text + marked;

	*version = (struct dd_version){ .numbers = at };
	for (;;) {
		size_t digits = count_digits(at);

		if (!digits)
			return false;
		version->parts++;
		at += digits;
		if (*at != '.')
			break;
		at++;
	}
	version->numbers_len = (size_t)(at - version->numbers);
	if (version->parts == 1 && !marked && version->numbers_len > BARE_DIGITS)
		return false;
	if (*at == '-') {
		version->before = at + 1;
		version->before_len = words_end(at + 1);
		if (!version->before_len)
			return false;
		at += 1 + version->before_len;
	}
	/* What it was built from orders nothing. */
	if (*at == '+') {
		size_t build = words_end(at + 1);

		if (!build)
			return false;
		at += 1 + build;
	}
	return !*at;
}

/* Of any length. */
static int compare_digits(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order;

	for (; a_len && *a == '0'; a_len--)
		a++;
	for (; b_len && *b == '0'; b_len--)
		b++;
	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	order = a_len ? memcmp(a, b, a_len) : 0;
	return order < 0 ? -1 : order > 0;
}

static int compare_numbers(const struct dd_version *a, const struct dd_version *b)
{
	const char *left = a->numbers, *right = b->numbers;
	size_t parts = a->parts > b->parts ? a->parts : b->parts;
	int order = 0;

	for (size_t i = 0; i < parts && !order; i++) {
		size_t left_len = i < a->parts ? count_digits(left) : 0;
		size_t right_len = i < b->parts ? count_digits(right) : 0;

		order = compare_digits(left, left_len, right, right_len);
		left += i < a->parts ? left_len + 1 : 0;
		right += i < b->parts ? right_len + 1 : 0;
	}
	return order;
}

static size_t word_len(const char *text, size_t len)
{
	const char *dot = memchr(text, '.', len);

	return dot ? (size_t)(dot - text) : len;
}

static bool is_number(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_digit(text[i]))
			return false;
	return true;
}

static int compare_words(const char *a, size_t a_len, const char *b, size_t b_len)
{
	bool a_number = is_number(a, a_len), b_number = is_number(b, b_len);
	int order;

	if (a_number && b_number)
		return compare_digits(a, a_len, b, b_len);
	if (a_number != b_number)
		return a_number ? -1 : 1;
	order = memcmp(a, b, a_len < b_len ? a_len : b_len);
	if (order)
		return order < 0 ? -1 : 1;
	return a_len < b_len ? -1 : a_len > b_len;
}

static int compare_before(const struct dd_version *a, const struct dd_version *b)
{
	const char *left = a->before, *right = b->before;
	size_t left_len = a->before_len, right_len = b->before_len;

	if (!left || !right)
		return left ? -1 : right ? 1 : 0;
	for (;;) {
		size_t left_word = word_len(left, left_len);
		size_t right_word = word_len(right, right_len);
		int order = compare_words(left, left_word, right, right_word);

		if (order)
			return order;
		if (left_word == left_len || right_word == right_len)
			return left_word == left_len ? (right_word == right_len ? 0 : -1) : 1;
		left += left_word + 1;
		left_len -= left_word + 1;
		right += right_word + 1;
		right_len -= right_word + 1;
	}
}

int dd_version_compare(const struct dd_version *a, const struct dd_version *b)
{
	int order = compare_numbers(a, b);

	return order ? order : compare_before(a, b);
}
