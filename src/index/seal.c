/*
 * Sealing, and seeing whether a seal is whole. Read by read(2), not through a map: a file that is
 * cut meanwhile is an error then, and no signal.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/jobs.h"
#include "index/seal.h"
#include "index/sum.h"

#define PART ((size_t)1 << 20)
#define BLOCK ((size_t)64 << 10) /* of a part: it stays in the processor's cache */

_Static_assert(sizeof(struct dd_seal) == 64, "a seal keeps its size");

/* Exactly len bytes; DD_EFORMAT if there are less. */
static int read_at(int fd, void *bytes, size_t len, uint64_t offset, struct dd_error *err)
{
	char *at = bytes;

	while (len) {
		ssize_t got = pread(fd, at, len, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return dd_fail(err, dd_code_of_errno(errno), errno, "read the index");
		if (got == 0)
			return dd_fail(err, DD_EFORMAT, 0, "the index has become shorter");
		at += got;
		len -= (size_t)got;
		offset += (uint64_t)got;
	}
	return 0;
}

/* Parts of a file are added up side by side; the sum is that of their sums. */
struct part {
	int fd;
	uint64_t offset, length, sum;
	int rc;
	struct dd_error err;
};

static void add_up_part(void *arg)
{
	struct part *part = arg;
	unsigned char *bytes = malloc(BLOCK);
	uint64_t at = 0, left = part->length;
	struct dd_sum sum;

	dd_sum_init(&sum);
	part->rc = bytes ? 0 : dd_fail(&part->err, DD_ENOMEM, 0, "read the index");
	for (; part->rc == 0 && left > BLOCK; at += BLOCK, left -= BLOCK) {
		part->rc = read_at(part->fd, bytes, BLOCK, part->offset + at, &part->err);
		dd_sum_add(&sum, bytes, BLOCK);
	}
	if (part->rc == 0)
		part->rc = read_at(part->fd, bytes, (size_t)left, part->offset + at, &part->err);
	if (part->rc == 0)
		part->sum = dd_sum_end(&sum, bytes, (size_t)left);
	free(bytes);
}

static int add_up_parts(struct dd_context *ctx, struct part *parts, size_t count,
			struct dd_error *err)
{
	DD_CLEANUP(dd_jobs_closep) struct dd_jobs *jobs = NULL;
	int rc = ctx ? dd_jobs_open(ctx, &jobs, err) : 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		if (jobs)
			dd_jobs_add(jobs, add_up_part, &parts[i]);
		else
			add_up_part(&parts[i]);
		rc = ctx ? dd_context_check(ctx, err) : 0;
	}
	dd_jobs_closep(&jobs);
	for (size_t i = 0; i < count && rc == 0; i++) {
		rc = parts[i].rc;
		if (rc < 0 && err)
			*err = parts[i].err;
	}
	return rc;
}

/* ctx NULL: by this thread, and whatever happens. */
static int add_up(struct dd_context *ctx, int fd, uint64_t length, uint64_t *out,
		  struct dd_error *err)
{
	size_t count = (size_t)((length + PART - 1) / PART);
	DD_AUTOFREE struct part *parts = calloc(count + 1, sizeof(*parts));
	DD_AUTOFREE uint64_t *sums = calloc(count + 1, sizeof(*sums));
	int rc;

	if (!parts || !sums)
		return dd_fail(err, DD_ENOMEM, 0, "read the index");
	for (size_t i = 0; i < count; i++) {
		uint64_t offset = i * (uint64_t)PART, left = length - offset;

		parts[i] = (struct part){ .fd = fd,
					  .offset = offset,
					  .length = left < PART ? left : PART };
	}
	rc = add_up_parts(ctx, parts, count, err);
	for (size_t i = 0; i < count; i++)
		sums[i] = parts[i].sum;
	*out = dd_sum_of(sums, count * sizeof(*sums));
	return rc;
}

static uint64_t self_of(const struct dd_seal *seal)
{
	return dd_sum_of(seal, offsetof(struct dd_seal, self));
}

static int write_at(int fd, const void *bytes, size_t len, uint64_t offset, struct dd_error *err)
{
	const char *at = bytes;

	while (len) {
		ssize_t put = pwrite(fd, at, len, (off_t)offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return dd_fail(err, dd_code_of_errno(errno), errno, "write the index");
		at += put;
		len -= (size_t)put;
		offset += (uint64_t)put;
	}
	return 0;
}

int dd_seal_write(int fd, const uint64_t volume[2], struct dd_error *err)
{
	struct dd_seal seal = { .volume = { volume[0], volume[1] },
				.version = DD_INDEX_VERSION,
				.word = sizeof(size_t),
				.magic = DD_SEAL_MAGIC };
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0)
		return dd_fail(err, dd_code_of_errno(errno), errno, "look at the index");
	seal.length = (uint64_t)st.st_size;
	rc = add_up(NULL, fd, seal.length, &seal.sum, err);
	if (rc < 0)
		return rc;
	seal.self = self_of(&seal);
	return write_at(fd, &seal, sizeof(seal), seal.length, err);
}

/* What the seal alone tells of a file so long. */
static enum dd_seal_state state_of(const struct dd_seal *seal, const uint64_t volume[2],
				   uint64_t size)
{
	if (memcmp(seal->magic, DD_SEAL_MAGIC, sizeof(seal->magic)) || seal->self != self_of(seal))
		return DD_SEAL_DAMAGED;
	if (seal->version != DD_INDEX_VERSION)
		return seal->version < DD_INDEX_VERSION ? DD_SEAL_OLDER : DD_SEAL_NEWER;
	if (seal->word != sizeof(size_t) || memcmp(seal->volume, volume, sizeof(seal->volume)))
		return DD_SEAL_OTHER;
	return seal->length == size - sizeof(*seal) ? DD_SEAL_GOOD : DD_SEAL_DAMAGED;
}

int dd_seal_check(struct dd_context *ctx, int fd, const uint64_t volume[2],
		  enum dd_seal_state *state, uint64_t *length, struct dd_error *err)
{
	struct dd_seal seal;
	struct stat st;
	uint64_t sum;
	int rc;

	*state = DD_SEAL_DAMAGED;
	if (fstat(fd, &st) < 0)
		return dd_fail(err, dd_code_of_errno(errno), errno, "look at the index");
	if ((uint64_t)st.st_size <= sizeof(seal))
		return 0;
	*length = (uint64_t)st.st_size - sizeof(seal);
	rc = read_at(fd, &seal, sizeof(seal), *length, err);
	if (rc < 0)
		return rc == DD_EFORMAT ? 0 : rc;
	*state = state_of(&seal, volume, (uint64_t)st.st_size);
	if (*state != DD_SEAL_GOOD)
		return 0;
	rc = add_up(ctx, fd, *length, &sum, err);
	if (rc < 0 && rc != DD_EFORMAT)
		return rc;
	if (rc < 0 || sum != seal.sum)
		*state = DD_SEAL_DAMAGED;
	return 0;
}
