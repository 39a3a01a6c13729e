/*
 * Durations as Go has them: a sign, then numbers with units, each with or without a fraction.
 */
#include <string.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "serve/go_duration.h"

static const struct {
	const char *name;
	int64_t ns;
} units[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "\302\265s", 1000 }, /* U+00B5 */
	{ "\316\274s", 1000 }, /* U+03BC */
	{ "ms", 1000000 },
	{ "s", DD_SECOND },
	{ "m", 60 * DD_SECOND },
	{ "h", 3600 * DD_SECOND },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool take_unit(const char **at, int64_t *ns)
{
	size_t len = strcspn(*at, ".0123456789");

	for (size_t i = 0; i < DD_COUNT(units); i++)
		if (strlen(units[i].name) == len && !memcmp(units[i].name, *at, len)) {
			*ns = units[i].ns;
			*at += len;
			return true;
		}
	return false;
}

/* Of the digits behind the point. Those that no number holds are less than counts. */
static int64_t fraction_of(const char *digits, size_t len, int64_t unit)
{
	int64_t value = 0, more;
	double scale = 1;

	for (size_t i = 0; i < len; i++) {
		if (__builtin_mul_overflow(value, 10, &more) ||
		    __builtin_add_overflow(more, digits[i] - '0', &more))
			break;
		value = more;
		scale *= 10;
	}
	return (int64_t)((double)value * ((double)unit / scale));
}

/* One "1.5h", added to the sum. */
static bool take_part(const char **at, int64_t *sum)
{
	const char *fraction = NULL;
	size_t fraction_len = 0;
	int64_t whole = 0, unit, part;
	bool digits = is_digit(**at);

	for (; is_digit(**at); (*at)++)
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_add_overflow(whole, **at - '0', &whole))
			return false;
	if (**at == '.') {
		fraction = ++*at;
		fraction_len = strspn(fraction, "0123456789");
		*at += fraction_len;
	}
	if ((!digits && !fraction_len) || !take_unit(at, &unit) ||
	    __builtin_mul_overflow(whole, unit, &part) || __builtin_add_overflow(*sum, part, sum))
		return false;
	return !fraction ||
	       !__builtin_add_overflow(*sum, fraction_of(fraction, fraction_len, unit), sum);
}

bool dd_go_duration_parse(int64_t *ns, const char *text)
{
	bool negative = *text == '-';
	int64_t sum = 0;

	if (*text == '-' || *text == '+')
		text++;
	if (!*text)
		return false;
	/* The one number that needs no unit. */
	if (strcmp(text, "0") != 0)
		while (*text)
			if (!take_part(&text, &sum))
				return false;
	*ns = negative ? -sum : sum;
	return true;
}
