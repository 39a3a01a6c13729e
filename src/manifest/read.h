/*
 * Between the files that read manifests: fields of the right type, or an error that says where.
 */
#ifndef MANIFEST_READ_H
#define MANIFEST_READ_H

#include <drydock/manifest.h>

#include "base/arena.h"
#include "text/json.h"

/* Where in the document: "layers[3]", "config", or nothing at its top. */
struct dd_place {
	const char *field; /* NULL at the top */
	size_t index;
	bool listed;
};

/* Start an error: "layers[3].size: …". name is NULL for the place itself. */
int dd_place_fail(const struct dd_place *place, const char *name, struct dd_error *err, int code,
		  const char *fmt, ...) DD_PRINTF(5, 6);

/* All take NULL for a value that is absent, and fail with DD_EFORMAT if it is of another type. */
int dd_read_type(const struct dd_json *value, enum dd_json_type type, const struct dd_place *place,
		 const char *name, struct dd_error *err);
/* A copy in the arena; NULL if absent or empty. No NUL is inside. */
int dd_read_text(struct dd_arena *arena, const struct dd_json *value, const struct dd_place *place,
		 const char *name, const char **text, struct dd_error *err);
int dd_read_annotations(struct dd_arena *arena, const struct dd_json *value,
			const struct dd_place *place, struct dd_annotations *annotations,
			struct dd_error *err);

/* fs_layer: an entry of schema 1's fsLayers, which has a blobSum and nothing else. */
int dd_read_descriptor(struct dd_arena *arena, const struct dd_json *value,
		       const struct dd_place *place, enum dd_role role, bool fs_layer,
		       struct dd_descriptor *descriptor, struct dd_error *err);

/* The arena refused. */
int dd_arena_fail(const struct dd_arena *arena, struct dd_error *err);

#endif
