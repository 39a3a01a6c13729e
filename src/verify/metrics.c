/*
 * A verification as metrics.
 */
#include <stdlib.h>

#include "text/metrics.h"
#include "verify/verify.h"

#define LAST_SUCCESS "drydock_verify_last_success_timestamp_seconds"

/* By severity, and by finding where there are any: a dashboard wants both. */
static void add_findings(struct dd_metrics *metrics, const struct dd_verify *verify)
{
	const struct dd_verify_summary *summary = &verify->summary;
	const uint64_t counts[] = { [DD_SEVERITY_ERROR] = summary->errors,
				    [DD_SEVERITY_WARNING] = summary->warnings,
				    [DD_SEVERITY_NOTE] = summary->notes };
	uint64_t of_kind[DD_FINDING_COUNT] = { 0 };

	dd_metrics_head(metrics, "drydock_verify_findings", "findings by severity");
	for (unsigned i = 0; i < DD_SEVERITY_COUNT; i++)
		dd_metrics_line(metrics, "drydock_verify_findings", "severity",
				dd_severity_name((enum dd_severity)i), (double)counts[i]);
	for (size_t i = 0; i < verify->reports.count; i++)
		of_kind[verify->reports.items[i].found.finding]++;
	dd_metrics_head(metrics, "drydock_verify_finding", "findings by what was found");
	for (unsigned i = 0; i < DD_FINDING_COUNT; i++)
		dd_metrics_line(metrics, "drydock_verify_finding", "finding",
				dd_finding_name((enum dd_finding)i), (double)of_kind[i]);
}

static void add_summary(struct dd_metrics *metrics, const struct dd_verify *verify)
{
	const struct dd_verify_summary *summary = &verify->summary;

	dd_metrics_gauge(metrics, "drydock_verify_began_timestamp_seconds", "when the run began",
			 dd_metrics_seconds(summary->began_ns));
	dd_metrics_gauge(metrics, "drydock_verify_duration_seconds", "how long the run took",
			 dd_metrics_seconds(summary->ended_ns - summary->began_ns));
	dd_metrics_gauge(metrics, "drydock_verify_complete",
			 "whether everything that was asked for was seen", summary->complete);
	dd_metrics_gauge(metrics, "drydock_verify_oldest_read_timestamp_seconds",
			 "when the blob was read that was longest not; 0: not known",
			 dd_metrics_seconds(summary->oldest_ns));
#define X(name, member, text) \
	dd_metrics_gauge(metrics, "drydock_verify_" name, text, (double)summary->member);
	DD_VERIFY_TOTALS(X)
#undef X
	add_findings(metrics, verify);
}

int dd_verify_metrics(const struct dd_verify *verify, const char *volume, bool succeeded,
		      int64_t success_ns, char **text, struct dd_error *err)
{
	struct dd_metrics metrics = { .volume = volume };
	int64_t now_ns = dd_time_now();

	dd_metrics_gauge(&metrics, "drydock_verify_success",
			 "whether the last run could look at everything and found no damage",
			 succeeded);
	dd_metrics_gauge(&metrics, "drydock_verify_last_run_timestamp_seconds",
			 "when the last run ended", dd_metrics_seconds(now_ns));
	dd_metrics_gauge(&metrics, LAST_SUCCESS, "when a run last found no damage; 0: never",
			 dd_metrics_seconds(succeeded ? now_ns : success_ns));
	if (verify)
		add_summary(&metrics, verify);
	return dd_metrics_take(&metrics, text, err);
}

int64_t dd_verify_metrics_success(const char *text, const char *volume)
{
	return dd_metrics_find_time(text, LAST_SUCCESS, volume);
}

char *dd_verify_metrics_volume(const char *text)
{
	return dd_metrics_find_volume(text, LAST_SUCCESS);
}
