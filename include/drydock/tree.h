/*
 * The tree: from repositories to tags, to the manifests of an index, to their layers, with referrers
 * (signatures, SBOMs, attestations) under what they are about.
 */
#ifndef DRYDOCK_TREE_H
#define DRYDOCK_TREE_H

#include <drydock/index.h>
#include <drydock/json.h>
#include <drydock/manifest.h>
#include <drydock/reference.h>
#include <drydock/store.h>

/* X(constant, name) */
#define DD_TREE_KINDS(X)                    \
	X(DD_TREE_REPOSITORY, "repository") \
	X(DD_TREE_TAG, "tag")               \
	X(DD_TREE_UNTAGGED, "untagged")     \
	X(DD_TREE_MANIFEST, "manifest")     \
	X(DD_TREE_CONFIG, "config")         \
	X(DD_TREE_LAYER, "layer")           \
	X(DD_TREE_BLOB, "blob")             \
	X(DD_TREE_REFERRER, "referrer")     \
	X(DD_TREE_ATTESTATION, "attestation")

/* untagged: a manifest that no tag leads to. attestation: BuildKit's, a part of the index. */
enum dd_tree_kind {
#define X(constant, name) constant,
	DD_TREE_KINDS(X)
#undef X
	DD_TREE_KIND_COUNT
};

const char *dd_tree_kind_name(enum dd_tree_kind kind);

#define DD_TREE_NONE SIZE_MAX
#define DD_TREE_DEEPEST 24 /* what lies deeper is cut off, whatever is asked for */

struct dd_tree_node {
	enum dd_tree_kind kind;
	size_t parent; /* index; DD_TREE_NONE */
	unsigned depth;
	const char *repository; /* repositories, tags */
	const char *tag;	/* tags; referrers by the name of their tag */
	bool has_digest;
	struct dd_digest digest;
	const char *type;     /* short manifest type, or a blob's media type; NULL: not known */
	const char *platform; /* "linux/arm64/v8"; NULL if none */
	const char *artifact; /* what a manifest is that is no image; NULL */
	const char *problem;  /* NULL if it is whole */
	uint64_t
		size; /* of its own bytes; of a layer of schema 1, which does not say, its file's */
	uint64_t total;	  /* of all that a pull of it transfers, each blob once */
	uint64_t used_by; /* blobs: manifests that name it, among those that were looked at */
	uint64_t tags, manifests; /* repositories */
	int64_t pushed_ns;	  /* tags; 0: not known */
	bool present;		  /* its bytes are here */
	bool repeated;		  /* its parts stand under an earlier node of the same tag */
	bool cut;		  /* it has parts, which are too deep to be shown */
};

struct dd_tree {
	struct dd_tree_node *nodes; /* parents before children, children in order */
	size_t count;
	uint64_t problems; /* nodes with a problem, and places that could not be read */
	void *memory;
};

struct dd_tree_options {
	unsigned depth;
	/* Of kind SURVEYED, for the whole volume; NULL: every manifest is read. */
	struct dd_index *index;
};

/*
 * reference NULL: the whole volume. depth 0: as deep as it goes; 1: the first level alone. Of one
 * repository no other is looked at; of a digest alone, nothing but what it leads to.
 */
int dd_tree(struct dd_context *ctx, struct dd_store *store, const struct dd_reference *reference,
	    const struct dd_tree_options *options, struct dd_tree *tree, struct dd_error *err);
void dd_tree_release(struct dd_tree *tree);
/* One document, schema/tree.json. */
void dd_tree_json(const struct dd_tree *tree, struct dd_json_out *out);

#endif
