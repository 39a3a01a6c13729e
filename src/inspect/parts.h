/*
 * Parts: what manifests say of what they name, beyond the graph's edges. Filled while a survey reads.
 */
#ifndef INSPECT_PARTS_H
#define INSPECT_PARTS_H

#include "base/arena.h"
#include "graph/survey.h"

struct dd_part {
	uint32_t id;
	uint8_t role;	  /* enum dd_role */
	bool is_manifest; /* by its media type */
	bool elsewhere;	  /* can be had from other places: need not be here */
	bool sized;	  /* schema 1 does not say how large its layers are */
	uint64_t size;
	/* Each text is there once, so that pointers can be compared; NULL if not said. */
	const char *type, *artifact, *platform;
	struct dd_digest *about; /* BuildKit: an attestation, of this manifest; else NULL */
};

struct dd_parts_of {
	uint32_t first, count;
	const char *artifact; /* artifactType, else the config's media type if it is no image's */
};

struct dd_parts {
	const struct dd_graph *graph;
	struct dd_arena memory;
	const char **words; /* a power of two of them, or none */
	size_t word_count, word_room;
	DD_LIST(struct dd_part) parts;
	/* By manifest of the graph. */
	DD_LIST(struct dd_parts_of) manifests;
};

void dd_parts_init(struct dd_parts *parts, const struct dd_graph *graph);
void dd_parts_release(struct dd_parts *parts);
/* As in struct dd_onlooker: arg is a struct dd_parts. */
int dd_parts_add(void *arg, uint32_t id, const struct dd_manifest *manifest);
/* What a manifest names; *count 0 if nothing is known of it. */
const struct dd_part *dd_parts_get(const struct dd_parts *parts, uint32_t id, size_t *count);
const char *dd_parts_artifact(const struct dd_parts *parts, uint32_t id);

/* "linux/arm64/v8" into a buffer; NULL if the descriptor has none. */
#define DD_PLATFORM_TEXT 256
const char *dd_platform_format(const struct dd_descriptor *descriptor,
			       char text[static DD_PLATFORM_TEXT]);

#endif
