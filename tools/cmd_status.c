/*
 * drydock status: the page that a person looks at first.
 */
#include <stdlib.h>

#include "cache.h"
#include "cleanup.h"
#include "status.h"

static struct {
	bool quick, bytes;
	int64_t grace_ns, trash_keep_ns;
	struct cache_settings cache;
} settings = { .grace_ns = DD_GC_GRACE, .trash_keep_ns = -1 };

static const struct option table[] = {
	{ "quick", 0, OPTION_FLAG, &settings.quick, NULL,
	  "look at no repository and no blob: what the volume holds is an estimate, by the last "
	  "collection, and what could be collected is left out",
	  NULL },
	{ "grace", 0, OPTION_DURATION, &settings.grace_ns, "DURATION",
	  "what is younger would stay (default: 24h)", NULL },
	{ "trash-keep", 0, OPTION_DURATION, &settings.trash_keep_ns, "DURATION",
	  "how long the trash is kept (default: as long as the last collection kept it, or 7d)",
	  NULL },
	CACHE_OPTIONS(settings.cache, "neither use nor keep what was found out"),
	{ "bytes", 'b', OPTION_FLAG, &settings.bytes, NULL, "sizes in bytes", NULL },
	{ 0 },
};

static void write_json(const void *status, struct dd_json_out *out)
{
	dd_status_json(status, out);
}

static const char *get_environment(const char *name)
{
	return getenv(name);
}

/* What verified the volume said so there. */
static int open_log(struct tool *tool, struct dd_index **log, struct dd_error *err)
{
	const struct dd_index_options options = {
		.kind = DD_INDEX_VERIFIED,
		.cache_dir = settings.cache.directory,
		.none = settings.cache.none,
		.read_only = true,
		.log_only = true,
		.get_environment = get_environment,
	};

	return dd_index_open(tool->ctx, tool->store, &options, log, err);
}

static int run(struct tool *tool, const struct options *words, struct dd_error *err)
{
	CLEANUP(dd_index_closep) struct dd_index *index = NULL, *log = NULL;
	CLEANUP(dd_status_closep) struct dd_status *status = NULL;
	struct dd_status_options options = { .quick = settings.quick };
	int rc = tool_check_words(words, 0, err);

	if (rc < 0)
		return rc;
	tool->bytes = settings.bytes;
	rc = tool_open(tool, err);
	if (rc == 0 && !settings.quick)
		rc = cache_open(tool, &settings.cache, DD_INDEX_SURVEYED, &index, err);
	if (rc == 0)
		rc = open_log(tool, &log, err);
	options.grace_ns = settings.grace_ns;
	options.trash_keep_ns = settings.trash_keep_ns;
	options.index = index;
	options.log = log;
	if (rc == 0)
		rc = dd_status_open(tool->ctx, tool->store, &options, &status, err);
	if (rc < 0)
		return rc;
	tool_results(tool);
	if (tool->json)
		rc = tool_print_json(write_json, status, err);
	else
		status_print(tool, status);
	return rc < 0 ? rc : (int)dd_status_exit(status);
}

const struct command command_status = {
	.name = "status",
	.arguments = "[OPTION…]",
	.summary = "how the volume is: what it holds, last runs, what could go, what is wrong",
	.description =
		"Prints a page: what the volume holds, how the last collection and the last\n"
		"verification ended, what a collection would free, what is held and why, the trash\n"
		"and when it expires, the disk, and who is at work. Below it stands whatever needs\n"
		"a person, with the command to type. Changes nothing. Status 1 if a person is needed.\n",
	.examples =
		"  drydock status                    how is it?\n"
		"  drydock status --quick            at once, however large it is\n"
		"  drydock status -q                 for cron: silent unless a person is needed\n"
		"  drydock status --json | jq -r '.problems[].problem'\n",
	.options = table,
	.run = run,
};
