/*
 * A run's journal: whatever its bytes, what is read of it is of the layout, its own trash and its own
 * numbers; what was written is read as the same. A line that the bytes name is given its sum, so that
 * a search gets behind it.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "change/journal.h"
#include "must.h"
#include "record/line.h"

#define RUN "20261123T174501Z-9f3a"
#define RUN_JOURNAL "/.drydock/trash/20261123T174501Z-9f3a/journal"
#define RUN_DIRECTORY "/.drydock/trash/20261123T174501Z-9f3a"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct dd_store *store;
static struct dd_hasher *hasher;
static char journal_path[128];

static void make(const char *path)
{
	MUST(mkdir(path, 0755) == 0);
}

static char root[64];

static void remove_all(void)
{
	static const char *const below[] = { RUN_JOURNAL, RUN_DIRECTORY,
					     "/.drydock/trash", "/.drydock", "/docker/registry/v2/blobs",
					     "/docker/registry/v2/repositories", "/docker/registry/v2",
					     "/docker/registry", "/docker", "" };
	char path[128];

	for (size_t i = 0; i < DD_COUNT(below); i++) {
		snprintf(path, sizeof(path), "%s%s", root, below[i]);
		remove(path);
	}
}

static void open_all(void)
{
	static const char *const below[] = { "/docker", "/docker/registry", "/docker/registry/v2",
					     "/docker/registry/v2/blobs",
					     "/docker/registry/v2/repositories", "/.drydock",
					     "/.drydock/trash", RUN_DIRECTORY };
	static struct dd_context *ctx;
	const char *tmp = getenv("TMPDIR");
	char path[128];

	snprintf(root, sizeof(root), "%.40s/drydock.XXXXXX", tmp ? tmp : "/tmp");
	MUST(mkdtemp(root));
	atexit(remove_all);
	for (size_t i = 0; i < DD_COUNT(below); i++) {
		snprintf(path, sizeof(path), "%s%s", root, below[i]);
		make(path);
	}
	snprintf(journal_path, sizeof(journal_path), "%s/.drydock/trash/" RUN "/journal", root);
	MUST(dd_context_open(&ctx, NULL) == 0);
	MUST(dd_store_open(ctx, &(struct dd_store_options){ .root = root }, &store, NULL) == 0);
	MUST(dd_hasher_open(&hasher, DD_SHA256, NULL) == 0);
}

/* ---- what is read ---- */

struct seen {
	uint64_t items, puts, dresses;
};

static void check_place(const struct dd_place *place)
{
	DD_AUTOFREE char *path = NULL, *memory = NULL;
	struct dd_place again;

	MUST(dd_layout_path(place, &path, NULL) == 0);
	MUST(path[0] != '/' && !strstr(path, "/../") && strncmp(path, "../", 3) != 0);
	MUST(dd_layout_parse(path, &again, &memory, NULL) == 0 && again.kind == place->kind);
}

static int see_item(void *arg, const struct dd_item *item, struct dd_error *err)
{
	struct seen *seen = arg;

	(void)err;
	MUST(!item->place.run && item->reason < DD_REASON_COUNT);
	check_place(&item->place);
	seen->items++;
	return 0;
}

static int see_put(void *arg, const struct dd_put *put, struct dd_error *err)
{
	struct seen *seen = arg;
	const struct dd_place *origin = &put->origin;

	(void)err;
	MUST(!put->place.run);
	check_place(&put->place);
	check_place(origin);
	/* Nothing that is taken back goes where it can harm. */
	MUST((origin->kind == DD_AT_STAGED && !strcmp(origin->run, RUN)) ||
	     (put->place.kind == DD_AT_BLOB && !origin->beside &&
	      ((origin->kind == DD_AT_STRAY && !origin->run) ||
	       (origin->kind == DD_AT_BLOB && origin->run &&
		dd_digest_equal(&origin->digest, &put->place.digest)))));
	seen->puts++;
	return 0;
}

static int see_dress(void *arg, const struct dd_dress *dress, struct dd_error *err)
{
	struct seen *seen = arg;

	(void)err;
	MUST(!dress->place.run);
	check_place(&dress->place);
	seen->dresses++;
	return 0;
}

static void read_it(const void *bytes, size_t size)
{
	DD_CLEANUP(dd_journal_release) struct dd_journal journal = { 0 };
	struct seen seen = { 0 };
	const struct dd_journal_sink sink = { see_item, see_put, see_dress, &seen };
	int fd = open(journal_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool ended;

	MUST(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	close(fd);
	MUST(dd_journal_read(store, RUN, &sink, &journal, NULL) == 0);
	MUST(seen.items == journal.items && seen.puts + seen.dresses == journal.placed);
	MUST(journal.announced <= seen.items + seen.puts + seen.dresses);
	MUST(!journal.whole || journal.sealed);
	MUST(dd_journal_has_end(store, RUN, &ended, NULL) == 0);
}

/* The same as lines that are whole: their sums are right, whatever they say. */
static void read_with_sums(const uint8_t *data, size_t size)
{
	struct dd_text lines = { 0 }, payload = { 0 };

	for (size_t at = 0; at < size;) {
		const uint8_t *newline = memchr(data + at, '\n', size - at);
		size_t len = newline ? (size_t)(newline - (data + at)) : size - at;

		dd_text_cut(&payload, 0);
		MUST(dd_text_add(&payload, (const char *)data + at, len) == 0);
		if (len && !memchr(data + at, '\0', len))
			MUST(dd_line_end(hasher, &lines, &payload, NULL) == 0);
		at += len + 1;
	}
	read_it(lines.bytes ? lines.bytes : "", lines.len);
	dd_text_release(&lines);
	dd_text_release(&payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!store)
		open_all();
	read_it(data, size);
	read_with_sums(data, size);
	return 0;
}
