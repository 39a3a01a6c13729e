/*
 * One descriptor. Source: OCI image-spec 1.1, descriptor.md; for "platform", image-index.md.
 */
#include <string.h>

#include "base/cleanup.h"
#include "manifest/read.h"

enum field {
	DIGEST, /* blobSum in fsLayers */
	SIZE,
	MEDIA_TYPE,
	ARTIFACT_TYPE,
	URLS,
	DATA,
	PLATFORM,
	ANNOTATIONS,
	FIELD_COUNT
};

static const struct dd_json_name fields[] = {
	[DIGEST] = DD_JSON_NAME("digest"),
	[SIZE] = DD_JSON_NAME("size"),
	[MEDIA_TYPE] = DD_JSON_NAME("mediaType"),
	[ARTIFACT_TYPE] = DD_JSON_NAME("artifactType"),
	[URLS] = DD_JSON_NAME("urls"),
	[DATA] = DD_JSON_NAME("data"),
	[PLATFORM] = DD_JSON_NAME("platform"),
	[ANNOTATIONS] = DD_JSON_NAME("annotations"),
};

static const struct dd_json_name blob_sum = DD_JSON_NAME("blobSum");

static int read_digest(const struct dd_json *value, const struct dd_place *place, bool fs_layer,
		       struct dd_descriptor *descriptor, struct dd_error *err)
{
	static const char tarsum[] = "tarsum";
	const char *name = fs_layer ? blob_sum.text : fields[DIGEST].text;
	int rc = dd_read_type(value, DD_JSON_STRING, place, name, err);

	if (rc < 0)
		return rc;
	if (!value)
		return dd_place_fail(place, name, err, DD_EFORMAT, "missing");
	if (fs_layer && !strncmp(value->text, tarsum, strlen(tarsum))) {
		descriptor->legacy = true;
		return 0;
	}
	rc = dd_digest_parse(&descriptor->digest, value->text, value->len);
	if (rc == DD_EUNKNOWN)
		return dd_place_fail(place, name, err, rc, "\"%.150s\" is of an unknown algorithm",
				     value->text);
	if (rc < 0)
		return dd_place_fail(place, name, err, rc, "\"%.150s\" is not a digest",
				     value->text);
	return 0;
}

static int read_size(const struct dd_json *value, const struct dd_place *place,
		     struct dd_descriptor *descriptor, struct dd_error *err)
{
	const char *name = fields[SIZE].text;
	int rc = dd_read_type(value, DD_JSON_INTEGER, place, name, err);

	if (rc < 0 || !value)
		return rc;
	if (value->integer < 0)
		return dd_place_fail(place, name, err, DD_EFORMAT, "%lld is negative",
				     (long long)value->integer);
	descriptor->has_size = true;
	descriptor->size = (uint64_t)value->integer;
	return 0;
}

static int read_urls(const struct dd_json *value, const struct dd_place *place,
		     struct dd_descriptor *descriptor, struct dd_error *err)
{
	const char *name = fields[URLS].text;
	int rc = dd_read_type(value, DD_JSON_ARRAY, place, name, err);

	if (rc < 0 || !value)
		return rc;
	for (const struct dd_json *url = value->first; rc == 0 && url; url = url->next)
		if (url->type != DD_JSON_NULL)
			rc = dd_read_type(url, DD_JSON_STRING, place, name, err);
	descriptor->urls = (unsigned)value->len;
	return rc;
}

static int read_platform(struct dd_arena *arena, const struct dd_json *value,
			 const struct dd_place *place, struct dd_descriptor *descriptor,
			 struct dd_error *err)
{
	static const struct dd_json_name parts[] = {
		DD_JSON_NAME("os"),
		DD_JSON_NAME("architecture"),
		DD_JSON_NAME("variant"),
		DD_JSON_NAME("os.version"),
	};
	static const char *const names[] = { "platform.os", "platform.architecture",
					     "platform.variant", "platform.os.version" };
	const char **texts[] = { &descriptor->os, &descriptor->architecture, &descriptor->variant,
				 &descriptor->os_version };
	const struct dd_json *values[DD_COUNT(parts)];
	int rc = dd_read_type(value, DD_JSON_OBJECT, place, fields[PLATFORM].text, err);

	if (rc < 0 || !value)
		return rc;
	rc = dd_json_fields(value, parts, DD_COUNT(parts), values, err);
	if (rc < 0)
		return dd_place_fail(place, fields[PLATFORM].text, err, rc, "%s",
				     err ? err->text : "");
	for (size_t i = 0; rc == 0 && i < DD_COUNT(parts); i++)
		rc = dd_read_text(arena, values[i], place, names[i], texts[i], err);
	return rc;
}

/* What has its place among manifests and does not say what it is, is one. */
static bool is_manifest(const struct dd_descriptor *descriptor)
{
	if (descriptor->media_type)
		return dd_media_type_is_manifest(descriptor->media_type);
	return descriptor->role == DD_ROLE_CHILD || descriptor->role == DD_ROLE_SUBJECT;
}

int dd_read_descriptor(struct dd_arena *arena, const struct dd_json *value,
		       const struct dd_place *place, enum dd_role role, bool fs_layer,
		       struct dd_descriptor *descriptor, struct dd_error *err)
{
	const struct dd_json *values[FIELD_COUNT];
	int rc = dd_read_type(value, DD_JSON_OBJECT, place, NULL, err);

	memset(descriptor, 0, sizeof(*descriptor));
	descriptor->role = role;
	if (rc < 0)
		return rc;
	if (fs_layer)
		rc = dd_json_fields(value, &blob_sum, 1, &values[DIGEST], err);
	else
		rc = dd_json_fields(value, fields, DD_COUNT(fields), values, err);
	if (rc < 0)
		return dd_place_fail(place, NULL, err, rc, "%s", err ? err->text : "");
	rc = read_digest(values[DIGEST], place, fs_layer, descriptor, err);
	if (rc < 0 || fs_layer)
		return rc;
	rc = read_size(values[SIZE], place, descriptor, err);
	if (rc == 0)
		rc = dd_read_text(arena, values[MEDIA_TYPE], place, fields[MEDIA_TYPE].text,
				  &descriptor->media_type, err);
	if (rc == 0)
		rc = dd_read_text(arena, values[ARTIFACT_TYPE], place, fields[ARTIFACT_TYPE].text,
				  &descriptor->artifact_type, err);
	if (rc == 0)
		rc = read_urls(values[URLS], place, descriptor, err);
	if (rc == 0)
		rc = dd_read_type(values[DATA], DD_JSON_STRING, place, fields[DATA].text, err);
	if (rc == 0)
		rc = read_platform(arena, values[PLATFORM], place, descriptor, err);
	if (rc == 0)
		rc = dd_read_annotations(arena, values[ANNOTATIONS], place,
					 &descriptor->annotations, err);
	descriptor->has_data = values[DATA] && values[DATA]->len;
	descriptor->is_manifest = is_manifest(descriptor);
	return rc;
}
