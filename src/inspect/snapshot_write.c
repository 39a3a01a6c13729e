/*
 * A snapshot as a file has it: checksummed lines, and at the end a sum of them all.
 */
#include <string.h>

#include "base/cleanup.h"
#include "inspect/snapshot.h"
#include "record/line.h"

#define PAIRS ((DD_LINE_WORDS - 2) / 2) /* blobs a line */
#define NUMBERS (DD_LINE_WORDS - 1)	/* numbers a line */

struct writing {
	struct dd_hasher *hasher;
	struct dd_text out, payload;
	uint64_t lines;
};

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "write a snapshot");
}

static int end_line(struct writing *writing, struct dd_error *err)
{
	writing->lines++;
	return dd_line_end(writing->hasher, &writing->out, &writing->payload, err);
}

static int put_head(struct writing *writing, const struct dd_snapshot *snapshot,
		    struct dd_error *err)
{
	if (dd_line_word(&writing->payload, DD_SNAPSHOT_MAGIC) < 0 ||
	    dd_line_number(&writing->payload, DD_SNAPSHOT_VERSION) < 0 ||
	    dd_line_number(&writing->payload, (uint64_t)snapshot->taken_ns) < 0 ||
	    dd_line_number(&writing->payload, snapshot->problems) < 0 ||
	    dd_line_word(&writing->payload, snapshot->root) < 0)
		return no_memory(err);
	return end_line(writing, err);
}

static int put_blob(struct writing *writing, const struct dd_snapshot_blob *blob)
{
	char hex[DD_DIGEST_HEX];
	int rc = dd_line_word(&writing->payload, dd_digest_format_hex(&blob->digest, hex));

	if (rc < 0)
		return rc;
	return blob->present ? dd_line_number(&writing->payload, blob->size) :
			       dd_line_word(&writing->payload, "-");
}

static int put_blobs(struct writing *writing, const struct dd_snapshot *snapshot,
		     struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < snapshot->blob_count && rc == 0;) {
		uint8_t alg = snapshot->blobs[i].digest.alg;
		size_t end = i + PAIRS;

		if (dd_line_word(&writing->payload, "blobs") < 0 ||
		    dd_line_word(&writing->payload, dd_algorithm_name((enum dd_algorithm)alg)) < 0)
			return no_memory(err);
		for (; i < end && i < snapshot->blob_count && snapshot->blobs[i].digest.alg == alg;
		     i++)
			if (put_blob(writing, &snapshot->blobs[i]) < 0)
				return no_memory(err);
		rc = end_line(writing, err);
	}
	return rc;
}

static int put_numbers(struct writing *writing, const char *what, const uint32_t *numbers,
		       size_t count, struct dd_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0;) {
		size_t end = i + NUMBERS;

		if (dd_line_word(&writing->payload, what) < 0)
			return no_memory(err);
		for (; i < end && i < count; i++)
			if (dd_line_number(&writing->payload, numbers[i]) < 0)
				return no_memory(err);
		rc = end_line(writing, err);
	}
	return rc;
}

static int put_tag(struct writing *writing, const struct dd_snapshot_tag *tag, struct dd_error *err)
{
	int rc = dd_line_word(&writing->payload, "tag");

	if (rc == 0)
		rc = dd_line_word(&writing->payload, tag->name);
	if (rc == 0)
		rc = tag->blob == DD_SNAPSHOT_NONE ? dd_line_word(&writing->payload, "-") :
						     dd_line_number(&writing->payload, tag->blob);
	if (rc == 0)
		rc = dd_line_number(&writing->payload, (uint64_t)tag->moved_ns);
	return rc < 0 ? no_memory(err) : end_line(writing, err);
}

static int put_repository(struct writing *writing, const struct dd_snapshot_repository *repository,
			  struct dd_error *err)
{
	int rc;

	if (dd_line_word(&writing->payload, "repository") < 0 ||
	    dd_line_word(&writing->payload, repository->name) < 0)
		return no_memory(err);
	rc = end_line(writing, err);
	if (rc == 0)
		rc = put_numbers(writing, "manifests", repository->manifests,
				 repository->manifest_count, err);
	if (rc == 0)
		rc = put_numbers(writing, "layers", repository->layers, repository->layer_count,
				 err);
	for (size_t i = 0; i < repository->tag_count && rc == 0; i++)
		rc = put_tag(writing, &repository->tags[i], err);
	return rc;
}

static int put_end(struct writing *writing, struct dd_error *err)
{
	char hex[DD_DIGEST_HEX];
	struct dd_digest digest;
	int rc = dd_digest_of(&digest, DD_SHA256, writing->out.bytes, writing->out.len, err);

	if (rc < 0)
		return rc;
	if (dd_line_word(&writing->payload, "end") < 0 ||
	    dd_line_number(&writing->payload, writing->lines) < 0 ||
	    dd_line_word(&writing->payload, dd_digest_format_hex(&digest, hex)) < 0)
		return no_memory(err);
	return end_line(writing, err);
}

int dd_snapshot_format(const struct dd_snapshot *snapshot, char **bytes, size_t *len,
		       struct dd_error *err)
{
	DD_CLEANUP(dd_hasher_closep) struct dd_hasher *hasher = NULL;
	struct writing writing = { 0 };
	int rc = dd_hasher_open(&hasher, DD_SHA256, err);

	writing.hasher = hasher;
	if (rc == 0)
		rc = put_head(&writing, snapshot, err);
	if (rc == 0)
		rc = put_blobs(&writing, snapshot, err);
	for (size_t i = 0; i < snapshot->repository_count && rc == 0; i++)
		rc = put_repository(&writing, &snapshot->repositories[i], err);
	if (rc == 0)
		rc = put_end(&writing, err);
	*len = writing.out.len;
	*bytes = rc == 0 ? dd_text_take(&writing.out) : NULL;
	dd_text_release(&writing.out);
	dd_text_release(&writing.payload);
	return rc;
}
