/*
 * drydock policy: is the file right, what would it do, and when was what pulled.
 */
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "cleanup.h"
#include "policy.h"
#include "pull_lines.h"
#include "render.h"
#include "tool.h"

static struct {
	bool apply, delete_untagged, allow_empty, bytes;
	int64_t grace_ns, lock_wait_ns;
	const char *keep_from;
	struct option_texts ignore_agents;
	struct cache_settings cache;
} settings = { .grace_ns = DD_GC_GRACE };

static const struct option table[] = {
	{ "keep-from", 0, OPTION_TEXT, &settings.keep_from, "FILE",
	  "test: references and digests, a line each, that stay whatever the rules say", NULL },
	{ "delete-untagged", 'm', OPTION_FLAG, &settings.delete_untagged, NULL,
	  "test: as drydock gc -m would", NULL },
	{ "allow-empty", 0, OPTION_FLAG, &settings.allow_empty, NULL,
	  "test: a repository may lose its last tag", NULL },
	{ "grace", 0, OPTION_DURATION, &settings.grace_ns, "DURATION",
	  "test: what is younger stays (default: 24h)", NULL },
	{ "apply", 0, OPTION_FLAG, &settings.apply, NULL,
	  "import-pulls: remember them; without it nothing is changed", NULL },
	{ "ignore-agent", 0, OPTION_TEXTS, &settings.ignore_agents, "PATTERN",
	  "import-pulls: pulls by such a User-Agent are none: a scanner's, a mirror's; may be "
	  "repeated",
	  NULL },
	{ "lock-wait", 0, OPTION_DURATION, &settings.lock_wait_ns, "DURATION",
	  "import-pulls: wait so long for another run to end (default: 0)", NULL },
	CACHE_OPTIONS(settings.cache, "test: neither use nor keep what was found out"),
	{ "bytes", 'b', OPTION_FLAG, &settings.bytes, NULL, "test: sizes in bytes", NULL },
	{ 0 },
};

/* ---- check ---- */

static int check(struct tool *tool, const struct options *words, struct dd_error *err)
{
	CLEANUP(policy_close) struct policy_files files = { 0 };
	int rc = policy_open(&files, words->words[1], NULL, err);

	if (rc < 0)
		return rc;
	if (tool->json)
		return dd_fail(err, DD_EUSAGE, 0, "policy check has no document: test has");
	if (tool->quiet)
		return DD_EXIT_DONE;
	policy_print_check(files.policy, words->words[1]);
	return DD_EXIT_DONE;
}

/* ---- test ---- */

static void write_json(const void *gc, struct dd_json_out *out)
{
	dd_gc_policy_json(gc, out);
}

static void print_sum(const struct dd_gc_options *options, const struct dd_gc_plan *plan)
{
	policy_print_summary(options, plan);
	printf("  a collection by it frees %s%s%s\n", style_on(STYLE_HEADING),
	       render_size(plan->totals.bytes), style_off());
}

static int test(struct tool *tool, const struct options *words, struct dd_error *err)
{
	CLEANUP(policy_close) struct policy_files files = { 0 };
	CLEANUP(dd_index_closep) struct dd_index *index = NULL;
	CLEANUP(dd_gc_closep) struct dd_gc *gc = NULL;
	struct dd_gc_options options = { .delete_untagged = settings.delete_untagged,
					 .grace_ns = settings.grace_ns,
					 .uploads_older_ns = DD_GC_UPLOADS,
					 .allow_empty = settings.allow_empty };
	int rc = policy_open(&files, words->words[1], settings.keep_from, err);

	tool->bytes = settings.bytes;
	if (rc == 0)
		rc = tool_open(tool, err);
	if (rc == 0)
		rc = cache_open(tool, &settings.cache, DD_INDEX_SURVEYED, &index, err);
	options.index = index;
	options.policy = files.policy;
	options.keep = files.keep;
	if (rc == 0)
		rc = dd_gc_plan(tool->ctx, tool->store, &options, &gc, err);
	if (rc < 0)
		return rc;
	tool_results(tool);
	if (tool->json)
		return tool_print_json(write_json, gc, err);
	rc = tool->quiet ? 0 : policy_print_tags(&options, gc, err);
	if (rc == 0 && !tool->quiet)
		print_sum(&options, dd_gc_get_plan(gc));
	return rc < 0 ? rc : (int)dd_gc_plan_exit(dd_gc_get_plan(gc));
}

/* ---- import-pulls ---- */

static int import(struct tool *tool, const struct options *words, struct dd_error *err)
{
	const struct pulls_wanted wanted = { .files = words->words + 1,
					     .file_count = words->word_count - 1,
					     .ignore_agents = settings.ignore_agents.items,
					     .ignore_count = settings.ignore_agents.count,
					     .apply = settings.apply && !tool->dry_run,
					     .lock_wait_ns = settings.lock_wait_ns };
	int rc;

	tool->changes = wanted.apply;
	rc = tool_open(tool, err);
	return rc < 0 ? rc : pulls_import(tool, &wanted, err);
}

/* ---- which of them ---- */

static const struct verb {
	const char *name, *arguments;
	size_t least, most; /* words behind the verb */
	int (*run)(struct tool *tool, const struct options *words, struct dd_error *err);
} verbs[] = {
	{ "check", " FILE", 1, 1, check },
	{ "test", " FILE", 1, 1, test },
	{ "import-pulls", " LOG…", 1, SIZE_MAX, import },
};

static int run(struct tool *tool, const struct options *words, struct dd_error *err)
{
	static const char names[] = "one of check, test, import-pulls";
	const struct verb *verb = verbs, *end = verbs + sizeof(verbs) / sizeof(*verbs);

	if (!words->word_count)
		return dd_fail(err, DD_EUSAGE, 0, "%s is wanted", names);
	while (verb < end && strcmp(verb->name, words->words[0]) != 0)
		verb++;
	if (verb == end)
		return dd_fail(err, DD_EUSAGE, 0, "\"%.200s\" is not %s", words->words[0], names);
	if (words->word_count - 1 < verb->least || words->word_count - 1 > verb->most)
		return dd_fail(err, DD_EUSAGE, 0, "it is drydock policy %s%s", verb->name,
			       verb->arguments);
	if (settings.apply && verb->run != import)
		return dd_fail(
			err, DD_EUSAGE, 0,
			"--apply: %s changes nothing (drydock gc --policy FILE --apply does)",
			verb->name);
	return verb->run(tool, words, err);
}

const struct command command_policy = {
	.name = "policy",
	.arguments = "check FILE | test FILE | import-pulls LOG… [--apply]",
	.summary = "rules for which tags stay: check them, try them, tell them what is pulled",
	.description =
		"check         whether the file is right, without looking at a volume\n"
		"test          every tag, whether it stays, and by which rule; changes nothing\n"
		"import-pulls  read a registry's or a proxy's access log (\"-\": standard input), and\n"
		"              remember in the volume when what was last pulled, for pulled-within\n"
		"              and fit; only prints what it would, unless --apply is given\n"
		"\n"
		"drydock gc --policy FILE is what carries a policy out. What a policy looks like:\n"
		"drydock-policy(5).\n",
	.examples = "  drydock policy check rules.yaml\n"
		    "  drydock policy test rules.yaml              what would go?\n"
		    "  drydock gc --policy rules.yaml              and how much that frees\n"
		    "  docker logs registry 2>&1 | drydock policy import-pulls - --apply\n"
		    "  drydock policy import-pulls /var/log/nginx/access.log --apply\n",
	.options = table,
	.run = run,
};
