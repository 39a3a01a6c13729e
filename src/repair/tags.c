/*
 * Tags: where one points whose own link does not tell. Its history remembers all that it ever pointed
 * to; which of them was the last is only said where that is beyond doubt.
 */
#include <stdio.h>
#include <string.h>

#include "repair/repair.h"

/*
 * Newer by less than this is no evidence: copying a volume gives all links of a tag the same times,
 * within moments.
 */
#define CLEARLY_NEWER (60 * DD_SECOND)

struct candidate {
	uint32_t id;
	int64_t written_ns;
};

struct tag {
	struct dd_repair *repair;
	uint32_t index;
	const struct dd_repository *repo;
	const struct dd_tag *tag;
	DD_LIST(struct candidate) candidates;
};

static bool find_tag(struct dd_repair *repair, const struct dd_place *place, struct tag *tag)
{
	const struct dd_survey *survey = repair->verify->survey;

	tag->repair = repair;
	tag->index = dd_survey_repository_index(survey, place->repository);
	if (tag->index == DD_NO_ID)
		return false;
	tag->repo = survey->repositories.items[tag->index];
	tag->tag = dd_repository_tag(tag->repo, place->tag);
	return tag->tag != NULL;
}

/* By its link, or by one that is about to be written. */
static bool has_revision(const struct tag *tag, uint32_t id, const struct dd_digest *digest)
{
	const struct dd_place place = { .kind = DD_AT_REVISION,
					.repository = tag->repo->name,
					.digest = *digest };
	const struct dd_revision *revision = dd_repository_revision(tag->repo, id);
	struct dd_step *step;
	bool is_new;

	return (revision && revision->state != DD_LINK_ABSENT) ||
	       (dd_repair_step(tag->repair, &place, NULL, &step, &is_new, NULL) == 0 &&
		step->mend.mending == DD_MEND_WRITE_LINK);
}

/* A manifest that this repository has, and whose bytes are good or will be. */
static bool is_usable(const struct tag *tag, uint32_t id)
{
	const struct dd_verify *verify = tag->repair->verify;
	struct dd_digest digest;

	dd_ids_get(&verify->graph->ids, id, &digest);
	if (!has_revision(tag, id, &digest))
		return false;
	if (verify->verdicts[id] == DD_BLOB_GOOD &&
	    verify->graph->nodes.items[id].manifest != DD_NO_ID)
		return true;
	return verify->verdicts[id] != DD_BLOB_GOOD &&
	       dd_repair_will_be_there(tag->repair, &digest);
}

static int gather(struct tag *tag, struct dd_error *err)
{
	for (uint32_t k = 0; k < tag->tag->history_count; k++) {
		uint32_t id = tag->repo->histories.items[tag->tag->history + k];
		struct dd_place place = { .kind = DD_AT_HISTORY,
					  .repository = tag->repo->name,
					  .tag = tag->tag->name };
		struct candidate *candidate;
		struct dd_info info;

		dd_ids_get(&tag->repair->verify->graph->ids, id, &place.digest);
		if (!is_usable(tag, id) ||
		    dd_store_stat(tag->repair->store, &place, &info, NULL) < 0)
			continue;
		candidate = dd_list_add(&tag->candidates);
		if (!candidate)
			return dd_fail(err, DD_ENOMEM, 0, "look through a tag's history");
		*candidate = (struct candidate){ id, info.mtime_ns };
	}
	return 0;
}

/* The one that is newest beyond doubt, or DD_NO_ID. */
static uint32_t newest(const struct tag *tag)
{
	const struct candidate *best = NULL;

	for (size_t i = 0; i < tag->candidates.count; i++)
		if (!best || tag->candidates.items[i].written_ns > best->written_ns)
			best = &tag->candidates.items[i];
	if (!best || best->written_ns > tag->repair->verify->now_ns)
		return DD_NO_ID;
	for (size_t i = 0; i < tag->candidates.count; i++)
		if (&tag->candidates.items[i] != best &&
		    best->written_ns - tag->candidates.items[i].written_ns < CLEARLY_NEWER)
			return DD_NO_ID;
	return best->id;
}

/* ---- what a person chose ---- */

static const struct dd_tag_choice *choice_of(const struct dd_repair *repair, const char *repository,
					     const char *name)
{
	for (size_t i = 0; i < repair->options.choice_count; i++) {
		const struct dd_tag_choice *choice = &repair->options.choices[i];

		if (!strcmp(choice->repository, repository) && !strcmp(choice->tag, name))
			return choice;
	}
	return NULL;
}

bool dd_repair_is_chosen(const struct dd_repair *repair, const struct dd_found *found)
{
	return choice_of(repair, found->repository, found->tag) != NULL;
}

static bool begins(const struct dd_digest *digest, const char *given)
{
	char text[DD_DIGEST_TEXT];
	const char *from = dd_digest_format(digest, text);

	if (!strchr(given, ':'))
		from = strchr(text, ':') + 1;
	return !strncmp(from, given, strlen(given));
}

static int find_chosen(const struct tag *tag, const struct dd_tag_choice *choice, uint32_t *id,
		       struct dd_error *err)
{
	*id = DD_NO_ID;
	for (size_t i = 0; i < tag->repo->revisions.count; i++) {
		uint32_t one = tag->repo->revisions.items[i].id;
		struct dd_digest digest;

		dd_ids_get(&tag->repair->verify->graph->ids, one, &digest);
		if (!begins(&digest, choice->digest) || !is_usable(tag, one))
			continue;
		if (*id != DD_NO_ID)
			return dd_fail(err, DD_EAMBIGUOUS, 0,
				       "%s is the beginning of more than one manifest of %s",
				       choice->digest, choice->repository);
		*id = one;
	}
	if (*id == DD_NO_ID)
		return dd_fail(
			err, DD_EUSAGE, 0,
			"%s:%s cannot be pointed to %s: %s has no such manifest that is whole",
			choice->repository, choice->tag, choice->digest, choice->repository);
	return 0;
}

static int refuse(const struct dd_tag_choice *choice, struct dd_error *err)
{
	return dd_fail(err, DD_EUSAGE, 0,
		       "nothing is wrong with the tag %s:%s: where it points is not for repair to "
		       "change",
		       choice->repository, choice->tag);
}

/* It names a manifest that is here: whatever verifying finds of that, the tag is in order. */
static bool is_in_order(struct dd_repair *repair, const struct dd_tag_choice *choice)
{
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	const struct dd_place link = { .kind = DD_AT_TAG,
				       .repository = choice->repository,
				       .tag = choice->tag };
	struct dd_place blob = { .kind = DD_AT_BLOB };
	struct dd_info info;
	const char *why;
	bool has = false;

	return dd_store_read(repair->store, &link, DD_LINK_MAX, &buffer, NULL, NULL) == 0 &&
	       dd_link_parse(buffer.bytes, buffer.len, &blob.digest, &has, &why) == DD_LINK_GOOD &&
	       dd_store_stat(repair->store, &blob, &info, NULL) == 0;
}

int dd_repair_look_at_choices(struct dd_repair *repair, struct dd_error *err)
{
	for (size_t i = 0; i < repair->options.choice_count; i++) {
		const struct dd_tag_choice *choice = &repair->options.choices[i];
		const struct dd_place place = { .kind = DD_IN_TAG,
						.repository = choice->repository,
						.tag = choice->tag };
		struct dd_info info;

		if (dd_store_stat(repair->store, &place, &info, NULL) == DD_ENOENT)
			return dd_fail(err, DD_EUSAGE, 0,
				       "%s has no tag %s that could be pointed anywhere",
				       choice->repository, choice->tag);
		if (is_in_order(repair, choice))
			return refuse(choice, err);
	}
	return 0;
}

int dd_repair_check_choices(struct dd_repair *repair, struct dd_error *err)
{
	for (size_t i = 0; i < repair->options.choice_count; i++) {
		const struct dd_tag_choice *choice = &repair->options.choices[i];
		bool found = false;

		for (size_t k = 0; k < repair->steps.count && !found; k++) {
			const struct dd_mend *mend = &repair->steps.items[k].mend;

			found = mend->place.kind == DD_AT_TAG &&
				!strcmp(mend->place.repository, choice->repository) &&
				!strcmp(mend->place.tag, choice->tag);
		}
		if (!found)
			return refuse(choice, err);
	}
	return 0;
}

/* ---- the step ---- */

static int offer(struct tag *tag, struct dd_step *step, struct dd_error *err)
{
	size_t count = tag->candidates.count;
	const char **offers = dd_arena_alloc(&tag->repair->strings, (count + 1) * sizeof(*offers));

	if (!offers)
		return dd_fail(err, DD_ENOMEM, 0, "list what a tag may point to");
	for (size_t i = 0; i < count; i++) {
		char text[DD_DIGEST_TEXT + 64], when[DD_UNIT_TEXT];
		struct dd_digest digest;

		dd_ids_get(&tag->repair->verify->graph->ids, tag->candidates.items[i].id, &digest);
		snprintf(text, sizeof(text), "%s, written %s", dd_digest_text(&digest),
			 dd_time_format_utc(tag->candidates.items[i].written_ns, when));
		offers[i] = dd_repair_keep(tag->repair, text);
		if (!offers[i])
			return dd_fail(err, DD_ENOMEM, 0, "list what a tag may point to");
	}
	step->mend.mending = DD_MEND_LEAVE;
	step->mend.offers = offers;
	step->mend.offer_count = count;
	step->mend.why = count ? "which one it pointed to cannot be told: --choose decides" :
				 "no manifest that it ever pointed to is here: push it again, or "
				 "--choose another one";
	return 0;
}

static void point_to(const struct tag *tag, struct dd_step *step, uint32_t id, const char *why)
{
	step->mend.mending = DD_MEND_POINT_TAG;
	step->mend.has_digest = true;
	dd_ids_get(&tag->repair->verify->graph->ids, id, &step->mend.digest);
	step->mend.why = why;
}

/* The history of a tag remembers all that it ever pointed to: what a person chose, too. */
static int remember(struct tag *tag, uint32_t id, const struct dd_found *found,
		    struct dd_error *err)
{
	struct dd_place place = { .kind = DD_AT_HISTORY,
				  .repository = tag->repo->name,
				  .tag = tag->tag->name };
	struct dd_step *step;
	struct dd_info info;
	bool is_new = false;
	int rc;

	dd_ids_get(&tag->repair->verify->graph->ids, id, &place.digest);
	if (dd_store_stat(tag->repair->store, &place, &info, NULL) != DD_ENOENT)
		return 0;
	rc = dd_repair_step(tag->repair, &place, found, &step, &is_new, err);
	if (rc == 0 && is_new) {
		step->mend.mending = DD_MEND_WRITE_LINK;
		step->mend.has_digest = true;
		step->mend.digest = place.digest;
		step->mend.findings = 0;
	}
	return rc;
}

/* What the link says now. White space around a digest leaves no doubt about what is meant. */
static bool read_current(const struct tag *tag, struct dd_step *step, uint32_t *id, int *rc)
{
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	struct dd_digest digest;
	bool has = false;
	const char *why;

	*id = DD_NO_ID;
	*rc = dd_store_read(tag->repair->store, &step->mend.place, DD_LINK_MAX, &buffer,
			    &step->there, NULL);
	step->replaces = *rc == 0;
	if (*rc == DD_ETOOBIG) {
		*rc = dd_store_stat(tag->repair->store, &step->mend.place, &step->there, NULL);
		step->replaces = *rc == 0;
		return false;
	}
	if (*rc < 0)
		return false;
	if (dd_link_parse(buffer.bytes, buffer.len, &digest, &has, &why) == DD_LINK_GOOD)
		return true;
	if (has)
		*id = dd_repair_id(tag->repair, &digest);
	return false;
}

static int decide(struct tag *tag, struct dd_step *step, uint32_t meant, uint32_t *to,
		  struct dd_error *err)
{
	const struct dd_tag_choice *choice =
		choice_of(tag->repair, tag->repo->name, tag->tag->name);
	int rc;

	*to = DD_NO_ID;
	if (choice) {
		rc = find_chosen(tag, choice, to, err);
		if (rc == 0)
			point_to(tag, step, *to, "as chosen");
		return rc;
	}
	if (meant != DD_NO_ID && is_usable(tag, meant)) {
		*to = meant;
		point_to(tag, step, meant, "it says so, with white space around");
		return 0;
	}
	rc = gather(tag, err);
	if (rc < 0)
		return rc;
	*to = newest(tag);
	if (*to == DD_NO_ID)
		return offer(tag, step, err);
	point_to(tag, step, *to,
		 tag->candidates.count == 1 ? "nothing else is left of its history" :
					      "the newest of its history");
	return 0;
}

static int mend_tag(struct dd_repair *repair, const struct dd_found *found, bool dangling,
		    struct dd_error *err)
{
	struct tag tag = { 0 };
	struct dd_place place;
	struct dd_step *step;
	uint32_t meant, to;
	bool is_new = false, good;
	int read, rc = found->path ? dd_repair_place(repair, found->path, &place, err) : DD_EFORMAT;

	if (rc == 0)
		rc = dd_repair_step(repair, &place, found, &step, &is_new, err);
	if (rc < 0 || !is_new)
		return rc == DD_EFORMAT ? dd_repair_leave(repair, found, NULL, err) : rc;
	step->mend.mending = DD_MEND_LEAVE;
	if (!find_tag(repair, &step->mend.place, &tag)) {
		step->harmless = true;
		return 0;
	}
	good = read_current(&tag, step, &meant, &read);
	if (good && !dangling) {
		step->harmless = true;
		return 0;
	}
	if (read < 0 && read != DD_ENOENT) {
		step->mend.why = "it cannot be read: look at the disk first";
		return 0;
	}
	rc = decide(&tag, step, meant, &to, err);
	if (rc == 0 && to != DD_NO_ID)
		rc = remember(&tag, to, found, err);
	dd_list_release(&tag.candidates);
	return rc;
}

int dd_repair_tag(struct dd_repair *repair, const struct dd_found *found, struct dd_error *err)
{
	return mend_tag(repair, found, false, err);
}

/* It says where it points: only a person may move it, if its manifest is nowhere to be had. */
int dd_repair_dangling_tag(struct dd_repair *repair, const struct dd_found *found,
			   struct dd_error *err)
{
	if (dd_repair_is_chosen(repair, found))
		return mend_tag(repair, found, true, err);
	return dd_repair_blob(repair, found, err);
}
