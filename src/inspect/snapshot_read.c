/*
 * Reading a snapshot back. Nothing in it is believed: it may be anybody's file.
 */
#include <string.h>

#include <drydock/layout.h>

#include "base/cleanup.h"
#include "inspect/snapshot.h"
#include "record/line.h"

struct reading {
	struct dd_snapshot *snapshot;
	struct dd_hasher *hasher;
	char *start, *at, *end;
	uint64_t line;
	struct dd_digest sum; /* of all before the last line */
	char *last;	      /* where that begins */
	bool ended;
	DD_LIST(struct dd_snapshot_blob) blobs;
	DD_LIST(struct dd_snapshot_repository) repositories;
	/* of the repository that is being read */
	DD_LIST(struct dd_snapshot_tag) tags;
	DD_LIST(uint32_t) manifests;
	DD_LIST(uint32_t) layers;
};

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "read a snapshot");
}

static int malformed(const char *what, struct dd_error *err)
{
	return dd_fail(err, DD_EFORMAT, 0, "%s", what);
}

static int number(const char *word, uint64_t max, uint64_t *value, struct dd_error *err)
{
	if (dd_line_parse_number(word, value) < 0 || *value > max)
		return malformed("a number is none, or is out of range", err);
	return 0;
}

static int take_head(struct reading *reading, char **words, size_t count, struct dd_error *err)
{
	struct dd_snapshot *snapshot = reading->snapshot;
	uint64_t version, taken;
	int rc;

	if (count < 2 || strcmp(words[0], DD_SNAPSHOT_MAGIC) != 0)
		return malformed("this is no snapshot", err);
	rc = number(words[1], UINT64_MAX, &version, err);
	if (rc == 0 && version != DD_SNAPSHOT_VERSION)
		return dd_fail(err, DD_EUNKNOWN, 0, "it is of version %s, this drydock reads %d",
			       words[1], DD_SNAPSHOT_VERSION);
	if (rc == 0 && count != 5)
		rc = malformed("the first line is not as it should be", err);
	if (rc == 0)
		rc = number(words[2], INT64_MAX, &taken, err);
	if (rc == 0)
		rc = number(words[3], UINT64_MAX, &snapshot->problems, err);
	if (rc < 0)
		return rc;
	snapshot->taken_ns = (int64_t)taken;
	snapshot->root = dd_snapshot_copy(snapshot, words[4], err);
	return snapshot->root ? 0 : DD_ENOMEM;
}

static int take_blobs(struct reading *reading, char **words, size_t count, struct dd_error *err)
{
	int alg = count > 1 ? dd_algorithm_parse(words[1], strlen(words[1])) : -1;
	int rc = 0;

	if (alg < 0 || count % 2 || reading->repositories.count)
		return malformed("blobs are not told as they should be", err);
	for (size_t i = 2; i < count && rc == 0; i += 2) {
		struct dd_snapshot_blob *blob = dd_list_add(&reading->blobs), *before;

		if (!blob)
			return no_memory(err);
		before = reading->blobs.count > 1 ? blob - 1 : NULL;
		if (dd_digest_parse_hex(&blob->digest, (enum dd_algorithm)alg, words[i],
					strlen(words[i])) < 0)
			return malformed("a digest is none", err);
		if (before && dd_digest_compare(&before->digest, &blob->digest) >= 0)
			return malformed("digests are not in order", err);
		blob->present = strcmp(words[i + 1], "-") != 0;
		if (blob->present)
			rc = number(words[i + 1], INT64_MAX, &blob->size, err);
	}
	if (reading->blobs.count >= DD_SNAPSHOT_NONE)
		rc = dd_fail(err, DD_ETOOBIG, 0, "too many blobs");
	return rc;
}

/* What was collected belongs to the latest repository. */
static int end_repository(struct reading *reading, struct dd_error *err)
{
	struct dd_snapshot_repository *repository;
	struct dd_snapshot_tag *tags;
	uint32_t *manifests, *layers;

	if (!reading->repositories.count)
		return 0;
	repository = &reading->repositories.items[reading->repositories.count - 1];
	tags = dd_snapshot_alloc(reading->snapshot, reading->tags.count, sizeof(*tags), err);
	manifests = dd_snapshot_alloc(reading->snapshot, reading->manifests.count,
				      sizeof(*manifests), err);
	layers = dd_snapshot_alloc(reading->snapshot, reading->layers.count, sizeof(*layers), err);
	if (!tags || !manifests || !layers)
		return DD_ENOMEM;
	if (reading->tags.count)
		memcpy(tags, reading->tags.items, reading->tags.count * sizeof(*tags));
	if (reading->manifests.count)
		memcpy(manifests, reading->manifests.items,
		       reading->manifests.count * sizeof(*manifests));
	if (reading->layers.count)
		memcpy(layers, reading->layers.items, reading->layers.count * sizeof(*layers));
	repository->tags = tags;
	repository->tag_count = reading->tags.count;
	repository->manifests = manifests;
	repository->manifest_count = reading->manifests.count;
	repository->layers = layers;
	repository->layer_count = reading->layers.count;
	reading->tags.count = reading->manifests.count = reading->layers.count = 0;
	return 0;
}

static int take_repository(struct reading *reading, char **words, size_t count,
			   struct dd_error *err)
{
	struct dd_snapshot_repository *repository;
	int rc = end_repository(reading, err);

	if (rc < 0)
		return rc;
	if (count != 2 || !dd_repository_safe(words[1]))
		return malformed("a repository has a name that none can have", err);
	if (reading->repositories.count &&
	    strcmp(reading->repositories.items[reading->repositories.count - 1].name, words[1]) >=
		    0)
		return malformed("repositories are not in order", err);
	repository = dd_list_add(&reading->repositories);
	if (!repository)
		return no_memory(err);
	repository->name = dd_snapshot_copy(reading->snapshot, words[1], err);
	return repository->name ? 0 : DD_ENOMEM;
}

/* One that leads to a blob, and is larger than the one before it. */
static int take_number(struct reading *reading, const char *word, const uint32_t *before,
		       uint32_t *into, struct dd_error *err)
{
	uint64_t value;
	int rc = number(word, UINT32_MAX, &value, err);

	if (rc < 0)
		return rc;
	if (value >= reading->blobs.count || (before && *before >= value))
		return malformed("a number leads to no blob, or is not in order", err);
	*into = (uint32_t)value;
	return 0;
}

static int take_manifests(struct reading *reading, char **words, size_t count, struct dd_error *err)
{
	int rc = reading->repositories.count ? 0 : malformed("manifests of no repository", err);

	for (size_t i = 1; i < count && rc == 0; i++) {
		uint32_t *slot = dd_list_add(&reading->manifests);

		if (!slot)
			return no_memory(err);
		rc = take_number(reading, words[i], reading->manifests.count > 1 ? slot - 1 : NULL,
				 slot, err);
	}
	return rc;
}

static int take_layers(struct reading *reading, char **words, size_t count, struct dd_error *err)
{
	int rc = reading->repositories.count ? 0 : malformed("layers of no repository", err);

	for (size_t i = 1; i < count && rc == 0; i++) {
		uint32_t *slot = dd_list_add(&reading->layers);

		if (!slot)
			return no_memory(err);
		rc = take_number(reading, words[i], reading->layers.count > 1 ? slot - 1 : NULL,
				 slot, err);
	}
	return rc;
}

static int take_tag(struct reading *reading, char **words, size_t count, struct dd_error *err)
{
	struct dd_snapshot_tag *tag;
	uint64_t moved;
	int rc;

	if (!reading->repositories.count || count != 4 || !dd_name_safe(words[1]))
		return malformed("a tag is not told as it should be", err);
	if (reading->tags.count &&
	    strcmp(reading->tags.items[reading->tags.count - 1].name, words[1]) >= 0)
		return malformed("tags are not in order", err);
	tag = dd_list_add(&reading->tags);
	if (!tag)
		return no_memory(err);
	tag->blob = DD_SNAPSHOT_NONE;
	rc = strcmp(words[2], "-") != 0 ? take_number(reading, words[2], NULL, &tag->blob, err) : 0;
	if (rc == 0)
		rc = number(words[3], INT64_MAX, &moved, err);
	if (rc < 0)
		return rc;
	tag->moved_ns = (int64_t)moved;
	tag->name = dd_snapshot_copy(reading->snapshot, words[1], err);
	return tag->name ? 0 : DD_ENOMEM;
}

static int take_end(struct reading *reading, char **words, size_t count, const char *begin,
		    struct dd_error *err)
{
	struct dd_digest digest;
	uint64_t lines;
	int rc;

	if (count != 3 || begin != reading->last ||
	    dd_digest_parse_hex(&digest, DD_SHA256, words[2], strlen(words[2])) < 0)
		return malformed("the last line is not as it should be", err);
	rc = number(words[1], UINT64_MAX, &lines, err);
	if (rc == 0 && (lines + 1 != reading->line || !dd_digest_equal(&digest, &reading->sum)))
		rc = dd_fail(err, DD_ECORRUPT, 0, "lines are missing, or are not those of the end");
	if (rc == 0)
		rc = end_repository(reading, err);
	reading->ended = rc == 0;
	return rc;
}

static int take_line(struct reading *reading, char **words, size_t count, const char *begin,
		     struct dd_error *err)
{
	static const struct {
		const char *word;
		int (*take)(struct reading *, char **, size_t, struct dd_error *);
	} kinds[] = { { "blobs", take_blobs },
		      { "repository", take_repository },
		      { "manifests", take_manifests },
		      { "layers", take_layers },
		      { "tag", take_tag } };

	if (reading->line == 1)
		return take_head(reading, words, count, err);
	if (reading->ended || !count)
		return malformed("something comes after the end", err);
	if (!strcmp(words[0], "end"))
		return take_end(reading, words, count, begin, err);
	for (size_t i = 0; i < DD_COUNT(kinds); i++)
		if (!strcmp(words[0], kinds[i].word))
			return kinds[i].take(reading, words, count, err);
	return malformed("a line of no known kind", err);
}

static int take_lines(struct reading *reading, struct dd_error *err)
{
	for (;;) {
		char *words[DD_LINE_WORDS], *begin = reading->at;
		size_t count;
		int rc = dd_line_next(reading->hasher, &reading->at, reading->end, words, &count,
				      err);

		if (rc == 0)
			break;
		reading->line++;
		if (rc > 0)
			rc = take_line(reading, words, count, begin, err);
		if (rc < 0)
			return dd_wrap(err, rc, "line %llu", (unsigned long long)reading->line);
	}
	return reading->ended ? 0 : malformed("it ends in the middle", err);
}

static int settle(struct reading *reading, struct dd_error *err)
{
	struct dd_snapshot *snapshot = reading->snapshot;
	size_t blobs = reading->blobs.count, repositories = reading->repositories.count;
	struct dd_snapshot_blob *own_blobs =
		dd_snapshot_alloc(snapshot, blobs, sizeof(*own_blobs), err);
	struct dd_snapshot_repository *own =
		own_blobs ? dd_snapshot_alloc(snapshot, repositories, sizeof(*own), err) : NULL;

	if (!own)
		return DD_ENOMEM;
	if (blobs)
		memcpy(own_blobs, reading->blobs.items, blobs * sizeof(*own_blobs));
	if (repositories)
		memcpy(own, reading->repositories.items, repositories * sizeof(*own));
	snapshot->blobs = own_blobs;
	snapshot->blob_count = blobs;
	snapshot->repositories = own;
	snapshot->repository_count = repositories;
	return dd_snapshot_settle(snapshot, own, err);
}

/* The sum of everything but the last line, before anything is decoded in place. */
static int add_up(struct reading *reading, struct dd_error *err)
{
	size_t len = (size_t)(reading->end - reading->start);
	char *newline = len > 1 ? memrchr(reading->start, '\n', len - 1) : NULL;

	reading->last = newline ? newline + 1 : reading->start;
	return dd_digest_of(&reading->sum, DD_SHA256, reading->start,
			    (size_t)(reading->last - reading->start), err);
}

int dd_snapshot_parse(struct dd_snapshot *snapshot, char *bytes, size_t len, struct dd_error *err)
{
	DD_CLEANUP(dd_hasher_closep) struct dd_hasher *hasher = NULL;
	struct reading reading = {
		.snapshot = snapshot, .start = bytes, .at = bytes, .end = bytes + len
	};
	int rc = dd_snapshot_init(snapshot, err);

	if (rc == 0)
		rc = dd_hasher_open(&hasher, DD_SHA256, err);
	reading.hasher = hasher;
	if (rc == 0)
		rc = add_up(&reading, err);
	if (rc == 0)
		rc = take_lines(&reading, err);
	if (rc == 0)
		rc = settle(&reading, err);
	dd_list_release(&reading.blobs);
	dd_list_release(&reading.repositories);
	dd_list_release(&reading.tags);
	dd_list_release(&reading.manifests);
	dd_list_release(&reading.layers);
	return rc;
}
