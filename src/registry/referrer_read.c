/*
 * From a manifest with a subject to its descriptor in an index (distribution-spec, "Listing Referrers").
 */
#include <errno.h>
#include <string.h>

#include <drydock/json.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "registry/referrers.h"

static int collect(void *arg, const char *bytes, size_t len)
{
	return dd_text_add(arg, bytes, len) < 0 ? ENOMEM : 0;
}

/* Of an image that names no type of its own it is that of its config. */
static const char *artifact_type_of(const struct dd_manifest *manifest)
{
	if (manifest->artifact_type)
		return manifest->artifact_type;
	for (size_t i = 0; i < manifest->count; i++)
		if (manifest->descriptors[i].role == DD_ROLE_CONFIG)
			return manifest->descriptors[i].media_type;
	return NULL;
}

static void write_descriptor(struct dd_json_out *out, const struct dd_digest *digest, size_t len,
			     const struct dd_manifest *manifest)
{
	const char *artifact_type = artifact_type_of(manifest);
	const struct dd_annotations *annotations = &manifest->annotations;

	dd_json_object(out, NULL);
	dd_json_text(out, "mediaType",
		     manifest->media_type ? manifest->media_type :
					    dd_manifest_type_media_type(manifest->type));
	dd_json_digest(out, "digest", digest);
	dd_json_uint(out, "size", len);
	if (artifact_type)
		dd_json_text(out, "artifactType", artifact_type);
	if (annotations->count) {
		dd_json_object(out, "annotations");
		for (size_t i = 0; i < annotations->count; i++)
			dd_json_bytes(out, annotations->items[i].key, annotations->items[i].value,
				      annotations->items[i].value_len);
		dd_json_end(out);
	}
	dd_json_end(out);
}

static int describe(const struct dd_digest *digest, size_t len, const struct dd_manifest *manifest,
		    char **json, struct dd_error *err)
{
	DD_CLEANUP(dd_json_closep) struct dd_json_out *out = NULL;
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	int rc = dd_json_open(&out, collect, &text, 0, err);

	if (rc < 0)
		return rc;
	write_descriptor(out, digest, len, manifest);
	rc = dd_json_finish(out, err);
	if (rc < 0)
		return rc;
	dd_text_cut(&text, text.len - 1); /* without its newline */
	*json = dd_text_take(&text);
	return 0;
}

static int fill(struct dd_referrer *referrer, const struct dd_digest *digest, size_t len,
		const struct dd_manifest *manifest, struct dd_error *err)
{
	const char *artifact_type = artifact_type_of(manifest);

	referrer->digest = *digest;
	referrer->subject = manifest->subject->digest;
	if (artifact_type) {
		referrer->artifact_type = strdup(artifact_type);
		if (!referrer->artifact_type)
			return dd_fail(err, DD_ENOMEM, 0, "list referrers");
	}
	return describe(digest, len, manifest, &referrer->json, err);
}

int dd_referrer_read(const struct dd_digest *digest, const void *bytes, size_t len, bool *is_one,
		     struct dd_referrer *referrer, struct dd_error *err)
{
	DD_CLEANUP(dd_manifest_parser_closep) struct dd_manifest_parser *parser = NULL;
	const struct dd_manifest *manifest;
	int rc = dd_manifest_parser_open(&parser, err);

	*is_one = false;
	memset(referrer, 0, sizeof(*referrer));
	if (rc < 0)
		return rc;
	rc = dd_manifest_parse(parser, bytes, len, NULL, &manifest, err);
	if (rc == DD_ENOMEM)
		return rc;
	if (rc < 0 || !manifest->subject) {
		dd_error_clear(err);
		return 0;
	}
	rc = fill(referrer, digest, len, manifest, err);
	if (rc < 0)
		dd_referrer_release(referrer);
	*is_one = rc == 0;
	return rc;
}

void dd_referrer_release(struct dd_referrer *referrer)
{
	free(referrer->artifact_type);
	free(referrer->json);
	memset(referrer, 0, sizeof(*referrer));
}
