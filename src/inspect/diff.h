/*
 * Between the files that compare images.
 */
#ifndef INSPECT_DIFF_H
#define INSPECT_DIFF_H

#include <drydock/diff.h>

#include "base/arena.h"
#include "base/list.h"

/* Something that a manifest or configuration says. */
struct dd_said {
	unsigned order; /* of its field, among all */
	const char *field, *key, *value;
};

/* One manifest, as far as it is compared. */
struct dd_sided {
	const char *repository; /* "": none in particular */
	struct dd_digest digest;
	enum dd_manifest_type type;
	uint64_t bytes;
	bool has_config;
	struct dd_descriptor config;	     /* digest and size count */
	const char *problem;		     /* NULL: it could be read */
	DD_LIST(struct dd_diff_layer) parts; /* layers and blobs; of an index its children */
	DD_LIST(const char *) platforms;     /* of an index, one for each of the parts */
	DD_LIST(struct dd_said) said;
};

struct dd_differing {
	struct dd_context *ctx;
	struct dd_store *store;
	const struct dd_reference *references[2]; /* before and after */
	struct dd_diff_images *diff;
	struct dd_arena *memory;
	DD_LIST(struct dd_diff_image) images;
};

/* diff_said.c */
const char *dd_differ_copy(struct dd_differing *differing, const char *text, struct dd_error *err);
int dd_sided_say(struct dd_differing *differing, struct dd_sided *side, unsigned order,
		 const char *field, const char *key, const char *value, struct dd_error *err);
/* The fields that differ, into the image; what was said gets sorted. */
int dd_differ_fields(struct dd_differing *differing, struct dd_sided *before,
		     struct dd_sided *after, struct dd_diff_image *image, struct dd_error *err);

/* diff_side.c: What a manifest names and says, and its configuration; what cannot be read is its problem. */
int dd_sided_read(struct dd_differing *differing, const char *repository,
		  const struct dd_digest *digest, struct dd_sided *side, struct dd_error *err);
void dd_sided_release(struct dd_sided *side);
/* diff_config.c: of its configuration, if that is an image's. */
int dd_sided_configure(struct dd_differing *differing, struct dd_sided *side, struct dd_error *err);

#define DD_SAID_MANIFEST 1000 /* orders of what manifests say begin here */

#endif
