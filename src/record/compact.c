/*
 * Fewer records that say the same.
 *
 * Of each name only the latest pull counts, and of collections few: what newer lines say better goes
 * when the file has become twice what was left of it the last time. That is in its first line,
 *
 *	compacted <time_ns> <bytes behind this line>
 *
 * so that the file stays within a multiple of what is worth remembering, and is not read for nothing.
 * Whatever is not understood to be superseded is kept to the byte: lines of a later version, and
 * damaged ones, too. The bytes are counted by the code that writes them.
 */
#include <stdlib.h>
#include <string.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "record/kinds.h"
#include "record/lines.h"

#define COMPACTED "compacted"
#define LEAST (UINT64_C(64) << 10) /* bytes; fewer are not worth it */
#define RUNS 100		   /* the latest, that stay whatever they say */
#define PIECE ((size_t)64 << 10)   /* written at once */

static const struct dd_place records_place = { .kind = DD_AT_RECORDS };

struct compact {
	struct dd_store *store;
	struct dd_hasher *hasher;
	struct dd_pulls pulls;
	char whole[32],
		good[32];	/* the latest run that had seen all, and that left nothing to do */
	uint64_t runs, run;	/* that began: all of them, and up to this line */
	struct dd_appender *to; /* NULL: it is only counted */
	struct dd_text pending;
	uint64_t bytes;
};

static void release(struct compact *compact)
{
	dd_hasher_closep(&compact->hasher);
	dd_pulls_release(&compact->pulls);
	dd_text_release(&compact->pending);
}

/* ---- whether ---- */

static bool parse_compacted(char **words, size_t count, uint64_t *bytes)
{
	return count == 3 && !strcmp(words[0], COMPACTED) &&
	       dd_line_parse_number(words[2], bytes) == 0;
}

/* What the first line says was left the last time; 0: nothing is said. */
static int load_left(struct dd_store *store, uint64_t *bytes, struct dd_error *err)
{
	DD_CLEANUP(dd_lines_closep) struct dd_lines *lines = NULL;
	char *words[DD_LINE_WORDS];
	size_t count;
	int rc = dd_lines_open(store, &records_place, 0, &lines, err);

	*bytes = 0;
	if (rc == 0)
		rc = dd_lines_next(lines, words, &count, err);
	if (rc == DD_EFORMAT) {
		dd_error_clear(err);
		return 0;
	}
	if (rc > 0 && !parse_compacted(words, count, bytes))
		*bytes = 0;
	return rc < 0 ? rc : 0;
}

/* 1 or 0. */
static int is_due(struct dd_store *store, struct dd_error *err)
{
	struct dd_info info;
	uint64_t left;
	int rc = dd_store_stat(store, &records_place, &info, err);

	if (rc == DD_ENOENT) {
		dd_error_clear(err);
		return 0;
	}
	if (rc < 0 || info.size <= LEAST)
		return rc;
	rc = load_left(store, &left, err);
	/* More than there is was never left. */
	return rc < 0 ? rc : info.size / 2 > left || left > info.size;
}

/* ---- what is worth remembering ---- */

static int survey(void *arg, char **words, size_t count, struct dd_error *err)
{
	struct compact *compact = arg;
	struct dd_collection one;

	switch (dd_collections_parse(words, count, &one)) {
	case DD_RUN_BEGAN:
		compact->runs++;
		return 0;
	case DD_RUN_ENDED:
		if (one.status <= DD_EXIT_ATTENTION)
			memcpy(compact->whole, one.run, sizeof(one.run));
		if (one.status == DD_EXIT_DONE)
			memcpy(compact->good, one.run, sizeof(one.run));
		return 0;
	case DD_RUN_NONE:
		break;
	}
	return dd_pulls_enter(&compact->pulls, words, count, err);
}

static bool is_superseded(struct compact *compact, char **words, size_t count)
{
	struct dd_collection one;
	enum dd_run_line kind = dd_collections_parse(words, count, &one);
	int64_t times[2];
	uint64_t bytes;

	if (kind == DD_RUN_NONE)
		return parse_compacted(words, count, &bytes) ||
		       dd_pulls_parse(words, count, times) != DD_PULL_NONE;
	compact->run += kind == DD_RUN_BEGAN;
	return compact->run + RUNS <= compact->runs && strcmp(one.run, compact->whole) != 0 &&
	       strcmp(one.run, compact->good) != 0;
}

/* ---- writing it ---- */

static int flush(struct compact *compact, size_t over, struct dd_error *err)
{
	struct dd_text *pending = &compact->pending;
	int rc = 0;

	if (pending->len <= over)
		return 0;
	compact->bytes += pending->len;
	if (compact->to)
		rc = dd_appender_add(compact->to, pending->bytes, pending->len, err);
	dd_text_cut(pending, 0);
	return rc;
}

static int copy_lines(struct compact *compact, struct dd_error *err)
{
	DD_CLEANUP(dd_lines_closep) struct dd_lines *lines = NULL;
	DD_CLEANUP(dd_text_release) struct dd_text raw = { 0 };
	char *words[DD_LINE_WORDS];
	size_t count;
	int rc = dd_lines_open(compact->store, &records_place, 0, &lines, err);

	if (rc < 0)
		return rc;
	dd_lines_keep_raw(lines, &raw);
	compact->run = 0;
	while ((rc = dd_lines_next(lines, words, &count, err)) != 0) {
		if (rc < 0 && rc != DD_EFORMAT)
			return rc;
		if (rc == DD_EFORMAT)
			dd_error_clear(err);
		else if (is_superseded(compact, words, count))
			continue;
		if (dd_text_add(&compact->pending, raw.bytes, raw.len) < 0)
			return dd_fail(err, DD_ENOMEM, 0, "write a line");
		rc = flush(compact, PIECE, err);
		if (rc < 0)
			return rc;
	}
	return flush(compact, 0, err);
}

/* Pulls first: what is looked for from the end is not far from there. */
static int put_all(struct compact *compact, struct dd_error *err)
{
	const struct dd_pulls *pulls = &compact->pulls;
	int rc = 0;

	compact->bytes = 0;
	for (size_t i = 0; i < pulls->count && rc == 0; i++) {
		rc = dd_pulls_add_name(compact->hasher, &pulls->items[i], &compact->pending, err);
		if (rc == 0)
			rc = flush(compact, PIECE, err);
	}
	if (rc == 0 && pulls->to_ns)
		rc = dd_pulls_add_known(compact->hasher, pulls, &compact->pending, err);
	return rc == 0 ? copy_lines(compact, err) : rc;
}

static int put_first_line(struct compact *compact, struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text payload = { 0 };

	if (dd_line_word(&payload, COMPACTED) < 0 ||
	    dd_line_number(&payload, (uint64_t)dd_time_now()) < 0 ||
	    dd_line_number(&payload, compact->bytes) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "write a line");
	return dd_line_end(compact->hasher, &compact->pending, &payload, err);
}

static int replace(struct dd_store *store, struct dd_error *err)
{
	DD_CLEANUP(dd_appender_closep) struct dd_appender *successor = NULL;
	DD_CLEANUP(release) struct compact compact = { .store = store };
	int rc = dd_hasher_open(&compact.hasher, DD_SHA256, err);

	/* First, so that nothing is added to what is read. */
	if (rc == 0)
		rc = dd_store_open_successor(store, &records_place, &successor, err);
	if (rc == 0)
		rc = dd_lines_visit_records(store, 0, survey, &compact, err);
	if (rc < 0)
		return rc;
	dd_pulls_settle(&compact.pulls);
	rc = put_all(&compact, err);
	if (rc == 0)
		rc = put_first_line(&compact, err);
	compact.to = successor;
	if (rc == 0)
		rc = put_all(&compact, err);
	return rc == 0 ? dd_appender_succeed(successor, err) : rc;
}

/* Not now: the next time will do, and nothing is lost until then. */
static bool can_wait(int rc)
{
	return rc == DD_ENOSPC || rc == DD_ELOCKED || rc == DD_EACCES;
}

int dd_records_compact(struct dd_store *store, struct dd_error *err)
{
	int rc = is_due(store, err);

	if (rc > 0)
		rc = replace(store, err);
	if (rc < 0 && can_wait(rc)) {
		dd_error_clear(err);
		return 0;
	}
	return rc < 0 ? dd_wrap(err, rc, "make the records shorter") : 0;
}
