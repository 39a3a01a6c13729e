/*
 * Revisions: whether each one's link is there. Its name says what it holds, so it is only read where
 * it has not the length of that: a crash may have emptied it, an editor added a newline.
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
};

struct batch {
	struct dd_scan *scan;
	struct dd_repository *repo;
	struct dd_directory *within; /* of one algorithm */
	size_t count;
	struct found found[BATCH];
};

/* Other algorithms' links may be aliases, which have to be read. */
static bool says_its_name(const struct dd_info *info, const struct dd_digest *digest)
{
	return digest->alg == DD_SHA256 && info->type == DD_ENTRY_FILE &&
	       info->size == dd_link_size(digest);
}

static int look_at_link(struct batch *batch, const struct dd_place *place,
			struct dd_scan_link *link, struct dd_error *err)
{
	const struct dd_onlooker *onlooker = batch->scan->options->onlooker;
	struct dd_info info;
	int rc;

	if (onlooker && onlooker->link)
		return dd_scan_read_link(batch->scan, batch->within, place, link, err);
	rc = batch->within ? dd_directory_stat(batch->within, place, &info, err) :
			     dd_store_stat(batch->scan->store, place, &info, err);

	*link = (struct dd_scan_link){ .state = DD_LINK_GOOD };
	if (rc == 0 && says_its_name(&info, &place->digest))
		return 0;
	dd_error_clear(err);
	return rc == DD_ENOMEM ? rc :
				 dd_scan_read_link(batch->scan, batch->within, place, link, err);
}

static int look(struct batch *batch, struct found *found, struct dd_error *err)
{
	const struct dd_place place = { .kind = DD_AT_REVISION,
					.repository = batch->repo->name,
					.digest = found->digest };
	struct dd_scan_link link;
	int rc = look_at_link(batch, &place, &link, err);

	if (rc < 0)
		return rc;
	found->state = link.state;
	found->other = link.has_digest && !dd_digest_equal(&link.digest, &found->digest);
	found->says = link.digest;
	switch (link.state) {
	case DD_LINK_ABSENT: /* what a deletion leaves, or a crash */
		return dd_scan_beside(batch->scan, &place, err);
	case DD_LINK_MALFORMED:
		return dd_scan_note(batch->scan, DD_STRANGE_ALIEN, &place, NULL, NULL);
	case DD_LINK_UNREADABLE:
		return dd_scan_doubt(batch->scan, batch->repo, DD_DOUBT_LINK, &found->digest,
				     link.detail);
	default:
		return 0;
	}
}

/* With the lock held. */
static int commit(struct batch *batch, const struct found *found, uint32_t id,
		  struct dd_scan_wanted *wanted, struct dd_error *err)
{
	struct dd_scan *scan = batch->scan;
	struct dd_revision *revision = dd_list_add(&batch->repo->revisions);
	uint32_t other;
	int rc = 0;

	if (!revision)
		return dd_fail(err, DD_ENOMEM, 0, "remember revisions");
	*revision = (struct dd_revision){ id, (uint8_t)found->state };
	if (found->state == DD_LINK_ABSENT)
		return 0;
	scan->graph->nodes.items[id].flags |= DD_NODE_LINKED;
	rc = dd_scan_want(scan, wanted, id, err);
	if (rc == 0 && found->other) {
		other = dd_graph_intern(scan->graph, &found->says);
		rc = other == DD_NO_ID ? dd_fail(err, DD_ENOMEM, 0, "remember a link") :
					 dd_graph_add_tie(scan->graph, id, other, err);
		if (rc == 0)
			rc = dd_scan_want(scan, wanted, other, err);
	}
	return rc;
}

/* With the lock held. */
static int commit_all(struct batch *batch, struct dd_scan_wanted *wanted, struct dd_error *err)
{
	struct dd_graph *graph = batch->scan->graph;
	uint32_t ids[BATCH];
	int rc = dd_graph_intern_all(graph, &batch->found->digest, batch->count,
				     sizeof(*batch->found), ids);

	if (rc < 0)
		return dd_fail(err, rc, 0, "remember revisions");
	dd_graph_prefetch(graph, ids, batch->count);
	for (size_t i = 0; i < batch->count && rc == 0; i++)
		rc = commit(batch, &batch->found[i], ids[i], wanted, err);
	return rc;
}

/* Only a shorter way to the same: without it each link is looked for from the root. */
static void open_revisions(struct batch *batch)
{
	struct dd_place place = { .kind = DD_IN_REVISIONS_OF, .repository = batch->repo->name };

	place.digest.alg = batch->found[0].digest.alg;
	dd_store_open_directory(batch->scan->store, &place, &batch->within, NULL);
}

static void scan_batch(void *arg)
{
	struct batch *batch = arg;
	struct dd_scan_wanted wanted = { 0 };
	struct dd_error err = { 0 };
	int rc = 0;

	open_revisions(batch);
	for (size_t i = 0; i < batch->count && rc == 0 && !dd_scan_stopped(batch->scan); i++)
		rc = look(batch, &batch->found[i], &err);
	if (rc == 0 && !dd_scan_stopped(batch->scan)) {
		dd_scan_lock(batch->scan);
		rc = commit_all(batch, &wanted, &err);
		dd_scan_unlock(batch->scan);
		if (rc == 0)
			rc = dd_scan_start(batch->scan, &wanted, &err);
	}
	if (rc < 0)
		dd_scan_stop(batch->scan, rc, &err);
	dd_list_release(&wanted.ids);
	dd_directory_closep(&batch->within);
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
	struct dd_scan_names names = {
		.scan = revisions->scan, .repo = revisions->repo, .directory = &place, .alg = alg
	};
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
		rc = dd_scan_list_algorithms(&(struct dd_scan_algorithms){ .scan = revisions->scan,
									   .directory = &place },
					     list_revisions, revisions, &err);
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
