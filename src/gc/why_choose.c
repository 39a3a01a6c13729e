/*
 * From a reference to what is asked for: among all digests that the volume or its trash knows.
 */
#include <string.h>

#include "gc/why.h"

/* Whether a digest begins as a person wrote it. */
static bool begins(const struct dd_digest *digest, const char *text)
{
	char whole[DD_DIGEST_TEXT];

	return !strncmp(dd_digest_format(digest, whole), text, strlen(text));
}

static bool names_digest(const struct dd_place *place)
{
	return !place->beside && (place->kind == DD_AT_BLOB || place->kind == DD_AT_LAYER ||
				  place->kind == DD_AT_REVISION || place->kind == DD_AT_HISTORY);
}

struct search {
	struct dd_why *why;
	const struct dd_reference *reference;
	bool found;
};

static int offer(struct search *search, const struct dd_digest *digest, struct dd_error *err)
{
	struct dd_why_answer *answer = &search->why->answer;

	if (!begins(digest, search->reference->digest))
		return 0;
	if (search->found && !dd_digest_equal(digest, &answer->digest))
		return dd_fail(err, DD_EAMBIGUOUS, 0, "'%s' could be %s or %s",
			       search->reference->digest, dd_digest_text(&answer->digest),
			       dd_digest_text(digest));
	answer->digest = *digest;
	answer->has_digest = search->found = true;
	return 0;
}

static int offer_id(struct search *search, uint32_t id, struct dd_error *err)
{
	struct dd_digest digest;

	dd_ids_get(&search->why->gc->graph->ids, id, &digest);
	return offer(search, &digest, err);
}

static int search_repository(struct search *search, const struct dd_repository *repo,
			     struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < repo->layers.count && rc == 0; i++)
		rc = offer_id(search, repo->layers.items[i], err);
	for (size_t i = 0; i < repo->revisions.count && rc == 0; i++)
		rc = offer_id(search, repo->revisions.items[i].id, err);
	for (size_t i = 0; i < repo->histories.count && rc == 0; i++)
		rc = offer_id(search, repo->histories.items[i], err);
	for (size_t i = 0; i < repo->tags.count && rc == 0; i++)
		if (repo->tags.items[i].current != DD_NO_ID)
			rc = offer_id(search, repo->tags.items[i].current, err);
	return rc;
}

/* What lies in the trash of it: by digest, or by tag where the tag itself is gone. */
static bool is_about(const struct dd_why *why, const struct dd_place *place)
{
	const struct dd_why_answer *answer = &why->answer;

	if (answer->repository && place->kind != DD_AT_BLOB &&
	    (!place->repository || strcmp(place->repository, answer->repository) != 0))
		return false;
	if (answer->has_digest)
		return names_digest(place) && dd_digest_equal(&place->digest, &answer->digest);
	return place->tag && !strcmp(place->tag, answer->tag);
}

static int search_trash(struct search *search, struct dd_error *err)
{
	const struct dd_trash *trash = &search->why->gc->trash.trash;
	const char *repository = search->why->answer.repository;
	int rc = 0;

	for (size_t r = 0; r < trash->count; r++)
		for (size_t i = 0; i < trash->runs[r].count && rc == 0; i++) {
			const struct dd_place *place = &trash->runs[r].items[i].place;

			if (names_digest(place) &&
			    (!repository ||
			     (place->repository && !strcmp(place->repository, repository))))
				rc = offer(search, &place->digest, err);
		}
	return rc;
}

static int gather_gone(struct dd_why *why, struct dd_error *err)
{
	const struct dd_trash *trash = &why->gc->trash.trash;
	bool of_repository = false;

	for (size_t r = trash->count; r > 0; r--)
		for (size_t i = 0; i < trash->runs[r - 1].count; i++) {
			const struct dd_item *item = &trash->runs[r - 1].items[i];
			struct dd_why_gone *gone;

			if (!is_about(why, &item->place))
				continue;
			gone = dd_list_add(&why->gone);
			if (!gone)
				return dd_fail(err, DD_ENOMEM, 0, "look into the trash");
			*gone = (struct dd_why_gone){ &trash->runs[r - 1], item };
			of_repository |= item->place.kind != DD_AT_BLOB;
		}
	/* A blob alone went from nobody's repository. */
	if (why->answer.repository && !of_repository)
		why->gone.count = 0;
	why->answer.gone = why->gone.items;
	why->answer.gone_count = why->gone.count;
	return 0;
}

static int choose_digest(struct dd_why *why, const struct dd_reference *reference,
			 struct dd_error *err)
{
	const struct dd_survey *survey = why->gc->survey;
	struct search search = { .why = why, .reference = reference };
	int rc = 0;

	if (why->repository != DD_NO_ID)
		rc = search_repository(&search, survey->repositories.items[why->repository], err);
	for (uint32_t id = 0; id < why->gc->graph->nodes.count && rc == 0; id++)
		if (!reference->repository[0])
			rc = offer_id(&search, id, err);
	return rc < 0 ? rc : search_trash(&search, err);
}

static void choose_tag(struct dd_why *why, const char *name)
{
	const struct dd_survey *survey = why->gc->survey;
	const struct dd_tag *tag = NULL;

	if (why->repository != DD_NO_ID)
		tag = dd_repository_tag(survey->repositories.items[why->repository], name);
	why->answer.tag = name;
	if (!tag || tag->current == DD_NO_ID)
		return;
	dd_ids_get(&why->gc->graph->ids, tag->current, &why->answer.digest);
	why->answer.has_digest = true;
}

static int never_here(const struct dd_why *why, const struct dd_reference *reference,
		      struct dd_error *err)
{
	bool repository = reference->repository[0], whole = dd_survey_is_whole(why->gc->survey);
	int rc = dd_fail(err, whole ? DD_ENOENT : DD_EIO, 0,
			 "%s%s%s was never here, as far as the volume and its trash tell",
			 reference->repository, repository ? reference->tag[0] ? ":" : "@" : "",
			 reference->tag[0] ? reference->tag : reference->digest);

	if (!whole)
		dd_hint(err, "not every place could be looked at: drydock gc -v names them");
	else if (repository)
		dd_hint(err, "'drydock ls %s' lists its tags", reference->repository);
	else
		dd_hint(err, "trash that was emptied is not remembered");
	return rc;
}

int dd_why_choose(struct dd_why *why, const struct dd_reference *reference, struct dd_error *err)
{
	int rc = 0;

	why->target = why->repository = DD_NO_ID;
	if (reference->repository[0]) {
		why->answer.repository = dd_arena_copy(&why->memory, reference->repository,
						       strlen(reference->repository));
		if (!why->answer.repository)
			return dd_fail(err, DD_ENOMEM, 0, "look for it");
		why->repository =
			dd_survey_repository_index(why->gc->survey, reference->repository);
	}
	if (reference->tag[0]) {
		const char *tag =
			dd_arena_copy(&why->memory, reference->tag, strlen(reference->tag));

		if (!tag)
			return dd_fail(err, DD_ENOMEM, 0, "look for it");
		choose_tag(why, tag);
	} else {
		rc = choose_digest(why, reference, err);
	}
	if (rc == 0 && (why->answer.has_digest || why->answer.tag))
		rc = gather_gone(why, err);
	if (rc < 0)
		return rc;
	if (!why->answer.has_digest && !why->gone.count)
		return never_here(why, reference, err);
	if (why->answer.has_digest)
		why->target = dd_ids_find(&why->gc->graph->ids, &why->answer.digest);
	return 0;
}
