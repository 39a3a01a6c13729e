/*
 * Untrusted bytes for a terminal, and UTF-8.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <drydock/escape.h>

#include "base/cleanup.h"
#include "base/utf8.h"

static void printable_text_stays_as_it_is(void **state)
{
	static const char *const cases[] = {
		"",
		"library/debian:12",
		"a b\"c'd",
		"Stra\303\237e",
		"\xe2\x82\xac 5",
		"\xf0\x9f\x90\xb3",
		"\xed\x9f\xbf",
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(cases); i++)
		assert_string_equal(dd_escaped(cases[i]), cases[i]);
}

static void what_a_terminal_must_not_see_is_written_in_hex(void **state)
{
	static const struct {
		const char *bytes, *text;
	} cases[] = {
		{ "\x1b[31mred", "\\x1b[31mred" },
		{ "a\nb\tc\r", "a\\x0ab\\x09c\\x0d" },
		{ "\x7f", "\\x7f" },
		{ "C:\\x0a", "C:\\\\x0a" },
		{ "\xc2\x9b"
		  "31m",
		  "\\xc2\\x9b31m" }, /* CSI in C1 */
		{ "\xe2\x80\xae"
		  "abc",
		  "\\xe2\\x80\\xae"
		  "abc" },			       /* right-to-left override */
		{ "\xe2\x81\xa6", "\\xe2\\x81\\xa6" }, /* isolate */
		{ "a\xe2\x80\x8b"
		  "b",
		  "a\\xe2\\x80\\x8b"
		  "b" },					/* zero width space */
		{ "\xef\xbb\xbf", "\\xef\\xbb\\xbf" },		/* byte order mark */
		{ "\xf3\xa0\x81\xa1", "\\xf3\\xa0\\x81\\xa1" }, /* tag */
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(cases); i++)
		assert_string_equal(dd_escaped(cases[i].bytes), cases[i].text);
}

static void bytes_that_are_no_utf8_are_written_in_hex(void **state)
{
	static const struct {
		const char *bytes, *text;
	} cases[] = {
		{ "\xff", "\\xff" },
		{ "\x80", "\\x80" },
		{ "\xc0\xaf", "\\xc0\\xaf" },			/* overlong */
		{ "\xe0\x80\xaf", "\\xe0\\x80\\xaf" },		/* overlong */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },		/* surrogate */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* above U+10FFFF */
		{ "\xe2\x82", "\\xe2\\x82" },			/* cut off */
		{ "\xe2\x82z", "\\xe2\\x82z" },
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(cases); i++)
		assert_string_equal(dd_escaped(cases[i].bytes), cases[i].text);
}

static void length_is_counted_as_by_snprintf(void **state)
{
	char out[8];

	(void)state;
	assert_int_equal(dd_escape(NULL, 0, "a\x01z", 3), 6);
	assert_int_equal(dd_escape(out, sizeof(out), "a\0z", 3), 6);
	assert_string_equal(out, "a\\x00z");
}

static void nothing_is_cut_in_the_middle(void **state)
{
	static const char text[] = "a\x01\xe2\x82\xac";
	static const char *const starts[] = {
		"", "", "a", "a", "a", "a", "a\\x01", "a\\x01", "a\\x01", "a\\x01\xe2\x82\xac"
	};

	(void)state;
	for (size_t room = 1; room < DD_COUNT(starts); room++) {
		char out[16];

		memset(out, '#', sizeof(out));
		assert_int_equal(dd_escape(out, room, text, strlen(text)), 8);
		assert_string_equal(out, starts[room]);
		assert_int_equal(out[room], '#');
	}
}

static void after_what_does_not_fit_nothing_follows(void **state)
{
	char out[4];

	(void)state;
	assert_int_equal(dd_escape(out, sizeof(out),
				   "a\x01"
				   "b",
				   3),
			 6);
	assert_string_equal(out, "a");
}

static void a_long_message_ends_in_an_ellipsis(void **state)
{
	char text[3000];
	const char *out;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	out = dd_escaped(text);
	assert_int_equal(strlen(out), 2047);
	assert_string_equal(out + 2044, "\xe2\x80\xa6");
	text[2047] = '\0';
	assert_string_equal(dd_escaped(text), text);
}

static void four_messages_live_at_once(void **state)
{
	const char *a = dd_escaped("a"), *b = dd_escaped("b"), *c = dd_escaped("c"),
		   *d = dd_escaped("d");

	(void)state;
	assert_string_equal(a, "a");
	assert_string_equal(b, "b");
	assert_string_equal(c, "c");
	assert_string_equal(d, "d");
	assert_string_equal(dd_escaped(NULL), "(null)");
}

/* Against a decoder that is nothing but the table of RFC 3629. */
static size_t by_the_table(const unsigned char *at, size_t len)
{
	static const struct {
		unsigned char low[4], high[4];
		size_t len;
	} rows[] = {
		{ { 0x00 }, { 0x7f }, 1 },
		{ { 0xc2, 0x80 }, { 0xdf, 0xbf }, 2 },
		{ { 0xe0, 0xa0, 0x80 }, { 0xe0, 0xbf, 0xbf }, 3 },
		{ { 0xe1, 0x80, 0x80 }, { 0xec, 0xbf, 0xbf }, 3 },
		{ { 0xed, 0x80, 0x80 }, { 0xed, 0x9f, 0xbf }, 3 },
		{ { 0xee, 0x80, 0x80 }, { 0xef, 0xbf, 0xbf }, 3 },
		{ { 0xf0, 0x90, 0x80, 0x80 }, { 0xf0, 0xbf, 0xbf, 0xbf }, 4 },
		{ { 0xf1, 0x80, 0x80, 0x80 }, { 0xf3, 0xbf, 0xbf, 0xbf }, 4 },
		{ { 0xf4, 0x80, 0x80, 0x80 }, { 0xf4, 0x8f, 0xbf, 0xbf }, 4 },
	};

	for (size_t i = 0; i < DD_COUNT(rows); i++) {
		size_t at_byte = 0;

		while (at_byte < rows[i].len && at_byte < len &&
		       at[at_byte] >= rows[i].low[at_byte] && at[at_byte] <= rows[i].high[at_byte])
			at_byte++;
		if (at_byte == rows[i].len)
			return at_byte;
	}
	return 0;
}

static void utf8_is_what_rfc_3629_says(void **state)
{
	static const unsigned char last[] = { 0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xff };

	(void)state;
	for (unsigned pair = 0; pair < 65536; pair++)
		for (unsigned i = 0; i < DD_COUNT(last) * DD_COUNT(last); i++) {
			unsigned char bytes[] = { (unsigned char)(pair >> 8), (unsigned char)pair,
						  last[i % DD_COUNT(last)],
						  last[i / DD_COUNT(last)] };
			uint32_t point;

			for (size_t len = 1; len <= sizeof(bytes); len++)
				if (dd_utf8_decode((char *)bytes, len, &point) !=
				    by_the_table(bytes, len))
					fail_msg("%02x %02x %02x %02x", bytes[0], bytes[1],
						 bytes[2], bytes[3]);
		}
}

static void the_valid_start_of_bytes_is_found_at_any_offset(void **state)
{
	char text[64];

	(void)state;
	for (size_t at = 0; at < 40; at++) {
		memset(text, 'a', sizeof(text));
		assert_int_equal(dd_utf8_valid(text, at), at);
		text[at] = '\xff';
		assert_int_equal(dd_utf8_valid(text, sizeof(text)), at);
		memcpy(text + at, "\xe2\x82\xac", 3);
		assert_int_equal(dd_utf8_valid(text, sizeof(text)), sizeof(text));
		assert_int_equal(dd_utf8_valid(text, at + 2), at);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(printable_text_stays_as_it_is),
		cmocka_unit_test(what_a_terminal_must_not_see_is_written_in_hex),
		cmocka_unit_test(bytes_that_are_no_utf8_are_written_in_hex),
		cmocka_unit_test(length_is_counted_as_by_snprintf),
		cmocka_unit_test(nothing_is_cut_in_the_middle),
		cmocka_unit_test(after_what_does_not_fit_nothing_follows),
		cmocka_unit_test(a_long_message_ends_in_an_ellipsis),
		cmocka_unit_test(four_messages_live_at_once),
		cmocka_unit_test(utf8_is_what_rfc_3629_says),
		cmocka_unit_test(the_valid_start_of_bytes_is_found_at_any_offset),
	};

	return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
