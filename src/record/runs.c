/*
 * Runs, a line each:
 *
 *	verified <began_ns> <ended_ns> <read_blobs> <read_bytes> <left_blobs> <never_blobs> <unseen>
 *		<errors> <oldest_ns>
 *
 * A word that is not known is a later version's and passed over, and so is a line that is damaged.
 */
#include <string.h>

#include <drydock/record.h>

#include "base/cleanup.h"
#include "index/log.h"
#include "record/line.h"

#define VERIFIED "verified"
#define NUMBERS 9
#define TAIL ((size_t)64 << 10) /* some hundred runs */

static int make_line(const struct dd_verify_run *run, struct dd_text *line, struct dd_error *err)
{
	const uint64_t numbers[NUMBERS] = {
		(uint64_t)run->began_ns, (uint64_t)run->ended_ns, run->read_blobs, run->read_bytes,
		run->left_blobs,	 run->never_blobs,	  run->unseen,	   run->errors,
		(uint64_t)run->oldest_ns
	};
	DD_CLEANUP(dd_hasher_closep) struct dd_hasher *hasher = NULL;
	DD_CLEANUP(dd_text_release) struct dd_text payload = { 0 };
	int rc = dd_hasher_open(&hasher, DD_SHA256, err);

	if (rc < 0)
		return rc;
	rc = dd_line_word(&payload, VERIFIED);
	for (size_t i = 0; i < NUMBERS && rc == 0; i++)
		rc = dd_line_number(&payload, numbers[i]);
	return rc < 0 ? dd_fail(err, rc, 0, "write a line") :
			dd_line_end(hasher, line, &payload, err);
}

int dd_runs_add(struct dd_index *index, const struct dd_verify_run *run, struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text line = { 0 };
	int rc = make_line(run, &line, err);

	if (rc == 0)
		rc = dd_index_append(index, line.bytes, line.len, err);
	return rc < 0 ? dd_wrap(err, rc, "remember this run") : 0;
}

static bool parse(char **words, size_t count, struct dd_verify_run *run)
{
	uint64_t numbers[NUMBERS];

	if (count < 1 + NUMBERS || strcmp(words[0], VERIFIED) != 0)
		return false;
	for (size_t i = 0; i < NUMBERS; i++)
		if (dd_line_parse_number(words[1 + i], &numbers[i]) < 0)
			return false;
	*run = (struct dd_verify_run){ .began_ns = (int64_t)numbers[0],
				       .ended_ns = (int64_t)numbers[1],
				       .read_blobs = numbers[2],
				       .read_bytes = numbers[3],
				       .left_blobs = numbers[4],
				       .never_blobs = numbers[5],
				       .unseen = numbers[6],
				       .errors = numbers[7],
				       .oldest_ns = (int64_t)numbers[8] };
	return true;
}

static int find(struct dd_index *index, bool whole, struct dd_verify_run *run, struct dd_error *err)
{
	DD_CLEANUP(dd_buffer_release) struct dd_buffer log = { 0 };
	DD_CLEANUP(dd_hasher_closep) struct dd_hasher *hasher = NULL;
	char *words[DD_LINE_WORDS], *at, *end;
	struct dd_verify_run one;
	size_t count;
	int rc = dd_index_read_log(index, TAIL, &log, err), found = 0;

	if (rc < 0 || !log.len)
		return rc;
	rc = dd_hasher_open(&hasher, DD_SHA256, err);
	if (rc < 0)
		return rc;
	at = (char *)log.bytes;
	end = at + log.len;
	while ((rc = dd_line_next(hasher, &at, end, words, &count, err)) != 0) {
		if (rc < 0 && rc != DD_EFORMAT)
			return rc;
		if (rc < 0)
			dd_error_clear(err);
		else if (parse(words, count, &one) &&
			 (!whole || (!one.never_blobs && !one.unseen))) {
			*run = one;
			found = 1;
		}
	}
	return found;
}

int dd_runs_find_whole(struct dd_index *index, struct dd_verify_run *run, struct dd_error *err)
{
	return find(index, true, run, err);
}

int dd_runs_find_last(struct dd_index *index, struct dd_verify_run *run, struct dd_error *err)
{
	return find(index, false, run, err);
}
