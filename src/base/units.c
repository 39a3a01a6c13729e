/*
 * Sizes, durations and times as people write and read them.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <drydock/units.h>

#include "base/cleanup.h"

#define MINUTE (60 * DD_SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define WEEK (7 * DAY)
#define MONTH (INT64_C(2629800) * DD_SECOND) /* 30.44 days, as systemd has it */
#define YEAR (12 * MONTH)

/* clang-format off */
/* The names that systemd.time(7) lists. */
static const struct {
	const char *name;
	int64_t ns;
} durations[] = {
	{ "us", 1000 },	      { "usec", 1000 },	    { "ms", 1000000 },	 { "msec", 1000000 },
	{ "s", DD_SECOND },   { "sec", DD_SECOND }, { "second", DD_SECOND }, { "seconds", DD_SECOND },
	{ "m", MINUTE },      { "min", MINUTE },    { "minute", MINUTE },    { "minutes", MINUTE },
	{ "h", HOUR },	      { "hr", HOUR },	    { "hour", HOUR },	     { "hours", HOUR },
	{ "d", DAY },	      { "day", DAY },	    { "days", DAY },	     { "w", WEEK },
	{ "week", WEEK },     { "weeks", WEEK },    { "M", MONTH },	     { "month", MONTH },
	{ "months", MONTH },  { "y", YEAR },	    { "year", YEAR },	     { "years", YEAR },
};
/* clang-format on */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The digits at *at, at least one; false also on overflow. */
static bool take_number(const char **at, uint64_t *number)
{
	if (!is_digit(**at))
		return false;
	for (*number = 0; is_digit(**at); (*at)++)
		if (__builtin_mul_overflow(*number, 10u, number) ||
		    __builtin_add_overflow(*number, (unsigned)(**at - '0'), number))
			return false;
	return true;
}

static bool take_unit(const char **at, int64_t *ns)
{
	size_t len = 0;

	while (is_letter((*at)[len]))
		len++;
	for (size_t i = 0; i < DD_COUNT(durations); i++)
		if (strlen(durations[i].name) == len && !memcmp(durations[i].name, *at, len)) {
			*ns = durations[i].ns;
			*at += len;
			return true;
		}
	return false;
}

static void skip_blanks(const char **at)
{
	*at += strspn(*at, " \t");
}

/* One "15m"; a number alone is seconds only if it is all there is. */
static bool take_duration(const char **at, bool alone, int64_t *sum)
{
	int64_t unit = DD_SECOND, part;
	uint64_t number;

	if (!take_number(at, &number))
		return false;
	skip_blanks(at);
	if (**at ? !take_unit(at, &unit) : !alone)
		return false;
	skip_blanks(at);
	return !__builtin_mul_overflow(number, unit, &part) &&
	       !__builtin_add_overflow(*sum, part, sum);
}

int dd_duration_parse(int64_t *ns, const char *text, struct dd_error *err)
{
	const char *at = text;
	int64_t sum = 0;
	int rc;

	skip_blanks(&at);
	if (!take_duration(&at, true, &sum))
		goto wrong;
	while (*at)
		if (!take_duration(&at, false, &sum))
			goto wrong;
	*ns = sum;
	return 0;
wrong:
	rc = dd_fail(err, DD_EUSAGE, 0, "\"%.200s\" is not a duration", text);
	dd_hint(err,
		"durations are 90s, 15m, 24h, 7d, 4w, 6M, 1y, or several: 1h30m; at most 292 years");
	return rc;
}

int dd_size_parse(uint64_t *bytes, const char *text, struct dd_error *err)
{
	static const char units[] = "KMGTPE";
	const char *at = text, *unit;
	uint64_t number;
	int rc;

	if (!take_number(&at, &number))
		goto wrong;
	if (*at && *at != 'B') {
		unit = strchr(units, *at == 'k' ? 'K' : *at);
		if (!unit ||
		    __builtin_mul_overflow(number, UINT64_C(1) << 10 * (unit - units + 1), &number))
			goto wrong;
		at++;
		if (at[0] == 'i' && at[1] == 'B')
			at += 2;
	} else if (*at) {
		at++;
	}
	if (*at)
		goto wrong;
	*bytes = number;
	return 0;
wrong:
	rc = dd_fail(err, DD_EUSAGE, 0, "\"%.200s\" is not a size", text);
	dd_hint(err, "sizes are 512, 10K, 10M, 2G, 1T: powers of 1024, below 16 EiB");
	return rc;
}

char *dd_size_format(uint64_t bytes, char buf[static DD_UNIT_TEXT])
{
	static const char units[] = "KMGTPE";
	unsigned unit = 0, tenths;
	uint64_t whole = bytes;

	if (bytes < 1024) {
		snprintf(buf, DD_UNIT_TEXT, "%u B", (unsigned)bytes);
		return buf;
	}
	/* What would be rounded to 1024.0 is 1.0 of the next unit. */
	while (whole >= UINT64_C(1024) * 1024 - 51) {
		whole >>= 10;
		unit++;
	}
	tenths = (unsigned)((whole * 10 + 512) >> 10);
	snprintf(buf, DD_UNIT_TEXT, "%u.%u %ciB", tenths / 10, tenths % 10, units[unit]);
	return buf;
}

char *dd_duration_format(int64_t ns, char buf[static DD_UNIT_TEXT])
{
	/* Weeks and up only from two on: "10 days" says more than "1 week". */
	static const struct {
		int64_t ns, least;
		const char *name;
	} units[] = {
		{ YEAR, 2, "year" },	    { MONTH, 2, "month" }, { WEEK, 2, "week" },
		{ DAY, 1, "day" },	    { HOUR, 1, "hour" },   { MINUTE, 1, "minute" },
		{ DD_SECOND, 1, "second" },
	};

	for (size_t i = 0; i < DD_COUNT(units); i++) {
		int64_t count = ns / units[i].ns;

		if (count >= units[i].least) {
			snprintf(buf, DD_UNIT_TEXT, "%lld %s%s", (long long)count, units[i].name,
				 count == 1 ? "" : "s");
			return buf;
		}
	}
	memcpy(buf, "just now", sizeof("just now"));
	return buf;
}

/* Rounded down, before the epoch too. */
static time_t whole_seconds(int64_t ns)
{
	return (time_t)(ns / DD_SECOND - (ns % DD_SECOND < 0));
}

char *dd_time_format_utc(int64_t ns, char buf[static DD_UNIT_TEXT])
{
	time_t seconds = whole_seconds(ns);
	struct tm tm;

	/* 64 bits of nanoseconds are the years 1677 to 2262: always four digits. */
	gmtime_r(&seconds, &tm);
	strftime(buf, DD_UNIT_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return buf;
}

char *dd_time_format_local(int64_t ns, char buf[static DD_UNIT_TEXT])
{
	time_t seconds = whole_seconds(ns);
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(buf, DD_UNIT_TEXT, "%Y-%m-%d %H:%M", &tm);
	return buf;
}

/* Exactly count digits. */
static bool take_digits(const char **at, const char *end, int count, int *number)
{
	if (end - *at < count)
		return false;
	*number = 0;
	for (int i = 0; i < count; i++, (*at)++) {
		if (!is_digit(**at))
			return false;
		*number = *number * 10 + (**at - '0');
	}
	return true;
}

static bool take_char(const char **at, const char *end, const char *any_of)
{
	if (*at == end || !**at || !strchr(any_of, **at))
		return false;
	(*at)++;
	return true;
}

static bool take_fraction(const char **at, const char *end, int64_t *ns)
{
	int64_t unit = DD_SECOND / 10;

	*ns = 0;
	if (!take_char(at, end, "."))
		return true;
	if (*at == end || !is_digit(**at))
		return false;
	for (; *at < end && is_digit(**at); (*at)++, unit /= 10)
		*ns += unit * (**at - '0');
	return true;
}

/* "Z" or "+01:00", in seconds. */
static bool take_zone(const char **at, const char *end, int *offset)
{
	int hours, minutes, sign;

	*offset = 0;
	if (take_char(at, end, "Zz"))
		return true;
	sign = *at < end && **at == '-' ? -1 : 1;
	if (!take_char(at, end, "+-") || !take_digits(at, end, 2, &hours) ||
	    !take_char(at, end, ":") || !take_digits(at, end, 2, &minutes) || hours > 23 ||
	    minutes > 59)
		return false;
	*offset = sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool date_exists(const struct tm *tm)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year = tm->tm_year + 1900;
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	if (tm->tm_mon < 0 || tm->tm_mon > 11 || tm->tm_mday < 1)
		return false;
	return tm->tm_mday <= days[tm->tm_mon] + (leap && tm->tm_mon == 1);
}

int dd_time_parse(int64_t *ns, const char *text, size_t len)
{
	const char *at = text, *end = text + len;
	struct tm tm = { 0 };
	int64_t fraction;
	int offset;

	if (!take_digits(&at, end, 4, &tm.tm_year) || !take_char(&at, end, "-") ||
	    !take_digits(&at, end, 2, &tm.tm_mon) || !take_char(&at, end, "-") ||
	    !take_digits(&at, end, 2, &tm.tm_mday) || !take_char(&at, end, "Tt ") ||
	    !take_digits(&at, end, 2, &tm.tm_hour) || !take_char(&at, end, ":") ||
	    !take_digits(&at, end, 2, &tm.tm_min) || !take_char(&at, end, ":") ||
	    !take_digits(&at, end, 2, &tm.tm_sec) || !take_fraction(&at, end, &fraction) ||
	    !take_zone(&at, end, &offset) || at != end)
		return DD_EFORMAT;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	/* A leap second is the first one of the next minute. */
	if (!date_exists(&tm) || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return DD_EFORMAT;
	if (__builtin_mul_overflow((int64_t)timegm(&tm) - offset, DD_SECOND, ns) ||
	    __builtin_add_overflow(*ns, fraction, ns))
		return DD_EFORMAT;
	return 0;
}

#define LAST_SECOND (INT64_MAX / DD_SECOND)

/* File systems know of years that nanoseconds do not reach. */
int64_t dd_time_of(const struct timespec *time)
{
	if (time->tv_sec >= LAST_SECOND)
		return LAST_SECOND * DD_SECOND;
	if (time->tv_sec <= -LAST_SECOND)
		return -LAST_SECOND * DD_SECOND;
	return time->tv_sec * DD_SECOND + time->tv_nsec;
}

int64_t dd_time_after(int64_t time_ns, int64_t ns)
{
	int64_t after;

	return __builtin_add_overflow(time_ns, ns, &after) ? LAST_SECOND * DD_SECOND : after;
}

int64_t dd_time_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return dd_time_of(&now);
}

int64_t dd_time_steady(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return dd_time_of(&now);
}
