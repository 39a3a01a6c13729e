/*
 * A change from its beginning to its end.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "change/change.h"
#include "change/journal.h"

/* Whoever serves the volume takes the lock for what a client deletes: nobody is sent away for that. */
#define MOMENT (2 * DD_SECOND)

static int64_t patience(const struct dd_change *change, int64_t wait_ns)
{
	const struct dd_gate *gate = dd_store_get_gate(change->store);

	return gate && gate->begin && wait_ns < MOMENT ? MOMENT : wait_ns;
}

static int64_t deadline_after(int64_t wait_ns)
{
	return wait_ns > 0 ? dd_time_after(dd_time_steady(), wait_ns) : 0;
}

static int take_lock(struct dd_change *change, int64_t wait_ns, struct dd_error *err)
{
	char host[65] = "?", since[DD_UNIT_TEXT], holder[DD_HOLDER_TEXT], about[DD_HOLDER_TEXT];
	int rc;

	if (gethostname(host, sizeof(host) - 1) < 0)
		host[0] = '?';
	snprintf(about, sizeof(about), "drydock %.100s, process %ld on %s, since %s\n",
		 change->command, (long)getpid(), host, dd_time_format_utc(dd_time_now(), since));
	rc = dd_store_lock(change->ctx, change->store, about,
			   deadline_after(patience(change, wait_ns)), holder, err);
	change->locked = rc == 0;
	if (rc == DD_ELOCKED)
		dd_hint(err,
			"wait until it is done, or give --lock-wait; the lock ends with its holder");
	return rc;
}

/* What is half done may be at work: but not while we alone may change the volume. */
static int settle(struct dd_change *change, struct dd_error *err)
{
	int rc = dd_change_settle(change, err);

	if (rc < 0)
		return rc;
	dd_change_keep_room(change);
	return 0;
}

static int begin(struct dd_change *change, int64_t lock_wait_ns, struct dd_error *err)
{
	int rc = dd_store_check_state(change->store, err);

	if (rc == 0)
		rc = dd_store_check_rename(change->store, err);
	if (rc == 0)
		rc = dd_store_make_state(change->store, err);
	if (rc == 0 && !change->beside)
		rc = take_lock(change, lock_wait_ns, err);
	if (rc == 0)
		rc = dd_change_pass_gate(change, err);
	if (rc < 0)
		return dd_change_hint(err, rc);
	if (!change->beside)
		rc = settle(change, err);
	return rc < 0 ? rc : dd_change_name_run(change, err);
}

int dd_change_begin(struct dd_context *ctx, struct dd_store *store,
		    const struct dd_change_options *options, struct dd_change **out,
		    struct dd_error *err)
{
	DD_CLEANUP(dd_change_closep) struct dd_change *change = calloc(1, sizeof(*change));
	int rc;

	*out = NULL;
	if (!change)
		return dd_fail(err, DD_ENOMEM, 0, "change %s", dd_store_get_root(store));
	change->ctx = ctx;
	change->store = store;
	change->beside = options->beside;
	change->command = strdup(options->command ? options->command : "");
	if (!change->command)
		return dd_fail(err, DD_ENOMEM, 0, "change %s", dd_store_get_root(store));
	rc = begin(change, options->lock_wait_ns, err);
	if (rc < 0)
		return rc;
	*out = change;
	change = NULL;
	return 0;
}

const struct dd_gate_terms *dd_change_get_terms(const struct dd_change *change)
{
	return &change->terms;
}

const char *dd_change_get_run(const struct dd_change *change)
{
	return change->run;
}

/*
 * Whether nothing of this run lies in the trash. A rename that was told as failed may have been
 * done all the same, on a file system behind a network say: so that is looked at, not counted.
 */
static bool nothing_went(const struct dd_change *change)
{
	int holds;

	if (!change->sealed || !change->journal)
		return true;
	if (change->put || change->halfway)
		return false;
	if (change->withdrawn != change->returned)
		return false;
	holds = dd_change_holds(change, change->run, NULL);
	return holds == 0 || holds == DD_ENOENT;
}

/* The last line. Durable; so is, before it, all that it speaks of. What was not put goes. */
static int end_journal(struct dd_change *change, bool interrupted, struct dd_error *err)
{
	int rc = dd_change_sync(change, err);

	dd_store_unstage(change->store, change->run);
	if (rc == 0)
		rc = dd_journal_end(change, interrupted, err);
	change->ended = rc == 0;
	return rc;
}

/* A run that took nothing: no interruption keeps its remains. */
static int remove_unused(struct dd_change *change, struct dd_error *err)
{
	int rc = dd_change_remove_run(change, NULL, change->run, err);

	if (rc == DD_ENOENT) {
		dd_error_clear(err);
		rc = 0;
	}
	return rc;
}

static int end_run(struct dd_change *change, bool purge, struct dd_error *err)
{
	bool unused;
	int rc;

	if (!change->made || change->ended)
		return 0;
	if (change->halfway)
		return dd_fail(err, DD_EIO, 0, "run %s was left halfway: the next one ends that",
			       change->run);
	unused = nothing_went(change);
	if (!purge && !unused)
		return end_journal(change, false, err);
	rc = dd_change_sync(change, err);
	if (rc == 0)
		rc = unused ? remove_unused(change, err) :
			      dd_change_remove_run(change, change->ctx, change->run, err);
	change->ended = rc == 0;
	return rc;
}

int dd_change_finish(struct dd_change *change, bool purge, struct dd_error *err)
{
	int rc = dd_change_sync(change, err);

	if (rc == 0)
		rc = end_run(change, purge, err);
	if (!change->beside)
		dd_change_keep_room(change);
	return rc;
}

static bool is_under_way(const struct dd_change *change, const char *run)
{
	const struct dd_place place = { .kind = DD_IN_RUN, .run = run };
	struct dd_info info;

	if (!strcmp(run, change->run))
		return !change->ended;
	return dd_change_is_beside(change, run) &&
	       dd_store_stat(change->store, &place, &info, NULL) == 0;
}

int dd_change_empty(struct dd_change *change, const char *run, struct dd_error *err)
{
	return is_under_way(change, run) ? dd_fail(err, DD_EUSAGE, 0, "run %s is under way", run) :
					   dd_change_remove_run(change, change->ctx, run, err);
}

void dd_change_close(struct dd_change *change)
{
	if (!change)
		return;
	/* Left in the middle: the next change would find out what this one knows. */
	if (change->made && !change->ended && !change->halfway) {
		if (nothing_went(change))
			remove_unused(change, NULL);
		else
			end_journal(change, true, NULL);
	}
	dd_journal_closep(&change->journal);
	dd_change_leave_gate(change);
	/* What is remembered of directories may be wrong once others can change them. */
	if (change->locked || change->beside)
		dd_store_unlock(change->store);
	dd_run_names_release(&change->before);
	dd_arena_release(&change->names);
	free(change->command);
	free(change);
}

void dd_change_closep(struct dd_change **change)
{
	dd_change_close(*change);
	*change = NULL;
}
