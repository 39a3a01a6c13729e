/*
 * Layer links: their names are enough, but for those that may be aliases.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/scan.h"

struct layers {
	struct dd_scan *scan;
	struct dd_repository *repo;
	const char *version; /* of tarsum links */
};

static int commit_names(struct dd_scan_names *names, struct dd_error *err)
{
	struct dd_repository *repo = names->repo;
	size_t count = names->digests.count;
	uint32_t *grown;
	int rc;

	if (!count)
		return 0;
	/* One job alone adds to them; the algorithms come one after the other. */
	grown = reallocarray(repo->layers.items, repo->layers.count + count, sizeof(*grown));
	if (!grown)
		return dd_fail(err, DD_ENOMEM, 0, "remember layers");
	repo->layers.items = grown;
	repo->layers.room = repo->layers.count + count;
	dd_scan_lock(names->scan);
	rc = dd_graph_intern_all(names->scan->graph, names->digests.items, count,
				 sizeof(*names->digests.items), grown + repo->layers.count);
	dd_scan_unlock(names->scan);
	if (rc < 0)
		return dd_fail(err, rc, 0, "remember layers");
	repo->layers.count += count;
	return 0;
}

/* The link says what the name stands for: both are one. */
static int tie(struct dd_scan *scan, struct dd_repository *repo, const struct dd_digest *name,
	       const struct dd_scan_link *link, struct dd_error *err)
{
	struct dd_graph *graph = scan->graph;
	uint32_t from, to, *slot = NULL;
	int rc = DD_ENOMEM;

	dd_scan_lock(scan);
	from = dd_graph_intern(graph, name);
	to = link->has_digest ? dd_graph_intern(graph, &link->digest) : from;
	if (from != DD_NO_ID && from == to) {
		slot = dd_list_add(&repo->unresolved);
		rc = slot ? 0 : DD_ENOMEM;
		if (slot)
			*slot = from;
	} else if (from != DD_NO_ID && to != DD_NO_ID) {
		rc = dd_graph_add_tie(graph, from, to, err);
		if (rc == 0)
			rc = dd_graph_add_tie(graph, to, from, err);
	}
	dd_scan_unlock(scan);
	return rc < 0 ? dd_fail(err, rc, 0, "remember a link") : 0;
}

static int read_aliases(struct dd_scan_names *names, struct dd_error *err)
{
	struct dd_scan *scan = names->scan;
	struct dd_repository *repo = names->repo;
	int rc = 0;

	for (size_t i = 0; i < names->digests.count && rc == 0; i++) {
		const struct dd_place place = { .kind = DD_AT_LAYER,
						.repository = repo->name,
						.digest = names->digests.items[i] };
		struct dd_scan_link link;

		rc = dd_scan_read_link(scan, NULL, &place, &link, err);
		if (rc < 0 || link.state == DD_LINK_ABSENT)
			continue;
		if (link.state == DD_LINK_UNREADABLE)
			rc = dd_scan_doubt(scan, repo, DD_DOUBT_LINK, &place.digest, link.detail);
		else
			rc = tie(scan, repo, &place.digest, &link, err);
	}
	return rc;
}

static int list_layers(void *arg, enum dd_algorithm alg, struct dd_error *err)
{
	const struct layers *layers = arg;
	struct dd_place place = { .kind = DD_IN_LAYERS_OF, .repository = layers->repo->name };
	struct dd_scan_names names = {
		.scan = layers->scan, .repo = layers->repo, .directory = &place, .alg = alg
	};
	int rc;

	place.digest.alg = (uint8_t)alg;
	rc = dd_scan_list_names(&names, err);
	rc = dd_scan_listed(layers->scan, layers->repo, rc, &place, err,
			    &layers->repo->layers_failed);
	if (rc == 0)
		rc = commit_names(&names, err);
	/* Other algorithms' links are aliases: the reference stores all blobs under sha256. */
	if (rc == 0 && alg != DD_SHA256)
		rc = read_aliases(&names, err);
	dd_list_release(&names.digests);
	return rc;
}

/* ---- tarsum: the links of registry 2.0, whose names are no digests of anything ---- */

static int read_tarsums(struct dd_scan_names *names, const char *version, struct dd_error *err)
{
	struct dd_scan *scan = names->scan;
	struct dd_repository *repo = names->repo;
	int rc = 0;

	for (size_t i = 0; i < names->digests.count && rc == 0; i++) {
		const struct dd_place place = { .kind = DD_AT_TARSUM,
						.repository = repo->name,
						.name = version,
						.digest = names->digests.items[i] };
		struct dd_scan_link link;
		uint32_t id, *slot = NULL;

		rc = dd_scan_read_link(scan, NULL, &place, &link, err);
		if (rc < 0 || link.state == DD_LINK_ABSENT)
			continue;
		if (!link.has_digest) {
			rc = dd_scan_doubt(scan, repo, DD_DOUBT_LINK, NULL, link.detail);
			continue;
		}
		dd_scan_lock(scan);
		id = dd_graph_intern(scan->graph, &link.digest);
		if (id != DD_NO_ID)
			slot = dd_list_add(&repo->tarsums);
		if (slot)
			*slot = id;
		dd_scan_unlock(scan);
		rc = slot ? 0 : dd_fail(err, DD_ENOMEM, 0, "remember a link");
	}
	return rc;
}

static int list_tarsums(void *arg, enum dd_algorithm alg, struct dd_error *err)
{
	const struct layers *layers = arg;
	struct dd_place place = { .kind = DD_IN_TARSUM_OF,
				  .repository = layers->repo->name,
				  .name = layers->version };
	struct dd_scan_names names = {
		.scan = layers->scan, .repo = layers->repo, .directory = &place, .alg = alg
	};
	int rc;

	place.digest.alg = (uint8_t)alg;
	rc = dd_scan_list_names(&names, err);
	rc = dd_scan_listed(layers->scan, layers->repo, rc, &place, err,
			    &layers->repo->layers_failed);
	if (rc == 0)
		rc = read_tarsums(&names, layers->version, err);
	dd_list_release(&names.digests);
	return rc;
}

static int see_version(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct layers *layers = arg;
	struct layers inner = { layers->scan, layers->repo, entry->name };
	const struct dd_place place = { .kind = DD_IN_TARSUM,
					.repository = layers->repo->name,
					.name = entry->name };

	if (entry->type != DD_ENTRY_DIRECTORY)
		return dd_scan_note(layers->scan, DD_STRANGE_ALIEN, &place, NULL, NULL);
	return dd_scan_list_algorithms(
		&(struct dd_scan_algorithms){ .scan = layers->scan,
					      .repo = layers->repo,
					      .directory = &place,
					      .failed = &layers->repo->layers_failed },
		list_tarsums, &inner, err);
}

static void scan_layers(void *arg)
{
	struct layers *layers = arg;
	struct dd_repository *repo = layers->repo;
	const struct dd_place place = { .kind = DD_IN_LAYERS, .repository = repo->name };
	const struct dd_place tarsums = { .kind = DD_IN_TARSUMS, .repository = repo->name };
	struct dd_scan_algorithms algorithms = { .scan = layers->scan,
						 .repo = repo,
						 .directory = &place,
						 .also = "tarsum",
						 .failed = &repo->layers_failed };
	struct dd_error err = { 0 };
	int rc = 0;

	if (!dd_scan_stopped(layers->scan)) {
		rc = dd_scan_list_algorithms(&algorithms, list_layers, layers, &err);
		/* Where nothing could be listed it may be there all the same. */
		if (rc == 0 && (algorithms.found_also || repo->layers_failed)) {
			rc = dd_store_list(layers->scan->store, &tarsums, see_version, layers,
					   &err);
			rc = dd_scan_listed(layers->scan, repo, rc, &tarsums, &err,
					    &repo->layers_failed);
		}
	}
	if (rc < 0)
		dd_scan_stop(layers->scan, rc, &err);
	free(layers);
}

void dd_scan_layers(struct dd_scan *scan, struct dd_repository *repo)
{
	struct layers *layers = calloc(1, sizeof(*layers));

	if (!layers) {
		dd_scan_stop(scan, DD_ENOMEM, NULL);
		return;
	}
	*layers = (struct layers){ scan, repo, NULL };
	dd_jobs_add(scan->jobs, scan_layers, layers);
}
