/*
 * Choosing from a run: by repository, tag, digest.
 */
#include <string.h>

#include "gc/restore.h"

/* The digest as it was given, perhaps cut, perhaps without its algorithm. */
static bool begins(const struct dd_digest *digest, const char *given_text)
{
	char text[DD_DIGEST_TEXT];
	const char *from = dd_digest_format(digest, text);

	if (!strchr(given_text, ':'))
		from = strchr(text, ':') + 1;
	return !strncmp(from, given_text, strlen(given_text));
}

static bool has_digest(const struct dd_place *place)
{
	switch (place->kind) {
	case DD_AT_BLOB:
	case DD_AT_LAYER:
	case DD_AT_REVISION:
	case DD_AT_HISTORY:
	case DD_AT_TARSUM:
	case DD_AT_SIGNATURE:
	case DD_AT_STRAY:
		return !place->beside;
	default:
		return false;
	}
}

static bool in_repository(const struct dd_place *place, const char *repository)
{
	return place->kind != DD_AT_BLOB && place->repository &&
	       !strcmp(place->repository, repository);
}

/* What a tag points to now, or nothing. */
static bool current_of(struct dd_restore *restore, const struct dd_reference *choice,
		       struct dd_digest *digest)
{
	const struct dd_place tag = { .kind = DD_AT_TAG,
				      .repository = choice->repository,
				      .tag = choice->tag };

	return dd_restore_read_link(restore, &tag, digest, NULL) == 0;
}

static bool is_chosen(const struct dd_place *place, const struct dd_reference *choice,
		      const struct dd_digest *current)
{
	if (choice->repository[0] && !in_repository(place, choice->repository))
		return false;
	if (choice->tag[0])
		return ((place->kind == DD_AT_HISTORY || place->kind == DD_AT_TAG) &&
			!place->beside && !strcmp(place->tag, choice->tag)) ||
		       (current && has_digest(place) && dd_digest_equal(&place->digest, current));
	if (choice->digest[0])
		return has_digest(place) && begins(&place->digest, choice->digest);
	return true;
}

static int ambiguous(const struct dd_restore *restore, const struct dd_reference *choice,
		     const struct dd_digest *one, const struct dd_digest *two, struct dd_error *err)
{
	return dd_fail(err, DD_EAMBIGUOUS, 0,
		       "%s is the beginning of more than one digest in run %s: "
		       "%s, %s",
		       choice->digest, restore->run->name, dd_digest_text(one),
		       dd_digest_text(two));
}

static int nothing(const struct dd_restore *restore, const struct dd_reference *choice,
		   struct dd_error *err)
{
	bool repository = choice->repository[0], tag = choice->tag[0], digest = choice->digest[0];
	int rc = dd_fail(err, DD_ENOENT, 0, "run %s took nothing of %s%s%s%s%s", restore->run->name,
			 repository ? choice->repository : "", tag ? ":" : "",
			 tag ? choice->tag : "", repository && digest ? "@" : "",
			 digest ? choice->digest : "");

	dd_hint(err, "drydock trash show %s lists what it took", restore->run->name);
	return rc;
}

/* What a repair put there or dressed, by the same rules. */
static int choose_puts(struct dd_restore *restore, const struct dd_reference *choice,
		       const struct dd_digest *current, bool *any, struct dd_error *err)
{
	const struct dd_run *run = restore->run;
	int rc = 0;

	for (size_t i = 0; i < run->put_count && rc == 0; i++)
		if (is_chosen(&run->puts[i].place, choice, current)) {
			*any = true;
			rc = dd_restore_take_put(restore, &run->puts[i], DD_OUTCOME_TAKEN, err);
		}
	for (size_t i = 0; i < run->overwritten_count && rc == 0; i++)
		if (is_chosen(&run->overwritten[i].place, choice, current)) {
			*any = true;
			rc = dd_restore_take_put(restore, &run->overwritten[i], DD_OUTCOME_CHANGED,
						 err);
		}
	for (size_t i = 0; i < run->dress_count && rc == 0; i++)
		if (is_chosen(&run->dresses[i].place, choice, current)) {
			*any = true;
			rc = dd_restore_take_dress(restore, &run->dresses[i], err);
		}
	return rc;
}

int dd_restore_choose(struct dd_restore *restore, const struct dd_reference *choice,
		      struct dd_error *err)
{
	struct dd_object *object =
		dd_trash_index_run(&restore->index, &restore->trash, restore->run);
	const struct dd_digest *only = NULL;
	struct dd_digest current;
	bool has_current = choice->tag[0] && current_of(restore, choice, &current), any = false;
	int rc = 0;

	for (size_t i = 0; i < restore->run->count && rc == 0; i++, object++) {
		const struct dd_place *place = &object->item->place;

		if (!is_chosen(place, choice, has_current ? &current : NULL))
			continue;
		if (choice->digest[0] && only && !dd_digest_equal(only, &place->digest))
			return ambiguous(restore, choice, only, &place->digest, err);
		only = &place->digest;
		any = true;
		rc = dd_restore_take(restore, object, NULL, err);
	}
	if (rc == 0)
		rc = choose_puts(restore, choice, has_current ? &current : NULL, &any, err);
	return rc == 0 && !any ? nothing(restore, choice, err) : rc;
}
