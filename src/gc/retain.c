/*
 * Verdicts for the tags of a volume, by the policy and by what the volume is like; then the judgement
 * of a collection without the tags that go, until both agree.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "gc/judge.h"
#include "gc/plan.h"

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "judge by the policy");
}

void dd_retain_release(struct dd_retain *retain)
{
	dd_list_release(&retain->tags);
	dd_list_release(&retain->pins);
	dd_list_release(&retain->referrers);
	dd_list_release(&retain->spared);
	free(retain->about);
	free(retain->counts);
	free(retain->listed);
	dd_pulls_release(&retain->pulls);
}

/* ---- times ---- */

static int64_t pulled_digest(const struct dd_gc *gc, const char *repository, uint32_t id,
			     unsigned depth)
{
	const struct dd_graph *graph = gc->graph;
	const struct dd_manifest_node *node;
	char text[DD_DIGEST_TEXT];
	struct dd_digest digest;
	int64_t latest;

	dd_ids_get(&graph->ids, id, &digest);
	latest = dd_pulls_find(&gc->retain.pulls, repository, dd_digest_format(&digest, text));
	if (graph->nodes.items[id].manifest == DD_NO_ID || !depth)
		return latest;
	node = &graph->manifests.items[graph->nodes.items[id].manifest];
	for (uint32_t i = 0; i < node->count; i++) {
		uint32_t edge = graph->edges.items[node->first + i];
		int64_t pulled =
			edge & DD_EDGE_MANIFEST ?
				pulled_digest(gc, repository, DD_EDGE_ID(edge), depth - 1) :
				0;

		if (pulled > latest)
			latest = pulled;
	}
	return latest;
}

/* By its name, by the digest that it points to, or by one of an index's. */
static int64_t last_pulled(const struct dd_gc *gc, const struct dd_repository *repo,
			   const struct dd_tag *tag)
{
	int64_t by_name, by_digest = 0;

	if (!gc->retain.pulls.count)
		return 0;
	by_name = dd_pulls_find(&gc->retain.pulls, repo->name, tag->name);
	if (tag->current != DD_NO_ID)
		by_digest = pulled_digest(gc, repo->name, tag->current, RETAIN_NESTED);
	return by_name > by_digest ? by_name : by_digest;
}

/* ---- verdicts ---- */

static bool is_dangling(const struct dd_gc *gc, const struct dd_tag *tag)
{
	return tag->current == DD_NO_ID ||
	       gc->graph->nodes.items[tag->current].flags & DD_NODE_MISSING;
}

static uint32_t find_subject(const struct dd_gc *gc, const struct dd_repository *repo,
			     const char *tag)
{
	const struct dd_revision *revision;
	struct dd_digest subject;
	uint32_t id;

	if (!dd_tag_subject(tag, &subject))
		return DD_NO_ID;
	id = dd_ids_find(&gc->graph->ids, &subject);
	revision = id == DD_NO_ID ? NULL : dd_repository_revision(repo, id);
	return revision && revision->state != DD_LINK_ABSENT ? id : DD_NO_ID;
}

/* What the rules cannot know. */
static void overrule(const struct dd_gc *gc, const struct dd_repository *repo,
		     struct dd_retained *retained)
{
	const struct dd_tag *tag = &repo->tags.items[retained->tag];
	enum dd_tag_verdict_reason *reason = &retained->verdict.reason;

	if (!dd_tag_verdict_goes(*reason))
		return;
	if (retained->listed)
		*reason = DD_VERDICT_LISTED;
	else if (dd_mark_is_held(gc->candidates.mark, retained->repository) ||
		 dd_mark_holds_everything(gc->candidates.mark))
		*reason = DD_VERDICT_HELD;
	else if (tag->state != DD_LINK_GOOD || tag->current == DD_NO_ID)
		*reason = DD_VERDICT_UNSEEN;
	else if (tag->moved_ns > gc->now_ns - gc->options.grace_ns)
		*reason = DD_VERDICT_YOUNG;
}

static int judge_repository(struct dd_context *ctx, struct dd_gc *gc, uint32_t index,
			    struct dd_error *err)
{
	const struct dd_repository *repo = gc->survey->repositories.items[index];
	struct dd_retain *retain = &gc->retain;
	const struct dd_policy_times times = { gc->now_ns, retain->pulls.from_ns,
					       retain->pulls.to_ns };
	DD_AUTOFREE struct dd_policy_tag *tags = calloc(repo->tags.count + 1, sizeof(*tags));
	DD_AUTOFREE struct dd_tag_verdict *verdicts =
		calloc(repo->tags.count + 1, sizeof(*verdicts));
	size_t count = 0, first = retain->tags.count;
	int rc = 0;

	if (!tags || !verdicts)
		return no_memory(err);
	for (uint32_t i = 0; i < repo->tags.count; i++) {
		const struct dd_tag *tag = &repo->tags.items[i];
		struct dd_retained *retained;

		if (dd_tag_is_empty(tag))
			continue;
		retained = dd_list_add(&retain->tags);
		if (!retained)
			return no_memory(err);
		*retained =
			(struct dd_retained){ .repository = index,
					      .tag = i,
					      .pushed_ns = tag->moved_ns,
					      .pulled_ns = last_pulled(gc, repo, tag),
					      .subject = find_subject(gc, repo, tag->name),
					      .listed = dd_retain_is_listed(gc, repo, tag),
					      .verdict = { DD_VERDICT_NO_RULE, DD_NO_RULE, NULL } };
		tags[count++] = (struct dd_policy_tag){ tag->name, tag->moved_ns,
							retained->pulled_ns, is_dangling(gc, tag) };
	}
	if (!repo->valid)
		return 0;
	rc = dd_policy_judge(ctx, gc->options.policy, repo->name, tags, count, &times, verdicts,
			     retain->counts, err);
	if (rc == 0)
		rc = dd_policy_about(gc->options.policy, repo->name, &retain->about[index], err);
	for (size_t i = 0; i < count && rc == 0; i++) {
		retain->tags.items[first + i].verdict = verdicts[i];
		overrule(gc, repo, &retain->tags.items[first + i]);
	}
	return rc;
}

int dd_retain_judge(struct dd_context *ctx, struct dd_gc *gc, struct dd_error *err)
{
	struct dd_retain *retain = &gc->retain;
	int rc = 0;

	retain->about = calloc(gc->survey->repositories.count + 1, sizeof(*retain->about));
	retain->counts = calloc(dd_policy_count(gc->options.policy), sizeof(*retain->counts));
	if (!retain->about || !retain->counts)
		return no_memory(err);
	for (uint32_t i = 0; i < gc->survey->repositories.count && rc == 0; i++)
		rc = judge_repository(ctx, gc, i, err);
	return rc;
}

/* ---- repositories that would lose their last tag ---- */

static int spare_last(struct dd_gc *gc, struct dd_error *err)
{
	struct dd_retain *retain = &gc->retain;
	struct dd_retained *tags = retain->tags.items;

	for (size_t first = 0, end; first < retain->tags.count; first = end) {
		size_t going = 0, all = 0;
		const char **name;

		for (end = first;
		     end < retain->tags.count && tags[end].repository == tags[first].repository;
		     end++) {
			going += tags[end].verdict.reason == DD_VERDICT_GOES;
			all += tags[end].verdict.reason != DD_VERDICT_COMPANION &&
			       tags[end].verdict.reason != DD_VERDICT_FOLLOWS;
		}
		if (!going || going != all)
			continue;
		name = dd_list_add(&retain->spared);
		if (!name)
			return no_memory(err);
		*name = gc->survey->repositories.items[tags[first].repository]->name;
		for (size_t i = first; i < end && !gc->options.allow_empty; i++)
			if (tags[i].verdict.reason == DD_VERDICT_GOES)
				tags[i].verdict.reason = DD_VERDICT_LAST;
	}
	return 0;
}

/* ---- both agree ---- */

static int compare_retained(const void *left, const void *right)
{
	const struct dd_retained *a = left, *b = right;

	if (a->repository != b->repository)
		return a->repository < b->repository ? -1 : 1;
	return a->tag != b->tag ? (a->tag < b->tag ? -1 : 1) : 0;
}

const struct dd_retained *dd_retain_find(const struct dd_gc *gc, uint32_t repository, uint32_t tag)
{
	const struct dd_retained key = { .repository = repository, .tag = tag };

	return gc->retain.tags.count ? bsearch(&key, gc->retain.tags.items, gc->retain.tags.count,
					       sizeof(key), compare_retained) :
				       NULL;
}

/* A tag goes whole, with its past, or not at all. */
static bool spare_unfit(struct dd_gc *gc)
{
	bool any = false;

	for (size_t i = 0; i < gc->candidates.list.count; i++) {
		const struct dd_candidate *candidate = &gc->candidates.list.items[i];
		struct dd_retained *tag;

		if (!candidate->named || candidate->state == DD_CANDIDATE_DEAD ||
		    candidate->state == DD_CANDIDATE_GONE)
			continue;
		tag = (struct dd_retained *)dd_retain_find(gc, candidate->repository,
							   candidate->tag);
		if (!tag || !dd_tag_verdict_goes(tag->verdict.reason))
			continue;
		tag->verdict.reason = candidate->state == DD_CANDIDATE_YOUNG ? DD_VERDICT_YOUNG :
									       DD_VERDICT_UNSEEN;
		any = true;
	}
	return any;
}

/* Each round takes fewer tags, or more of those that are about what goes: it ends. */
static int settle(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
		  struct dd_judge_options *judge, struct dd_error *err)
{
	bool more = true;
	int rc = 0;

	while (rc == 0 && more) {
		dd_candidates_release(&gc->candidates);
		gc->candidates = (struct dd_candidates){ 0 };
		rc = dd_retain_remove(gc, err);
		if (rc == 0)
			rc = dd_gc_pin(gc, &gc->candidates, err);
		judge->removed = gc->removal.list.items;
		judge->removed_count = gc->removal.list.count;
		if (rc == 0)
			rc = dd_judge(ctx, store, gc->survey, judge, &gc->candidates, err);
		more = rc == 0 && spare_unfit(gc);
		if (rc == 0 && !more)
			rc = dd_retain_follow(gc, gc->candidates.mark, &more, err);
	}
	return rc;
}

static bool wants_to_fit(const struct dd_policy *policy)
{
	for (size_t i = 0; i < dd_policy_count(policy); i++)
		if (dd_policy_get_rule(policy, i)->fit_bytes)
			return true;
	return dd_policy_fit(policy) != 0;
}

static void report(struct dd_gc *gc)
{
	struct dd_gc_retention *made = &gc->retain.report;

	made->tag_count = gc->retain.tags.count;
	for (size_t i = 0; i < gc->retain.tags.count; i++)
		made->going += dd_tag_verdict_goes(gc->retain.tags.items[i].verdict.reason);
	made->rules = gc->retain.counts;
	made->spared = gc->retain.spared.items;
	made->spared_count = gc->retain.spared.count;
	made->fit_bytes = dd_policy_fit(gc->options.policy);
	made->pulls_from_ns = gc->retain.pulls.from_ns;
	made->pulls_to_ns = gc->retain.pulls.to_ns;
}

int dd_gc_judge_policy(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
		       struct dd_judge_options *judge, struct dd_error *err)
{
	int rc = dd_pulls_load(store, &gc->retain.pulls, err);

	if (rc == 0)
		rc = dd_retain_judge(ctx, gc, err);
	judge->by_policy = true;
	if (rc == 0 && wants_to_fit(gc->options.policy)) {
		rc = settle(ctx, store, gc, judge, err);
		if (rc == 0)
			rc = dd_retain_fit(ctx, store, gc, err);
	}
	if (rc == 0)
		rc = spare_last(gc, err);
	if (rc == 0)
		rc = settle(ctx, store, gc, judge, err);
	report(gc);
	return rc;
}

void dd_gc_get_tag(const struct dd_gc *gc, size_t at, struct dd_gc_tag *tag)
{
	const struct dd_retained *retained = &gc->retain.tags.items[at];
	const struct dd_repository *repo = gc->survey->repositories.items[retained->repository];
	uint32_t current = repo->tags.items[retained->tag].current;

	*tag = (struct dd_gc_tag){ .repository = repo->name,
				   .tag = repo->tags.items[retained->tag].name,
				   .has_digest = current != DD_NO_ID,
				   .pushed_ns = retained->pushed_ns,
				   .pulled_ns = retained->pulled_ns,
				   .verdict = retained->verdict };
	if (tag->has_digest)
		dd_ids_get(&gc->graph->ids, current, &tag->digest);
}
