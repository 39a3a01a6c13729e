/*
 * Digests as text.
 */
#include <stdio.h>
#include <string.h>

#include <drydock/digest.h>
#include <drydock/error.h>

#include "unit.h"

/* Bytes of all values, each of them somewhere. */
static struct dd_digest make(enum dd_algorithm alg, unsigned first)
{
	struct dd_digest digest = { .alg = (uint8_t)alg };

	for (size_t i = 0; i < dd_digest_size(&digest); i++)
		digest.bytes[i] = (uint8_t)(first + i);
	return digest;
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	for (unsigned alg = 0; alg < DD_ALGORITHM_COUNT; alg++)
		for (unsigned first = 0; first < 256; first++) {
			struct dd_digest digest = make(alg, first), again;
			char text[DD_DIGEST_HEX], byte[3];

			dd_digest_format_hex(&digest, text);
			assert_int_equal(strlen(text), 2 * dd_digest_size(&digest));
			for (size_t i = 0; i < dd_digest_size(&digest); i++) {
				snprintf(byte, sizeof(byte), "%02x", digest.bytes[i]);
				assert_memory_equal(text + 2 * i, byte, 2);
			}
			memset(&again, 0xff, sizeof(again));
			assert_int_equal(dd_digest_parse_hex(&again, alg, text, strlen(text)), 0);
			assert_memory_equal(&again, &digest, sizeof(digest));
		}
}

static void each_character_counts(void **state)
{
	struct dd_digest digest = make(DD_SHA512, 0x5a), read;
	char text[DD_DIGEST_HEX];

	(void)state;
	dd_digest_format_hex(&digest, text);
	for (size_t at = 0; at < 2 * dd_digest_size(&digest); at++) {
		char before = text[at];

		for (int c = 0; c < 256; c++) {
			bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
			int rc;

			text[at] = (char)c;
			rc = dd_digest_parse_hex(&read, DD_SHA512, text, sizeof(text) - 1);
			if (rc != (good ? 0 : DD_EFORMAT))
				fail_msg("character %d in place %zu: %d", c, at, rc);
		}
		text[at] = before;
	}
}

static void a_length_that_is_another_is_no_digest(void **state)
{
	struct dd_digest digest = make(DD_SHA512, 1);
	char text[DD_DIGEST_HEX];

	(void)state;
	dd_digest_format_hex(&digest, text);
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		assert_int_equal(dd_digest_parse_hex(&digest, DD_SHA512, text, len), DD_EFORMAT);
		assert_int_equal(dd_digest_parse_hex(&digest, DD_SHA256, text, len),
				 len == 64 ? 0 : DD_EFORMAT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(each_character_counts),
		cmocka_unit_test(a_length_that_is_another_is_no_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
