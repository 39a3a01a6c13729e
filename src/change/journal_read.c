/*
 * Reading a journal, whatever has become of it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "change/journal.h"
#include "record/lines.h"

#define TAIL 4096 /* bytes in which the last line is looked for; it is a short one */

struct reading {
	struct dd_journal *journal;
	const struct dd_journal_sink *sink;
	const char *run;
};

/* drydock 1 run <run> <time_ns> <command> */
static int take_begin(struct reading *reading, char **words, size_t count, struct dd_error *err)
{
	if (count != 6 || strcmp(words[1], "1") || reading->journal->command)
		return DD_EFORMAT;
	reading->journal->command = strdup(words[5]);
	return reading->journal->command ? 0 : dd_fail(err, DD_ENOMEM, 0, "read a journal");
}

static bool take_numbers(char **words, uint64_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (dd_line_parse_number(words[i], &numbers[i]) < 0)
			return false;
	return true;
}

static int hand_item(struct reading *reading, const struct dd_item *item, struct dd_error *err)
{
	reading->journal->items++;
	return reading->sink->item ? reading->sink->item(reading->sink->arg, item, err) : 0;
}

/* item <reason> <bytes> <links> <5 words> <path> */
static int take_item(struct reading *reading, char **words, size_t count, struct dd_error *err)
{
	DD_AUTOFREE char *memory = NULL;
	struct dd_item item;
	uint64_t numbers[7];
	int rc, reason;

	if (count != 10 || reading->journal->sealed)
		return DD_EFORMAT;
	reason = dd_reason_parse(words[1]);
	if (reason < 0 || !take_numbers(&words[2], numbers, DD_COUNT(numbers)))
		return DD_EFORMAT;
	rc = dd_layout_parse(words[9], &item.place, &memory, err);
	if (rc < 0)
		return rc;
	if (item.place.run)
		return DD_EFORMAT;
	item.reason = (enum dd_reason)reason;
	item.bytes = numbers[0];
	item.links = (uint32_t)numbers[1];
	memcpy(item.stamp.word, &numbers[2], sizeof(item.stamp.word));
	reading->journal->announced++;
	return hand_item(reading, &item, err);
}

/* Where a file may have come from, and go back to: nothing else is believed. */
static bool is_origin(const struct dd_place *origin, const struct dd_place *place, const char *run)
{
	if (origin->kind == DD_AT_STAGED)
		return !strcmp(origin->run, run);
	if (place->kind != DD_AT_BLOB || origin->beside)
		return false;
	/* Its name may have been wrong, too. */
	if (origin->kind == DD_AT_STRAY)
		return !origin->run;
	return origin->kind == DD_AT_BLOB && origin->run &&
	       dd_digest_equal(&origin->digest, &place->digest);
}

/* put <bytes> <5 words> <replaces> <5 words> <bytes> <made> <path> <origin> */
static int take_put(struct reading *reading, char **words, size_t count, struct dd_error *err)
{
	DD_AUTOFREE char *memory = NULL, *more = NULL;
	const struct dd_journal_sink *sink = reading->sink;
	struct dd_put put = { 0 };
	uint64_t numbers[14];
	int rc;

	if (count != 17 || reading->journal->sealed || !take_numbers(&words[1], numbers, 14))
		return DD_EFORMAT;
	rc = dd_layout_parse(words[15], &put.place, &memory, err);
	if (rc == 0)
		rc = dd_layout_parse(words[16], &put.origin, &more, err);
	if (rc < 0)
		return rc;
	if (put.place.run || put.place.beside || !is_origin(&put.origin, &put.place, reading->run))
		return DD_EFORMAT;
	put.bytes = numbers[0];
	memcpy(put.stamp.word, &numbers[1], sizeof(put.stamp.word));
	put.replaces = numbers[6] != 0;
	memcpy(put.replaced.word, &numbers[7], sizeof(put.replaced.word));
	put.replaced_bytes = numbers[12];
	put.made = numbers[13] != 0;
	reading->journal->announced++;
	reading->journal->placed++;
	rc = sink->put ? sink->put(sink->arg, &put, err) : 0;
	if (rc == 0 && put.replaces)
		rc = hand_item(reading,
			       &(struct dd_item){ .place = put.place,
						  .reason = DD_REASON_REPLACED,
						  .bytes = put.replaced_bytes,
						  .links = 1,
						  .stamp = put.replaced },
			       err);
	return rc;
}

/* dress <3 numbers> <3 numbers> <path> */
static int take_dress(struct reading *reading, char **words, size_t count, struct dd_error *err)
{
	DD_AUTOFREE char *memory = NULL;
	const struct dd_journal_sink *sink = reading->sink;
	struct dd_dress dress = { 0 };
	uint64_t numbers[6];
	int rc;

	if (count != 8 || reading->journal->sealed || !take_numbers(&words[1], numbers, 6))
		return DD_EFORMAT;
	rc = dd_layout_parse(words[7], &dress.place, &memory, err);
	if (rc < 0)
		return rc;
	if (dress.place.run)
		return DD_EFORMAT;
	dress.owner = (uint32_t)numbers[0];
	dress.group = (uint32_t)numbers[1];
	dress.mode = (uint32_t)numbers[2];
	dress.old_owner = (uint32_t)numbers[3];
	dress.old_group = (uint32_t)numbers[4];
	dress.old_mode = (uint32_t)numbers[5];
	reading->journal->announced++;
	reading->journal->placed++;
	return sink->dress ? sink->dress(sink->arg, &dress, err) : 0;
}

static int take_sealed(struct reading *reading, char **words, size_t count)
{
	uint64_t items;

	if (count != 2 || dd_line_parse_number(words[1], &items) < 0)
		return DD_EFORMAT;
	reading->journal->sealed = true;
	reading->journal->whole = items == reading->journal->announced;
	return 0;
}

static int take_end(struct reading *reading, char **words, size_t count)
{
	if (count < 2)
		return DD_EFORMAT;
	reading->journal->ended = true;
	reading->journal->interrupted = !strcmp(words[1], "interrupted");
	if (!reading->journal->interrupted &&
	    dd_line_parse_number(words[1], &reading->journal->withdrawn) < 0)
		return DD_EFORMAT;
	return 0;
}

static int take_line(struct reading *reading, char **words, size_t count, struct dd_error *err)
{
	if (!strcmp(words[0], "item"))
		return take_item(reading, words, count, err);
	if (!strcmp(words[0], "put"))
		return take_put(reading, words, count, err);
	if (!strcmp(words[0], "dress"))
		return take_dress(reading, words, count, err);
	if (!strcmp(words[0], "drydock"))
		return take_begin(reading, words, count, err);
	if (!strcmp(words[0], "sealed"))
		return take_sealed(reading, words, count);
	if (!strcmp(words[0], "end"))
		return take_end(reading, words, count);
	return DD_EFORMAT;
}

/*
 * A damaged line is passed over: if it was an item, the seal's count tells; if it was the seal, the
 * journal is not sealed; if it was the end, the run has none.
 */
int dd_journal_read(struct dd_store *store, const char *run, const struct dd_journal_sink *sink,
		    struct dd_journal *journal, struct dd_error *err)
{
	DD_CLEANUP(dd_lines_closep) struct dd_lines *lines = NULL;
	const struct dd_place place = { .kind = DD_AT_JOURNAL, .run = run };
	struct reading reading = { journal, sink, run };
	char *words[DD_LINE_WORDS];
	size_t count;
	int rc;

	memset(journal, 0, sizeof(*journal));
	rc = dd_lines_open(store, &place, 0, &lines, err);
	if (rc < 0)
		return rc;
	while ((rc = dd_lines_next(lines, words, &count, err)) != 0) {
		if (rc > 0)
			rc = take_line(&reading, words, count, err);
		if (rc < 0 && rc != DD_EFORMAT)
			return rc;
		dd_error_clear(err);
	}
	return 0;
}

void dd_journal_release(struct dd_journal *journal)
{
	free(journal->command);
	journal->command = NULL;
}

int dd_journal_has_end(struct dd_store *store, const char *run, bool *ended, struct dd_error *err)
{
	DD_CLEANUP(dd_lines_closep) struct dd_lines *lines = NULL;
	const struct dd_place place = { .kind = DD_AT_JOURNAL, .run = run };
	char *words[DD_LINE_WORDS];
	size_t count;
	int rc;

	*ended = false;
	rc = dd_lines_open(store, &place, TAIL, &lines, err);
	if (rc < 0)
		return rc;
	while ((rc = dd_lines_next(lines, words, &count, err)) != 0) {
		if (rc < 0 && rc != DD_EFORMAT)
			return rc;
		*ended = rc > 0 && !strcmp(words[0], "end");
		dd_error_clear(err);
	}
	return 0;
}
