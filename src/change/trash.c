/*
 * The trash as a list of runs.
 */
#include <stdlib.h>
#include <string.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "change/names.h"
#include "change/run_load.h"

/* When a run began: its name says it, 20261123T174501Z. */
static int64_t began(const char *name)
{
	char text[] = "0000-00-00T00:00:00Z";
	static const struct {
		unsigned char at, from, len;
	} parts[] = { { 0, 0, 4 },  { 5, 4, 2 },   { 8, 6, 2 },
		      { 11, 9, 2 }, { 14, 11, 2 }, { 17, 13, 2 } };
	int64_t ns = 0;

	for (size_t i = 0; i < DD_COUNT(parts); i++)
		memcpy(text + parts[i].at, name + parts[i].from, parts[i].len);
	/* Digits that are no date: as old as can be. */
	return dd_time_parse(&ns, text, sizeof(text) - 1) < 0 ? 0 : ns;
}

static int keep_item(void *arg, const struct dd_item *item, struct dd_error *err)
{
	return dd_run_load_keep(arg, item, err);
}

static int keep_put(void *arg, const struct dd_put *put, struct dd_error *err)
{
	return dd_run_load_put(arg, put, err);
}

static int keep_dress(void *arg, const struct dd_dress *dress, struct dd_error *err)
{
	return dd_run_load_dress(arg, dress, err);
}

/* Everything but what stops the whole load: a journal that cannot be read is a damaged one. */
static bool fatal(int rc)
{
	return rc == DD_ENOMEM || rc == DD_ECANCELLED;
}

static int load_items(struct dd_run_load *load, struct dd_journal *journal, struct dd_error *err)
{
	struct dd_run *run = load->run;
	const struct dd_journal_sink sink = { keep_item, keep_put, keep_dress, load };
	int readable = dd_journal_read(load->store, run->name, &sink, journal, err), rc;
	bool found = false;

	if (fatal(readable))
		return readable;
	run->unseen = readable == DD_EIO || readable == DD_EACCES;
	dd_error_clear(err);
	run->mended =
		journal->placed || (journal->command && !strncmp(journal->command, "repair", 6));
	rc = dd_run_load_look(load, err);
	if (rc < 0)
		return rc;
	run->gone = (size_t)journal->items - load->items.count;
	if (journal->whole) {
		run->state =
			journal->ended && !journal->interrupted ? DD_RUN_DONE : DD_RUN_INTERRUPTED;
		return 0;
	}
	rc = dd_run_load_find(load, &found, err);
	if (rc < 0)
		return rc;
	/* Before the seal nothing goes: if nothing did, the journal was only being written. */
	run->state = found || journal->sealed || (readable < 0 && readable != DD_ENOENT) ?
			     DD_RUN_DAMAGED :
			     DD_RUN_INTERRUPTED;
	return 0;
}

static int load_run(struct dd_context *ctx, struct dd_store *store, struct dd_run *run,
		    struct dd_error *err)
{
	struct dd_run_load load = { .ctx = ctx, .store = store, .run = run };
	DD_CLEANUP(dd_journal_release) struct dd_journal journal = { 0 };
	int rc;

	run->began_ns = began(run->name);
	run->memory = calloc(1, sizeof(*run->memory));
	if (!run->memory)
		return dd_fail(err, DD_ENOMEM, 0, "look into the trash");
	rc = load_items(&load, &journal, err);
	run->items = load.items.items;
	run->count = load.items.count;
	run->puts = load.puts.items;
	run->put_count = load.puts.count;
	run->overwritten = load.overwritten.items;
	/* Where not all was done nothing tells which was. */
	if (journal.whole && journal.withdrawn == journal.items + journal.placed)
		run->overwritten_count = load.overwritten.count;
	run->dresses = load.dresses.items;
	run->dress_count = load.dresses.count;
	run->command = journal.command;
	journal.command = NULL;
	run->ended = journal.ended;
	run->took = run->count || run->put_count || run->dress_count ||
		    (journal.ended && !journal.interrupted && journal.withdrawn);
	return rc < 0 ? dd_wrap(err, rc, "run %s", run->name) : 0;
}

int dd_trash_load(struct dd_context *ctx, struct dd_store *store, struct dd_trash *trash,
		  struct dd_error *err)
{
	DD_CLEANUP(dd_run_names_release) struct dd_run_names names = { 0 };
	int rc;

	memset(trash, 0, sizeof(*trash));
	rc = dd_run_names_list(&names, store, DD_IN_TRASH, err);
	if (rc == DD_ENOENT) {
		dd_error_clear(err);
		return 0;
	}
	if (rc < 0)
		return rc;
	dd_run_names_sort(&names);
	trash->runs = calloc(names.list.count + 1, sizeof(*trash->runs));
	if (!trash->runs)
		return dd_fail(err, DD_ENOMEM, 0, "look into the trash");
	for (size_t i = 0; i < names.list.count && rc == 0; i++) {
		struct dd_run *run = &trash->runs[trash->count++];

		memcpy(run->name, names.list.items[i].text, sizeof(run->name));
		rc = load_run(ctx, store, run, err);
		/* Emptied meanwhile; or it died, and nothing is there to be undone. */
		if (rc == DD_ENOENT ||
		    (rc == 0 && run->state == DD_RUN_INTERRUPTED && !run->took)) {
			dd_error_clear(err);
			dd_run_release(run);
			trash->count--;
			rc = 0;
		}
	}
	if (rc < 0)
		dd_trash_release(trash);
	return rc;
}

static const struct dd_run *latest(const struct dd_trash *trash)
{
	for (size_t i = trash->count; i > 0; i--)
		if (trash->runs[i - 1].took)
			return &trash->runs[i - 1];
	return NULL;
}

int dd_trash_find(const struct dd_trash *trash, const char *name, const struct dd_run **run,
		  struct dd_error *err)
{
	size_t len = strlen(name), matches = 0;
	int rc;

	*run = NULL;
	if (!strcmp(name, "latest")) {
		*run = latest(trash);
		if (*run)
			return 0;
		return dd_fail(err, DD_ENOENT, 0, "the trash is empty: there is nothing to undo");
	}
	for (size_t i = 0; i < trash->count && len; i++)
		if (!strncmp(trash->runs[i].name, name, len)) {
			*run = &trash->runs[i];
			matches++;
		}
	if (matches == 1)
		return 0;
	*run = NULL;
	if (matches)
		rc = dd_fail(err, DD_EAMBIGUOUS, 0, "%zu runs begin with %s", matches, name);
	else
		rc = dd_fail(err, DD_ENOENT, 0, "the trash has no run %s", name);
	dd_hint(err, matches ? "drydock trash list shows them" :
			       "drydock trash list shows those that have something left; one from "
			       "which all came back is removed");
	return rc;
}

void dd_trash_release(struct dd_trash *trash)
{
	for (size_t i = 0; i < trash->count; i++)
		dd_run_release(&trash->runs[i]);
	free(trash->runs);
	memset(trash, 0, sizeof(*trash));
}

uint64_t dd_run_bytes(const struct dd_run *run)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < run->count; i++)
		if (run->items[i].links <= 1)
			bytes += run->items[i].bytes;
	return bytes;
}
