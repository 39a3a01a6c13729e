/*
 * Records: one file, one fact a line, the first word says which:
 *
 *	acknowledged <time_ns> <repository> <digest>
 *	collecting, collected: see collections.c
 *
 *	pulled, pulls-known: see pulls.c
 *	compacted: see compact.c
 *
 * A word that is not known is a later version's and passed over. Nothing is ever rewritten where it
 * lies, so a crash can only tear the line that was being added, and that one was not durable yet.
 */
#include <string.h>

#include <drydock/record.h>
#include <drydock/units.h>

#include "base/cleanup.h"
#include "record/lines.h"

#define ACKNOWLEDGED "acknowledged"

static const struct dd_place records_place = { .kind = DD_AT_RECORDS };

static bool known(const struct dd_records *records, const char *repository,
		  const struct dd_digest *digest)
{
	for (size_t i = 0; i < records->count; i++)
		if (dd_digest_equal(&records->acknowledged[i].digest, digest) &&
		    !strcmp(records->acknowledged[i].repository, repository))
			return true;
	return false;
}

static int add(struct dd_records *records, const char *repository, const struct dd_digest *digest,
	       struct dd_error *err)
{
	struct dd_acknowledged *grown;
	char *copy;

	if (known(records, repository, digest))
		return 0;
	grown = reallocarray(records->acknowledged, records->count + 1, sizeof(*grown));
	if (!grown)
		return dd_fail(err, DD_ENOMEM, 0, "read the records");
	records->acknowledged = grown;
	copy = strdup(repository);
	if (!copy)
		return dd_fail(err, DD_ENOMEM, 0, "read the records");
	grown[records->count++] = (struct dd_acknowledged){ copy, *digest };
	return 0;
}

static int take(void *arg, char **words, size_t count, struct dd_error *err)
{
	struct dd_records *records = arg;
	struct dd_digest digest;
	uint64_t time;

	if (count == 0) {
		records->damaged++;
		return 0;
	}
	if (strcmp(words[0], ACKNOWLEDGED))
		return 0;
	if (count != 4 || dd_line_parse_number(words[1], &time) < 0 ||
	    dd_digest_parse(&digest, words[3], strlen(words[3])) < 0) {
		records->damaged++;
		return 0;
	}
	return add(records, words[2], &digest, err);
}

int dd_records_load(struct dd_store *store, struct dd_records *records, struct dd_error *err)
{
	int rc;

	memset(records, 0, sizeof(*records));
	rc = dd_lines_visit_records(store, 0, take, records, err);
	if (rc < 0)
		dd_records_release(records);
	return rc;
}

void dd_records_release(struct dd_records *records)
{
	for (size_t i = 0; i < records->count; i++)
		free(records->acknowledged[i].repository);
	free(records->acknowledged);
	memset(records, 0, sizeof(*records));
}

static int make_line(const char *repository, const struct dd_digest *digest, struct dd_text *line,
		     struct dd_error *err)
{
	DD_CLEANUP(dd_hasher_closep) struct dd_hasher *hasher = NULL;
	DD_CLEANUP(dd_text_release) struct dd_text payload = { 0 };
	char text[DD_DIGEST_TEXT];
	int rc = dd_hasher_open(&hasher, DD_SHA256, err);

	if (rc < 0)
		return rc;
	if (dd_line_word(&payload, ACKNOWLEDGED) < 0 ||
	    dd_line_number(&payload, (uint64_t)dd_time_now()) < 0 ||
	    dd_line_word(&payload, repository) < 0 ||
	    dd_line_word(&payload, dd_digest_format(digest, text)) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "write a line");
	return dd_line_end(hasher, line, &payload, err);
}

int dd_records_acknowledge(struct dd_store *store, const char *repository,
			   const struct dd_digest *digest, struct dd_error *err)
{
	DD_CLEANUP(dd_records_release) struct dd_records records = { 0 };
	DD_CLEANUP(dd_appender_closep) struct dd_appender *appender = NULL;
	DD_CLEANUP(dd_text_release) struct dd_text line = { 0 };
	int rc = dd_records_load(store, &records, err);

	/* A nightly job says the same every night. */
	if (rc == 0 && known(&records, repository, digest))
		return 0;
	if (rc == 0)
		rc = make_line(repository, digest, &line, err);
	if (rc == 0)
		rc = dd_store_open_appender(store, &records_place, &appender, err);
	if (rc == 0)
		rc = dd_appender_add(appender, line.bytes, line.len, err);
	if (rc == 0)
		rc = dd_appender_sync(appender, err);
	return rc < 0 ? dd_wrap(err, rc, "remember %s@%s as acknowledged", repository,
				dd_digest_text(digest)) :
			0;
}
