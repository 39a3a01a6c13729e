/*
 * Prometheus' text format.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "text/metrics.h"

#define A_SECOND 1000000 /* in microseconds */

/* A label's value: backslash, quote and newline are escaped, as the format wants. */
static int add_label(struct dd_text *text, const char *name, const char *value)
{
	int rc = dd_text_printf(text, "%s=\"", name);

	for (; *value && rc == 0; value++)
		rc = *value == '\n'		     ? dd_text_add(text, "\\n", 2) :
		     *value == '"' || *value == '\\' ? dd_text_printf(text, "\\%c", *value) :
						       dd_text_add(text, value, 1);
	return rc < 0 ? rc : dd_text_printf(text, "\"");
}

static int add_volume(struct dd_text *text, const char *volume)
{
	int rc = dd_text_add(text, "{", 1);

	return rc < 0 ? rc : add_label(text, "volume", volume);
}

static void add_head(struct dd_metrics *metrics, const char *name, const char *help,
		     const char *type)
{
	if (metrics->rc == 0)
		metrics->rc = dd_text_printf(&metrics->text, "# HELP %s %s\n# TYPE %s %s\n", name,
					     help, name, type);
}

void dd_metrics_head(struct dd_metrics *metrics, const char *name, const char *help)
{
	add_head(metrics, name, help, "gauge");
}

void dd_metrics_counter_head(struct dd_metrics *metrics, const char *name, const char *help)
{
	add_head(metrics, name, help, "counter");
}

void dd_metrics_histogram_head(struct dd_metrics *metrics, const char *name, const char *help)
{
	add_head(metrics, name, help, "histogram");
}

void dd_metrics_line(struct dd_metrics *metrics, const char *name, const char *label,
		     const char *value, double number)
{
	if (metrics->rc == 0)
		metrics->rc = dd_text_printf(&metrics->text, "%s", name);
	if (metrics->rc == 0)
		metrics->rc = add_volume(&metrics->text, metrics->volume);
	if (metrics->rc == 0 && label)
		metrics->rc = dd_text_printf(&metrics->text, ",%s=\"%s\"", label, value);
	if (metrics->rc == 0)
		metrics->rc = dd_text_printf(&metrics->text, "} %.17g\n", number);
}

void dd_metrics_labelled(struct dd_metrics *metrics, const char *name,
			 const struct dd_metric_label *labels, double number)
{
	struct dd_text *text = &metrics->text;

	if (metrics->rc == 0)
		metrics->rc = dd_text_printf(text, "%s", name);
	if (metrics->rc == 0)
		metrics->rc = add_volume(text, metrics->volume);
	for (; labels->name && metrics->rc == 0; labels++) {
		metrics->rc = dd_text_add(text, ",", 1);
		if (metrics->rc == 0)
			metrics->rc = add_label(text, labels->name, labels->value);
	}
	if (metrics->rc == 0)
		metrics->rc = dd_text_printf(text, "} %.17g\n", number);
}

void dd_metrics_gauge(struct dd_metrics *metrics, const char *name, const char *help, double number)
{
	dd_metrics_head(metrics, name, help);
	dd_metrics_line(metrics, name, NULL, NULL, number);
}

void dd_metrics_append(struct dd_metrics *metrics, const char *text)
{
	if (metrics->rc == 0)
		metrics->rc = dd_text_printf(&metrics->text, "%s", text);
}

/*
 * To the microsecond: a time of today in seconds has no room for more in a double, and what is read
 * back and written again must not drift.
 */
double dd_metrics_seconds(int64_t ns)
{
	return (double)(ns / (DD_SECOND / A_SECOND)) / A_SECOND;
}

int dd_metrics_take(struct dd_metrics *metrics, char **text, struct dd_error *err)
{
	*text = NULL;
	if (metrics->rc < 0) {
		dd_text_release(&metrics->text);
		return dd_fail(err, DD_ENOMEM, 0, "write metrics");
	}
	*text = dd_text_take(&metrics->text);
	return 0;
}

/* What stands behind the beginning of a line; NULL: no line begins so. */
static const char *find_line(const char *text, const struct dd_text *beginning)
{
	for (const char *at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (!strncmp(at, beginning->bytes, beginning->len))
			return at + beginning->len;
	}
	return NULL;
}

int64_t dd_metrics_find_time(const char *text, const char *name, const char *volume)
{
	DD_CLEANUP(dd_text_release) struct dd_text want = { 0 };
	const char *found;
	double value;

	if (dd_text_printf(&want, "%s", name) < 0 || add_volume(&want, volume) < 0 ||
	    dd_text_printf(&want, "} ") < 0)
		return 0;
	found = find_line(text, &want);
	value = found ? strtod(found, NULL) : 0;
	return value > 0 && value < 9e9 ?
		       (int64_t)(value * A_SECOND + 0.5) * (DD_SECOND / A_SECOND) :
		       0;
}

char *dd_metrics_find_volume(const char *text, const char *name)
{
	DD_CLEANUP(dd_text_release) struct dd_text want = { 0 };
	DD_CLEANUP(dd_text_release) struct dd_text volume = { 0 };
	const char *at;
	int rc = dd_text_printf(&want, "%s{volume=\"", name);

	at = rc == 0 ? find_line(text, &want) : NULL;
	if (!at)
		return NULL;
	for (; rc == 0 && *at && *at != '"' && *at != '\n'; at++) {
		bool escaped = *at == '\\' && at[1];

		at += escaped;
		rc = dd_text_add(&volume, escaped && *at == 'n' ? "\n" : at, 1);
	}
	return rc == 0 && *at == '"' && volume.len ? dd_text_take(&volume) : NULL;
}
