/*
 * Links: written where one is missing, and anew where one does not say what its path says.
 */
#include <stdlib.h>

#include "repair/repair.h"

/* ---- what a link should say ---- */

/* Whether a blob's bytes have that digest, too. */
static bool is_twin(struct dd_repair *repair, const struct dd_digest *blob,
		    const struct dd_digest *digest)
{
	struct dd_digest got;

	return dd_repair_hash_blob(repair, blob, (enum dd_algorithm)digest->alg, &got, NULL) == 0 &&
	       dd_digest_equal(&got, digest);
}

/*
 * What a sha512 link stands for: another repository says it, or the bytes were found. Neither is
 * believed before the blob was read.
 */
static bool learn_alias(struct dd_repair *repair, const struct dd_found *found,
			struct dd_digest *says)
{
	const struct dd_graph *graph = repair->verify->graph;
	uint32_t id = dd_repair_id(repair, &found->digest), blob;
	const struct dd_tie *ties = NULL;
	size_t count = 0;

	if (found->has_other && is_twin(repair, &found->other, &found->digest)) {
		*says = found->other;
		return true;
	}
	if (id != DD_NO_ID && (blob = dd_verify_stands_for(repair->verify, id)) != DD_NO_ID) {
		dd_ids_get(&graph->ids, blob, says);
		if (is_twin(repair, says, &found->digest))
			return true;
	}
	if (id != DD_NO_ID)
		ties = dd_graph_ties(graph, id, &count);
	for (size_t i = 0; i < count; i++) {
		dd_ids_get(&graph->ids, ties[i].to, says);
		if (is_twin(repair, says, &found->digest))
			return true;
	}
	dd_repair_stored_as(repair, &found->digest, says);
	return !dd_digest_equal(says, &found->digest) && is_twin(repair, says, &found->digest);
}

/* Whether a blob is there under that very name, or will be. */
static bool is_stored(struct dd_repair *repair, const struct dd_place *blob)
{
	struct dd_step *step;
	struct dd_info info;
	bool is_new;

	if (dd_repair_step(repair, blob, NULL, &step, &is_new, NULL) == 0 &&
	    step->mend.mending != DD_MEND_LEAVE)
		return step->mend.mending != DD_MEND_WITHDRAW;
	return dd_store_stat(repair->store, blob, &info, NULL) == 0;
}

/* False: it cannot be told. */
static bool should_say(struct dd_repair *repair, const struct dd_place *place,
		       const struct dd_found *found, struct dd_digest *says)
{
	const struct dd_place blob = { .kind = DD_AT_BLOB, .digest = place->digest };

	*says = place->kind == DD_AT_SIGNATURE ? place->second : place->digest;
	if (place->kind == DD_AT_TARSUM)
		return false;
	/* A layer that a registry stores under another digest. */
	if (place->kind == DD_AT_LAYER && place->digest.alg != DD_SHA256 &&
	    !is_stored(repair, &blob))
		return learn_alias(repair, found, says);
	return true;
}

static void write_link(struct dd_step *step, const struct dd_digest *says)
{
	step->mend.mending = step->replaces ? DD_MEND_REWRITE_LINK : DD_MEND_WRITE_LINK;
	step->mend.has_digest = true;
	step->mend.digest = *says;
}

static void leave(struct dd_step *step, const char *why)
{
	step->mend.mending = DD_MEND_LEAVE;
	step->mend.why = why;
}

/* Nothing is wrong any more. */
static void let_be(struct dd_step *step)
{
	leave(step, NULL);
	step->harmless = true;
}

/* ---- missing ---- */

int dd_repair_missing_link(struct dd_repair *repair, const struct dd_found *found,
			   struct dd_error *err)
{
	struct dd_place place;
	struct dd_digest says;
	struct dd_step *step;
	struct dd_info info;
	bool is_new = false;
	int rc = found->path ? dd_repair_place(repair, found->path, &place, err) : DD_EFORMAT;

	if (rc == DD_EFORMAT)
		return dd_repair_leave(repair, found, NULL, err);
	if (rc == 0)
		rc = dd_repair_step(repair, &place, found, &step, &is_new, err);
	if (rc < 0 || !is_new)
		return rc;
	rc = dd_store_stat(repair->store, &place, &info, NULL);
	if (rc == 0)
		let_be(step);
	else if (rc != DD_ENOENT)
		dd_repair_cannot_tell(step);
	else if (should_say(repair, &place, found, &says))
		write_link(step, &says);
	else
		leave(step, "no repository says which blob it stands for");
	return 0;
}

/* ---- not saying what it should ---- */

enum link_now { LINK_RIGHT, LINK_WRONG, LINK_GONE, LINK_UNREADABLE };

static enum link_now look(struct dd_repair *repair, struct dd_step *step,
			  const struct dd_digest *says)
{
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	struct dd_digest now;
	int rc = dd_store_read(repair->store, &step->mend.place, DD_LINK_MAX, &buffer, &step->there,
			       NULL);

	if (rc == DD_ENOENT)
		return LINK_GONE;
	if (rc == DD_ETOOBIG)
		rc = dd_store_stat(repair->store, &step->mend.place, &step->there, NULL);
	else if (rc == 0 && dd_digest_parse(&now, (const char *)buffer.bytes, buffer.len) == 0 &&
		 dd_digest_equal(&now, says))
		return LINK_RIGHT;
	return rc < 0 ? LINK_UNREADABLE : LINK_WRONG;
}

static bool is_needed(const struct dd_repair *repair, const struct dd_place *place)
{
	const struct dd_verify *verify = repair->verify;
	uint32_t index = dd_survey_repository_index(verify->survey, place->repository),
		 id = dd_repair_id(repair, &place->digest);
	const struct dd_repository *repo;
	const uint32_t *at = NULL;

	if (index == DD_NO_ID || id == DD_NO_ID)
		return false;
	repo = verify->survey->repositories.items[index];
	if (repo->layers.count)
		at = bsearch(&id, repo->layers.items, repo->layers.count, sizeof(id),
			     dd_ids_compare);
	return at && verify->layers[index][at - repo->layers.items] & DD_LAYER_NEEDED;
}

/* The tag whose history a place is an entry of. */
static const struct dd_tag *tag_of(const struct dd_repair *repair, const struct dd_place *place)
{
	const struct dd_survey *survey = repair->verify->survey;
	uint32_t index = dd_survey_repository_index(survey, place->repository);

	if (place->kind != DD_AT_HISTORY || index == DD_NO_ID)
		return NULL;
	return dd_repository_tag(survey->repositories.items[index], place->tag);
}

/* What a tag ever pointed to, if nothing else tells where it points: the last that is known of it. */
static bool is_evidence(struct dd_repair *repair, const struct dd_place *place)
{
	const struct dd_place current = { .kind = DD_AT_TAG,
					  .repository = place->repository,
					  .tag = place->tag };
	const struct dd_tag *tag = tag_of(repair, place);
	struct dd_step *step;
	bool is_new;

	if (!tag || tag->state == DD_LINK_GOOD)
		return false;
	return dd_repair_step(repair, &current, NULL, &step, &is_new, NULL) < 0 ||
	       step->mend.mending != DD_MEND_POINT_TAG;
}

/* No image needs it and its bytes are nowhere: of a tag's history, what the tag has left behind. */
static bool is_past(struct dd_repair *repair, const struct dd_place *place)
{
	const struct dd_tag *tag = tag_of(repair, place);

	return tag && tag->current != dd_repair_id(repair, &place->digest) &&
	       !is_evidence(repair, place);
}

/*
 * A link that says nothing, of a layer that no image needs and whose bytes are nowhere, would be one
 * that dangles. One to a manifest is written all the same: it is what keeps the manifest's layers.
 */
static bool is_worth_it(struct dd_repair *repair, const struct dd_place *place,
			const struct dd_digest *says)
{
	if (place->kind == DD_AT_LAYER ? is_needed(repair, place) : !is_past(repair, place))
		return true;
	return dd_repair_will_be_there(repair, says);
}

static void judge(struct dd_repair *repair, struct dd_step *step, const struct dd_found *found)
{
	struct dd_place place = step->mend.place;
	struct dd_digest says;

	if (!should_say(repair, &place, found, &says)) {
		leave(step, place.kind == DD_AT_TARSUM ?
				    "its path does not say which blob it stands for" :
				    "no repository says which blob it stands for");
		return;
	}
	switch (look(repair, step, &says)) {
	case LINK_RIGHT:
	case LINK_GONE:
		let_be(step);
		return;
	case LINK_UNREADABLE:
		leave(step, "it cannot be read: look at the disk first");
		return;
	case LINK_WRONG:
		break;
	}
	step->replaces = true;
	if (!is_worth_it(repair, &place, &says))
		dd_repair_withdraw(step, DD_REASON_DAMAGED, &step->there);
	else if (found->finding == DD_FOUND_LINK_OTHER && !dd_repair_will_be_there(repair, &says))
		leave(step, "what its path names is not there, and what it says may be meant");
	else
		write_link(step, &says);
}

int dd_repair_bad_link(struct dd_repair *repair, const struct dd_found *found, struct dd_error *err)
{
	struct dd_place place;
	struct dd_step *step;
	bool is_new = false;
	int rc = found->path ? dd_repair_place(repair, found->path, &place, err) : DD_EFORMAT;

	if (rc == DD_EFORMAT || (rc == 0 && place.beside))
		return dd_repair_leave(repair, found, NULL, err);
	if (rc == 0 && place.kind == DD_AT_TAG)
		return dd_repair_tag(repair, found, err);
	if (rc == 0)
		rc = dd_repair_step(repair, &place, found, &step, &is_new, err);
	if (rc == 0 && is_new)
		judge(repair, step, found);
	return rc;
}

int dd_repair_alias(struct dd_repair *repair, const struct dd_found *found, struct dd_error *err)
{
	return dd_repair_bad_link(repair, found, err);
}

/* ---- dangling ---- */

/*
 * A manifest that cannot be read may need it: then a link that dangles is what is left to say which
 * layers the image had. Findings come repository by repository, so the latest answer is kept.
 */
static bool may_be_needed(struct dd_repair *repair, const struct dd_place *place)
{
	const struct dd_verify *verify = repair->verify;
	uint32_t index = dd_survey_repository_index(verify->survey, place->repository);
	const struct dd_repository *repo;

	if (place->kind != DD_AT_LAYER || index == DD_NO_ID)
		return false;
	if (repair->asked && repair->asked_index == index)
		return repair->asked_needs;
	repo = verify->survey->repositories.items[index];
	repair->asked = true;
	repair->asked_index = index;
	repair->asked_needs = repo->doubts.count > 0;
	for (size_t i = 0; i < repo->revisions.count && !repair->asked_needs; i++)
		repair->asked_needs =
			repo->revisions.items[i].state != DD_LINK_ABSENT &&
			verify->graph->nodes.items[repo->revisions.items[i].id].manifest ==
				DD_NO_ID;
	return repair->asked_needs;
}

static int let_go(struct dd_repair *repair, const struct dd_place *place,
		  const struct dd_found *found, struct dd_error *err)
{
	struct dd_step *step;
	struct dd_info info;
	bool is_new = false;
	int rc = dd_repair_step(repair, place, found, &step, &is_new, err);

	if (rc < 0 || !is_new)
		return rc;
	rc = dd_store_stat(repair->store, place, &info, NULL);
	if (rc == 0 && !may_be_needed(repair, place) && !is_evidence(repair, place))
		dd_repair_withdraw(step, DD_REASON_LINK_DANGLING, &info);
	else if (rc == 0 || rc == DD_ENOENT)
		let_be(step);
	else
		dd_repair_cannot_tell(step);
	return 0;
}

int dd_repair_dangling_bytes(struct dd_repair *repair, const struct dd_found *found, bool *handled,
			     struct dd_error *err)
{
	struct dd_copy copy = { 0 };
	struct dd_digest stored;
	int rc = 0;

	*handled = false;
	if (!found->has_digest)
		return 0;
	dd_repair_stored_as(repair, &found->digest, &stored);
	if (!dd_repair_will_be_there(repair, &stored))
		rc = dd_repair_find_copy(repair, &stored, &copy, err);
	if (rc < 0 || copy.kind == DD_COPY_NONE)
		return rc;
	*handled = true;
	return dd_repair_blob(repair, found, err);
}

/* It may be needed by now, or its bytes come for somebody else. */
int dd_repair_dangling(struct dd_repair *repair, const struct dd_found *found, struct dd_error *err)
{
	struct dd_place place;
	struct dd_digest stored;
	int rc = found->path ? dd_repair_place(repair, found->path, &place, err) : DD_EFORMAT;

	if (rc < 0)
		return rc == DD_EFORMAT ? 0 : rc;
	dd_repair_stored_as(repair, &place.digest, &stored);
	if (place.kind == DD_AT_LAYER && is_needed(repair, &place))
		return 0;
	if (dd_repair_will_be_there(repair, &stored))
		return dd_repair_blob(repair, found, err);
	return let_go(repair, &place, found, err);
}
