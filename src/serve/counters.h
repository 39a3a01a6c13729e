/*
 * What was served, counted; and the three paths that tell about the server itself: /healthz (it runs),
 * /readyz (it can serve and write), /metrics (Prometheus; at http.debug.addr alone, for it names
 * repositories).
 *
 * Locking: all functions from any thread; none waits.
 */
#ifndef SERVE_COUNTERS_H
#define SERVE_COUNTERS_H

#include "serve/server.h"

struct dd_counters;

int dd_counters_open(struct dd_counters **counters, struct dd_error *err);
void dd_counters_closep(struct dd_counters **counters);

/* A request has come to its end. */
void dd_counters_add(struct dd_request *request);

/* For one of the paths: the reply. False: it is another. */
bool dd_counters_answer(struct dd_request *request, bool debug);

/* Figures that others have, asked for with each scrape. */
struct dd_metrics;
typedef void dd_counters_more_fn(void *arg, struct dd_metrics *metrics);
void dd_counters_set_more(struct dd_counters *counters, dd_counters_more_fn *more, void *arg);

#endif
