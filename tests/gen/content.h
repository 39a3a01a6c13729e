/*
 * What the blobs of a made volume hold: layers of arbitrary bytes (no tar
 * archives), and configs, manifests, indexes and referrers as clients push
 * them. The same numbers and the same seed give the same bytes.
 */
#ifndef TESTS_GEN_CONTENT_H
#define TESTS_GEN_CONTENT_H

#include "writer.h"

#include <stdarg.h>

#define EMPTY_TYPE "application/vnd.oci.empty.v1+json"

/* A text that grows; used again and again. */
struct text {
	char *at;
	size_t len;
	size_t cap;
};

/* A blob as a descriptor names it. */
struct part {
	struct hex hex;
	size_t size;
};

/* The media types of either family. */
struct family {
	const char *manifest;
	const char *index;
	const char *config;
	const char *layer;
};

static const struct family docker_types = {
	.manifest = "application/vnd.docker.distribution.manifest.v2+json",
	.index = "application/vnd.docker.distribution.manifest.list.v2+json",
	.config = "application/vnd.docker.container.image.v1+json",
	.layer = "application/vnd.docker.image.rootfs.diff.tar.gzip",
};

static const struct family oci_types = {
	.manifest = "application/vnd.oci.image.manifest.v1+json",
	.index = "application/vnd.oci.image.index.v1+json",
	.config = "application/vnd.oci.image.config.v1+json",
	.layer = "application/vnd.oci.image.layer.v1.tar+gzip",
};

static const char *const platforms[] = { "amd64", "arm64", "ppc64le", "s390x", "riscv64", "386" };

static const char *platform_name(uint64_t number)
{
	return platforms[number % (sizeof(platforms) / sizeof(*platforms))];
}

/* So that no two layers are alike, each is at least this long. */
#define LAYER_MIN 16

enum layer_kind { LAYER_OWN, LAYER_BASE, LAYER_ORPHAN, LAYER_SBOM, LAYER_UPLOAD };

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15); /* splitmix64 */

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* Bytes that depend on the seed and on which layer of which image it is. */
static void fill_layer(char *at, size_t len, uint64_t seed, enum layer_kind kind, uint64_t owner,
		       uint64_t number)
{
	uint64_t state = seed;

	state = next_random(&state) ^ (uint64_t)kind;
	state = next_random(&state) ^ owner;
	state = next_random(&state) ^ number;
	for (size_t i = 0; i < len; i += sizeof(uint64_t)) {
		uint64_t word = next_random(&state);

		memcpy(at + i, &word, len - i < sizeof(word) ? len - i : sizeof(word));
	}
}

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
	va_list args;
	size_t room = text->cap - text->len;
	int n;

	va_start(args, format);
	n = vsnprintf(text->at ? text->at + text->len : NULL, room, format, args);
	va_end(args);
	if (n < 0)
		errx(3, "cannot format");
	if ((size_t)n >= room) {
		text->cap = (text->cap + (size_t)n + 1) * 2;
		text->at = realloc(text->at, text->cap);
		if (!text->at)
			err(3, "cannot grow a text");
		va_start(args, format);
		vsnprintf(text->at + text->len, text->cap - text->len, format, args);
		va_end(args);
	}
	text->len += (size_t)n;
}

static void add_descriptor(struct text *text, const char *type, const struct part *part)
{
	add(text, "{\"mediaType\":\"%s\",\"digest\":\"sha256:%s\",\"size\":%zu}", type,
	    part->hex.text, part->size);
}

static void config_text(struct text *text, const char *label, const char *platform,
			const struct part *layers, size_t n)
{
	text->len = 0;
	add(text,
	    "{\"architecture\":\"%s\",\"os\":\"linux\",\"config\":{\"Labels\":{\"image\":\"%s\"}},"
	    "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[",
	    platform, label);
	for (size_t i = 0; i < n; i++)
		add(text, "%s\"sha256:%s\"", i ? "," : "", layers[i].hex.text);
	add(text, "]}}");
}

static void manifest_text(struct text *text, const struct family *family, const struct part *config,
			  const struct part *layers, size_t n)
{
	text->len = 0;
	add(text, "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":", family->manifest);
	add_descriptor(text, family->config, config);
	add(text, ",\"layers\":[");
	for (size_t i = 0; i < n; i++) {
		add(text, "%s", i ? "," : "");
		add_descriptor(text, family->layer, &layers[i]);
	}
	add(text, "]}");
}

static void index_text(struct text *text, const struct family *family, const struct part *images,
		       size_t n)
{
	text->len = 0;
	add(text, "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[", family->index);
	for (size_t i = 0; i < n; i++)
		add(text,
		    "%s{\"mediaType\":\"%s\",\"digest\":\"sha256:%s\",\"size\":%zu,"
		    "\"platform\":{\"architecture\":\"%s\",\"os\":\"linux\"}}",
		    i ? "," : "", family->manifest, images[i].hex.text, images[i].size,
		    platform_name(i));
	add(text, "]}");
}

/* A bill of materials, attached to its subject as OCI 1.1 describes. */
static void referrer_text(struct text *text, const struct part *empty, const struct part *sbom,
			  const struct family *family, const struct part *subject)
{
	text->len = 0;
	add(text,
	    "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"artifactType\":\"application/spdx+json\","
	    "\"config\":",
	    oci_types.manifest);
	add_descriptor(text, EMPTY_TYPE, empty);
	add(text, ",\"layers\":[");
	add_descriptor(text, "application/spdx+json", sbom);
	add(text, "],\"subject\":");
	add_descriptor(text, family->manifest, subject);
	add(text, "}");
}

#endif
