/*
 * What takes the space, as metrics.
 */
#include <drydock/du.h>
#include <drydock/units.h>

#include "text/metrics.h"

static void add_row(struct dd_metrics *metrics, const char *name, const struct dd_du_row *row,
		    const char *kind, uint64_t bytes)
{
	const struct dd_metric_label labels[] = { { "repository", row->name },
						  { kind ? "kind" : NULL, kind },
						  { 0 } };

	dd_metrics_labelled(metrics, name, labels, (double)bytes);
}

static void add_rows(struct dd_metrics *metrics, const struct dd_du *du)
{
	dd_metrics_head(metrics, "drydock_repository_bytes",
			"size of a repository: logical, as pulling each tag transfers; physical, "
			"its blobs, each once; exclusive, what would go with it");
	for (size_t i = 0; i < du->count; i++) {
		const struct dd_du_row *row = &du->rows[i];

		if (!row->is_repository)
			continue;
		add_row(metrics, "drydock_repository_bytes", row, "logical", row->logical);
		add_row(metrics, "drydock_repository_bytes", row, "physical", row->physical);
		if (du->exclusive)
			add_row(metrics, "drydock_repository_bytes", row, "exclusive",
				row->exclusive);
	}
	dd_metrics_head(metrics, "drydock_repository_tags", "tags of a repository");
	for (size_t i = 0; i < du->count; i++)
		if (du->rows[i].is_repository)
			add_row(metrics, "drydock_repository_tags", &du->rows[i], NULL,
				du->rows[i].tags);
}

static void add_total(struct dd_metrics *metrics, const char *part, uint64_t bytes)
{
	const struct dd_metric_label labels[] = { { "part", part }, { 0 } };

	dd_metrics_labelled(metrics, "drydock_volume_bytes", labels, (double)bytes);
}

int dd_du_metrics(const struct dd_du *du, const char *volume, char **text, struct dd_error *err)
{
	struct dd_metrics metrics = { .volume = volume };

	dd_metrics_head(&metrics, "drydock_volume_bytes",
			"what the volume takes up on its file system, by part");
#define X(name, member, help) add_total(&metrics, name, du->totals.member);
	DD_DU_TOTALS(X)
#undef X
	dd_metrics_gauge(&metrics, "drydock_volume_repositories", "repositories",
			 (double)du->totals.repositories);
	dd_metrics_gauge(&metrics, "drydock_volume_tags", "tags", (double)du->totals.tags);
	dd_metrics_gauge(&metrics, "drydock_volume_unreadable",
			 "places that could not be looked at, and manifests in doubt",
			 (double)du->problems);
	dd_metrics_gauge(&metrics, "drydock_volume_measured_timestamp_seconds",
			 "when this was measured", dd_metrics_seconds(dd_time_now()));
	add_rows(&metrics, du);
	return dd_metrics_take(&metrics, text, err);
}
