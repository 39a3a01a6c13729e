/*
 * Any bytes are a policy, which has a verdict for each tag, or an error with its place.
 */
#include <stdint.h>
#include <string.h>

#include <drydock/policy.h>
#include <drydock/units.h>

#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DAY (24 * 3600 * DD_SECOND)
#define NOW (20000 * DAY)

static const struct dd_policy_tag tags[] = {
	{ "latest", NOW, NOW, false },
	{ "v1.2.3", NOW - DAY, 0, false },
	{ "1.2", NOW - 2 * DAY, NOW - DAY, false },
	{ "pr-17", NOW - 90 * DAY, 0, true },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0, 0, false },
	{ "sha256-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.sig", NOW, 0,
	  false },
};
#define TAGS (sizeof(tags) / sizeof(*tags))

static void judge(struct dd_policy *policy)
{
	const struct dd_policy_times times = { NOW, NOW - 60 * DAY, NOW - DAY };
	struct dd_rule_count *counts = calloc(dd_policy_count(policy), sizeof(*counts));
	struct dd_policy_repository about;
	struct dd_tag_verdict verdicts[TAGS];
	struct dd_error err = { 0 };
	int rc;

	MUST(counts);
	rc = dd_policy_judge(NULL, policy, "team/app", tags, TAGS, &times, verdicts, counts, &err);
	MUST(rc == 0 || (rc == DD_EREFUSED && strstr(err.text, "line ")));
	for (size_t i = 0; i < TAGS && rc == 0; i++) {
		char detail[DD_VERDICT_DETAIL];

		MUST(verdicts[i].reason < DD_VERDICT_COUNT);
		MUST(verdicts[i].rule == DD_NO_RULE || verdicts[i].rule < dd_policy_count(policy));
		/* What no rule is about stays, whatever the rules are. */
		MUST(verdicts[i].rule != DD_NO_RULE || !dd_tag_verdict_goes(verdicts[i].reason));
		MUST(strlen(dd_tag_verdict_detail(policy, &verdicts[i], detail)) < sizeof(detail));
	}
	if (rc == 0)
		dd_policy_about(policy, "team/app", &about, &err);
	for (size_t i = 0; i < dd_policy_count(policy); i++) {
		uint32_t shadow = dd_policy_shadow(policy, i);

		MUST(shadow == DD_NO_RULE || shadow < i);
	}
	free(counts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dd_policy *policy = NULL;
	struct dd_error err = { 0 };
	int rc = dd_policy_read((const char *)data, size, &policy, &err);

	if (rc == 0)
		judge(policy);
	else
		MUST(rc == DD_ECONFIG && !policy &&
		     (strstr(err.text, "line ") || strstr(err.text, "byte")));
	dd_policy_closep(&policy);
	return 0;
}
