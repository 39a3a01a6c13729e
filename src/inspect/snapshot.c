/*
 * Snapshots as they are in memory.
 */
#include <string.h>

#include "base/cleanup.h"
#include "inspect/snapshot.h"

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "list the volume");
}

int dd_snapshot_init(struct dd_snapshot *snapshot, struct dd_error *err)
{
	memset(snapshot, 0, sizeof(*snapshot));
	snapshot->memory = calloc(1, sizeof(struct dd_arena));
	return snapshot->memory ? 0 : no_memory(err);
}

void dd_snapshot_release(struct dd_snapshot *snapshot)
{
	if (snapshot->memory)
		dd_arena_release(snapshot->memory);
	free(snapshot->memory);
	memset(snapshot, 0, sizeof(*snapshot));
}

void *dd_snapshot_alloc(struct dd_snapshot *snapshot, size_t count, size_t size,
			struct dd_error *err)
{
	size_t bytes;
	void *made = __builtin_mul_overflow(count + 1, size, &bytes) ?
			     NULL :
			     dd_arena_alloc(snapshot->memory, bytes);

	if (!made)
		no_memory(err);
	else
		memset(made, 0, bytes);
	return made;
}

const char *dd_snapshot_copy(struct dd_snapshot *snapshot, const char *text, struct dd_error *err)
{
	const char *copy = dd_arena_copy(snapshot->memory, text, strlen(text));

	if (!copy)
		no_memory(err);
	return copy;
}

static int compare_blob(const void *key, const void *item)
{
	const struct dd_snapshot_blob *blob = item;

	return dd_digest_compare(key, &blob->digest);
}

uint32_t dd_snapshot_find(const struct dd_snapshot *snapshot, const struct dd_digest *digest)
{
	const struct dd_snapshot_blob *found =
		snapshot->blob_count ? bsearch(digest, snapshot->blobs, snapshot->blob_count,
					       sizeof(*snapshot->blobs), compare_blob) :
				       NULL;

	return found ? (uint32_t)(found - snapshot->blobs) : DD_SNAPSHOT_NONE;
}

/* Bytes of blobs that no stamp says were counted for this pass. */
static uint64_t add_up(const struct dd_snapshot *snapshot, const uint32_t *ids, size_t count,
		       uint32_t *stamps, uint32_t pass)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < count; i++) {
		if (stamps[ids[i]] == pass)
			continue;
		stamps[ids[i]] = pass;
		bytes = dd_snapshot_sum(bytes, snapshot->blobs[ids[i]].size);
	}
	return bytes;
}

int dd_snapshot_settle(struct dd_snapshot *snapshot, struct dd_snapshot_repository *repositories,
		       struct dd_error *err)
{
	DD_AUTOFREE uint32_t *stamps = calloc(snapshot->blob_count + 1, sizeof(*stamps));

	if (!stamps)
		return no_memory(err);
	for (size_t i = 0; i < snapshot->blob_count; i++) {
		snapshot->present += snapshot->blobs[i].present;
		snapshot->bytes = dd_snapshot_sum(snapshot->bytes, snapshot->blobs[i].size);
	}
	for (size_t i = 0; i < snapshot->repository_count; i++) {
		struct dd_snapshot_repository *repository = &repositories[i];

		snapshot->tags += repository->tag_count;
		snapshot->manifests += repository->manifest_count;
		repository->bytes =
			dd_snapshot_sum(add_up(snapshot, repository->manifests,
					       repository->manifest_count, stamps, (uint32_t)i + 1),
					add_up(snapshot, repository->layers,
					       repository->layer_count, stamps, (uint32_t)i + 1));
	}
	return 0;
}

void dd_snapshot_json(const struct dd_snapshot *snapshot, const char *path, struct dd_json_out *out)
{
	dd_json_object(out, NULL);
	dd_json_text(out, "command", "snapshot");
	dd_json_text(out, "file", path);
	dd_json_text(out, "root", snapshot->root);
	dd_json_time(out, "taken", snapshot->taken_ns);
	dd_json_uint(out, "repositories", snapshot->repository_count);
	dd_json_uint(out, "tags", snapshot->tags);
	dd_json_uint(out, "manifests", snapshot->manifests);
	dd_json_uint(out, "blobs", snapshot->present);
	dd_json_uint(out, "bytes", snapshot->bytes);
	dd_json_uint(out, "problems", snapshot->problems);
	dd_json_end(out);
}
