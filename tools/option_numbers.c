/*
 * Options that are numbers of some kind: what is none is refused, and nothing is guessed.
 */
#include <stdlib.h>
#include <string.h>

#include <drydock/units.h>

#include "option_numbers.h"

#define NUMBER_MAX 9999

int option_set_number(unsigned *number, const char *text, struct dd_error *err)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long value = strtoul(text, NULL, 10);

	if (!digits || text[digits] || digits > 9 || value < 1 || value > NUMBER_MAX)
		return dd_fail(err, DD_EUSAGE, 0, "\"%.200s\" is not a number from 1 to %d", text,
			       NUMBER_MAX);
	*number = (unsigned)value;
	return 0;
}

int option_set_percent(unsigned *percent, const char *text, struct dd_error *err)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long value = strtoul(text, NULL, 10);

	if (!digits || (text[digits] && strcmp(text + digits, "%")) || value < 1 || value > 100)
		return dd_fail(err, DD_EUSAGE, 0, "\"%.200s\" is not a percentage from 1 to 100",
			       text);
	*percent = (unsigned)value;
	return 0;
}

int option_set_amount(uint64_t *amount, const char *text, struct dd_error *err)
{
	size_t digits = strspn(text, "0123456789");

	*amount = strtoull(text, NULL, 10);
	if (!digits || text[digits] || digits > 15 || !*amount)
		return dd_fail(err, DD_EUSAGE, 0, "\"%.200s\" is not a number from 1 on", text);
	return 0;
}

/* Digits and a dot, whatever the locale's is. */
int option_set_fraction(struct option_fraction *fraction, const char *text, struct dd_error *err)
{
	size_t digits = strspn(text, "0123456789");
	bool dot = text[digits] == '.';
	size_t places = dot ? strspn(text + digits + 1, "0123456789") : 0;
	double unit = 1;

	if (!digits || digits > 4 || places > 9 || (dot && !places) || text[digits + dot + places])
		return dd_fail(err, DD_EUSAGE, 0, "\"%.200s\" is not a number from 0 to %d", text,
			       NUMBER_MAX);
	*fraction = (struct option_fraction){ true, (double)strtoul(text, NULL, 10) };
	for (const char *at = text + digits + dot; *at; at++)
		fraction->value += (unit /= 10) * (*at - '0');
	return 0;
}

/* "--trash-keep 7" was to be days, and would be seconds. */
int option_set_duration(int64_t *ns, const char *text, struct dd_error *err)
{
	int rc = dd_duration_parse(ns, text, err);

	if (rc == 0 && *ns && !text[strspn(text, "0123456789")])
		rc = dd_fail(err, DD_EUSAGE, 0, "\"%.200s\" has no unit: %sd, %sh, or %ss", text,
			     text, text, text);
	return rc;
}

/* So few bytes are none that anybody means: without a unit, "20" was to be 20G, or 20%. */
static int parse_size(uint64_t *bytes, const char *text, const char *share, struct dd_error *err)
{
	int rc = dd_size_parse(bytes, text, err);

	if (rc == 0 && *bytes && *bytes <= 100 && !text[strspn(text, "0123456789")])
		rc = dd_fail(err, DD_EUSAGE, 0, "\"%.200s\" has no unit: %s%s%sG, or %sB", text,
			     share ? text : "", share ? share : "", text, text);
	return rc;
}

/* "20G", "10%"; "0" is none. */
int option_set_space(struct option_space *space, const char *text, struct dd_error *err)
{
	size_t digits = strspn(text, "0123456789");

	*space = (struct option_space){ .given = true };
	if (digits && !strcmp(text + digits, "%")) {
		space->percent = digits > 3 ? 101 : (unsigned)strtoul(text, NULL, 10);
		return space->percent <= 100 ?
			       0 :
			       dd_fail(err, DD_EUSAGE, 0, "\"%.200s\" is more than all", text);
	}
	return parse_size(&space->bytes, text, "%, ", err);
}

/* 0 stands for "not given". */
int option_set_size(uint64_t *bytes, const char *text, struct dd_error *err)
{
	int rc = parse_size(bytes, text, NULL, err);

	if (rc == 0 && !*bytes)
		rc = dd_fail(err, DD_EUSAGE, 0, "\"%.200s\" is nothing at all", text);
	return rc;
}
