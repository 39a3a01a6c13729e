/*
 * A policy in memory.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <drydock/policy.h>

#include "base/list.h"
#include "policy/pattern.h"

/* A pattern and where it is written, for errors that come late. */
struct dd_written {
	struct dd_pattern *pattern;
	size_t line, column;
};

struct dd_patterns {
	DD_LIST(struct dd_written) list;
};

struct dd_rule {
	struct dd_policy_rule said;
	struct dd_patterns repositories;
	struct dd_patterns tags; /* which the rule is about; empty: all */
	struct dd_patterns keep; /* of these, by name */
};

struct dd_policy {
	DD_LIST(struct dd_rule) rules;
	uint64_t fit_bytes;
};

/* The first that matches, or NULL. */
int dd_patterns_match(const struct dd_patterns *patterns, const char *name,
		      const struct dd_pattern **which, struct dd_error *err);

#endif
