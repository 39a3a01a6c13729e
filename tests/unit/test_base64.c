/*
 * Base64 and secrets.
 */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/secret.h"
#include "unit.h"

static void decodes(enum dd_base64_kind kind, const char *text, const char *bytes)
{
	char out[64];
	size_t len;

	assert_true(DD_BASE64_ROOM(strlen(text)) <= sizeof(out));
	if (dd_base64_decode(kind, text, strlen(text), out, &len) < 0 || len != strlen(bytes) ||
	    strcmp(out, bytes) != 0)
		fail_msg("%s", text);
}

static void is_none(enum dd_base64_kind kind, const char *text)
{
	char out[64];
	size_t len;

	if (dd_base64_decode(kind, text, strlen(text), out, &len) != DD_EFORMAT)
		fail_msg("%s", text);
}

static void what_rfc_4648_has_is_decoded(void **state)
{
	(void)state;
	decodes(DD_BASE64, "", "");
	decodes(DD_BASE64, "Zg==", "f");
	decodes(DD_BASE64, "Zm8=", "fo");
	decodes(DD_BASE64, "Zm9v", "foo");
	decodes(DD_BASE64, "Zm9vYg==", "foob");
	decodes(DD_BASE64, "Zm9vYmE=", "fooba");
	decodes(DD_BASE64, "Zm9vYmFy", "foobar");
	decodes(DD_BASE64, "/////w==", "\xff\xff\xff\xff");
	decodes(DD_BASE64_URL, "_____w", "\xff\xff\xff\xff");
	decodes(DD_BASE64_URL, "Zm9vYg", "foob");
	decodes(DD_BASE64_URL, "Zm9vYmE", "fooba");
}

static void what_is_not_quite_base64_is_refused(void **state)
{
	(void)state;
	is_none(DD_BASE64, "Zg");
	is_none(DD_BASE64, "Zg=");
	is_none(DD_BASE64, "Z===");
	is_none(DD_BASE64, "====");
	is_none(DD_BASE64, "Zg==Zg==");
	is_none(DD_BASE64, "Zm9 v");
	is_none(DD_BASE64, "Zm9v\n");
	is_none(DD_BASE64, "_____w==");
	is_none(DD_BASE64_URL, "/////w");
	is_none(DD_BASE64_URL, "Zg==");
	is_none(DD_BASE64_URL, "Z");
}

static void bits_that_say_nothing_have_to_be_zero(void **state)
{
	(void)state;
	is_none(DD_BASE64, "Zh==");
	is_none(DD_BASE64, "Zm9=");
	is_none(DD_BASE64_URL, "Zh");
}

/* RFC 4231 cannot be used as it is, for parts have their lengths in front; so it is properties. */
static void a_keyed_digest_depends_on_the_key_and_on_where_parts_end(void **state)
{
	const struct dd_secret_part one[] = { { "ab", 2 }, { "c", 1 } };
	const struct dd_secret_part two[] = { { "a", 1 }, { "bc", 2 } };
	struct dd_secret *key, *other;
	struct dd_digest a, b;

	(void)state;
	assert_int_equal(dd_secret_open(&key, NULL), 0);
	assert_int_equal(dd_secret_open(&other, NULL), 0);
	assert_int_equal(dd_secret_digest(key, one, 2, &a, NULL), 0);
	assert_int_equal(dd_secret_digest(key, one, 2, &b, NULL), 0);
	assert_true(dd_digest_equal(&a, &b));
	assert_int_equal(dd_secret_digest(other, one, 2, &b, NULL), 0);
	assert_false(dd_digest_equal(&a, &b));
	assert_int_equal(dd_secret_digest(key, two, 2, &b, NULL), 0);
	assert_false(dd_digest_equal(&a, &b));
	assert_int_equal(dd_secret_digest(key, one, 1, &b, NULL), 0);
	assert_false(dd_digest_equal(&a, &b));
	dd_secret_closep(&key);
	dd_secret_closep(&other);
}

static void secrets_are_compared_to_the_last_byte(void **state)
{
	(void)state;
	assert_true(dd_secret_equal("abcd", "abcd", 4));
	assert_true(dd_secret_equal("abcd", "abcX", 3));
	assert_false(dd_secret_equal("abcd", "abcX", 4));
	assert_false(dd_secret_equal("Xbcd", "abcd", 4));
	assert_true(dd_secret_equal("", "", 0));
}

static void random_bytes_are_not_the_same_twice(void **state)
{
	unsigned char a[32] = { 0 }, b[32] = { 0 };

	(void)state;
	assert_int_equal(dd_secret_random(a, sizeof(a), NULL), 0);
	assert_int_equal(dd_secret_random(b, sizeof(b), NULL), 0);
	assert_memory_not_equal(a, b, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_rfc_4648_has_is_decoded),
		cmocka_unit_test(what_is_not_quite_base64_is_refused),
		cmocka_unit_test(bits_that_say_nothing_have_to_be_zero),
		cmocka_unit_test(a_keyed_digest_depends_on_the_key_and_on_where_parts_end),
		cmocka_unit_test(secrets_are_compared_to_the_last_byte),
		cmocka_unit_test(random_bytes_are_not_the_same_twice),
	};

	return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
