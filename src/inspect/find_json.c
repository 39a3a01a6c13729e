/*
 * What was found as JSON, a line each: schema/find.json.
 */
#include "base/cleanup.h"
#include "inspect/find.h"

static void put_state(const struct dd_find_object *object, struct dd_json_out *out)
{
	static const char *const states[] = { [DD_FIND_UNVERIFIED] = "unverified",
					      [DD_FIND_GOOD] = "good",
					      [DD_FIND_CORRUPT] = "corrupt" };

	dd_json_text(out, "verified", object->has_digest ? states[object->state] : NULL);
}

static void put_time(struct dd_json_out *out, const char *key, int64_t ns)
{
	if (ns)
		dd_json_time(out, key, ns);
	else
		dd_json_null(out, key);
}

void dd_find_json(const struct dd_find_object *object, struct dd_json_out *out)
{
	DD_AUTOFREE char *path = NULL;

	dd_json_object(out, NULL);
	dd_json_text(out, "type", dd_find_type_name(object->type));
	dd_json_text(out, "name", object->name);
	if (dd_layout_path(&object->place, &path, NULL) == 0)
		dd_json_text(out, "path", path);
	else
		dd_json_null(out, "path");
	dd_json_text(out, "repository", object->repository);
	dd_json_text(out, "tag", object->tag);
	dd_json_text(out, "upload", object->upload);
	dd_json_digest(out, "digest", object->has_digest ? &object->digest : NULL);
	if (object->has_size)
		dd_json_uint(out, "size", object->size);
	else
		dd_json_null(out, "size");
	put_time(out, "modified", object->mtime_ns);
	put_time(out, "created", object->created_ns);
	dd_json_text(out, "media_type", object->media_type);
	dd_json_text(out, "artifact_type", object->artifact_type);
	dd_json_text(out, "platform", object->platform);
	if (object->counted) {
		dd_json_uint(out, "refs", object->refs);
		dd_json_uint(out, "repos", object->repos);
	}
	if (object->has_digest)
		dd_json_bool(out, "stored", object->stored);
	put_state(object, out);
	dd_json_text(out, "problem", object->problem);
	dd_json_end(out);
	dd_json_newline(out);
}
