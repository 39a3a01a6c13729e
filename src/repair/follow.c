/*
 * What a manifest names that is only now put in place: verifying could not see it. Its configuration
 * and layers are looked for as it was, and linked where it is linked.
 */
#include <stdlib.h>

#include "repair/repair.h"

/* The whole of it: what was hashed is small enough, or no manifest. */
static int read_copy(struct dd_repair *repair, const struct dd_digest *digest,
		     const struct dd_copy *copy, struct dd_buffer *buffer, struct dd_error *err)
{
	DD_CLEANUP(dd_stream_closep) struct dd_stream *stream = NULL;
	uint64_t size;
	int64_t got;
	int rc;

	if (copy->kind != DD_COPY_SOURCE)
		return dd_store_read(repair->store, &copy->place, DD_MANIFEST_MAX, buffer, NULL,
				     err);
	rc = dd_source_open_blob(copy->source, digest, &stream, &size, err);
	if (rc == 0 && size > DD_MANIFEST_MAX)
		rc = DD_ETOOBIG;
	if (rc < 0)
		return rc;
	buffer->room = (size_t)size + 1;
	buffer->bytes = malloc(buffer->room);
	if (!buffer->bytes)
		return dd_fail(err, DD_ENOMEM, 0, "read a manifest");
	while (buffer->len < buffer->room &&
	       (got = dd_stream_read(stream, buffer->bytes + buffer->len,
				     buffer->room - buffer->len, err)) != 0) {
		if (got < 0)
			return (int)got;
		buffer->len += (size_t)got;
	}
	return 0;
}

/* Whether a repository has the manifest: by its link, or by a tag. */
static bool has_manifest(const struct dd_repository *repo, uint32_t id)
{
	const struct dd_revision *revision = dd_repository_revision(repo, id);

	if (revision && revision->state != DD_LINK_ABSENT)
		return true;
	for (size_t i = 0; i < repo->tags.count; i++)
		if (repo->tags.items[i].current == id)
			return true;
	return false;
}

static int follow_part(struct dd_repair *repair, const struct dd_found *found, uint32_t manifest,
		       const struct dd_digest *part, struct dd_error *err)
{
	const struct dd_survey *survey = repair->verify->survey;
	int rc = dd_repair_want(repair, found, part, true, err);

	if (rc < 0 || !dd_repair_will_be_there(repair, part))
		return rc;
	for (size_t i = 0; i < survey->repositories.count && rc == 0; i++)
		if (has_manifest(survey->repositories.items[i], manifest))
			rc = dd_repair_link(repair, found, survey->repositories.items[i]->name,
					    part, err);
	return rc;
}

static int follow(struct dd_repair *repair, const struct dd_step *step, struct dd_error *err)
{
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	DD_CLEANUP(dd_manifest_parser_closep) struct dd_manifest_parser *parser = NULL;
	const struct dd_digest *digest = &step->mend.digest;
	const struct dd_manifest *manifest;
	uint32_t id = dd_repair_id(repair, digest);
	struct dd_error why = { 0 };
	int rc;

	if (id == DD_NO_ID ||
	    !(repair->verify->graph->nodes.items[id].flags & (DD_NODE_WANTED | DD_NODE_LINKED)))
		return 0;
	rc = dd_manifest_parser_open(&parser, err);
	if (rc < 0)
		return rc;
	rc = read_copy(repair, digest, &step->copy, &buffer, &why);
	if (rc == 0)
		rc = dd_manifest_verify_and_parse(parser, digest, buffer.bytes, buffer.len, NULL,
						  &manifest, &why);
	if (rc < 0) /* no manifest after all, or one that names nothing we could follow */
		return rc == DD_ENOMEM ? dd_fail(err, rc, 0, "read a manifest") : 0;
	for (size_t i = 0; i < manifest->count && rc == 0; i++) {
		const struct dd_descriptor *part = &manifest->descriptors[i];

		if (part->legacy || part->is_manifest || part->role == DD_ROLE_SUBJECT ||
		    part->urls)
			continue;
		rc = follow_part(repair, step->mend.found, id, &part->digest, err);
	}
	return rc;
}

int dd_repair_follow(struct dd_repair *repair, struct dd_error *err)
{
	int rc = 0;

	while (repair->followed < repair->arrived.count && rc == 0) {
		/* A copy: more of them are planned meanwhile. */
		const struct dd_step step =
			repair->steps.items[repair->arrived.items[repair->followed++]];

		rc = follow(repair, &step, err);
	}
	return rc;
}
