/*
 * The mark: a stack, a stamp a digest, and rounds until nothing new is reached.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "graph/mark.h"

/* A revision of the repository that is being marked, and what it is about. */
struct referrer {
	uint32_t subject, id;
};

struct dd_mark {
	struct dd_context *ctx;
	struct dd_survey *survey;
	struct dd_graph *graph;
	struct dd_mark_options options;
	uint32_t *stamps; /* by id: the number of the last pass that reached it */
	uint32_t pass;
	DD_LIST(uint32_t) stack;
	DD_LIST(uint32_t) unlinked; /* young, named by no link, and leading on */
	bool *everywhere; /* by id: young, named by no link, and leading nowhere; or NULL */
	DD_LIST(struct dd_marked_hold) holds;
	bool *held; /* by repository */
	bool everything, grew;
	bool left; /* a referrer was, for nothing had reached its subject yet */
	uint64_t sparse;
	/* of the repository that is being marked */
	const struct dd_repository *repo;
	uint32_t index;
	DD_LIST(struct referrer) referrers; /* sorted by subject */
	bool failed;			    /* no memory */
};

/* How a digest was come by: it decides what its absence means. */
enum via {
	VIA_TAG,
	VIA_REVISION,
	VIA_DESCRIPTOR,
	VIA_HISTORY,
};

static bool given_up(const struct dd_mark *mark, uint32_t id)
{
	for (size_t i = 0; i < mark->options.loss_count; i++)
		if (mark->options.losses[i].id == id &&
		    !strcmp(mark->options.losses[i].repository, mark->repo->name))
			return true;
	return false;
}

static bool removed(const struct dd_mark *mark, uint32_t tag, uint32_t id)
{
	return dd_removed_has(mark->options.removed, mark->options.removed_count, mark->index, tag,
			      id);
}

static void add_hold(struct dd_mark *mark, enum dd_doubt doubt, uint32_t id, bool everything,
		     const char *detail)
{
	struct dd_marked_hold *hold = dd_list_add(&mark->holds);

	mark->everything |= everything;
	mark->failed |= !hold;
	if (hold)
		*hold = (struct dd_marked_hold){ doubt, mark->index, id, everything,
						 detail ? detail : "" };
}

/* The repository goes on holding; what it held already is held once. */
static void hold(struct dd_mark *mark, enum dd_doubt doubt, uint32_t id, const char *detail)
{
	if (mark->options.ignore_holds || (id != DD_NO_ID && given_up(mark, id)))
		return;
	if (mark->index != DD_NO_ID)
		mark->held[mark->index] = true;
	add_hold(mark, doubt, id, false, detail);
}

/*
 * A manifest that is certainly not there. Linked, that is damage. A tag to it is what a deletion
 * leaves (the revision's directory, without its link), or what a cache does. A child without a link
 * makes a sparse index. History may name what is long gone.
 */
static void judge_missing(struct dd_mark *mark, uint32_t id, enum via via)
{
	const struct dd_revision *revision = dd_repository_revision(mark->repo, id);

	if (revision && revision->state != DD_LINK_ABSENT)
		hold(mark, DD_DOUBT_MISSING, id, "its revision link is there");
	else if (via == VIA_TAG && !revision && !mark->survey->cache_volume)
		hold(mark, DD_DOUBT_MISSING, id, "a tag points to it");
	else if (via == VIA_DESCRIPTOR && !revision)
		mark->sparse++;
}

static void set_reached(struct dd_mark *mark, struct dd_node *node)
{
	mark->grew |= !(node->flags & DD_NODE_REACHED);
	node->flags |= DD_NODE_REACHED;
}

static void reach(struct dd_mark *mark, uint32_t id, enum via via)
{
	struct dd_node *node = &mark->graph->nodes.items[id];
	uint32_t *slot;

	if (mark->stamps[id] == mark->pass)
		return;
	mark->stamps[id] = mark->pass;
	set_reached(mark, node);
	if (node->flags & DD_NODE_DOUBT) {
		const struct dd_node_doubt *doubt = dd_graph_doubt(mark->graph, id);

		hold(mark, doubt->doubt, id, doubt->detail);
	} else if (node->flags & DD_NODE_MISSING) {
		judge_missing(mark, id, via);
	}
	if (node->manifest == DD_NO_ID && !(node->flags & (DD_NODE_ALIAS | DD_NODE_SUBJECT)))
		return;
	slot = dd_list_add(&mark->stack);
	mark->failed |= !slot;
	if (slot)
		*slot = id;
}

/* At once, so that a long row of them takes one round and not as many as it has. */
static void reach_referrers(struct dd_mark *mark, uint32_t subject)
{
	const struct referrer *all = mark->referrers.items;
	size_t count = mark->referrers.count;

	for (size_t i = dd_first_from(all, count, subject, subject);
	     i < count && all[i].subject == subject; i++)
		reach(mark, all[i].id, VIA_REVISION);
}

static void follow(struct dd_mark *mark)
{
	const struct dd_graph *graph = mark->graph;

	while (mark->stack.count) {
		uint32_t id = mark->stack.items[--mark->stack.count];
		const struct dd_node *node = &graph->nodes.items[id];
		const struct dd_tie *ties;
		size_t count;

		if (node->manifest != DD_NO_ID) {
			const struct dd_manifest_node *manifest =
				&graph->manifests.items[node->manifest];

			for (uint32_t i = 0; i < manifest->count; i++)
				reach(mark, DD_EDGE_ID(graph->edges.items[manifest->first + i]),
				      VIA_DESCRIPTOR);
		}
		if (node->flags & DD_NODE_SUBJECT)
			reach_referrers(mark, id);
		if (!(node->flags & DD_NODE_ALIAS))
			continue;
		ties = dd_graph_ties(graph, id, &count);
		for (size_t i = 0; i < count; i++)
			reach(mark, ties[i].to, VIA_DESCRIPTOR);
	}
}

/* Tags first: what one points to now has to be there, whatever another one's history says. */
static void reach_tags(struct dd_mark *mark)
{
	const struct dd_repository *repo = mark->repo;
	const struct dd_tag *tags = repo->tags.items;

	for (uint32_t i = 0; i < repo->tags.count; i++)
		if (tags[i].current != DD_NO_ID && !removed(mark, i, DD_NO_ID))
			reach(mark, tags[i].current, VIA_TAG);
	for (uint32_t i = 0; i < repo->tags.count; i++) {
		/* current does not say it: any that it ever was may be what is meant. */
		bool any = tags[i].state != DD_LINK_GOOD && !removed(mark, i, DD_NO_ID);

		for (uint32_t k = 0; any && k < tags[i].history_count; k++)
			reach(mark, repo->histories.items[tags[i].history + k], VIA_HISTORY);
	}
}

/* A manifest that is linked and not understood, or not there, is doubt, tagged or not. */
static bool doubtful(const struct dd_mark *mark, uint32_t id)
{
	return mark->graph->nodes.items[id].flags & (DD_NODE_DOUBT | DD_NODE_MISSING) &&
	       !given_up(mark, id);
}

static uint32_t subject_of(const struct dd_mark *mark, uint32_t id)
{
	uint32_t manifest = mark->graph->nodes.items[id].manifest;

	return manifest == DD_NO_ID ? DD_NO_ID : mark->graph->manifests.items[manifest].subject;
}

/* A referrer is kept by its subject. */
static bool subject_reached(const struct dd_mark *mark, uint32_t id)
{
	uint32_t subject = subject_of(mark, id);

	return subject != DD_NO_ID && (mark->graph->nodes.items[subject].flags & DD_NODE_REACHED);
}

static int compare_referrers(const void *left, const void *right)
{
	const struct referrer *a = left, *b = right;

	return a->subject != b->subject ? (a->subject < b->subject ? -1 : 1) : 0;
}

/* Where every revision is reached it does not matter what one is about. */
static void gather_referrers(struct dd_mark *mark)
{
	const struct dd_repository *repo = mark->repo;

	mark->referrers.count = 0;
	if (!mark->options.delete_untagged && !mark->options.removed_count)
		return;
	for (size_t i = 0; i < repo->revisions.count; i++) {
		const struct dd_revision *revision = &repo->revisions.items[i];
		uint32_t subject = subject_of(mark, revision->id);
		struct referrer *referrer;

		if (revision->state == DD_LINK_ABSENT || subject == DD_NO_ID)
			continue;
		referrer = dd_list_add(&mark->referrers);
		mark->failed |= !referrer;
		if (!referrer)
			return;
		*referrer = (struct referrer){ subject, revision->id };
		mark->graph->nodes.items[subject].flags |= DD_NODE_SUBJECT;
	}
	if (mark->referrers.count)
		qsort(mark->referrers.items, mark->referrers.count, sizeof(*mark->referrers.items),
		      compare_referrers);
}

static void forget_referrers(struct dd_mark *mark)
{
	for (size_t i = 0; i < mark->referrers.count; i++)
		mark->graph->nodes.items[mark->referrers.items[i].subject].flags &=
			(uint16_t)~DD_NODE_SUBJECT;
}

static void reach_revisions(struct dd_mark *mark)
{
	const struct dd_repository *repo = mark->repo;

	for (size_t i = 0; i < repo->revisions.count; i++) {
		const struct dd_revision *revision = &repo->revisions.items[i];

		if (revision->state == DD_LINK_ABSENT)
			continue;
		/* A link that cannot be read or understood is kept: we do not know what it is. */
		if ((!mark->options.delete_untagged && !removed(mark, DD_NO_ID, revision->id)) ||
		    revision->state != DD_LINK_GOOD || doubtful(mark, revision->id) ||
		    subject_reached(mark, revision->id))
			reach(mark, revision->id, VIA_REVISION);
		else
			mark->left |= subject_of(mark, revision->id) != DD_NO_ID;
	}
}

/* The first of the young roots of a repository, or of a later one. */
static size_t first_young(const struct dd_mark *mark, uint32_t repository)
{
	return dd_first_from(mark->options.young, mark->options.young_count, repository,
			     repository);
}

static void reach_young(struct dd_mark *mark)
{
	const struct dd_mark_options *options = &mark->options;

	for (size_t i = first_young(mark, mark->index);
	     i < options->young_count && options->young[i].repository == mark->index; i++)
		reach(mark, options->young[i].id, VIA_HISTORY);
	for (size_t i = 0; i < mark->unlinked.count; i++)
		reach(mark, mark->unlinked.items[i], VIA_HISTORY);
}

/* What no link names yet may be linked anywhere in a moment. Most of it is blobs, and many: to
 * reach each in each repository would be a product. */
static int gather_unlinked(struct dd_mark *mark, struct dd_error *err)
{
	const struct dd_mark_options *options = &mark->options;
	size_t at = first_young(mark, DD_NO_ID);

	if (at < options->young_count)
		mark->everywhere = calloc(mark->graph->nodes.count, sizeof(*mark->everywhere));
	for (; at < options->young_count; at++) {
		uint32_t id = options->young[at].id, *slot;
		struct dd_node *node = &mark->graph->nodes.items[id];
		bool leads_on = node->manifest != DD_NO_ID ||
				node->flags & (DD_NODE_ALIAS | DD_NODE_DOUBT | DD_NODE_MISSING);

		slot = leads_on ? dd_list_add(&mark->unlinked) : NULL;
		if (!mark->everywhere || (leads_on && !slot))
			return dd_fail(err, DD_ENOMEM, 0, "mark what is reachable");
		if (slot) {
			*slot = id;
		} else {
			mark->everywhere[id] = true;
			set_reached(mark, node);
		}
	}
	return 0;
}

/* An alias that says only itself, is no blob, and that no other repository explains. */
static void judge_aliases(struct dd_mark *mark)
{
	const struct dd_repository *repo = mark->repo;

	for (size_t i = 0; i < repo->unresolved.count; i++) {
		uint32_t id = repo->unresolved.items[i];

		if (!(mark->graph->nodes.items[id].flags & (DD_NODE_PRESENT | DD_NODE_ALIAS)))
			hold(mark, DD_DOUBT_ALIAS, id, "");
	}
}

/* All that a repository names. */
static void reach_all(struct dd_mark *mark)
{
	const struct dd_repository *repo = mark->repo;

	for (size_t i = 0; i < repo->layers.count; i++)
		reach(mark, repo->layers.items[i], VIA_HISTORY);
	for (size_t i = 0; i < repo->revisions.count; i++)
		reach(mark, repo->revisions.items[i].id,
		      repo->revisions.items[i].state == DD_LINK_ABSENT ? VIA_HISTORY :
									 VIA_REVISION);
	for (size_t i = 0; i < repo->histories.count; i++)
		reach(mark, repo->histories.items[i], VIA_HISTORY);
}

static void mark_repository(struct dd_mark *mark, uint32_t index)
{
	const struct dd_repository *repo = mark->survey->repositories.items[index];

	mark->repo = repo;
	mark->index = index;
	mark->held[index] = false;
	mark->pass++;
	gather_referrers(mark);
	reach_tags(mark);
	reach_revisions(mark);
	for (size_t i = 0; i < repo->tarsums.count; i++)
		reach(mark, repo->tarsums.items[i], VIA_HISTORY);
	reach_young(mark);
	judge_aliases(mark);
	for (size_t i = 0; i < repo->doubts.count; i++)
		hold(mark, repo->doubts.items[i].doubt, repo->doubts.items[i].id,
		     repo->doubts.items[i].detail);
	/* Under a name that is none nothing is collected, so all of it counts. */
	if (!repo->valid)
		reach_all(mark);
	follow(mark);
	if (mark->held[index]) {
		if (!repo->has_layers || repo->layers_failed || !repo->layers.count)
			add_hold(mark, DD_DOUBT_NO_LAYERS, DD_NO_ID, true, "");
		reach_all(mark);
		follow(mark);
	}
	forget_referrers(mark);
}

/* By what is in doubt about the volume as a whole. */
static void hold_everything(struct dd_mark *mark)
{
	const struct dd_survey *survey = mark->survey;

	if (mark->options.ignore_holds)
		return;
	for (size_t i = 0; i < survey->doubts.count; i++)
		add_hold(mark, survey->doubts.items[i].doubt, DD_NO_ID, true,
			 survey->doubts.items[i].detail);
	if (!mark->options.allow_empty && dd_survey_lacks_repositories(survey))
		add_hold(mark, DD_DOUBT_NO_REPOSITORY, DD_NO_ID, true, "");
}

static void tell(struct dd_mark *mark, uint32_t repository)
{
	if (mark->options.marked)
		mark->options.marked(mark->options.arg, mark, repository);
}

static int run(struct dd_mark *mark, struct dd_error *err)
{
	do {
		int rc = dd_context_check(mark->ctx, err);

		if (rc < 0)
			return rc;
		mark->grew = mark->left = mark->everything = false;
		mark->holds.count = 0;
		mark->sparse = 0;
		mark->index = DD_NO_ID;
		hold_everything(mark);
		tell(mark, DD_NO_ID);
		for (uint32_t i = 0; i < mark->survey->repositories.count; i++) {
			if (mark->options.only && !mark->options.only[i])
				continue;
			mark_repository(mark, i);
			tell(mark, i);
		}
		/* Again, for a referrer may come before what reaches its subject elsewhere. */
	} while (mark->grew && mark->left && !mark->failed);
	return mark->failed ? dd_fail(err, DD_ENOMEM, 0, "mark what is reachable") : 0;
}

int dd_mark_open(struct dd_context *ctx, struct dd_survey *survey,
		 const struct dd_mark_options *options, struct dd_mark **out, struct dd_error *err)
{
	DD_CLEANUP(dd_mark_closep) struct dd_mark *mark = calloc(1, sizeof(*mark));
	struct dd_graph *graph = survey->graph;
	int rc;

	*out = NULL;
	if (!mark)
		return dd_fail(err, DD_ENOMEM, 0, "mark what is reachable");
	*mark = (struct dd_mark){
		.ctx = ctx, .survey = survey, .graph = graph, .options = *options
	};
	mark->stamps = calloc(graph->nodes.count + 1, sizeof(*mark->stamps));
	mark->held = calloc(survey->repositories.count + 1, sizeof(*mark->held));
	if (!mark->stamps || !mark->held)
		return dd_fail(err, DD_ENOMEM, 0, "mark what is reachable");
	for (size_t i = 0; i < graph->nodes.count; i++)
		graph->nodes.items[i].flags &= (uint16_t)~DD_NODE_REACHED;
	rc = gather_unlinked(mark, err);
	if (rc == 0)
		rc = run(mark, err);
	if (rc < 0)
		return rc;
	mark->options.marked = NULL;
	*out = mark;
	mark = NULL;
	return 0;
}

void dd_mark_closep(struct dd_mark **pointer)
{
	struct dd_mark *mark = *pointer;

	if (!mark)
		return;
	free(mark->stamps);
	free(mark->held);
	free(mark->everywhere);
	dd_list_release(&mark->unlinked);
	dd_list_release(&mark->referrers);
	dd_list_release(&mark->stack);
	dd_list_release(&mark->holds);
	free(mark);
	*pointer = NULL;
}

const struct dd_marked_hold *dd_mark_holds(const struct dd_mark *mark, size_t *count)
{
	*count = mark->holds.count;
	return mark->holds.items;
}

bool dd_mark_holds_everything(const struct dd_mark *mark)
{
	return mark->everything;
}

bool dd_mark_is_held(const struct dd_mark *mark, uint32_t repository)
{
	return mark->held[repository];
}

uint64_t dd_mark_sparse(const struct dd_mark *mark)
{
	return mark->sparse;
}

int dd_mark_repository(struct dd_mark *mark, uint32_t repository, struct dd_error *err)
{
	size_t holds = mark->holds.count;
	uint64_t sparse = mark->sparse;

	mark_repository(mark, repository);
	/* What it says was said in the last round. */
	mark->holds.count = holds;
	mark->sparse = sparse;
	return mark->failed ? dd_fail(err, DD_ENOMEM, 0, "mark what is reachable") : 0;
}

bool dd_mark_reached(const struct dd_mark *mark, uint32_t id)
{
	return mark->stamps[id] == mark->pass || (mark->everywhere && mark->everywhere[id]);
}
