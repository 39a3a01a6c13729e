/*
 * What only a second verification would find: links to what this repair takes away, and an index's
 * child whose own link is the last one that is missing.
 */
#include <stdlib.h>

#include "repair/repair.h"

/* ---- links to what goes ---- */

/* By id: the blobs that go, and nothing takes their place. To be freed; NULL without memory. */
static const struct dd_found **list_lost(struct dd_repair *repair, bool *any)
{
	const struct dd_found **lost =
		calloc(repair->verify->graph->nodes.count + 1, sizeof(*lost));

	for (size_t i = 0; lost && i < repair->steps.count; i++) {
		const struct dd_mend *mend = &repair->steps.items[i].mend;
		uint32_t id;

		if (mend->mending != DD_MEND_WITHDRAW || mend->place.kind != DD_AT_BLOB ||
		    mend->place.beside)
			continue;
		id = dd_repair_id(repair, &mend->place.digest);
		if (id != DD_NO_ID)
			lost[id] = mend->found;
		*any |= id != DD_NO_ID;
	}
	return lost;
}

static int let_layers_go(struct dd_repair *repair, uint32_t index, const struct dd_found **lost,
			 struct dd_error *err)
{
	const struct dd_verify *verify = repair->verify;
	const struct dd_repository *repo = verify->survey->repositories.items[index];
	int rc = 0;

	for (size_t i = 0; i < repo->layers.count && rc == 0; i++) {
		struct dd_place place = { .kind = DD_AT_LAYER, .repository = repo->name };
		struct dd_digest stored;
		uint32_t id;

		if ((verify->layers[index][i] & DD_LAYER_STATE) != DD_LINK_GOOD ||
		    verify->layers[index][i] & DD_LAYER_NEEDED)
			continue;
		dd_ids_get(&verify->graph->ids, repo->layers.items[i], &place.digest);
		dd_repair_stored_as(repair, &place.digest, &stored);
		id = dd_repair_id(repair, &stored);
		if (id != DD_NO_ID && lost[id])
			rc = dd_repair_let_go(repair, &place, lost[id], true, err);
	}
	return rc;
}

static int let_history_go(struct dd_repair *repair, const struct dd_repository *repo,
			  const struct dd_tag *tag, const struct dd_found **lost,
			  struct dd_error *err)
{
	int rc = 0;

	for (uint32_t k = 0; k < tag->history_count && rc == 0; k++) {
		uint32_t id = repo->histories.items[tag->history + k];
		struct dd_place place = { .kind = DD_AT_HISTORY,
					  .repository = repo->name,
					  .tag = tag->name };

		if (id == tag->current || !lost[id])
			continue;
		dd_ids_get(&repair->verify->graph->ids, id, &place.digest);
		rc = dd_repair_let_go(repair, &place, lost[id], true, err);
	}
	return rc;
}

int dd_repair_follow_losses(struct dd_repair *repair, struct dd_error *err)
{
	const struct dd_survey *survey = repair->verify->survey;
	bool any = false;
	DD_AUTOFREE const struct dd_found **lost = list_lost(repair, &any);
	int rc = lost ? 0 : dd_fail(err, DD_ENOMEM, 0, "plan a repair");

	for (uint32_t i = 0; any && i < survey->repositories.count && rc == 0; i++) {
		const struct dd_repository *repo = survey->repositories.items[i];

		rc = let_layers_go(repair, i, lost, err);
		for (size_t k = 0; k < repo->tags.count && rc == 0; k++)
			rc = let_history_go(repair, repo, &repo->tags.items[k], lost, err);
	}
	return rc;
}

/* ---- a child that turns out to have been pushed here ---- */

static bool is_written(struct dd_repair *repair, enum dd_place_kind kind, const char *repository,
		       const struct dd_digest *digest)
{
	const struct dd_place place = { .kind = kind, .repository = repository, .digest = *digest };
	struct dd_step *step;
	bool is_new;

	return dd_repair_step(repair, &place, NULL, &step, &is_new, NULL) == 0 &&
	       step->mend.mending == DD_MEND_WRITE_LINK;
}

/* All that it names is linked in the repository, or will be: as verifying tells it. */
static bool will_be_whole(struct dd_repair *repair, const struct dd_repository *repo, uint32_t id)
{
	const struct dd_graph *graph = repair->verify->graph;
	uint32_t manifest = graph->nodes.items[id].manifest;
	const struct dd_manifest_node *node;

	if (manifest == DD_NO_ID)
		return false;
	node = &graph->manifests.items[manifest];
	for (uint32_t i = 0; i < node->count; i++) {
		uint32_t part = DD_EDGE_ID(graph->edges.items[node->first + i]);
		struct dd_digest digest;

		dd_ids_get(&graph->ids, part, &digest);
		if (!dd_repository_has_layer(repo, part) && !dd_repository_revision(repo, part) &&
		    !is_written(repair, DD_AT_LAYER, repo->name, &digest) &&
		    !is_written(repair, DD_AT_REVISION, repo->name, &digest))
			return false;
	}
	return node->count > 0;
}

int dd_repair_sparse(struct dd_repair *repair, const struct dd_found *found, struct dd_error *err)
{
	const struct dd_survey *survey = repair->verify->survey;
	uint32_t index = dd_survey_repository_index(survey, found->repository),
		 id = dd_repair_id(repair, &found->digest);

	if (index == DD_NO_ID || id == DD_NO_ID ||
	    !will_be_whole(repair, survey->repositories.items[index], id) ||
	    !dd_repair_will_be_there(repair, &found->digest))
		return 0;
	return dd_repair_missing_link(repair, found, err);
}
