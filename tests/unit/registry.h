/*
 * What the tests of a registry share: one on a volume, blobs that we push, and blobs that somebody else
 * has put there.
 */
#ifndef UNIT_REGISTRY_H
#define UNIT_REGISTRY_H

#include <pthread.h>

#include <drydock/registry.h>
#include <drydock/units.h>

#include "base/cleanup.h"
#include "volume.h"

#define APP "team/app"
#define OTHER "team/other"
#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

struct registry {
	struct volume volume;
	struct dd_registry *registry;
	struct dd_registry_options options;
	struct dd_error *err;
	pthread_mutex_t lock;
	char log[4096]; /* what was said, line by line */
};

static inline void keep_log(void *arg, enum dd_log_level level, const char *text)
{
	struct registry *reg = arg;
	size_t len = strlen(reg->log);

	(void)level;
	snprintf(reg->log + len, sizeof(reg->log) - len, "%s\n", text);
}

static inline unsigned count_in_log(const struct registry *reg, const char *text)
{
	unsigned count = 0;

	for (const char *at = strstr(reg->log, text); at; at = strstr(at + 1, text))
		count++;
	return count;
}

static inline void start(struct registry *reg)
{
	if (dd_registry_open(reg->volume.ctx, reg->volume.store, &reg->options, &reg->registry,
			     reg->err) < 0)
		fail_msg("%s", reg->err->text);
}

/* As after a restart: nothing is left in memory. */
static inline void restart(struct registry *reg)
{
	dd_registry_closep(&reg->registry);
	start(reg);
}

static inline void open_registry(struct registry *reg)
{
	memset(reg, 0, sizeof(*reg));
	open_volume(&reg->volume);
	reg->err = &reg->volume.err;
	reg->options.prove_first = DD_PROVE_FIRST_DEFAULT;
	dd_context_set_log(reg->volume.ctx, keep_log, reg, DD_LOG_NOTE);
	start(reg);
}

static inline void close_registry(struct registry *reg)
{
	dd_registry_closep(&reg->registry);
	close_volume(&reg->volume);
}

static inline struct dd_digest digest_of(enum dd_algorithm alg, const void *bytes, size_t len)
{
	struct dd_digest digest;

	assert_int_equal(dd_digest_of(&digest, alg, bytes, len, NULL), 0);
	return digest;
}

/* Bytes that look like none before; to be freed. */
static inline unsigned char *make_bytes(size_t len, unsigned seed)
{
	unsigned char *bytes = malloc(len + 1);
	uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

	assert_non_null(bytes);
	for (size_t i = 0; i < len; i++) {
		state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
		bytes[i] = (unsigned char)(state >> 56);
	}
	return bytes;
}

/* A path below the root of where something of a digest lies; one at a time of each of four. */
static inline const char *path_of(enum dd_place_kind kind, const char *repository,
				  const struct dd_digest *digest)
{
	static char paths[4][512];
	static unsigned next;
	const struct dd_place place = { .kind = kind, .repository = repository, .digest = *digest };
	char *buf = paths[next++ % 4], *path = NULL;

	assert_int_equal(dd_layout_path(&place, &path, NULL), 0);
	snprintf(buf, sizeof(paths[0]), "%s", path);
	free(path);
	return buf;
}

static inline const char *blob_path(const struct dd_digest *digest)
{
	return path_of(DD_AT_BLOB, NULL, digest);
}

static inline const char *layer_path(const char *repository, const struct dd_digest *digest)
{
	return path_of(DD_AT_LAYER, repository, digest);
}

static inline void put_link(struct registry *reg, const char *path, const struct dd_digest *target)
{
	put(&reg->volume, path, dd_digest_text(target));
}

/* As another registry would have left it; some time ago, so that it can be remembered. */
static inline void put_foreign(struct registry *reg, const char *repository,
			       const struct dd_digest *digest, const void *bytes, size_t len)
{
	put_bytes(&reg->volume, blob_path(digest), bytes, len);
	put_link(reg, layer_path(repository, digest), digest);
}

static inline int push_pieces(struct registry *reg, const char *repository, const void *bytes,
			      size_t len, size_t piece, const struct dd_digest *digest)
{
	struct dd_upload *upload = NULL;
	int rc = dd_upload_begin(reg->registry, repository, NULL, NULL, &upload, reg->err);

	for (size_t at = 0; at < len && rc == 0; at += piece)
		rc = dd_upload_append(upload, (const char *)bytes + at,
				      len - at < piece ? len - at : piece, reg->err);
	if (rc < 0) {
		dd_upload_releasep(&upload);
		return rc;
	}
	rc = dd_upload_commit(&upload, digest, reg->err);
	dd_upload_releasep(&upload);
	return rc;
}

static inline struct dd_digest push(struct registry *reg, const char *repository, const void *bytes,
				    size_t len)
{
	struct dd_digest digest = digest_of(DD_SHA256, bytes, len);

	if (push_pieces(reg, repository, bytes, len, 100 * KIB, &digest) < 0)
		fail_msg("%s", reg->err->text);
	return digest;
}

/* How far a whole reading came, and what ended it; bytes has room for all of it. */
static inline int read_download(struct dd_download *download, unsigned char *bytes, size_t *len,
				struct dd_error *err)
{
	int64_t got;

	for (*len = 0;; *len += (size_t)got) {
		got = dd_download_read(download, *len, bytes + *len, 200 * KIB, true, err);
		if (got <= 0)
			return (int)got;
	}
}

static inline int pull(struct registry *reg, const char *repository, const struct dd_digest *digest,
		       unsigned char *bytes, size_t *len)
{
	DD_CLEANUP(dd_download_closep) struct dd_download *download = NULL;
	int rc = dd_registry_open_blob(reg->registry, repository, digest, true, &download, reg->err);

	*len = 0;
	return rc < 0 ? rc : read_download(download, bytes, len, reg->err);
}

static inline void assert_pulls(struct registry *reg, const char *repository,
				const struct dd_digest *digest, const void *bytes, size_t len)
{
	DD_AUTOFREE unsigned char *got = malloc(len + 201 * KIB);
	size_t got_len;

	if (pull(reg, repository, digest, got, &got_len) < 0)
		fail_msg("%s", reg->err->text);
	assert_int_equal(got_len, len);
	assert_memory_equal(got, bytes, len);
}

static inline int look(struct registry *reg, const char *repository, const struct dd_digest *digest)
{
	uint64_t size;

	return dd_registry_look_at_blob(reg->registry, repository, digest, &size, reg->err);
}

#endif
