/*
 * The list of what is kept: lines into references, under every name that they may have here.
 */
#include <stdlib.h>
#include <string.h>

#include <drydock/layout.h>
#include <drydock/policy.h>

#include "base/cleanup.h"
#include "base/list.h"

struct kept {
	char *name; /* "REPO:TAG", or "REPO" for all of its tags */
	uint32_t line;
};

struct kept_digest {
	struct dd_digest digest;
	uint32_t line;
};

struct dd_keep {
	DD_LIST(struct kept) names; /* sorted */
	DD_LIST(struct kept_digest) digests;
	bool *found; /* by line, from 0 */
	uint32_t lines;
};

static int no_memory(struct dd_error *err)
{
	return dd_fail(err, DD_ENOMEM, 0, "read the list of what is kept");
}

static int add_name(struct dd_keep *keep, const char *prefix, const char *name, size_t len,
		    struct dd_error *err)
{
	struct kept *kept = dd_list_add(&keep->names);
	size_t prefix_len = strlen(prefix);

	if (kept)
		kept->name = malloc(prefix_len + len + 1);
	if (!kept || !kept->name)
		return no_memory(err);
	memcpy(kept->name, prefix, prefix_len);
	memcpy(kept->name + prefix_len, name, len);
	kept->name[prefix_len + len] = '\0';
	kept->line = keep->lines - 1;
	return 0;
}

/* As docker tells a registry from the first part of a name. */
static size_t registry_len(const char *name, size_t len)
{
	const char *slash = memchr(name, '/', len);
	size_t first = slash ? (size_t)(slash - name) : 0;

	if (!first || (!memchr(name, '.', first) && !memchr(name, ':', first) &&
		       !(first == 9 && !memcmp(name, "localhost", 9))))
		return 0;
	return first + 1;
}

/* With the registry and without it; and what has one part alone is library's, too. */
static int add_names(struct dd_keep *keep, const char *name, size_t len, struct dd_error *err)
{
	size_t registry = registry_len(name, len);
	int rc = add_name(keep, "", name, len, err);

	if (rc == 0 && registry)
		rc = add_name(keep, "", name + registry, len - registry, err);
	if (rc == 0 && !memchr(name + registry, '/', len - registry))
		rc = add_name(keep, "library/", name + registry, len - registry, err);
	return rc;
}

static int add_digest(struct dd_keep *keep, const struct dd_digest *digest, struct dd_error *err)
{
	struct kept_digest *kept = dd_list_add(&keep->digests);

	if (!kept)
		return no_memory(err);
	*kept = (struct kept_digest){ *digest, keep->lines - 1 };
	return 0;
}

/* [REGISTRY/]REPO[:TAG], as it may stand here. */
static bool is_name(const char *name, size_t len)
{
	size_t registry = registry_len(name, len);
	char copy[DD_REPOSITORY_MAX + 1];
	const char *rest = name + registry, *colon = memchr(rest, ':', len - registry);
	size_t repository = colon ? (size_t)(colon - rest) : len - registry;
	size_t tag = colon ? len - registry - repository - 1 : 0;

	if (!repository || repository >= sizeof(copy) || (colon && (!tag || tag > DD_TAG_MAX)))
		return false;
	memcpy(copy, rest, repository);
	copy[repository] = '\0';
	if (!dd_repository_valid(copy))
		return false;
	memcpy(copy, rest + repository + 1, tag);
	copy[tag] = '\0';
	return !colon || dd_tag_valid(copy);
}

/* An image's ID without its algorithm, as some tools print it. */
static bool is_bare_id(struct dd_digest *digest, const char *text, size_t len)
{
	char whole[DD_DIGEST_TEXT] = "sha256:";
	size_t prefix = strlen(whole);

	if (len != 64)
		return false;
	memcpy(whole + prefix, text, len);
	return dd_digest_parse(digest, whole, prefix + len) == 0;
}

static int read_reference(struct dd_keep *keep, const char *text, size_t len, size_t number,
			  struct dd_error *err)
{
	const char *at, *scheme = memmem(text, len, "://", 3);
	struct dd_digest digest;
	size_t name;
	int rc = 0;

	if (scheme) {
		len -= (size_t)(scheme + 3 - text);
		text = scheme + 3;
	}
	at = memrchr(text, '@', len);
	name = at ? (size_t)(at - text) : len;
	keep->lines++;
	if (!at && dd_digest_parse(&digest, text, len) == 0)
		return add_digest(keep, &digest, err);
	if (is_bare_id(&digest, text, len))
		rc = add_digest(keep, &digest, err);
	if (at) {
		rc = dd_digest_parse(&digest, at + 1, len - name - 1);
		if (rc == 0)
			rc = add_digest(keep, &digest, err);
	}
	if (rc < 0 || !is_name(text, name)) {
		rc = rc == DD_ENOMEM ? rc :
				       dd_fail(err, DD_EUSAGE, 0,
					       "line %zu: \"%.*s\" is no reference, nor a digest",
					       number, (int)(len < 300 ? len : 300), text);
		dd_hint(err, "a line is REPO, REPO:TAG, REPO@sha256:… or sha256:…, digests whole");
		return rc;
	}
	/* With a digest the tag is an aside, and where it is today may be meant as well. */
	if (!at || memchr(text + registry_len(text, name), ':', name - registry_len(text, name)))
		rc = add_names(keep, text, name, err);
	return rc;
}

static int compare_kept(const void *left, const void *right)
{
	const struct kept *a = left, *b = right;

	return strcmp(a->name, b->name);
}

static int read_lines(struct dd_keep *keep, const char *bytes, size_t len, struct dd_error *err)
{
	const char *end = bytes + len;
	int rc = 0;

	for (size_t number = 1; bytes < end && rc == 0; number++) {
		const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
		const char *stop = newline ? newline : end, *next = newline ? newline + 1 : end;

		while (bytes < stop && strchr(" \t\r", *bytes))
			bytes++;
		while (stop > bytes && strchr(" \t\r", stop[-1]))
			stop--;
		if (bytes < stop && *bytes != '#')
			rc = read_reference(keep, bytes, (size_t)(stop - bytes), number, err);
		bytes = next;
	}
	if (rc == 0 && !keep->lines)
		rc = dd_fail(err, DD_EREFUSED, 0, "there is no reference in it: nothing may go");
	return rc;
}

int dd_keep_read(const char *bytes, size_t len, struct dd_keep **out, struct dd_error *err)
{
	DD_CLEANUP(dd_keep_closep) struct dd_keep *keep = calloc(1, sizeof(*keep));
	int rc;

	*out = NULL;
	if (!keep)
		return no_memory(err);
	if (len > DD_KEEP_MAX)
		return dd_fail(err, DD_ETOOBIG, 0, "%zu bytes are more than a list may have", len);
	rc = read_lines(keep, bytes, len, err);
	if (rc < 0)
		return rc;
	keep->found = calloc(keep->lines, sizeof(*keep->found));
	if (!keep->found)
		return no_memory(err);
	if (keep->names.count)
		qsort(keep->names.items, keep->names.count, sizeof(*keep->names.items),
		      compare_kept);
	*out = keep;
	keep = NULL;
	return 0;
}

void dd_keep_close(struct dd_keep *keep)
{
	if (!keep)
		return;
	for (size_t i = 0; i < keep->names.count; i++)
		free(keep->names.items[i].name);
	dd_list_release(&keep->names);
	dd_list_release(&keep->digests);
	free(keep->found);
	free(keep);
}

void dd_keep_closep(struct dd_keep **keep)
{
	dd_keep_close(*keep);
	*keep = NULL;
}

/* Marks all lines that say this. */
static bool has_name(struct dd_keep *keep, const char *name)
{
	size_t low = 0, high = keep->names.count;
	bool any = false;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(keep->names.items[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < keep->names.count && !strcmp(keep->names.items[low].name, name); low++)
		any = keep->found[keep->names.items[low].line] = true;
	return any;
}

bool dd_keep_has_tag(struct dd_keep *keep, const char *repository, const char *tag)
{
	char name[DD_REPOSITORY_MAX + DD_TAG_MAX + 2];
	size_t len = strlen(repository), tag_len = strlen(tag);
	bool whole;

	/* Under a name that is none nothing goes either way. */
	if (len > DD_REPOSITORY_MAX || tag_len > DD_TAG_MAX)
		return true;
	memcpy(name, repository, len + 1);
	whole = has_name(keep, name);
	name[len] = ':';
	memcpy(name + len + 1, tag, tag_len + 1);
	return has_name(keep, name) || whole;
}

size_t dd_keep_digest_count(const struct dd_keep *keep)
{
	return keep->digests.count;
}

const struct dd_digest *dd_keep_get_digest(const struct dd_keep *keep, size_t at)
{
	return &keep->digests.items[at].digest;
}

void dd_keep_found(struct dd_keep *keep, size_t at)
{
	keep->found[keep->digests.items[at].line] = true;
}

void dd_keep_count(const struct dd_keep *keep, uint64_t *lines, uint64_t *found)
{
	*lines = keep->lines;
	*found = 0;
	for (size_t i = 0; i < keep->lines; i++)
		*found += keep->found[i];
}
