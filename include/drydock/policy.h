/*
 * Retention: which tags stay, and by which rule. The format: drydock-policy(5).
 *
 * Judging is pure: names and times of a repository's tags in, a verdict a tag out. What then goes of
 * a volume is a collection's (drydock/gc.h).
 */
#ifndef DRYDOCK_POLICY_H
#define DRYDOCK_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include <drydock/context.h>
#include <drydock/digest.h>
#include <drydock/error.h>

#define DD_POLICY_MAX ((size_t)1 << 20)
#define DD_POLICY_RULES 1000	/* a policy has no more */
#define DD_POLICY_PATTERNS 1000 /* nor has a list of patterns */
#define DD_NO_RULE UINT32_MAX

/* X(constant, name, goes, text): what was decided about a tag, and by what */
/* clang-format off */
#define DD_VERDICTS(X)                                                                         \
	X(DD_VERDICT_NO_RULE, "no-rule", false, "no rule is about it")                         \
	X(DD_VERDICT_LISTED, "listed", false, "the list of what is kept names it")             \
	X(DD_VERDICT_ALL, "all", false, "the rule keeps all")                                  \
	X(DD_VERDICT_NAME, "tags", false, "its name is one that is kept")                      \
	X(DD_VERDICT_NEWEST, "newest", false, "one of the newest")                             \
	X(DD_VERDICT_VERSION, "newest-versions", false, "one of the newest versions")          \
	X(DD_VERDICT_PUSHED, "pushed-within", false, "pushed lately")                          \
	X(DD_VERDICT_PULLED, "pulled-within", false, "pulled lately")                          \
	X(DD_VERDICT_UNKNOWN, "pulls-unknown", false, "pulls are not known that far back")     \
	X(DD_VERDICT_COMPANION, "referrer", false, "it is about a manifest, and stays with it")\
	X(DD_VERDICT_FITS, "fits", false, "it need not go: what is there fits")                \
	X(DD_VERDICT_YOUNG, "young", false, "younger than the grace period")                   \
	X(DD_VERDICT_HELD, "held", false, "its repository is held by doubt")                   \
	X(DD_VERDICT_UNSEEN, "unseen", false, "it cannot be told what it points to")           \
	X(DD_VERDICT_LAST, "last-tags", false, "no tag would be left in the repository")       \
	X(DD_VERDICT_GOES, "not-kept", true, "nothing in the rule keeps it")                   \
	X(DD_VERDICT_FOLLOWS, "with-subject", true, "it is about a manifest that goes")
/* clang-format on */

enum dd_tag_verdict_reason {
#define X(constant, name, goes, text) constant,
	DD_VERDICTS(X)
#undef X
	DD_VERDICT_COUNT
};

const char *dd_tag_verdict_name(enum dd_tag_verdict_reason reason);
const char *dd_tag_verdict_text(enum dd_tag_verdict_reason reason);
bool dd_tag_verdict_goes(enum dd_tag_verdict_reason reason);

/* What a rule says about something; the first rule for a repository that says anything decides. */
enum dd_policy_word { DD_UNSAID, DD_KEEP, DD_REMOVE };

/* One rule, as far as it is not patterns. 0: not said. */
struct dd_policy_rule {
	const char *name;    /* as its author calls it; NULL: not at all */
	size_t line, column; /* where it begins */
	bool keep_all;
	uint64_t newest, newest_versions;
	int64_t pushed_within_ns, pulled_within_ns;
	uint64_t fit_bytes; /* what its repositories may hold */
	enum dd_policy_word untagged, referrers, history;
};

struct dd_policy;

/*
 * DD_ECONFIG with line and column: not YAML, a key that is none (a similar one is suggested), a value
 * that is none, a rule that keeps nothing, a pattern that can match nothing.
 */
int dd_policy_read(const char *bytes, size_t len, struct dd_policy **policy, struct dd_error *err);
void dd_policy_close(struct dd_policy *policy);
void dd_policy_closep(struct dd_policy **policy);

size_t dd_policy_count(const struct dd_policy *policy);
const struct dd_policy_rule *dd_policy_get_rule(const struct dd_policy *policy, size_t at);
uint64_t dd_policy_fit(const struct dd_policy *policy); /* what the volume may hold; 0: anything */
bool dd_policy_wants_pulls(const struct dd_policy *policy);
/* The earlier rule that leaves nothing to this one, as can be told from the file; DD_NO_RULE. */
uint32_t dd_policy_shadow(const struct dd_policy *policy, size_t at);
/* "newest: 10", "tags: v*": which part of the rule decides; buf is returned. */
#define DD_VERDICT_DETAIL 200
struct dd_tag_verdict;
char *dd_tag_verdict_detail(const struct dd_policy *policy, const struct dd_tag_verdict *verdict,
			    char buf[static DD_VERDICT_DETAIL]);

struct dd_policy_tag {
	const char *name;
	int64_t pushed_ns;
	int64_t pulled_ns; /* 0: never, as far as is known */
	bool dangling;	   /* its manifest is gone: it takes nobody's place */
};

struct dd_tag_verdict {
	enum dd_tag_verdict_reason reason;
	uint32_t rule;	     /* which is about it; DD_NO_RULE */
	const char *pattern; /* DD_VERDICT_NAME: the one that matches */
};

struct dd_policy_times {
	int64_t now_ns;
	/* From when to when pulls are known; 0: none are. "Within" ends with the latter. */
	int64_t pulls_from_ns, pulls_to_ns;
};

/* What a rule came to, summed over the calls. */
struct dd_rule_count {
	bool matches; /* something, were it alone */
	uint64_t tags, goes;
};

/*
 * A verdict for each tag of one repository; counts has one for each rule. Not for two threads at
 * once. DD_EREFUSED: a pattern reached its limit; it is named, and no verdict counts. Patterns within
 * their limits can still be slow together: ctx, unless it is NULL, may ask to stop.
 */
int dd_policy_judge(struct dd_context *ctx, struct dd_policy *policy, const char *repository,
		    const struct dd_policy_tag *tags, size_t count,
		    const struct dd_policy_times *times, struct dd_tag_verdict *verdicts,
		    struct dd_rule_count *counts, struct dd_error *err);

/* What the first rule that says something about it says for a repository. */
struct dd_policy_repository {
	enum dd_policy_word untagged, referrers, history;
};
int dd_policy_about(struct dd_policy *policy, const char *repository,
		    struct dd_policy_repository *about, struct dd_error *err);
/* Whether a rule is about the repository. */
int dd_policy_matches(struct dd_policy *policy, size_t rule, const char *repository, bool *matches,
		      struct dd_error *err);

/* "sha256-<hex>", "sha256-<hex>.sig": the tag's manifest is about that digest. */
bool dd_tag_subject(const char *tag, struct dd_digest *subject);

/* ---- versions ---- */

/* "v1.20.3-rc.1": numbers, missing ones are 0, and perhaps what comes before the release. */
struct dd_version {
	const char *numbers; /* borrowed */
	size_t numbers_len, parts;
	const char *before; /* NULL: a release */
	size_t before_len;
};
bool dd_version_parse(struct dd_version *version, const char *text);
/* As Semantic Versioning 2.0.0 has it, section 11. */
int dd_version_compare(const struct dd_version *a, const struct dd_version *b);

/* ---- what is kept whatever the rules say ---- */

#define DD_KEEP_MAX ((size_t)64 << 20)

struct dd_keep;

/*
 * References or digests, a line each; blank lines and those that begin with "#" do not count. A
 * registry's name in front is passed over, as is "docker-pullable://"; NAME means library/NAME, too.
 * DD_EREFUSED: not one reference in it. DD_EUSAGE: a line that is none.
 */
int dd_keep_read(const char *bytes, size_t len, struct dd_keep **keep, struct dd_error *err);
void dd_keep_close(struct dd_keep *keep);
void dd_keep_closep(struct dd_keep **keep);
bool dd_keep_has_tag(struct dd_keep *keep, const char *repository, const char *tag);
size_t dd_keep_digest_count(const struct dd_keep *keep);
const struct dd_digest *dd_keep_get_digest(const struct dd_keep *keep, size_t at);
/* That the volume has this one. */
void dd_keep_found(struct dd_keep *keep, size_t at);
/* Lines, and how many of them named anything so far. */
void dd_keep_count(const struct dd_keep *keep, uint64_t *lines, uint64_t *found);

#endif
