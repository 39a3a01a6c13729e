/*
 * The verdict: kept and by what, going and when, gone and since when.
 */
#include <stdlib.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "gc/judge.h"
#include "gc/why.h"
#include "graph/stored.h"

static const struct {
	const char *name, *text;
} roots[] = {
#define X(constant, name, text) [constant] = { name, text },
	DD_WHY_ROOTS(X)
#undef X
};

const char *dd_why_root_name(enum dd_why_root root)
{
	return roots[root].name;
}

const char *dd_why_root_text(enum dd_why_root root)
{
	return roots[root].text;
}

int dd_why_plan(struct dd_context *ctx, struct dd_store *store,
		const struct dd_why_options *options, struct dd_gc **gc, struct dd_error *err)
{
	const struct dd_gc_options rules = { .index = options->index,
					     .grace_ns = options->grace_ns,
					     .uploads_older_ns = DD_GC_UPLOADS,
					     .policy = options->policy,
					     .keep = options->keep,
					     .allow_empty = options->allow_empty };
	int rc = dd_gc_new(&rules, gc, err);

	return rc < 0 ? rc : dd_gc_make(ctx, store, *gc, err);
}

/* ---- what goes ---- */

static int add_going(struct dd_why *why, const struct dd_candidates *candidates, bool untagged,
		     struct dd_error *err)
{
	const struct dd_gc *gc = why->gc;
	bool held = dd_mark_holds_everything(gc->candidates.mark);

	for (size_t i = 0; i < candidates->list.count; i++) {
		const struct dd_candidate *candidate = &candidates->list.items[i];
		bool young = candidate->state == DD_CANDIDATE_YOUNG;
		struct dd_why_going *going;

		if (candidate->id != why->target || held ||
		    (candidate->state != DD_CANDIDATE_DEAD && !(young && untagged)) ||
		    (candidate->repository != DD_NO_ID && why->repository != DD_NO_ID &&
		     candidate->repository != why->repository))
			continue;
		going = dd_list_add(&why->going);
		if (!going)
			return dd_fail(err, DD_ENOMEM, 0, "tell what goes");
		going->untagged = untagged;
		if (young)
			going->until_ns = dd_time_after(candidate->latest_ns, gc->options.grace_ns);
		dd_candidate_place(gc->survey, candidate, &going->item.place);
		going->item.reason = candidate->reason;
		going->item.bytes = candidate->bytes;
		going->item.links = candidate->links;
		going->item.stamp = candidate->stamp;
	}
	return 0;
}

/* Whether only manifests without a tag lead to it, so that a collection with -m is another matter. */
static bool only_untagged(const struct dd_why *why)
{
	bool any = false;

	for (size_t i = 0; i < why->tops.count; i++) {
		uint32_t repository = why->tops.items[i].repository;

		if (repository != DD_NO_ID && why->repository != DD_NO_ID &&
		    repository != why->repository)
			continue;
		if (why->tops.items[i].root != DD_WHY_UNTAGGED)
			return false;
		any = true;
	}
	return any;
}

static int judge_untagged(struct dd_why *why, struct dd_error *err)
{
	const struct dd_gc *gc = why->gc;
	const struct dd_judge_options judge = { .delete_untagged = true,
						.now_ns = gc->now_ns,
						.grace_ns = gc->options.grace_ns,
						.uploads_older_ns = gc->options.uploads_older_ns,
						.removed = gc->removal.list.items,
						.removed_count = gc->removal.list.count,
						.by_policy = gc->options.policy };
	int rc = dd_gc_pin(gc, &why->untagged, err);

	if (rc == 0)
		rc = dd_judge(why->ctx, why->store, gc->survey, &judge, &why->untagged, err);

	return rc < 0 ? rc : add_going(why, &why->untagged, true, err);
}

/* ---- the answer ---- */

/* Whether its bytes are here, and how many. */
static int look(struct dd_why *why, struct dd_error *err)
{
	const struct dd_node *node = &why->gc->graph->nodes.items[why->target];
	struct dd_place place;
	struct dd_info info;
	int rc = dd_stored_stat_id(why->store, why->gc->graph, why->target, &place, &info, err);

	if (rc < 0 && rc != DD_ENOENT)
		return rc;
	why->answer.present = rc == 0;
	why->answer.bytes = rc == 0 ? info.size : node->size;
	why->answer.type = dd_why_type(why->gc->graph, why->target);
	dd_error_clear(err);
	return 0;
}

/* A child of an index that was never pushed: nobody misses it. */
static bool is_sparse(const struct dd_why *why)
{
	const struct dd_graph *graph = why->gc->graph;
	size_t count;

	if (why->answer.present || graph->nodes.items[why->target].flags & DD_NODE_LINKED)
		return false;
	dd_why_tops_of(why, why->target, &count);
	for (uint32_t i = why->first[why->target]; i < why->first[why->target + 1]; i++)
		if (why->edges[i].edge == DD_NO_ID ||
		    !(graph->edges.items[why->edges[i].edge] & DD_EDGE_MANIFEST))
			return false;
	return !count;
}

static const struct dd_tag_verdict *asked_verdict(const struct dd_why *why)
{
	const struct dd_survey *survey = why->gc->survey;
	const struct dd_repository *repo;
	const struct dd_retained *retained = NULL;
	const struct dd_tag *tag;

	if (!why->answer.tag || why->repository == DD_NO_ID)
		return NULL;
	repo = survey->repositories.items[why->repository];
	tag = dd_repository_tag(repo, why->answer.tag);
	if (tag)
		retained = dd_retain_find(why->gc, why->repository,
					  (uint32_t)(tag - repo->tags.items));
	return retained ? &retained->verdict : NULL;
}

static int answer(struct dd_why *why, size_t max, struct dd_error *err)
{
	struct dd_why_answer *made = &why->answer;
	bool kept = false;
	int rc = 0;

	made->unreadable = why->gc->survey->unreadable;
	made->state = DD_WHY_GONE;
	if (why->target == DD_NO_ID)
		return 0;
	kept = why->gc->graph->nodes.items[why->target].flags & DD_NODE_REACHED;
	rc = look(why, err);
	if (rc == 0)
		rc = dd_why_climb(why, err);
	if (rc == 0)
		rc = dd_why_find_tops(why, err);
	if (rc == 0)
		rc = dd_why_find_paths(why, max, err);
	if (rc == 0)
		rc = add_going(why, &why->gc->candidates, false, err);
	if (rc == 0 && !why->going.count && only_untagged(why))
		rc = judge_untagged(why, err);
	made->sparse = rc == 0 && is_sparse(why);
	made->paths = why->paths.items;
	made->path_count = why->paths.count;
	made->going = why->going.items;
	made->going_count = why->going.count;
	made->policy = why->gc->options.policy;
	made->verdict = asked_verdict(why);
	if (made->path_total || (kept && why->repository == DD_NO_ID))
		made->state = DD_WHY_KEPT;
	else if (made->going_count)
		made->state = DD_WHY_GOES;
	return rc;
}

int dd_why(struct dd_context *ctx, struct dd_store *store, const struct dd_reference *reference,
	   const struct dd_why_options *options, struct dd_why **out, struct dd_error *err)
{
	DD_CLEANUP(dd_why_closep) struct dd_why *why = calloc(1, sizeof(*why));
	int rc;

	*out = NULL;
	if (!why)
		return dd_fail(err, DD_ENOMEM, 0, "look for what keeps it");
	why->ctx = ctx;
	why->store = store;
	rc = dd_why_plan(ctx, store, options, &why->gc, err);
	if (rc == 0)
		rc = dd_why_choose(why, reference, err);
	if (rc == 0)
		rc = answer(why, options->paths_max, err);
	/* Some history names it, and that is all. */
	if (rc == 0 && why->answer.state == DD_WHY_GONE && !why->answer.gone_count &&
	    !why->answer.present)
		rc = dd_fail(err, DD_ENOENT, 0,
			     "%s is named here, but neither the volume nor its trash has its bytes",
			     dd_digest_text(&why->answer.digest));
	if (rc < 0)
		return rc;
	*out = why;
	why = NULL;
	return 0;
}

const struct dd_why_answer *dd_why_get(const struct dd_why *why)
{
	return &why->answer;
}

void dd_why_close(struct dd_why *why)
{
	if (!why)
		return;
	free(why->edges);
	free(why->first);
	free(why->above);
	free(why->counts);
	free(why->labels);
	free(why->labelled);
	dd_manifest_parser_closep(&why->parser);
	dd_buffer_release(&why->buffer);
	dd_candidates_release(&why->untagged);
	dd_list_release(&why->tops);
	dd_list_release(&why->paths);
	dd_list_release(&why->going);
	dd_list_release(&why->gone);
	dd_arena_release(&why->memory);
	dd_gc_close(why->gc);
	free(why);
}

void dd_why_closep(struct dd_why **why)
{
	dd_why_close(*why);
	*why = NULL;
}

enum dd_exit dd_why_exit(const struct dd_why_answer *answer)
{
	if (answer->unreadable ||
	    (answer->state == DD_WHY_KEPT && !answer->present && !answer->sparse))
		return DD_EXIT_ATTENTION;
	for (size_t i = 0; i < answer->path_count; i++)
		if (answer->paths[i].hold && !answer->paths[i].hold->acknowledged)
			return DD_EXIT_ATTENTION;
	return DD_EXIT_DONE;
}
