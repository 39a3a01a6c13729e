/*
 * drydock verify: whether a volume is whole.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/index.h>
#include <drydock/units.h>

#include "audit.h"
#include "cache.h"
#include "cleanup.h"
#include "render.h"
#include "talk.h"
#include "textfile.h"
#include "tool.h"

#define NOT_GIVEN (-1)

static struct {
	bool quick, full, bytes;
	bool remembers; /* what this run has read, the next one knows */
	uint64_t max_bytes, rate;
	int64_t budget_ns, reverify_after_ns;
	struct option_fraction max_load;
	struct cache_settings cache;
	const char *metrics;
} settings = { .budget_ns = NOT_GIVEN, .reverify_after_ns = DD_VERIFY_AFTER };

static const struct option table[] = {
	{ "quick", 0, OPTION_FLAG, &settings.quick, NULL,
	  "structure and sizes alone: reads no blob but manifests", NULL },
	{ "full", 0, OPTION_FLAG, &settings.full, NULL,
	  "read everything, whatever is remembered, and look beside every link and blob for what "
	  "does not belong there: opens every directory",
	  NULL },
	{ "reverify-after", 0, OPTION_DURATION, &settings.reverify_after_ns, "DURATION",
	  "read again what has not changed when it was verified so long ago (default: 30d)", NULL },
	{ "max-bytes", 0, OPTION_SIZE, &settings.max_bytes, "SIZE",
	  "read at most so much of blobs in this run", NULL },
	{ "budget", 0, OPTION_DURATION, &settings.budget_ns, "DURATION",
	  "begin no blob after so long", NULL },
	{ "rate", 0, OPTION_SIZE, &settings.rate, "SIZE",
	  "read at most so much a second, over all threads", NULL },
	{ "max-load", 0, OPTION_FRACTION, &settings.max_load, "N",
	  "begin no blob while the load average of the last minute is above that", NULL },
	CACHE_OPTIONS(settings.cache, "neither use nor keep what was verified"),
	{ "metrics", 0, OPTION_TEXT, &settings.metrics, "FILE",
	  "write metrics for Prometheus there, whatever comes of the run", NULL },
	{ "bytes", 'b', OPTION_FLAG, &settings.bytes, NULL, "sizes in bytes", NULL },
	{ 0 },
};

/* ---- metrics ---- */

/*
 * verify and the store may be missing: then the run failed before it found anything. It is about the
 * volume of the run before: how it was named now need not be what that is called.
 */
static int write_metrics(const struct tool *tool, const struct dd_verify *verify, bool succeeded,
			 struct dd_error *err)
{
	AUTOFREE char *before = textfile_read(settings.metrics);
	AUTOFREE char *known = before && !tool->store ? dd_verify_metrics_volume(before) : NULL;
	AUTOFREE char *text = NULL;
	const char *volume = tool->store  ? dd_store_get_root(tool->store) :
			     known	  ? known :
			     tool->root	  ? tool->root :
			     tool->config ? tool->config :
					    "";
	int rc = dd_verify_metrics(verify, volume, succeeded,
				   before ? dd_verify_metrics_success(before, volume) : 0, &text,
				   err);

	return rc < 0 ? rc : textfile_replace(settings.metrics, text, err);
}

/* ---- the run ---- */

static void announce(void *arg, uint64_t blobs, uint64_t bytes)
{
	const struct tool *tool = arg;
	char least[DD_UNIT_TEXT];

	if (tool->quiet)
		return;
	if (settings.max_bytes && bytes > settings.max_bytes)
		talk_line(DD_LOG_NOTE, "to read: %s of %s in %s", render_size(settings.max_bytes),
			  render_size(bytes), render_count(blobs, "blob", "blobs"));
	else if (settings.rate && bytes / settings.rate > 1)
		talk_line(DD_LOG_NOTE, "to read: %s in %s, which takes %s at that rate",
			  render_size(bytes), render_count(blobs, "blob", "blobs"),
			  dd_duration_format((int64_t)(bytes / settings.rate) * DD_SECOND, least));
	else
		talk_line(DD_LOG_NOTE, "to read: %s in %s", render_size(bytes),
			  render_count(blobs, "blob", "blobs"));
}

static void write_json(const void *verify, struct dd_json_out *out)
{
	dd_verify_json(verify, out);
}

/* Of a limited run; without a memory the next one reads another sample. */
static uint64_t per_run(const struct dd_verify *verify)
{
	uint64_t read_bytes = dd_verify_get_summary(verify)->read_bytes;

	if (!settings.remembers)
		return 0;
	return read_bytes > settings.max_bytes ? read_bytes : settings.max_bytes;
}

static int print(const struct tool *tool, const struct dd_verify *verify, bool ended_early,
		 struct dd_error *err)
{
	if (tool->json)
		return tool_print_json_lines(write_json, verify, err);
	audit_print(tool, verify, ended_early, per_run(verify));
	return 0;
}

static int verify_volume(struct tool *tool, const struct dd_reference *reference,
			 struct dd_verify **verify, struct dd_error *err)
{
	struct dd_verify_options options = {
		.reference = reference,
		.quick = settings.quick,
		.full = settings.full,
		.max_bytes = settings.max_bytes,
		.rate = settings.rate,
		.budget_ns = settings.budget_ns == NOT_GIVEN ? 0 : settings.budget_ns,
		.limit_load = settings.max_load.given,
		.max_load = settings.max_load.value,
		.reverify_after_ns = settings.reverify_after_ns,
		.begin = announce,
		.arg = tool,
	};
	CLEANUP(dd_index_closep) struct dd_index *index = NULL;
	CLEANUP(dd_index_closep) struct dd_index *audited = NULL;
	struct cache_settings beside;
	int rc = tool_open(tool, err);

	settings.cache.none |= settings.quick;
	if (rc == 0)
		rc = textfile_check(tool->store, &settings.metrics, err);
	if (rc == 0)
		rc = cache_open(tool, &settings.cache, DD_INDEX_VERIFIED, &index, err);
	/* What is the matter with the one is with the other, and was said. */
	beside = settings.cache;
	beside.read_only = !dd_index_is_writable(index);
	if (rc == 0 && index && !reference)
		rc = cache_open(tool, &beside, DD_INDEX_AUDITED, &audited, err);
	options.index = index;
	options.audited = audited;
	if (rc == 0)
		rc = dd_verify(tool->ctx, tool->store, &options, verify, err);
	settings.remembers = dd_index_is_writable(index);
	return rc;
}

static int conclude(struct tool *tool, const struct dd_verify *verify, int rc, struct dd_error *err)
{
	const struct dd_verify_summary *summary = verify ? dd_verify_get_summary(verify) : NULL;
	struct dd_error own = { 0 };

	tool_results(tool);
	if (rc == DD_ENOENT)
		rc = tool_named(rc);
	/* What a run that was cut short has found is worth telling, if it found anything. */
	if (summary && (rc == 0 || summary->errors || summary->read_blobs) &&
	    print(tool, verify, rc < 0, &own) < 0)
		talk_error(&own);
	if (rc < 0)
		return rc;
	(void)err;
	return (int)dd_verify_exit(summary);
}

static int check_options(struct dd_error *err)
{
	bool limited = settings.max_bytes || settings.rate || settings.budget_ns != NOT_GIVEN ||
		       settings.max_load.given;

	if (settings.budget_ns == 0)
		return dd_fail(err, DD_EUSAGE, 0, "--budget: no time at all is none to read in");
	if (settings.quick && limited)
		return dd_fail(err, DD_EUSAGE, 0,
			       "--quick reads no blob: there is nothing that --max-bytes, --rate, "
			       "--budget and --max-load could limit");
	if (settings.quick && settings.full)
		return dd_fail(err, DD_EUSAGE, 0, "--quick and --full exclude each other");
	return 0;
}

static int run(struct tool *tool, const struct options *options, struct dd_error *err)
{
	CLEANUP(dd_verify_closep) struct dd_verify *verify = NULL;
	struct dd_reference reference;
	struct dd_error own = { 0 };
	int rc = tool_check_words(options, 1, err), status;

	if (rc == 0 && options->word_count)
		rc = dd_reference_parse(&reference, options->words[0], err);
	if (rc == 0)
		rc = check_options(err);
	if (rc < 0)
		return rc;
	tool->bytes = settings.bytes;
	rc = verify_volume(tool, options->word_count ? &reference : NULL, &verify, err);
	status = conclude(tool, verify, rc, err);
	if (!settings.metrics)
		return status;
	rc = write_metrics(tool, verify, status == DD_EXIT_DONE, &own);
	if (rc < 0 && status >= 0) {
		*err = own;
		return rc;
	}
	if (rc < 0)
		talk_error(&own);
	return status;
}

const struct command command_verify = {
	.name = "verify",
	.arguments = "[OPTION…] [REF]",
	.summary = "say, with evidence, whether the volume is whole",
	.description =
		"Reads every blob and compares it with its digest, and checks every link, manifest,\n"
		"tag and repository. Says what is broken, and which images suffer. Changes nothing.\n"
		"With REF (REPO, REPO:TAG, REPO@DIGEST, DIGEST) only what that reaches is looked at.\n",
	.examples =
		"  drydock verify                    is all of it whole?\n"
		"  drydock verify library/app:v1     is this image?\n"
		"  drydock verify --quick            structure and sizes, in seconds\n"
		"  drydock verify --rate 100M        leave the disk some time for others\n"
		"  drydock verify -q --metrics /var/lib/node_exporter/drydock.prom\n"
		"                                    for cron: silent unless a person is needed\n"
		"  drydock verify --json | jq -r 'select(.severity == \"error\") | .images[]'\n",
	.options = table,
	.run = run,
};
