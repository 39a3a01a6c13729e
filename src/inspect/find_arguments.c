/*
 * The arguments of tests.
 */
#include <stdlib.h>
#include <string.h>

#include <drydock/reference.h>
#include <drydock/units.h>

#include "base/cleanup.h"
#include "inspect/find.h"

#define DAY (24 * 3600 * DD_SECOND)

static const char *skip_sign(struct dd_find_test *test)
{
	const char *text = test->word;

	if (*text == '+' || *text == '-')
		test->amount.sign = *text++;
	return text;
}

int dd_find_parse_size(struct dd_find_test *test, struct dd_error *err)
{
	return dd_size_parse(&test->amount.value, skip_sign(test), err);
}

int dd_find_parse_count(struct dd_find_test *test, struct dd_error *err)
{
	const char *text = skip_sign(test);
	size_t digits = strspn(text, "0123456789");

	if (!digits || text[digits] || digits > 9)
		return dd_fail(err, DD_EUSAGE, 0, "\"%.200s\" is no number, nor +N or -N",
			       test->word);
	test->amount.value = strtoul(text, NULL, 10);
	return 0;
}

/* A bare number is of days: without a sign it is the day that began so long ago. */
int dd_find_parse_age(struct dd_find_test *test, struct dd_error *err)
{
	const char *text = skip_sign(test);
	size_t digits = strspn(text, "0123456789");
	int64_t ns = 0;
	int rc;

	if (!digits || text[digits]) {
		rc = dd_duration_parse(&ns, text, err);
		if (rc == 0 && !test->amount.sign)
			rc = dd_fail(err, DD_EUSAGE, 0,
				     "\"%.200s\" needs a sign: +%.200s is older, -%.200s younger",
				     text, text, text);
		test->amount.value = (uint64_t)ns;
		return rc;
	}
	if (digits > 5)
		return dd_fail(err, DD_EUSAGE, 0, "\"%.200s\" days are too many", text);
	test->amount.value = strtoul(text, NULL, 10) * (uint64_t)DAY;
	test->amount.span = (uint64_t)DAY - 1;
	return 0;
}

int dd_find_parse_glob(struct dd_find_test *test, struct dd_error *err)
{
	return *test->word ? 0 : dd_fail(err, DD_EUSAGE, 0, "an empty pattern matches nothing");
}

/* "sha256:" or not, and any beginning of the hex. */
int dd_find_parse_digest(struct dd_find_test *test, struct dd_error *err)
{
	const char *colon = strchr(test->word, ':'), *hex = colon ? colon + 1 : test->word;
	size_t len = strspn(hex, "0123456789abcdef");

	if (!*hex || hex[len] || len > 2 * DD_DIGEST_BYTES ||
	    (colon && dd_algorithm_parse(test->word, (size_t)(colon - test->word)) < 0))
		return dd_fail(err, DD_EUSAGE, 0, "\"%.200s\" is no beginning of a digest",
			       test->word);
	return 0;
}

/* K or K=V. */
int dd_find_parse_pair(struct dd_find_test *test, struct dd_error *err)
{
	const char *equals = strchr(test->word, '=');
	size_t len = equals ? (size_t)(equals - test->word) : strlen(test->word);

	if (!len)
		return dd_fail(err, DD_EUSAGE, 0, "\"%.200s\" has no key: write KEY or KEY=VALUE",
			       test->word);
	test->key = strndup(test->word, len);
	test->value = equals ? strdup(equals + 1) : NULL;
	if (!test->key || (equals && !test->value))
		return dd_fail(err, DD_ENOMEM, 0, "read the expression");
	return 0;
}

int dd_find_parse_platform(struct dd_find_test *test, struct dd_error *err)
{
	unsigned slashes = 0;
	bool whole = *test->word && *test->word != '/';

	for (const char *at = test->word; *at; at++) {
		slashes += *at == '/';
		whole &= *at != '/' || (at[1] && at[1] != '/');
	}
	if (!whole || slashes < 1 || slashes > 2)
		return dd_fail(err, DD_EUSAGE, 0,
			       "\"%.200s\" is no platform: write OS/ARCH or OS/ARCH/VARIANT",
			       test->word);
	return 0;
}

/* "2026-11-…": whoever writes that means a time, whatever repository may be called so. */
static bool begins_as_time(const char *word)
{
	static const char shape[] = "0000-00-00";

	for (size_t i = 0; shape[i]; i++)
		if (shape[i] == '0' ? word[i] < '0' || word[i] > '9' : word[i] != shape[i])
			return false;
	return true;
}

/* A date, a time, or something that has one: which, is told when the volume is there. */
int dd_find_parse_newer(struct dd_find_test *test, struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	struct dd_reference reference;
	size_t len = strlen(test->word);
	int rc;

	if (dd_text_printf(&text, "%s%s", test->word, len == 10 ? "T00:00:00Z" : "") < 0)
		return dd_fail(err, DD_ENOMEM, 0, "read the expression");
	test->timed = dd_time_parse(&test->time_ns, text.bytes, text.len) == 0;
	if (test->timed)
		return 0;
	rc = dd_reference_parse(&reference, test->word, NULL);
	if (rc == 0 && (reference.tag[0] || reference.digest[0]) && !begins_as_time(test->word))
		return 0;
	dd_fail(err, DD_EUSAGE, 0, "\"%.200s\" is no time%s", test->word,
		begins_as_time(test->word) ? "" : " and no reference");
	dd_hint(err, "write 2026-11-01, 2026-11-01T12:00:00Z, REPO:TAG or sha256:…");
	return DD_EUSAGE;
}

int dd_find_parse_reference(struct dd_find_test *test, struct dd_error *err)
{
	struct dd_reference reference;
	int rc = dd_reference_parse(&reference, test->word, err);

	if (rc == 0 && !reference.tag[0] && !reference.digest[0]) {
		rc = dd_fail(err, DD_EUSAGE, 0, "\"%.200s\" is a repository as a whole",
			     test->word);
		dd_hint(err, "write REPO:TAG, REPO@sha256:… or sha256:…");
	}
	return rc;
}

int dd_find_parse_contained(struct dd_find_test *test, struct dd_error *err)
{
	struct dd_reference reference;
	int rc = dd_reference_parse(&reference, test->word, err);

	if (rc == 0 && (reference.repository[0] || !reference.digest[0]))
		rc = dd_fail(err, DD_EUSAGE, 0, "\"%.200s\" is no digest: write sha256:…",
			     test->word);
	return rc;
}
