/*
 * Writing a journal: in memory line by line, to the disk in large writes.
 */
#include <stdlib.h>
#include <string.h>

#include <drydock/digest.h>

#include "base/cleanup.h"
#include "change/journal.h"
#include "record/line.h"

#define FLUSH ((size_t)256 << 10) /* bytes of a write */
#define ROOM 4096		  /* bytes for the end */

struct dd_journal_writer {
	struct dd_appender *appender;
	struct dd_hasher *hasher;
	struct dd_text payload; /* of the line that is being made */
	struct dd_text pending; /* whole lines */
	uint64_t items;
};

void dd_journal_closep(struct dd_journal_writer **journal)
{
	if (*journal) {
		dd_appender_closep(&(*journal)->appender);
		dd_hasher_closep(&(*journal)->hasher);
		dd_text_release(&(*journal)->payload);
		dd_text_release(&(*journal)->pending);
		free(*journal);
		*journal = NULL;
	}
}

static int open_file(struct dd_change *change, const char *run, struct dd_journal_writer **out,
		     struct dd_error *err)
{
	DD_CLEANUP(dd_journal_closep)
	struct dd_journal_writer *journal = calloc(1, sizeof(*journal));
	const struct dd_place place = { .kind = DD_AT_JOURNAL, .run = run };
	int rc;

	if (!journal)
		return dd_fail(err, DD_ENOMEM, 0, "begin a journal");
	rc = dd_hasher_open(&journal->hasher, DD_SHA256, err);
	if (rc < 0)
		return rc;
	do
		rc = dd_store_open_appender(change->store, &place, &journal->appender, err);
	while (rc < 0 && dd_change_made_room(change, rc, err));
	if (rc < 0)
		return rc;
	*out = journal;
	journal = NULL;
	return 0;
}

static int flush(struct dd_change *change, struct dd_journal_writer *journal, struct dd_error *err)
{
	int rc;

	do
		rc = dd_appender_add(journal->appender, journal->pending.bytes,
				     journal->pending.len, err);
	while (rc < 0 && dd_change_made_room(change, rc, err));
	if (rc == 0)
		dd_text_cut(&journal->pending, 0);
	return rc;
}

/* End the line; rc says whether its words could be put together. */
static int end_line(struct dd_change *change, struct dd_journal_writer *journal, int rc,
		    struct dd_error *err)
{
	if (rc < 0)
		return dd_fail(err, rc, 0, "write the journal");
	rc = dd_line_end(journal->hasher, &journal->pending, &journal->payload, err);
	if (rc == 0 && journal->pending.len >= FLUSH)
		rc = flush(change, journal, err);
	return rc;
}

int dd_journal_open(struct dd_change *change, struct dd_error *err)
{
	struct dd_text *payload;
	int rc = open_file(change, change->run, &change->journal, err);

	if (rc < 0)
		return rc;
	payload = &change->journal->payload;
	if (dd_line_word(payload, "drydock") < 0 || dd_line_number(payload, 1) < 0 ||
	    dd_line_word(payload, "run") < 0 || dd_line_word(payload, change->run) < 0 ||
	    dd_line_number(payload, (uint64_t)change->began_ns) < 0 ||
	    dd_line_word(payload, change->command) < 0)
		rc = DD_ENOMEM;
	return end_line(change, change->journal, rc, err);
}

static int put_stamp(struct dd_text *payload, const struct dd_stamp *stamp)
{
	int rc = 0;

	for (size_t i = 0; i < DD_COUNT(stamp->word) && rc == 0; i++)
		rc = dd_line_number(payload, stamp->word[i]);
	return rc;
}

static int put_item(struct dd_text *payload, const struct dd_item *item, const char *path)
{
	int rc = dd_line_word(payload, "item");

	if (rc == 0)
		rc = dd_line_word(payload, dd_reason_name(item->reason));
	if (rc == 0)
		rc = dd_line_number(payload, item->bytes);
	if (rc == 0)
		rc = dd_line_number(payload, item->links);
	if (rc == 0)
		rc = put_stamp(payload, &item->stamp);
	return rc == 0 ? dd_line_word(payload, path) : rc;
}

int dd_journal_add(struct dd_change *change, const struct dd_item *item, struct dd_error *err)
{
	struct dd_journal_writer *journal = change->journal;
	DD_AUTOFREE char *path = NULL;
	int rc = dd_layout_path(&item->place, &path, err);

	if (rc < 0)
		return rc;
	rc = end_line(change, journal, put_item(&journal->payload, item, path), err);
	journal->items += rc == 0;
	return rc;
}

static int put_put(struct dd_text *payload, const struct dd_put *put, const char *path,
		   const char *origin)
{
	if (dd_line_word(payload, "put") < 0 || dd_line_number(payload, put->bytes) < 0 ||
	    put_stamp(payload, &put->stamp) < 0 || dd_line_number(payload, put->replaces) < 0 ||
	    put_stamp(payload, &put->replaced) < 0 ||
	    dd_line_number(payload, put->replaced_bytes) < 0 ||
	    dd_line_number(payload, put->made) < 0 || dd_line_word(payload, path) < 0)
		return DD_ENOMEM;
	return dd_line_word(payload, origin);
}

int dd_journal_add_put(struct dd_change *change, const struct dd_put *put, struct dd_error *err)
{
	struct dd_journal_writer *journal = change->journal;
	DD_AUTOFREE char *path = NULL, *origin = NULL;
	int rc = dd_layout_path(&put->place, &path, err);

	if (rc == 0)
		rc = dd_layout_path(&put->origin, &origin, err);
	if (rc < 0)
		return rc;
	rc = end_line(change, journal, put_put(&journal->payload, put, path, origin), err);
	journal->items += rc == 0;
	return rc;
}

int dd_journal_add_dress(struct dd_change *change, const struct dd_dress *dress,
			 struct dd_error *err)
{
	const uint32_t numbers[] = { dress->owner,     dress->group,	 dress->mode,
				     dress->old_owner, dress->old_group, dress->old_mode };
	struct dd_journal_writer *journal = change->journal;
	DD_AUTOFREE char *path = NULL;
	int rc = dd_layout_path(&dress->place, &path, err);

	if (rc < 0)
		return rc;
	rc = dd_line_word(&journal->payload, "dress");
	for (size_t i = 0; i < DD_COUNT(numbers) && rc == 0; i++)
		rc = dd_line_number(&journal->payload, numbers[i]);
	if (rc == 0)
		rc = dd_line_word(&journal->payload, path);
	rc = end_line(change, journal, rc, err);
	journal->items += rc == 0;
	return rc;
}

int dd_journal_seal(struct dd_change *change, struct dd_error *err)
{
	struct dd_journal_writer *journal = change->journal;
	int rc = dd_line_word(&journal->payload, "sealed");

	if (rc == 0)
		rc = dd_line_number(&journal->payload, journal->items);
	rc = end_line(change, journal, rc, err);
	if (rc == 0)
		rc = flush(change, journal, err);
	if (rc < 0)
		return rc;
	/* Without room for it the run will only look as if it had died. */
	do
		rc = dd_appender_reserve(journal->appender, ROOM, err);
	while (rc < 0 && dd_change_made_room(change, rc, err));
	dd_error_clear(err);
	do
		rc = dd_appender_sync(journal->appender, err);
	while (rc < 0 && dd_change_made_room(change, rc, err));
	return rc;
}

static int end(struct dd_change *change, struct dd_journal_writer *journal, bool interrupted,
	       struct dd_error *err)
{
	int rc = dd_line_word(&journal->payload, "end");

	if (rc == 0 && interrupted)
		rc = dd_line_word(&journal->payload, "interrupted");
	if (rc == 0 && !interrupted)
		rc = dd_line_number(&journal->payload, change->withdrawn + change->put);
	if (rc == 0 && !interrupted)
		rc = dd_line_number(&journal->payload, change->skipped);
	rc = end_line(change, journal, rc, err);
	if (rc == 0)
		rc = flush(change, journal, err);
	return rc < 0 ? rc : dd_appender_sync(journal->appender, err);
}

int dd_journal_end(struct dd_change *change, bool interrupted, struct dd_error *err)
{
	int rc = end(change, change->journal, interrupted, err);

	return rc < 0 ? dd_wrap(err, rc, "end run %s", change->run) : 0;
}

int dd_journal_end_other(struct dd_change *change, const char *run, struct dd_error *err)
{
	DD_CLEANUP(dd_journal_closep) struct dd_journal_writer *journal = NULL;
	int rc = open_file(change, run, &journal, err);

	return rc < 0 ? rc : end(change, journal, true, err);
}
