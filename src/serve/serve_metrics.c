/*
 * What the parts of the daemon have to tell whoever scrapes its metrics.
 */
#include <drydock/units.h>

#include "registry/registry.h"
#include "serve/access_log.h"
#include "serve/control.h"
#include "serve/counters.h"
#include "serve/measure.h"
#include "serve/serve_private.h"
#include "text/metrics.h"

static void write_counter(struct dd_metrics *metrics, const char *name, const char *help,
			  uint64_t number)
{
	dd_metrics_counter_head(metrics, name, help);
	dd_metrics_line(metrics, name, NULL, NULL, (double)number);
}

static void write_registry(struct dd_serve *serve, struct dd_metrics *metrics)
{
	struct dd_watch *watch = dd_registry_get_watch(serve->server.registry);
	struct dd_registry_counts counts;

	dd_registry_get_counts(serve->server.registry, &counts);
	write_counter(metrics, "drydock_registry_proved_total",
		      "blobs that were read through and found good", counts.proved);
	write_counter(metrics, "drydock_registry_corrupt_total",
		      "files that were found not to be what their digest says", counts.corrupt);
	write_counter(metrics, "drydock_registry_healed_total", "of these, replaced by a push",
		      counts.healed);
	write_counter(metrics, "drydock_registry_revived_total",
		      "objects that came back from the trash because they were asked for",
		      counts.revived);
	write_counter(metrics, "drydock_registry_uploaded_total", "uploads that became blobs",
		      counts.uploaded);
	write_counter(metrics, "drydock_registry_mounted_total", "blobs that were mounted",
		      counts.mounted);
	dd_metrics_gauge(metrics, "drydock_registry_leases", "leases that hold now, about",
			 (double)dd_leases_count(watch->leases));
	dd_metrics_gauge(metrics, "drydock_registry_foreign_writer",
			 "whether somebody else was noticed to write to the volume",
			 watch->foreign ? 1 : 0);
}

static void write_control(struct dd_serve *serve, struct dd_metrics *metrics)
{
	struct dd_control_counts counts = { 0 };

	if (!serve->control)
		return;
	dd_control_get_counts(serve->control, &counts);
	write_counter(metrics, "drydock_errands_total",
		      "commands that were handed over to be carried out", counts.errands);
	write_counter(metrics, "drydock_errands_refused_total", "of these, refused",
		      counts.refused);
	write_counter(metrics, "drydock_collections_total", "collections on schedule",
		      counts.collections);
	write_counter(metrics, "drydock_collections_failed_total", "of these, failed",
		      counts.collections_failed);
	dd_metrics_gauge(metrics, "drydock_collection_last_timestamp_seconds",
			 "when the last one on schedule began",
			 dd_metrics_seconds(counts.collected_ns));
}

static void write_space(struct dd_serve *serve, struct dd_metrics *metrics)
{
	struct dd_space space;

	if (dd_store_space(serve->store, &space, NULL) < 0)
		return;
	dd_metrics_gauge(metrics, "drydock_volume_free_bytes",
			 "what is free on the volume's file system", (double)space.free);
	dd_metrics_gauge(metrics, "drydock_volume_size_bytes", "what it has, used and free",
			 (double)space.size);
	if (space.files)
		dd_metrics_gauge(metrics, "drydock_volume_free_inodes",
				 "inodes that are free on the volume's file system",
				 (double)space.files_free);
}

/* Called by a thread of the HTTP server: nothing here waits, the file system's figures aside. */
static void write_more(void *arg, struct dd_metrics *metrics)
{
	struct dd_serve *serve = arg;

	write_registry(serve, metrics);
	write_control(serve, metrics);
	write_space(serve, metrics);
	dd_measure_write(serve->measure, metrics);
	dd_metrics_gauge(metrics, "drydock_http_connections", "connections that are open",
			 (double)dd_http_get_connections(serve->http));
	if (serve->server.log)
		write_counter(metrics, "drydock_access_log_lost_total",
			      "lines of the access log that its reader did not take in time",
			      dd_access_log_get_lost(serve->server.log));
}

void dd_serve_offer_metrics(struct dd_serve *serve)
{
	dd_counters_set_more(serve->server.counters, write_more, serve);
}
