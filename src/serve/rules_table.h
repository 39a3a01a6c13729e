/*
 * Rules as they lie in memory, between the file that reads them and the one that judges by them.
 */
#ifndef SERVE_RULES_TABLE_H
#define SERVE_RULES_TABLE_H

#include <pthread.h>

#include "base/list.h"
#include "policy/pattern.h"
#include "serve/auth.h"
#include "serve/rules.h"

/* Any of them will do. */
struct dd_rule_patterns {
	DD_LIST(struct dd_pattern *) list;
};

struct dd_group {
	char *name;
	DD_LIST(char *) users; /* sorted */
};

/* Those that something is allowed to. */
struct dd_who {
	bool said;
	bool anybody, authenticated;
	DD_LIST(char *) users;
	DD_LIST(size_t) groups; /* by their place in the table */
};

/* The actions that rules are about. */
#define DD_RULE_ACTIONS(X)                 \
	X(RULE_PULL, "pull", DD_AUTH_PULL) \
	X(RULE_PUSH, "push", DD_AUTH_PUSH) \
	X(RULE_DELETE, "delete", DD_AUTH_DELETE)

enum dd_rule_action {
#define X(constant, name, action) constant,
	DD_RULE_ACTIONS(X)
#undef X
	DD_RULE_ACTION_COUNT
};

struct dd_access_rule {
	struct dd_rule_patterns repositories;
	struct dd_who who[DD_RULE_ACTION_COUNT];
};

struct dd_immutable_rule {
	char *name;
	size_t line;
	struct dd_rule_patterns repositories, tags, except;
};

struct dd_rules {
	DD_LIST(struct dd_group) groups;
	DD_LIST(struct dd_access_rule) access;
	DD_LIST(struct dd_immutable_rule) immutable;
	struct dd_who catalog;
	/* Regular expressions are for one thread at a time. */
	pthread_mutex_t matching;
};

#endif
