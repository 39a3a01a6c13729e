/*
 * From references to roots that count as gone.
 */
#include <fnmatch.h>
#include <string.h>

#include "base/cleanup.h"
#include "graph/removal.h"

struct choice {
	const struct dd_survey *survey;
	const struct dd_reference *reference;
	struct dd_removal *removal;
	struct dd_digest digest; /* the one that was meant, once it is known */
	bool found, has_digest;
};

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "tell what is to go");
}

static int name(struct choice *choice, uint32_t repository, uint32_t tag, uint32_t id,
		struct dd_error *err)
{
	struct dd_removed *slot = dd_list_add(&choice->removal->named);

	if (!slot)
		return no_memory(err);
	*slot = (struct dd_removed){ repository, tag, id };
	choice->found = true;
	return 0;
}

static int choose_tags(struct choice *choice, uint32_t index, struct dd_error *err)
{
	const struct dd_repository *repo = choice->survey->repositories.items[index];
	const char *pattern = choice->reference->tag;
	int rc = 0;

	for (uint32_t t = 0; t < repo->tags.count && rc == 0; t++) {
		const struct dd_tag *tag = &repo->tags.items[t];

		if (!dd_tag_is_empty(tag) && (!pattern[0] || !strcmp(pattern, tag->name) ||
					      fnmatch(pattern, tag->name, 0) == 0))
			rc = name(choice, index, t, DD_NO_ID, err);
	}
	return rc;
}

static bool is_meant(struct choice *choice, uint32_t id, struct dd_error *err, int *rc)
{
	const char *text = choice->reference->digest;
	char whole[DD_DIGEST_TEXT];
	struct dd_digest digest;

	dd_ids_get(&choice->survey->graph->ids, id, &digest);
	if (strncmp(dd_digest_format(&digest, whole), text, strlen(text)) != 0)
		return false;
	if (choice->has_digest && !dd_digest_equal(&choice->digest, &digest)) {
		*rc = dd_fail(err, DD_EAMBIGUOUS, 0, "'%s' could be %s or %s", text,
			      dd_digest_text(&choice->digest), dd_digest_text(&digest));
		return false;
	}
	choice->digest = digest;
	choice->has_digest = true;
	return true;
}

/* With the tags that point to it. */
static int choose_revision(struct choice *choice, uint32_t index, uint32_t id, struct dd_error *err)
{
	const struct dd_repository *repo = choice->survey->repositories.items[index];
	int rc = name(choice, index, DD_NO_ID, id, err);

	for (uint32_t t = 0; t < repo->tags.count && rc == 0; t++)
		if (repo->tags.items[t].current == id)
			rc = name(choice, index, t, DD_NO_ID, err);
	return rc;
}

static int choose_revisions(struct choice *choice, uint32_t index, struct dd_error *err)
{
	const struct dd_repository *repo = choice->survey->repositories.items[index];
	bool all = !choice->reference->digest[0];
	int rc = 0;

	for (size_t i = 0; i < repo->revisions.count && rc == 0; i++) {
		const struct dd_revision *revision = &repo->revisions.items[i];

		if (revision->state == DD_LINK_ABSENT)
			continue;
		if (all)
			rc = name(choice, index, DD_NO_ID, revision->id, err);
		else if (is_meant(choice, revision->id, err, &rc))
			rc = choose_revision(choice, index, revision->id, err);
	}
	return rc;
}

static int choose(struct choice *choice, struct dd_error *err)
{
	const struct dd_survey *survey = choice->survey;
	const struct dd_reference *reference = choice->reference;
	uint32_t *whole;
	int rc = 0;

	for (uint32_t i = 0; i < survey->repositories.count && rc == 0; i++) {
		const struct dd_repository *repo = survey->repositories.items[i];

		if (reference->repository[0] && strcmp(reference->repository, repo->name) != 0 &&
		    fnmatch(reference->repository, repo->name, FNM_PATHNAME) != 0)
			continue;
		if (!reference->digest[0])
			rc = choose_tags(choice, i, err);
		if (rc == 0 && !reference->tag[0])
			rc = choose_revisions(choice, i, err);
		if (rc < 0 || reference->digest[0] || reference->tag[0])
			continue;
		/* One that has nothing is there all the same. */
		choice->found = true;
		whole = dd_list_add(&choice->removal->whole);
		if (!whole)
			return no_memory(err);
		*whole = i;
	}
	if (rc == 0 && !choice->found) {
		rc = dd_fail(err, dd_survey_is_whole(survey) ? DD_ENOENT : DD_EIO, 0,
			     "nothing here is called %s%s%s%s%s", reference->repository,
			     reference->tag[0] ? ":" : "", reference->tag,
			     reference->repository[0] && reference->digest[0] ? "@" : "",
			     reference->digest);
		dd_hint(err,
			rc == DD_EIO ?
				"not every place could be looked at: drydock gc -v names them" :
				"'drydock ls' lists repositories, 'drydock ls REPO' their tags");
	}
	return rc;
}

/* ---- what goes with it ---- */

struct weaken {
	struct dd_removal *removal;
	uint32_t repository;
};

static int add_revision(void *arg, uint32_t id)
{
	struct weaken *weaken = arg;
	struct dd_removed *slot = dd_list_add(&weaken->removal->list);

	if (!slot)
		return DD_ENOMEM;
	*slot = (struct dd_removed){ weaken->repository, DD_NO_ID, id };
	return 1;
}

/* The named ones of a repository stand in a row. */
static int weaken_all(const struct dd_survey *survey, struct dd_removal *removal,
		      struct dd_error *err)
{
	DD_CLEANUP(dd_family_release) struct dd_family family = { 0 };
	struct weaken weaken = { .removal = removal, .repository = DD_NO_ID };
	int rc = dd_family_init(&family, survey->graph, err);

	for (size_t i = 0; i < removal->named.count && rc == 0; i++) {
		const struct dd_removed *named = &removal->named.items[i];
		const struct dd_repository *repo = survey->repositories.items[named->repository];
		uint32_t id = named->id;

		if (named->tag != DD_NO_ID) {
			struct dd_removed *slot = dd_list_add(&removal->list);

			if (!slot)
				return no_memory(err);
			*slot = *named;
			id = repo->tags.items[named->tag].current;
		}
		if (weaken.repository != named->repository)
			rc = dd_family_begin(&family, repo, err);
		weaken.repository = named->repository;
		if (rc == 0 && id != DD_NO_ID &&
		    dd_family_walk(&family, id, false, add_revision, &weaken) < 0)
			rc = no_memory(err);
	}
	return rc;
}

int dd_removal_choose(const struct dd_survey *survey, const struct dd_reference *references,
		      size_t count, struct dd_removal *removal, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		struct choice choice = { .survey = survey,
					 .reference = &references[i],
					 .removal = removal };

		rc = choose(&choice, err);
	}
	if (rc < 0)
		return rc;
	dd_removed_sort(removal->named.items, &removal->named.count);
	rc = weaken_all(survey, removal, err);
	dd_removed_sort(removal->list.items, &removal->list.count);
	return rc;
}

void dd_removal_release(struct dd_removal *removal)
{
	dd_list_release(&removal->list);
	dd_list_release(&removal->named);
	dd_list_release(&removal->whole);
}
