/*
 * Checksummed lines: what is written is read, and nothing else is.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "record/line.h"
#include "unit.h"

static struct dd_hasher *hasher;

static int open_hasher(void **state)
{
	(void)state;
	return dd_hasher_open(&hasher, DD_SHA256, NULL);
}

static int close_hasher(void **state)
{
	(void)state;
	dd_hasher_closep(&hasher);
	return 0;
}

static void add_line(struct dd_text *out, const char *const *words, size_t count)
{
	DD_CLEANUP(dd_text_release) struct dd_text payload = { 0 };

	for (size_t i = 0; i < count; i++)
		assert_int_equal(dd_line_word(&payload, words[i]), 0);
	assert_int_equal(dd_line_end(hasher, out, &payload, NULL), 0);
	assert_int_equal(payload.len, 0);
}

static void a_line_is_written_as_documented(void **state)
{
	DD_CLEANUP(dd_text_release) struct dd_text out = { 0 }, payload = { 0 };

	(void)state;
	assert_int_equal(dd_line_word(&payload, "sealed"), 0);
	assert_int_equal(dd_line_number(&payload, 3), 0);
	assert_int_equal(dd_line_end(hasher, &out, &payload, NULL), 0);
	add_line(&out, (const char *const[]){ "a b", "", "\xc3\xa4" }, 3);
	assert_string_equal(out.bytes, "5b15cf0b4b377e24 sealed 3\n"
				       "d90625751b9eef54 a%20b % %C3%A4\n");
}

static void every_byte_comes_back(void **state)
{
	DD_CLEANUP(dd_text_release) struct dd_text out = { 0 };
	char all[256], *words[DD_LINE_WORDS], *at;
	size_t count;

	(void)state;
	for (int c = 1; c < 256; c++)
		all[c - 1] = (char)c;
	all[255] = '\0';
	add_line(&out, (const char *const[]){ all, "", "%", "plain" }, 4);
	/* One line, of printable characters only. */
	for (size_t i = 0; i + 1 < out.len; i++)
		assert_true(out.bytes[i] >= ' ' && out.bytes[i] < 0x7f);
	at = out.bytes;
	assert_int_equal(dd_line_next(hasher, &at, out.bytes + out.len, words, &count, NULL), 1);
	assert_int_equal(count, 4);
	assert_string_equal(words[0], all);
	assert_string_equal(words[1], "");
	assert_string_equal(words[2], "%");
	assert_string_equal(words[3], "plain");
	assert_int_equal(dd_line_next(hasher, &at, out.bytes + out.len, words, &count, NULL), 0);
}

static const char *const sample[] = { "item", "untagged", "18446744073709551615", "a/b c" };

static bool is_sample(char **words, size_t count)
{
	for (size_t i = 0; i < 4 && count == 4; i++)
		if (strcmp(words[i], sample[i]))
			return false;
	return count == 4;
}

static void a_torn_line_is_damaged_wherever_it_is_torn(void **state)
{
	DD_CLEANUP(dd_text_release) struct dd_text out = { 0 };

	(void)state;
	add_line(&out, sample, 4);
	for (size_t len = 1; len < out.len; len++) {
		DD_AUTOFREE char *copy = malloc(len);
		char *words[DD_LINE_WORDS], *at = copy;
		size_t count;

		memcpy(copy, out.bytes, len);
		assert_int_equal(dd_line_next(hasher, &at, copy + len, words, &count, NULL), DD_EFORMAT);
		assert_ptr_equal(at, copy + len);
	}
}

static void no_flipped_bit_is_believed_and_the_next_line_is_read(void **state)
{
	DD_CLEANUP(dd_text_release) struct dd_text out = { 0 };
	size_t first;

	(void)state;
	add_line(&out, (const char *const[]){ "item", "link-unused", "7", "x" }, 4);
	first = out.len;
	add_line(&out, sample, 4);
	for (size_t bit = 0; bit < 8 * (first - 1); bit++) {
		DD_AUTOFREE char *copy = malloc(out.len);
		char *words[DD_LINE_WORDS], *at = copy;
		size_t count, damaged = 0, good = 0;
		int rc;

		memcpy(copy, out.bytes, out.len);
		copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
		while ((rc = dd_line_next(hasher, &at, copy + out.len, words, &count, NULL)) != 0) {
			damaged += rc == DD_EFORMAT;
			good += rc > 0;
			assert_true(rc == DD_EFORMAT || is_sample(words, count));
		}
		assert_true(damaged >= 1);
		assert_int_equal(good, 1);
	}
}

/* A line with a right checksum over a payload that we would not write. */
static int read_payload(const char *payload, size_t len, size_t *count)
{
	DD_CLEANUP(dd_text_release) struct dd_text line = { 0 };
	char hex[DD_DIGEST_HEX], *words[DD_LINE_WORDS], *at;
	struct dd_digest digest;

	assert_int_equal(dd_digest_of(&digest, DD_SHA256, payload, len, NULL), 0);
	dd_text_add(&line, dd_digest_format_hex(&digest, hex), 16);
	dd_text_add(&line, " ", 1);
	dd_text_add(&line, payload, len);
	dd_text_add(&line, "\n", 1);
	at = line.bytes;
	return dd_line_next(hasher, &at, line.bytes + line.len, words, count, NULL);
}

static void what_we_would_not_write_is_not_read(void **state)
{
	static const char *const wrong[] = {
		"two  spaces", " first",   "last ", "tab\there", "%2",	     "%",   "x%",
		"%zz",	       "%c3%a4",   "%00",   "\x7f",	 "\xc3\xa4", "%%%", "a b %0",
	};
	size_t count;

	(void)state;
	for (size_t i = 0; i < DD_COUNT(wrong); i++) {
		int expected = strcmp(wrong[i], "%") ? DD_EFORMAT : 1; /* the empty word */

		if (read_payload(wrong[i], strlen(wrong[i]), &count) != expected)
			fail_msg("\"%s\"", wrong[i]);
	}
	assert_int_equal(read_payload("a\0b", 3, &count), DD_EFORMAT);
	assert_int_equal(read_payload("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20", 50, &count), 1);
	assert_int_equal(count, DD_LINE_WORDS);
	assert_int_equal(read_payload("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21", 53, &count),
			 DD_EFORMAT);
}

static void a_line_that_could_not_be_read_back_is_not_written(void **state)
{
	DD_CLEANUP(dd_text_release) struct dd_text out = { 0 }, payload = { 0 };
	DD_AUTOFREE char *word = calloc(1, DD_LINE_MAX);

	(void)state;
	memset(word, 'x', DD_LINE_MAX - 1);
	assert_int_equal(dd_line_word(&payload, word), 0);
	assert_int_equal(dd_line_end(hasher, &out, &payload, NULL), DD_ETOOBIG);
	assert_int_equal(out.len, 0);
}

static void numbers_are_decimal_and_fit(void **state)
{
	static const char *const wrong[] = { "",   "-1", "+1",			 " 1", "1 ", "0x1",
					     "1a", "18446744073709551616", "99999999999999999999" };
	uint64_t number;

	(void)state;
	assert_int_equal(dd_line_parse_number("18446744073709551615", &number), 0);
	assert_true(number == UINT64_MAX);
	assert_int_equal(dd_line_parse_number("0", &number), 0);
	assert_int_equal(number, 0);
	for (size_t i = 0; i < DD_COUNT(wrong); i++)
		assert_int_equal(dd_line_parse_number(wrong[i], &number), DD_EFORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_written_as_documented),
		cmocka_unit_test(every_byte_comes_back),
		cmocka_unit_test(a_torn_line_is_damaged_wherever_it_is_torn),
		cmocka_unit_test(no_flipped_bit_is_believed_and_the_next_line_is_read),
		cmocka_unit_test(what_we_would_not_write_is_not_read),
		cmocka_unit_test(a_line_that_could_not_be_read_back_is_not_written),
		cmocka_unit_test(numbers_are_decimal_and_fit),
	};

	return cmocka_run_group_tests(tests, open_hasher, close_hasher);
}
