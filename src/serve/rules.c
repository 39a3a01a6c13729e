/*
 * Judging by rules.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "serve/rules_table.h"

/* The pattern that matches; NULL: none does. A pattern that gives up is as good as doubt is. */
static const char *match(const struct dd_rules *rules, const struct dd_rule_patterns *patterns,
			 const char *name, bool doubt)
{
	/* The only thing about rules that changes while they are asked. */
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&rules->matching;

	for (size_t i = 0; i < patterns->list.count; i++) {
		struct dd_pattern *pattern = patterns->list.items[i];
		const char *text = dd_pattern_text(pattern);
		bool matches, regular = text[0] == '/';

		if (regular)
			pthread_mutex_lock(lock);
		if (dd_pattern_match(pattern, name, &matches, NULL) < 0)
			matches = doubt;
		if (regular)
			pthread_mutex_unlock(lock);
		if (matches)
			return text;
	}
	return NULL;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, *(char *const *)b);
}

static bool is_member(const struct dd_group *group, const char *user)
{
	return group->users.count && bsearch(user, group->users.items, group->users.count,
					     sizeof(*group->users.items), by_text);
}

static bool is_one_of(const struct dd_rules *rules, const struct dd_who *who, const char *user)
{
	if (who->anybody || !user)
		return who->anybody;
	if (who->authenticated)
		return true;
	for (size_t i = 0; i < who->users.count; i++)
		if (!strcmp(who->users.items[i], user))
			return true;
	for (size_t i = 0; i < who->groups.count; i++)
		if (is_member(&rules->groups.items[who->groups.items[i]], user))
			return true;
	return false;
}

static const unsigned action_bits[] = {
#define X(constant, name, action) [constant] = action,
	DD_RULE_ACTIONS(X)
#undef X
};

/* Of the actions asked for, those that are not decided yet; of these, the ones refused are put in. */
static void apply(const struct dd_rules *rules, const struct dd_access_rule *rule, const char *user,
		  unsigned *open, unsigned *refused)
{
	for (unsigned i = 0; i < DD_RULE_ACTION_COUNT; i++) {
		if (!(*open & action_bits[i]) || !rule->who[i].said)
			continue;
		*open &= ~action_bits[i];
		if (!is_one_of(rules, &rule->who[i], user))
			*refused |= action_bits[i];
	}
}

static bool allow_in_repository(const struct dd_rules *rules, const char *user,
				const char *repository, unsigned open)
{
	unsigned refused = 0;

	for (size_t i = 0; i < rules->access.count && open && !refused; i++) {
		const struct dd_access_rule *rule = &rules->access.items[i];
		const struct dd_rule_patterns *patterns = &rule->repositories;

		/*
		 * A pattern that gives up may have been about this repository: what the rule
		 * would have kept from somebody must not be given by a later one.
		 */
		if (match(rules, patterns, repository, false))
			apply(rules, rule, user, &open, &refused);
		else if (match(rules, patterns, repository, true))
			return false;
	}
	return !open && !refused;
}

bool dd_rules_decide(const struct dd_rules *rules, unsigned actions)
{
	return rules->access.count || (actions & DD_AUTH_CATALOG && rules->catalog.said);
}

bool dd_rules_allow(const struct dd_rules *rules, const char *user, const char *repository,
		    unsigned actions)
{
	if (actions & DD_AUTH_CATALOG) {
		if (rules->catalog.said ? !is_one_of(rules, &rules->catalog, user) : !user)
			return false;
		actions &= ~(unsigned)DD_AUTH_CATALOG;
	}
	if (!actions)
		return true;
	return repository && allow_in_repository(rules, user, repository, actions);
}

bool dd_rules_know_anybody(const struct dd_rules *rules)
{
	for (size_t i = 0; i < rules->access.count; i++)
		for (unsigned k = 0; k < DD_RULE_ACTION_COUNT; k++)
			if (rules->access.items[i].who[k].anybody)
				return true;
	return rules->catalog.anybody;
}

static bool needs_a_name(const struct dd_who *who)
{
	return who->users.count || who->groups.count;
}

bool dd_rules_name_users(const struct dd_rules *rules)
{
	for (size_t i = 0; i < rules->access.count; i++)
		for (unsigned k = 0; k < DD_RULE_ACTION_COUNT; k++)
			if (needs_a_name(&rules->access.items[i].who[k]))
				return true;
	return needs_a_name(&rules->catalog);
}

bool dd_rules_make_immutable(const struct dd_rules *rules, const char *repository, const char *tag,
			     struct dd_immutable *out)
{
	for (size_t i = 0; i < rules->immutable.count; i++) {
		const struct dd_immutable_rule *rule = &rules->immutable.items[i];
		const char *repositories = match(rules, &rule->repositories, repository, true);
		const char *tags = NULL;

		if (!repositories)
			continue;
		if (tag) {
			tags = match(rules, &rule->tags, tag, true);
			if (!tags || match(rules, &rule->except, tag, false))
				continue;
		}
		*out = (struct dd_immutable){ rule->line, rule->name, repositories, tags };
		return true;
	}
	return false;
}

/* ---- closing ---- */

static void release_patterns(struct dd_rule_patterns *patterns)
{
	for (size_t i = 0; i < patterns->list.count; i++)
		dd_pattern_close(patterns->list.items[i]);
	dd_list_release(&patterns->list);
}

static void release_who(struct dd_who *who)
{
	for (size_t i = 0; i < who->users.count; i++)
		free(who->users.items[i]);
	dd_list_release(&who->users);
	dd_list_release(&who->groups);
}

static void release_group(struct dd_group *group)
{
	free(group->name);
	for (size_t i = 0; i < group->users.count; i++)
		free(group->users.items[i]);
	dd_list_release(&group->users);
}

static void release_access(struct dd_access_rule *rule)
{
	release_patterns(&rule->repositories);
	for (unsigned i = 0; i < DD_RULE_ACTION_COUNT; i++)
		release_who(&rule->who[i]);
}

static void release_immutable(struct dd_immutable_rule *rule)
{
	free(rule->name);
	release_patterns(&rule->repositories);
	release_patterns(&rule->tags);
	release_patterns(&rule->except);
}

void dd_rules_closep(struct dd_rules **out)
{
	struct dd_rules *rules = *out;

	if (!rules)
		return;
	for (size_t i = 0; i < rules->groups.count; i++)
		release_group(&rules->groups.items[i]);
	for (size_t i = 0; i < rules->access.count; i++)
		release_access(&rules->access.items[i]);
	for (size_t i = 0; i < rules->immutable.count; i++)
		release_immutable(&rules->immutable.items[i]);
	dd_list_release(&rules->groups);
	dd_list_release(&rules->access);
	dd_list_release(&rules->immutable);
	release_who(&rules->catalog);
	pthread_mutex_destroy(&rules->matching);
	free(rules);
	*out = NULL;
}
