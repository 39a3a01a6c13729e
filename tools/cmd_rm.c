/*
 * drydock rm: remove tags, manifests and repositories by name, with what only they reach.
 */
#include <stdio.h>
#include <stdlib.h>

#include <drydock/escape.h>
#include <drydock/why.h>

#include "cache.h"
#include "cleanup.h"
#include "collection.h"
#include "plan.h"
#include "render.h"
#include "tool.h"
#include "why.h"

#define REFUSED_SHOWN 20

static struct {
	bool apply, bytes;
	int64_t grace_ns, lock_wait_ns;
	const char *post_exec;
	struct cache_settings cache;
} settings = { .grace_ns = DD_GC_GRACE };

static const struct option table[] = {
	{ "apply", 0, OPTION_FLAG, &settings.apply, NULL,
	  "carry the plan out; without it nothing is changed", NULL },
	{ "grace", 0, OPTION_DURATION, &settings.grace_ns, "DURATION",
	  "blobs and layer links that are younger stay; what is named goes (default: 24h)", NULL },
	CACHE_OPTIONS(settings.cache, "neither use nor keep what was found out"),
	{ "lock-wait", 0, OPTION_DURATION, &settings.lock_wait_ns, "DURATION",
	  "wait so long for another run to end (default: 0)", NULL },
	{ "post-exec", 0, OPTION_TEXT, &settings.post_exec, "COMMAND",
	  "carry this out, by /bin/sh, after a run that took something", NULL },
	{ "bytes", 'b', OPTION_FLAG, &settings.bytes, NULL, "sizes in bytes", NULL },
	{ 0 },
};

/* Who keeps the rest is worth knowing before it is done. */
static int print_keepers(struct tool *tool, const struct dd_gc_options *options,
			 struct dd_error *err)
{
	CLEANUP(dd_free_closep) struct dd_free *freed = NULL;
	const struct dd_why_options rules = { .index = options->index,
					      .grace_ns = settings.grace_ns,
					      .paths_max = tool->verbose ? 0 : WHY_SHOWN };
	int rc = dd_free(tool->ctx, tool->store, options->remove, options->remove_count, &rules,
			 &freed, err);

	if (rc == 0 && dd_free_get(freed)->kept_blobs)
		putchar('\n');
	if (rc == 0)
		why_print_keepers(dd_free_get(freed));
	return rc;
}

static void print_refused(const struct tool *tool, const struct dd_gc_plan *plan)
{
	size_t count = plan->refusal_count;
	size_t shown = tool->verbose || count <= REFUSED_SHOWN ? count : REFUSED_SHOWN;

	if (!count)
		return;
	printf("\n%sOf what was named %s%s\n", style_on(STYLE_HEADING),
	       render_count(count, "manifest stays", "manifests stay"), style_off());
	for (size_t i = 0; i < shown; i++) {
		AUTOFREE char *name = render_place(plan->refusals[i].place);

		printf("  %s: %s\n", name ? dd_escaped(name) : "?",
		       dd_escaped(plan->refusals[i].why));
	}
	render_more(2, count - shown, BY_VERBOSE);
}

static int print(struct tool *tool, const struct dd_gc_options *options, struct dd_gc *gc,
		 bool failed, struct dd_error *err)
{
	(void)err;
	plan_print(tool, options, gc, settings.apply, failed);
	print_refused(tool, dd_gc_get_plan(gc));
	return 0;
}

static int remove_named(struct tool *tool, struct dd_gc_options *options, struct dd_error *err)
{
	const struct collection how = { .apply = settings.apply && !tool->dry_run,
					.cache = &settings.cache,
					.post_exec = settings.post_exec,
					.print = print };
	int status = collection_run(tool, &how, options, err), rc = 0;

	if (status >= 0 && !how.apply && !tool->json && !tool->quiet)
		rc = print_keepers(tool, options, err);
	dd_index_closep(&options->index);
	return rc < 0 ? rc : status;
}

static int run(struct tool *tool, const struct options *words, struct dd_error *err)
{
	AUTOFREE struct dd_reference *references = NULL;
	int rc = 0;

	if (!words->word_count) {
		rc = dd_fail(err, DD_EUSAGE, 0, "what is to go? A reference is wanted");
		dd_hint(err, "write REPO, REPO:TAG, REPO@sha256:… or a quoted pattern of them");
		return rc;
	}
	references = calloc(words->word_count, sizeof(*references));
	if (!references)
		return dd_fail(err, DD_ENOMEM, 0, "read the references");
	for (size_t i = 0; i < words->word_count && rc == 0; i++)
		rc = dd_reference_parse(&references[i], words->words[i], err);
	if (rc < 0)
		return rc;
	tool->bytes = settings.bytes;
	return remove_named(tool,
			    &(struct dd_gc_options){ .grace_ns = settings.grace_ns,
						     .uploads_older_ns = DD_GC_UPLOADS,
						     .trash_keep_ns = DD_GC_TRASH_KEEP,
						     .lock_wait_ns = settings.lock_wait_ns,
						     .remove = references,
						     .remove_count = words->word_count,
						     .command = tool->command },
			    err);
}

const struct command command_rm = {
	.name = "rm",
	.arguments = "REF… [--apply] [OPTION…]",
	.summary = "remove tags, manifests and repositories by name",
	.description =
		"Prints what would go with the named tags, manifests and repositories, how much that\n"
		"frees, and what keeps the rest; with --apply it goes. What something else needs\n"
		"stays, and so does what is in doubt. What goes can be put back (drydock trash)\n"
		"until the trash expires. REPO and TAG may be patterns (\"*\", \"?\", \"[a-z]\").\n",
	.examples = "  drydock rm library/app:v1                 what would go with this tag\n"
		    "  drydock rm 'library/app:pr-*' --apply     old builds\n"
		    "  drydock rm team/old-app --apply           a whole repository\n"
		    "  drydock rm library/app@sha256:3b6ab2dc    a manifest, and its tags\n"
		    "  drydock trash restore latest --apply      undo it\n",
	.options = table,
	.run = run,
};
