/*
 * What several files of tests do with the registry's blobs: mount them, and take them away as a
 * collector does.
 */
#ifndef UNIT_REGISTRY_TAKE_H
#define UNIT_REGISTRY_TAKE_H

#include "registry.h"
#include "registry/registry.h"

#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"

static inline bool may_pull_from(void *arg, const char *repository)
{
	return !strcmp(arg, "*") || !strcmp(arg, repository);
}

static inline int mount(struct registry *reg, const char *from, const struct dd_digest *digest,
			const char *allowed)
{
	return dd_registry_mount_blob(reg->registry, APP, from, digest, may_pull_from,
				      (void *)allowed, reg->err);
}

/* As a collector takes things: by their paths, for a reason. */
static inline void take(struct registry *reg, enum dd_reason reason, const char *const *paths,
			size_t count, char run[32])
{
	struct dd_change *change = begin_change(&reg->volume);
	struct dd_item items[8];
	char *memory[8];

	for (size_t i = 0; i < count; i++) {
		items[i] = item_of(&reg->volume, paths[i], &memory[i]);
		items[i].reason = reason;
		assert_int_equal(dd_change_announce(change, &items[i], reg->err), 0);
	}
	assert_int_equal(dd_change_seal(change, reg->err), 0);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(dd_change_withdraw(change, &items[i], reg->err), 0);
		free(memory[i]);
	}
	snprintf(run, 32, "%s", dd_change_get_run(change));
	assert_int_equal(dd_change_finish(change, false, reg->err), 0);
	dd_change_close(change);
}

static inline char *descriptor(const struct dd_digest *digest, size_t size, const char *type)
{
	static char texts[4][400];
	static unsigned next;
	char *text = texts[next++ % 4];

	snprintf(text, sizeof(texts[0]), "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}",
		 type, dd_digest_text(digest), size);
	return text;
}

#endif
