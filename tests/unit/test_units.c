/*
 * Sizes, durations and times.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <drydock/units.h>

#include "base/cleanup.h"

#define HOUR (3600 * DD_SECOND)
#define DAY (24 * HOUR)
#define MONTH (INT64_C(2629800) * DD_SECOND)

static void durations_are_read_as_systemd_reads_them(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} cases[] = {
		{ "0", 0 },
		{ "90", 90 * DD_SECOND },
		{ "90s", 90 * DD_SECOND },
		{ "15m", 15 * 60 * DD_SECOND },
		{ "24h", DAY },
		{ "7d", 7 * DAY },
		{ "4w", 28 * DAY },
		{ "6M", 6 * MONTH },
		{ "1y", 12 * MONTH },
		{ "1h30m", HOUR + HOUR / 2 },
		{ "1h 30min", HOUR + HOUR / 2 },
		{ "2 hours", 2 * HOUR },
		{ "1day 12hr", DAY + DAY / 2 },
		{ "250ms", DD_SECOND / 4 },
		{ "5us", 5000 },
		{ " 3sec ", 3 * DD_SECOND },
		{ "9223372036s", INT64_C(9223372036) * DD_SECOND },
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(cases); i++) {
		struct dd_error err = { 0 };
		int64_t ns = -1;

		assert_int_equal(dd_duration_parse(&ns, cases[i].text, &err), 0);
		assert_int_equal(ns, cases[i].ns);
	}
}

static void what_is_no_duration_is_refused_and_named(void **state)
{
	static const char *const cases[] = {
		"",	    " ",	   "d",	    "7x",
		"-7d",	    "7d-",	   "7 d x", "1h30",
		"1.5h",	    "7D",	   "1e3",   "infinity",
		"0x10",	    "9223372037s", "300y",  "99999999999999999999",
		"200y200y", "7d\n",
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(cases); i++) {
		struct dd_error err = { 0 };
		int64_t ns;

		assert_int_equal(dd_duration_parse(&ns, cases[i], &err), DD_EUSAGE);
		assert_non_null(strstr(err.text, cases[i]));
		assert_non_null(strstr(err.hint, "1h30m"));
	}
	assert_int_equal(dd_duration_parse(&(int64_t){ 0 }, "never", NULL), DD_EUSAGE);
}

static void sizes_are_powers_of_1024(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
		{ "0", 0 },
		{ "512", 512 },
		{ "512B", 512 },
		{ "10K", 10240 },
		{ "10k", 10240 },
		{ "10M", UINT64_C(10) << 20 },
		{ "2G", UINT64_C(2) << 30 },
		{ "2GiB", UINT64_C(2) << 30 },
		{ "1T", UINT64_C(1) << 40 },
		{ "3P", UINT64_C(3) << 50 },
		{ "15E", UINT64_C(15) << 60 },
		{ "18446744073709551615", UINT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(cases); i++) {
		uint64_t bytes = 1;

		assert_int_equal(dd_size_parse(&bytes, cases[i].text, NULL), 0);
		assert_true(bytes == cases[i].bytes);
	}
}

static void what_is_no_size_is_refused_and_named(void **state)
{
	static const char *const cases[] = {
		"",
		"K",
		"-1",
		"1.5G",
		"10KB",
		"10Ki",
		"10 M",
		"10MM",
		"5iB",
		"16E",
		"18446744073709551616",
		"20000000000G",
		"1g",
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(cases); i++) {
		struct dd_error err = { 0 };
		uint64_t bytes;

		assert_int_equal(dd_size_parse(&bytes, cases[i], &err), DD_EUSAGE);
		assert_non_null(strstr(err.text, cases[i]));
	}
}

static void sizes_are_written_with_one_decimal(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0 B" },
		{ 1, "1 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },
		{ 1434, "1.4 KiB" },
		{ 10240, "10.0 KiB" },
		{ 1048524, "1023.9 KiB" },
		{ 1048525, "1.0 MiB" },
		{ 1048576, "1.0 MiB" },
		{ UINT64_C(1503238554), "1.4 GiB" },
		{ UINT64_C(1) << 40, "1.0 TiB" },
		{ UINT64_C(1) << 50, "1.0 PiB" },
		{ UINT64_MAX, "16.0 EiB" },
	};
	char buf[DD_UNIT_TEXT];

	(void)state;
	for (size_t i = 0; i < DD_COUNT(cases); i++)
		assert_string_equal(dd_size_format(cases[i].bytes, buf), cases[i].text);
}

static void durations_are_written_in_their_largest_unit(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{ INT64_MIN, "just now" },
		{ -1, "just now" },
		{ DD_SECOND - 1, "just now" },
		{ DD_SECOND, "1 second" },
		{ 59 * DD_SECOND, "59 seconds" },
		{ 60 * DD_SECOND, "1 minute" },
		{ HOUR - 1, "59 minutes" },
		{ HOUR, "1 hour" },
		{ DAY, "1 day" },
		{ 10 * DAY, "10 days" },
		{ 14 * DAY, "2 weeks" },
		{ 28 * DAY, "4 weeks" },
		{ 6 * MONTH, "6 months" },
		{ 12 * MONTH, "12 months" },
		{ 24 * MONTH, "2 years" },
		{ INT64_MAX, "292 years" },
	};
	char buf[DD_UNIT_TEXT];

	(void)state;
	for (size_t i = 0; i < DD_COUNT(cases); i++)
		assert_string_equal(dd_duration_format(cases[i].ns, buf), cases[i].text);
}

static void times_are_written_as_rfc_3339(void **state)
{
	char buf[DD_UNIT_TEXT];

	(void)state;
	assert_string_equal(dd_time_format_utc(0, buf), "1970-01-01T00:00:00Z");
	assert_string_equal(dd_time_format_utc(-1, buf), "1969-12-31T23:59:59Z");
	assert_string_equal(dd_time_format_utc(INT64_C(1795455901) * DD_SECOND + 999999999, buf),
			    "2026-11-23T17:45:01Z");
	assert_string_equal(dd_time_format_utc(INT64_MAX, buf), "2262-04-11T23:47:16Z");
	assert_string_equal(dd_time_format_utc(INT64_MIN, buf), "1677-09-21T00:12:43Z");
}

static void times_are_written_in_the_local_zone(void **state)
{
	char buf[DD_UNIT_TEXT];

	(void)state;
	setenv("TZ", "EST5", 1);
	tzset();
	assert_string_equal(dd_time_format_local(INT64_C(1795455901) * DD_SECOND, buf),
			    "2026-11-23 12:45");
	unsetenv("TZ");
	tzset();
}

static void times_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} cases[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1969-12-31T23:59:59Z", -DD_SECOND },
		{ "2026-11-23T17:45:01Z", INT64_C(1795455901) * DD_SECOND },
		{ "2026-11-23t17:45:01z", INT64_C(1795455901) * DD_SECOND },
		{ "2026-11-23 18:45:01+01:00", INT64_C(1795455901) * DD_SECOND },
		{ "2026-11-23T12:15:01-05:30", INT64_C(1795455901) * DD_SECOND },
		{ "2026-11-23T17:45:01.5Z", INT64_C(1795455901) * DD_SECOND + DD_SECOND / 2 },
		{ "2026-11-23T17:45:01.123456789123Z",
		  INT64_C(1795455901) * DD_SECOND + 123456789 },
		{ "2024-02-29T00:00:00Z", INT64_C(1709164800) * DD_SECOND },
		{ "2016-12-31T23:59:60Z", INT64_C(1483228800) * DD_SECOND },
		{ "2262-04-11T23:47:16Z", INT64_C(9223372036) * DD_SECOND },
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(cases); i++) {
		int64_t ns = 1;

		assert_int_equal(dd_time_parse(&ns, cases[i].text, strlen(cases[i].text)), 0);
		assert_int_equal(ns, cases[i].ns);
	}
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"2026",
		"2026-11-23",
		"2026-11-23T17:45:01",
		"2026-11-23T17:45Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-02-29T00:00:00Z",
		"1900-02-29T00:00:00Z",
		"2026-11-31T00:00:00Z",
		"2026-11-00T00:00:00Z",
		"2026-11-23T24:00:00Z",
		"2026-11-23T17:60:00Z",
		"2026-11-23T17:45:61Z",
		"2026-11-23T17:45:01.Z",
		"2026-11-23T17:45:01+1:00",
		"2026-11-23T17:45:01+24:00",
		"2026-11-23T17:45:01+01:60",
		"2026-11-23T17:45:01Zx",
		"2026-11-23T17:45:01Z\n",
		" 2026-11-23T17:45:01Z",
		"+026-11-23T17:45:01Z",
		"2262-04-11T23:47:17Z",
		"9999-12-31T23:59:59Z",
		"0000-01-01T00:00:00Z",
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(cases); i++) {
		int64_t ns;

		assert_int_equal(dd_time_parse(&ns, cases[i], strlen(cases[i])), DD_EFORMAT);
	}
}

static void a_time_is_read_within_its_length(void **state)
{
	int64_t ns;

	(void)state;
	assert_int_equal(dd_time_parse(&ns, "1970-01-01T00:00:00Zjunk", 20), 0);
	for (size_t len = 0; len < 20; len++)
		assert_int_equal(dd_time_parse(&ns, "1970-01-01T00:00:00Z", len), DD_EFORMAT);
	assert_int_equal(dd_time_parse(&ns, "1970-01-01T00:00:00\0Z", 21), DD_EFORMAT);
}

static void now_is_this_century(void **state)
{
	(void)state;
	assert_true(dd_time_now() > INT64_C(1700000000) * DD_SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_read_as_systemd_reads_them),
		cmocka_unit_test(what_is_no_duration_is_refused_and_named),
		cmocka_unit_test(sizes_are_powers_of_1024),
		cmocka_unit_test(what_is_no_size_is_refused_and_named),
		cmocka_unit_test(sizes_are_written_with_one_decimal),
		cmocka_unit_test(durations_are_written_in_their_largest_unit),
		cmocka_unit_test(times_are_written_as_rfc_3339),
		cmocka_unit_test(times_are_written_in_the_local_zone),
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(a_time_is_read_within_its_length),
		cmocka_unit_test(now_is_this_century),
	};

	return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
