/*
 * Patterns of names: a glob, or between slashes a regular expression that has to match all of it.
 *
 * Globs: "*" any bytes but a slash, "**" any bytes, "?" one but a slash, "[a-z]", "[!a-z]". They are
 * matched in time that grows with the product of both lengths and no further. Regular expressions
 * are PCRE2's, within limits; this is the only place that knows it.
 */
#ifndef POLICY_PATTERN_H
#define POLICY_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include <drydock/error.h>

#define DD_PATTERN_MAX 255 /* bytes of one */

enum dd_pattern_kind { DD_PATTERN_REPOSITORY, DD_PATTERN_TAG };

struct dd_pattern;

/* DD_ECONFIG: it is none, or can match no name of its kind. */
int dd_pattern_open(struct dd_pattern **pattern, enum dd_pattern_kind kind, const char *text,
		    struct dd_error *err);
void dd_pattern_close(struct dd_pattern *pattern);
const char *dd_pattern_text(const struct dd_pattern *pattern);
/* Not for two threads at once. DD_EREFUSED: it reached its limit. */
int dd_pattern_match(struct dd_pattern *pattern, const char *name, bool *matches,
		     struct dd_error *err);

/* A glob that was checked, against a name. */
bool dd_glob_match(const char *glob, const char *name);

#endif
