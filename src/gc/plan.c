/*
 * Planning: what goes, what holds, what is young, what comes back. Only reads.
 */
#include <stdlib.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "gc/judge.h"
#include "gc/objects.h"
#include "gc/plan.h"

static void count_seen(struct dd_gc *gc)
{
	struct dd_gc_totals *totals = &gc->plan.totals;
	const struct dd_survey *survey = gc->survey;

	totals->repositories = survey->repositories.count;
	for (size_t i = 0; i < survey->repositories.count; i++) {
		const struct dd_repository *repo = survey->repositories.items[i];

		for (size_t k = 0; k < repo->tags.count; k++)
			totals->tags += !dd_tag_is_empty(&repo->tags.items[k]);
		for (size_t k = 0; k < repo->revisions.count; k++)
			totals->manifests += repo->revisions.items[k].state != DD_LINK_ABSENT;
	}
	for (size_t i = 0; i < gc->graph->nodes.count; i++)
		totals->blobs += (gc->graph->nodes.items[i].flags & DD_NODE_PRESENT) != 0;
	totals->strange = survey->strange;
	totals->unreadable = survey->unreadable;
	totals->trash_bytes = dd_trash_view_bytes(&gc->trash);
}

/* Digests that a person names; one that was never seen can hold nothing. */
static int find_losses(struct dd_gc *gc, struct dd_error *err)
{
	for (size_t i = 0; i < gc->options.accept_loss_count; i++) {
		const struct dd_reference_pair *pair = &gc->options.accept_loss[i];
		uint32_t id = dd_ids_find(&gc->graph->ids, &pair->digest);
		struct dd_loss *loss;

		if (id == DD_NO_ID)
			continue;
		loss = dd_list_add(&gc->losses);
		if (!loss)
			return dd_fail(err, DD_ENOMEM, 0, "plan");
		*loss = (struct dd_loss){ pair->repository, id };
	}
	return 0;
}

/* Its status is not good, so it has to be said which. */
static int note_unreadable(struct dd_gc *gc, const struct dd_candidate *candidate,
			   struct dd_error *err)
{
	struct dd_place place;
	DD_AUTOFREE char *path = NULL;
	char **note;
	int rc;

	gc->plan.totals.unreadable++;
	if (gc->survey->unread.count >= DD_SURVEY_NOTES)
		return 0;
	dd_candidate_place(gc->survey, candidate, &place);
	rc = dd_layout_path(&place, &path, err);
	note = rc == 0 ? dd_list_add(&gc->survey->unread) : NULL;
	if (!note)
		return rc < 0 ? rc : dd_fail(err, DD_ENOMEM, 0, "plan");
	*note = path;
	path = NULL;
	return 0;
}

static int choose(struct dd_gc *gc, struct dd_error *err)
{
	bool everything = dd_mark_holds_everything(gc->candidates.mark);

	for (uint32_t i = 0; i < gc->candidates.list.count; i++) {
		const struct dd_candidate *candidate = &gc->candidates.list.items[i];
		uint32_t *slot = NULL;

		if (candidate->state == DD_CANDIDATE_UNREADABLE) {
			int rc = note_unreadable(gc, candidate, err);

			if (rc < 0)
				return rc;
		}
		gc->plan.totals.elsewhere_items += candidate->state == DD_CANDIDATE_ELSEWHERE;
		if (candidate->state == DD_CANDIDATE_YOUNG)
			slot = dd_list_add(&gc->young);
		else if (candidate->state == DD_CANDIDATE_DEAD && !everything)
			slot = dd_list_add(&gc->order);
		else
			continue;
		if (!slot)
			return dd_fail(err, DD_ENOMEM, 0, "plan");
		*slot = i;
	}
	dd_gc_order(gc);
	return 0;
}

static void add_up(struct dd_gc *gc)
{
	struct dd_gc_totals *totals = &gc->plan.totals;

	totals->items = gc->order.count;
	for (size_t i = 0; i < gc->order.count; i++) {
		const struct dd_candidate *candidate =
			&gc->candidates.list.items[gc->order.items[i]];

		*(candidate->links > 1 ? &totals->shared_bytes : &totals->bytes) +=
			candidate->bytes;
		totals->named_young_items +=
			candidate->named &&
			candidate->latest_ns > gc->now_ns - gc->options.grace_ns;
	}
	totals->young_items = gc->young.count;
	for (size_t i = 0; i < gc->young.count; i++) {
		const struct dd_candidate *candidate =
			&gc->candidates.list.items[gc->young.items[i]];
		int64_t until = dd_time_after(candidate->latest_ns, gc->options.grace_ns);

		totals->young_bytes += candidate->bytes;
		if (!totals->young_until_ns || until < totals->young_until_ns)
			totals->young_until_ns = until;
	}
	totals->sparse = dd_mark_sparse(gc->candidates.mark);
}

/* A repository that has manifests now and would have none. */
static int find_emptied(struct dd_gc *gc, struct dd_error *err)
{
	DD_AUTOFREE uint32_t *going = calloc(gc->survey->repositories.count + 1, sizeof(*going));

	if (!going)
		return dd_fail(err, DD_ENOMEM, 0, "plan");
	for (size_t i = 0; i < gc->order.count; i++) {
		const struct dd_candidate *candidate =
			&gc->candidates.list.items[gc->order.items[i]];

		if (candidate->kind == DD_AT_REVISION && candidate->id != DD_NO_ID)
			going[candidate->repository]++;
	}
	for (size_t i = 0; i < gc->survey->repositories.count; i++) {
		const struct dd_repository *repo = gc->survey->repositories.items[i];
		const char **name;
		uint32_t have = 0;

		for (size_t k = 0; k < repo->revisions.count && going[i]; k++)
			have += repo->revisions.items[k].state != DD_LINK_ABSENT;
		if (!going[i] || have != going[i])
			continue;
		name = dd_list_add(&gc->emptied);
		if (!name)
			return dd_fail(err, DD_ENOMEM, 0, "plan");
		*name = repo->name;
	}
	gc->plan.totals.emptied_repositories = gc->emptied.count;
	return 0;
}

static void publish(struct dd_gc *gc)
{
	struct dd_gc_plan *plan = &gc->plan;

	plan->item_count = gc->order.count;
	plan->young_count = gc->young.count;
	plan->holds = gc->holds.items;
	plan->hold_count = gc->holds.count;
	plan->revivals = gc->revivals.list.items;
	plan->revival_count = gc->revivals.list.count;
	plan->retention = gc->options.policy ? &gc->retain.report : NULL;
	plan->emptied = gc->emptied.items;
	plan->emptied_count = gc->emptied.count;
	plan->left = gc->left.items;
	plan->left_count = gc->left.count;
	plan->refusals = gc->refusals.items;
	plan->refusal_count = gc->refusals.count;
	plan->strange = (const char *const *)gc->survey->notes.items;
	plan->strange_count = gc->survey->notes.count;
	plan->unread = (const char *const *)gc->survey->unread.items;
	plan->unread_count = gc->survey->unread.count;
}

static int survey_and_judge(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
			    struct dd_error *err)
{
	const struct dd_survey_options look = { .leftovers = gc->options.leftovers,
						.index = gc->options.index,
						.in_trash = dd_trash_view_has,
						.arg = &gc->trash };
	struct dd_judge_options judge = { .delete_untagged = gc->options.delete_untagged,
					  .allow_empty = gc->options.allow_empty,
					  .beside = !gc->options.leftovers,
					  .now_ns = gc->now_ns,
					  .grace_ns = gc->options.grace_ns,
					  .uploads_older_ns = gc->options.uploads_older_ns,
					  .temps_older_ns = gc->temps_older_ns,
					  .plan = gc->options.plan };
	int rc = dd_graph_open(&gc->graph, err);

	if (rc == 0)
		rc = dd_survey_open(ctx, store, gc->graph, &look, &gc->survey, err);
	if (rc < 0)
		return rc;
	count_seen(gc);
	rc = find_losses(gc, err);
	if (rc == 0 && gc->options.keep)
		rc = dd_gc_find_pins(gc, err);
	if (rc == 0)
		rc = dd_gc_pin(gc, &gc->candidates, err);
	judge.losses = gc->losses.items;
	judge.loss_count = gc->losses.count;
	if (rc == 0)
		rc = dd_judge(ctx, store, gc->survey, &judge, &gc->candidates, err);
	if (rc == 0 && dd_gc_is_removal(&gc->options))
		rc = dd_gc_judge_removal(ctx, store, gc, &judge, err);
	else if (rc == 0 && gc->options.policy)
		rc = dd_gc_judge_policy(ctx, store, gc, &judge, err);
	return rc;
}

int dd_gc_make(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
	       struct dd_error *err)
{
	int rc = dd_gc_refuse(ctx, store, &gc->options, err);

	gc->now_ns = dd_time_now();
	if (rc == 0)
		rc = dd_records_load(store, &gc->records, err);
	if (rc == 0)
		rc = dd_trash_view_open(ctx, store, &gc->trash, err);
	if (rc == 0)
		rc = survey_and_judge(ctx, store, gc, err);
	if (rc == 0)
		rc = dd_gc_gather_holds(gc, err);
	if (rc == 0)
		rc = choose(gc, err);
	if (rc == 0 && gc->options.plan)
		rc = dd_gc_leave(store, gc, err);
	if (rc == 0)
		rc = find_emptied(gc, err);
	if (rc == 0 && dd_gc_is_removal(&gc->options))
		rc = dd_gc_refuse_objects(gc, err);
	if (rc == 0)
		rc = dd_revivals_find(&gc->trash, gc->survey, gc->candidates.mark, &gc->revivals,
				      err);
	if (rc < 0)
		return rc;
	add_up(gc);
	publish(gc);
	dd_gc_brake(gc);
	return dd_gc_expect_trash(ctx, store, gc, err);
}

int dd_gc_new(const struct dd_gc_options *options, struct dd_gc **gc, struct dd_error *err)
{
	*gc = calloc(1, sizeof(**gc));
	if (!*gc)
		return dd_fail(err, DD_ENOMEM, 0, "plan");
	(*gc)->options = *options;
	return 0;
}

int dd_gc_plan(struct dd_context *ctx, struct dd_store *store, const struct dd_gc_options *options,
	       struct dd_gc **out, struct dd_error *err)
{
	DD_CLEANUP(dd_gc_closep) struct dd_gc *gc = NULL;
	int rc = dd_gc_new(options, &gc, err);

	*out = NULL;
	if (rc == 0)
		rc = dd_gc_make(ctx, store, gc, err);
	if (rc == 0 && !dd_gc_is_removal(options) && !options->plan)
		rc = dd_gc_estimate(ctx, store, gc, err);
	if (rc < 0)
		return rc;
	*out = gc;
	gc = NULL;
	return 0;
}

const struct dd_gc_plan *dd_gc_get_plan(const struct dd_gc *gc)
{
	return &gc->plan;
}

void dd_gc_candidate_item(const struct dd_gc *gc, uint32_t index, struct dd_item *item)
{
	const struct dd_candidate *candidate = &gc->candidates.list.items[index];

	dd_candidate_place(gc->survey, candidate, &item->place);
	item->reason = candidate->reason;
	item->bytes = candidate->bytes;
	item->links = candidate->links;
	item->stamp = candidate->stamp;
}

/* Most who ask for one ask for them all, in order. */
void dd_gc_get_item(const struct dd_gc *gc, size_t at, struct dd_item *item)
{
	dd_gc_prefetch(gc, at + DD_IDS_AHEAD);
	dd_gc_candidate_item(gc, gc->order.items[at], item);
}

void dd_gc_get_young(const struct dd_gc *gc, size_t at, struct dd_young *young)
{
	const struct dd_candidate *candidate = &gc->candidates.list.items[gc->young.items[at]];

	dd_candidate_place(gc->survey, candidate, &young->place);
	young->bytes = candidate->bytes;
	young->until_ns = dd_time_after(candidate->latest_ns, gc->options.grace_ns);
}

void dd_gc_close(struct dd_gc *gc)
{
	if (!gc)
		return;
	for (size_t i = 0; i < gc->left_memory.count; i++)
		free(gc->left_memory.items[i]);
	dd_list_release(&gc->left_memory);
	dd_list_release(&gc->left);
	dd_list_release(&gc->expiring.list);
	dd_list_release(&gc->revivals.list);
	dd_list_release(&gc->emptied);
	dd_list_release(&gc->objects);
	dd_list_release(&gc->refusals);
	dd_list_release(&gc->holds);
	dd_arena_release(&gc->details);
	dd_list_release(&gc->young);
	dd_list_release(&gc->order);
	dd_list_release(&gc->losses);
	dd_removal_release(&gc->removal);
	dd_retain_release(&gc->retain);
	dd_candidates_release(&gc->candidates);
	dd_records_release(&gc->records);
	dd_trash_view_release(&gc->trash);
	dd_survey_closep(&gc->survey);
	dd_graph_closep(&gc->graph);
	free(gc);
}

void dd_gc_closep(struct dd_gc **gc)
{
	dd_gc_close(*gc);
	*gc = NULL;
}

enum dd_exit dd_gc_plan_exit(const struct dd_gc_plan *plan)
{
	return dd_gc_plan_doubt(plan) || plan->totals.unreadable || plan->brake ||
			       plan->refusal_count || plan->unrecorded ?
		       DD_EXIT_ATTENTION :
		       DD_EXIT_DONE;
}
