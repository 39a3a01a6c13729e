/*
 * A policy: what is asked of it as a whole.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "policy/policy.h"

static const struct {
	const char *name, *text;
	bool goes;
} verdicts[] = {
#define X(constant, name, goes, text) [constant] = { name, text, goes },
	DD_VERDICTS(X)
#undef X
};

const char *dd_tag_verdict_name(enum dd_tag_verdict_reason reason)
{
	return verdicts[reason].name;
}

const char *dd_tag_verdict_text(enum dd_tag_verdict_reason reason)
{
	return verdicts[reason].text;
}

bool dd_tag_verdict_goes(enum dd_tag_verdict_reason reason)
{
	return verdicts[reason].goes;
}

/* ---- rules ---- */

size_t dd_policy_count(const struct dd_policy *policy)
{
	return policy->rules.count;
}

const struct dd_policy_rule *dd_policy_get_rule(const struct dd_policy *policy, size_t at)
{
	return &policy->rules.items[at].said;
}

uint64_t dd_policy_fit(const struct dd_policy *policy)
{
	return policy->fit_bytes;
}

bool dd_policy_wants_pulls(const struct dd_policy *policy)
{
	for (size_t i = 0; i < policy->rules.count; i++)
		if (policy->rules.items[i].said.pulled_within_ns)
			return true;
	return false;
}

static bool has_text(const struct dd_patterns *patterns, const char *text)
{
	for (size_t i = 0; i < patterns->list.count; i++)
		if (!strcmp(dd_pattern_text(patterns->list.items[i].pattern), text))
			return true;
	return false;
}

/* Whether all that the later ones match is matched by the earlier ones, as far as their texts say. */
static bool covers(const struct dd_patterns *earlier, const struct dd_patterns *later,
		   const char *everything)
{
	if (has_text(earlier, everything))
		return true;
	for (size_t i = 0; i < later->list.count; i++)
		if (!has_text(earlier, dd_pattern_text(later->list.items[i].pattern)))
			return false;
	return later->list.count > 0;
}

uint32_t dd_policy_shadow(const struct dd_policy *policy, size_t at)
{
	const struct dd_rule *rule = &policy->rules.items[at];

	for (uint32_t i = 0; i < at; i++) {
		const struct dd_rule *earlier = &policy->rules.items[i];

		if (covers(&earlier->repositories, &rule->repositories, "**") &&
		    (!earlier->tags.list.count || covers(&earlier->tags, &rule->tags, "*")))
			return i;
	}
	return DD_NO_RULE;
}

char *dd_tag_verdict_detail(const struct dd_policy *policy, const struct dd_tag_verdict *verdict,
			    char buf[static DD_VERDICT_DETAIL])
{
	const struct dd_policy_rule *said;
	char unit[DD_UNIT_TEXT];

	buf[0] = '\0';
	if (verdict->rule == DD_NO_RULE)
		return buf;
	said = dd_policy_get_rule(policy, verdict->rule);
	switch (verdict->reason) {
	case DD_VERDICT_ALL:
		snprintf(buf, DD_VERDICT_DETAIL, "keep: all");
		break;
	case DD_VERDICT_NAME:
		snprintf(buf, DD_VERDICT_DETAIL, "tags: %.160s", verdict->pattern);
		break;
	case DD_VERDICT_NEWEST:
		snprintf(buf, DD_VERDICT_DETAIL, "newest: %llu", (unsigned long long)said->newest);
		break;
	case DD_VERDICT_VERSION:
		snprintf(buf, DD_VERDICT_DETAIL, "newest-versions: %llu",
			 (unsigned long long)said->newest_versions);
		break;
	case DD_VERDICT_PUSHED:
		snprintf(buf, DD_VERDICT_DETAIL, "pushed-within: %s",
			 dd_duration_format(said->pushed_within_ns, unit));
		break;
	case DD_VERDICT_PULLED:
		snprintf(buf, DD_VERDICT_DETAIL, "pulled-within: %s",
			 dd_duration_format(said->pulled_within_ns, unit));
		break;
	default:
		break;
	}
	return buf;
}

/* ---- its end ---- */

static void release_patterns(struct dd_patterns *patterns)
{
	for (size_t i = 0; i < patterns->list.count; i++)
		dd_pattern_close(patterns->list.items[i].pattern);
	dd_list_release(&patterns->list);
}

void dd_policy_close(struct dd_policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < policy->rules.count; i++) {
		struct dd_rule *rule = &policy->rules.items[i];

		free((char *)rule->said.name);
		release_patterns(&rule->repositories);
		release_patterns(&rule->tags);
		release_patterns(&rule->keep);
	}
	dd_list_release(&policy->rules);
	free(policy);
}

void dd_policy_closep(struct dd_policy **policy)
{
	dd_policy_close(*policy);
	*policy = NULL;
}
