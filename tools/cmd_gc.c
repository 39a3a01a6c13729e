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
#include "tool.h"

static struct {
	bool apply, delete_untagged, leftovers, allow_empty, purge, bytes;
	int64_t grace_ns, uploads_older_ns, trash_keep_ns, lock_wait_ns;
	struct option_texts accept_loss, ack;
	struct cache_settings cache;
	uint64_t max_items, max_bytes;
	unsigned max_share;
	int64_t time_limit_ns;
	const char *post_exec, *metrics;
} settings = {
	.grace_ns = DD_GC_GRACE,
	.uploads_older_ns = DD_GC_UPLOADS,
	.trash_keep_ns = DD_GC_TRASH_KEEP,
};

static const struct option table[] = {
	{ "apply", 0, OPTION_FLAG, &settings.apply, NULL,
	  "carry the plan out; without it nothing is changed", NULL },
	{ "delete-untagged", 'm', OPTION_FLAG, &settings.delete_untagged, NULL,
	  "manifests that no tag leads to go as well", NULL },
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
	  "let -m work on a volume that has not one tag", NULL },
	{ "max-items", 0, OPTION_AMOUNT, &settings.max_items, "N",
	  "carry nothing out if more objects would go", NULL },
	{ "max-bytes", 0, OPTION_SIZE, &settings.max_bytes, "SIZE",
	  "carry nothing out if more would be freed", NULL },
	{ "max-share", 0, OPTION_NUMBER, &settings.max_share, "PERCENT",
	  "carry nothing out if more of the volume's blobs would go", NULL },
	{ "trash-keep", 0, OPTION_DURATION, &settings.trash_keep_ns, "DURATION",
	  "at the end, older trash is removed for good (default: 7d)", NULL },
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

static int run(struct tool *tool, const struct options *words, struct dd_error *err)
{
	CLEANUP(pairs_release) struct pairs accept_loss = { 0 };
	CLEANUP(pairs_release) struct pairs ack = { 0 };
	int rc = tool_check_words(words, 0, err);

	if (rc == 0)
		rc = parse_pairs(&accept_loss, "accept-loss", &settings.accept_loss, err);
	if (rc == 0)
		rc = parse_pairs(&ack, "ack", &settings.ack, err);
	if (rc == 0 && settings.max_share > 100)
		rc = dd_fail(err, DD_EUSAGE, 0, "--max-share: more than all cannot go");
	if (rc < 0)
		return rc;
	tool->bytes = settings.bytes;
	const struct collection how = {
		.apply = settings.apply && !tool->dry_run,
		.cache = &settings.cache,
		.time_limit_ns = settings.time_limit_ns,
		.post_exec = settings.post_exec,
		.metrics = settings.metrics,
		.print = print,
	};
	struct dd_gc_options options = {
		.delete_untagged = settings.delete_untagged,
		.grace_ns = settings.grace_ns,
		.uploads_older_ns = settings.uploads_older_ns,
		.trash_keep_ns = settings.trash_keep_ns,
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

	rc = collection_run(tool, &how, &options, err);
	dd_index_closep(&options.index);
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
		"  drydock gc -q --apply             for cron: silent unless a person is needed\n"
		"  drydock gc -q --apply --max-share 20\n"
		"                                    and unless a fifth of all would go\n",
	.options = table,
	.run = run,
};
