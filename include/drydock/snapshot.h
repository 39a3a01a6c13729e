/*
 * Snapshots: everything that a volume holds, as a list. Taken of a volume, written as a small
 * checksummed file, read back, and compared (<drydock/diff.h>). No bytes of blobs are in it.
 *
 * The format is in drydock-snapshot(1). What is read is untrusted: every line and the whole must
 * have their sums, names must be such that a volume can have, numbers must lead somewhere.
 */
#ifndef DRYDOCK_SNAPSHOT_H
#define DRYDOCK_SNAPSHOT_H

#include <drydock/index.h>
#include <drydock/json.h>
#include <drydock/store.h>

#define DD_SNAPSHOT_NONE UINT32_MAX
#define DD_SNAPSHOT_MAX ((uint64_t)4 << 30) /* bytes of a file; a million blobs take 80 MiB */

/* A digest that is there, or that something names. */
struct dd_snapshot_blob {
	struct dd_digest digest;
	bool present;
	uint64_t size; /* bytes; 0 if it is not there */
};

struct dd_snapshot_tag {
	const char *name;
	uint32_t blob;	  /* what it points to, in blobs; DD_SNAPSHOT_NONE: it cannot be told */
	int64_t moved_ns; /* 0: not known */
};

struct dd_snapshot_repository {
	const char *name;
	const struct dd_snapshot_tag *tags; /* by name */
	size_t tag_count;
	const uint32_t *manifests, *layers; /* in blobs, ascending */
	size_t manifest_count, layer_count;
	uint64_t bytes; /* of all that it names and that is there, each blob once */
};

struct dd_snapshot {
	int64_t taken_ns;
	const char *root;
	const struct dd_snapshot_blob *blobs; /* by digest */
	size_t blob_count;
	const struct dd_snapshot_repository *repositories; /* by name */
	size_t repository_count;
	uint64_t present, bytes;  /* blobs that are there */
	uint64_t tags, manifests; /* of all repositories */
	uint64_t problems;	  /* places that could not be read, when it was taken */
	void *memory;
};

/* Of a volume, as it is now; nothing of it is changed. index: of kind SURVEYED, or NULL. */
int dd_snapshot_take(struct dd_context *ctx, struct dd_store *store, struct dd_index *index,
		     struct dd_snapshot *snapshot, struct dd_error *err);
/* As a file has it, in heap memory of the caller's. */
int dd_snapshot_format(const struct dd_snapshot *snapshot, char **bytes, size_t *len,
		       struct dd_error *err);
/*
 * Back again; the bytes are decoded in place. DD_EFORMAT with the line, DD_ECORRUPT: a sum is wrong,
 * DD_EUNKNOWN: of a later version.
 */
int dd_snapshot_parse(struct dd_snapshot *snapshot, char *bytes, size_t len, struct dd_error *err);
void dd_snapshot_release(struct dd_snapshot *snapshot);
/* What it holds in short: one document, schema/snapshot.json. */
void dd_snapshot_json(const struct dd_snapshot *snapshot, const char *path,
		      struct dd_json_out *out);

#endif
