/*
 * Pulls, in the same file as the other records:
 *
 *	pulled <time_ns> <repository> <tag or digest>
 *	pulls-known <from_ns> <to_ns>
 *
 * The first has the time of the latest pull that was known when it was written; a later line of the
 * same name has a later one. The second says what a log that was read covers.
 */
#include <string.h>

#include <drydock/record.h>
#include <drydock/units.h>

#include "base/cleanup.h"
#include "record/kinds.h"
#include "record/lines.h"

#define PULLED "pulled"
#define KNOWN "pulls-known"
#define GAP (7 * 24 * 3600 * DD_SECOND)

static const struct dd_place records_place = { .kind = DD_AT_RECORDS };

static int compare_names(const struct dd_pull *a, const struct dd_pull *b)
{
	int order = strcmp(a->repository, b->repository);

	return order ? order : strcmp(a->reference, b->reference);
}

/* The latest of one name first. */
static int compare(const void *left, const void *right)
{
	const struct dd_pull *a = left, *b = right;
	int order = compare_names(a, b);

	return order ? order : a->time_ns > b->time_ns ? -1 : a->time_ns < b->time_ns;
}

static void release_pull(struct dd_pull *pull)
{
	free(pull->repository);
	free(pull->reference);
}

int dd_pulls_put(struct dd_pulls *pulls, const char *repository, const char *reference,
		 int64_t time_ns, struct dd_error *err)
{
	struct dd_pull *pull;

	if (pulls->count == pulls->room) {
		size_t room = pulls->room ? 2 * pulls->room : 64;
		struct dd_pull *grown = reallocarray(pulls->items, room, sizeof(*grown));

		if (!grown)
			return dd_fail(err, DD_ENOMEM, 0, "remember pulls");
		pulls->items = grown;
		pulls->room = room;
	}
	pull = &pulls->items[pulls->count];
	*pull = (struct dd_pull){ strdup(repository), strdup(reference), time_ns };
	if (!pull->repository || !pull->reference) {
		release_pull(pull);
		return dd_fail(err, DD_ENOMEM, 0, "remember pulls");
	}
	pulls->count++;
	return 0;
}

void dd_pulls_settle(struct dd_pulls *pulls)
{
	size_t kept = 0;

	if (pulls->count)
		qsort(pulls->items, pulls->count, sizeof(*pulls->items), compare);
	for (size_t i = 0; i < pulls->count; i++) {
		if (kept && !compare_names(&pulls->items[kept - 1], &pulls->items[i]))
			release_pull(&pulls->items[i]);
		else
			pulls->items[kept++] = pulls->items[i];
	}
	pulls->count = kept;
}

/* Logs that are further apart than this do not make one: what lies between was never seen. */
void dd_pulls_cover(struct dd_pulls *pulls, int64_t from_ns, int64_t to_ns)
{
	if (!pulls->to_ns || from_ns > dd_time_after(pulls->to_ns, GAP)) {
		pulls->from_ns = from_ns;
		pulls->to_ns = to_ns;
		return;
	}
	if (dd_time_after(to_ns, GAP) < pulls->from_ns)
		return;
	if (from_ns < pulls->from_ns)
		pulls->from_ns = from_ns;
	if (to_ns > pulls->to_ns)
		pulls->to_ns = to_ns;
}

int64_t dd_pulls_find(const struct dd_pulls *pulls, const char *repository, const char *reference)
{
	const struct dd_pull key = { (char *)repository, (char *)reference, 0 };
	size_t low = 0, high = pulls->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_names(&pulls->items[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < pulls->count && !compare_names(&pulls->items[low], &key) ?
		       pulls->items[low].time_ns :
		       0;
}

static bool parse_time(const char *word, int64_t *ns)
{
	uint64_t number;

	if (dd_line_parse_number(word, &number) < 0 || number > INT64_MAX)
		return false;
	*ns = (int64_t)number;
	return true;
}

enum dd_pull_line dd_pulls_parse(char **words, size_t count, int64_t times[static 2])
{
	if (count == 4 && !strcmp(words[0], PULLED) && parse_time(words[1], &times[0]))
		return DD_PULL_OF_NAME;
	if (count == 3 && !strcmp(words[0], KNOWN) && parse_time(words[1], &times[0]) &&
	    parse_time(words[2], &times[1]))
		return DD_PULLS_KNOWN;
	return DD_PULL_NONE;
}

int dd_pulls_enter(void *arg, char **words, size_t count, struct dd_error *err)
{
	struct dd_pulls *pulls = arg;
	int64_t times[2];

	switch (dd_pulls_parse(words, count, times)) {
	case DD_PULL_OF_NAME:
		return dd_pulls_put(pulls, words[2], words[3], times[0], err);
	case DD_PULLS_KNOWN:
		dd_pulls_cover(pulls, times[0], times[1]);
		return 0;
	case DD_PULL_NONE:
		break;
	}
	return 0;
}

int dd_pulls_load(struct dd_store *store, struct dd_pulls *pulls, struct dd_error *err)
{
	int rc;

	memset(pulls, 0, sizeof(*pulls));
	rc = dd_lines_visit_records(store, 0, dd_pulls_enter, pulls, err);
	if (rc < 0) {
		dd_pulls_release(pulls);
		return rc;
	}
	dd_pulls_settle(pulls);
	return 0;
}

void dd_pulls_release(struct dd_pulls *pulls)
{
	for (size_t i = 0; i < pulls->count; i++)
		release_pull(&pulls->items[i]);
	free(pulls->items);
	memset(pulls, 0, sizeof(*pulls));
}

int dd_pulls_add_name(struct dd_hasher *hasher, const struct dd_pull *pull, struct dd_text *lines,
		      struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text payload = { 0 };

	if (dd_line_word(&payload, PULLED) < 0 ||
	    dd_line_number(&payload, (uint64_t)pull->time_ns) < 0 ||
	    dd_line_word(&payload, pull->repository) < 0 ||
	    dd_line_word(&payload, pull->reference) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "write a line");
	return dd_line_end(hasher, lines, &payload, err);
}

int dd_pulls_add_known(struct dd_hasher *hasher, const struct dd_pulls *pulls,
		       struct dd_text *lines, struct dd_error *err)
{
	DD_CLEANUP(dd_text_release) struct dd_text payload = { 0 };

	if (dd_line_word(&payload, KNOWN) < 0 ||
	    dd_line_number(&payload, (uint64_t)pulls->from_ns) < 0 ||
	    dd_line_number(&payload, (uint64_t)pulls->to_ns) < 0)
		return dd_fail(err, DD_ENOMEM, 0, "write a line");
	return dd_line_end(hasher, lines, &payload, err);
}

static int make_lines(const struct dd_pulls *pulls, struct dd_text *lines, struct dd_error *err)
{
	DD_CLEANUP(dd_hasher_closep) struct dd_hasher *hasher = NULL;
	int rc = dd_hasher_open(&hasher, DD_SHA256, err);

	for (size_t i = 0; i < pulls->count && rc == 0; i++)
		rc = dd_pulls_add_name(hasher, &pulls->items[i], lines, err);
	/* Last, so that nothing is said to be known that was not written. */
	return rc == 0 ? dd_pulls_add_known(hasher, pulls, lines, err) : rc;
}

int dd_pulls_add(struct dd_store *store, const struct dd_pulls *pulls, struct dd_error *err)
{
	DD_CLEANUP(dd_appender_closep) struct dd_appender *appender = NULL;
	DD_CLEANUP(dd_text_release) struct dd_text lines = { 0 };
	int rc = make_lines(pulls, &lines, err);

	if (rc == 0)
		rc = dd_store_open_appender(store, &records_place, &appender, err);
	if (rc == 0)
		rc = dd_appender_add(appender, lines.bytes, lines.len, err);
	if (rc == 0)
		rc = dd_appender_sync(appender, err);
	return rc < 0 ? dd_wrap(err, rc, "remember pulls") : 0;
}
