/*
 * A verification as metrics: Prometheus' text format, for the node exporter's textfile collector.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "verify/verify.h"

#define LAST_SUCCESS "drydock_verify_last_success_timestamp_seconds"

/* A label's value: backslash, quote and newline are escaped, as the format wants. */
static int add_volume(struct dd_text *text, const char *volume)
{
	int rc = dd_text_printf(text, "{volume=\"");

	for (; *volume && rc == 0; volume++)
		rc = *volume == '\n'		       ? dd_text_add(text, "\\n", 2) :
		     *volume == '"' || *volume == '\\' ? dd_text_printf(text, "\\%c", *volume) :
							 dd_text_add(text, volume, 1);
	return rc < 0 ? rc : dd_text_printf(text, "\"");
}

struct page {
	struct dd_text text;
	const char *volume;
	int rc;
};

static void head(struct page *page, const char *name, const char *help)
{
	if (page->rc == 0)
		page->rc = dd_text_printf(&page->text, "# HELP %s %s\n# TYPE %s gauge\n", name,
					  help, name);
}

/* label NULL: the volume is the only one. */
static void line(struct page *page, const char *name, const char *label, const char *value,
		 double number)
{
	if (page->rc == 0)
		page->rc = dd_text_printf(&page->text, "%s", name);
	if (page->rc == 0)
		page->rc = add_volume(&page->text, page->volume);
	if (page->rc == 0 && label)
		page->rc = dd_text_printf(&page->text, ",%s=\"%s\"", label, value);
	if (page->rc == 0)
		page->rc = dd_text_printf(&page->text, "} %.17g\n", number);
}

static void gauge(struct page *page, const char *name, const char *help, double number)
{
	head(page, name, help);
	line(page, name, NULL, NULL, number);
}

static double seconds(int64_t ns)
{
	return (double)(ns / DD_SECOND) + (double)(ns % DD_SECOND) / (double)DD_SECOND;
}

/* By severity, and by finding where there are any: a dashboard wants both. */
static void add_findings(struct page *page, const struct dd_verify *verify)
{
	const struct dd_verify_summary *summary = &verify->summary;
	const uint64_t counts[] = { [DD_SEVERITY_ERROR] = summary->errors,
				    [DD_SEVERITY_WARNING] = summary->warnings,
				    [DD_SEVERITY_NOTE] = summary->notes };
	uint64_t of_kind[DD_FINDING_COUNT] = { 0 };

	head(page, "drydock_verify_findings", "findings by severity");
	for (unsigned i = 0; i < DD_SEVERITY_COUNT; i++)
		line(page, "drydock_verify_findings", "severity",
		     dd_severity_name((enum dd_severity)i), (double)counts[i]);
	for (size_t i = 0; i < verify->reports.count; i++)
		of_kind[verify->reports.items[i].found.finding]++;
	head(page, "drydock_verify_finding", "findings by what was found");
	for (unsigned i = 0; i < DD_FINDING_COUNT; i++)
		line(page, "drydock_verify_finding", "finding", dd_finding_name((enum dd_finding)i),
		     (double)of_kind[i]);
}

static void add_summary(struct page *page, const struct dd_verify *verify)
{
	const struct dd_verify_summary *summary = &verify->summary;

	gauge(page, "drydock_verify_began_timestamp_seconds", "when the run began",
	      seconds(summary->began_ns));
	gauge(page, "drydock_verify_duration_seconds", "how long the run took",
	      seconds(summary->ended_ns - summary->began_ns));
	gauge(page, "drydock_verify_complete", "whether everything that was asked for was seen",
	      summary->complete);
	gauge(page, "drydock_verify_oldest_read_timestamp_seconds",
	      "when the blob was read that was longest not; 0: not known",
	      seconds(summary->oldest_ns));
#define X(name, member, text) gauge(page, "drydock_verify_" name, text, (double)summary->member);
	DD_VERIFY_TOTALS(X)
#undef X
	add_findings(page, verify);
}

int dd_verify_metrics(const struct dd_verify *verify, const char *volume, bool succeeded,
		      int64_t success_ns, char **text, struct dd_error *err)
{
	struct page page = { .volume = volume };
	int64_t now_ns = dd_time_now();

	*text = NULL;
	gauge(&page, "drydock_verify_success",
	      "whether the last run could look at everything and found no damage", succeeded);
	gauge(&page, "drydock_verify_last_run_timestamp_seconds", "when the last run ended",
	      seconds(now_ns));
	gauge(&page, LAST_SUCCESS, "when a run last found no damage; 0: never",
	      seconds(succeeded ? now_ns : success_ns));
	if (verify)
		add_summary(&page, verify);
	if (page.rc < 0) {
		dd_text_release(&page.text);
		return dd_fail(err, DD_ENOMEM, 0, "write metrics");
	}
	*text = dd_text_take(&page.text);
	return 0;
}

int64_t dd_verify_metrics_success(const char *text, const char *volume)
{
	DD_CLEANUP(dd_text_release) struct dd_text want = { 0 };
	const char *at = text;

	if (dd_text_printf(&want, LAST_SUCCESS) < 0 || add_volume(&want, volume) < 0 ||
	    dd_text_printf(&want, "} ") < 0)
		return 0;
	for (; at; at = strchr(at, '\n')) {
		double value;

		at += *at == '\n';
		if (strncmp(at, want.bytes, want.len))
			continue;
		value = strtod(at + want.len, NULL);
		return value > 0 && value < 9e9 ? (int64_t)(value * (double)DD_SECOND) : 0;
	}
	return 0;
}
