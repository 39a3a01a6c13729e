/*
 * Versions in tags: the order that Semantic Versioning gives as its example, and that it is an order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/policy.h>

#include "base/cleanup.h"
#include "unit.h"

#define RANDOM 200

static struct dd_version parse(const char *text)
{
	struct dd_version version;

	if (!dd_version_parse(&version, text))
		fail_msg("%s is no version", text);
	return version;
}

static int compare(const char *left, const char *right)
{
	const struct dd_version a = parse(left), b = parse(right);

	return dd_version_compare(&a, &b);
}

static void versions_are_ordered_as_the_specification_says(void **state)
{
	static const char *const rising[] = {
		"0.0.0-0",
		"0.9.9",
		"1.0.0-alpha",
		"1.0.0-alpha.1",
		"1.0.0-alpha.beta",
		"1.0.0-beta",
		"1.0.0-beta.2",
		"1.0.0-beta.11",
		"1.0.0-rc.1",
		"1.0.0",
		"v1.0.1",
		"1.9.0",
		"v1.10.0",
		"1.10.0.1",
		"1.11",
		"2.0.0-0.3.7",
		"2.0.0-x.7.z.92",
		"2",
		"10",
		"2024.01.15",
		"99999999999999999999999.0",
		"100000000000000000000000.0",
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(rising); i++)
		for (size_t k = 0; k < DD_COUNT(rising); k++) {
			int order = compare(rising[i], rising[k]);

			if ((order < 0) != (i < k) || (order > 0) != (i > k))
				fail_msg("%s against %s: %d", rising[i], rising[k], order);
		}
}

static void parts_that_are_missing_and_what_it_was_built_from_make_no_difference(void **state)
{
	(void)state;
	assert_int_equal(compare("1", "v1.0.0"), 0);
	assert_int_equal(compare("1.2", "1.2.0.0"), 0);
	assert_int_equal(compare("01.002", "1.2.0"), 0);
	assert_int_equal(compare("1.0.0+20130313144700", "1.0.0+exp.sha"), 0);
	assert_int_equal(compare("1-rc", "1.0.0-rc"), 0);
}

static void what_is_no_version_is_told(void **state)
{
	static const char *const others[] = { "",	    "v",      "latest",	 "1.",
					      "1..2",	    ".1",     "1.x",	 "1.0-",
					      "1.0-a..b",   "1.0+",   "V1",	 "vv1",
					      "1.0_1",	    "abc123", "1234567", "20240115",
					      "release-1.0" };
	struct dd_version version;

	(void)state;
	for (size_t i = 0; i < DD_COUNT(others); i++)
		if (dd_version_parse(&version, others[i]))
			fail_msg("\"%s\" passes for a version", others[i]);
}

static void make_random(char *text, size_t room)
{
	static const char *const before[] = { "", "-rc", "-rc.1", "-1", "-alpha.x", "-0", "+b" };
	size_t parts = 1 + (size_t)rand() % 4;
	int len = snprintf(text, room, "%s%d", rand() % 2 ? "v" : "", rand() % 3);

	for (size_t i = 1; i < parts; i++)
		len += snprintf(text + len, room - (size_t)len, ".%d", rand() % 3);
	snprintf(text + len, room - (size_t)len, "%s", before[(size_t)rand() % DD_COUNT(before)]);
}

static void any_three_versions_are_in_order(void **state)
{
	static char texts[RANDOM][64];

	(void)state;
	srand(20261125);
	for (size_t i = 0; i < RANDOM; i++)
		make_random(texts[i], sizeof(texts[i]));
	for (size_t i = 0; i < RANDOM; i++)
		for (size_t k = 0; k < RANDOM; k++) {
			int order = compare(texts[i], texts[k]);
			size_t m = (i * 31 + k * 17) % RANDOM;

			assert_int_equal(order, -compare(texts[k], texts[i]));
			if (order <= 0 && compare(texts[k], texts[m]) <= 0 &&
			    compare(texts[i], texts[m]) > 0)
				fail_msg("%s, %s, %s", texts[i], texts[k], texts[m]);
		}
	for (size_t i = 0; i < RANDOM; i++)
		assert_int_equal(compare(texts[i], texts[i]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_are_ordered_as_the_specification_says),
		cmocka_unit_test(
			parts_that_are_missing_and_what_it_was_built_from_make_no_difference),
		cmocka_unit_test(what_is_no_version_is_told),
		cmocka_unit_test(any_three_versions_are_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
