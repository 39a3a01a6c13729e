/*
 * Where the bytes of a digest lie.
 */
#include "graph/stored.h"
#include "base/cleanup.h"
#include "graph/link.h"

/* One of the same algorithm that names another is no alias: one of both is wrong. */
static bool is_alias_of(const struct dd_digest *name, const struct dd_digest *target)
{
	return target->alg != name->alg;
}

static bool follow(struct dd_store *store, const char *repository, const struct dd_digest *digest,
		   struct dd_digest *target)
{
	const struct dd_place link = { .kind = DD_AT_LAYER,
				       .repository = repository,
				       .digest = *digest };
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	bool has_digest = false;
	const char *why;

	if (dd_store_read(store, &link, DD_LINK_MAX, &buffer, NULL, NULL) < 0)
		return false;
	dd_link_parse(buffer.bytes, buffer.len, target, &has_digest, &why);
	return has_digest && is_alias_of(digest, target);
}

int dd_stored_stat(struct dd_store *store, const char *repository, const struct dd_digest *digest,
		   struct dd_place *place, struct dd_info *info, struct dd_error *err)
{
	struct dd_place other = { .kind = DD_AT_BLOB };
	int rc;

	*place = (struct dd_place){ .kind = DD_AT_BLOB, .digest = *digest };
	rc = dd_store_stat(store, place, info, err);
	if (rc != DD_ENOENT || digest->alg == DD_SHA256 || !repository || !repository[0] ||
	    !follow(store, repository, digest, &other.digest) ||
	    dd_store_stat(store, &other, info, NULL) < 0)
		return rc;
	dd_error_clear(err);
	*place = other;
	return 0;
}

int dd_stored_stat_id(struct dd_store *store, const struct dd_graph *graph, uint32_t id,
		      struct dd_place *place, struct dd_info *info, struct dd_error *err)
{
	struct dd_place other = { .kind = DD_AT_BLOB };
	const struct dd_tie *ties;
	size_t count;
	int rc;

	*place = other;
	dd_ids_get(&graph->ids, id, &place->digest);
	rc = dd_store_stat(store, place, info, err);
	if (rc != DD_ENOENT || place->digest.alg == DD_SHA256 ||
	    !(graph->nodes.items[id].flags & DD_NODE_ALIAS))
		return rc;
	ties = dd_graph_ties(graph, id, &count);
	for (size_t i = 0; i < count; i++) {
		dd_ids_get(&graph->ids, ties[i].to, &other.digest);
		if (!is_alias_of(&place->digest, &other.digest) ||
		    dd_store_stat(store, &other, info, NULL) < 0)
			continue;
		dd_error_clear(err);
		*place = other;
		return 0;
	}
	return rc;
}
