/*
 * drydock snapshot: a list of everything, to compare with later.
 */
#include <stdio.h>
#include <string.h>

#include <drydock/units.h>

#include "cache.h"
#include "cleanup.h"
#include "listing.h"
#include "render.h"
#include "tool.h"

static struct {
	struct cache_settings cache;
} settings;

static const struct option table[] = {
	CACHE_OPTIONS(settings.cache, "neither use nor keep what was found out"),
	{ 0 },
};

struct result {
	const struct dd_snapshot *snapshot;
	const char *path;
};

static void write_json(const void *thing, struct dd_json_out *out)
{
	const struct result *result = thing;

	dd_snapshot_json(result->snapshot, result->path, out);
}

static int print_bytes(const struct dd_snapshot *snapshot, struct dd_error *err)
{
	AUTOFREE char *bytes = NULL;
	size_t len;
	int rc = dd_snapshot_format(snapshot, &bytes, &len, err);

	/* Whether it could be written is asked of standard output, at the end. */
	if (rc == 0)
		fwrite(bytes, 1, len, stdout);
	return rc;
}

static int tell(const struct tool *tool, const struct result *result, struct dd_error *err)
{
	const struct dd_snapshot *snapshot = result->snapshot;

	if (!strcmp(result->path, "-"))
		return print_bytes(snapshot, err);
	if (tool->json)
		return tool_print_json(write_json, result, err);
	if (!tool->quiet)
		printf("%s lists %s, %s, %s and %s (%s).\n", result->path,
		       render_count(snapshot->repository_count, "repository", "repositories"),
		       render_count(snapshot->tags, "tag", "tags"),
		       render_count(snapshot->manifests, "manifest", "manifests"),
		       render_count(snapshot->present, "blob", "blobs"),
		       render_size(snapshot->bytes));
	return 0;
}

static int take(struct tool *tool, const char *path, struct dd_snapshot *snapshot,
		struct dd_error *err)
{
	CLEANUP(dd_index_closep) struct dd_index *index = NULL;
	const struct result result = { snapshot, path };
	int rc = cache_open(tool, &settings.cache, DD_INDEX_SURVEYED, &index, err);

	if (rc == 0)
		rc = dd_snapshot_take(tool->ctx, tool->store, index, snapshot, err);

	tool_results(tool);
	if (rc == 0 && strcmp(path, "-") != 0 && !tool->dry_run)
		rc = listing_write(tool->store, snapshot, path, err);
	if (rc == 0)
		rc = tell(tool, &result, err);
	if (rc < 0)
		return rc;
	return tool_looked(tool, snapshot->problems);
}

static int run(struct tool *tool, const struct options *options, struct dd_error *err)
{
	CLEANUP(dd_snapshot_release) struct dd_snapshot snapshot = { 0 };
	int rc = tool_check_words(options, 1, err);

	if (rc == 0 && !options->word_count) {
		rc = dd_fail(err, DD_EUSAGE, 0, "where to write it is missing");
		dd_hint(err, "drydock snapshot FILE; - is standard output");
	}
	if (rc == 0)
		rc = tool_open(tool, err);
	return rc < 0 ? rc : take(tool, options->words[0], &snapshot, err);
}

const struct command command_snapshot = {
	.name = "snapshot",
	.arguments = "[OPTION…] FILE",
	.summary = "list everything into a small file, to compare with later",
	.description =
		"Writes a list of all repositories, tags, manifests and blobs with their sizes, for\n"
		"'drydock diff FILE' to compare with. No bytes of blobs are in it. FILE - is standard\n"
		"output. The file never lies in the volume, and replaces nothing but a snapshot.\n",
	.examples = "  drydock snapshot /var/backups/registry.snapshot\n"
		    "  drydock diff /var/backups/registry.snapshot\n",
	.options = table,
	.run = run,
};
