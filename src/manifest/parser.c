/*
 * Manifests, whole.
 *
 * The tree of the document is gone when the parser returns: what is handed out is copied into an
 * arena of its own, so that a large document's tree, many times its size, does not wait in every
 * thread for the next one.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "manifest/read.h"

struct dd_manifest_parser {
	struct dd_json_reader *reader;
	struct dd_hasher *hashers[DD_ALGORITHM_COUNT]; /* opened when first needed */
	struct dd_arena arena;			       /* of what was handed out last */
	struct dd_manifest manifest;
};

enum field {
	SCHEMA_VERSION,
	MEDIA_TYPE,
	ARTIFACT_TYPE,
	ANNOTATIONS,
	SIGNATURES,
	CONFIG,
	LAYERS,
	FS_LAYERS,
	MANIFESTS,
	BLOBS,
	SUBJECT,
	FIELD_COUNT
};

static const struct dd_json_name fields[] = {
	[SCHEMA_VERSION] = DD_JSON_NAME("schemaVersion"),
	[MEDIA_TYPE] = DD_JSON_NAME("mediaType"),
	[ARTIFACT_TYPE] = DD_JSON_NAME("artifactType"),
	[ANNOTATIONS] = DD_JSON_NAME("annotations"),
	[SIGNATURES] = DD_JSON_NAME("signatures"),
	[CONFIG] = DD_JSON_NAME("config"),
	[LAYERS] = DD_JSON_NAME("layers"),
	[FS_LAYERS] = DD_JSON_NAME("fsLayers"),
	[MANIFESTS] = DD_JSON_NAME("manifests"),
	[BLOBS] = DD_JSON_NAME("blobs"),
	[SUBJECT] = DD_JSON_NAME("subject"),
};

/* Where descriptors are, in the order in which they are handed out. */
static const struct {
	enum field field;
	enum dd_role role;
	bool listed;
} parts[] = {
	{ CONFIG, DD_ROLE_CONFIG, false },  { LAYERS, DD_ROLE_LAYER, true },
	{ FS_LAYERS, DD_ROLE_LAYER, true }, { MANIFESTS, DD_ROLE_CHILD, true },
	{ BLOBS, DD_ROLE_BLOB, true },	    { SUBJECT, DD_ROLE_SUBJECT, false },
};

static const struct dd_place top;

int dd_manifest_parser_open(struct dd_manifest_parser **out, struct dd_error *err)
{
	struct dd_manifest_parser *parser = calloc(1, sizeof(*parser));
	int rc;

	*out = NULL;
	if (!parser)
		return dd_fail(err, DD_ENOMEM, 0, "read manifests");
	rc = dd_json_reader_open(&parser->reader, err);
	if (rc < 0) {
		free(parser);
		return rc;
	}
	*out = parser;
	return 0;
}

void dd_manifest_parser_close(struct dd_manifest_parser *parser)
{
	if (!parser)
		return;
	for (size_t i = 0; i < DD_COUNT(parser->hashers); i++)
		dd_hasher_closep(&parser->hashers[i]);
	dd_json_reader_closep(&parser->reader);
	dd_arena_release(&parser->arena);
	free(parser);
}

void dd_manifest_parser_closep(struct dd_manifest_parser **parser)
{
	dd_manifest_parser_close(*parser);
	*parser = NULL;
}

static enum dd_manifest_type infer(const struct dd_json *const *values)
{
	if (values[MANIFESTS])
		return DD_MANIFEST_OCI_INDEX;
	if (values[LAYERS])
		return DD_MANIFEST_OCI;
	if (values[FS_LAYERS])
		return values[SIGNATURES] ? DD_MANIFEST_SCHEMA1_SIGNED : DD_MANIFEST_SCHEMA1;
	if (values[BLOBS])
		return DD_MANIFEST_OCI_ARTIFACT;
	return DD_MANIFEST_NONE;
}

/* A version that we do not know may name what it refers to in fields that we do not know. */
static int check_version(const struct dd_json *value, struct dd_error *err)
{
	int rc = dd_read_type(value, DD_JSON_INTEGER, &top, fields[SCHEMA_VERSION].text, err);

	if (rc < 0 || !value || value->integer == 1 || value->integer == 2)
		return rc;
	return dd_fail(err, DD_EUNKNOWN, 0, "of an unknown type: schemaVersion %lld",
		       (long long)value->integer);
}

static int find_type(struct dd_manifest *manifest, const struct dd_json *const *values,
		     const char *named_type, struct dd_error *err)
{
	bool any = false;

	for (size_t i = 0; i < DD_COUNT(parts); i++)
		any = any || values[parts[i].field];
	manifest->type = dd_manifest_type_of(manifest->media_type);
	if (manifest->media_type && manifest->type == DD_MANIFEST_NONE)
		return dd_fail(err, DD_EUNKNOWN, 0, "of an unknown type: %.200s",
			       manifest->media_type);
	if (manifest->type == DD_MANIFEST_NONE)
		manifest->type = dd_manifest_type_of(named_type);
	if (manifest->type == DD_MANIFEST_NONE) {
		manifest->inferred = true;
		manifest->type = infer(values);
	}
	if (!any || manifest->type == DD_MANIFEST_NONE)
		return dd_fail(err, DD_EUNKNOWN, 0,
			       "of an unknown type: it has no field that names %s",
			       any ? "what it consists of" : "anything");
	return 0;
}

/* What stands in the field, added behind the descriptors that are there. */
static int read_part(struct dd_arena *arena, const struct dd_json *value, size_t part,
		     struct dd_descriptor *descriptors, size_t *count, struct dd_error *err)
{
	struct dd_place place = { .field = fields[parts[part].field].text };
	bool fs_layer = parts[part].field == FS_LAYERS;

	if (!parts[part].listed)
		return dd_read_descriptor(arena, value, &place, parts[part].role, fs_layer,
					  &descriptors[(*count)++], err);
	place.listed = true;
	for (const struct dd_json *entry = value->first; entry; entry = entry->next) {
		int rc = dd_read_descriptor(arena, entry, &place, parts[part].role, fs_layer,
					    &descriptors[(*count)++], err);

		if (rc < 0)
			return rc;
		place.index++;
	}
	return 0;
}

/* How many descriptors there are at most; a value that cannot have any is an error. */
static int count_parts(const struct dd_json *const *values, size_t *count, struct dd_error *err)
{
	*count = 0;
	for (size_t i = 0; i < DD_COUNT(parts); i++) {
		const struct dd_json *value = values[parts[i].field];
		struct dd_place place = { .field = fields[parts[i].field].text };
		int rc = dd_read_type(value, parts[i].listed ? DD_JSON_ARRAY : DD_JSON_OBJECT,
				      &place, NULL, err);

		if (rc < 0)
			return rc;
		if (value)
			*count += parts[i].listed ? value->len : 1;
	}
	return 0;
}

static int read_parts(struct dd_arena *arena, const struct dd_json *const *values,
		      struct dd_manifest *manifest, struct dd_error *err)
{
	struct dd_descriptor *descriptors;
	size_t most;
	int rc = count_parts(values, &most, err);

	if (rc < 0)
		return rc;
	descriptors = dd_arena_alloc(arena, most * sizeof(*descriptors));
	if (!descriptors)
		return dd_arena_fail(arena, err);
	for (size_t i = 0; rc == 0 && i < DD_COUNT(parts); i++)
		if (values[parts[i].field])
			rc = read_part(arena, values[parts[i].field], i, descriptors,
				       &manifest->count, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < manifest->count; i++)
		if (descriptors[i].role == DD_ROLE_SUBJECT)
			manifest->subject = &descriptors[i];
		else if (__builtin_add_overflow(manifest->size, descriptors[i].size,
						&manifest->size))
			manifest->size = UINT64_MAX;
	manifest->descriptors = descriptors;
	return 0;
}

static int read_manifest(struct dd_arena *arena, const struct dd_json *root, const char *named_type,
			 struct dd_manifest *manifest, struct dd_error *err)
{
	const struct dd_json *values[FIELD_COUNT];
	int rc;

	if (root->type != DD_JSON_OBJECT)
		return dd_fail(err, DD_EFORMAT, 0, "an object was expected, not %s",
			       dd_json_type_name(root->type));
	rc = dd_json_fields(root, fields, DD_COUNT(fields), values, err);
	if (rc == 0)
		rc = dd_read_text(arena, values[MEDIA_TYPE], &top, fields[MEDIA_TYPE].text,
				  &manifest->media_type, err);
	if (rc == 0)
		rc = check_version(values[SCHEMA_VERSION], err);
	if (rc == 0)
		rc = find_type(manifest, values, named_type, err);
	if (rc == 0)
		rc = dd_read_text(arena, values[ARTIFACT_TYPE], &top, fields[ARTIFACT_TYPE].text,
				  &manifest->artifact_type, err);
	if (rc == 0)
		rc = dd_read_annotations(arena, values[ANNOTATIONS], &top, &manifest->annotations,
					 err);
	if (rc == 0)
		rc = read_parts(arena, values, manifest, err);
	return rc;
}

int dd_manifest_parse(struct dd_manifest_parser *parser, const void *bytes, size_t len,
		      const char *named_type, const struct dd_manifest **manifest,
		      struct dd_error *err)
{
	/* The tree takes several times what the descriptors take. */
	size_t budget = dd_json_budget(len), share = budget / 4;
	const struct dd_json *root;
	int rc;

	*manifest = NULL;
	if (len > DD_MANIFEST_MAX)
		return dd_fail(err, DD_ETOOBIG, 0,
			       "%zu bytes are more than a manifest may have (%zu)", len,
			       DD_MANIFEST_MAX);
	dd_arena_reset(&parser->arena, share);
	memset(&parser->manifest, 0, sizeof(parser->manifest));
	rc = dd_json_read(parser->reader, bytes, len, budget - share, &root, err);
	if (rc == 0)
		rc = read_manifest(&parser->arena, root, named_type, &parser->manifest, err);
	dd_json_reader_release(parser->reader);
	if (rc < 0)
		return rc;
	*manifest = &parser->manifest;
	return 0;
}

static int check_digest(struct dd_manifest_parser *parser, const struct dd_digest *want,
			const void *bytes, size_t len, struct dd_error *err)
{
	struct dd_hasher **hasher = &parser->hashers[want->alg];
	struct dd_digest got;
	int rc = 0;

	if (!*hasher)
		rc = dd_hasher_open(hasher, (enum dd_algorithm)want->alg, err);
	if (rc == 0)
		rc = dd_hasher_add(*hasher, bytes, len, err);
	if (rc == 0)
		rc = dd_hasher_final(*hasher, &got, err);
	if (rc == 0 && !dd_digest_equal(want, &got))
		rc = dd_fail(err, DD_ECORRUPT, 0, "%s holds %s", dd_digest_text(want),
			     dd_digest_text(&got));
	return rc;
}

int dd_manifest_verify_and_parse(struct dd_manifest_parser *parser, const struct dd_digest *want,
				 const void *bytes, size_t len, const char *named_type,
				 const struct dd_manifest **manifest, struct dd_error *err)
{
	int rc = check_digest(parser, want, bytes, len, err);

	*manifest = NULL;
	if (rc < 0)
		return rc;
	return dd_manifest_parse(parser, bytes, len, named_type, manifest, err);
}
