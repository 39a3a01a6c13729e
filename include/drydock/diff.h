/*
 * Differences: of two images, and of two volumes (or of one at two times).
 */
#ifndef DRYDOCK_DIFF_H
#define DRYDOCK_DIFF_H

#include <drydock/json.h>
#include <drydock/manifest.h>
#include <drydock/reference.h>
#include <drydock/snapshot.h>

/* X(constant, name, sign) */
#define DD_DIFFERENCES(X)                    \
	X(DD_DIFF_SAME, "same", "=")         \
	X(DD_DIFF_WENT, "went", "-")         \
	X(DD_DIFF_APPEARED, "appeared", "+") \
	X(DD_DIFF_MOVED, "moved", ">")       \
	X(DD_DIFF_GREW, "grew", "~")         \
	X(DD_DIFF_SHRANK, "shrank", "~")

enum dd_difference {
#define X(constant, name, sign) constant,
	DD_DIFFERENCES(X)
#undef X
	DD_DIFFERENCE_COUNT
};
const char *dd_difference_name(enum dd_difference difference);
const char *dd_difference_sign(enum dd_difference difference);

/* ---- two images ---- */

struct dd_diff_layer {
	enum dd_difference difference; /* same, went, appeared */
	struct dd_digest digest;
	uint64_t size;
	const char *type; /* NULL: not said */
};

/* Something that the configuration or the manifest says. */
struct dd_diff_field {
	const char *field;	    /* "environment", "label", "entrypoint", … */
	const char *key;	    /* NULL where there is but one */
	const char *before, *after; /* NULL: not said */
};

/* One image against another: two manifests, or a platform of two indexes. */
struct dd_diff_image {
	const char *platform; /* NULL: not of an index */
	bool has_before, has_after;
	struct dd_digest before, after;
	enum dd_difference difference;	    /* same, went, appeared, moved */
	const struct dd_diff_layer *layers; /* of moved ones, in the order of both */
	size_t layer_count;
	const struct dd_diff_field *fields; /* what differs */
	size_t field_count;
	uint64_t before_bytes, after_bytes; /* what a pull transfers, each blob once */
	uint64_t shared_bytes;		    /* of these, what both have */
	const char *problem;		    /* why nothing more is known; NULL */
};

struct dd_diff_images {
	struct dd_digest before, after;
	const char *before_type, *after_type;
	struct dd_diff_image *images;
	size_t count;
	uint64_t problems;
	void *memory;
};

/* References to one manifest each. DD_EUSAGE: an index against what is none. */
int dd_diff_images(struct dd_context *ctx, struct dd_store *store,
		   const struct dd_reference *before, const struct dd_reference *after,
		   struct dd_diff_images *diff, struct dd_error *err);
void dd_diff_images_release(struct dd_diff_images *diff);

/* ---- two volumes ---- */

/* X(constant, name, plural) */
#define DD_CHANGED(X)                                          \
	X(DD_CHANGED_REPOSITORY, "repository", "repositories") \
	X(DD_CHANGED_TAG, "tag", "tags")                       \
	X(DD_CHANGED_MANIFEST, "manifest", "manifests")        \
	X(DD_CHANGED_BLOB, "blob", "blobs")

enum dd_changed {
#define X(constant, name, plural) constant,
	DD_CHANGED(X)
#undef X
	DD_CHANGED_COUNT
};
const char *dd_changed_name(enum dd_changed what);
const char *dd_changed_plural(enum dd_changed what);

struct dd_change {
	enum dd_changed what;
	enum dd_difference difference;
	const char *repository, *tag;	    /* NULL where there is none */
	bool has_before, has_after;	    /* digests */
	struct dd_digest before, after;	    /* of tags, manifests and blobs */
	uint64_t before_bytes, after_bytes; /* of repositories and blobs */
};

struct dd_diff_volumes {
	const struct dd_snapshot *before, *after; /* borrowed */
	struct dd_change *changes;
	size_t count;
	uint64_t counts[DD_CHANGED_COUNT][DD_DIFFERENCE_COUNT];
	uint64_t appeared_bytes, went_bytes; /* of blobs */
};

/*
 * everything: manifests and blobs are listed one by one, too; they are counted in any case. Both
 * snapshots are to live as long as the result.
 */
int dd_diff_volumes(const struct dd_snapshot *before, const struct dd_snapshot *after,
		    bool everything, struct dd_diff_volumes *diff, struct dd_error *err);
void dd_diff_volumes_release(struct dd_diff_volumes *diff);

/* One document each, schema/diff.json. */
void dd_diff_images_json(const struct dd_diff_images *diff, struct dd_json_out *out);
void dd_diff_volumes_json(const struct dd_diff_volumes *diff, struct dd_json_out *out);

#endif
