/*
 * Aliases: which blob a sha512 link stands for that does not say so.
 *
 * A layer that was pushed as sha512:y is stored as sha256:x, and the link y holds x. A mount into
 * another repository writes y into it. What y is may be learnt from another repository's link; else
 * from bytes: what such a repository links, and no manifest names, and what has the size that a manifest
 * tells of y, is read and hashed by sha512 as well, whatever is remembered of it. Where everything is to
 * be read any blob is a candidate.
 */
#include <stdlib.h>
#include <string.h>

#include "verify/verify.h"

static int compare_names(const void *left, const void *right)
{
	const struct dd_alias *a = left, *b = right;

	return dd_ids_compare(&a->name, &b->name);
}

static struct dd_alias *find(const struct dd_verify *verify, uint32_t name)
{
	const struct dd_alias key = { .name = name };

	if (!verify->aliases.count)
		return NULL;
	return bsearch(&key, verify->aliases.items, verify->aliases.count, sizeof(key),
		       compare_names);
}

/* A name that is no blob's own, and that no other link explains. */
static bool is_riddle(const struct dd_verify *verify, uint32_t name)
{
	struct dd_place place = { .kind = DD_AT_BLOB };
	struct dd_info info;

	if (verify->graph->nodes.items[name].flags & (DD_NODE_PRESENT | DD_NODE_ALIAS) ||
	    !dd_verify_concerns(verify, name))
		return false;
	dd_ids_get(&verify->graph->ids, name, &place.digest);
	return place.digest.alg != DD_SHA256 &&
	       dd_store_stat(verify->store, &place, &info, NULL) == DD_ENOENT;
}

static int gather_riddles(struct dd_verify *verify)
{
	const struct dd_survey *survey = verify->survey;

	for (size_t i = 0; i < survey->repositories.count; i++) {
		const struct dd_repository *repo = survey->repositories.items[i];

		for (size_t k = 0; k < repo->unresolved.count; k++) {
			struct dd_alias *alias;

			if (!is_riddle(verify, repo->unresolved.items[k]))
				continue;
			alias = dd_list_add(&verify->aliases);
			if (!alias)
				return DD_ENOMEM;
			*alias = (struct dd_alias){ repo->unresolved.items[k], DD_NO_ID };
		}
	}
	if (verify->aliases.count)
		qsort(verify->aliases.items, verify->aliases.count, sizeof(*verify->aliases.items),
		      compare_names);
	return 0;
}

/* By id: what a manifest names, or a link explains. To be freed; NULL without memory. */
static uint8_t *mark_claimed(const struct dd_graph *graph)
{
	uint8_t *claimed = calloc(graph->nodes.count + 1, 1);

	for (size_t i = 0; claimed && i < graph->edges.count; i++)
		claimed[DD_EDGE_ID(graph->edges.items[i])] = 1;
	for (size_t i = 0; claimed && i < graph->ties.count; i++)
		claimed[graph->ties.items[i].to] = 1;
	return claimed;
}

static bool has_riddle(const struct dd_verify *verify, const struct dd_repository *repo)
{
	for (size_t i = 0; i < repo->unresolved.count; i++)
		if (find(verify, repo->unresolved.items[i]))
			return true;
	return false;
}

static void mark_candidates(struct dd_verify *verify, const struct dd_repository *repo,
			    const uint8_t *claimed)
{
	for (size_t i = 0; i < repo->layers.count; i++) {
		uint32_t id = repo->layers.items[i];
		struct dd_digest digest;

		dd_ids_get(&verify->graph->ids, id, &digest);
		if (!claimed[id] && digest.alg == DD_SHA256 &&
		    !(verify->graph->nodes.items[id].flags & DD_NODE_READ))
			verify->candidates[id] = 1;
	}
}

static int compare_sizes(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return *a != *b ? (*a < *b ? -1 : 1) : 0;
}

static int gather_sizes(struct dd_verify *verify)
{
	for (size_t i = 0; i < verify->aliases.count; i++) {
		uint64_t size = verify->graph->nodes.items[verify->aliases.items[i].name].size,
			 *slot = size ? dd_list_add(&verify->alias_sizes) : NULL;

		if (size && !slot)
			return DD_ENOMEM;
		if (slot)
			*slot = size;
	}
	if (verify->alias_sizes.count)
		qsort(verify->alias_sizes.items, verify->alias_sizes.count,
		      sizeof(*verify->alias_sizes.items), compare_sizes);
	return 0;
}

int dd_verify_seek_aliases(struct dd_verify *verify, struct dd_error *err)
{
	const struct dd_survey *survey = verify->survey;
	DD_AUTOFREE uint8_t *claimed = NULL;
	int rc = gather_riddles(verify);

	if (rc == 0 && !verify->aliases.count)
		return 0;
	if (rc == 0)
		rc = gather_sizes(verify);
	if (rc == 0) {
		claimed = mark_claimed(verify->graph);
		verify->candidates = calloc(verify->graph->nodes.count + 1, 1);
	}
	if (!claimed || !verify->candidates)
		return dd_fail(err, DD_ENOMEM, 0, "look for aliases");
	for (size_t i = 0; i < survey->repositories.count; i++) {
		const struct dd_repository *repo = survey->repositories.items[i];

		if (has_riddle(verify, repo))
			mark_candidates(verify, repo, claimed);
	}
	return 0;
}

bool dd_verify_may_be_meant(const struct dd_verify *verify, uint32_t id)
{
	const uint64_t *size = &verify->sizes[id];

	return verify->candidates &&
	       (verify->candidates[id] ||
		(verify->alias_sizes.count &&
		 bsearch(size, verify->alias_sizes.items, verify->alias_sizes.count, sizeof(*size),
			 compare_sizes)));
}

bool dd_verify_is_candidate(const struct dd_verify *verify, uint32_t id)
{
	return verify->candidates && (verify->options.full || dd_verify_may_be_meant(verify, id));
}

void dd_verify_offer(struct dd_verify *verify, uint32_t id, const struct dd_digest *strong)
{
	uint32_t name = dd_ids_find(&verify->graph->ids, strong);
	struct dd_alias *alias = name != DD_NO_ID ? find(verify, name) : NULL;

	if (!alias)
		return;
	/* The same name may be there once for each repository. */
	while (alias > verify->aliases.items && alias[-1].name == name)
		alias--;
	pthread_mutex_lock(&verify->lock);
	for (; alias < verify->aliases.items + verify->aliases.count && alias->name == name;
	     alias++)
		alias->blob = id;
	pthread_mutex_unlock(&verify->lock);
}

uint32_t dd_verify_stands_for(const struct dd_verify *verify, uint32_t name)
{
	const struct dd_alias *alias = find(verify, name);
	const struct dd_tie *ties;
	size_t count = 0;

	if (alias)
		return alias->blob;
	if (!(verify->graph->nodes.items[name].flags & DD_NODE_ALIAS))
		return DD_NO_ID;
	ties = dd_graph_ties(verify->graph, name, &count);
	return count ? ties[0].to : DD_NO_ID;
}
