/*
 * What a manifest says, as the index keeps it: all that its descriptors have, so that whoever asks
 * more than which digests it names need not read it either. Most of it are the same few words, each a
 * number here; others follow as they are, with their NUL, and are handed out where they lie.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/list.h"
#include "index/survey.h"

/* Numbers from 1 on. They are in files: a change of the order is one of DD_FACT_VERSION. */
static const char *const words[] = {
	"application/vnd.oci.image.manifest.v1+json",
	"application/vnd.oci.image.index.v1+json",
	"application/vnd.oci.image.config.v1+json",
	"application/vnd.oci.image.layer.v1.tar",
	"application/vnd.oci.image.layer.v1.tar+gzip",
	"application/vnd.oci.image.layer.v1.tar+zstd",
	"application/vnd.oci.empty.v1+json",
	"application/vnd.docker.distribution.manifest.v2+json",
	"application/vnd.docker.distribution.manifest.list.v2+json",
	"application/vnd.docker.container.image.v1+json",
	"application/vnd.docker.image.rootfs.diff.tar.gzip",
	"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
	"application/vnd.dev.cosign.simplesigning.v1+json",
	"application/vnd.dev.sigstore.bundle.v0.3+json",
	"application/vnd.in-toto+json",
	"application/vnd.cncf.helm.config.v1+json",
	"application/vnd.cncf.helm.chart.content.v1.tar+gzip",
	"application/vnd.buildkit.cacheconfig.v0",
	"application/spdx+json",
	"application/vnd.cyclonedx+json",
	"application/octet-stream",
	"linux",
	"windows",
	"unknown",
	"amd64",
	"arm64",
	"arm",
	"386",
	"ppc64le",
	"s390x",
	"riscv64",
	"v5",
	"v6",
	"v7",
	"v8",
};

enum { NO_WORD = 0, OTHER_WORD = 255 };

enum {
	IS_MANIFEST = 1 << 0,
	HAS_SIZE = 1 << 1,
	HAS_DATA = 1 << 2,
	HAS_URLS = 1 << 3,
	HAS_VERSION = 1 << 4, /* of the operating system */
	HAS_ANNOTATIONS = 1 << 5,
	HAS_MORE = 1 << 6, /* than a media type: an artifact type, or a platform */
	INFERRED = 1 << 7, /* of the manifest */
};

struct head {
	uint32_t stored;
	uint32_t count, annotations; /* all in all */
	uint8_t type, flags, media_type, artifact_type;
};

/*
 * A descriptor: these bytes, its size, numbers of more words if it has any, the bytes of the digest,
 * then what words there are no numbers for, and annotations.
 */
enum { ALG, ROLE, FLAGS, MEDIA_TYPE, BYTES };
enum { ARTIFACT_TYPE, OS, ARCHITECTURE, VARIANT, MORE };

/* ---- into bytes ---- */

struct packing {
	struct dd_buffer *rest;
	bool failed;
};

static void put(struct packing *packing, const void *bytes, size_t len)
{
	packing->failed =
		packing->failed || len > DD_FACT_MAX || dd_buffer_reserve(packing->rest, len) < 0;
	if (packing->failed || !len)
		return;
	memcpy(packing->rest->bytes + packing->rest->len, bytes, len);
	packing->rest->len += len;
}

static uint8_t number_of(const char *text)
{
	for (size_t i = 0; text && i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(words[i], text))
			return (uint8_t)(i + 1);
	return text ? OTHER_WORD : NO_WORD;
}

static void put_word(struct packing *packing, uint8_t number, const char *text)
{
	if (number == OTHER_WORD)
		put(packing, text, strlen(text) + 1);
}

static void put_annotations(struct packing *packing, const struct dd_annotations *annotations)
{
	uint32_t count = (uint32_t)annotations->count;

	if (!count)
		return;
	put(packing, &count, sizeof(count));
	for (size_t i = 0; i < count; i++) {
		const struct dd_annotation *one = &annotations->items[i];
		uint32_t len = (uint32_t)one->value_len;

		put(packing, one->key, strlen(one->key) + 1);
		put(packing, &len, sizeof(len));
		put(packing, one->value, one->value_len);
		put(packing, "", 1);
	}
}

static unsigned flags_of(const struct dd_descriptor *descriptor)
{
	return (descriptor->is_manifest ? IS_MANIFEST : 0u) |
	       (descriptor->has_size ? HAS_SIZE : 0u) | (descriptor->has_data ? HAS_DATA : 0u) |
	       (descriptor->urls ? HAS_URLS : 0u) | (descriptor->os_version ? HAS_VERSION : 0u) |
	       (descriptor->annotations.count ? HAS_ANNOTATIONS : 0u) |
	       (descriptor->artifact_type || descriptor->os || descriptor->architecture ||
				descriptor->variant ?
			HAS_MORE :
			0u);
}

static void put_descriptor(struct packing *packing, const struct dd_descriptor *descriptor)
{
	const uint8_t bytes[BYTES] = { [ALG] = descriptor->digest.alg,
				       [ROLE] = (uint8_t)descriptor->role,
				       [FLAGS] = (uint8_t)flags_of(descriptor),
				       [MEDIA_TYPE] = number_of(descriptor->media_type) };
	const uint8_t more[MORE] = { [ARTIFACT_TYPE] = number_of(descriptor->artifact_type),
				     [OS] = number_of(descriptor->os),
				     [ARCHITECTURE] = number_of(descriptor->architecture),
				     [VARIANT] = number_of(descriptor->variant) };

	put(packing, bytes, sizeof(bytes));
	put(packing, &descriptor->size, sizeof(descriptor->size));
	if (bytes[FLAGS] & HAS_MORE)
		put(packing, more, sizeof(more));
	put(packing, descriptor->digest.bytes, dd_digest_size(&descriptor->digest));
	put_word(packing, bytes[MEDIA_TYPE], descriptor->media_type);
	put_word(packing, more[ARTIFACT_TYPE], descriptor->artifact_type);
	put_word(packing, more[OS], descriptor->os);
	put_word(packing, more[ARCHITECTURE], descriptor->architecture);
	put_word(packing, more[VARIANT], descriptor->variant);
	put_word(packing, descriptor->os_version ? OTHER_WORD : NO_WORD, descriptor->os_version);
	put_annotations(packing, &descriptor->annotations);
}

int dd_fact_pack_manifest(struct dd_buffer *rest, const struct dd_surveyed *surveyed)
{
	const struct dd_manifest *manifest = &surveyed->manifest;
	struct packing packing = { .rest = rest };
	struct head head = {
		.stored = (uint32_t)surveyed->stored,
		.type = (uint8_t)manifest->type,
		.flags = (uint8_t)((manifest->inferred ? INFERRED : 0) |
				   (manifest->annotations.count ? HAS_ANNOTATIONS : 0)),
		.media_type = number_of(manifest->media_type),
		.artifact_type = number_of(manifest->artifact_type),
		.annotations = (uint32_t)manifest->annotations.count,
	};

	for (size_t i = 0; i < manifest->count; i++) {
		head.count += !manifest->descriptors[i].legacy;
		head.annotations += (uint32_t)manifest->descriptors[i].annotations.count;
	}
	put(&packing, &head, sizeof(head));
	put_word(&packing, head.media_type, manifest->media_type);
	put_word(&packing, head.artifact_type, manifest->artifact_type);
	put_annotations(&packing, &manifest->annotations);
	for (size_t i = 0; i < manifest->count && !packing.failed; i++)
		if (!manifest->descriptors[i].legacy)
			put_descriptor(&packing, &manifest->descriptors[i]);
	return packing.failed || rest->len > DD_FACT_MAX ? DD_ENOMEM : 0;
}

/* ---- out of bytes ---- */

struct unpacking {
	const unsigned char *at, *end;
	struct dd_annotation *annotations; /* that are not taken yet */
	size_t left;
	bool failed;
};

static const void *take(struct unpacking *unpacking, size_t len)
{
	const void *bytes = unpacking->at;

	unpacking->failed = unpacking->failed || (size_t)(unpacking->end - unpacking->at) < len;
	if (unpacking->failed)
		return NULL;
	unpacking->at += len;
	return bytes;
}

static void take_into(struct unpacking *unpacking, void *into, size_t len)
{
	const void *bytes = take(unpacking, len);

	if (bytes)
		memcpy(into, bytes, len);
}

static const char *take_text(struct unpacking *unpacking)
{
	size_t most = (size_t)(unpacking->end - unpacking->at);
	const unsigned char *nul = most ? memchr(unpacking->at, '\0', most) : NULL;

	unpacking->failed |= !nul;
	return nul ? take(unpacking, (size_t)(nul - unpacking->at) + 1) : NULL;
}

static const char *take_word(struct unpacking *unpacking, uint8_t number)
{
	if (number == NO_WORD)
		return NULL;
	if (number == OTHER_WORD)
		return take_text(unpacking);
	unpacking->failed |= number > sizeof(words) / sizeof(*words);
	return unpacking->failed ? NULL : words[number - 1];
}

static void take_annotations(struct unpacking *unpacking, struct dd_annotations *annotations)
{
	uint32_t count = 0;

	take_into(unpacking, &count, sizeof(count));
	unpacking->failed |= count > unpacking->left;
	if (unpacking->failed)
		return;
	annotations->items = unpacking->annotations;
	annotations->count = count;
	for (uint32_t i = 0; i < count && !unpacking->failed; i++) {
		struct dd_annotation *one = unpacking->annotations++;
		const char *value;
		uint32_t len = 0;

		unpacking->left--;
		one->key = take_text(unpacking);
		take_into(unpacking, &len, sizeof(len));
		one->value_len = len;
		value = take(unpacking, (size_t)len + 1);
		one->value = value;
		unpacking->failed |= value && value[len];
	}
}

static void take_descriptor(struct unpacking *unpacking, struct dd_descriptor *descriptor)
{
	uint8_t bytes[BYTES] = { 0 }, more[MORE] = { 0 };

	memset(descriptor, 0, sizeof(*descriptor));
	take_into(unpacking, bytes, sizeof(bytes));
	take_into(unpacking, &descriptor->size, sizeof(descriptor->size));
	if (bytes[FLAGS] & HAS_MORE)
		take_into(unpacking, more, sizeof(more));
	unpacking->failed |= bytes[ALG] >= DD_ALGORITHM_COUNT || bytes[ROLE] >= DD_ROLE_COUNT;
	if (unpacking->failed)
		return;
	descriptor->role = (enum dd_role)bytes[ROLE];
	descriptor->is_manifest = bytes[FLAGS] & IS_MANIFEST;
	descriptor->has_size = bytes[FLAGS] & HAS_SIZE;
	descriptor->has_data = bytes[FLAGS] & HAS_DATA;
	descriptor->urls = bytes[FLAGS] & HAS_URLS ? 1 : 0;
	descriptor->digest.alg = bytes[ALG];
	take_into(unpacking, descriptor->digest.bytes,
		  dd_algorithm_size((enum dd_algorithm)bytes[ALG]));
	descriptor->media_type = take_word(unpacking, bytes[MEDIA_TYPE]);
	descriptor->artifact_type = take_word(unpacking, more[ARTIFACT_TYPE]);
	descriptor->os = take_word(unpacking, more[OS]);
	descriptor->architecture = take_word(unpacking, more[ARCHITECTURE]);
	descriptor->variant = take_word(unpacking, more[VARIANT]);
	if (bytes[FLAGS] & HAS_VERSION)
		descriptor->os_version = take_text(unpacking);
	if (bytes[FLAGS] & HAS_ANNOTATIONS)
		take_annotations(unpacking, &descriptor->annotations);
}

static bool make_room(struct dd_descriptors *room, const struct head *head, size_t most)
{
	/* Neither can be more than there are bytes for. */
	if (head->count > most / BYTES || head->annotations > most)
		return false;
	if (dd_list_reserve(room, head->count) < 0)
		return false;
	if (head->annotations && !room->memory)
		room->memory = calloc(1, sizeof(struct dd_arena));
	return !head->annotations || room->memory;
}

bool dd_fact_unpack_manifest(const MDB_val *rest, struct dd_descriptors *room,
			     struct dd_surveyed *surveyed)
{
	struct unpacking unpacking = { .at = rest->mv_data };
	struct dd_manifest *manifest = &surveyed->manifest;
	struct head head = { 0 };

	unpacking.end = unpacking.at + rest->mv_size;
	take_into(&unpacking, &head, sizeof(head));
	if (unpacking.failed || head.type >= DD_MANIFEST_TYPE_COUNT ||
	    !make_room(room, &head, rest->mv_size))
		return false;
	unpacking.left = head.annotations;
	if (head.annotations)
		unpacking.annotations = dd_arena_alloc(
			room->memory, head.annotations * sizeof(*unpacking.annotations));
	if (head.annotations && !unpacking.annotations)
		return false;
	surveyed->stored = head.stored;
	manifest->type = (enum dd_manifest_type)head.type;
	manifest->inferred = head.flags & INFERRED;
	manifest->media_type = take_word(&unpacking, head.media_type);
	manifest->artifact_type = take_word(&unpacking, head.artifact_type);
	if (head.flags & HAS_ANNOTATIONS)
		take_annotations(&unpacking, &manifest->annotations);
	manifest->count = head.count;
	for (uint32_t i = 0; i < head.count && !unpacking.failed; i++) {
		struct dd_descriptor *descriptor = &room->items[room->count + i];

		take_descriptor(&unpacking, descriptor);
		manifest->size += descriptor->role == DD_ROLE_SUBJECT ? 0 : descriptor->size;
	}
	if (unpacking.failed || unpacking.at != unpacking.end)
		return false;
	dd_surveyed_place(surveyed, room->items + room->count);
	room->count += head.count;
	return true;
}

void dd_surveyed_place(struct dd_surveyed *surveyed, const struct dd_descriptor *descriptors)
{
	struct dd_manifest *manifest = &surveyed->manifest;

	manifest->descriptors = descriptors;
	manifest->subject = NULL;
	for (size_t i = 0; i < manifest->count; i++)
		if (descriptors[i].role == DD_ROLE_SUBJECT)
			manifest->subject = &descriptors[i];
}

void dd_descriptors_empty(struct dd_descriptors *room)
{
	room->count = 0;
	if (room->memory)
		dd_arena_release(room->memory);
}

void dd_descriptors_release(struct dd_descriptors *room)
{
	dd_descriptors_empty(room);
	free(room->memory);
	free(room->items);
	memset(room, 0, sizeof(*room));
}
