/*
 * Parts, as they are read.
 */
#include <stdio.h>
#include <string.h>

#include "inspect/parts.h"

#define ATTESTATION "attestation-manifest"

void dd_parts_init(struct dd_parts *parts, const struct dd_graph *graph)
{
	memset(parts, 0, sizeof(*parts));
	parts->graph = graph;
}

void dd_parts_release(struct dd_parts *parts)
{
	dd_arena_release(&parts->memory);
	free(parts->words);
	dd_list_release(&parts->parts);
	dd_list_release(&parts->manifests);
}

/* ---- words: a table of texts ---- */

/* FNV-1a: a volume full of words that meet costs whoever made it as much as us. */
static size_t hash(const char *text)
{
	uint64_t sum = UINT64_C(14695981039346656037);

	for (; *text; text++)
		sum = (sum ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return (size_t)(sum ^ sum >> 32);
}

static const char **slot_of(const char **words, size_t room, const char *text)
{
	size_t at = hash(text) & (room - 1);

	while (words[at] && strcmp(words[at], text) != 0)
		at = (at + 1) & (room - 1);
	return &words[at];
}

static bool grow(struct dd_parts *parts)
{
	size_t room = parts->word_room ? 2 * parts->word_room : 64;
	const char **words = calloc(room, sizeof(*words));

	if (!words)
		return false;
	for (size_t i = 0; i < parts->word_room; i++)
		if (parts->words[i])
			*slot_of(words, room, parts->words[i]) = parts->words[i];
	free(parts->words);
	parts->words = words;
	parts->word_room = room;
	return true;
}

static bool word(struct dd_parts *parts, const char *text, const char **kept)
{
	const char **slot;

	*kept = NULL;
	if (!text)
		return true;
	if (2 * parts->word_count >= parts->word_room && !grow(parts))
		return false;
	slot = slot_of(parts->words, parts->word_room, text);
	if (!*slot) {
		*slot = dd_arena_copy(&parts->memory, text, strlen(text));
		parts->word_count += *slot != NULL;
	}
	*kept = *slot;
	return *kept != NULL;
}

/* ---- manifests ---- */

const char *dd_platform_format(const struct dd_descriptor *descriptor,
			       char text[static DD_PLATFORM_TEXT])
{
	const char *os = descriptor->os ? descriptor->os : "?";
	const char *architecture = descriptor->architecture ? descriptor->architecture : "?";

	if (!descriptor->os && !descriptor->architecture)
		return NULL;
	snprintf(text, DD_PLATFORM_TEXT, "%s/%s%s%s", os, architecture,
		 descriptor->variant ? "/" : "", descriptor->variant ? descriptor->variant : "");
	return text;
}

static bool set_about(struct dd_parts *parts, const struct dd_descriptor *descriptor,
		      struct dd_part *part)
{
	const char *kind =
		dd_annotations_get(&descriptor->annotations, "vnd.docker.reference.type");
	const char *about =
		dd_annotations_get(&descriptor->annotations, "vnd.docker.reference.digest");
	struct dd_digest digest;

	if (!kind || strcmp(kind, ATTESTATION) != 0 || !about ||
	    dd_digest_parse(&digest, about, strlen(about)) < 0)
		return true;
	part->about = dd_arena_alloc(&parts->memory, sizeof(digest));
	if (part->about)
		*part->about = digest;
	return part->about != NULL;
}

/* BuildKit says unknown/unknown of what is no image. */
static const char *platform_of(const struct dd_descriptor *descriptor,
			       char text[static DD_PLATFORM_TEXT])
{
	const char *platform = dd_platform_format(descriptor, text);

	return platform && strcmp(platform, "unknown/unknown") != 0 ? platform : NULL;
}

static int add_part(struct dd_parts *parts, const struct dd_descriptor *descriptor)
{
	struct dd_part *part = dd_list_add(&parts->parts);
	char platform[DD_PLATFORM_TEXT];

	if (!part)
		return DD_ENOMEM;
	part->id = dd_ids_find(&parts->graph->ids, &descriptor->digest);
	part->role = (uint8_t)descriptor->role;
	part->is_manifest = descriptor->is_manifest;
	part->elsewhere = descriptor->urls > 0;
	part->sized = descriptor->has_size;
	part->size = descriptor->size;
	return word(parts, descriptor->media_type, &part->type) &&
			       word(parts, descriptor->artifact_type, &part->artifact) &&
			       word(parts, platform_of(descriptor, platform), &part->platform) &&
			       set_about(parts, descriptor, part) ?
		       0 :
		       DD_ENOMEM;
}

/* What a config's media type says of the whole: nothing if it is an image's. */
static const char *artifact_of(const struct dd_manifest *manifest)
{
	const char *type = NULL;

	if (manifest->artifact_type)
		return manifest->artifact_type;
	for (size_t i = 0; i < manifest->count && !type; i++)
		if (manifest->descriptors[i].role == DD_ROLE_CONFIG)
			type = manifest->descriptors[i].media_type;
	return type && strcmp(type, "application/vnd.oci.image.config.v1+json") != 0 &&
			       strcmp(type, "application/vnd.docker.container.image.v1+json") != 0 ?
		       type :
		       NULL;
}

int dd_parts_add(void *arg, uint32_t id, const struct dd_manifest *manifest)
{
	struct dd_parts *parts = arg;
	size_t index = parts->graph->nodes.items[id].manifest, first = parts->parts.count;
	struct dd_parts_of *of = NULL;
	int rc = 0;

	while (parts->manifests.count <= index) {
		of = dd_list_add(&parts->manifests);
		if (!of)
			return DD_ENOMEM;
	}
	for (size_t i = 0; i < manifest->count && rc == 0; i++)
		if (!manifest->descriptors[i].legacy)
			rc = add_part(parts, &manifest->descriptors[i]);
	of = &parts->manifests.items[index];
	of->first = (uint32_t)first;
	of->count = (uint32_t)(parts->parts.count - first);
	return rc == 0 && word(parts, artifact_of(manifest), &of->artifact) ? 0 : DD_ENOMEM;
}

const struct dd_part *dd_parts_get(const struct dd_parts *parts, uint32_t id, size_t *count)
{
	uint32_t index = parts->graph->nodes.items[id].manifest;

	*count = 0;
	if (index == DD_NO_ID || index >= parts->manifests.count)
		return NULL;
	*count = parts->manifests.items[index].count;
	return parts->parts.items + parts->manifests.items[index].first;
}

const char *dd_parts_artifact(const struct dd_parts *parts, uint32_t id)
{
	uint32_t index = parts->graph->nodes.items[id].manifest;

	return index == DD_NO_ID || index >= parts->manifests.count ?
		       NULL :
		       parts->manifests.items[index].artifact;
}
