/*
 * What is there, and what a repository lets be pulled.
 */
#include <stdlib.h>

#include "verify/verify.h"

/* Where a file stands for a directory of its path, nothing can be below it. */
static bool is_absence(int rc)
{
	return rc == DD_ENOENT || rc == DD_EIRREGULAR;
}

static int look_for(struct dd_verify *verify, uint32_t id)
{
	struct dd_place place = { .kind = DD_AT_BLOB };
	struct dd_info info;
	int rc;

	dd_ids_get(&verify->graph->ids, id, &place.digest);
	rc = dd_store_stat(verify->store, &place, &info, NULL);
	return rc == 0 ? 1 : is_absence(rc) ? 0 : rc;
}

/* As far as is known; -1: it is not. */
static int known(const struct dd_verify *verify, uint32_t id)
{
	switch ((enum dd_blob_verdict)verify->verdicts[id]) {
	case DD_BLOB_GOOD:
	case DD_BLOB_BAD:
	case DD_BLOB_LEFT:
		return 1;
	default:
		return 0;
	}
}

/*
 * Ties go both ways, registries one: from another algorithm's name to the sha256 digest. What has that
 * digest under another name is a copy to mend it from, and nothing that is pulled for it.
 */
static bool can_be_alias(const struct dd_verify *verify, uint32_t id)
{
	struct dd_digest digest;

	if (!(verify->graph->nodes.items[id].flags & DD_NODE_ALIAS) && !verify->aliases.count)
		return false;
	dd_ids_get(&verify->graph->ids, id, &digest);
	return digest.alg != DD_SHA256;
}

/* Of those that an alias stands for, one that is there; or DD_NO_ID. */
static uint32_t behind(const struct dd_verify *verify, uint32_t id)
{
	const struct dd_tie *ties;
	size_t count = 0;
	uint32_t other;

	if (!can_be_alias(verify, id))
		return DD_NO_ID;
	if (verify->graph->nodes.items[id].flags & DD_NODE_ALIAS) {
		ties = dd_graph_ties(verify->graph, id, &count);
		for (size_t i = 0; i < count; i++)
			if (known(verify, ties[i].to))
				return ties[i].to;
	}
	other = verify->aliases.count ? dd_verify_stands_for(verify, id) : DD_NO_ID;
	return other != DD_NO_ID && known(verify, other) ? other : DD_NO_ID;
}

int dd_verify_there(struct dd_verify *verify, uint32_t id, uint32_t *blob)
{
	*blob = id;
	if (known(verify, id))
		return 1;
	*blob = behind(verify, id);
	if (*blob != DD_NO_ID)
		return 1;
	*blob = id;
	if (verify->verdicts[id] == DD_BLOB_LOST)
		return 0;
	/* It may have come meanwhile: that it is missing is said only when it is certain. */
	return look_for(verify, id);
}

bool dd_verify_leads_astray(struct dd_verify *verify, uint32_t name, const struct dd_digest *says)
{
	uint32_t id = dd_ids_find(&verify->graph->ids, says), blob;

	return dd_verify_there(verify, name, &blob) > 0 && blob == name &&
	       (id >= verify->graph->nodes.count || dd_verify_there(verify, id, &blob) == 0);
}

/* A link that is there, whatever it holds, is reported for what it holds. */
static bool link_is_there(struct dd_verify *verify, const struct dd_place *place)
{
	struct dd_info info;

	return !is_absence(dd_store_stat(verify->store, place, &info, NULL));
}

/* Some image needs the repository's link to a layer. What is known of it; NULL: there is none. */
static const uint8_t *need_layer(struct dd_verify *verify, uint32_t repository, uint32_t id)
{
	const struct dd_repository *repo = verify->survey->repositories.items[repository];
	const uint32_t *at = NULL;
	uint8_t *state;

	if (repo->layers.count)
		at = bsearch(&id, repo->layers.items, repo->layers.count, sizeof(id),
			     dd_ids_compare);
	if (!at)
		return NULL;
	state = &verify->layers[repository][at - repo->layers.items];
	/* Most are needed by many, and who only reads is in nobody's way. */
	if (!(__atomic_load_n(state, __ATOMIC_RELAXED) & DD_LAYER_NEEDED))
		__atomic_fetch_or(state, DD_LAYER_NEEDED, __ATOMIC_RELAXED);
	return state;
}

bool dd_verify_layer_linked(struct dd_verify *verify, uint32_t repository, uint32_t id)
{
	const struct dd_repository *repo = verify->survey->repositories.items[repository];
	struct dd_place place = { .kind = DD_AT_LAYER, .repository = repo->name };
	const uint8_t *state = need_layer(verify, repository, id);

	/* Who needs an alias needs what it stands for. */
	if (verify->graph->nodes.items[id].flags & DD_NODE_ALIAS) {
		size_t count;
		const struct dd_tie *ties = dd_graph_ties(verify->graph, id, &count);

		for (size_t i = 0; i < count; i++)
			need_layer(verify, repository, ties[i].to);
	}
	if (state && (*state & DD_LAYER_STATE) != DD_LINK_ABSENT)
		return true;
	dd_ids_get(&verify->graph->ids, id, &place.digest);
	return link_is_there(verify, &place);
}

bool dd_verify_revision_linked(struct dd_verify *verify, uint32_t repository, uint32_t id)
{
	const struct dd_repository *repo = verify->survey->repositories.items[repository];
	const struct dd_revision *revision = dd_repository_revision(repo, id);
	struct dd_place place = { .kind = DD_AT_REVISION, .repository = repo->name };

	if (revision && revision->state != DD_LINK_ABSENT)
		return true;
	dd_ids_get(&verify->graph->ids, id, &place.digest);
	return link_is_there(verify, &place);
}
