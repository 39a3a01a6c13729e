/*
 * Who may pull, push and delete where, and which tags never change. The format: drydock-rules(5).
 *
 * Of the rules about a repository the first that says something about an action decides; what none
 * says anything about nobody may. A file without rules of that kind decides nothing: all is as it is
 * without a file.
 *
 * Read once, asked by any number of threads at once.
 */
#ifndef SERVE_RULES_H
#define SERVE_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include <drydock/error.h>

#define DD_RULES_MAX ((size_t)1 << 20) /* bytes of a file */

struct dd_rules;

/* DD_ECONFIG with line and column: not YAML, a key that is none, a group that is not there, … */
int dd_rules_read(const char *bytes, size_t len, struct dd_rules **rules, struct dd_error *err);
void dd_rules_closep(struct dd_rules **rules);

/* Whether it says anything about such actions, by anybody and anywhere. */
bool dd_rules_decide(const struct dd_rules *rules, unsigned actions);
/* If it does. user NULL: somebody who did not say who they are. actions: enum dd_auth_action, all of them. */
bool dd_rules_allow(const struct dd_rules *rules, const char *user, const char *repository,
		    unsigned actions);
/* Whether anything is allowed to those that do not say who they are. */
bool dd_rules_know_anybody(const struct dd_rules *rules);
/* Whether a rule names a user or a group: somebody has to be able to be one then. */
bool dd_rules_name_users(const struct dd_rules *rules);

/*
 * The rule that makes a tag immutable; tag NULL: that makes any tag of the repository so. False:
 * none does. A pattern that gives up on a name counts as one that matches: better a tag that stays.
 */
struct dd_immutable {
	size_t line;			 /* where the rule begins */
	const char *name;		 /* as its author calls it, or NULL */
	const char *repositories, *tags; /* the patterns; tags NULL if no tag was asked for */
};
bool dd_rules_make_immutable(const struct dd_rules *rules, const char *repository, const char *tag,
			     struct dd_immutable *rule);

#endif
