/*
 * What a step is called: a type, a role, and of an index's manifests the platform. The graph keeps the
 * first alone, so that the manifests on the ways that are listed are read once more, each once.
 */
#include <stdio.h>
#include <stdlib.h>

#include "gc/why.h"

const char *dd_why_type(const struct dd_graph *graph, uint32_t id)
{
	uint32_t manifest = graph->nodes.items[id].manifest;

	return manifest == DD_NO_ID ? NULL :
				      dd_manifest_type_name(graph->manifests.items[manifest].type);
}

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "tell what a step is");
}

static int name_platform(struct dd_why *why, const struct dd_descriptor *descriptor,
			 const char **platform, struct dd_error *err)
{
	char text[256];

	if (!descriptor->os && !descriptor->architecture)
		return 0;
	snprintf(text, sizeof(text), "%s/%s%s%s", descriptor->os ? descriptor->os : "?",
		 descriptor->architecture ? descriptor->architecture : "?",
		 descriptor->variant ? "/" : "", descriptor->variant ? descriptor->variant : "");
	*platform = dd_arena_copy(&why->memory, text, strlen(text));
	return *platform ? 0 : no_memory(err);
}

/* Bytes in the volume, else in the trash. */
static int read_manifest(struct dd_why *why, const struct dd_digest *digest,
			 const struct dd_manifest **manifest)
{
	struct dd_place place = { .kind = DD_AT_BLOB, .digest = *digest };
	int rc = dd_store_read(why->store, &place, DD_MANIFEST_MAX, &why->buffer, NULL, NULL);

	if (rc == DD_ENOENT && dd_trash_view_has(&why->gc->trash, digest, &place))
		rc = dd_store_read(why->store, &place, DD_MANIFEST_MAX, &why->buffer, NULL, NULL);
	if (rc == 0)
		rc = dd_manifest_verify_and_parse(why->parser, digest, why->buffer.bytes,
						  why->buffer.len, NULL, manifest, NULL);
	return rc;
}

/* Edges stand in the order of the descriptors that they were made of. */
static int label_manifest(struct dd_why *why, const struct dd_manifest_node *node,
			  struct dd_error *err)
{
	const struct dd_manifest *manifest;
	struct dd_digest digest;
	uint32_t edge = 0;
	int rc = 0;

	dd_ids_get(&why->gc->graph->ids, node->id, &digest);
	/* What cannot be read now was read a moment ago: its steps have no names. */
	if (read_manifest(why, &digest, &manifest) < 0)
		return 0;
	for (size_t i = 0; i < manifest->count && edge < node->count && rc == 0; i++) {
		const struct dd_descriptor *descriptor = &manifest->descriptors[i];
		struct dd_why_step *label = &why->labels[node->first + edge];

		if (descriptor->legacy || descriptor->role == DD_ROLE_SUBJECT)
			continue;
		edge++;
		label->role = dd_role_name(descriptor->role);
		rc = name_platform(why, descriptor, &label->platform, err);
	}
	return rc;
}

int dd_why_label(struct dd_why *why, const struct dd_why_edge *edge, struct dd_why_step *step,
		 struct dd_error *err)
{
	const struct dd_graph *graph = why->gc->graph;
	uint32_t manifest = graph->nodes.items[edge->parent].manifest;
	int rc = 0;

	step->role = edge->edge == DD_NO_ID ? "alias" : NULL;
	if (edge->edge == DD_NO_ID)
		return 0;
	if (!why->parser) {
		rc = dd_manifest_parser_open(&why->parser, err);
		if (rc < 0)
			return rc;
		why->labels = calloc(graph->edges.count + 1, sizeof(*why->labels));
		why->labelled = calloc(graph->manifests.count + 1, sizeof(*why->labelled));
		if (!why->labels || !why->labelled)
			return no_memory(err);
	}
	if (!why->labelled[manifest])
		rc = label_manifest(why, &graph->manifests.items[manifest], err);
	why->labelled[manifest] = true;
	step->role = why->labels[edge->edge].role;
	step->platform = why->labels[edge->edge].platform;
	if (!step->role)
		step->role =
			graph->edges.items[edge->edge] & DD_EDGE_MANIFEST ? "manifest" : "blob";
	return rc;
}
