/*
 * Planning what comes back: what was chosen and all that it needs, in order.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "gc/restore.h"

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
	if (!options->choice_count)
		for (size_t i = 0; i < restore->run->put_count && rc == 0; i++)
			rc = dd_restore_take_put(restore, &restore->run->puts[i], DD_OUTCOME_TAKEN,
						 err);
	if (!options->choice_count)
		for (size_t i = 0; i < restore->run->overwritten_count && rc == 0; i++)
			rc = dd_restore_take_put(restore, &restore->run->overwritten[i],
						 DD_OUTCOME_CHANGED, err);
	if (!options->choice_count)
		for (size_t i = 0; i < restore->run->dress_count && rc == 0; i++)
			rc = dd_restore_take_dress(restore, &restore->run->dresses[i], err);
	return rc;
}

static int compare_steps(const void *a, const void *b)
{
	const struct dd_restored *one = a, *two = b;
	int order = dd_restore_turn(one) - dd_restore_turn(two);

	if (!order)
		order = (int)one->place.kind - (int)two->place.kind;
	if (!order && one->place.repository && two->place.repository)
		order = strcmp(one->place.repository, two->place.repository);
	return order ? order : dd_digest_compare(&one->place.digest, &two->place.digest);
}

int dd_restore_make(struct dd_restore *restore, const struct dd_restore_options *options,
		    struct dd_error *err)
{
	int rc = dd_trash_load(restore->ctx, restore->store, &restore->trash, err);

	if (rc == 0)
		rc = dd_trash_find(&restore->trash, options->run, &restore->run, err);
	if (rc == 0)
		rc = dd_trash_index(&restore->index, &restore->trash, err);
	if (rc == 0)
		rc = choose(restore, options, err);
	/* A repair is undone to the file: what its links need is where it was before. */
	if (rc == 0 && (options->choice_count || !restore->run->mended))
		rc = dd_restore_complete(restore, err);
	if (rc == 0)
		rc = dd_restore_settle(restore, err);
	if (rc < 0)
		return dd_wrap(err, rc, "restore %s", options->run);
	if (restore->items.count)
		qsort(restore->items.items, restore->items.count, sizeof(*restore->items.items),
		      compare_steps);
	restore->plan.run = restore->run->name;
	dd_restore_count(restore);
	return 0;
}

int dd_restore_plan(struct dd_context *ctx, struct dd_store *store,
		    const struct dd_restore_options *options, struct dd_restore **out,
		    struct dd_error *err)
{
	DD_CLEANUP(dd_restore_closep) struct dd_restore *restore = NULL;
	int rc = dd_restore_open(ctx, store, &restore, err);

	*out = NULL;
	if (rc == 0)
		rc = dd_restore_make(restore, options, err);
	if (rc < 0)
		return rc;
	*out = restore;
	restore = NULL;
	return 0;
}
