/*
 * Durations as Go's programs read them.
 */
#include <string.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "serve/go_duration.h"
#include "unit.h"

#define MINUTE (60 * DD_SECOND)
#define HOUR (60 * MINUTE)

static void durations_are_read_as_go_reads_them(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} cases[] = {
		{ "0", 0 },
		{ "+0", 0 },
		{ "-0", 0 },
		{ "0s", 0 },
		{ "5s", 5 * DD_SECOND },
		{ "1h30m", HOUR + HOUR / 2 },
		{ "1.5h", HOUR + HOUR / 2 },
		{ "-1.5h", -HOUR - HOUR / 2 },
		{ ".5s", DD_SECOND / 2 },
		{ "1.s", DD_SECOND },
		{ "100ms", DD_SECOND / 10 },
		{ "+2h45m10.5s", 2 * HOUR + 45 * MINUTE + 10 * DD_SECOND + DD_SECOND / 2 },
		{ "7ns", 7 },
		{ "3us", 3000 },
		{ "3\302\265s", 3000 },
		{ "3\316\274s", 3000 },
		{ "0.9ns", 0 },
		{ "0.3333333333333333333h", 20 * MINUTE },
		{ "1.0000000000000000000000000000000000000000h", HOUR },
		{ "168h", 168 * HOUR },
		{ "9223372036.854775807s", INT64_MAX },
		{ "9223372036854775807ns", INT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(cases); i++) {
		int64_t ns = 1;

		if (!dd_go_duration_parse(&ns, cases[i].text) || ns != cases[i].ns)
			fail_msg("%s: %lld", cases[i].text, (long long)ns);
	}
}

static void what_go_refuses_is_refused(void **state)
{
	static const char *const cases[] = {
		"",	"-",	 "+",
		"3",	"s",	 ".",
		".s",	"-.s",	 "+-1s",
		"--1s", "1 s",	 " 1s",
		"1s ",	"1h30",	 "7d",
		"1e3s", "1x",	 "1S",
		"1..s", "1.1.s", "9223372036.854775808s",
		"1s-",	"300y",	 "9223372036854775808ns",
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(cases); i++)
		if (dd_go_duration_parse(&(int64_t){ 0 }, cases[i]))
			fail_msg("\"%s\" is none", cases[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_read_as_go_reads_them),
		cmocka_unit_test(what_go_refuses_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
