/*
 * Patterns, compiled.
 */
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/cleanup.h"
#include "policy/pattern.h"

/* What any honest pattern needs for a name of at most 255 bytes, many times over. */
#define MATCH_LIMIT 10000
#define DEPTH_LIMIT 1000
#define HEAP_LIMIT 1024 /* KiB */

struct dd_pattern {
	char *text;
	pcre2_code *code; /* NULL: a glob */
	pcre2_match_data *data;
	pcre2_match_context *limits;
};

/* ---- globs ---- */

static int refuse(const char *text, const char *why, bool suggest, struct dd_error *err)
{
	int rc = dd_fail(err, DD_ECONFIG, 0, "\"%.255s\" %s", text, why);

	if (suggest)
		dd_hint(err, "a regular expression is written between slashes: \"/v[0-9]+/\"");
	return rc;
}

static bool is_name_byte(enum dd_pattern_kind kind, char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
	       strchr("._-", byte) ||
	       (kind == DD_PATTERN_TAG ? byte >= 'A' && byte <= 'Z' : byte == '/');
}

static int check_set(const char **at, const char *text, struct dd_error *err)
{
	const char *end = *at + 1;

	end += *end == '!' || *end == '^';
	end = *end ? strchr(end + 1, ']') : NULL;
	if (!end)
		return refuse(text, "opens a bracket and does not close it", false, err);
	*at = end;
	return 0;
}

/* Bytes that no name has show that something else was meant. */
static int check_glob(enum dd_pattern_kind kind, const char *text, struct dd_error *err)
{
	int rc = 0;

	if (text[0] == '.' || (text[0] == '-' && kind == DD_PATTERN_TAG))
		return refuse(text, "can match nothing: no name begins like that", true, err);
	for (const char *at = text; *at && rc == 0; at++) {
		if (*at == '[')
			rc = check_set(&at, text, err);
		else if (*at == '{' || *at == ',')
			rc = refuse(text, "has braces or commas: write a list instead", false, err);
		else if (kind == DD_PATTERN_REPOSITORY && *at >= 'A' && *at <= 'Z')
			rc = refuse(text, "can match nothing: names of repositories are lower case",
				    false, err);
		else if (kind == DD_PATTERN_TAG && *at == '/')
			rc = refuse(text, "can match nothing: there is no slash in a tag", true,
				    err);
		else if (!strchr("*?", *at) && !is_name_byte(kind, *at))
			rc = refuse(text, "can match nothing: no name has such bytes", true, err);
	}
	return rc;
}

/* ---- regular expressions ---- */

static int compile(struct dd_pattern *pattern, struct dd_error *err)
{
	size_t len = strlen(pattern->text) - 2, place;
	char problem[120] = "";
	int number;

	pattern->code =
		pcre2_compile((PCRE2_SPTR)pattern->text + 1, len,
			      PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY |
				      PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP,
			      &number, &place, NULL);
	if (!pattern->code) {
		pcre2_get_error_message(number, (PCRE2_UCHAR *)problem, sizeof(problem));
		return dd_fail(err, DD_ECONFIG, 0,
			       "%.255s is no regular expression: %s, at character %zu",
			       pattern->text, problem, place + 1);
	}
	pattern->data = pcre2_match_data_create(1, NULL);
	pattern->limits = pcre2_match_context_create(NULL);
	if (!pattern->data || !pattern->limits)
		return dd_fail(err, DD_ENOMEM, 0, "read a pattern");
	pcre2_set_match_limit(pattern->limits, MATCH_LIMIT);
	pcre2_set_depth_limit(pattern->limits, DEPTH_LIMIT);
	pcre2_set_heap_limit(pattern->limits, HEAP_LIMIT);
	return 0;
}

int dd_pattern_open(struct dd_pattern **out, enum dd_pattern_kind kind, const char *text,
		    struct dd_error *err)
{
	size_t len = strlen(text);
	struct dd_pattern *pattern;
	int rc = 0;

	*out = NULL;
	if (!len)
		return refuse(text, "is empty", false, err);
	if (len > DD_PATTERN_MAX)
		return dd_fail(err, DD_ECONFIG, 0, "a pattern of %zu bytes; %d are the most", len,
			       DD_PATTERN_MAX);
	if (text[0] == '/' && (len < 3 || text[len - 1] != '/'))
		return refuse(text, "begins with a slash and does not end with one", true, err);
	pattern = calloc(1, sizeof(*pattern));
	if (pattern)
		pattern->text = strdup(text);
	if (!pattern || !pattern->text) {
		free(pattern);
		return dd_fail(err, DD_ENOMEM, 0, "read a pattern");
	}
	rc = text[0] == '/' ? compile(pattern, err) : check_glob(kind, text, err);
	if (rc < 0)
		dd_pattern_close(pattern);
	else
		*out = pattern;
	return rc;
}

void dd_pattern_close(struct dd_pattern *pattern)
{
	if (!pattern)
		return;
	pcre2_code_free(pattern->code);
	pcre2_match_data_free(pattern->data);
	pcre2_match_context_free(pattern->limits);
	free(pattern->text);
	free(pattern);
}

const char *dd_pattern_text(const struct dd_pattern *pattern)
{
	return pattern->text;
}

int dd_pattern_match(struct dd_pattern *pattern, const char *name, bool *matches,
		     struct dd_error *err)
{
	char problem[120] = "";
	int got;

	*matches = false;
	if (!pattern->code) {
		*matches = dd_glob_match(pattern->text, name);
		return 0;
	}
	got = pcre2_match(pattern->code, (PCRE2_SPTR)name, strlen(name), 0, 0, pattern->data,
			  pattern->limits);
	*matches = got >= 0;
	if (got >= 0 || got == PCRE2_ERROR_NOMATCH)
		return 0;
	pcre2_get_error_message(got, (PCRE2_UCHAR *)problem, sizeof(problem));
	return dd_fail(err, DD_EREFUSED, 0, "the pattern %.255s gives up on \"%.255s\": %s",
		       pattern->text, name, problem);
}
