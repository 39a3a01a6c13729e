/*
 * Any bytes are a manifest whose every part can be looked at, or an error with a reason.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/manifest.h>

#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read, so that no compiler leaves it out. */
static volatile size_t weight;

static size_t weigh(const char *text)
{
	return text ? strlen(text) : 0;
}

static size_t weigh_annotations(const struct dd_annotations *annotations)
{
	size_t sum = 0;

	for (size_t i = 0; i < annotations->count; i++) {
		const struct dd_annotation *item = &annotations->items[i];

		MUST(item->value[item->value_len] == '\0');
		MUST(dd_annotations_get(annotations, item->key));
		sum += weigh(item->key) + weigh(item->value);
	}
	return sum;
}

static size_t check_descriptor(const struct dd_descriptor *part)
{
	MUST(part->role < DD_ROLE_COUNT);
	MUST(part->digest.alg < DD_ALGORITHM_COUNT);
	MUST(part->has_size || !part->size);
	MUST(!part->legacy || part->role == DD_ROLE_LAYER);
	if (part->media_type)
		MUST(part->is_manifest == dd_media_type_is_manifest(part->media_type));
	return weigh(part->media_type) + weigh(part->artifact_type) + weigh(part->os) +
	       weigh(part->architecture) + weigh(part->variant) + weigh(part->os_version) +
	       weigh_annotations(&part->annotations);
}

static size_t check(const struct dd_manifest *manifest)
{
	size_t sum = weigh(manifest->media_type) + weigh(manifest->artifact_type) +
		     weigh_annotations(&manifest->annotations);

	MUST(manifest->type > DD_MANIFEST_NONE && manifest->type < DD_MANIFEST_TYPE_COUNT);
	for (size_t i = 0; i < manifest->count; i++) {
		sum += check_descriptor(&manifest->descriptors[i]);
		MUST((manifest->descriptors[i].role == DD_ROLE_SUBJECT) ==
		     (&manifest->descriptors[i] == manifest->subject));
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dd_manifest_parser *parser;
	const struct dd_manifest *manifest;
	struct dd_digest digest;
	struct dd_error err = { 0 };
	int rc;

	if (!parser)
		MUST(!dd_manifest_parser_open(&parser, NULL));
	rc = dd_manifest_parse(parser, data, size, size % 3 ? NULL : "text/plain", &manifest, &err);
	if (rc == 0) {
		weight += check(manifest);
		MUST(!dd_digest_of(&digest, DD_SHA256, data, size, NULL));
		MUST(!dd_manifest_verify_and_parse(parser, &digest, data, size, NULL, &manifest,
						   NULL));
		digest.bytes[size % 32] ^= 1;
		MUST(dd_manifest_verify_and_parse(parser, &digest, data, size, NULL, &manifest,
						  NULL) == DD_ECORRUPT);
	} else {
		MUST(!manifest && err.code == rc && err.text[0]);
		MUST(rc == DD_EFORMAT || rc == DD_EUNKNOWN || rc == DD_ETOOBIG);
	}
	return 0;
}
