/*
 * Signatures: registries up to 2.4 kept those of schema 1 manifests beside the revision, each a link to
 * a blob. Only such a manifest has any; one that could not be understood may be such a one.
 */
#include <stdlib.h>

#include "graph/scan.h"

/* A repository's revisions that may have signatures. */
struct signed_ones {
	struct dd_scan *scan;
	struct dd_repository *repo;
	uint32_t id; /* the one whose signatures are listed */
	struct dd_digest digest;
};

static int list_signatures(void *arg, enum dd_algorithm alg, struct dd_error *err)
{
	const struct signed_ones *ones = arg;
	struct dd_graph *graph = ones->scan->graph;
	struct dd_place place = { .kind = DD_IN_SIGNATURES_OF,
				  .repository = ones->repo->name,
				  .digest = ones->digest };
	struct dd_scan_names names = {
		.scan = ones->scan, .repo = ones->repo, .directory = &place, .alg = alg
	};
	int rc;

	place.second.alg = (uint8_t)alg;
	rc = dd_scan_list_names(&names, err);
	rc = dd_scan_listed(ones->scan, ones->repo, rc, &place, err, NULL);
	dd_scan_lock(ones->scan);
	for (size_t i = 0; i < names.digests.count && rc == 0; i++) {
		uint32_t to = dd_graph_intern(graph, &names.digests.items[i]);

		rc = to == DD_NO_ID ? dd_fail(err, DD_ENOMEM, 0, "remember signatures") :
				      dd_graph_add_tie(graph, ones->id, to, err);
	}
	dd_scan_unlock(ones->scan);
	dd_list_release(&names.digests);
	return rc;
}

static bool may_be_signed(const struct dd_graph *graph, const struct dd_revision *revision)
{
	uint32_t manifest = graph->nodes.items[revision->id].manifest;
	uint8_t type;

	if (revision->state == DD_LINK_ABSENT || manifest == DD_NO_ID)
		return revision->state != DD_LINK_ABSENT;
	type = graph->manifests.items[manifest].type;
	return type == DD_MANIFEST_SCHEMA1 || type == DD_MANIFEST_SCHEMA1_SIGNED;
}

/* The next one from *at on: sets id and digest, and *at to what comes after it. */
static bool find_signed(struct signed_ones *ones, size_t *at)
{
	struct dd_graph *graph = ones->scan->graph;
	bool found = false;

	dd_scan_lock(ones->scan);
	while (*at < ones->repo->revisions.count && !found) {
		const struct dd_revision *revision = &ones->repo->revisions.items[(*at)++];

		found = may_be_signed(graph, revision);
		ones->id = revision->id;
	}
	if (found)
		dd_ids_get(&graph->ids, ones->id, &ones->digest);
	dd_scan_unlock(ones->scan);
	return found;
}

static void scan_signatures(void *arg)
{
	struct signed_ones *ones = arg;
	struct dd_error err = { 0 };
	size_t at = 0;
	int rc = 0;

	while (rc == 0 && !dd_scan_stopped(ones->scan) && find_signed(ones, &at)) {
		struct dd_place place = { .kind = DD_IN_SIGNATURES,
					  .repository = ones->repo->name };

		place.digest = ones->digest;
		rc = dd_scan_list_algorithms(&(struct dd_scan_algorithms){ .scan = ones->scan,
									   .repo = ones->repo,
									   .directory = &place },
					     list_signatures, ones, &err);
	}
	if (rc < 0)
		dd_scan_stop(ones->scan, rc, &err);
	free(ones);
}

void dd_scan_signatures(struct dd_scan *scan)
{
	for (size_t i = 0; i < scan->survey->repositories.count; i++) {
		struct signed_ones *ones = malloc(sizeof(*ones));

		if (!ones) {
			dd_scan_stop(scan, DD_ENOMEM, NULL);
			return;
		}
		*ones = (struct signed_ones){ .scan = scan,
					      .repo = scan->survey->repositories.items[i] };
		dd_jobs_add(scan->jobs, scan_signatures, ones);
	}
}
