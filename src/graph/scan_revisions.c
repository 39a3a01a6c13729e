/*
 * Revisions: each one's directory is listed (its link may be deleted, signatures may lie beside it)
 * and its link read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/scan.h"

/* A job reads so many: enough to be worth a job, few enough to keep all threads busy. */
#define BATCH 32

struct found {
	struct dd_digest digest;
	enum dd_link_state state;
	bool other; /* the link names another digest than its path */
	struct dd_digest says;
	DD_LIST(struct dd_digest) signatures;
};

struct batch {
	struct dd_scan *scan;
	struct dd_repository *repo;
	size_t count;
	struct found found[BATCH];
};

/* What lies in a revision's directory. */
struct inside {
	struct batch *batch;
	const struct dd_place *place;
	bool link, signatures;
};

static int see_inside(void *arg, const struct dd_entry *entry, struct dd_error *err)
{
	struct inside *inside = arg;

	if (!strcmp(entry->name, "link"))
		inside->link = true;
	else if (!strcmp(entry->name, "signatures") && entry->type == DD_ENTRY_DIRECTORY)
		inside->signatures = true;
	else if (entry->type == DD_ENTRY_FILE && dd_temp_valid(entry->name))
		return dd_survey_add_temp(inside->batch->scan->survey, inside->batch->scan->store,
					  inside->place, entry->name, err);
	else
		return dd_scan_note(inside->batch->scan, DD_STRANGE_ALIEN, inside->place,
				    entry->name, NULL);
	return 0;
}

/* ---- signatures of schema 1 ---- */

struct signatures {
	struct batch *batch;
	struct found *found;
};

static int list_signatures(void *arg, enum dd_algorithm alg, struct dd_error *err)
{
	struct signatures *signatures = arg;
	struct batch *batch = signatures->batch;
	struct dd_place place = { .kind = DD_IN_SIGNATURES_OF,
				  .repository = batch->repo->name,
				  .digest = signatures->found->digest };
	struct dd_scan_names names = { batch->scan, batch->repo, &place, alg, { 0 } };
	int rc;

	place.second.alg = (uint8_t)alg;
	rc = dd_scan_list_names(&names, err);
	rc = dd_scan_listed(batch->scan, batch->repo, rc, &place, err, NULL);
	for (size_t i = 0; i < names.digests.count && rc == 0; i++) {
		struct dd_digest *added = dd_list_add(&signatures->found->signatures);

		if (added)
			*added = names.digests.items[i];
		else
			rc = dd_fail(err, DD_ENOMEM, 0, "remember signatures");
	}
	dd_list_release(&names.digests);
	return rc;
}

static int look(struct batch *batch, struct found *found, struct dd_error *err)
{
	const struct dd_place place = { .kind = DD_AT_REVISION,
					.repository = batch->repo->name,
					.digest = found->digest };
	const struct dd_place signatures = { .kind = DD_IN_SIGNATURES,
					     .repository = batch->repo->name,
					     .digest = found->digest };
	struct inside inside = { batch, &place, false, false };
	struct dd_scan_link link = { .state = DD_LINK_ABSENT };
	bool failed = false;
	int rc = dd_store_list_owner(batch->scan->store, &place, see_inside, &inside, err);

	rc = dd_scan_listed(batch->scan, batch->repo, rc, &place, err, &failed);
	if (rc == 0 && inside.link)
		rc = dd_scan_read_link(batch->scan, &place, &link, err);
	if (rc == 0 && inside.signatures)
		rc = dd_scan_list_algorithms(batch->scan, batch->repo, &signatures, NULL,
					     list_signatures, &(struct signatures){ batch, found },
					     NULL, err);
	found->state = failed ? DD_LINK_UNREADABLE : link.state;
	found->other = link.has_digest && !dd_digest_equal(&link.digest, &found->digest);
	found->says = link.digest;
	if (rc == 0 && (link.state == DD_LINK_UNREADABLE || link.state == DD_LINK_MALFORMED))
		rc = link.state == DD_LINK_UNREADABLE ?
			     dd_scan_doubt(batch->scan, batch->repo, DD_DOUBT_LINK, &found->digest,
					   link.detail) :
			     dd_scan_note(batch->scan, DD_STRANGE_ALIEN, &place, NULL, NULL);
	return rc;
}

static int tie_to(struct dd_scan *scan, uint32_t from, const struct dd_digest *digest, uint32_t *to,
		  struct dd_error *err)
{
	*to = dd_graph_intern(scan->graph, digest);
	if (*to == DD_NO_ID)
		return dd_fail(err, DD_ENOMEM, 0, "remember a link");
	return dd_graph_add_tie(scan->graph, from, *to, err);
}

/* With the lock held. */
static int commit(struct batch *batch, struct found *found, struct dd_scan_wanted *wanted,
		  struct dd_error *err)
{
	struct dd_scan *scan = batch->scan;
	uint32_t id = dd_graph_intern(scan->graph, &found->digest), other;
	struct dd_revision *revision = NULL;
	int rc = 0;

	if (id != DD_NO_ID)
		revision = dd_list_add(&batch->repo->revisions);
	if (!revision)
		return dd_fail(err, DD_ENOMEM, 0, "remember revisions");
	*revision = (struct dd_revision){ id, (uint8_t)found->state };
	if (found->state == DD_LINK_ABSENT)
		return 0;
	scan->graph->nodes.items[id].flags |= DD_NODE_LINKED;
	rc = dd_scan_want(scan, wanted, id, err);
	if (rc == 0 && found->other) {
		rc = tie_to(scan, id, &found->says, &other, err);
		if (rc == 0)
			rc = dd_scan_want(scan, wanted, other, err);
	}
	for (size_t i = 0; i < found->signatures.count && rc == 0; i++)
		rc = tie_to(scan, id, &found->signatures.items[i], &other, err);
	return rc;
}

static void scan_batch(void *arg)
{
	struct batch *batch = arg;
	struct dd_scan_wanted wanted = { 0 };
	struct dd_error err = { 0 };
	int rc = 0;

	for (size_t i = 0; i < batch->count && rc == 0 && !dd_scan_stopped(batch->scan); i++)
		rc = look(batch, &batch->found[i], &err);
	if (rc == 0 && !dd_scan_stopped(batch->scan)) {
		dd_scan_lock(batch->scan);
		for (size_t i = 0; i < batch->count && rc == 0; i++)
			rc = commit(batch, &batch->found[i], &wanted, &err);
		dd_scan_unlock(batch->scan);
		if (rc == 0)
			rc = dd_scan_start(batch->scan, &wanted, &err);
	}
	if (rc < 0)
		dd_scan_stop(batch->scan, rc, &err);
	for (size_t i = 0; i < batch->count; i++)
		dd_list_release(&batch->found[i].signatures);
	dd_list_release(&wanted.ids);
	free(batch);
}

struct revisions {
	struct dd_scan *scan;
	struct dd_repository *repo;
};

static int list_revisions(void *arg, enum dd_algorithm alg, struct dd_error *err)
{
	const struct revisions *revisions = arg;
	struct dd_place place = { .kind = DD_IN_REVISIONS_OF, .repository = revisions->repo->name };
	struct dd_scan_names names = { revisions->scan, revisions->repo, &place, alg, { 0 } };
	int rc;

	place.digest.alg = (uint8_t)alg;
	rc = dd_scan_list_names(&names, err);
	rc = dd_scan_listed(revisions->scan, NULL, rc, &place, err, NULL);
	for (size_t at = 0; at < names.digests.count && rc == 0; at += BATCH) {
		struct batch *batch = calloc(1, sizeof(*batch));
		size_t left = names.digests.count - at;

		if (!batch) {
			rc = dd_fail(err, DD_ENOMEM, 0, "look at revisions");
			break;
		}
		batch->scan = revisions->scan;
		batch->repo = revisions->repo;
		batch->count = left < BATCH ? left : BATCH;
		for (size_t i = 0; i < batch->count; i++)
			batch->found[i].digest = names.digests.items[at + i];
		dd_jobs_add(revisions->scan->jobs, scan_batch, batch);
	}
	dd_list_release(&names.digests);
	return rc;
}

static void scan_revisions(void *arg)
{
	struct revisions *revisions = arg;
	const struct dd_place place = { .kind = DD_IN_REVISIONS,
					.repository = revisions->repo->name };
	struct dd_error err = { 0 };
	int rc = 0;

	if (!dd_scan_stopped(revisions->scan))
		rc = dd_scan_list_algorithms(revisions->scan, NULL, &place, NULL, list_revisions,
					     revisions, NULL, &err);
	if (rc < 0)
		dd_scan_stop(revisions->scan, rc, &err);
	free(revisions);
}

void dd_scan_revisions(struct dd_scan *scan, struct dd_repository *repo)
{
	struct revisions *revisions = calloc(1, sizeof(*revisions));

	if (!revisions) {
		dd_scan_stop(scan, DD_ENOMEM, NULL);
		return;
	}
	*revisions = (struct revisions){ scan, repo };
	dd_jobs_add(scan->jobs, scan_revisions, revisions);
}
