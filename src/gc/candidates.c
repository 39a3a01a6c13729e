/*
 * A candidate's place; the mark of a list of them, and its end.
 */
#include <string.h>

#include "gc/candidates.h"

void dd_candidate_place(const struct dd_survey *survey, const struct dd_candidate *candidate,
			struct dd_place *place)
{
	const struct dd_repository *repo = NULL;

	memset(place, 0, sizeof(*place));
	place->kind = candidate->kind;
	if (candidate->repository != DD_NO_ID) {
		repo = survey->repositories.items[candidate->repository];
		place->repository = repo->name;
	}
	if (candidate->id != DD_NO_ID)
		dd_ids_get(&survey->graph->ids, candidate->id, &place->digest);
	if (candidate->reason == DD_REASON_TEMP_STALE)
		*place = survey->temps.items[candidate->extra].place;
	else if (candidate->reason == DD_REASON_UPLOAD_STALE)
		place->upload = repo->uploads.items[candidate->extra].id;
	else if (candidate->kind == DD_AT_HISTORY || candidate->kind == DD_AT_TAG)
		place->tag = repo->tags.items[candidate->tag].name;
}

static bool present(const struct dd_graph *graph, uint32_t id, const bool *gone)
{
	return (graph->nodes.items[id].flags & (DD_NODE_PRESENT | DD_NODE_MISSING)) ==
		       DD_NODE_PRESENT &&
	       !(gone && gone[id]);
}

bool dd_link_dangles(const struct dd_graph *graph, uint32_t id, const bool *gone)
{
	const struct dd_tie *ties;
	size_t count;

	if (present(graph, id, gone))
		return false;
	ties = dd_graph_ties(graph, id, &count);
	for (size_t i = 0; i < count; i++)
		if (present(graph, ties[i].to, gone))
			return false;
	return true;
}

int dd_candidates_mark(struct dd_context *ctx, struct dd_survey *survey,
		       const struct dd_judge_options *options, struct dd_candidates *candidates,
		       dd_mark_fn *marked, void *arg, struct dd_error *err)
{
	const struct dd_mark_options mark = {
		.delete_untagged = options->delete_untagged,
		.ignore_holds = options->ignore_holds,
		.allow_empty = options->allow_empty,
		.losses = options->losses,
		.loss_count = options->loss_count,
		.young = candidates->young.items,
		.young_count = candidates->young.count,
		.removed = options->removed,
		.removed_count = options->removed_count,
		.marked = marked,
		.arg = arg,
	};

	dd_mark_closep(&candidates->mark);
	return dd_mark_open(ctx, survey, &mark, &candidates->mark, err);
}

void dd_candidates_release(struct dd_candidates *candidates)
{
	dd_mark_closep(&candidates->mark);
	dd_list_release(&candidates->list);
	dd_list_release(&candidates->young);
}
