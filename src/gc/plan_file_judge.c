/*
 * A plan of some time ago beside the candidates of today.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "gc/plan.h"
#include "gc/plan_file.h"

static const struct {
	const char *name, *text;
} lefts[] = {
#define X(constant, name, text) [constant] = { name, text },
	DD_LEFTS(X)
#undef X
};

const char *dd_left_name(enum dd_left_why why)
{
	return lefts[why].name;
}

const char *dd_left_text(enum dd_left_why why)
{
	return lefts[why].text;
}

void dd_plan_file_settle(struct dd_plan_file *file, struct dd_gc_options *options)
{
	options->delete_untagged = file->options.delete_untagged;
	options->leftovers = file->options.leftovers;
	options->allow_empty = file->options.allow_empty;
	options->grace_ns = file->options.grace_ns;
	options->uploads_older_ns = file->options.uploads_older_ns;
	options->accept_loss = file->losses.items;
	options->accept_loss_count = file->losses.count;
	options->plan = file;
}

const struct dd_plan_head *dd_plan_file_get_head(const struct dd_plan_file *file)
{
	return &file->head;
}

int dd_plan_file_check(const struct dd_plan_file *file, struct dd_store *store,
		       struct dd_error *err)
{
	uint64_t identity[2];
	int rc = dd_store_identify(store, identity, err);

	if (rc < 0 || !memcmp(identity, file->head.identity, sizeof(identity)))
		return rc;
	dd_fail(err, DD_EREFUSED, 0, "the plan is of another volume than %s: of %.400s",
		dd_store_get_root(store), file->head.volume);
	dd_hint(err, "one that was moved, copied or mounted anew is another: make a new plan");
	return DD_EREFUSED;
}

static int compare(const void *key, const void *element)
{
	return strcmp(key, ((const struct dd_planned *)element)->path);
}

static struct dd_planned *find(struct dd_plan_file *file, const char *path)
{
	return file->items.count ? bsearch(path, file->items.items, file->items.count,
					   sizeof(*file->items.items), compare) :
				   NULL;
}

int dd_plan_file_match(struct dd_plan_file *file, const struct dd_survey *survey,
		       struct dd_candidates *candidates, struct dd_error *err)
{
	/* A policy is judged until it settles: these candidates are not those of the last time. */
	for (size_t i = 0; i < file->items.count; i++) {
		file->items.items[i].candidate = DD_NO_CANDIDATE;
		file->items.items[i].changed = false;
	}
	for (uint32_t i = 0; i < candidates->list.count; i++) {
		struct dd_candidate *candidate = &candidates->list.items[i];
		DD_AUTOFREE char *path = NULL;
		struct dd_planned *planned;
		struct dd_place place;
		int rc;

		dd_candidate_place(survey, candidate, &place);
		rc = dd_layout_path(&place, &path, err);
		if (rc < 0)
			return rc;
		planned = find(file, path);
		if (planned) {
			planned->candidate = i;
			planned->changed = !dd_stamp_equal(&planned->stamp, &candidate->stamp);
		}
		if (candidate->state == DD_CANDIDATE_DEAD && (!planned || planned->changed))
			candidate->state = DD_CANDIDATE_UNPLANNED;
	}
	return 0;
}

/* ---- what stays of it ---- */

/* What is no candidate today is needed; unless it is not there, or another thing is in its place. */
static enum dd_left_why why_no_candidate(struct dd_store *store, const struct dd_planned *planned,
					 const struct dd_place *place)
{
	struct dd_info info;
	int rc = dd_store_stat(store, place, &info, NULL);

	if (rc == DD_ENOENT)
		return DD_LEFT_GONE;
	if (rc < 0)
		return DD_LEFT_UNREADABLE;
	return dd_stamp_equal(&planned->stamp, &info.stamp) ? DD_LEFT_NEEDED : DD_LEFT_CHANGED;
}

static enum dd_left_why why_left(struct dd_store *store, const struct dd_gc *gc,
				 const struct dd_planned *planned, const struct dd_place *place)
{
	if (planned->candidate == DD_NO_CANDIDATE)
		return why_no_candidate(store, planned, place);
	switch (gc->candidates.list.items[planned->candidate].state) {
	case DD_CANDIDATE_GONE:
		return DD_LEFT_GONE;
	case DD_CANDIDATE_UNREADABLE:
		return DD_LEFT_UNREADABLE;
	case DD_CANDIDATE_YOUNG:
		return DD_LEFT_YOUNG;
	case DD_CANDIDATE_DEAD:
		return DD_LEFT_HELD;
	default:
		return planned->changed ? DD_LEFT_CHANGED : DD_LEFT_NEEDED;
	}
}

static int leave(struct dd_store *store, struct dd_gc *gc, const struct dd_planned *planned,
		 struct dd_error *err)
{
	char **memory = dd_list_add(&gc->left_memory);
	struct dd_left *left = memory ? dd_list_add(&gc->left) : NULL;
	int rc;

	if (!left)
		return dd_fail(err, DD_ENOMEM, 0, "plan");
	rc = dd_layout_parse(planned->path, &left->place, memory, err);
	if (rc < 0)
		return rc;
	left->bytes = planned->bytes;
	left->why = why_left(store, gc, planned, &left->place);
	return 0;
}

int dd_gc_leave(struct dd_store *store, struct dd_gc *gc, struct dd_error *err)
{
	const struct dd_plan_file *file = gc->options.plan;
	bool everything = dd_mark_holds_everything(gc->candidates.mark);
	uint64_t named = 0; /* though not as it is */
	int rc = 0;

	for (size_t i = 0; i < file->items.count && rc == 0; i++) {
		const struct dd_planned *planned = &file->items.items[i];
		int state = planned->candidate == DD_NO_CANDIDATE ?
				    -1 :
				    gc->candidates.list.items[planned->candidate].state;

		if (state == DD_CANDIDATE_DEAD && !everything)
			continue;
		named += state == DD_CANDIDATE_UNPLANNED;
		rc = leave(store, gc, planned, err);
	}
	for (size_t i = 0; i < gc->candidates.list.count; i++)
		gc->plan.totals.unplanned_items +=
			gc->candidates.list.items[i].state == DD_CANDIDATE_UNPLANNED;
	gc->plan.totals.unplanned_items -= named;
	gc->plan.totals.stayed_items = gc->left.count;
	return rc;
}
