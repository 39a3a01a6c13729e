/*
 * drydock gc: plan a collection, or carry it out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "cleanup.h"
#include "collection.h"
#include "plan.h"
#include "plan_file.h"
#include "policy.h"
#include "tool.h"

static struct {
	bool apply, delete_untagged, leftovers, allow_empty, purge, bytes;
	int64_t grace_ns, uploads_older_ns, trash_keep_ns, lock_wait_ns;
	struct option_texts accept_loss, ack;
	struct cache_settings cache;
	const char *policy, *keep_from;
	uint64_t max_items, max_bytes;
	unsigned max_share;
	int64_t time_limit_ns;
	const char *post_exec, *metrics;
	uint64_t trash_max;
	struct option_space min_free;
	const char *plan_out, *plan;
} settings = {
	.grace_ns = -1, /* not given */
	.uploads_older_ns = -1,
	.trash_keep_ns = DD_GC_TRASH_KEEP,
	.min_free = { .percent = DD_GC_MIN_FREE },
};

static const struct option table[] = {
	{ "apply", 0, OPTION_FLAG, &settings.apply, NULL,
	  "carry the plan out; without it nothing is changed", NULL },
	{ "plan-out", 0, OPTION_TEXT, &settings.plan_out, "FILE",
	  "write the plan to a file as well, to be carried out later", NULL },
	{ "plan", 0, OPTION_TEXT, &settings.plan, "FILE",
	  "of what goes today, only what this file names and is as it was then", NULL },
	{ "delete-untagged", 'm', OPTION_FLAG, &settings.delete_untagged, NULL,
	  "manifests that no tag leads to go as well", NULL },
	{ "policy", 0, OPTION_TEXT, &settings.policy, "FILE",
	  "tags that no rule of the policy keeps go as well: drydock-policy(5)", NULL },
	{ "keep-from", 0, OPTION_TEXT, &settings.keep_from, "FILE",
	  "references and digests, a line each, that stay whatever the rules say; \"-\" reads them "
	  "from standard input",
	  NULL },
	{ "grace", 0, OPTION_DURATION, &settings.grace_ns, "DURATION",
	  "what is younger stays, with all that it reaches (default: 24h)", NULL },
	{ "uploads-older-than", 0, OPTION_DURATION, &settings.uploads_older_ns, "DURATION",
	  "unfinished uploads go when they are older (default: 7d)", NULL },
	{ "leftovers", 0, OPTION_FLAG, &settings.leftovers, NULL,
	  "look for temporary files beside links and blobs that stay, too: opens every directory",
	  NULL },
	{ "accept-loss", 0, OPTION_TEXTS, &settings.accept_loss, "REPO@DIGEST",
	  "give a damaged manifest up: it holds nothing any more; may be repeated", NULL },
	{ "ack", 0, OPTION_TEXTS, &settings.ack, "REPO@DIGEST",
	  "a damaged manifest is known: it goes on holding, and no longer counts as something new; "
	  "remembered with --apply; may be repeated",
	  NULL },
	{ "allow-empty", 0, OPTION_FLAG, &settings.allow_empty, NULL,
	  "let -m work on a volume that has not one tag, --policy take a repository's last tag, and "
	  "blobs go where there is no repository",
	  NULL },
	{ "max-items", 0, OPTION_AMOUNT, &settings.max_items, "N",
	  "carry nothing out if more objects would go", NULL },
	{ "max-bytes", 0, OPTION_SIZE, &settings.max_bytes, "SIZE",
	  "carry nothing out if more would be freed", NULL },
	{ "max-share", 0, OPTION_PERCENT, &settings.max_share, "PERCENT",
	  "carry nothing out if more of the volume's blobs would go", NULL },
	{ "trash-keep", 0, OPTION_DURATION, &settings.trash_keep_ns, "DURATION",
	  "at the end, older trash is removed for good (default: 7d)", NULL },
	{ "trash-max", 0, OPTION_SIZE, &settings.trash_max, "SIZE",
	  "if the trash takes more, the oldest runs of it go early", NULL },
	{ "min-free", 0, OPTION_SPACE, &settings.min_free, "SIZE|PERCENT",
	  "if less is free, the oldest runs go early, but not this one; 0: never (default: 10%)",
	  NULL },
	{ "purge", 0, OPTION_FLAG, &settings.purge, NULL,
	  "remove for good at once: frees space now, and cannot be undone", NULL },
	CACHE_OPTIONS(settings.cache, "neither use nor keep what was found out"),
	{ "lock-wait", 0, OPTION_DURATION, &settings.lock_wait_ns, "DURATION",
	  "wait so long for another run to end (default: 0)", NULL },
	{ "time-limit", 0, OPTION_DURATION, &settings.time_limit_ns, "DURATION",
	  "take nothing more after so long; the next run goes on from there", NULL },
	{ "post-exec", 0, OPTION_TEXT, &settings.post_exec, "COMMAND",
	  "carry this out, by /bin/sh, after a run that took something", NULL },
	{ "metrics", 0, OPTION_TEXT, &settings.metrics, "FILE",
	  "write metrics for Prometheus there, whatever comes of the run", NULL },
	{ "bytes", 'b', OPTION_FLAG, &settings.bytes, NULL, "sizes in bytes", NULL },
	{ 0 },
};

static int parse_pair(struct dd_reference_pair *pair, const char *option, const char *text,
		      struct dd_error *err)
{
	const char *at = strrchr(text, '@');
	char *repository;
	int rc;

	if (!at || at == text || dd_digest_parse(&pair->digest, at + 1, strlen(at + 1)) < 0) {
		rc = dd_fail(err, DD_EUSAGE, 0, "--%s: \"%.400s\" is not REPO@DIGEST", option,
			     text);
		dd_hint(err, "as the plan has it, the digest whole: app@sha256:… with 64 digits");
		return rc;
	}
	repository = strndup(text, (size_t)(at - text));
	pair->repository = repository;
	if (!repository)
		return dd_fail(err, DD_ENOMEM, 0, "read --%s", option);
	if (!dd_repository_safe(repository))
		return dd_fail(err, DD_EUSAGE, 0, "--%s: \"%.400s\" cannot be a repository", option,
			       repository);
	return 0;
}

struct pairs {
	struct dd_reference_pair *items;
	size_t count;
};

static void pairs_release(struct pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++)
		free((char *)pairs->items[i].repository);
	free(pairs->items);
}

static int parse_pairs(struct pairs *pairs, const char *option, const struct option_texts *texts,
		       struct dd_error *err)
{
	int rc = 0;

	pairs->items = calloc(texts->count + 1, sizeof(*pairs->items));
	if (!pairs->items)
		return dd_fail(err, DD_ENOMEM, 0, "read --%s", option);
	for (size_t i = 0; i < texts->count && rc == 0; i++) {
		pairs->count++;
		rc = parse_pair(&pairs->items[i], option, texts->items[i], err);
	}
	return rc;
}

static int print(struct tool *tool, const struct dd_gc_options *options, struct dd_gc *gc,
		 bool failed, struct dd_error *err)
{
	(void)err;
	plan_print(tool, options, gc, settings.apply, failed);
	return 0;
}

/* As it was given, or the default. */
static int64_t duration(int64_t given, int64_t usual)
{
	return given < 0 ? usual : given;
}

/* What goes by a file is said by the file alone. */
static int check_plan(const struct tool *tool, struct dd_error *err)
{
	const char *other = settings.delete_untagged	   ? "--delete-untagged" :
			    settings.grace_ns >= 0	   ? "--grace" :
			    settings.uploads_older_ns >= 0 ? "--uploads-older-than" :
			    settings.leftovers		   ? "--leftovers" :
			    settings.accept_loss.count	   ? "--accept-loss" :
			    settings.allow_empty	   ? "--allow-empty" :
			    settings.plan_out		   ? "--plan-out" :
							     NULL;

	if (settings.plan_out && settings.apply && !tool->dry_run)
		return dd_fail(err, DD_EUSAGE, 0,
			       "--plan-out is for a plan, and --apply carries one out: first the "
			       "one, then --apply --plan");
	if (!settings.plan || !other)
		return 0;
	return dd_fail(err, DD_EUSAGE, 0,
		       "%s: what goes by a plan file was settled when that was made", other);
}

static struct dd_plan_file *plan_file;

static int open_plan_files(struct tool *tool, struct dd_gc_options *options, struct dd_error *err)
{
	int rc = settings.plan ? plan_file_read(settings.plan, &plan_file, err) : 0;

	if (rc == 0 && plan_file)
		dd_plan_file_settle(plan_file, options);
	return rc == 0 && settings.plan_out ? plan_file_check(tool->store, settings.plan_out, err) :
					      rc;
}

static int write_plan(struct tool *tool, const struct dd_gc *gc, struct dd_error *err)
{
	return settings.plan_out ? plan_file_write(gc, tool->store, settings.plan_out, err) : 0;
}

static int run(struct tool *tool, const struct options *words, struct dd_error *err)
{
	CLEANUP(pairs_release) struct pairs accept_loss = { 0 };
	CLEANUP(pairs_release) struct pairs ack = { 0 };
	CLEANUP(policy_close) struct policy_files files = { 0 };
	int rc = tool_check_words(words, 0, err);

	if (rc == 0)
		rc = parse_pairs(&accept_loss, "accept-loss", &settings.accept_loss, err);
	if (rc == 0)
		rc = parse_pairs(&ack, "ack", &settings.ack, err);
	if (rc == 0)
		rc = check_plan(tool, err);
	if (rc < 0)
		return rc;
	tool->bytes = settings.bytes;
	const struct collection how = {
		.apply = settings.apply && !tool->dry_run,
		.cache = &settings.cache,
		.time_limit_ns = settings.time_limit_ns,
		.post_exec = settings.post_exec,
		.metrics = settings.metrics,
		.check = open_plan_files,
		.planned = write_plan,
		.policy = settings.policy,
		.keep_from = settings.keep_from,
		.files = &files,
		.print = print,
	};
	struct dd_gc_options options = {
		.delete_untagged = settings.delete_untagged,
		.grace_ns = duration(settings.grace_ns, DD_GC_GRACE),
		.uploads_older_ns = duration(settings.uploads_older_ns, DD_GC_UPLOADS),
		.trash_keep_ns = settings.trash_keep_ns,
		.trash = { settings.trash_max, settings.min_free.bytes, settings.min_free.percent },
		.leftovers = settings.leftovers,
		.purge = settings.purge,
		.allow_empty = settings.allow_empty,
		.max_items = settings.max_items,
		.max_bytes = settings.max_bytes,
		.max_share = settings.max_share,
		.lock_wait_ns = settings.lock_wait_ns,
		.accept_loss = accept_loss.items,
		.accept_loss_count = accept_loss.count,
		.ack = ack.items,
		.ack_count = ack.count,
		.command = tool->command,
	};

	plan_set_file(settings.plan_out, settings.policy);
	rc = collection_run(tool, &how, &options, err);
	dd_index_closep(&options.index);
	dd_plan_file_closep(&plan_file);
	return rc;
}

const struct command command_gc = {
	.name = "gc",
	.arguments = "[--apply] [-m] [OPTION…]",
	.summary = "collect what nothing reaches",
	.description =
		"Prints what would go, why, and how much that frees; with --apply it goes.\n"
		"Everything that a tag reaches stays, and without -m everything that any manifest\n"
		"reaches; so does what is younger than --grace, and what is in doubt. What goes can\n"
		"be put back (drydock trash) until the trash expires.\n",
	.examples =
		"  drydock gc                        what would go, and why\n"
		"  drydock gc -m                     untagged manifests, too\n"
		"  drydock gc -m --apply             do it\n"
		"  drydock trash restore latest --apply\n"
		"                                    undo it\n"
		"  drydock gc --policy rules.yaml    tags that no rule keeps, too\n"
		"  drydock gc -q --apply             for cron: silent unless a person is needed\n"
		"  drydock gc -q --apply --max-share 20\n"
		"                                    and unless a fifth of all would go\n"
		"  drydock gc -m --plan-out plan.json   to look at it first, then do just that:\n"
		"  drydock gc --apply --plan plan.json\n",
	.options = table,
	.run = run,
};
