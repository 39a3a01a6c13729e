/*
 * What manifests name: read once, then remembered by their digests.
 *
 * The memory is a table of a fixed number of places, four for each hash. What is asked for stays, what
 * was not asked for since the last newcomer goes. A bound on bytes makes large ones go earlier.
 */
#include <pthread.h>
#include <string.h>

#include <drydock/units.h>

#include "registry/prove.h"
#include "registry/reach.h"
#include "registry/registry.h"

#define WAYS 4
#define SETS 2048
#define BYTES_MAX ((size_t)6 << 20)
#define LARGE ((size_t)256 << 10) /* one of more is not remembered */

struct kept {
	struct dd_digest digest;
	struct dd_reach *reach;
	bool asked;
};

struct dd_reach_memory {
	pthread_mutex_t lock;
	size_t bytes;
	unsigned hand; /* where the next one is looked for that goes */
	struct kept sets[SETS][WAYS];
};

int dd_reach_open(struct dd_registry *registry, struct dd_error *err)
{
	registry->reach = calloc(1, sizeof(*registry->reach));
	if (!registry->reach)
		return dd_fail(err, DD_ENOMEM, 0, "remember manifests");
	pthread_mutex_init(&registry->reach->lock, NULL);
	return 0;
}

static size_t bytes_of(const struct dd_reach *reach)
{
	return sizeof(*reach) + reach->count * sizeof(*reach->named) +
	       (reach->media_type ? strlen(reach->media_type) + 1 : 0);
}

void dd_reach_release(struct dd_reach **reach)
{
	if (*reach && --(*reach)->users == 0) {
		free((*reach)->media_type);
		free(*reach);
	}
	*reach = NULL;
}

static void forget(struct dd_reach_memory *memory, struct kept *kept)
{
	if (kept->reach)
		memory->bytes -= bytes_of(kept->reach);
	dd_reach_release(&kept->reach);
	kept->asked = false;
}

void dd_reach_close(struct dd_registry *registry)
{
	struct dd_reach_memory *memory = registry->reach;

	if (!memory)
		return;
	for (size_t set = 0; set < SETS; set++)
		for (size_t way = 0; way < WAYS; way++)
			forget(memory, &memory->sets[set][way]);
	pthread_mutex_destroy(&memory->lock);
	free(memory);
	registry->reach = NULL;
}

static struct kept *set_of(struct dd_reach_memory *memory, const struct dd_digest *digest)
{
	return memory->sets[dd_digest_start(digest) % SETS];
}

bool dd_reach_recall(struct dd_registry *registry, const struct dd_digest *digest,
		     struct dd_reach **reach)
{
	struct dd_reach_memory *memory = registry->reach;
	struct kept *set = set_of(memory, digest);

	*reach = NULL;
	pthread_mutex_lock(&memory->lock);
	for (size_t way = 0; way < WAYS && !*reach; way++)
		if (set[way].reach && dd_digest_equal(&set[way].digest, digest)) {
			*reach = set[way].reach;
			(*reach)->users++;
			set[way].asked = true;
		}
	pthread_mutex_unlock(&memory->lock);
	return *reach;
}

/* Where a newcomer goes: a free place, or that of one that nobody asked for since the last. */
static struct kept *make_place(struct kept *set)
{
	for (size_t way = 0; way < WAYS; way++)
		if (!set[way].reach)
			return &set[way];
	for (size_t way = 0; way < WAYS; way++) {
		if (!set[way].asked)
			return &set[way];
		set[way].asked = false;
	}
	return &set[0];
}

static void make_room(struct dd_reach_memory *memory, size_t bytes)
{
	while (memory->bytes + bytes > BYTES_MAX) {
		struct kept *set = memory->sets[memory->hand++ % SETS];

		for (size_t way = 0; way < WAYS; way++)
			forget(memory, &set[way]);
	}
}

static void remember(struct dd_reach_memory *memory, const struct dd_digest *digest,
		     struct dd_reach *reach)
{
	size_t bytes = bytes_of(reach);
	struct kept *set = set_of(memory, digest), *place;

	if (bytes > LARGE)
		return;
	pthread_mutex_lock(&memory->lock);
	make_room(memory, bytes);
	for (size_t way = 0; way < WAYS; way++)
		if (set[way].reach && dd_digest_equal(&set[way].digest, digest))
			forget(memory, &set[way]);
	place = make_place(set);
	forget(memory, place);
	place->digest = *digest;
	place->reach = reach;
	reach->users++;
	memory->bytes += bytes;
	pthread_mutex_unlock(&memory->lock);
}

static void take_named(struct dd_named *named, const struct dd_descriptor *descriptor)
{
	*named = (struct dd_named){ .digest = descriptor->digest,
				    .size = descriptor->size,
				    .role = (uint8_t)descriptor->role,
				    .is_manifest = descriptor->is_manifest,
				    .has_size = descriptor->has_size,
				    .elsewhere = descriptor->urls > 0 };
}

static struct dd_reach *condense(const struct dd_manifest *manifest)
{
	const char *media_type = dd_manifest_type_media_type(manifest->type);
	struct dd_reach *reach =
		calloc(1, sizeof(*reach) + manifest->count * sizeof(*reach->named));

	if (!reach)
		return NULL;
	reach->users = 1;
	reach->type = manifest->type;
	/* As the client has to see it: letter case and parameters are the document's own. */
	if (manifest->media_type && dd_manifest_type_of(manifest->media_type) == manifest->type)
		media_type = manifest->media_type;
	reach->media_type = strdup(media_type ? media_type : "");
	if (!reach->media_type)
		dd_reach_release(&reach);
	for (size_t i = 0; reach && i < manifest->count; i++)
		if (!manifest->descriptors[i].legacy)
			take_named(&reach->named[reach->count++], &manifest->descriptors[i]);
	if (reach && manifest->subject) {
		reach->has_subject = true;
		reach->subject = manifest->subject->digest;
	}
	return reach;
}

int dd_reach_parse(struct dd_registry *registry, const struct dd_digest *digest, const void *bytes,
		   size_t len, const char *named_type, struct dd_reach **reach,
		   struct dd_error *err)
{
	DD_CLEANUP(dd_manifest_parser_closep) struct dd_manifest_parser *parser = NULL;
	const struct dd_manifest *manifest;
	int rc = dd_manifest_parser_open(&parser, err);

	*reach = NULL;
	if (rc == 0)
		rc = dd_manifest_parse(parser, bytes, len, named_type, &manifest, err);
	if (rc < 0)
		return rc;
	*reach = condense(manifest);
	if (!*reach)
		return dd_fail(err, DD_ENOMEM, 0, "read manifest %s", dd_digest_text(digest));
	remember(registry->reach, digest, *reach);
	return 0;
}

int dd_registry_read_manifest(struct dd_registry *registry, const struct dd_digest *digest,
			      struct dd_buffer *bytes, struct dd_error *err)
{
	const struct dd_place place = dd_blob_place(digest);
	int64_t began_ns = dd_time_now();
	struct dd_info info, after;
	struct dd_digest got;
	int rc = dd_store_read(registry->store, &place, DD_MANIFEST_MAX, bytes, &info, err);

	if (rc == 0)
		rc = dd_digest_of(&got, (enum dd_algorithm)digest->alg, bytes->bytes, bytes->len,
				  err);
	if (rc < 0)
		return rc;
	if (dd_store_stat(registry->store, &place, &after, NULL) == 0)
		dd_proof_put(registry, digest, &info, &after, began_ns,
			     dd_digest_equal(&got, digest) ? DD_VERDICT_GOOD : DD_VERDICT_CORRUPT);
	if (dd_digest_equal(&got, digest))
		return 0;
	return dd_fail(err, DD_ENOENT, 0, "%s has other bytes than those of its digest",
		       dd_digest_text(digest));
}

int dd_reach_get(struct dd_registry *registry, const struct dd_digest *digest,
		 struct dd_reach **reach, struct dd_error *err)
{
	DD_CLEANUP(dd_buffer_release) struct dd_buffer bytes = { 0 };
	int rc;

	if (dd_reach_recall(registry, digest, reach))
		return 0;
	rc = dd_registry_read_manifest(registry, digest, &bytes, err);
	return rc < 0 ? rc :
			dd_reach_parse(registry, digest, bytes.bytes, bytes.len, NULL, reach, err);
}
