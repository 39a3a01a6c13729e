/*
 * Verdicts: the first rule that is about a tag decides; within it, anything that keeps it does.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/policy.h"

int dd_patterns_match(const struct dd_patterns *patterns, const char *name,
		      const struct dd_pattern **which, struct dd_error *err)
{
	*which = NULL;
	for (size_t i = 0; i < patterns->list.count; i++) {
		const struct dd_written *written = &patterns->list.items[i];
		bool matches;
		int rc = dd_pattern_match(written->pattern, name, &matches, err);

		if (rc < 0)
			return dd_wrap(err, rc, "line %zu, column %zu", written->line,
				       written->column);
		if (!matches)
			continue;
		*which = written->pattern;
		return 0;
	}
	return 0;
}

int dd_policy_matches(struct dd_policy *policy, size_t rule, const char *repository, bool *matches,
		      struct dd_error *err)
{
	const struct dd_pattern *which;
	int rc =
		dd_patterns_match(&policy->rules.items[rule].repositories, repository, &which, err);

	*matches = which;
	return rc;
}

int dd_policy_about(struct dd_policy *policy, const char *repository,
		    struct dd_policy_repository *about, struct dd_error *err)
{
	*about = (struct dd_policy_repository){ 0 };
	for (size_t i = 0; i < policy->rules.count; i++) {
		const struct dd_policy_rule *said = &policy->rules.items[i].said;
		bool matches;
		int rc = dd_policy_matches(policy, i, repository, &matches, err);

		if (rc < 0)
			return rc;
		if (!matches)
			continue;
		about->untagged = about->untagged ? about->untagged : said->untagged;
		about->referrers = about->referrers ? about->referrers : said->referrers;
		about->history = about->history ? about->history : said->history;
	}
	return 0;
}

bool dd_tag_subject(const char *tag, struct dd_digest *subject)
{
	const char *dash = strchr(tag, '-');
	int alg = dash ? dd_algorithm_parse(tag, (size_t)(dash - tag)) : -1;
	char text[DD_DIGEST_TEXT];
	size_t hex;

	if (alg < 0)
		return false;
	hex = 2 * dd_algorithm_size((enum dd_algorithm)alg);
	if (strlen(dash + 1) < hex || (dash[1 + hex] && dash[1 + hex] != '.'))
		return false;
	memcpy(text, tag, (size_t)(dash - tag) + 1 + hex);
	text[dash - tag] = ':';
	return dd_digest_parse(subject, text, (size_t)(dash - tag) + 1 + hex) == 0;
}

static int go_on(const struct dd_context *ctx, struct dd_error *err)
{
	return ctx ? dd_context_check(ctx, err) : 0;
}

struct judging {
	struct dd_context *ctx;
	struct dd_policy *policy;
	const struct dd_policy_tag *tags;
	size_t count;
	const struct dd_policy_times *times;
	struct dd_tag_verdict *verdicts;
	struct dd_rule_count *counts;
	uint32_t *mine; /* tags of the rule at hand, reordered at will */
	size_t mine_count;
};

/* ---- which rule ---- */

static int find_rule(struct judging *judging, const bool *about, size_t at, struct dd_error *err)
{
	struct dd_tag_verdict *verdict = &judging->verdicts[at];

	for (size_t i = 0; i < judging->policy->rules.count; i++) {
		const struct dd_rule *rule = &judging->policy->rules.items[i];
		const struct dd_pattern *which = NULL;
		bool decided = verdict->rule != DD_NO_RULE;
		int rc;

		/* What an earlier rule took is only looked at to learn whether this one means anything. */
		if (!about[i] || (decided && judging->counts[i].matches))
			continue;
		rc = go_on(judging->ctx, err);
		if (rc == 0 && rule->tags.list.count)
			rc = dd_patterns_match(&rule->tags, judging->tags[at].name, &which, err);
		if (rc < 0)
			return rc;
		if (rule->tags.list.count && !which)
			continue;
		judging->counts[i].matches = true;
		if (decided)
			continue;
		verdict->rule = (uint32_t)i;
		verdict->reason = DD_VERDICT_GOES;
		judging->counts[i].tags++;
	}
	return 0;
}

/* ---- what keeps ---- */

static void keep(struct judging *judging, uint32_t at, enum dd_tag_verdict_reason reason)
{
	if (judging->verdicts[at].reason == DD_VERDICT_GOES)
		judging->verdicts[at].reason = reason;
}

static int keep_names(struct judging *judging, const struct dd_rule *rule, struct dd_error *err)
{
	for (size_t i = 0; i < judging->mine_count; i++) {
		uint32_t tag = judging->mine[i];
		const struct dd_pattern *which;
		int rc = go_on(judging->ctx, err);

		if (rc == 0)
			rc = dd_patterns_match(&rule->keep, judging->tags[tag].name, &which, err);
		if (rc < 0)
			return rc;
		if (which && judging->verdicts[tag].reason == DD_VERDICT_GOES) {
			judging->verdicts[tag].reason = DD_VERDICT_NAME;
			judging->verdicts[tag].pattern = dd_pattern_text(which);
		}
	}
	return 0;
}

static int compare_pushed(const void *left, const void *right, void *arg)
{
	const struct dd_policy_tag *tags = arg;
	const struct dd_policy_tag *a = &tags[*(const uint32_t *)left];
	const struct dd_policy_tag *b = &tags[*(const uint32_t *)right];

	if (a->dangling != b->dangling)
		return a->dangling ? 1 : -1;
	if (a->pushed_ns != b->pushed_ns)
		return a->pushed_ns > b->pushed_ns ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Those that came at the same time as the last of them stay, too: who is to say which is newer? */
static void keep_newest(struct judging *judging, uint64_t newest)
{
	const struct dd_policy_tag *tags = judging->tags;
	const uint32_t *mine = judging->mine;

	for (size_t i = 0; i < judging->mine_count; i++) {
		if (tags[mine[i]].dangling ||
		    (i >= newest && tags[mine[i]].pushed_ns != tags[mine[newest - 1]].pushed_ns))
			return;
		keep(judging, mine[i], DD_VERDICT_NEWEST);
	}
}

struct ranked {
	struct dd_version version;
	uint32_t tag;
	size_t rank;
};

static int compare_ranked(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;
	int order = dd_version_compare(&b->version, &a->version);

	if (order)
		return order;
	if (a->version.parts != b->version.parts)
		return a->version.parts > b->version.parts ? -1 : 1;
	return a->tag < b->tag ? -1 : a->tag > b->tag;
}

/* Whether the one has all numbers of the other, and more. */
static bool begins(const struct dd_version *whole, const struct dd_version *start)
{
	struct dd_version cut = *whole;
	size_t parts = 1;

	if (start->before || whole->parts <= start->parts)
		return false;
	for (size_t i = 0; i < whole->numbers_len && cut.parts > start->parts; i++)
		if (whole->numbers[i] == '.' && parts++ == start->parts) {
			cut.numbers_len = i;
			cut.parts = start->parts;
		}
	cut.before = NULL;
	return dd_version_compare(&cut, start) == 0;
}

/* The first of those that begin like this one: they stand in a row right before it. */
static size_t find_first(const struct ranked *versions, size_t at)
{
	size_t low = 0, high = at;

	if (!at || !begins(&versions[at - 1].version, &versions[at].version))
		return at;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (begins(&versions[middle].version, &versions[at].version))
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/*
 * From the newest on. One that leaves parts out ("1.4") is the name that moves along with the newest
 * that begins so: it takes no place, and stays with that one.
 */
static void rank_versions(struct ranked *versions, size_t count)
{
	size_t rank = 0;

	for (size_t i = 0; i < count; i++) {
		size_t first = find_first(versions, i);

		if (first < i)
			versions[i].rank = versions[first].rank;
		else if (i && !dd_version_compare(&versions[i - 1].version, &versions[i].version))
			versions[i].rank = versions[i - 1].rank;
		else
			versions[i].rank = rank++;
	}
}

static int keep_versions(struct judging *judging, uint64_t newest, struct dd_error *err)
{
	DD_AUTOFREE struct ranked *versions = calloc(judging->mine_count + 1, sizeof(*versions));
	size_t count = 0;

	if (!versions)
		return dd_fail(err, DD_ENOMEM, 0, "judge by a policy");
	for (size_t i = 0; i < judging->mine_count; i++) {
		const struct dd_policy_tag *tag = &judging->tags[judging->mine[i]];

		versions[count].tag = judging->mine[i];
		count += !tag->dangling && dd_version_parse(&versions[count].version, tag->name);
	}
	qsort(versions, count, sizeof(*versions), compare_ranked);
	rank_versions(versions, count);
	for (size_t i = 0; i < count; i++)
		if (versions[i].rank < newest)
			keep(judging, versions[i].tag, DD_VERDICT_VERSION);
	return 0;
}

/* Not before the earliest time that there is. */
static int64_t time_before(int64_t now, int64_t ns)
{
	int64_t time;

	return __builtin_sub_overflow(now, ns, &time) ? INT64_MIN : time;
}

static void keep_pushed(struct judging *judging, int64_t within)
{
	int64_t since = time_before(judging->times->now_ns, within);

	for (size_t i = 0; i < judging->mine_count; i++)
		if (judging->tags[judging->mine[i]].pushed_ns >= since)
			keep(judging, judging->mine[i], DD_VERDICT_PUSHED);
}

/*
 * What was pulled is known from one time to another. Before the first of them anything may have been
 * pulled, and after the last of them: so the time that counts ends there, and if the whole of it is not
 * known then nothing is.
 */
static void keep_pulled(struct judging *judging, int64_t within)
{
	const struct dd_policy_times *times = judging->times;
	int64_t end = times->pulls_to_ns ? times->pulls_to_ns : times->now_ns;
	int64_t since = time_before(end, within);
	bool known = times->pulls_to_ns && times->pulls_from_ns <= since;

	for (size_t i = 0; i < judging->mine_count; i++) {
		int64_t pulled = judging->tags[judging->mine[i]].pulled_ns;

		if (pulled && pulled >= since)
			keep(judging, judging->mine[i], DD_VERDICT_PULLED);
		else if (!known)
			keep(judging, judging->mine[i], DD_VERDICT_UNKNOWN);
	}
}

static int judge_rule(struct judging *judging, uint32_t index, struct dd_error *err)
{
	const struct dd_rule *rule = &judging->policy->rules.items[index];
	const struct dd_policy_rule *said = &rule->said;
	int rc;

	judging->mine_count = 0;
	for (uint32_t i = 0; i < judging->count; i++)
		if (judging->verdicts[i].rule == index)
			judging->mine[judging->mine_count++] = i;
	for (size_t i = 0; i < judging->mine_count && said->keep_all; i++)
		keep(judging, judging->mine[i], DD_VERDICT_ALL);
	rc = keep_names(judging, rule, err);
	qsort_r(judging->mine, judging->mine_count, sizeof(*judging->mine), compare_pushed,
		(void *)judging->tags);
	if (said->newest)
		keep_newest(judging, said->newest);
	if (rc == 0 && said->newest_versions)
		rc = keep_versions(judging, said->newest_versions, err);
	if (said->pushed_within_ns)
		keep_pushed(judging, said->pushed_within_ns);
	if (said->pulled_within_ns)
		keep_pulled(judging, said->pulled_within_ns);
	for (size_t i = 0; i < judging->mine_count; i++)
		judging->counts[index].goes +=
			judging->verdicts[judging->mine[i]].reason == DD_VERDICT_GOES;
	return rc;
}

int dd_policy_judge(struct dd_context *ctx, struct dd_policy *policy, const char *repository,
		    const struct dd_policy_tag *tags, size_t count,
		    const struct dd_policy_times *times, struct dd_tag_verdict *verdicts,
		    struct dd_rule_count *counts, struct dd_error *err)
{
	struct judging judging = { .ctx = ctx,
				   .policy = policy,
				   .tags = tags,
				   .count = count,
				   .times = times,
				   .verdicts = verdicts,
				   .counts = counts };
	DD_AUTOFREE bool *about = calloc(policy->rules.count + 1, sizeof(*about));
	DD_AUTOFREE uint32_t *mine = calloc(count + 1, sizeof(*mine));
	struct dd_digest subject;
	bool any = false;
	int rc = 0;

	judging.mine = mine;
	if (!about || !mine)
		return dd_fail(err, DD_ENOMEM, 0, "judge by a policy");
	for (size_t i = 0; i < policy->rules.count && rc == 0; i++) {
		rc = go_on(ctx, err);
		if (rc == 0)
			rc = dd_policy_matches(policy, i, repository, &about[i], err);
		any |= about[i];
	}
	for (size_t i = 0; i < count && rc == 0; i++) {
		verdicts[i] = (struct dd_tag_verdict){ DD_VERDICT_NO_RULE, DD_NO_RULE, NULL };
		if (any && dd_tag_subject(tags[i].name, &subject))
			verdicts[i].reason = DD_VERDICT_COMPANION;
		else if (any)
			rc = find_rule(&judging, about, i, err);
	}
	for (uint32_t i = 0; i < policy->rules.count && rc == 0; i++)
		if (about[i])
			rc = judge_rule(&judging, i, err);
	return rc < 0 ? dd_wrap(err, rc, "judge the tags of %.255s", repository) : 0;
}
