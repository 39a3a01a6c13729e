/*
 * Images that tests push: a config, layers, a manifest of them, and indexes.
 */
#ifndef UNIT_REGISTRY_IMAGE_H
#define UNIT_REGISTRY_IMAGE_H

#include <time.h>

#include "base/text.h"
#include "registry/registry.h"
#include "registry.h"

#define OCI_IMAGE "application/vnd.oci.image.manifest.v1+json"
#define OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define OCI_LAYER "application/vnd.oci.image.layer.v1.tar"

struct image {
	char config[64], layer[64];
	struct dd_digest config_digest, layer_digest, digest;
	char *json; /* to be freed */
};

static inline const char *tag_path(const char *repository, const char *tag)
{
	static char path[512];

	snprintf(path, sizeof(path), V2 "repositories/%s/_manifests/tags/%s/current/link", repository,
		 tag);
	return path;
}

static inline const char *history_path(const char *repository, const char *tag,
				       const struct dd_digest *digest)
{
	static char path[512];
	char hex[DD_DIGEST_HEX];

	snprintf(path, sizeof(path), V2 "repositories/%s/_manifests/tags/%s/index/%s/%s/link",
		 repository, tag, dd_algorithm_name((enum dd_algorithm)digest->alg),
		 dd_digest_format_hex(digest, hex));
	return path;
}

static inline const char *revision_path(const char *repository, const struct dd_digest *digest)
{
	return path_of(DD_AT_REVISION, repository, digest);
}

static inline struct dd_digest digest_of_text(const char *text)
{
	return digest_of(DD_SHA256, text, strlen(text));
}

/* more: what comes after the layers, with a comma before it. */
static inline void make_image(struct image *image, unsigned number, const char *more)
{
	struct dd_text text = { 0 };

	snprintf(image->config, sizeof(image->config), "{\"config\":%u}", number);
	snprintf(image->layer, sizeof(image->layer), "layer of image %u", number);
	image->config_digest = digest_of_text(image->config);
	image->layer_digest = digest_of_text(image->layer);
	assert_int_equal(
		dd_text_printf(&text,
			       "{\"schemaVersion\":2,\"mediaType\":\"" OCI_IMAGE "\","
			       "\"config\":{\"mediaType\":\"" OCI_CONFIG "\",\"digest\":\"%s\","
			       "\"size\":%zu},"
			       "\"layers\":[{\"mediaType\":\"" OCI_LAYER "\",\"digest\":\"%s\","
			       "\"size\":%zu}]%s}",
			       dd_digest_text(&image->config_digest), strlen(image->config),
			       dd_digest_text(&image->layer_digest), strlen(image->layer), more),
		0);
	image->json = dd_text_take(&text);
	image->digest = digest_of_text(image->json);
}

static inline void release_image(struct image *image)
{
	free(image->json);
}

static inline void push_blobs(struct registry *reg, const char *repository,
			      const struct image *image)
{
	push(reg, repository, image->config, strlen(image->config));
	push(reg, repository, image->layer, strlen(image->layer));
}

static inline int put_bytes_as(struct registry *reg, const char *repository, const void *bytes,
			       size_t len, const char *media_type, const char *tag,
			       struct dd_push_report *report)
{
	const char *const tags[] = { tag };
	const struct dd_pushed pushed = { .bytes = bytes,
					  .len = len,
					  .media_type = media_type,
					  .tags = tags,
					  .tag_count = tag != NULL };

	return dd_registry_put_manifest(reg->registry, repository, &pushed, report, reg->err);
}

static inline int put_manifest(struct registry *reg, const char *repository, const char *json,
			       const char *tag)
{
	struct dd_push_report report;

	return put_bytes_as(reg, repository, json, strlen(json), NULL, tag, &report);
}

/* A whole image, pushed; what it is made of is in *image. */
static inline void push_image(struct registry *reg, const char *repository, unsigned number,
			      const char *tag, struct image *image)
{
	make_image(image, number, "");
	push_blobs(reg, repository, image);
	if (put_manifest(reg, repository, image->json, tag) < 0)
		fail_msg("%s", reg->err->text);
}

/* An index of images; to be freed. */
static inline char *make_index(const struct image *images, size_t count)
{
	struct dd_text text = { 0 };
	int rc = dd_text_printf(&text, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_INDEX
				       "\",\"manifests\":[");

	for (size_t i = 0; i < count; i++)
		rc |= dd_text_printf(
			&text,
			"%s{\"mediaType\":\"" OCI_IMAGE "\",\"digest\":\"%s\",\"size\":%zu}",
			i ? "," : "", dd_digest_text(&images[i].digest), strlen(images[i].json));
	rc |= dd_text_printf(&text, "]}");
	assert_int_equal(rc, 0);
	return dd_text_take(&text);
}

static inline int get_manifest(struct registry *reg, const char *repository, const char *tag,
			       const struct dd_digest *digest, struct dd_pulled *pulled)
{
	return dd_registry_get_manifest(reg->registry, repository, tag, digest, pulled, reg->err);
}

static inline void assert_gets(struct registry *reg, const char *repository, const char *tag,
			       const struct dd_digest *digest, const char *json)
{
	DD_CLEANUP(dd_pulled_release) struct dd_pulled pulled;

	if (get_manifest(reg, repository, tag, digest, &pulled) < 0)
		fail_msg("%s", reg->err->text);
	assert_int_equal(pulled.bytes.len, strlen(json));
	assert_memory_equal(pulled.bytes.bytes, json, pulled.bytes.len);
}

static inline int try_get(struct registry *reg, const char *repository, const char *tag,
			  const struct dd_digest *digest)
{
	DD_CLEANUP(dd_pulled_release) struct dd_pulled pulled;
	int rc = get_manifest(reg, repository, tag, digest, &pulled);

	dd_error_clear(reg->err);
	return rc;
}

#define assert_rc(call, code)                                                               \
	do {                                                                                \
		int rc_ = (call);                                                           \
		if (rc_ != (code))                                                          \
			fail_msg("%s is %s (%s), not %s", #call, dd_code_name(rc_),         \
				 reg.err->text, dd_code_name(code));                        \
		dd_error_clear(reg.err);                                                    \
	} while (0)

/* ---- leases, by a clock of our own ---- */

static int64_t clock_ns;

static inline int64_t tell_time(void)
{
	return clock_ns;
}

/* What was said before the start has run out, and so has all that was pushed before. */
static inline struct dd_leases *let_leases_run_out(struct registry *reg)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (clock_ns < dd_time_of(&now))
		clock_ns = dd_time_of(&now);
	dd_leases_set_clock(reg->registry->leases, tell_time);
	clock_ns += 2 * DD_LEASE_DEFAULT;
	return reg->registry->leases;
}

/* Whether a mark gets it; given back at once. */
static inline bool is_taken(struct dd_leases *leases, uint64_t mark, const char *repository,
			    const struct dd_digest *digest)
{
	bool taken = dd_leases_hold(leases, mark, repository, digest, false);

	if (taken)
		dd_leases_give_back(leases, digest);
	return taken;
}

#endif
