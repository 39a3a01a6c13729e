/*
 * Steps: one for each place, found again by it, and in the end in the order in which they are done.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "repair/repair.h"

/* ---- names ---- */

const char *dd_repair_keep(struct dd_repair *repair, const char *text)
{
	return dd_arena_copy(&repair->strings, text, strlen(text));
}

int dd_repair_place(struct dd_repair *repair, const char *path, struct dd_place *place,
		    struct dd_error *err)
{
	DD_AUTOFREE char *memory = NULL;
	const char **texts[] = { &place->repository, &place->tag, &place->upload, &place->name,
				 &place->beside };
	int rc = dd_layout_parse(path, place, &memory, err);

	for (size_t i = 0; i < DD_COUNT(texts) && rc == 0; i++) {
		if (!*texts[i])
			continue;
		*texts[i] = dd_repair_keep(repair, *texts[i]);
		if (!*texts[i])
			rc = dd_fail(err, DD_ENOMEM, 0, "plan a repair");
	}
	return rc;
}

/* ---- steps ---- */

struct known {
	const char *path;
	size_t step;
};

static int compare_known(const void *left, const void *right)
{
	return strcmp(((const struct known *)left)->path, ((const struct known *)right)->path);
}

/* ---- the images that suffer ---- */

void dd_repair_set_found(struct dd_mend *mend, const struct dd_found *found)
{
	mend->found = found;
	mend->findings = !found->foreseen;
	mend->images = found->images;
	mend->image_count = found->image_count;
	mend->image_total = found->image_total;
}

static int add_all(struct dd_step *step, const char *const *images, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char **slot = dd_list_add(&step->images);

		if (!slot)
			return DD_ENOMEM;
		*slot = images[i];
	}
	return 0;
}

/* A further finding that the step mends: mostly that of another repository, whose images are others. */
static int add_images(struct dd_step *step, const struct dd_found *found, struct dd_error *err)
{
	struct dd_mend *mend = &step->mend;
	int rc = 0;

	if (!found->image_count || found == mend->found)
		return 0;
	if (!step->images.count)
		rc = add_all(step, mend->images, mend->image_count);
	if (rc == 0)
		rc = add_all(step, found->images, found->image_count);
	mend->image_total += found->image_total;
	return rc < 0 ? dd_fail(err, rc, 0, "plan a repair") : 0;
}

static int compare_images(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

int dd_repair_settle_images(struct dd_repair *repair, struct dd_step *step, struct dd_error *err)
{
	const char **all = step->images.items, **kept = NULL;
	size_t count = step->images.count, unique = 0;
	struct dd_mend *mend = &step->mend;

	if (!count)
		return 0;
	qsort(all, count, sizeof(*all), compare_images);
	for (size_t i = 0; i < count; i++)
		if (!i || strcmp(all[i], all[unique - 1]) != 0)
			all[unique++] = all[i];
	/* What stands in several lists, and was cut off from all, is counted several times. */
	mend->image_total -= count - unique;
	mend->image_count = unique < DD_VERIFY_IMAGES ? unique : DD_VERIFY_IMAGES;
	kept = dd_arena_alloc(&repair->strings, mend->image_count * sizeof(*kept));
	if (kept)
		memcpy(kept, all, mend->image_count * sizeof(*kept));
	else
		mend->image_count = 0;
	mend->images = kept;
	dd_list_release(&step->images);
	return kept ? 0 : dd_fail(err, DD_ENOMEM, 0, "plan a repair");
}

/* ---- one for each place ---- */

static struct dd_step *add_step(struct dd_repair *repair, const struct dd_found *found)
{
	struct dd_step *step = dd_list_add(&repair->steps);

	if (!step)
		return NULL;
	step->mend.mending = DD_MEND_LEAVE;
	dd_repair_set_found(&step->mend, found);
	step->mend.place.kind = DD_PLACE_COUNT;
	step->mend.path = found->path;
	return step;
}

/* The strings of the place are kept, by way of its path. */
static int add_known(struct dd_repair *repair, const char *path, const struct dd_found *found,
		     struct dd_step **out, struct dd_error *err)
{
	struct known *known = malloc(sizeof(*known)), **slot;
	struct dd_step *step;
	int rc;

	if (!known)
		return dd_fail(err, DD_ENOMEM, 0, "plan a repair");
	*known = (struct known){ dd_repair_keep(repair, path), repair->steps.count };
	slot = known->path ? tsearch(known, &repair->places, compare_known) : NULL;
	if (!slot) {
		free(known);
		return dd_fail(err, DD_ENOMEM, 0, "plan a repair");
	}
	step = add_step(repair, found);
	if (!step)
		return dd_fail(err, DD_ENOMEM, 0, "plan a repair");
	step->mend.path = known->path;
	rc = dd_repair_place(repair, path, &step->mend.place, err);
	*out = step;
	return rc;
}

int dd_repair_step(struct dd_repair *repair, const struct dd_place *place,
		   const struct dd_found *found, struct dd_step **step, bool *is_new,
		   struct dd_error *err)
{
	DD_AUTOFREE char *path = NULL;
	struct known key, **slot;
	int rc = dd_layout_path(place, &path, err);

	*is_new = false;
	if (rc < 0)
		return rc;
	key.path = path;
	slot = tfind(&key, &repair->places, compare_known);
	if (slot) {
		*step = &repair->steps.items[(*slot)->step];
		(*step)->mend.findings += found && !found->foreseen;
		(*step)->missed |= found && found->foreseen &&
				   dd_finding_severity(found->finding) == DD_SEVERITY_ERROR;
		return found ? add_images(*step, found, err) : 0;
	}
	if (!found)
		return DD_ENOENT;
	*is_new = true;
	return add_known(repair, path, found, step, err);
}

int dd_repair_leave_as(struct dd_repair *repair, const struct dd_mend *mend, struct dd_error *err)
{
	struct dd_step *step = add_step(repair, mend->found);

	if (!step)
		return dd_fail(err, DD_ENOMEM, 0, "plan a repair");
	step->mend = *mend;
	return 0;
}

int dd_repair_leave(struct dd_repair *repair, const struct dd_found *found, const char *why,
		    struct dd_error *err)
{
	struct dd_step *step = add_step(repair, found);

	if (!step)
		return dd_fail(err, DD_ENOMEM, 0, "plan a repair");
	step->mend.why = why;
	return 0;
}

void dd_repair_cannot_tell(struct dd_step *step)
{
	step->mend.mending = DD_MEND_LEAVE;
	step->mend.outcome = DD_MENDED_FAILED;
	step->mend.why = "it cannot be looked at";
	step->harmless = false;
}

void dd_repair_withdraw(struct dd_step *step, enum dd_reason reason, const struct dd_info *info)
{
	step->mend.mending = DD_MEND_WITHDRAW;
	step->mend.reason = reason;
	step->mend.bytes = info->size;
	step->there = *info;
}

/* ---- the order ---- */

static int rank_of_link(const struct dd_place *place)
{
	switch (place->kind) {
	case DD_AT_LAYER:
	case DD_AT_SIGNATURE:
		return 1;
	case DD_AT_REVISION:
		return 2;
	case DD_AT_HISTORY:
		return 3;
	default:
		return 4;
	}
}

static int rank_of_withdrawal(const struct dd_place *place)
{
	return place->kind == DD_AT_BLOB || place->kind == DD_AT_STRAY			      ? 6 :
	       place->beside || place->kind == DD_AT_UPLOAD || place->kind == DD_AT_STARTEDAT ? 7 :
												5;
}

/* What is referred to before what refers; what goes, the other way round. */
int dd_repair_rank(const struct dd_step *step)
{
	switch (step->mend.mending) {
	case DD_MEND_PUT_BLOB:
	case DD_MEND_MOVE_BLOB:
		return 0;
	case DD_MEND_WRITE_LINK:
	case DD_MEND_REWRITE_LINK:
	case DD_MEND_POINT_TAG:
		return rank_of_link(&step->mend.place);
	case DD_MEND_WITHDRAW:
		return rank_of_withdrawal(&step->mend.place);
	case DD_MEND_SET_OWNER:
		return 8;
	default:
		return 9;
	}
}

static int compare_steps(const void *left, const void *right)
{
	const struct dd_step *a = left, *b = right;
	int order = dd_repair_rank(a) - dd_repair_rank(b);

	if (!order)
		order = (int)a->mend.found->finding - (int)b->mend.found->finding;
	if (!order && a->mend.path && b->mend.path)
		order = strcmp(a->mend.path, b->mend.path);
	return order;
}

int dd_repair_put_in_order(struct dd_repair *repair, struct dd_error *err)
{
	size_t kept = 0;
	int rc = 0;

	tdestroy(repair->places, free);
	repair->places = NULL;
	for (size_t i = 0; i < repair->steps.count; i++) {
		struct dd_step *step = &repair->steps.items[i];
		int settled = dd_repair_settle_images(repair, step, rc < 0 ? NULL : err);

		rc = rc < 0 ? rc : settled;
		if (!step->harmless)
			repair->steps.items[kept++] = *step;
	}
	repair->steps.count = kept;
	if (kept)
		qsort(repair->steps.items, kept, sizeof(*repair->steps.items), compare_steps);
	return rc;
}
