/*
 * Revisions that hang together.
 */
#include "graph/removal.h"

int dd_family_init(struct dd_family *family, const struct dd_graph *graph, struct dd_error *err)
{
	family->graph = graph;
	family->stamps = calloc(graph->nodes.count + 1, sizeof(*family->stamps));
	return family->stamps ? 0 : dd_fail(err, DD_ENOMEM, 0, "tell what goes together");
}

void dd_family_release(struct dd_family *family)
{
	free(family->stamps);
	dd_list_release(&family->referrers);
	dd_list_release(&family->stack);
}

static int compare_referrers(const void *left, const void *right)
{
	const struct dd_tie *a = left, *b = right;

	return a->from != b->from ? (a->from < b->from ? -1 : 1) : 0;
}

int dd_family_begin(struct dd_family *family, const struct dd_repository *repo,
		    struct dd_error *err)
{
	const struct dd_graph *graph = family->graph;

	family->pass++;
	if (repo == family->repo)
		return 0;
	family->repo = repo;
	family->referrers.count = 0;
	for (size_t i = 0; i < repo->revisions.count; i++) {
		const struct dd_revision *revision = &repo->revisions.items[i];
		uint32_t manifest = graph->nodes.items[revision->id].manifest;
		struct dd_tie *referrer;

		if (revision->state == DD_LINK_ABSENT || manifest == DD_NO_ID ||
		    graph->manifests.items[manifest].subject == DD_NO_ID)
			continue;
		referrer = dd_list_add(&family->referrers);
		if (!referrer)
			return dd_fail(err, DD_ENOMEM, 0, "tell what goes together");
		*referrer =
			(struct dd_tie){ graph->manifests.items[manifest].subject, revision->id };
	}
	if (family->referrers.count)
		qsort(family->referrers.items, family->referrers.count,
		      sizeof(*family->referrers.items), compare_referrers);
	return 0;
}

bool dd_family_visited(const struct dd_family *family, uint32_t id)
{
	return family->stamps[id] == family->pass;
}

static bool is_revision(const struct dd_family *family, uint32_t id)
{
	const struct dd_revision *revision = dd_repository_revision(family->repo, id);

	return revision && revision->state != DD_LINK_ABSENT;
}

static int push(struct dd_family *family, uint32_t id, bool all, dd_family_fn *fn, void *arg)
{
	uint32_t *slot;
	int rc;

	if (dd_family_visited(family, id) || (!all && !is_revision(family, id)))
		return 0;
	family->stamps[id] = family->pass;
	rc = fn(arg, id);
	if (rc <= 0)
		return rc;
	slot = dd_list_add(&family->stack);
	if (!slot)
		return DD_ENOMEM;
	*slot = id;
	return 0;
}

static int push_referrers(struct dd_family *family, uint32_t id, bool all, dd_family_fn *fn,
			  void *arg)
{
	size_t low = dd_first_from(family->referrers.items, family->referrers.count, from, id);
	int rc = 0;

	for (; low < family->referrers.count && family->referrers.items[low].from == id && rc == 0;
	     low++)
		rc = push(family, family->referrers.items[low].to, all, fn, arg);
	return rc;
}

int dd_family_walk(struct dd_family *family, uint32_t id, bool all, dd_family_fn *fn, void *arg)
{
	const struct dd_graph *graph = family->graph;
	int rc;

	family->stack.count = 0;
	rc = push(family, id, all, fn, arg);
	while (rc == 0 && family->stack.count) {
		uint32_t manifest;

		id = family->stack.items[--family->stack.count];
		manifest = graph->nodes.items[id].manifest;
		if (manifest != DD_NO_ID) {
			const struct dd_manifest_node *node = &graph->manifests.items[manifest];

			for (uint32_t i = 0; i < node->count && rc == 0; i++)
				rc = push(family, DD_EDGE_ID(graph->edges.items[node->first + i]),
					  all, fn, arg);
		}
		if (graph->nodes.items[id].flags & DD_NODE_ALIAS) {
			size_t count;
			const struct dd_tie *ties = dd_graph_ties(graph, id, &count);

			for (size_t i = 0; i < count && rc == 0; i++)
				rc = push(family, ties[i].to, all, fn, arg);
		}
		if (rc == 0)
			rc = push_referrers(family, id, all, fn, arg);
	}
	return rc;
}

/* A tag whose link does not say what is meant names all that it ever was. */
static int walk_tag(struct dd_family *family, const struct dd_tag *tag, dd_family_fn *fn, void *arg)
{
	const struct dd_repository *repo = family->repo;
	int rc = tag->current == DD_NO_ID ? 0 : dd_family_walk(family, tag->current, true, fn, arg);

	for (uint32_t k = 0; tag->state != DD_LINK_GOOD && k < tag->history_count && rc == 0; k++)
		rc = dd_family_walk(family, repo->histories.items[tag->history + k], true, fn, arg);
	return rc;
}

int dd_family_walk_repository(struct dd_family *family, const struct dd_repository *repo,
			      dd_family_fn *fn, void *arg, struct dd_error *err)
{
	int rc = dd_family_begin(family, repo, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < repo->tags.count && rc == 0; i++)
		rc = walk_tag(family, &repo->tags.items[i], fn, arg);
	for (size_t i = 0; i < repo->revisions.count && rc == 0; i++)
		if (repo->revisions.items[i].state != DD_LINK_ABSENT)
			rc = dd_family_walk(family, repo->revisions.items[i].id, true, fn, arg);
	for (size_t i = 0; i < repo->tarsums.count && rc == 0; i++)
		rc = dd_family_walk(family, repo->tarsums.items[i], true, fn, arg);
	return rc < 0 ? dd_fail(err, rc, 0, "tell what a repository names") : 0;
}
