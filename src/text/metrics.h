/*
 * Prometheus' text format, for the node exporter's textfile collector, where each metric is a gauge,
 * and for a server that is asked for them: each line with the volume as its first label.
 *
 * Source: the exposition formats of Prometheus, text format 0.0.4.
 */
#ifndef TEXT_METRICS_H
#define TEXT_METRICS_H

#include <stdint.h>

#include <drydock/error.h>

#include "base/text.h"

/* { .volume = … }; the first failure stays in rc, and what comes after it is passed over. */
struct dd_metrics {
	struct dd_text text;
	const char *volume; /* any bytes but NUL */
	int rc;
};

/* The lines that go before a metric's own; help: one line. */
void dd_metrics_head(struct dd_metrics *metrics, const char *name, const char *help);
/* The same for what a server counts: a number that only grows, and one in buckets. */
void dd_metrics_counter_head(struct dd_metrics *metrics, const char *name, const char *help);
void dd_metrics_histogram_head(struct dd_metrics *metrics, const char *name, const char *help);
/* One line; label NULL: the volume is the only one. label and value need no escapes. */
void dd_metrics_line(struct dd_metrics *metrics, const char *name, const char *label,
		     const char *value, double number);
/* One line with any number of labels; the list ends with one without a name. Values: any bytes. */
struct dd_metric_label {
	const char *name, *value;
};
void dd_metrics_labelled(struct dd_metrics *metrics, const char *name,
			 const struct dd_metric_label *labels, double number);
/* A metric of one line. */
void dd_metrics_gauge(struct dd_metrics *metrics, const char *name, const char *help,
		      double number);

/* Lines that were taken before, from others of the same volume. */
void dd_metrics_append(struct dd_metrics *metrics, const char *text);

/* Seconds, as Prometheus wants times and durations. */
double dd_metrics_seconds(int64_t ns);

/* *text is malloc'd, the caller's, and NULL on an error. Releases the rest. */
int dd_metrics_take(struct dd_metrics *metrics, char **text, struct dd_error *err);

/* The time that a metric of an earlier text has for the volume, in nanoseconds; 0: none. */
int64_t dd_metrics_find_time(const char *text, const char *name, const char *volume);
/* The volume that a metric of an earlier text is about, the caller's; NULL: none, or no memory. */
char *dd_metrics_find_volume(const char *text, const char *name);

#endif
