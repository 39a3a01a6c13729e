/*
 * What is put in place: staged, announced, put; and taken back.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "change/change.h"
#include "change/journal.h"

int dd_change_stage(struct dd_change *change, const struct dd_place *place, dd_next_bytes_fn *next,
		    void *arg, struct dd_put *put, struct dd_error *err)
{
	struct dd_place staged = { .kind = DD_AT_STAGED, .run = change->run };
	struct dd_info info;
	char name[16];
	int rc;

	assert(!change->sealed);
	change->made = true;
	snprintf(name, sizeof(name), "%u", change->staged);
	staged.name = dd_arena_copy(&change->names, name, strlen(name));
	if (!staged.name)
		return dd_fail(err, DD_ENOMEM, 0, "stage a file");
	/* The bytes come but once: space is made before they do. */
	dd_change_look_for_room(change);
	rc = dd_store_stage(change->store, &staged, place, next, arg, &info, err);
	if (rc < 0) {
		dd_change_made_room(change, rc, NULL);
		return dd_wrap(err, dd_change_hint(err, rc), "run %s", change->run);
	}
	change->staged++;
	*put = (struct dd_put){
		.place = *place, .origin = staged, .bytes = info.size, .stamp = info.stamp
	};
	return 0;
}

static int open_journal(struct dd_change *change, struct dd_error *err)
{
	struct dd_place place = { .kind = DD_AT_BLOB };
	int rc = 0;

	if (change->journal)
		return 0;
	/* The run's own directory comes with the first that is made in it. */
	if (!change->made || !change->staged)
		do
			rc = dd_store_prepare(change->store, &place, change->run, err);
		while (rc < 0 && dd_change_made_room(change, rc, err));
	change->made = true;
	return rc < 0 ? rc : dd_journal_open(change, err);
}

int dd_change_announce_put(struct dd_change *change, const struct dd_put *given,
			   struct dd_error *err)
{
	struct dd_put put = *given;
	int rc = 0;

	assert(!change->sealed && !put.place.run);
	if (dd_place_has_directory(&put.place))
		rc = dd_store_look_at_owner(change->store, &put.place, NULL, err);
	put.made = rc == DD_ENOENT;
	if (rc < 0 && !put.made)
		return rc;
	dd_error_clear(err);
	rc = 0;
	change->made = true;
	if (put.replaces)
		do
			rc = dd_store_prepare_file(change->store, &put.place, change->run, err);
		while (rc < 0 && dd_change_made_room(change, rc, err));
	if (rc == 0)
		rc = open_journal(change, err);
	if (rc == 0)
		rc = dd_journal_add_put(change, &put, err);
	return rc < 0 ? dd_wrap(err, dd_change_hint(err, rc), "run %s", change->run) : 0;
}

/* ---- putting ---- */

/* What lies elsewhere in the volume or the trash: what was damaged goes first, then this comes. */
static int move_over(struct dd_change *change, const struct dd_put *put, struct dd_error *err)
{
	struct dd_place trashed = put->place;
	int rc;

	trashed.run = change->run;
	rc = dd_store_move(change->store, &put->place, &trashed, &put->replaced, err);
	if (rc < 0)
		return rc;
	rc = dd_store_move(change->store, &put->origin, &put->place, &put->stamp, err);
	if (rc < 0)
		dd_store_move(change->store, &trashed, &put->place, NULL, NULL);
	return rc;
}

static int put_once(struct dd_change *change, const struct dd_put *put, struct dd_error *err)
{
	bool halfway;
	int rc;

	if (!put->replaces)
		return dd_store_move(change->store, &put->origin, &put->place, &put->stamp, err);
	if (put->origin.kind != DD_AT_STAGED)
		return move_over(change, put, err);
	rc = dd_store_replace(change->store, &put->origin, &put->place, change->run, &put->replaced,
			      &halfway, err);
	change->halfway |= halfway;
	return rc;
}

struct settling {
	struct dd_change *change;
	const char *run;
	bool any;
};

/*
 * It died between an exchange and what follows: what it took the place of is still staged, and goes
 * into the trash; unless a registry had written to it at that moment, whose write is to be in place.
 */
static int end_exchange(struct settling *settling, const struct dd_put *put, struct dd_error *err)
{
	struct dd_store *store = settling->change->store;
	struct dd_place trashed = put->place;
	struct dd_info info;
	int rc;

	if (!put->replaces || put->origin.kind != DD_AT_STAGED ||
	    dd_store_stat(store, &put->origin, &info, NULL) < 0 ||
	    !dd_stamp_written(&put->stamp, &info.stamp, true))
		return 0;
	trashed.run = settling->run;
	dd_change_tell(settling->change, &put->origin);
	rc = dd_store_move(store, &put->origin, &trashed, NULL, err);
	if (rc < 0 || !dd_stamp_written(&put->replaced, &info.stamp, true))
		return rc;
	rc = dd_store_swap(store, &trashed, err);
	return rc < 0 ? rc : dd_store_move(store, &trashed, &put->origin, NULL, err);
}

/* The disk was too full to bring both files back, and is not any more: so it goes on. */
static int go_on(struct dd_change *change, const struct dd_put *put, struct dd_error *err)
{
	int rc = end_exchange(&(struct settling){ .change = change, .run = change->run }, put, err);

	change->halfway = rc < 0;
	return rc;
}

/* Whoever writes there at this moment puts something better, or needs what is there. */
static int ask_to_put(struct dd_change *change, const struct dd_put *put, struct dd_error *err)
{
	const struct dd_item item = { .place = put->place, .reason = DD_REASON_REPLACED };

	return dd_change_ask_one(change, &item, err);
}

int dd_change_put(struct dd_change *change, const struct dd_put *put, struct dd_error *err)
{
	bool before = change->halfway;
	int rc;

	assert(change->sealed && change->journal && !change->ended);
	rc = ask_to_put(change, put, err);
	if (rc < 0)
		return rc;
	dd_change_tell(change, &put->origin);
	do
		rc = put_once(change, put, err);
	while (rc < 0 && !change->halfway && dd_change_made_room(change, rc, err));
	if (rc < 0 && change->halfway && !before && dd_change_made_room(change, rc, err))
		rc = go_on(change, put, err);
	if (rc == DD_EEXIST)
		rc = dd_fail(err, DD_ECHANGED, 0, "something is in the place of a %s by now",
			     dd_place_kind_name(put->place.kind));
	change->put += rc == 0;
	change->withdrawn += rc == 0 && put->replaces;
	/* No registry knows of the directory of a blob that was misplaced. */
	if (rc == 0 && put->origin.kind == DD_AT_STRAY)
		dd_store_remove_empty(change->store, &put->origin);
	return dd_change_hint(err, rc);
}

/* ---- taking back ---- */

/* Back into another run only as long as that is there. */
static bool is_open(struct dd_change *change, const struct dd_place *origin)
{
	const struct dd_place run = { .kind = DD_IN_RUN, .run = origin->run };
	struct dd_info info;

	return !origin->run || dd_store_stat(change->store, &run, &info, NULL) == 0;
}

static int take_aside(struct dd_change *change, const char *run, const struct dd_put *put,
		      struct dd_error *err)
{
	struct dd_place aside = { .kind = DD_AT_STAGED, .run = run };
	char name[24];
	int rc = DD_EEXIST;

	for (unsigned i = 900000000; rc == DD_EEXIST; i++) {
		snprintf(name, sizeof(name), "%u", i);
		aside.name = name;
		dd_error_clear(err);
		rc = dd_store_move(change->store, &put->place, &aside, &put->stamp, err);
	}
	return rc;
}

static int take_back(struct dd_change *change, const char *run, const struct dd_put *put,
		     struct dd_error *err)
{
	int rc = dd_store_move(change->store, &put->place, &put->origin, &put->stamp, err);

	if (rc == DD_EEXIST && put->origin.kind == DD_AT_STAGED)
		return take_aside(change, run, put, err);
	return rc == DD_EEXIST ? dd_fail(err, DD_EREFUSED, 0, "something is where it came from") :
				 rc;
}

int dd_change_take_back(struct dd_change *change, const char *run, const struct dd_put *put,
			struct dd_error *err)
{
	int rc;

	if (!is_open(change, &put->origin))
		return dd_fail(err, DD_EREFUSED, 0, "run %s, which it came from, is no more",
			       put->origin.run);
	rc = ask_to_put(change, put, err);
	if (rc < 0)
		return rc;
	dd_change_tell(change, &put->place);
	do
		rc = take_back(change, run, put, err);
	while (rc < 0 && dd_change_made_room(change, rc, err));
	if (rc == 0 && put->made)
		dd_store_remove_empty(change->store, &put->place);
	return dd_change_hint(err, rc);
}

int dd_change_revive_file(struct dd_change *change, const struct dd_place *trashed, bool *there,
			  struct dd_error *err)
{
	struct dd_place place = *trashed;
	int rc;

	place.run = NULL;
	dd_change_tell(change, trashed);
	do
		rc = dd_store_move(change->store, trashed, &place, NULL, err);
	while (rc < 0 && dd_change_made_room(change, rc, err));
	*there = rc == DD_EEXIST;
	if (*there)
		dd_error_clear(err);
	return *there ? 0 : dd_change_hint(err, rc);
}

int dd_change_swap(struct dd_change *change, const struct dd_place *trashed, struct dd_error *err)
{
	struct dd_item item = { .place = *trashed, .reason = DD_REASON_REPLACED };
	int rc;

	item.place.run = NULL;
	rc = dd_change_ask_one(change, &item, err);
	if (rc < 0)
		return rc;
	dd_change_tell(change, trashed);
	rc = dd_store_swap(change->store, trashed, err);
	return dd_change_hint(err, rc);
}

/* ---- owner and mode ---- */
int dd_change_announce_dress(struct dd_change *change, const struct dd_dress *dress,
			     struct dd_error *err)
{
	int rc;

	assert(!change->sealed && !dress->place.run);
	rc = open_journal(change, err);
	if (rc == 0)
		rc = dd_journal_add_dress(change, dress, err);
	return rc < 0 ? dd_wrap(err, dd_change_hint(err, rc), "run %s", change->run) : 0;
}

int dd_change_dress(struct dd_change *change, const struct dd_dress *dress, struct dd_error *err)
{
	const struct dd_owning old = { dress->old_owner, dress->old_group, dress->old_mode },
			       now = { dress->owner, dress->group, dress->mode };
	int rc;

	assert(change->sealed && change->journal && !change->ended);
	dd_change_tell(change, &dress->place);
	rc = dd_store_set_owning(change->store, &dress->place, &old, &now, err);
	change->put += rc == 0;
	return dd_change_hint(err, rc);
}

int dd_change_undress(struct dd_change *change, const struct dd_dress *dress, struct dd_error *err)
{
	const struct dd_owning old = { dress->old_owner, dress->old_group, dress->old_mode },
			       now = { dress->owner, dress->group, dress->mode };
	int rc;

	dd_change_tell(change, &dress->place);
	rc = dd_store_set_owning(change->store, &dress->place, &now, &old, err);
	return dd_change_hint(err, rc);
}

/* ---- a run that died ---- */

static int settle_put(void *arg, const struct dd_put *put, struct dd_error *err)
{
	struct settling *settling = arg;
	struct dd_info info;
	int rc = end_exchange(settling, put, err);

	if (dd_store_stat(settling->change->store, &put->place, &info, NULL) == 0 &&
	    !dd_stamp_written(&put->stamp, &info.stamp, true))
		settling->any = true;
	return rc;
}

static int settle_dress(void *arg, const struct dd_dress *dress, struct dd_error *err)
{
	struct settling *settling = arg;
	struct dd_info info;

	(void)err;
	if (dd_store_stat(settling->change->store, &dress->place, &info, NULL) == 0 &&
	    info.owner == dress->owner && info.group == dress->group && info.mode == dress->mode)
		settling->any = true;
	return 0;
}

int dd_change_settle_puts(struct dd_change *change, const char *run, bool *any,
			  struct dd_error *err)
{
	DD_CLEANUP(dd_journal_release) struct dd_journal journal = { 0 };
	struct settling settling = { change, run, false };
	const struct dd_journal_sink sink = { NULL, settle_put, settle_dress, &settling };
	int rc = dd_journal_read(change->store, run, &sink, &journal, err);

	*any = settling.any && journal.sealed;
	/* All that is staged by now is ours, and will not be put any more. */
	if (rc == 0 && journal.whole)
		dd_store_unstage(change->store, run);
	return rc;
}
