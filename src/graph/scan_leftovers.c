/*
 * What crashes left beside files that are there: every directory that holds a link or a blob is listed
 * for it, which is as slow as it sounds, and done only where it is asked for.
 */
#include <stdlib.h>

#include "graph/scan.h"

#define BATCH 256

struct leftovers {
	struct dd_scan *scan;
	struct dd_repository *repo; /* NULL: blobs */
	uint32_t first, count;	    /* of them */
};

static int beside_id(struct leftovers *leftovers, enum dd_place_kind kind, const char *tag,
		     uint32_t id, struct dd_error *err)
{
	struct dd_place place = { .kind = kind, .tag = tag };

	if (dd_scan_stopped(leftovers->scan))
		return 0;
	if (leftovers->repo)
		place.repository = leftovers->repo->name;
	if (id != DD_NO_ID)
		dd_ids_get(&leftovers->scan->graph->ids, id, &place.digest);
	return dd_scan_beside(leftovers->scan, &place, err);
}

static int beside_blobs(struct leftovers *leftovers, struct dd_error *err)
{
	const struct dd_node *nodes = leftovers->scan->graph->nodes.items;
	int rc = 0;

	for (uint32_t i = 0; i < leftovers->count && rc == 0; i++)
		if (nodes[leftovers->first + i].flags & DD_NODE_PRESENT)
			rc = beside_id(leftovers, DD_AT_BLOB, NULL, leftovers->first + i, err);
	return rc;
}

/* Where the file itself is missing the scan has looked already. */
static int beside_tags(struct leftovers *leftovers, struct dd_error *err)
{
	const struct dd_repository *repo = leftovers->repo;
	int rc = 0;

	for (size_t i = 0; i < repo->tags.count && rc == 0; i++) {
		const struct dd_tag *tag = &repo->tags.items[i];

		if (tag->state != DD_LINK_ABSENT)
			rc = beside_id(leftovers, DD_AT_TAG, tag->name, DD_NO_ID, err);
		for (uint32_t k = 0; k < tag->history_count && rc == 0; k++)
			rc = beside_id(leftovers, DD_AT_HISTORY, tag->name,
				       repo->histories.items[tag->history + k], err);
	}
	return rc;
}

static int beside_links(struct leftovers *leftovers, struct dd_error *err)
{
	const struct dd_repository *repo = leftovers->repo;
	int rc = beside_tags(leftovers, err);

	for (size_t i = 0; i < repo->layers.count && rc == 0; i++)
		rc = beside_id(leftovers, DD_AT_LAYER, NULL, repo->layers.items[i], err);
	for (size_t i = 0; i < repo->revisions.count && rc == 0; i++)
		if (repo->revisions.items[i].state != DD_LINK_ABSENT)
			rc = beside_id(leftovers, DD_AT_REVISION, NULL, repo->revisions.items[i].id,
				       err);
	return rc;
}

static void scan_leftovers(void *arg)
{
	struct leftovers *leftovers = arg;
	struct dd_error err = { 0 };
	int rc = leftovers->repo ? beside_links(leftovers, &err) : beside_blobs(leftovers, &err);

	if (rc < 0)
		dd_scan_stop(leftovers->scan, rc, &err);
	free(leftovers);
}

static bool add(struct dd_scan *scan, struct dd_repository *repo, uint32_t first, uint32_t count)
{
	struct leftovers *leftovers = malloc(sizeof(*leftovers));

	if (!leftovers) {
		dd_scan_stop(scan, DD_ENOMEM, NULL);
		return false;
	}
	*leftovers = (struct leftovers){ scan, repo, first, count };
	dd_jobs_add(scan->jobs, scan_leftovers, leftovers);
	return true;
}

void dd_scan_leftovers(struct dd_scan *scan)
{
	uint32_t nodes = (uint32_t)scan->graph->nodes.count;
	bool going = true;

	for (size_t i = 0; i < scan->survey->repositories.count && going; i++)
		going = add(scan, scan->survey->repositories.items[i], 0, 0);
	for (uint32_t at = 0; at < nodes && going; at += BATCH)
		going = add(scan, NULL, at, nodes - at < BATCH ? nodes - at : BATCH);
}
