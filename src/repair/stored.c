/*
 * What is stored, and under which digest: now, or by a step that was planned.
 */
#include "repair/repair.h"

uint32_t dd_repair_id(const struct dd_repair *repair, const struct dd_digest *digest)
{
	uint32_t id = dd_ids_find(&repair->verify->graph->ids, digest);

	return id < repair->verify->graph->nodes.count ? id : DD_NO_ID;
}

void dd_repair_stored_as(const struct dd_repair *repair, const struct dd_digest *digest,
			 struct dd_digest *stored)
{
	const struct dd_graph *graph = repair->verify->graph;
	uint32_t id = dd_repair_id(repair, digest);
	const struct dd_tie *ties;
	size_t count = 0;

	*stored = *digest;
	if (id == DD_NO_ID || digest->alg == DD_SHA256 ||
	    graph->nodes.items[id].flags & DD_NODE_PRESENT)
		return;
	ties = dd_graph_ties(graph, id, &count);
	if (count)
		dd_ids_get(&graph->ids, ties[0].to, stored);
	for (size_t i = 0; i < repair->twins.count && !count; i++) {
		const struct dd_twin *twin = &repair->twins.items[i];

		if (dd_digest_equal(&twin->digest, digest)) {
			dd_ids_get(&graph->ids, twin->id, stored);
			return;
		}
	}
}

bool dd_repair_will_be_there(struct dd_repair *repair, const struct dd_digest *digest)
{
	struct dd_place place = { .kind = DD_AT_BLOB };
	struct dd_step *step;
	struct dd_info info;
	bool is_new = false;

	dd_repair_stored_as(repair, digest, &place.digest);
	if (dd_repair_step(repair, &place, NULL, &step, &is_new, NULL) == 0 &&
	    step->mend.mending != DD_MEND_LEAVE)
		return step->mend.mending != DD_MEND_WITHDRAW;
	return dd_store_stat(repair->store, &place, &info, NULL) != DD_ENOENT;
}

const struct dd_copy *dd_repair_copy_of(struct dd_repair *repair, const struct dd_digest *digest)
{
	const struct dd_place place = { .kind = DD_AT_BLOB, .digest = *digest };
	struct dd_step *step;
	bool is_new;

	if (dd_repair_step(repair, &place, NULL, &step, &is_new, NULL) < 0 ||
	    (step->mend.mending != DD_MEND_PUT_BLOB && step->mend.mending != DD_MEND_MOVE_BLOB))
		return NULL;
	return &step->copy;
}
