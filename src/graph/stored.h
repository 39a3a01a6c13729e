/*
 * Where the bytes of a digest lie. Mostly under itself; of an alias, a layer that was pushed as sha512
 * to a registry that stores all blobs under sha256, where the repository's link to it says.
 */
#ifndef GRAPH_STORED_H
#define GRAPH_STORED_H

#include <drydock/store.h>

#include "graph/graph.h"

/*
 * A blob as the repository has it (NULL or "": none in particular, which knows no alias). *place: where it
 * lies, or would. As dd_store_stat() fails.
 */
int dd_stored_stat(struct dd_store *store, const char *repository, const struct dd_digest *digest,
		   struct dd_place *place, struct dd_info *info, struct dd_error *err);

/* Likewise as any of the repositories has it that were surveyed. After a scan. */
int dd_stored_stat_id(struct dd_store *store, const struct dd_graph *graph, uint32_t id,
		      struct dd_place *place, struct dd_info *info, struct dd_error *err);

#endif
