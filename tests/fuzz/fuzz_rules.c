/*
 * Any bytes are rules, which answer each question, or an error with its place.
 */
#include <stdint.h>
#include <string.h>

#include "must.h"
#include "serve/auth.h"
#include "serve/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ALL (DD_AUTH_PULL | DD_AUTH_PUSH | DD_AUTH_DELETE)

static void ask(const struct dd_rules *rules, const char *user, const char *repository)
{
	bool each = dd_rules_allow(rules, user, repository, DD_AUTH_PULL) &&
		    dd_rules_allow(rules, user, repository, DD_AUTH_PUSH) &&
		    dd_rules_allow(rules, user, repository, DD_AUTH_DELETE);

	/* All of it is what each is, and who is known may do no less than who is not. */
	MUST(dd_rules_allow(rules, user, repository, ALL) == each);
	if (dd_rules_allow(rules, NULL, repository, ALL))
		MUST(each && dd_rules_know_anybody(rules));
	if (dd_rules_allow(rules, NULL, NULL, DD_AUTH_CATALOG))
		MUST(dd_rules_allow(rules, user, NULL, DD_AUTH_CATALOG));
}

static void ask_about_tags(const struct dd_rules *rules, const char *repository)
{
	static const char *const tags[] = { "latest", "v1.2.3", "1" };
	struct dd_immutable rule;

	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++)
		if (dd_rules_make_immutable(rules, repository, tags[i], &rule)) {
			MUST(rule.line && rule.repositories && rule.tags);
			MUST(dd_rules_make_immutable(rules, repository, NULL, &rule));
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dd_rules *rules = NULL;
	struct dd_error err = { 0 };
	int rc = dd_rules_read((const char *)data, size, &rules, &err);

	MUST(rc == 0 || (rc == DD_ECONFIG && !rules &&
			 (strstr(err.text, "line ") || strstr(err.text, "byte"))));
	if (rc == 0) {
		ask(rules, "alice", "team/app");
		ask(rules, "bob", "a");
		ask_about_tags(rules, "team/app");
	}
	dd_rules_closep(&rules);
	return 0;
}
