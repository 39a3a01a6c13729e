/*
 * Collections, two lines each among the records:
 *
 *	collecting <began_ns> <run> <command>
 *	collected <began_ns> <ended_ns> <run> <status> <numbers, as in record.h …>
 *		<trash_keep_ns> <reason>
 *
 * The second is written when all that the run did is durable, so that it never says too much.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/record.h>

#include "base/cleanup.h"
#include "record/kinds.h"
#include "record/lines.h"

#define COLLECTING "collecting"
#define COLLECTED "collected"
#define REASON_MAX 900 /* bytes; escaped three times as many, with the rest below DD_LINE_MAX */

enum { COUNT_ONE = 0 };
#define X(name, member) +1
enum { NUMBERS = COUNT_ONE DD_COLLECTION_NUMBERS(X) };
#undef X
#define COLLECTED_WORDS (5 + NUMBERS + 2)
_Static_assert(COLLECTED_WORDS <= DD_LINE_WORDS, "they fit into a line");

static const struct dd_place records_place = { .kind = DD_AT_RECORDS };

/* ---- writing ---- */

static int add_cut(struct dd_text *payload, const char *text)
{
	char cut[REASON_MAX + 1];

	snprintf(cut, sizeof(cut), "%s", text ? text : "");
	return dd_line_word(payload, cut);
}

static int make_begin(const struct dd_collection *collection, struct dd_text *payload)
{
	int rc = dd_line_word(payload, COLLECTING);

	if (rc == 0)
		rc = dd_line_number(payload, (uint64_t)collection->began_ns);
	if (rc == 0)
		rc = dd_line_word(payload, collection->run);
	return rc == 0 ? add_cut(payload, collection->command) : rc;
}

static int make_end(const struct dd_collection *collection, struct dd_text *payload)
{
	int rc = dd_line_word(payload, COLLECTED);

	if (rc == 0)
		rc = dd_line_number(payload, (uint64_t)collection->began_ns);
	if (rc == 0)
		rc = dd_line_number(payload, (uint64_t)collection->ended_ns);
	if (rc == 0)
		rc = dd_line_word(payload, collection->run);
	if (rc == 0)
		rc = dd_line_number(payload, collection->status);
#define X(name, member) \
	if (rc == 0)    \
		rc = dd_line_number(payload, collection->member);
	DD_COLLECTION_NUMBERS(X)
#undef X
	if (rc == 0)
		rc = dd_line_number(payload, collection->trash_keep_ns);
	return rc == 0 ? add_cut(payload, collection->reason) : rc;
}

static int append(struct dd_store *store, struct dd_text *payload, struct dd_error *err)
{
	DD_CLEANUP(dd_hasher_closep) struct dd_hasher *hasher = NULL;
	DD_CLEANUP(dd_appender_closep) struct dd_appender *appender = NULL;
	DD_CLEANUP(dd_text_release) struct dd_text line = { 0 };
	int rc = dd_hasher_open(&hasher, DD_SHA256, err);

	if (rc == 0)
		rc = dd_line_end(hasher, &line, payload, err);
	if (rc == 0)
		rc = dd_store_open_appender(store, &records_place, &appender, err);
	if (rc == 0)
		rc = dd_appender_add(appender, line.bytes, line.len, err);
	return rc == 0 ? dd_appender_sync(appender, err) : rc;
}

int dd_collections_begin(struct dd_store *store, const struct dd_collection *collection,
			 struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text payload = { 0 };
	int rc = make_begin(collection, &payload);

	rc = rc < 0 ? dd_fail(err, rc, 0, "write a line") : append(store, &payload, err);
	return rc < 0 ? dd_wrap(err, rc, "remember that a collection began") : 0;
}

int dd_collections_end(struct dd_store *store, const struct dd_collection *collection,
		       struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text payload = { 0 };
	int rc = make_end(collection, &payload);

	rc = rc < 0 ? dd_fail(err, rc, 0, "write a line") : append(store, &payload, err);
	return rc < 0 ? dd_wrap(err, rc, "remember how the collection ended") : 0;
}

/* ---- reading ---- */

static void forget(struct dd_collection *collection)
{
	free((char *)collection->command);
	free((char *)collection->reason);
	memset(collection, 0, sizeof(*collection));
}

void dd_collections_release(struct dd_collections *collections)
{
	forget(&collections->last);
	forget(&collections->whole);
	collections->good_ns = 0;
}

/* Takes the strings of *from; the old ones end. 0 or DD_ENOMEM. */
static int replace(struct dd_collection *to, const struct dd_collection *from)
{
	char *command = strdup(from->command), *reason = strdup(from->reason);

	if (!command || !reason) {
		free(command);
		free(reason);
		return DD_ENOMEM;
	}
	forget(to);
	*to = *from;
	to->command = command;
	to->reason = reason;
	return 0;
}

static bool parse_time(const char *word, int64_t *ns)
{
	uint64_t number;

	if (dd_line_parse_number(word, &number) < 0 || number > INT64_MAX)
		return false;
	*ns = (int64_t)number;
	return true;
}

static bool parse_begin(char **words, size_t count, struct dd_collection *collection)
{
	*collection = (struct dd_collection){ .reason = "" };
	if (count < 4 || !parse_time(words[1], &collection->began_ns))
		return false;
	snprintf(collection->run, sizeof(collection->run), "%s", words[2]);
	collection->command = words[3];
	return true;
}

static bool parse_end(char **words, size_t count, struct dd_collection *collection)
{
	char **at = words + 5;

	*collection = (struct dd_collection){ .command = "" };
	if (count < COLLECTED_WORDS || !parse_time(words[1], &collection->began_ns) ||
	    !parse_time(words[2], &collection->ended_ns) ||
	    dd_line_parse_number(words[4], &collection->status) < 0)
		return false;
	snprintf(collection->run, sizeof(collection->run), "%s", words[3]);
#define X(name, member)                                           \
	if (dd_line_parse_number(*at++, &collection->member) < 0) \
		return false;
	DD_COLLECTION_NUMBERS(X)
#undef X
	if (dd_line_parse_number(*at++, &collection->trash_keep_ns) < 0)
		return false;
	collection->reason = *at;
	return true;
}

enum dd_run_line dd_collections_parse(char **words, size_t count, struct dd_collection *one)
{
	if (count && !strcmp(words[0], COLLECTING) && parse_begin(words, count, one))
		return DD_RUN_BEGAN;
	if (count && !strcmp(words[0], COLLECTED) && parse_end(words, count, one))
		return DD_RUN_ENDED;
	return DD_RUN_NONE;
}

/* Damaged lines and what later versions say are passed over. */
static int enter(struct dd_collections *collections, char **words, size_t count)
{
	struct dd_collection *last = &collections->last, one;
	enum dd_run_line kind = dd_collections_parse(words, count, &one);
	int rc;

	if (kind != DD_RUN_ENDED)
		return kind == DD_RUN_BEGAN ? replace(last, &one) : 0;
	if (last->command && !strcmp(last->run, one.run))
		one.command = last->command;
	rc = replace(last, &one);
	if (rc == 0 && one.status <= DD_EXIT_ATTENTION)
		rc = replace(&collections->whole, last);
	if (rc == 0 && one.status == DD_EXIT_DONE)
		collections->good_ns = one.ended_ns;
	return rc;
}

static int take(void *arg, char **words, size_t count, struct dd_error *err)
{
	return enter(arg, words, count) < 0 ? dd_fail(err, DD_ENOMEM, 0, "remember a run") : 0;
}

int dd_collections_load(struct dd_store *store, struct dd_collections *collections,
			struct dd_error *err)
{
	/* Mostly the end of the file does. What was pulled may fill any length behind the last run. */
	static const uint64_t tails[] = { 128 << 10, 8 << 20, 0 };
	int rc = 0;

	memset(collections, 0, sizeof(*collections));
	for (size_t i = 0; i < DD_COUNT(tails) && rc == 0 && !collections->whole.began_ns; i++) {
		dd_collections_release(collections);
		rc = dd_lines_visit_records(store, tails[i], take, collections, err);
	}
	if (rc < 0)
		dd_collections_release(collections);
	return rc;
}
