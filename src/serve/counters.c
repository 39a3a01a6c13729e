/*
 * Counters of requests by route and kind of status, and what is asked about the server.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "serve/counters.h"
#include "serve/events.h"
#include "text/metrics.h"

#define CLASSES 6 /* 1xx to 5xx; 0: the connection ended before a reply */

/* Upper bounds of the histogram, in microseconds. */
static const struct {
	int64_t us;
	const char *le; /* in seconds */
} bounds[] = {
	{ 1000, "0.001" }, { 5000, "0.005" },  { 25000, "0.025" }, { 100000, "0.1" },
	{ 500000, "0.5" }, { 2500000, "2.5" }, { 10000000, "10" }, { 60000000, "60" },
};

struct dd_counters {
	_Atomic uint64_t requests[DD_ROUTE_COUNT][CLASSES];
	_Atomic uint64_t buckets[DD_COUNT(bounds) + 1];
	_Atomic uint64_t microseconds;
	_Atomic uint64_t received, sent, broken_off;
	dd_counters_more_fn *more;
	void *more_arg;
};

int dd_counters_open(struct dd_counters **out, struct dd_error *err)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : dd_fail(err, DD_ENOMEM, 0, "count requests");
}

void dd_counters_closep(struct dd_counters **counters)
{
	free(*counters);
	*counters = NULL;
}

void dd_counters_set_more(struct dd_counters *counters, dd_counters_more_fn *more, void *arg)
{
	counters->more = more;
	counters->more_arg = arg;
}

static void count(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

void dd_counters_add(struct dd_request *request)
{
	struct dd_counters *counters = request->server->counters;
	struct dd_exchange *exchange = request->exchange;
	unsigned class = dd_exchange_get_status(exchange) / 100;
	struct timespec now;
	int64_t us;
	size_t bucket = 0;

	clock_gettime(CLOCK_MONOTONIC, &now);
	us = (now.tv_sec * INT64_C(1000000000) + now.tv_nsec - request->began_ns) / 1000;
	while (bucket < DD_COUNT(bounds) && us > bounds[bucket].us)
		bucket++;
	count(&counters->requests[request->route.kind][class < CLASSES ? class : 0], 1);
	count(&counters->buckets[bucket], 1);
	count(&counters->microseconds, (uint64_t)(us > 0 ? us : 0));
	count(&counters->received, dd_exchange_get_received(exchange));
	count(&counters->sent, dd_exchange_get_sent(exchange));
	if (!dd_exchange_is_complete(exchange))
		count(&counters->broken_off, 1);
}

/* ---- /metrics ---- */

static double get(_Atomic uint64_t *counter)
{
	return (double)atomic_load_explicit(counter, memory_order_relaxed);
}

static void write_requests(struct dd_counters *counters, struct dd_metrics *metrics)
{
	static const char name[] = "drydock_http_requests_total";
	static const char *const classes[CLASSES] = { "none", "1xx", "2xx", "3xx", "4xx", "5xx" };

	dd_metrics_counter_head(metrics, name, "requests, by what they were for and their status");
	for (size_t route = 0; route < DD_ROUTE_COUNT; route++)
		for (size_t class = 0; class < CLASSES; class ++) {
			const struct dd_metric_label labels[] = {
				{ "route", dd_route_name((enum dd_route_kind)route) },
				{ "status", classes[class] },
				{ 0 }
			};

			if (get(&counters->requests[route][class]) > 0)
				dd_metrics_labelled(metrics, name, labels,
						    get(&counters->requests[route][class]));
		}
}

static void write_durations(struct dd_counters *counters, struct dd_metrics *metrics)
{
	static const char name[] = "drydock_http_request_duration_seconds";
	double sum = 0;

	dd_metrics_histogram_head(metrics, name, "how long requests took, bodies included");
	for (size_t i = 0; i <= DD_COUNT(bounds); i++) {
		sum += get(&counters->buckets[i]);
		dd_metrics_line(metrics, "drydock_http_request_duration_seconds_bucket", "le",
				i < DD_COUNT(bounds) ? bounds[i].le : "+Inf", sum);
	}
	dd_metrics_line(metrics, "drydock_http_request_duration_seconds_sum", NULL, NULL,
			get(&counters->microseconds) / 1e6);
	dd_metrics_line(metrics, "drydock_http_request_duration_seconds_count", NULL, NULL, sum);
}

static void write_counter(struct dd_metrics *metrics, const char *name, const char *help,
			  double number)
{
	dd_metrics_counter_head(metrics, name, help);
	dd_metrics_line(metrics, name, NULL, NULL, number);
}

static void reply_metrics(struct dd_request *request)
{
	struct dd_server *server = request->server;
	struct dd_counters *counters = server->counters;
	struct dd_metrics metrics = { .volume = dd_store_get_root(server->store) };
	DD_AUTOFREE char *text = NULL;
	struct dd_reply *reply;

	write_requests(counters, &metrics);
	write_durations(counters, &metrics);
	write_counter(&metrics, "drydock_http_received_bytes_total", "bytes of bodies pushed",
		      get(&counters->received));
	write_counter(&metrics, "drydock_http_sent_bytes_total", "bytes of bodies served",
		      get(&counters->sent));
	write_counter(&metrics, "drydock_http_broken_off_total",
		      "requests that ended before their reply was sent",
		      get(&counters->broken_off));
	dd_metrics_gauge(&metrics, "drydock_ready", "whether pushes can be served",
			 atomic_load(&server->unready) ? 0 : 1);
	if (counters->more)
		counters->more(counters->more_arg, &metrics);
	if (server->events)
		dd_events_write_metrics(server->events, &metrics);
	if (dd_metrics_take(&metrics, &text, NULL) < 0) {
		dd_request_fail(request, DD_TROUBLE, NULL);
		return;
	}
	reply = dd_reply_new(200, text, strlen(text));
	dd_reply_header(reply, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	dd_request_reply(request, reply);
}

static void reply_word(struct dd_request *request, unsigned status, const char *word)
{
	char text[DD_ERROR_TEXT + DD_HINT_TEXT + 2];
	int len = snprintf(text, sizeof(text), "%s\n", word);
	struct dd_reply *reply = dd_reply_new(status, text, (size_t)len);

	dd_reply_header(reply, "Content-Type", "text/plain; charset=utf-8");
	dd_reply_header(reply, "Cache-Control", "no-store");
	dd_request_reply(request, reply);
}

bool dd_counters_answer(struct dd_request *request, bool debug)
{
	const char *unready = atomic_load(&request->server->unready);

	if (!(request->method & (DD_GET | DD_HEAD)))
		return false;
	switch (request->route.kind) {
	case DD_ROUTE_HEALTH:
		reply_word(request, 200, "ok");
		return true;
	case DD_ROUTE_READY:
		/* The reason names paths: it is for the log, and whoever may ask at the debug address. */
		reply_word(request, unready ? 503 : 200,
			   !unready ? "ready" :
			   debug    ? unready :
				      "not ready: the log says why");
		return true;
	case DD_ROUTE_METRICS:
		if (debug && request->config->metrics_enabled)
			reply_metrics(request);
		return debug && request->config->metrics_enabled;
	default:
		return false;
	}
}
