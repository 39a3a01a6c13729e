/*
 * drydock show: everything about one manifest or blob.
 */
#include <stdlib.h>

#include "bytes.h"
#include "cache.h"
#include "cleanup.h"
#include "show.h"

static struct {
	bool raw, free, bytes;
	struct cache_settings cache;
} settings;

static const struct option table[] = {
	{ "raw", 0, OPTION_FLAG, &settings.raw, NULL, "the stored bytes, untouched", NULL },
	{ "free", 0, OPTION_FLAG, &settings.free, NULL,
	  "add up what would go with it: looks at the whole volume", NULL },
	CACHE_OPTIONS(settings.cache, "do not ask what drydock verify remembers"),
	{ "bytes", 'b', OPTION_FLAG, &settings.bytes, NULL, "sizes in bytes", NULL },
	{ 0 },
};

static const char *get_environment(const char *name)
{
	return getenv(name);
}

static void write_json(const void *show, struct dd_json_out *out)
{
	dd_show_json(show, out);
}

static int show_one(struct tool *tool, const struct dd_reference *reference, struct dd_error *err)
{
	CLEANUP(dd_index_closep) struct dd_index *index = NULL;
	CLEANUP(dd_show_release) struct dd_show show = { 0 };
	const struct dd_index_options where = { .kind = DD_INDEX_VERIFIED,
						.cache_dir = settings.cache.directory,
						.none = settings.cache.none,
						.read_only = true,
						.get_environment = get_environment };
	struct dd_show_options options = { .free = settings.free };
	int rc = dd_index_open(tool->ctx, tool->store, &where, &index, err);

	options.index = index;
	if (rc == 0)
		rc = dd_show(tool->ctx, tool->store, reference, &options, &show, err);
	if (rc < 0)
		return tool_named(rc);
	tool_results(tool);
	rc = tool->json ? tool_print_json(write_json, &show, err) : show_print(&show, err);
	if (rc < 0)
		return rc;
	return tool_looked(tool, show.problems);
}

static int run(struct tool *tool, const struct options *options, struct dd_error *err)
{
	struct dd_reference reference;
	int rc = tool_check_words(options, 1, err);

	if (rc == 0 && !options->word_count) {
		rc = dd_fail(err, DD_EUSAGE, 0, "which one? A reference is wanted");
		dd_hint(err, "write REPO:TAG, REPO@sha256:… or sha256:…");
	}
	if (rc == 0 && settings.raw && tool->json)
		rc = dd_fail(err, DD_EUSAGE, 0, "--raw and --json exclude each other");
	if (rc == 0)
		rc = bytes_parse(&reference, options->words[0], err);
	if (rc < 0)
		return rc;
	tool->bytes = settings.bytes;
	rc = tool_open(tool, err);
	if (rc < 0)
		return rc;
	return settings.raw ? bytes_print(tool, &reference, err) : show_one(tool, &reference, err);
}

const struct command command_show = {
	.name = "show",
	.arguments = "[OPTION…] REF",
	.summary = "everything about one image, manifest or blob",
	.description =
		"REF is REPO:TAG, REPO@DIGEST or DIGEST. Shows what it is, how it was made and which\n"
		"step made which layer, its platforms, who refers to it, where else it is, and\n"
		"whether its bytes were verified. --raw prints the stored bytes instead.\n",
	.examples = "  drydock show library/app:v1\n"
		    "  drydock show library/app:v1 --free   what would go with it?\n"
		    "  drydock show --raw library/app:v1 | jq .\n"
		    "  drydock show --json library/app:v1 | jq -r '.config.env[]'\n",
	.options = table,
	.run = run,
};
