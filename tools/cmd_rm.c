/*
 * drydock rm: remove tags, manifests and repositories by name, with what only they reach.
 */
#include <stdlib.h>

#include <drydock/why.h>

#include "cache.h"
#include "cleanup.h"
#include "plan.h"
#include "talk.h"
#include "tool.h"
#include "why.h"

static struct {
	bool apply, bytes;
	int64_t grace_ns, lock_wait_ns;
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
	{ "bytes", 'b', OPTION_FLAG, &settings.bytes, NULL, "sizes in bytes", NULL },
	{ 0 },
};

static void write_json(const void *gc, struct dd_json_out *out)
{
	dd_gc_json(gc, out);
}

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

	if (rc == 0)
		why_print_keepers(dd_free_get(freed));
	return rc;
}

static int remove_named(struct tool *tool, const struct dd_gc_options *options,
			struct dd_error *err)
{
	bool apply = settings.apply && !tool->dry_run;
	CLEANUP(dd_gc_closep) struct dd_gc *gc = NULL;
	struct dd_error json_err = { 0 };
	int rc = (apply ? dd_gc_apply : dd_gc_plan)(tool->ctx, tool->store, options, &gc, err);
	const struct dd_gc_plan *plan = gc ? dd_gc_get_plan(gc) : NULL;

	tool_results(tool);
	if (!plan || (rc < 0 && !plan->applied))
		return tool_named(rc);
	if (!tool->json)
		plan_print(tool, options, gc, settings.apply, rc < 0);
	else if (tool_print_json(write_json, gc, &json_err) < 0)
		talk_error(&json_err);
	if (rc == 0 && !apply && !tool->json && !tool->quiet)
		rc = print_keepers(tool, options, err);
	return rc < 0 ? rc : (int)dd_gc_plan_exit(plan);
}

static int run(struct tool *tool, const struct options *words, struct dd_error *err)
{
	AUTOFREE struct dd_reference *references = NULL;
	CLEANUP(dd_index_closep) struct dd_index *index = NULL;
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
	rc = tool_open(tool, err);
	if (rc == 0)
		rc = cache_open(tool, &settings.cache, DD_INDEX_SURVEYED, &index, err);
	if (rc < 0)
		return rc;
	return remove_named(tool,
			    &(struct dd_gc_options){ .index = index,
						     .grace_ns = settings.grace_ns,
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
