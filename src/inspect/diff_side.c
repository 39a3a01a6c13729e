/*
 * One manifest, as far as it is compared.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "inspect/diff.h"

#define PLATFORM_TEXT 320

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "compare images");
}

void dd_sided_release(struct dd_sided *side)
{
	dd_list_release(&side->parts);
	dd_list_release(&side->platforms);
	dd_list_release(&side->said);
}

static void format_platform(const struct dd_descriptor *descriptor, char text[PLATFORM_TEXT])
{
	if (!descriptor->os && !descriptor->architecture) {
		snprintf(text, PLATFORM_TEXT, "no platform");
		return;
	}
	snprintf(text, PLATFORM_TEXT, "%.90s/%.90s%s%.90s", descriptor->os ? descriptor->os : "?",
		 descriptor->architecture ? descriptor->architecture : "?",
		 descriptor->variant ? "/" : "", descriptor->variant ? descriptor->variant : "");
}

/* BuildKit's attestations have no platform of their own: they are about another manifest. */
static void name_child(const struct dd_manifest *manifest, const struct dd_descriptor *child,
		       char text[PLATFORM_TEXT])
{
	const char *about = dd_annotations_get(&child->annotations, "vnd.docker.reference.digest");
	struct dd_digest digest;

	format_platform(child, text);
	if (!about || dd_digest_parse(&digest, about, strlen(about)) < 0)
		return;
	for (size_t i = 0; i < manifest->count; i++) {
		char of[PLATFORM_TEXT];

		if (manifest->descriptors[i].role != DD_ROLE_CHILD ||
		    !dd_digest_equal(&manifest->descriptors[i].digest, &digest))
			continue;
		format_platform(&manifest->descriptors[i], of);
		snprintf(text, PLATFORM_TEXT, "attestation of %.300s", of);
		return;
	}
}

static int add_part(struct dd_differing *differing, struct dd_sided *side,
		    const struct dd_manifest *manifest, const struct dd_descriptor *descriptor,
		    struct dd_error *err)
{
	struct dd_diff_layer *part = dd_list_add(&side->parts);
	const char **platform;
	char text[PLATFORM_TEXT];

	if (!part)
		return no_memory(err);
	part->digest = descriptor->digest;
	part->size = descriptor->size;
	if (descriptor->media_type) {
		part->type = dd_differ_copy(differing, descriptor->media_type, err);
		if (!part->type)
			return DD_ENOMEM;
	}
	if (!dd_manifest_type_is_index(manifest->type))
		return 0;
	platform = dd_list_add(&side->platforms);
	if (!platform)
		return no_memory(err);
	name_child(manifest, descriptor, text);
	*platform = dd_differ_copy(differing, text, err);
	return *platform ? 0 : DD_ENOMEM;
}

static int take_annotations(struct dd_differing *differing, struct dd_sided *side,
			    const struct dd_manifest *manifest, struct dd_error *err)
{
	int rc = 0;

	if (manifest->artifact_type)
		rc = dd_sided_say(differing, side, DD_SAID_MANIFEST, "artifact-type", NULL,
				  manifest->artifact_type, err);
	for (size_t i = 0; i < manifest->annotations.count && rc == 0; i++)
		rc = dd_sided_say(differing, side, DD_SAID_MANIFEST + 1, "annotation",
				  manifest->annotations.items[i].key,
				  manifest->annotations.items[i].value, err);
	return rc;
}

static int take_manifest(struct dd_differing *differing, struct dd_sided *side,
			 const struct dd_manifest *manifest, struct dd_error *err)
{
	bool index = dd_manifest_type_is_index(manifest->type);
	int rc = 0;

	side->type = manifest->type;
	for (size_t i = 0; i < manifest->count && rc == 0; i++) {
		const struct dd_descriptor *descriptor = &manifest->descriptors[i];

		if (descriptor->role == DD_ROLE_SUBJECT || descriptor->legacy)
			continue;
		if (descriptor->role == DD_ROLE_CONFIG) {
			side->has_config = true;
			side->config.digest = descriptor->digest;
			side->config.size = descriptor->size;
		} else if (!index || descriptor->role == DD_ROLE_CHILD) {
			rc = add_part(differing, side, manifest, descriptor, err);
		}
	}
	return rc < 0 ? rc : take_annotations(differing, side, manifest, err);
}

static int read_manifest(struct dd_differing *differing, struct dd_sided *side,
			 struct dd_error *err)
{
	DD_CLEANUP(dd_manifest_parser_closep) struct dd_manifest_parser *parser = NULL;
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	const struct dd_place place = { .kind = DD_AT_BLOB, .digest = side->digest };
	const struct dd_manifest *manifest = NULL;
	int rc = dd_manifest_parser_open(&parser, err);

	if (rc == 0)
		rc = dd_store_read(differing->store, &place, DD_MANIFEST_MAX, &buffer, NULL, err);
	if (rc == 0)
		rc = dd_manifest_verify_and_parse(parser, &side->digest, buffer.bytes, buffer.len,
						  NULL, &manifest, err);
	side->bytes = buffer.len;
	return rc < 0 ? rc : take_manifest(differing, side, manifest, err);
}

int dd_sided_read(struct dd_differing *differing, const char *repository,
		  const struct dd_digest *digest, struct dd_sided *side, struct dd_error *err)
{
	int rc;

	memset(side, 0, sizeof(*side));
	side->repository = repository;
	side->digest = *digest;
	rc = dd_context_check(differing->ctx, err);
	if (rc == 0)
		rc = read_manifest(differing, side, err);
	return rc < 0 ? rc : dd_sided_configure(differing, side, err);
}
