/*
 * Restoring: what was chosen and all that it needs, from the trash to where it was.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "gc/restore.h"

#define COMPARE_BYTES ((size_t)64 << 10)

static const struct {
	const char *name, *text;
	bool person;
} outcomes[] = {
#define X(constant, name, person, text) { name, text, person },
	DD_OUTCOMES(X)
#undef X
};

const char *dd_outcome_name(enum dd_outcome outcome)
{
	return outcomes[outcome].name;
}

const char *dd_outcome_text(enum dd_outcome outcome)
{
	return outcomes[outcome].text;
}

bool dd_outcome_needs_person(enum dd_outcome outcome)
{
	return outcomes[outcome].person;
}

/* ---- the plan ---- */

/*
 * Whether what a link names was gone already when it went. Where a damaged journal does not tell, a
 * layer link gets the benefit: one that dangles harms nothing, and the next collection takes it.
 */
static bool dangled(const struct dd_item *item)
{
	return item->reason == DD_REASON_LINK_DANGLING ||
	       (item->reason == DD_REASON_UNREFERENCED && item->place.kind == DD_AT_LAYER);
}

int dd_restore_take(struct dd_restore *restore, struct dd_object *object,
		    const struct dd_digest *needed_by, struct dd_error *err)
{
	struct dd_restored *item;

	if (object->taken)
		return 0;
	item = dd_list_add(&restore->items);
	if (!item)
		return dd_fail(err, DD_ENOMEM, 0, "plan what comes back");
	object->taken = true;
	item->place = object->item->place;
	item->bytes = object->item->bytes;
	item->outcome = DD_OUTCOME_BACK;
	item->dangled = dangled(object->item);
	item->needed = needed_by != NULL;
	if (needed_by)
		item->needed_by = *needed_by;
	return 0;
}

static int choose(struct dd_restore *restore, const struct dd_restore_options *options,
		  struct dd_error *err)
{
	struct dd_object *object =
		dd_trash_index_run(&restore->index, &restore->trash, restore->run);
	int rc = 0;

	for (size_t i = 0; i < options->choice_count && rc == 0; i++)
		rc = dd_restore_choose(restore, &options->choices[i], err);
	if (!options->choice_count)
		for (size_t i = 0; i < restore->run->count && rc == 0; i++)
			rc = dd_restore_take(restore, object + i, NULL, err);
	return rc;
}

/* What a crash in the middle leaves is whole: what is referred to comes before what refers. */
static int step_of(const struct dd_place *place)
{
	static const int steps[DD_PLACE_COUNT] = {
		[DD_AT_BLOB] = 0,      [DD_AT_LAYER] = 1,     [DD_AT_TARSUM] = 1,
		[DD_AT_REVISION] = 2,  [DD_AT_HISTORY] = 3,   [DD_AT_UPLOAD] = 4,
		[DD_AT_STARTEDAT] = 4, [DD_AT_SIGNATURE] = 1,
	};

	return place->beside ? 5 : steps[place->kind];
}

static int compare_steps(const void *a, const void *b)
{
	const struct dd_restored *one = a, *two = b;
	int order = step_of(&one->place) - step_of(&two->place);

	if (!order)
		order = (int)one->place.kind - (int)two->place.kind;
	if (!order && one->place.repository && two->place.repository)
		order = strcmp(one->place.repository, two->place.repository);
	return order ? order : dd_digest_compare(&one->place.digest, &two->place.digest);
}

static int same_bytes(struct dd_reader *one, struct dd_reader *two, uint64_t size, bool *same,
		      struct dd_error *err)
{
	DD_AUTOFREE char *bytes = malloc(2 * COMPARE_BYTES);
	char *others = bytes ? bytes + COMPARE_BYTES : NULL;

	*same = false;
	if (!bytes)
		return dd_fail(err, DD_ENOMEM, 0, "compare");
	while (size) {
		int64_t got = dd_reader_read(one, bytes, COMPARE_BYTES, err), more = 0;

		if (got < 0)
			return (int)got;
		if (!got)
			return 0;
		for (int64_t have = 0; have < got; have += more) {
			more = dd_reader_read(two, others, (size_t)(got - have), err);
			if (more < 0)
				return (int)more;
			if (!more || memcmp(bytes + have, others, (size_t)more) != 0)
				return 0;
		}
		size -= (uint64_t)got > size ? size : (uint64_t)got;
	}
	*same = true;
	return 0;
}

/* Whether what is in the volume has the bytes of what lies in the trash. */
static int compare(struct dd_restore *restore, const struct dd_place *trashed, bool *same,
		   struct dd_error *err)
{
	DD_CLEANUP(dd_reader_closep) struct dd_reader *there = NULL;
	DD_CLEANUP(dd_reader_closep) struct dd_reader *here = NULL;
	struct dd_place in_volume = *trashed;
	struct dd_info one = { 0 }, two = { 0 };
	int rc;

	in_volume.run = NULL;
	*same = false;
	rc = dd_store_open_reader(restore->store, &in_volume, &here, &one, err);
	if (rc == DD_EIRREGULAR || rc == DD_ESYMLINK)
		return 0;
	if (rc == 0)
		rc = dd_store_open_reader(restore->store, trashed, &there, &two, err);
	if (rc < 0 || one.size != two.size)
		return rc;
	return same_bytes(here, there, one.size, same, err);
}

/* What becomes of an item where something stands in its place already. */
static int judge(struct dd_restore *restore, struct dd_restored *item, struct dd_error *err)
{
	bool same;
	int rc = compare(restore, &item->place, &same, err);

	if (rc == 0)
		item->outcome = same ? DD_OUTCOME_SAME : DD_OUTCOME_DIFFERENT;
	return rc;
}

/* A link does not go back without what it names, unless that was gone before it. */
static int judge_link(struct dd_restore *restore, struct dd_restored *item, struct dd_error *err)
{
	bool nowhere;
	int rc = item->dangled ? 0 : dd_restore_is_bare(restore, &item->place, &nowhere, err);

	if (rc == 0 && !item->dangled && nowhere)
		item->outcome = DD_OUTCOME_BYTES_GONE;
	return rc;
}

static int settle(struct dd_restore *restore, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < restore->items.count && rc == 0; i++) {
		struct dd_restored *item = &restore->items.items[i];
		bool here;

		if (item->outcome != DD_OUTCOME_BACK)
			continue;
		rc = dd_context_check(restore->ctx, err);
		if (rc == 0)
			rc = dd_restore_is_here(restore, &item->place, &here, err);
		if (rc == 0 && here)
			rc = judge(restore, item, err);
		else if (rc == 0)
			rc = judge_link(restore, item, err);
	}
	return rc;
}

static void count(struct dd_restore *restore)
{
	struct dd_restore_plan *plan = &restore->plan;

	plan->items = restore->items.items;
	plan->count = restore->items.count;
	plan->back = plan->bytes = plan->unresolved = 0;
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->items[i].outcome == DD_OUTCOME_BACK) {
			plan->back++;
			plan->bytes += plan->items[i].bytes;
		}
		plan->unresolved += dd_outcome_needs_person(plan->items[i].outcome);
	}
}

static int plan(struct dd_restore *restore, const struct dd_restore_options *options,
		struct dd_error *err)
{
	int rc = dd_trash_load(restore->ctx, restore->store, &restore->trash, err);

	if (rc == 0)
		rc = dd_trash_find(&restore->trash, options->run, &restore->run, err);
	if (rc == 0)
		rc = dd_trash_index(&restore->index, &restore->trash, err);
	if (rc == 0)
		rc = choose(restore, options, err);
	if (rc == 0)
		rc = dd_restore_complete(restore, err);
	if (rc == 0)
		rc = settle(restore, err);
	if (rc < 0)
		return dd_wrap(err, rc, "restore %s", options->run);
	if (restore->items.count)
		qsort(restore->items.items, restore->items.count, sizeof(*restore->items.items),
		      compare_steps);
	restore->plan.run = restore->run->name;
	count(restore);
	return 0;
}

static int open_restore(struct dd_context *ctx, struct dd_store *store, struct dd_restore **out,
			struct dd_error *err)
{
	struct dd_restore *restore = calloc(1, sizeof(*restore));

	*out = restore;
	if (!restore)
		return dd_fail(err, DD_ENOMEM, 0, "restore");
	restore->ctx = ctx;
	restore->store = store;
	return dd_manifest_parser_open(&restore->parser, err);
}

int dd_restore_plan(struct dd_context *ctx, struct dd_store *store,
		    const struct dd_restore_options *options, struct dd_restore **out,
		    struct dd_error *err)
{
	DD_CLEANUP(dd_restore_closep) struct dd_restore *restore = NULL;
	int rc = open_restore(ctx, store, &restore, err);

	*out = NULL;
	if (rc == 0)
		rc = plan(restore, options, err);
	if (rc < 0)
		return rc;
	*out = restore;
	restore = NULL;
	return 0;
}

/* ---- carrying it out ---- */

static int bring_back(struct dd_restore *restore, struct dd_change *change,
		      struct dd_restored *item, struct dd_error *err)
{
	bool there = false;
	int rc = dd_change_revive(change, &item->place, true, &there, err);

	dd_progress_add(restore->ctx, 1);
	if (rc == DD_ENOENT) {
		item->outcome = DD_OUTCOME_VANISHED;
		return 0;
	}
	if (rc < 0)
		return rc;
	item->outcome = DD_OUTCOME_BACK;
	return there ? judge(restore, item, err) : 0;
}

static int bring_all_back(struct dd_restore *restore, struct dd_change *change,
			  struct dd_error *err)
{
	struct dd_restored *items = restore->items.items;
	size_t total = restore->items.count;
	int rc = 0;

	dd_progress_begin(restore->ctx, "putting back", restore->plan.back);
	for (size_t i = 0; i < total; i++)
		if (items[i].outcome == DD_OUTCOME_BACK)
			items[i].outcome = DD_OUTCOME_LEFT;
	for (size_t i = 0; i < total && rc == 0; i++) {
		if (i && step_of(&items[i].place) != step_of(&items[i - 1].place))
			rc = dd_change_sync(change, err);
		if (rc == 0)
			rc = dd_context_check(restore->ctx, err);
		if (rc == 0 && items[i].outcome == DD_OUTCOME_LEFT)
			rc = bring_back(restore, change, &items[i], err);
	}
	/* Also after an error: what came back until then stays. */
	if (rc < 0)
		dd_change_sync(change, NULL);
	else
		rc = dd_change_sync(change, err);
	dd_progress_end(restore->ctx);
	return rc;
}

/* Objects of a run that are in the volume again, by us or by a push. */
static size_t settled_of(const struct dd_restore *restore, const struct dd_run *run)
{
	size_t settled = 0;

	for (size_t i = 0; i < restore->items.count; i++) {
		const struct dd_restored *item = &restore->items.items[i];

		settled += item->place.run && !strcmp(item->place.run, run->name) &&
			   (item->outcome == DD_OUTCOME_BACK || item->outcome == DD_OUTCOME_SAME);
	}
	return settled;
}

/* A run in which nothing is left that the volume has not is no use to anybody. */
static int drop_empty_runs(struct dd_restore *restore, struct dd_change *change,
			   struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < restore->trash.count && rc == 0; i++) {
		const struct dd_run *run = &restore->trash.runs[i];
		size_t settled = settled_of(restore, run);

		if (run->state == DD_RUN_DAMAGED || settled != run->count ||
		    (!settled && run != restore->run))
			continue;
		rc = dd_change_empty(change, run->name, err);
		restore->plan.emptied_runs += rc == 0;
	}
	return rc;
}

/* Before the lock is taken, which would make our state in a volume that never had any. */
static int check_run(struct dd_context *ctx, struct dd_store *store, const char *name,
		     struct dd_error *err)
{
	DD_CLEANUP(dd_trash_release) struct dd_trash trash = { 0 };
	const struct dd_run *run;
	int rc = dd_trash_load(ctx, store, &trash, err);

	if (rc == 0)
		rc = dd_trash_find(&trash, name, &run, err);
	return rc < 0 ? dd_wrap(err, rc, "restore %s", name) : 0;
}

int dd_restore_apply(struct dd_context *ctx, struct dd_store *store,
		     const struct dd_restore_options *options, struct dd_restore **out,
		     struct dd_error *err)
{
	const struct dd_change_options change_options = { .command = options->command,
							  .lock_wait_ns = options->lock_wait_ns };
	DD_CLEANUP(dd_restore_closep) struct dd_restore *restore = NULL;
	DD_CLEANUP(dd_change_closep) struct dd_change *change = NULL;
	int rc = open_restore(ctx, store, &restore, err);

	*out = NULL;
	if (rc == 0)
		rc = check_run(ctx, store, options->run, err);
	if (rc == 0)
		rc = dd_change_begin(ctx, store, &change_options, &change, err);
	if (rc == 0)
		rc = plan(restore, options, err);
	if (rc < 0)
		return rc;
	restore->plan.applied = true;
	rc = bring_all_back(restore, change, err);
	if (rc == 0)
		rc = drop_empty_runs(restore, change, err);
	if (rc == 0)
		rc = dd_change_finish(change, false, err);
	count(restore);
	*out = restore;
	restore = NULL;
	return rc;
}

const struct dd_restore_plan *dd_restore_get_plan(const struct dd_restore *restore)
{
	return &restore->plan;
}

void dd_restore_close(struct dd_restore *restore)
{
	if (!restore)
		return;
	dd_restore_forget_asked(restore);
	dd_list_release(&restore->items);
	dd_list_release(&restore->visits);
	dd_manifest_parser_close(restore->parser);
	dd_buffer_release(&restore->buffer);
	dd_trash_index_release(&restore->index);
	dd_trash_release(&restore->trash);
	free(restore);
}

void dd_restore_closep(struct dd_restore **restore)
{
	dd_restore_close(*restore);
	*restore = NULL;
}
