/*
 * A volume, a cache directory beside it, and what was said.
 */
#ifndef TESTS_INDEX_H
#define TESTS_INDEX_H

#include <signal.h>
#include <sys/wait.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "index/index.h"
#include "index/seal.h"
#include "volume.h"

struct cached {
	struct volume volume;
	char cache[64];
	char path[512]; /* of the volume's directory, once there was one */
	struct dd_index_options options;
	unsigned warnings, notes;
	char said[2048]; /* the last word */
};

static inline void hear(void *arg, enum dd_log_level level, const char *text)
{
	struct cached *cached = arg;

	cached->warnings += level == DD_LOG_WARNING;
	cached->notes += level == DD_LOG_NOTE;
	snprintf(cached->said, sizeof(cached->said), "%s", text);
}

static inline void open_cached(struct cached *cached)
{
	const char *tmp = getenv("TMPDIR");

	memset(cached, 0, sizeof(*cached));
	open_volume(&cached->volume);
	dd_context_set_log(cached->volume.ctx, hear, cached, DD_LOG_NOTE);
	snprintf(cached->cache, sizeof(cached->cache), "%.40s/cache.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(cached->cache));
	cached->options.cache_dir = cached->cache;
}

static inline void close_cached(struct cached *cached)
{
	nftw(cached->cache, remove_one, 32, FTW_DEPTH | FTW_PHYS);
	close_volume(&cached->volume);
}

static inline struct dd_index *open_index(struct cached *cached)
{
	struct dd_index *index;
	struct dd_error err = { 0 };

	cached->warnings = cached->notes = 0;
	cached->said[0] = '\0';
	if (dd_index_open(cached->volume.ctx, cached->volume.store, &cached->options, &index, &err) < 0)
		fail_msg("%s", err.text);
	if (index)
		snprintf(cached->path, sizeof(cached->path), "%s", dd_index_get_directory(index));
	return index;
}

/* One that is there and of which nothing was said. */
static inline struct dd_index *open_quietly(struct cached *cached)
{
	struct dd_index *index = open_index(cached);

	if (!index || cached->warnings || cached->notes)
		fail_msg("%s", cached->said);
	return index;
}

/* None, for a reason that was said once and holds this word. */
static inline void assert_none(struct cached *cached, const char *word)
{
	struct dd_index *index = open_index(cached);

	assert_null(index);
	assert_int_equal(cached->warnings, 1);
	if (!strstr(cached->said, word))
		fail_msg("no \"%s\" in: %s", word, cached->said);
}

/* The file of the volume's directory. */
static inline const char *in_index(const struct cached *cached, const char *name)
{
	static char paths[4][600];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", cached->path, name);
	return path;
}

/* Records that tell by themselves whether they are true. */
static inline struct dd_verified_blob blob_of(uint64_t number)
{
	struct dd_verified_blob blob = { .digest = { .alg = (uint8_t)(number % 5 == 0) } };
	uint64_t word = number * UINT64_C(0x9E3779B97F4A7C15) ^ number;

	for (size_t i = 0; i < dd_digest_size(&blob.digest); i++)
		blob.digest.bytes[i] = (uint8_t)(word >> (i % 8 * 8) ^ i / 8);
	for (size_t i = 0; i < 5; i++)
		blob.verified.stamp.word[i] = number * 10 + i;
	blob.verified.when_ns = (int64_t)number * DD_SECOND;
	blob.verified.size = number * 3;
	blob.verified.verdict = number % 7 ? DD_VERDICT_GOOD : DD_VERDICT_CORRUPT;
	return blob;
}

static inline void put_range(struct dd_index *index, uint64_t from, uint64_t to)
{
	struct dd_verified_blob *blobs = calloc(to - from, sizeof(*blobs));

	for (uint64_t i = from; i < to; i++)
		blobs[i - from] = blob_of(i);
	assert_int_equal(dd_index_put_verified(index, blobs, to - from, NULL), 0);
	free(blobs);
}

/* How many are there; none may say what is not so. */
static inline uint64_t found_of(struct dd_index *index, uint64_t from, uint64_t to)
{
	uint64_t found = 0;

	for (uint64_t i = from; i < to; i++) {
		struct dd_verified_blob blob = blob_of(i);
		struct dd_verified got;

		if (!dd_index_get_verified(index, &blob.digest, &blob.verified.stamp, &got))
			continue;
		found++;
		assert_memory_equal(&got.stamp, &blob.verified.stamp, sizeof(got.stamp));
		assert_int_equal(got.when_ns, blob.verified.when_ns);
		assert_int_equal(got.size, blob.verified.size);
		assert_int_equal(got.verdict, blob.verified.verdict);
	}
	return found;
}

/* An index of so many records, closed. */
static inline void make_index(struct cached *cached, uint64_t count)
{
	struct dd_index *index = open_quietly(cached);

	put_range(index, 0, count);
	dd_index_close(index);
	assert_int_equal(cached->warnings, 0);
}

static inline unsigned char *read_file(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	unsigned char *bytes;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	*len = (size_t)st.st_size;
	bytes = malloc(*len + 1);
	assert_int_equal(read(fd, bytes, *len), *len);
	close(fd);
	return bytes;
}

static inline void write_file(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

#define NOT_HERE 77

/* What fn does, in a process of its own that ends well, or with NOT_HERE: passed over then. */
static inline void in_child(void (*fn)(struct cached *), struct cached *cached)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		fn(cached);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_HERE)
		skip();
	assert_int_equal(status, 0);
}

#endif
