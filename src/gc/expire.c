/*
 * What leaves the trash for good: pure reckoning, the same for a plan and for what is done.
 *
 * That a run is removed is taken to free its bytes at once, and the file system is not asked in
 * between: some free space only a while later, and would be told to give up more than needed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "gc/expire.h"

struct reckoning {
	const struct dd_trash *trash;
	const struct dd_expiry_rule *rule;
	uint64_t *bytes; /* by run, that its end would free */
	bool *goes;
	uint64_t taken, free;
	struct dd_expiring *expiring;
};

static const char *const names[] = {
#define X(constant, name) [constant] = (name),
	DD_EXPIRIES(X)
#undef X
};

const char *dd_expiry_name(enum dd_expiry why)
{
	return names[why];
}

void dd_expiry_look(struct dd_context *ctx, struct dd_store *store, struct dd_expiry_rule *rule)
{
	struct dd_trash_bounds *bounds = &rule->bounds;
	struct dd_error err = { 0 };

	if ((!bounds->min_free && !bounds->min_free_percent) ||
	    dd_store_space(store, &rule->space, &err) == 0)
		return;
	dd_log(ctx, DD_LOG_WARNING, "nothing is given up for --min-free: %s", err.text);
	rule->space = (struct dd_space){ 0 };
	bounds->min_free = bounds->min_free_percent = 0;
}

/* What is to be free; 0: nothing is asked for, or a share of what nobody knows. */
static uint64_t wanted_free(const struct dd_expiry_rule *rule)
{
	uint64_t share = rule->space.size / 100 * rule->bounds.min_free_percent;

	return share > rule->bounds.min_free ? share : rule->bounds.min_free;
}

static uint64_t less(uint64_t from, uint64_t bytes)
{
	return from > bytes ? from - bytes : 0;
}

static void weigh(struct reckoning *reckoning)
{
	const struct dd_trash *trash = reckoning->trash;
	const struct dd_expiry_rule *rule = reckoning->rule;

	for (size_t i = 0; i < trash->count; i++)
		reckoning->bytes[i] = dd_run_bytes(&trash->runs[i]);
	for (size_t k = 0; k < rule->back_count; k++)
		for (size_t i = 0; i < trash->count; i++)
			if (!strcmp(trash->runs[i].name, rule->back[k].place.run)) {
				reckoning->bytes[i] =
					less(reckoning->bytes[i], rule->back[k].bytes);
				break;
			}
	reckoning->taken = rule->coming_bytes;
	reckoning->free = rule->space.free;
	for (size_t i = 0; i < trash->count; i++)
		reckoning->taken += reckoning->bytes[i];
}

static int add(struct reckoning *reckoning, const char *name, const struct dd_emptied *run,
	       struct dd_error *err)
{
	struct dd_emptied *slot = dd_list_add(&reckoning->expiring->list);

	if (!slot)
		return dd_fail(err, DD_ENOMEM, 0, "plan what leaves the trash");
	*slot = *run;
	snprintf(slot->run, sizeof(slot->run), "%s", name);
	if (run->unseen)
		return 0;
	reckoning->taken = less(reckoning->taken, run->bytes);
	reckoning->free += run->bytes;
	return 0;
}

static int give_up(struct reckoning *reckoning, size_t at, enum dd_expiry why, struct dd_error *err)
{
	const struct dd_run *run = &reckoning->trash->runs[at];

	reckoning->goes[at] = true;
	return add(reckoning, run->name,
		   &(struct dd_emptied){ .began_ns = run->began_ns,
					 .objects = run->count,
					 .bytes = reckoning->bytes[at],
					 .why = why,
					 .unseen = run->unseen },
		   err);
}

static bool is_own(const struct reckoning *reckoning, size_t at)
{
	const char *own = reckoning->rule->own;

	return own && !strcmp(reckoning->trash->runs[at].name, own);
}

/* What it took may be needed, and nobody has looked at that yet. */
static bool is_beside(const struct reckoning *reckoning, size_t at)
{
	const struct dd_change *change = reckoning->rule->change;

	return change && dd_change_is_beside(change, reckoning->trash->runs[at].name);
}

static bool is_over(const struct reckoning *reckoning)
{
	uint64_t max = reckoning->rule->bounds.max;

	return max && reckoning->taken > max;
}

/* Why this run, the oldest that is left, goes; -1: it does not. */
static int why_early(const struct reckoning *reckoning, size_t at)
{
	if (reckoning->goes[at] || is_own(reckoning, at) || is_beside(reckoning, at) ||
	    !reckoning->bytes[at] || reckoning->trash->runs[at].unseen)
		return -1;
	if (is_over(reckoning))
		return DD_EXPIRY_TRASH_MAX;
	return reckoning->free < wanted_free(reckoning->rule) ? DD_EXPIRY_MIN_FREE : -1;
}

static int compare(const void *left, const void *right)
{
	const struct dd_emptied *a = left, *b = right;

	return strcmp(a->run, b->run);
}

/* Over the bound by itself: who set that did not want so much kept. */
static int choose_own(struct reckoning *reckoning, struct dd_error *err)
{
	const struct dd_expiry_rule *rule = reckoning->rule;

	if (!is_over(reckoning))
		return 0;
	if (rule->coming && rule->coming_bytes)
		return add(reckoning, "",
			   &(struct dd_emptied){ .objects = rule->coming_objects,
						 .bytes = rule->coming_bytes,
						 .why = DD_EXPIRY_TRASH_MAX },
			   err);
	for (size_t i = 0; i < reckoning->trash->count; i++)
		if (is_own(reckoning, i) && reckoning->bytes[i] &&
		    !reckoning->trash->runs[i].unseen)
			return give_up(reckoning, i, DD_EXPIRY_TRASH_MAX, err);
	return 0;
}

static int choose(struct reckoning *reckoning, struct dd_error *err)
{
	const struct dd_trash *trash = reckoning->trash;
	int rc = 0;

	for (size_t i = 0; i < trash->count && rc == 0; i++)
		if (trash->runs[i].began_ns <= reckoning->rule->oldest_ns &&
		    !is_own(reckoning, i) && !is_beside(reckoning, i))
			rc = give_up(reckoning, i, DD_EXPIRY_OLD, err);
	for (size_t i = 0; i < trash->count && rc == 0; i++) {
		int why = why_early(reckoning, i);

		if (why >= 0)
			rc = give_up(reckoning, i, (enum dd_expiry)why, err);
	}
	if (rc == 0 && reckoning->expiring->list.count)
		qsort(reckoning->expiring->list.items, reckoning->expiring->list.count,
		      sizeof(*reckoning->expiring->list.items), compare);
	return rc == 0 ? choose_own(reckoning, err) : rc;
}

int dd_expire(const struct dd_trash *trash, const struct dd_expiry_rule *rule,
	      struct dd_expiring *expiring, struct dd_error *err)
{
	DD_AUTOFREE uint64_t *bytes = calloc(trash->count + 1, sizeof(*bytes));
	DD_AUTOFREE bool *goes = calloc(trash->count + 1, sizeof(*goes));
	struct reckoning reckoning = {
		.trash = trash, .rule = rule, .bytes = bytes, .goes = goes, .expiring = expiring
	};
	int rc;

	expiring->list.count = 0;
	if (!bytes || !goes)
		return dd_fail(err, DD_ENOMEM, 0, "plan what leaves the trash");
	weigh(&reckoning);
	rc = choose(&reckoning, err);
	expiring->short_bytes = less(wanted_free(rule), reckoning.free);
	return rc;
}
