/*
 * drydock diff: two images, or two volumes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/diff.h>
#include <drydock/history.h>

#include "cleanup.h"
#include "diff.h"
#include "listing.h"
#include "tool.h"

static struct {
	bool all, bytes;
} settings;

static const struct option table[] = {
	{ "all", 'a', OPTION_FLAG, &settings.all, NULL,
	  "of volumes: list manifests and blobs one by one, too", NULL },
	{ "bytes", 'b', OPTION_FLAG, &settings.bytes, NULL, "sizes in bytes", NULL },
	{ 0 },
};

/* ---- volumes ---- */

/* No reference begins like that. */
static bool is_path(const char *word)
{
	return word[0] == '/' || word[0] == '.';
}

static void write_volumes(const void *diff, struct dd_json_out *out)
{
	dd_diff_volumes_json(diff, out);
}

static int differ_snapshots(struct tool *tool, const struct dd_snapshot *before,
			    const struct dd_snapshot *after, struct dd_error *err)
{
	CLEANUP(dd_diff_volumes_release) struct dd_diff_volumes diff = { 0 };
	int rc = dd_diff_volumes(before, after, settings.all, &diff, err);

	tool_results(tool);
	if (rc < 0)
		return rc;
	rc = tool->json ? tool_print_json(write_volumes, &diff, err) :
			  diff_print_volumes(&diff, err);
	if (rc < 0)
		return rc;
	return tool_looked(tool, before->problems + after->problems);
}

static int differ_volumes(struct tool *tool, const struct options *options, struct dd_error *err)
{
	CLEANUP(dd_snapshot_release) struct dd_snapshot before = { 0 };
	CLEANUP(dd_snapshot_release) struct dd_snapshot after = { 0 };
	bool both = options->word_count == 2;
	int rc = 0;

	if (both && !is_path(options->words[0]) != !is_path(options->words[1]))
		return dd_fail(err, DD_EUSAGE, 0,
			       "an image cannot be compared with a volume: \"%.200s\", \"%.200s\"",
			       options->words[0], options->words[1]);
	if (both && (tool->root || tool->config))
		return dd_fail(err, DD_EUSAGE, 0,
			       "two volumes are named, and --root or --config names a third");
	if (both)
		tool_begin(tool);
	else
		rc = tool_open(tool, err);
	if (rc == 0)
		rc = listing_load(tool, options->words[0], &before, err);
	if (rc == 0)
		rc = both ? listing_load(tool, options->words[1], &after, err) :
			    dd_snapshot_take(tool->ctx, tool->store, NULL, &after, err);
	return rc < 0 ? rc : differ_snapshots(tool, &before, &after, err);
}

/* ---- images ---- */

static void write_images(const void *diff, struct dd_json_out *out)
{
	dd_diff_images_json(diff, out);
}

/* What a tag pointed to before, as far as that can still be read: a reference by digest. */
static int find_previous(struct tool *tool, const struct dd_reference *after,
			 struct dd_reference *before, struct dd_error *err)
{
	CLEANUP(dd_history_release) struct dd_history history = { 0 };
	const struct dd_history_options how = { 0 };
	const struct dd_history_tag *tag;
	int rc = dd_history(tool->ctx, tool->store, after, &how, &history, err);

	if (rc < 0)
		return rc;
	tag = history.tags;
	*before = *after;
	before->tag[0] = '\0';
	for (size_t i = 0; i < tag->count; i++)
		if (tag->entries[i].state == DD_HISTORY_HERE ||
		    tag->entries[i].state == DD_HISTORY_DELETED) {
			dd_digest_format(&tag->entries[i].digest, before->digest);
			return 0;
		}
	rc = dd_fail(err, DD_EUSAGE, 0,
		     tag->count > 1 ? "nothing is left of what %s:%s pointed to before" :
				      "%s:%s has never pointed elsewhere",
		     after->repository, after->tag);
	dd_hint(err, "'drydock log %s:%s' tells its history; name two images to compare others",
		after->repository, after->tag);
	return rc;
}

static int differ_images(struct tool *tool, const struct dd_reference *before,
			 const struct dd_reference *after, const char *before_name,
			 const char *after_name, struct dd_error *err)
{
	CLEANUP(dd_diff_images_release) struct dd_diff_images diff = { 0 };
	int rc = dd_diff_images(tool->ctx, tool->store, before, after, &diff, err);

	if (rc < 0)
		return tool_named(rc);
	tool_results(tool);
	rc = tool->json ? tool_print_json(write_images, &diff, err) :
			  diff_print_images(&diff, before_name, after_name, err);
	if (rc < 0)
		return rc;
	return tool_looked(tool, diff.problems);
}

static int differ_with_previous(struct tool *tool, const struct options *options,
				struct dd_error *err)
{
	AUTOFREE char *name = NULL;
	struct dd_reference before, after;
	int rc = dd_reference_parse(&after, options->words[0], err);

	if (rc == 0 && !after.tag[0]) {
		rc = dd_fail(err, DD_EUSAGE, 0, "what to compare %.200s with is missing",
			     options->words[0]);
		dd_hint(err, "a tag alone is compared with what it pointed to before");
	}
	if (rc == 0)
		rc = tool_open(tool, err);
	if (rc == 0)
		rc = find_previous(tool, &after, &before, err);
	if (rc < 0)
		return tool_named(rc);
	if (asprintf(&name, "%s@%s", before.repository, before.digest) < 0) {
		name = NULL;
		return dd_fail(err, DD_ENOMEM, 0, "compare images");
	}
	/* Its bytes are there, also where the repository has it no more. */
	before.repository[0] = '\0';
	return differ_images(tool, &before, &after, name, options->words[0], err);
}

static int run(struct tool *tool, const struct options *options, struct dd_error *err)
{
	struct dd_reference before, after;
	int rc = tool_check_words(options, 2, err);

	if (rc == 0 && !options->word_count) {
		rc = dd_fail(err, DD_EUSAGE, 0, "what to compare is missing");
		dd_hint(err, "two images, or volumes; drydock diff --help has examples");
	}
	if (rc < 0)
		return rc;
	tool->bytes = settings.bytes;
	if (is_path(options->words[0]) || is_path(options->words[options->word_count - 1]))
		return differ_volumes(tool, options, err);
	if (settings.all)
		return dd_fail(err, DD_EUSAGE, 0, "--all is for volumes");
	if (options->word_count == 1)
		return differ_with_previous(tool, options, err);
	rc = dd_reference_parse(&before, options->words[0], err);
	if (rc == 0)
		rc = dd_reference_parse(&after, options->words[1], err);
	if (rc == 0)
		rc = tool_open(tool, err);
	if (rc < 0)
		return rc;
	return differ_images(tool, &before, &after, options->words[0], options->words[1], err);
}

const struct command command_diff = {
	.name = "diff",
	.arguments = "[OPTION…] REF [REF] | PATH [PATH]",
	.summary = "what differs between two images, or two volumes",
	.description =
		"REF REF: which layers they share, what their configurations say differently, and\n"
		"what a pull of the second transfers to who has the first; indexes by platform. A tag\n"
		"alone is compared with what it pointed to before.\n"
		"PATH: a file of 'drydock snapshot', or the directory of another volume; it begins\n"
		"with / or with a dot. Compared with the volume, or with a second PATH: what\n"
		"appeared, went, moved and grew.\n",
	.examples = "  drydock diff app:v1 app:v2        what is new in v2\n"
		    "  drydock diff app:latest           what came with its last move\n"
		    "  drydock diff /var/backups/registry.snapshot\n"
		    "                                    what has changed since\n"
		    "  drydock diff /srv/a /srv/b --all  is the copy whole?\n",
	.options = table,
	.run = run,
};
