/*
 * drydock repair: what is damaged and can be mended, mended.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/index.h>
#include <drydock/repair.h>
#include <drydock/units.h>

#include "cache.h"
#include "cleanup.h"
#include "mend.h"
#include "render.h"
#include "talk.h"
#include "tool.h"

static struct {
	bool apply, owner, mode, quick, full, bytes;
	struct option_texts from, choose;
	int64_t reverify_after_ns, lock_wait_ns;
	struct cache_settings cache;
} settings = { .reverify_after_ns = DD_VERIFY_AFTER };

static const struct option table[] = {
	{ "apply", 0, OPTION_FLAG, &settings.apply, NULL,
	  "do it; without it nothing is changed, and this is the plan", NULL },
	{ "from", 0, OPTION_TEXTS, &settings.from, "DIR",
	  "where good bytes may be taken from: another registry volume, or an OCI image layout; "
	  "may be given several times",
	  NULL },
	{ "choose", 0, OPTION_TEXTS, &settings.choose, "REPO:TAG=DIGEST",
	  "what a broken tag is to point to, where its history leaves that in doubt; may be given "
	  "several times",
	  NULL },
	{ "owner", 0, OPTION_FLAG, &settings.owner, NULL,
	  "give files that another user owns to whom the rest belongs", NULL },
	{ "mode", 0, OPTION_FLAG, &settings.mode, NULL,
	  "give files of another mode the mode of the rest", NULL },
	{ "quick", 0, OPTION_FLAG, &settings.quick, NULL,
	  "structure and sizes alone: reads no blob but manifests, and what it mends with", NULL },
	{ "full", 0, OPTION_FLAG, &settings.full, NULL,
	  "read everything, whatever is remembered, and look beside every link and blob", NULL },
	{ "reverify-after", 0, OPTION_DURATION, &settings.reverify_after_ns, "DURATION",
	  "read again what has not changed when it was verified so long ago (default: 30d)", NULL },
	CACHE_OPTIONS(settings.cache, "neither use nor keep what was verified"),
	{ "lock-wait", 0, OPTION_DURATION, &settings.lock_wait_ns, "DURATION",
	  "wait so long for another run to end (default: 0)", NULL },
	{ "bytes", 'b', OPTION_FLAG, &settings.bytes, NULL, "sizes in bytes", NULL },
	{ 0 },
};

/* ---- what was given ---- */

struct given {
	struct dd_source **sources;
	size_t source_count;
	struct dd_tag_choice *choices;
	char **texts; /* that the choices point into */
	size_t choice_count;
	struct dd_reference reference;
};

static void release_given(struct given *given)
{
	for (size_t i = 0; i < given->source_count; i++)
		dd_source_close(given->sources[i]);
	for (size_t i = 0; i < given->choice_count; i++)
		free(given->texts[i]);
	free(given->sources);
	free(given->choices);
	free(given->texts);
}

static int bad_choice(const char *text, struct dd_error *err)
{
	return dd_fail(err, DD_EUSAGE, 0,
		       "--choose \"%.200s\": REPO:TAG=DIGEST is wanted, as in app:v1=sha256:1f0c…",
		       text);
}

/* A digest or the beginning of one, with its algorithm or without. */
static bool begins_digest(const char *text)
{
	const char *colon = strchr(text, ':'), *hex = colon ? colon + 1 : text;

	if (colon && dd_algorithm_parse(text, (size_t)(colon - text)) < 0)
		return false;
	return strlen(hex) >= 4 && strspn(hex, "0123456789abcdef") == strlen(hex);
}

/* REPO:TAG=DIGEST, cut into its parts in place. */
static int parse_choice(char *text, struct dd_tag_choice *choice, struct dd_error *err)
{
	AUTOFREE char *whole = strdup(text);
	char *equals = strchr(text, '='), *colon;

	if (!whole)
		return dd_fail(err, DD_ENOMEM, 0, "read the options");
	if (!equals || equals[1] == '\0')
		return bad_choice(whole, err);
	*equals = '\0';
	colon = strrchr(text, ':');
	if (!colon || colon == text || !dd_tag_valid(colon + 1) || !begins_digest(equals + 1))
		return bad_choice(whole, err);
	*colon = '\0';
	if (!dd_repository_safe(text))
		return bad_choice(whole, err);
	*choice = (struct dd_tag_choice){ text, colon + 1, equals + 1 };
	return 0;
}

static int parse_choices(struct given *given, struct dd_error *err)
{
	int rc = 0;

	given->choices = calloc(settings.choose.count + 1, sizeof(*given->choices));
	given->texts = calloc(settings.choose.count + 1, sizeof(*given->texts));
	if (!given->choices || !given->texts)
		return dd_fail(err, DD_ENOMEM, 0, "read the options");
	for (size_t i = 0; i < settings.choose.count && rc == 0; i++) {
		given->texts[i] = strdup(settings.choose.items[i]);
		if (!given->texts[i])
			return dd_fail(err, DD_ENOMEM, 0, "read the options");
		given->choice_count++;
		rc = parse_choice(given->texts[i], &given->choices[i], err);
	}
	return rc;
}

static int refuse_itself(struct tool *tool, struct dd_source *source, struct dd_error *err)
{
	bool is = false;
	int rc = dd_source_is_store(source, tool->store, &is, err);

	if (rc < 0 || !is)
		return rc;
	return dd_fail(err, DD_EUSAGE, 0,
		       "that is the volume itself, which has nothing more to give");
}

static int open_sources(struct tool *tool, struct given *given, struct dd_error *err)
{
	int rc = 0;

	given->sources = calloc(settings.from.count + 1, sizeof(*given->sources));
	if (!given->sources)
		return dd_fail(err, DD_ENOMEM, 0, "read the options");
	for (size_t i = 0; i < settings.from.count && rc == 0; i++) {
		rc = dd_source_open_directory(tool->ctx, settings.from.items[i], &given->sources[i],
					      err);
		given->source_count += rc == 0;
		if (rc == DD_EFORMAT || rc == DD_ENOENT)
			rc = DD_EUSAGE;
		if (rc == 0)
			rc = refuse_itself(tool, given->sources[i], err);
		if (rc < 0)
			rc = dd_wrap(err, rc, "--from %s", settings.from.items[i]);
	}
	return rc;
}

/* ---- the run ---- */

static void announce(void *arg, uint64_t blobs, uint64_t bytes)
{
	const struct tool *tool = arg;

	if (!tool->quiet)
		talk_line(DD_LOG_NOTE, "to read: %s in %s", render_size(bytes),
			  render_count(blobs, "blob", "blobs"));
}

static void write_repair(const void *repair, struct dd_json_out *out)
{
	dd_repair_json(repair, out);
}

static int repair_volume(struct tool *tool, const struct given *given, bool has_reference,
			 struct dd_repair **repair, struct dd_error *err)
{
	CLEANUP(dd_index_closep) struct dd_index *index = NULL;
	struct dd_repair_options options = {
		.verify = { .reference = has_reference ? &given->reference : NULL,
			    .quick = settings.quick,
			    .full = settings.full,
			    .reverify_after_ns = settings.reverify_after_ns,
			    .begin = announce,
			    .arg = tool },
		.sources = given->sources,
		.source_count = given->source_count,
		.choices = given->choices,
		.choice_count = given->choice_count,
		.owner = settings.owner,
		.mode = settings.mode,
		.lock_wait_ns = settings.lock_wait_ns,
		.command = tool->command,
	};
	int rc;

	settings.cache.none |= settings.quick;
	rc = cache_open(tool, &settings.cache, DD_INDEX_VERIFIED, &index, err);
	options.verify.index = index;
	if (rc == 0)
		rc = (settings.apply && !tool->dry_run ? dd_repair_apply : dd_repair_plan)(
			tool->ctx, tool->store, &options, repair, err);
	return rc;
}

static int print(struct tool *tool, const struct dd_repair *repair, int rc, struct dd_error *err)
{
	struct dd_error own = { 0 };

	tool_results(tool);
	if (rc == DD_ENOENT)
		rc = tool_named(rc);
	/* A run that was cut short is told for what it did. */
	if (!repair || (rc < 0 && !dd_repair_get_plan(repair)->count))
		return rc;
	if (!tool->json)
		mend_print(tool, repair, settings.apply, rc < 0);
	else if (tool_print_json(write_repair, repair, rc < 0 ? &own : err) < 0 && rc == 0)
		return err->code;
	return rc < 0 ? rc : (int)dd_repair_exit(repair);
}

static int run(struct tool *tool, const struct options *options, struct dd_error *err)
{
	CLEANUP(release_given) struct given given = { 0 };
	CLEANUP(dd_repair_closep) struct dd_repair *repair = NULL;
	int rc = tool_check_words(options, 1, err);

	if (rc == 0 && options->word_count)
		rc = dd_reference_parse(&given.reference, options->words[0], err);
	if (rc == 0 && settings.quick && settings.full)
		rc = dd_fail(err, DD_EUSAGE, 0, "--quick and --full exclude each other");
	if (rc == 0)
		rc = parse_choices(&given, err);
	if (rc < 0)
		return rc;
	tool->bytes = settings.bytes;
	tool->changes = settings.apply && !tool->dry_run;
	rc = tool_open(tool, err);
	if (rc == 0)
		rc = open_sources(tool, &given, err);
	if (rc == 0)
		rc = repair_volume(tool, &given, options->word_count > 0, &repair, err);
	return print(tool, repair, rc, err);
}

const struct command command_repair = {
	.name = "repair",
	.arguments = "[OPTION…] [REF] [--apply]",
	.summary = "mend what is damaged and can be mended, undoably",
	.description =
		"Verifies the volume and says how each damage can be mended: links are written anew,\n"
		"good bytes are taken from the trash, from the same blob under another digest, or\n"
		"from another volume or image layout (--from); what is corrupt and has no copy is\n"
		"withdrawn, so that pushing it again heals the image. Nothing is put in place that\n"
		"was not hashed. drydock trash restore undoes all of it.\n"
		"With REF (REPO, REPO:TAG, REPO@DIGEST, DIGEST) only what that reaches is mended.\n",
	.examples = "  drydock repair                               what could be mended, and how\n"
		    "  drydock repair --apply                       mend it\n"
		    "  drydock repair --from /backup/registry --apply\n"
		    "                                               with good bytes from a backup\n"
		    "  drydock repair --choose app:v1=sha256:1f0c --apply\n"
		    "                                               say where a broken tag points\n"
		    "  drydock repair --owner --mode --apply        files that root left behind\n"
		    "  drydock trash restore latest --apply         undo it\n",
	.options = table,
	.run = run,
};
