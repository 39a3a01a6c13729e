/*
 * A candidate's place, and the end of a list of them.
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

void dd_candidates_release(struct dd_candidates *candidates)
{
	dd_mark_closep(&candidates->mark);
	dd_list_release(&candidates->list);
	dd_list_release(&candidates->young);
}
