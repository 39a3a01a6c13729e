/*
 * drydock garbage-collect: a collection by the reference's command line, with its lines.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <drydock/escape.h>
#include <drydock/units.h>

#include "cleanup.h"
#include "collection.h"
#include "plan.h"
#include "render.h"
#include "tool.h"

static struct {
	bool dry_run, delete_untagged, quiet, purge;
	int64_t grace_ns, trash_keep_ns, lock_wait_ns;
} settings = { .grace_ns = DD_GC_GRACE, .trash_keep_ns = DD_GC_TRASH_KEEP };

static const struct option table[] = {
	{ "dry-run", 'd', OPTION_SWITCH, &settings.dry_run, NULL,
	  "say what would go; nothing is changed", NULL },
	{ "delete-untagged", 'm', OPTION_SWITCH, &settings.delete_untagged, NULL,
	  "manifests that no tag leads to go as well", NULL },
	{ "quiet", 'q', OPTION_SWITCH, &settings.quiet, NULL, "silent unless a person is needed",
	  NULL },
	{ "grace", 0, OPTION_DURATION, &settings.grace_ns, "DURATION",
	  "what is younger stays, with all that it reaches (default: 24h)", NULL },
	{ "trash-keep", 0, OPTION_DURATION, &settings.trash_keep_ns, "DURATION",
	  "at the end, older trash is removed for good (default: 7d)", NULL },
	{ "purge", 0, OPTION_FLAG, &settings.purge, NULL,
	  "remove for good at once: frees space now, and cannot be undone", NULL },
	{ "lock-wait", 0, OPTION_DURATION, &settings.lock_wait_ns, "DURATION",
	  "wait so long for another run to end (default: 0)", NULL },
	{ 0 },
};

/* ---- the reference's lines ---- */

/* The blank behind a manifest's digest is the reference's. */
static int print_marked(void *arg, const struct dd_marked *marked)
{
	const char *name = dd_escaped(marked->repository);

	(void)arg;
	if (!marked->digest)
		puts(name);
	else if (marked->manifest)
		printf("%s: marking manifest %s \n", name, dd_digest_text(marked->digest));
	else
		printf("%s: marking blob %s\n", name, dd_digest_text(marked->digest));
	return 0;
}

static uint64_t count_items(const struct dd_gc *gc, enum dd_place_kind kind)
{
	uint64_t count = 0;

	for (size_t i = 0; i < dd_gc_get_plan(gc)->item_count; i++) {
		struct dd_item item;

		dd_gc_get_item(gc, i, &item);
		count += item.place.kind == kind && !item.place.beside;
	}
	return count;
}

/* In the reference's words, and what it does not know in words that go with them. */
static void print_eligible(const struct dd_item *item)
{
	const struct dd_place *place = &item->place;
	AUTOFREE char *name = render_place(place);

	if (!place->beside && place->kind == DD_AT_REVISION)
		printf("manifest eligible for deletion: %s\n", dd_digest_text(&place->digest));
	else if (!place->beside && place->kind == DD_AT_BLOB)
		printf("blob eligible for deletion: %s\n", dd_digest_text(&place->digest));
	else if (!place->beside && place->kind == DD_AT_LAYER)
		printf("%s: layer link eligible for deletion: %s\n", dd_escaped(place->repository),
		       dd_digest_text(&place->digest));
	else
		printf("%s eligible for deletion: %s\n", plan_kind(place),
		       name ? dd_escaped(name) : "?");
}

static void print_items(const struct dd_gc *gc, bool manifests)
{
	for (size_t i = 0; i < dd_gc_get_plan(gc)->item_count; i++) {
		struct dd_item item;

		dd_gc_get_item(gc, i, &item);
		if ((item.place.kind == DD_AT_REVISION && !item.place.beside) == manifests)
			print_eligible(&item);
	}
}

/* ---- ours ---- */

/* By the root: the environment may lead the configuration elsewhere where this did not follow it. */
static void print_undo(const struct tool *tool, const struct dd_gc_plan *plan)
{
	const struct tool by_root = { .root = dd_store_get_root(tool->store) };
	AUTOFREE char *command = NULL;
	char words[64];

	if (!plan->applied || plan->purged || !plan->totals.withdrawn_items)
		return;
	snprintf(words, sizeof(words), "trash restore %s --apply", plan->run);
	command = tool_suggest(&by_root, words);
	if (command)
		printf("to undo it: %s\n", dd_escaped(command));
}

static void print_freed(const struct dd_gc_plan *plan, const struct dd_gc_options *options)
{
	const struct dd_gc_totals *totals = &plan->totals;
	bool purge = plan->applied ? plan->purged : options->purge;
	uint64_t taken = plan->applied ? totals->withdrawn_bytes : totals->bytes;
	uint64_t now = plan->applied ? totals->freed_bytes : purge ? taken : 0;
	uint64_t emptied = plan->applied ? now - (purge ? taken : 0) : 0;
	uint64_t earlier = totals->trash_bytes > emptied ? totals->trash_bytes - emptied : 0;
	char keep[DD_UNIT_TEXT];

	printf("%s now: %s", plan->applied ? "freed" : "would be freed", render_size(now));
	if (!purge && taken)
		printf("; with the trash in %s, by the next collection: %s",
		       dd_duration_format(options->trash_keep_ns, keep), render_size(taken));
	if (earlier)
		printf("; of earlier collections as they expire: %s", render_size(earlier));
	puts("");
}

static int print(struct tool *tool, const struct dd_gc_options *options, struct dd_gc *gc,
		 bool failed, struct dd_error *err)
{
	const struct dd_gc_plan *plan = dd_gc_get_plan(gc);
	uint64_t marked = 0;
	int rc = 0;

	if (tool->quiet) {
		plan_print_alarm(tool, plan);
		return 0;
	}
	if (!failed)
		rc = dd_gc_each_marked(tool->ctx, gc, print_marked, NULL, &marked, err);
	print_items(gc, true);
	printf("\n%llu blobs marked, %llu blobs and %llu manifests eligible for deletion\n",
	       (unsigned long long)marked, (unsigned long long)count_items(gc, DD_AT_BLOB),
	       (unsigned long long)count_items(gc, DD_AT_REVISION));
	print_items(gc, false);
	puts("");
	plan_print_alarm(tool, plan);
	print_undo(tool, plan);
	print_freed(plan, options);
	return rc;
}

/* ---- the run ---- */

/* The reference would follow it: who relied on that is told. */
static void warn_of_environment(struct tool *tool)
{
	static const char *const names[] = { "REGISTRY_STORAGE", "REGISTRY_STORAGE_FILESYSTEM",
					     "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (getenv(names[i]))
			dd_log(tool->ctx, DD_LOG_WARNING,
			       "%s is not followed: the configuration alone says where the volume "
			       "is",
			       names[i]);
}

static int check_words(const struct tool *tool, const struct options *words, struct dd_error *err)
{
	int rc = tool_check_words(words, 1, err);

	if (rc < 0)
		return rc;
	if (!words->word_count) {
		rc = dd_fail(err, DD_EUSAGE, 0,
			     "which volume? A registry's configuration is wanted");
		dd_hint(err, "drydock garbage-collect /etc/docker/registry/config.yml");
		return rc;
	}
	if (!tool->root && !tool->config)
		return 0;
	rc = dd_fail(err, DD_EUSAGE, 0,
		     "--%s: the operand says which volume, and nothing else does",
		     tool->root ? "root" : "config");
	dd_hint(err, "drydock gc takes it");
	return rc;
}

static int run(struct tool *tool, const struct options *words, struct dd_error *err)
{
	const struct cache_settings cache = { 0 };
	const struct collection how = {
		.cache = &cache,
		.apply = !settings.dry_run && !tool->dry_run,
		.opened = warn_of_environment,
		.print = print,
	};
	struct dd_gc_options options = {
		.delete_untagged = settings.delete_untagged,
		.grace_ns = settings.grace_ns,
		.uploads_older_ns = DD_GC_UPLOADS,
		.trash_keep_ns = settings.trash_keep_ns,
		.trash = { .min_free_percent = DD_GC_MIN_FREE },
		.purge = settings.purge,
		.lock_wait_ns = settings.lock_wait_ns,
		.command = tool->command,
	};
	int rc = check_words(tool, words, err);

	if (rc < 0)
		return rc;
	tool->config = words->words[0];
	tool->no_environment = true;
	tool->quiet |= settings.quiet;
	rc = collection_run(tool, &how, &options, err);
	dd_index_closep(&options.index);
	return rc;
}

const struct command command_garbage_collect = {
	.name = "garbage-collect",
	.arguments = "[-d] [-m] [-q] CONFIG",
	.summary = "the same by the registry's own command line, at once",
	.description =
		"For jobs that call the registry's garbage-collect: its command line and its lines,\n"
		"and drydock gc's care. It acts at once, on the volume that CONFIG names, whatever\n"
		"the environment says; what goes can be put back (drydock trash) until the trash\n"
		"expires.\n",
	.examples = "  drydock garbage-collect -d /etc/docker/registry/config.yml\n"
		    "                                    what would go\n"
		    "  drydock garbage-collect -m /etc/docker/registry/config.yml\n"
		    "                                    collect, untagged manifests too\n",
	.options = table,
	.run = run,
};
