/*
 * Tags that are about a manifest, by their names.
 */
#include <string.h>

#include "inspect/referrer_tag.h"

uint32_t dd_referrer_tag_subject(const struct dd_graph *graph,
				 const struct dd_repository *repository, const struct dd_tag *tag)
{
	const char *dash = strchr(tag->name, '-');
	int alg = dash ? dd_algorithm_parse(tag->name, (size_t)(dash - tag->name)) : -1;
	const struct dd_revision *revision;
	struct dd_digest digest;
	uint32_t id;
	size_t len;

	if (alg < 0 || tag->current == DD_NO_ID)
		return DD_NO_ID;
	len = 2 * dd_algorithm_size((enum dd_algorithm)alg);
	if (strlen(dash + 1) < len || (dash[1 + len] && dash[1 + len] != '.') ||
	    dd_digest_parse_hex(&digest, (enum dd_algorithm)alg, dash + 1, len) < 0)
		return DD_NO_ID;
	id = dd_ids_find(&graph->ids, &digest);
	revision = id == DD_NO_ID ? NULL : dd_repository_revision(repository, id);
	return revision && revision->state != DD_LINK_ABSENT && id != tag->current ? id : DD_NO_ID;
}
