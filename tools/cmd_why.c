/*
 * drydock why: what keeps something, what would take it, where it went.
 */
#include <stdlib.h>

#include "cache.h"
#include "cleanup.h"
#include "policy.h"
#include "tool.h"
#include "why.h"

static struct {
	bool free, bytes, allow_empty;
	const char *policy, *keep_from;
	int64_t grace_ns;
	struct cache_settings cache;
} settings = { .grace_ns = DD_GC_GRACE };

static const struct option table[] = {
	{ "free", 0, OPTION_FLAG, &settings.free, NULL,
	  "how much would go with these tags, manifests and repositories, and what keeps the rest",
	  NULL },
	{ "policy", 0, OPTION_TEXT, &settings.policy, "FILE",
	  "why with drydock gc --policy FILE: by which rule a tag stays, or that none keeps it",
	  NULL },
	{ "keep-from", 0, OPTION_TEXT, &settings.keep_from, "FILE",
	  "references and digests that stay, as in drydock gc", NULL },
	{ "allow-empty", 0, OPTION_FLAG, &settings.allow_empty, NULL,
	  "with --policy, as in drydock gc", NULL },
	{ "grace", 0, OPTION_DURATION, &settings.grace_ns, "DURATION",
	  "what is younger stays, as in drydock gc (default: 24h)", NULL },
	CACHE_OPTIONS(settings.cache, "neither use nor keep what was found out"),
	{ "bytes", 'b', OPTION_FLAG, &settings.bytes, NULL, "sizes in bytes", NULL },
	{ 0 },
};

static void write_why(const void *why, struct dd_json_out *out)
{
	dd_why_json(why, out);
}

static void write_free(const void *free, struct dd_json_out *out)
{
	dd_free_json(free, out);
}

static int ask(struct tool *tool, const struct dd_reference *reference,
	       const struct dd_why_options *options, struct dd_error *err)
{
	CLEANUP(dd_why_closep) struct dd_why *why = NULL;
	int rc = dd_why(tool->ctx, tool->store, reference, options, &why, err);

	if (rc < 0)
		return tool_named(rc);
	tool_results(tool);
	if (tool->json)
		rc = tool_print_json(write_why, why, err);
	else
		why_print(tool, dd_why_get(why), settings.policy);
	return rc < 0 ? rc : (int)dd_why_exit(dd_why_get(why));
}

static int ask_free(struct tool *tool, const struct dd_reference *references, size_t count,
		    const struct dd_why_options *options, struct dd_error *err)
{
	CLEANUP(dd_free_closep) struct dd_free *freed = NULL;
	int rc = dd_free(tool->ctx, tool->store, references, count, options, &freed, err);

	if (rc < 0)
		return tool_named(rc);
	tool_results(tool);
	if (tool->json)
		rc = tool_print_json(write_free, freed, err);
	else
		why_print_free(dd_free_get(freed));
	if (rc < 0)
		return rc;
	return dd_free_get(freed)->unreadable ? DD_EXIT_ATTENTION : DD_EXIT_DONE;
}

static int check_words(const struct options *words, struct dd_error *err)
{
	int rc;

	if (words->word_count)
		return settings.free ? 0 : tool_check_words(words, 1, err);
	rc = dd_fail(err, DD_EUSAGE, 0, "which one? A reference is wanted");
	dd_hint(err, "write REPO:TAG, REPO@sha256:… or sha256:…");
	return rc;
}

static int parse(const struct options *words, struct dd_reference *references, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < words->word_count && rc == 0; i++) {
		rc = dd_reference_parse(&references[i], words->words[i], err);
		if (rc == 0 && !settings.free && !references[i].tag[0] &&
		    !references[i].digest[0]) {
			rc = dd_fail(err, DD_EUSAGE, 0, "\"%.400s\" is a repository as a whole",
				     words->words[i]);
			dd_hint(err, "write REPO:TAG, REPO@sha256:… or sha256:…; --free takes "
				     "repositories, too");
		}
	}
	return rc;
}

static int run(struct tool *tool, const struct options *words, struct dd_error *err)
{
	AUTOFREE struct dd_reference *references = NULL;
	CLEANUP(dd_index_closep) struct dd_index *index = NULL;
	CLEANUP(policy_close) struct policy_files files = { 0 };
	struct dd_why_options options = { .grace_ns = settings.grace_ns,
					  .paths_max = tool->verbose ? 0 : WHY_SHOWN,
					  .allow_empty = settings.allow_empty };
	int rc = check_words(words, err);

	if (rc == 0 && settings.free && (settings.policy || settings.keep_from))
		rc = dd_fail(err, DD_EUSAGE, 0, "--free goes by names, not by a policy");

	if (rc < 0)
		return rc;
	references = calloc(words->word_count, sizeof(*references));
	if (!references)
		return dd_fail(err, DD_ENOMEM, 0, "read the references");
	rc = parse(words, references, err);
	if (rc < 0)
		return rc;
	tool->bytes = settings.bytes;
	rc = policy_open(&files, settings.policy, settings.keep_from, err);
	options.policy = files.policy;
	options.keep = files.keep;
	if (rc == 0)
		rc = tool_open(tool, err);
	if (rc == 0)
		rc = cache_open(tool, &settings.cache, DD_INDEX_SURVEYED, &index, err);
	if (rc < 0)
		return rc;
	options.index = index;
	return settings.free ? ask_free(tool, references, words->word_count, &options, err) :
			       ask(tool, references, &options, err);
}

const struct command command_why = {
	.name = "why",
	.arguments = "REF | --free REF…",
	.summary = "what keeps something, what would take it, where it went",
	.description =
		"Prints every way from a tag or another root to REF, which is REPO:TAG, REPO@DIGEST\n"
		"or DIGEST; of what nothing keeps, what would take it and when; of what is in the\n"
		"trash, since when, and what brings it back.\n"
		"--free: how many bytes would go if these tags, manifests and repositories went,\n"
		"who keeps the rest, and what would have to go next to free more.\n",
	.examples = "  drydock why sha256:3b6ab2dc       why is this still here?\n"
		    "  drydock why library/app:v1\n"
		    "  drydock why library/app:v1 --policy rules.yaml\n"
		    "                                    which rule keeps it?\n"
		    "  drydock why --free library/app:v1 library/old\n"
		    "  drydock why --free 'library/app:pr-*'\n",
	.options = table,
	.run = run,
};
