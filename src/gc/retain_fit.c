/*
 * Making it fit: of what no rule keeps, what was pulled or pushed longest ago goes first, and no more
 * of it than is needed. How much is left is what a mark without it reaches, by the sizes of the files:
 * so a shared layer counts once, and goes with the last that has it. The more goes the less is left,
 * so that how many have to go is found by halving.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "gc/plan.h"

#define LOOKS 4096 /* between two looks whether to stop */

struct fit {
	struct dd_context *ctx;
	struct dd_store *store;
	struct dd_gc *gc;
	uint64_t *sizes; /* by id: of what is there */
	bool *lasting;	 /* by id: its going frees nothing */
	size_t count;
	uint32_t *order; /* tags that may go, the first one first */
	size_t order_count;
	bool *chosen; /* by tag: goes */
	bool *only;   /* by repository; NULL: the volume */
};

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "tell what has to go");
}

static struct dd_retained *tag_at(const struct fit *fit, size_t at)
{
	return &fit->gc->retain.tags.items[at];
}

/* ---- how much there is ---- */

static int find_sizes(struct fit *fit, struct dd_error *err)
{
	const struct dd_graph *graph = fit->gc->graph;
	int rc = 0;

	fit->count = graph->nodes.count;
	fit->sizes = calloc(fit->count + 1, sizeof(*fit->sizes));
	fit->lasting = calloc(fit->count + 1, sizeof(*fit->lasting));
	if (!fit->sizes || !fit->lasting)
		return no_memory(err);
	for (uint32_t id = 0; id < fit->count && rc == 0; id++) {
		struct dd_place place = { .kind = DD_AT_BLOB };
		struct dd_info info;

		if (id % LOOKS == 0)
			rc = dd_context_check(fit->ctx, err);
		if (!(graph->nodes.items[id].flags & DD_NODE_PRESENT))
			continue;
		dd_ids_get(&graph->ids, id, &place.digest);
		if (dd_store_stat(fit->store, &place, &info, NULL) < 0)
			continue;
		fit->sizes[id] = info.size;
		fit->lasting[id] = info.links > 1;
	}
	return rc;
}

static uint64_t add_up(const struct fit *fit)
{
	uint64_t bytes = 0;

	for (size_t id = 0; id < fit->count; id++)
		if (fit->gc->graph->nodes.items[id].flags & DD_NODE_REACHED ||
		    (!fit->only && fit->lasting[id]))
			bytes += fit->sizes[id];
	return bytes;
}

/* ---- without the chosen ones ---- */

static void set_verdicts(struct fit *fit)
{
	for (size_t i = 0; i < fit->gc->retain.tags.count; i++) {
		enum dd_tag_verdict_reason *reason = &tag_at(fit, i)->verdict.reason;

		if (*reason == DD_VERDICT_GOES || *reason == DD_VERDICT_FITS)
			*reason = fit->chosen[i] ? DD_VERDICT_GOES : DD_VERDICT_FITS;
		else if (*reason == DD_VERDICT_FOLLOWS)
			*reason = DD_VERDICT_COMPANION;
	}
}

/* A mark with what the verdicts leave, and with what was young when all of them went. */
static int mark_rest(struct fit *fit, struct dd_mark **mark, struct dd_error *err)
{
	struct dd_gc *gc = fit->gc;
	bool more = true;
	int rc = 0;

	set_verdicts(fit);
	while (rc == 0 && more) {
		struct dd_mark_options options = { .delete_untagged = gc->options.delete_untagged,
						   .allow_empty = gc->options.allow_empty,
						   .losses = gc->losses.items,
						   .loss_count = gc->losses.count,
						   .young = gc->candidates.young.items,
						   .young_count = gc->candidates.young.count,
						   .only = fit->only };

		dd_mark_closep(mark);
		rc = dd_retain_remove(gc, err);
		options.removed = gc->removal.list.items;
		options.removed_count = gc->removal.list.count;
		if (rc == 0)
			rc = dd_mark_open(fit->ctx, gc->survey, &options, mark, err);
		if (rc == 0)
			rc = dd_retain_follow(gc, *mark, &more, err);
	}
	return rc;
}

static int measure(struct fit *fit, size_t going, uint64_t *bytes, struct dd_error *err)
{
	DD_CLEANUP(dd_mark_closep) struct dd_mark *mark = NULL;
	int rc;

	for (size_t i = 0; i < fit->order_count; i++)
		fit->chosen[fit->order[i]] = i < going;
	rc = mark_rest(fit, &mark, err);
	*bytes = rc == 0 ? add_up(fit) : 0;
	return rc;
}

/* ---- who has to go ---- */

static int64_t last_use(const struct dd_retained *tag)
{
	return tag->pulled_ns > tag->pushed_ns ? tag->pulled_ns : tag->pushed_ns;
}

static int compare_use(const void *left, const void *right, void *arg)
{
	const struct dd_retained *tags = arg;
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	int64_t a_use = last_use(&tags[a]), b_use = last_use(&tags[b]);

	return a_use != b_use ? (a_use < b_use ? -1 : 1) : a < b ? -1 : a > b;
}

/* One that points to what stays anyway frees nothing, and need not go. */
static int give_back(struct fit *fit, size_t going, struct dd_error *err)
{
	DD_CLEANUP(dd_mark_closep) struct dd_mark *mark = NULL;
	int rc = mark_rest(fit, &mark, err);

	for (size_t i = 0; i < going && rc == 0; i++) {
		const struct dd_retained *tag = tag_at(fit, fit->order[i]);
		const struct dd_repository *repo =
			fit->gc->survey->repositories.items[tag->repository];
		uint32_t current = repo->tags.items[tag->tag].current;

		rc = dd_mark_repository(mark, tag->repository, err);
		if (rc == 0 && current != DD_NO_ID && dd_mark_reached(mark, current))
			fit->chosen[fit->order[i]] = false;
	}
	return rc;
}

/* The fewest of the order without which the rest fits; all, if it does not even then. */
static int choose(struct fit *fit, uint64_t limit, struct dd_error *err)
{
	size_t low = 0, high = fit->order_count;
	uint64_t bytes;
	int rc = 0;

	qsort_r(fit->order, fit->order_count, sizeof(*fit->order), compare_use,
		fit->gc->retain.tags.items);
	while (low < high && rc == 0) {
		size_t middle = low + (high - low) / 2;

		rc = measure(fit, middle, &bytes, err);
		if (bytes <= limit)
			high = middle;
		else
			low = middle + 1;
	}
	if (rc == 0)
		rc = measure(fit, low, &bytes, err);
	return rc < 0 ? rc : give_back(fit, low, err);
}

static bool may_go(const struct fit *fit, size_t at)
{
	enum dd_tag_verdict_reason reason = tag_at(fit, at)->verdict.reason;

	return reason == DD_VERDICT_GOES || reason == DD_VERDICT_FITS;
}

/* What the rule's repositories hold, each blob once, whoever else has it. */
static int fit_rule(struct fit *fit, uint32_t rule, struct dd_error *err)
{
	const struct dd_survey *survey = fit->gc->survey;
	DD_AUTOFREE bool *only = calloc(survey->repositories.count + 1, sizeof(*only));
	int rc = only ? 0 : no_memory(err);

	for (size_t i = 0; i < survey->repositories.count && rc == 0; i++)
		rc = dd_policy_matches(fit->gc->options.policy, rule,
				       survey->repositories.items[i]->name, &only[i], err);
	fit->order_count = 0;
	for (uint32_t i = 0; i < fit->gc->retain.tags.count; i++)
		if (may_go(fit, i) && tag_at(fit, i)->verdict.rule == rule)
			fit->order[fit->order_count++] = i;
	fit->only = only;
	if (rc == 0)
		rc = choose(fit, dd_policy_get_rule(fit->gc->options.policy, rule)->fit_bytes, err);
	fit->only = NULL;
	return rc;
}

static int fit_volume(struct fit *fit, struct dd_error *err)
{
	uint64_t limit = dd_policy_fit(fit->gc->options.policy);

	if (!limit)
		return 0;
	fit->order_count = 0;
	for (uint32_t i = 0; i < fit->gc->retain.tags.count; i++)
		if (may_go(fit, i) && !fit->chosen[i])
			fit->order[fit->order_count++] = i;
	return choose(fit, limit, err);
}

static int choose_all(struct fit *fit, struct dd_error *err)
{
	const struct dd_policy *policy = fit->gc->options.policy;
	DD_CLEANUP(dd_mark_closep) struct dd_mark *mark = NULL;
	int rc = 0;

	/* Where nothing is said of how much may stay, all goes that no rule keeps. */
	for (size_t i = 0; i < fit->gc->retain.tags.count; i++) {
		uint32_t rule = tag_at(fit, i)->verdict.rule;

		fit->chosen[i] = may_go(fit, i) && !dd_policy_fit(policy) &&
				 !dd_policy_get_rule(policy, rule)->fit_bytes;
	}
	for (uint32_t i = 0; i < dd_policy_count(policy) && rc == 0; i++)
		if (dd_policy_get_rule(policy, i)->fit_bytes)
			rc = fit_rule(fit, i, err);
	if (rc == 0)
		rc = fit_volume(fit, err);
	if (rc == 0)
		rc = mark_rest(fit, &mark, err);
	if (rc == 0)
		fit->gc->retain.report.left_bytes = add_up(fit);
	return rc;
}

int dd_retain_fit(struct dd_context *ctx, struct dd_store *store, struct dd_gc *gc,
		  struct dd_error *err)
{
	struct fit fit = { .ctx = ctx, .store = store, .gc = gc };
	DD_AUTOFREE uint32_t *order = calloc(gc->retain.tags.count + 1, sizeof(*order));
	DD_AUTOFREE bool *chosen = calloc(gc->retain.tags.count + 1, sizeof(*chosen));
	int rc = order && chosen ? 0 : no_memory(err);

	fit.order = order;
	fit.chosen = chosen;
	if (rc == 0)
		rc = find_sizes(&fit, err);
	if (rc == 0)
		rc = choose_all(&fit, err);
	free(fit.sizes);
	free(fit.lasting);
	return rc;
}
