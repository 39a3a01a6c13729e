/*
 * The graph: what is known of digests, and which manifest names which. It only grows, and what is
 * in it stays true, for a digest's bytes never change: so a second look at a volume adds to it.
 *
 * Locking: graph->lock guards everything while a scan runs; afterwards it is one thread's.
 */
#ifndef GRAPH_GRAPH_H
#define GRAPH_GRAPH_H

#include <pthread.h>

#include <drydock/doubt.h>
#include <drydock/manifest.h>

#include "base/list.h"
#include "graph/ids.h"

enum {
	DD_NODE_PRESENT = 1 << 0, /* the volume has a directory for the blob */
	DD_NODE_LINKED = 1 << 1,  /* a revision link names it, in some repository */
	DD_NODE_WANTED = 1 << 2,  /* is to be read as a manifest */
	DD_NODE_READ = 1 << 3,	  /* was, and its edges are here */
	DD_NODE_MISSING = 1 << 4, /* wanted, and certainly not there */
	DD_NODE_DOUBT = 1 << 5,	  /* wanted, and unreadable or not understood */
	DD_NODE_TRASHED = 1 << 6, /* its bytes lie in the trash alone */
	DD_NODE_ALIAS = 1 << 7,	  /* graph->ties has more edges from it */
	DD_NODE_REACHED = 1 << 8, /* by some repository */
	DD_NODE_SUBJECT = 1 << 9, /* of a revision in the repository that is being marked */
};

struct dd_node {
	uint32_t manifest; /* index into manifests, DD_NO_ID */
	uint16_t flags;
	uint8_t algorithm; /* of the digest */
	uint64_t size;	   /* bytes, as a descriptor says; 0 not known */
};

/* An edge is an id and a bit. */
#define DD_EDGE_MANIFEST (UINT32_C(1) << 31) /* the descriptor's media type is a manifest's */
#define DD_EDGE_ID(edge) ((edge)&DD_MAX_ID)

struct dd_manifest_node {
	uint32_t id;
	uint32_t first, count; /* edges */
	uint32_t subject;      /* id, DD_NO_ID */
	uint32_t stored;       /* bytes of the manifest itself */
	uint8_t type;	       /* enum dd_manifest_type */
};

/* An edge that no manifest says: an alias, a link that holds another digest, a signature. */
struct dd_tie {
	uint32_t from, to;
};

/* Why a node is in doubt. */
struct dd_node_doubt {
	uint32_t id;
	enum dd_doubt doubt;
	char *detail;
};

struct dd_graph {
	pthread_mutex_t lock;
	struct dd_ids ids;
	DD_LIST(struct dd_node) nodes; /* by id */
	DD_LIST(struct dd_manifest_node) manifests;
	DD_LIST(uint32_t) edges;
	DD_LIST(struct dd_tie) ties;	      /* sorted by from after a scan */
	DD_LIST(struct dd_node_doubt) doubts; /* sorted by id after a scan */
};

int dd_graph_open(struct dd_graph **graph, struct dd_error *err);
/* About so many digests will be interned. Need not be called. */
void dd_graph_reserve(struct dd_graph *graph, size_t count);
void dd_graph_closep(struct dd_graph **graph);

/* With the lock held: the digest's id, its node made if need be. DD_NO_ID without memory. */
uint32_t dd_graph_intern(struct dd_graph *graph, const struct dd_digest *digest);
/* Likewise all of them, that stand so many bytes apart: dd_ids_intern_all(). */
int dd_graph_intern_all(struct dd_graph *graph, const struct dd_digest *first, size_t count,
			size_t apart, uint32_t *ids);
/* Their nodes will be looked at soon. */
void dd_graph_prefetch(const struct dd_graph *graph, const uint32_t *ids, size_t count);
/*
 * Likewise, before what names many digests is added: fetches what will be looked at, so that none has
 * to be waited for. The digests stand so many bytes apart. It need not be called.
 */
void dd_graph_expect(const struct dd_graph *graph, const struct dd_digest *first, size_t count,
		     size_t apart);
/* Blobs that are there. Takes the lock. DD_ENOMEM. */
int dd_graph_see_blobs(struct dd_graph *graph, const struct dd_digest *digests, size_t count);
/*
 * Likewise of those that the graph has already, without its lock: several threads at once, each with other
 * blobs, while nobody adds a digest or looks at a node. Their ids; DD_NO_ID of those that it has not.
 */
void dd_graph_see_named_blobs(struct dd_graph *graph, const struct dd_digest *digests, size_t count,
			      uint32_t *ids);
/*
 * ids: of all its descriptors, by dd_graph_intern_all(), where none of them is legacy; NULL: each is
 * looked for.
 */
int dd_graph_add_manifest(struct dd_graph *graph, uint32_t id, const struct dd_manifest *manifest,
			  const uint32_t *ids, size_t stored, bool trashed, struct dd_error *err);
int dd_graph_add_tie(struct dd_graph *graph, uint32_t from, uint32_t to, struct dd_error *err);
int dd_graph_add_doubt(struct dd_graph *graph, uint32_t id, enum dd_doubt doubt, const char *detail,
		       struct dd_error *err);

/* What was in doubt is known by now, or gone. */
void dd_graph_forget_doubt(struct dd_graph *graph, uint32_t id);

/* Before a scan: forget what a new look will tell anew. After it: sort what is searched. */
void dd_graph_begin_scan(struct dd_graph *graph);
void dd_graph_end_scan(struct dd_graph *graph);

/* The ties from a node: *count of them at the returned place. After a scan. */
const struct dd_tie *dd_graph_ties(const struct dd_graph *graph, uint32_t from, size_t *count);
const struct dd_node_doubt *dd_graph_doubt(const struct dd_graph *graph, uint32_t id);

#endif
