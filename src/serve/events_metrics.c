/*
 * How notifications stand, for Prometheus.
 */
#include <stddef.h>

#include "base/cleanup.h"
#include "serve/events.h"
#include "text/metrics.h"

/* X(field, counts, name, what it is) */
#define DD_EVENT_METRICS(X)                                                                       \
	X(queued, false, "drydock_notifications_queued", "events that an endpoint is to be told") \
	X(told, true, "drydock_notifications_told_total", "events that an endpoint took")         \
	X(failed, true, "drydock_notifications_failed_total", "attempts that failed")             \
	X(refused, true, "drydock_notifications_refused_total",                                   \
	  "events that an endpoint will never take")                                              \
	X(dropped, true, "drydock_notifications_dropped_total", "events that were lost")

static const struct metric {
	size_t offset; /* of the figure */
	bool counts;
	const char *name, *help;
} table[] = {
#define X(field, counts, name, help) \
	{ offsetof(struct dd_events_figures, field), counts, name, help },
	DD_EVENT_METRICS(X)
#undef X
};

struct writing {
	struct dd_metrics *metrics;
	const struct metric *metric;
};

static void write_line(void *arg, const struct dd_events_figures *figures)
{
	const struct writing *writing = arg;
	const uint64_t *figure =
		(const uint64_t *)((const char *)figures + writing->metric->offset);
	const struct dd_metric_label labels[] = { { "endpoint", figures->name }, { 0 } };

	dd_metrics_labelled(writing->metrics, writing->metric->name, labels, (double)*figure);
}

void dd_events_write_metrics(struct dd_events *events, struct dd_metrics *metrics)
{
	for (size_t i = 0; i < DD_COUNT(table); i++) {
		struct writing writing = { metrics, &table[i] };

		if (table[i].counts)
			dd_metrics_counter_head(metrics, table[i].name, table[i].help);
		else
			dd_metrics_head(metrics, table[i].name, table[i].help);
		dd_events_get_figures(events, write_line, &writing);
	}
}
