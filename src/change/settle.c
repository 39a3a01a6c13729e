/*
 * What earlier runs left half done. We hold the lock, so nobody is at work on it.
 *
 * A condemned run is purged to its end. A run without an end in its journal died: if it had come to
 * take something it gets its last line, and stays for whoever wants to undo it; else it goes. None
 * of this is what the change was begun for: what fails is said, and the change goes on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "change/change.h"
#include "change/journal.h"

/* What stops the whole change; everything else is said and passed over. */
static bool fatal(struct dd_change *change, int rc, struct dd_error *err)
{
	if (rc == DD_ENOMEM || rc == DD_ECANCELLED)
		return true;
	if (rc < 0)
		dd_log(change->ctx, DD_LOG_WARNING, "an earlier run could not be ended: %s",
		       err->text);
	return false;
}

static int purge_condemned(struct dd_change *change, struct dd_error *err)
{
	DD_CLEANUP(dd_run_names_release) struct dd_run_names names = { 0 };
	int rc = dd_run_names_list(&names, change->store, DD_IN_PURGES, err);

	for (size_t i = 0; i < names.list.count && rc == 0; i++) {
		struct dd_error local = { 0 };

		do
			rc = dd_store_purge(change->ctx, change->store, names.list.items[i].text,
					    &local);
		while (rc < 0 && dd_change_made_room(change, rc, &local));
		if (fatal(change, rc, &local)) {
			if (err)
				*err = local;
			return rc;
		}
		rc = 0;
	}
	return rc;
}

static int one_is_enough(void *arg, const char *path, enum dd_entry_type type, struct dd_error *err)
{
	(void)arg, (void)path, (void)type, (void)err;
	return 1;
}

int dd_change_holds(const struct dd_change *change, const char *run, struct dd_error *err)
{
	return dd_store_list_run(change->store, run, one_is_enough, NULL, err);
}

static int settle_run(struct dd_change *change, const char *run, struct dd_error *err)
{
	bool ended, put = false;
	int rc = dd_journal_has_end(change->store, run, &ended, err), holds;

	if (rc == DD_ENOMEM || (rc == 0 && ended))
		return rc;
	if (rc == 0)
		rc = dd_change_settle_puts(change, run, &put, err);
	if (rc == DD_ENOMEM || rc == DD_ECANCELLED)
		return rc;
	dd_error_clear(err);
	holds = dd_change_holds(change, run, err);
	if (holds < 0)
		return holds;
	if (!holds && !put)
		return dd_change_remove_run(change, NULL, run, err);
	/* Without a journal that can be read it stays as it is, and is found by listing. */
	return rc == 0 ? dd_journal_end_other(change, run, err) : 0;
}

static int settle_trash(struct dd_change *change, struct dd_error *err)
{
	DD_CLEANUP(dd_run_names_release) struct dd_run_names names = { 0 };
	int rc = dd_run_names_list(&names, change->store, DD_IN_TRASH, err);

	for (size_t i = 0; i < names.list.count && rc == 0; i++) {
		struct dd_error local = { 0 };

		rc = settle_run(change, names.list.items[i].text, &local);
		if (fatal(change, rc, &local)) {
			if (err)
				*err = local;
			return rc;
		}
		rc = 0;
	}
	return rc;
}

int dd_change_settle(struct dd_change *change, struct dd_error *err)
{
	int rc = purge_condemned(change, err);

	return rc < 0 ? rc : settle_trash(change, err);
}

/* "20261123T174501Z-" */
static void format_second(int64_t ns, char text[DD_RUN_NAME])
{
	time_t seconds = (time_t)(ns / DD_SECOND);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, DD_RUN_NAME, "%Y%m%dT%H%M%SZ-", &tm);
}

bool dd_change_is_beside(const struct dd_change *change, const char *run)
{
	return strcmp(run, change->run) != 0 && !dd_run_names_have(&change->before, run);
}

/* The number after the largest that a run of this second has; a random one in the lower half else. */
static unsigned next_number(const struct dd_run_names *names, const char *second, int64_t seed,
			    bool odd)
{
	size_t len = strlen(second);
	unsigned next = (unsigned)(seed / 1000) * 2654435761u >> 17;

	for (size_t i = 0; i < names->list.count; i++) {
		const char *name = names->list.items[i].text;
		unsigned number = (unsigned)strtoul(name + len, NULL, 16);

		if (!strncmp(name, second, len) && number >= next)
			next = number + 1;
	}
	return next + (next % 2 != odd);
}

int dd_change_name_run(struct dd_change *change, struct dd_error *err)
{
	struct dd_run_names *names = &change->before;
	char second[DD_RUN_NAME];
	unsigned number;
	int rc = dd_run_names_list(names, change->store, DD_IN_TRASH, err);

	if (rc == 0)
		rc = dd_run_names_list(names, change->store, DD_IN_PURGES, err);
	if (rc < 0)
		return rc;
	dd_run_names_sort(names);
	change->began_ns = dd_time_now();
	for (;; change->began_ns += DD_SECOND) {
		format_second(change->began_ns, second);
		number = next_number(names, second, change->began_ns, change->beside);
		if (number <= 0xffff)
			break;
	}
	snprintf(change->run, sizeof(change->run), "%.17s%04x", second, number);
	return 0;
}
