/*
 * Owners: everything is walked from each unit, and each digest gets the unit's number, or MANY if it
 * has another's already.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "graph/own.h"
#include "graph/removal.h"

#define MANY (DD_NO_ID - 1) /* several units, or what belongs to none of them */

struct own {
	struct dd_context *ctx;
	const struct dd_survey *survey;
	const struct dd_own_options *options;
	struct dd_family family, below; /* below: revisions that a tag takes along */
	struct dd_own_unit *units;
	uint32_t *owner; /* by id: DD_NO_ID, MANY, a unit */
	uint32_t *seen;	 /* by id: the last unit that reached it, and one */
	bool *covered;	 /* by id: a revision that goes with a tag of this repository */
	DD_LIST(uint32_t) cover;
	uint32_t unit; /* that is being walked; MANY */
};

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "tell who owns what");
}

static int claim(void *arg, uint32_t id)
{
	struct own *own = arg;
	uint32_t *owner = &own->owner[id];
	const struct dd_node *node = &own->survey->graph->nodes.items[id];

	if (*owner == DD_NO_ID)
		*owner = own->unit;
	else if (*owner != own->unit)
		*owner = MANY;
	if (own->unit != MANY && own->seen[id] != own->unit + 1) {
		own->seen[id] = own->unit + 1;
		own->units[own->unit].bytes += own->options->weights[id];
		own->units[own->unit].blobs +=
			(node->flags & DD_NODE_PRESENT) && !(node->flags & DD_NODE_MISSING);
	}
	return 1;
}

static int walk(struct own *own, uint32_t id)
{
	return id == DD_NO_ID ? 0 : dd_family_walk(&own->family, id, true, claim, own);
}

static int cover(void *arg, uint32_t id)
{
	struct own *own = arg;
	uint32_t *slot;

	if (own->covered[id])
		return 1;
	slot = dd_list_add(&own->cover);
	if (!slot)
		return DD_ENOMEM;
	*slot = id;
	own->covered[id] = true;
	return 1;
}

/* What a tag reaches: of one whose link does not say what is meant, all that it ever was. */
static int walk_tag(struct own *own, const struct dd_repository *repo, const struct dd_tag *tag)
{
	int rc = walk(own, tag->current);

	for (uint32_t k = 0; tag->state != DD_LINK_GOOD && k < tag->history_count && rc == 0; k++)
		rc = walk(own, repo->histories.items[tag->history + k]);
	return rc;
}

static int walk_revisions(struct own *own, const struct dd_repository *repo)
{
	int rc = 0;

	for (size_t i = 0; i < repo->revisions.count && rc == 0; i++) {
		const struct dd_revision *revision = &repo->revisions.items[i];

		if (revision->state == DD_LINK_GOOD && !own->covered[revision->id])
			rc = walk(own, revision->id);
	}
	for (size_t i = 0; i < repo->tarsums.count && rc == 0; i++)
		rc = walk(own, repo->tarsums.items[i]);
	return rc;
}

/* A link that says nothing keeps its revision whatever goes. */
static int walk_unclear(struct own *own, const struct dd_repository *repo)
{
	int rc = 0;

	for (size_t i = 0; i < repo->revisions.count && rc == 0; i++)
		if (repo->revisions.items[i].state != DD_LINK_GOOD &&
		    repo->revisions.items[i].state != DD_LINK_ABSENT)
			rc = walk(own, repo->revisions.items[i].id);
	return rc;
}

/* All that a repository names, for a doubt holds it, or nothing under its name is judged. */
static int walk_held(struct own *own, const struct dd_repository *repo)
{
	int rc = 0;

	for (size_t i = 0; i < repo->layers.count && rc == 0; i++)
		rc = walk(own, repo->layers.items[i]);
	for (size_t i = 0; i < repo->revisions.count && rc == 0; i++)
		rc = walk(own, repo->revisions.items[i].id);
	for (size_t i = 0; i < repo->histories.count && rc == 0; i++)
		rc = walk(own, repo->histories.items[i]);
	return rc;
}

static int walk_tags(struct own *own, const struct dd_repository *repo, uint32_t first,
		     struct dd_error *err)
{
	int rc = dd_family_begin(&own->below, repo, err);

	for (uint32_t t = 0; t < repo->tags.count && rc == 0; t++) {
		const struct dd_tag *tag = &repo->tags.items[t];

		own->unit = first + t;
		rc = dd_family_begin(&own->family, repo, err);
		if (rc == 0)
			rc = walk_tag(own, repo, tag);
		if (rc == 0 && tag->current != DD_NO_ID)
			rc = dd_family_walk(&own->below, tag->current, false, cover, own);
	}
	own->unit = MANY;
	return rc < 0 ? rc : dd_family_begin(&own->family, repo, err);
}

static int walk_repository(struct own *own, uint32_t index, uint32_t first_tag,
			   struct dd_error *err)
{
	const struct dd_repository *repo = own->survey->repositories.items[index];
	const struct dd_mark *mark = own->options->mark;
	int rc = dd_family_begin(&own->family, repo, err);

	if (rc < 0)
		return rc;
	if (own->options->units) {
		own->unit = own->options->units[index];
		for (size_t t = 0; t < repo->tags.count && rc == 0; t++)
			rc = walk_tag(own, repo, &repo->tags.items[t]);
	} else {
		rc = walk_tags(own, repo, first_tag, err);
	}
	if (rc == 0)
		rc = walk_revisions(own, repo);
	for (size_t i = 0; i < own->cover.count; i++)
		own->covered[own->cover.items[i]] = false;
	own->cover.count = 0;
	own->unit = MANY;
	if (rc == 0)
		rc = dd_family_begin(&own->family, repo, err);
	if (rc == 0)
		rc = walk_unclear(own, repo);
	if (rc == 0 && mark && (!repo->valid || dd_mark_is_held(mark, index)))
		rc = walk_held(own, repo);
	return rc < 0 ? no_memory(err) : 0;
}

/* ---- referrers ---- */

/*
 * A referrer is kept by its subject, wherever that is reached: so one whose subject would stay is not its
 * repository's alone. Until nothing changes, for a referrer may have one itself.
 */
static int share_referrers(struct own *own, struct dd_error *err)
{
	const struct dd_graph *graph = own->survey->graph;
	bool changed = true;
	int rc = 0;

	own->unit = MANY;
	while (changed && rc == 0) {
		changed = false;
		rc = dd_context_check(own->ctx, err);
		for (size_t i = 0; i < graph->manifests.count && rc == 0; i++) {
			const struct dd_manifest_node *node = &graph->manifests.items[i];
			uint32_t owner = own->owner[node->id];

			if (node->subject == DD_NO_ID || owner == DD_NO_ID || owner == MANY ||
			    own->owner[node->subject] == DD_NO_ID ||
			    own->owner[node->subject] == owner)
				continue;
			changed = true;
			rc = dd_family_begin(&own->family, own->family.repo, err);
			if (rc == 0 && walk(own, node->id) < 0)
				rc = no_memory(err);
		}
	}
	return rc;
}

static void add_exclusive(struct own *own)
{
	for (size_t id = 0; id < own->survey->graph->nodes.count; id++)
		if (own->owner[id] < own->options->count)
			own->units[own->owner[id]].exclusive += own->options->weights[id];
}

static int run(struct own *own, struct dd_error *err)
{
	const struct dd_survey *survey = own->survey;
	const struct dd_mark *mark = own->options->mark;
	uint32_t first_tag = 0;
	int rc = dd_family_init(&own->family, survey->graph, err);

	if (rc == 0)
		rc = dd_family_init(&own->below, survey->graph, err);
	for (uint32_t i = 0; i < survey->repositories.count && rc == 0; i++) {
		rc = dd_context_check(own->ctx, err);
		if (rc == 0)
			rc = walk_repository(own, i, first_tag, err);
		first_tag += (uint32_t)survey->repositories.items[i]->tags.count;
	}
	if (rc < 0 || !mark || dd_mark_holds_everything(mark) || !survey->repositories.count)
		return rc;
	rc = share_referrers(own, err);
	if (rc == 0)
		add_exclusive(own);
	return rc;
}

size_t dd_own_tags(const struct dd_survey *survey)
{
	size_t count = 0;

	for (size_t i = 0; i < survey->repositories.count; i++)
		count += survey->repositories.items[i]->tags.count;
	return count;
}

int dd_own(struct dd_context *ctx, struct dd_survey *survey, const struct dd_own_options *options,
	   struct dd_own_unit **units, struct dd_error *err)
{
	size_t nodes = survey->graph->nodes.count;
	DD_AUTOFREE uint32_t *owner = malloc((nodes + 1) * sizeof(*owner));
	DD_AUTOFREE uint32_t *seen = calloc(nodes + 1, sizeof(*seen));
	DD_AUTOFREE bool *covered = calloc(nodes + 1, sizeof(*covered));
	struct own own = { .ctx = ctx,
			   .survey = survey,
			   .options = options,
			   .owner = owner,
			   .seen = seen,
			   .covered = covered };
	int rc;

	*units = own.units = calloc(options->count + 1, sizeof(*own.units));
	if (!owner || !seen || !covered || !own.units)
		return no_memory(err);
	for (size_t i = 0; i < nodes; i++)
		owner[i] = DD_NO_ID;
	rc = run(&own, err);
	dd_family_release(&own.family);
	dd_family_release(&own.below);
	dd_list_release(&own.cover);
	return rc;
}
