/*
 * The history of one tag: its current link, and the links of its index.
 */
#include <string.h>

#include "base/cleanup.h"
#include "inspect/log.h"

#define LINK_MAX 1024

struct reading {
	struct dd_telling *telling;
	struct dd_history_tag *tag;
	struct dd_place place; /* DD_IN_HISTORY_OF */
	DD_LIST(struct dd_history_entry) entries;
	bool absent, failed; /* no current link; something could not be looked at */
};

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "tell the history of a tag");
}

const char *dd_tell_copy(struct dd_telling *telling, const char *text, struct dd_error *err)
{
	const char *copy = dd_arena_copy(telling->memory, text, strlen(text));

	if (!copy)
		no_memory(err);
	return copy;
}

/* What stops the whole; everything else is a problem of the tag. */
static bool stops(int rc)
{
	return rc == DD_ENOMEM || rc == DD_ECANCELLED;
}

static void note(struct reading *reading, const char *problem)
{
	if (!reading->tag->problem)
		reading->tag->problem = problem;
}

static void note_failure(struct reading *reading, int rc)
{
	reading->failed = true;
	note(reading, dd_code_text(rc));
}

static int read_current(struct reading *reading, struct dd_error *err)
{
	struct dd_history_tag *tag = reading->tag;
	const struct dd_place place = { .kind = DD_AT_TAG,
					.repository = tag->repository,
					.tag = tag->tag };
	DD_CLEANUP(dd_buffer_release) struct dd_buffer buffer = { 0 };
	struct dd_error own = { 0 };
	struct dd_info info;
	int rc = dd_store_read(reading->telling->store, &place, LINK_MAX, &buffer, &info, &own);

	if (stops(rc)) {
		if (err)
			*err = own;
		return rc;
	}
	if (rc == DD_ENOENT) {
		reading->absent = true;
		note(reading, "its current link is not there");
	} else if (rc < 0) {
		note_failure(reading, rc);
	} else {
		tag->moved_ns = info.mtime_ns;
		tag->has_digest =
			dd_digest_parse(&tag->digest, (const char *)buffer.bytes, buffer.len) == 0;
		if (!tag->has_digest)
			note(reading, "its current link holds no digest");
	}
	return 0;
}

/* Whether something is there: 1, 0, or what stops us. */
static int look(struct reading *reading, enum dd_place_kind kind, const struct dd_digest *digest,
		struct dd_info *info, struct dd_error *err)
{
	const struct dd_place place = { .kind = kind,
					.repository = reading->tag->repository,
					.tag = reading->tag->tag,
					.digest = *digest };
	struct dd_error own = { 0 };
	int rc = dd_store_stat(reading->telling->store, &place, info, &own);

	if (rc == 0)
		return info->type == DD_ENTRY_FILE;
	if (stops(rc)) {
		if (err)
			*err = own;
		return rc;
	}
	if (rc != DD_ENOENT)
		note_failure(reading, rc);
	return 0;
}

static int judge(struct reading *reading, struct dd_history_entry *entry, struct dd_error *err)
{
	const struct dd_history_tag *tag = reading->tag;
	struct dd_info info;
	bool current = tag->has_digest && dd_digest_equal(&tag->digest, &entry->digest);
	int there = look(reading, DD_AT_BLOB, &entry->digest, &info, err), linked;

	if (there < 0)
		return there;
	linked = look(reading, DD_AT_REVISION, &entry->digest, &info, err);
	if (linked < 0)
		return linked;
	reading->tag->here += there && linked;
	if (current) {
		entry->state = DD_HISTORY_CURRENT;
		if (!there)
			note(reading, "the manifest that it points to is not there");
		else if (!linked)
			note(reading, "the repository does not have the manifest it points to");
	} else {
		entry->state = !there ? DD_HISTORY_GONE :
			       linked ? DD_HISTORY_HERE :
					DD_HISTORY_DELETED;
	}
	return 0;
}

static int add_entry(struct reading *reading, const struct dd_digest *digest, int64_t set_ns,
		     struct dd_error *err)
{
	struct dd_history_entry *entry = dd_list_add(&reading->entries);

	if (!entry)
		return no_memory(err);
	entry->digest = *digest;
	entry->set_ns = set_ns;
	return judge(reading, entry, err);
}

static int visit_digest(void *arg, const struct dd_entry *found, struct dd_error *err)
{
	struct reading *reading = arg;
	struct dd_digest digest;
	struct dd_info info;
	int rc;

	if (found->type != DD_ENTRY_DIRECTORY ||
	    dd_digest_parse_hex(&digest, (enum dd_algorithm)reading->place.digest.alg, found->name,
				strlen(found->name)) < 0)
		return 0;
	rc = dd_context_check(reading->telling->ctx, err);
	if (rc == 0)
		rc = look(reading, DD_AT_HISTORY, &digest, &info, err);
	/* What a deletion leaves is a directory without a link. */
	return rc <= 0 ? rc : add_entry(reading, &digest, info.mtime_ns, err);
}

static int read_index(struct reading *reading, struct dd_error *err)
{
	reading->place = (struct dd_place){ .kind = DD_IN_HISTORY_OF,
					    .repository = reading->tag->repository,
					    .tag = reading->tag->tag };
	for (int alg = 0; alg < DD_ALGORITHM_COUNT; alg++) {
		struct dd_error own = { 0 };
		int rc;

		reading->place.digest.alg = (uint8_t)alg;
		rc = dd_store_list(reading->telling->store, &reading->place, visit_digest, reading,
				   &own);
		if (stops(rc)) {
			if (err)
				*err = own;
			return rc;
		}
		if (rc < 0 && rc != DD_ENOENT)
			note_failure(reading, rc);
	}
	return 0;
}

/* The latest first; of what bears the same time, what the tag points to. */
static int compare_entries(const void *left, const void *right)
{
	const struct dd_history_entry *a = left, *b = right;

	if (a->set_ns != b->set_ns)
		return a->set_ns < b->set_ns ? 1 : -1;
	if ((a->state == DD_HISTORY_CURRENT) != (b->state == DD_HISTORY_CURRENT))
		return a->state == DD_HISTORY_CURRENT ? -1 : 1;
	return dd_digest_compare(&a->digest, &b->digest);
}

static bool has_current(const struct reading *reading)
{
	for (size_t i = 0; i < reading->entries.count; i++)
		if (reading->entries.items[i].state == DD_HISTORY_CURRENT)
			return true;
	return false;
}

static int settle(struct reading *reading, struct dd_error *err)
{
	struct dd_history_tag *tag = reading->tag;
	size_t count, bytes;
	struct dd_history_entry *entries;

	if (tag->has_digest && !has_current(reading)) {
		int rc = add_entry(reading, &tag->digest, tag->moved_ns, err);

		if (rc < 0)
			return rc;
	}
	count = reading->entries.count;
	if (!count)
		return 0;
	qsort(reading->entries.items, count, sizeof(*entries), compare_entries);
	tag->unclear = tag->has_digest && reading->entries.items[0].state != DD_HISTORY_CURRENT;
	for (size_t i = 1; i < count; i++)
		tag->unclear |=
			reading->entries.items[i - 1].set_ns == reading->entries.items[i].set_ns;
	bytes = count * sizeof(*entries);
	entries = dd_arena_alloc(reading->telling->memory, bytes);
	if (!entries)
		return no_memory(err);
	memcpy(entries, reading->entries.items, bytes);
	tag->entries = entries;
	tag->count = count;
	return 0;
}

int dd_tell_tag(struct dd_telling *telling, const char *repository, const char *tag,
		struct dd_error *err)
{
	struct dd_history_tag found = { .repository = repository };
	struct reading reading = { .telling = telling, .tag = &found };
	struct dd_history_tag *slot;
	int rc;

	found.tag = dd_tell_copy(telling, tag, err);
	if (!found.tag)
		return DD_ENOMEM;
	rc = read_current(&reading, err);
	if (rc == 0)
		rc = read_index(&reading, err);
	if (rc == 0)
		rc = settle(&reading, err);
	dd_list_release(&reading.entries);
	/* A deleted tag leaves its directory. */
	if (rc < 0 || (reading.absent && !found.count && !reading.failed))
		return rc;
	slot = dd_list_add(&telling->tags);
	if (!slot)
		return no_memory(err);
	*slot = found;
	return 0;
}
