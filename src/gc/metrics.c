/*
 * A collection as metrics.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "gc/plan.h"
#include "text/metrics.h"

#define LAST_SUCCESS "drydock_gc_last_success_timestamp_seconds"

static void add_run(struct dd_metrics *metrics, const struct dd_gc_outcome *outcome, bool applied,
		    int64_t success_ns)
{
	bool succeeded = outcome->status == DD_EXIT_DONE;

	dd_metrics_gauge(metrics, "drydock_gc_success",
			 "whether the last run did all of its work and needs no person", succeeded);
	dd_metrics_gauge(metrics, "drydock_gc_exit_status", "the last run's exit status",
			 outcome->status);
	dd_metrics_gauge(metrics, "drydock_gc_applied", "whether the last run was more than a plan",
			 applied);
	dd_metrics_gauge(metrics, "drydock_gc_last_run_timestamp_seconds",
			 "when the last run ended", dd_metrics_seconds(outcome->ended_ns));
	dd_metrics_gauge(metrics, LAST_SUCCESS,
			 "when a run that was more than a plan last succeeded; 0: never",
			 dd_metrics_seconds(succeeded && applied ? outcome->ended_ns : success_ns));
	dd_metrics_gauge(metrics, "drydock_gc_duration_seconds", "how long the last run took",
			 dd_metrics_seconds(outcome->ended_ns - outcome->began_ns));
}

static void add_freed(struct dd_metrics *metrics, const struct dd_gc_plan *plan)
{
	static const char name[] = "drydock_gc_freed_bytes";
	const struct dd_gc_totals *totals = &plan->totals;
	uint64_t later = plan->applied ? totals->withdrawn_bytes : totals->bytes;

	dd_metrics_head(metrics, name,
			"what the last run frees: at once, and when what it took leaves the trash");
	dd_metrics_line(metrics, name, "when", "now", (double)totals->freed_bytes);
	dd_metrics_line(metrics, name, "when", "later", plan->purged ? 0 : (double)later);
}

static void add_kept(struct dd_metrics *metrics, const struct dd_gc_totals *totals)
{
	static const char name[] = "drydock_gc_kept_bytes";

	dd_metrics_head(metrics, name, "what nothing needs and the last run kept, by the reason");
	dd_metrics_line(metrics, name, "reason", "young", (double)totals->young_bytes);
	dd_metrics_line(metrics, name, "reason", "held", (double)totals->held_bytes);
	dd_metrics_line(metrics, name, "reason", "untagged", (double)totals->untagged_bytes);
}

static void add_holds(struct dd_metrics *metrics, const struct dd_gc_plan *plan)
{
	static const char name[] = "drydock_gc_holds";
	size_t acknowledged = 0;

	for (size_t i = 0; i < plan->hold_count; i++)
		acknowledged += plan->holds[i].acknowledged;
	dd_metrics_head(metrics, name, "what holds by doubt, new or acknowledged");
	dd_metrics_line(metrics, name, "state", "new", (double)(plan->hold_count - acknowledged));
	dd_metrics_line(metrics, name, "state", "acknowledged", (double)acknowledged);
}

/* clang-format off */
#define COUNTS(X)                                                                      \
	X("repositories", repositories, "repositories of the volume")                  \
	X("tags", tags, "tags of the volume")                                          \
	X("manifests", manifests, "manifests of the volume")                           \
	X("blobs", blobs, "blobs of the volume, before the run")                       \
	X("planned_items", items, "objects that were to go")                           \
	X("withdrawn_items", withdrawn_items, "objects that went")                     \
	X("skipped_items", skipped_items, "objects that changed meanwhile and stay")   \
	X("leased_items", leased_items, "objects that clients were told of and stay")  \
	X("elsewhere_items", elsewhere_items, "objects that the trash cannot take and stay") \
	X("revived_items", revived_items, "objects that came back from the trash")     \
	X("left_items", left_items, "objects that the time did not suffice for")       \
	X("purged_runs", purged_runs, "runs that left the trash for good")             \
	X("early_runs", early_runs, "of these, before they were old enough")           \
	X("unreadable_places", unreadable, "places that could not be looked at")
/* clang-format on */

static void add_plan(struct dd_metrics *metrics, const struct dd_gc_plan *plan)
{
	add_freed(metrics, plan);
	add_kept(metrics, &plan->totals);
	add_holds(metrics, plan);
#define X(name, member, text) \
	dd_metrics_gauge(metrics, "drydock_gc_" name, text, (double)plan->totals.member);
	COUNTS(X)
#undef X
	dd_metrics_gauge(metrics, "drydock_gc_braked",
			 "whether nothing was taken because it was too much", plan->brake != NULL);
}

static void add_trash(struct dd_metrics *metrics, const struct dd_trash *trash)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < trash->count; i++)
		bytes += dd_run_bytes(&trash->runs[i]);
	dd_metrics_gauge(metrics, "drydock_gc_trash_bytes", "what emptying the trash would free",
			 (double)bytes);
	dd_metrics_gauge(metrics, "drydock_gc_trash_runs", "runs that lie in the trash",
			 (double)trash->count);
	dd_metrics_gauge(metrics, "drydock_gc_trash_oldest_timestamp_seconds",
			 "when the oldest run in the trash began; 0: it is empty",
			 trash->count ? dd_metrics_seconds(trash->runs[0].began_ns) : 0);
}

int dd_gc_metrics(const struct dd_gc *gc, const struct dd_gc_outcome *outcome, const char *before,
		  char **text, struct dd_error *err)
{
	DD_AUTOFREE char *known = NULL;
	struct dd_metrics metrics = { .volume = outcome->volume };
	int64_t success_ns;

	/* A run that did not come to find the volume is about the one of the run before. */
	if (!metrics.volume && before)
		metrics.volume = known = dd_metrics_find_volume(before, LAST_SUCCESS);
	if (!metrics.volume)
		metrics.volume = "";
	success_ns = before ? dd_metrics_find_time(before, LAST_SUCCESS, metrics.volume) : 0;
	add_run(&metrics, outcome, gc && gc->plan.applied, success_ns);
	if (gc)
		add_plan(&metrics, &gc->plan);
	if (outcome->trash)
		add_trash(&metrics, outcome->trash);
	return dd_metrics_take(&metrics, text, err);
}
