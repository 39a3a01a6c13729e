/*
 * Policies on the command line: reading what was named, and verdicts for people.
 */
#ifndef TOOLS_POLICY_H
#define TOOLS_POLICY_H

#include <drydock/gc.h>

#include "tool.h"

struct policy_files {
	struct dd_policy *policy;
	struct dd_keep *keep;
};

/* NULL: none was named. The keep list may be "-". */
int policy_open(struct policy_files *files, const char *policy, const char *keep,
		struct dd_error *err);
void policy_close(struct policy_files *files);

/* What a plan by a policy came to, and what of the policy is to be pointed out. */
void policy_print_summary(const struct dd_gc_options *options, const struct dd_gc_plan *plan);
/* Every tag and its verdict. */
int policy_print_tags(const struct dd_gc_options *options, const struct dd_gc *gc,
		      struct dd_error *err);
/* " [rule 2 (line 7): newest: 10]" */
void policy_print_verdict(const struct dd_policy *policy, const struct dd_tag_verdict *verdict);
/* What can be told from the file alone. Returns how much there is to point out. */
size_t policy_print_check(const struct dd_policy *policy, const char *path);

#endif
