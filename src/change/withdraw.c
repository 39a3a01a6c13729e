/*
 * What goes into the trash: announced, sealed, withdrawn; and what comes back from it.
 */
#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "change/change.h"
#include "change/journal.h"

/* What the journal could not name later could not come back. */
static int check_name(const struct dd_place *place, struct dd_error *err)
{
	DD_AUTOFREE char *path = NULL, *memory = NULL;
	struct dd_place parsed;
	int rc;

	/* All other parts of a place are such that each path leads back to it. */
	if (!place->beside)
		return 0;
	rc = dd_layout_path(place, &path, err);
	return rc < 0 ? rc : dd_layout_parse(path, &parsed, &memory, err);
}

static int prepare(struct dd_change *change, const struct dd_place *place, struct dd_error *err)
{
	int rc;

	change->made = true;
	do
		rc = dd_store_prepare(change->store, place, change->run, err);
	while (rc < 0 && dd_change_made_room(change, rc, err));
	return rc;
}

int dd_change_announce(struct dd_change *change, const struct dd_item *item, struct dd_error *err)
{
	int rc;

	assert(!change->sealed && !item->place.run);
	rc = check_name(&item->place, err);
	if (rc == 0)
		rc = prepare(change, &item->place, err);
	if (rc == 0 && !change->journal)
		rc = dd_journal_open(change, err);
	if (rc == 0)
		rc = dd_journal_add(change, item, err);
	return rc < 0 ? dd_wrap(err, dd_change_hint(err, rc), "run %s", change->run) : 0;
}

int dd_change_seal(struct dd_change *change, struct dd_error *err)
{
	int rc = 0;

	assert(!change->sealed);
	if (change->journal)
		rc = dd_journal_seal(change, err);
	if (rc == 0)
		rc = dd_change_sync(change, err);
	change->sealed = rc == 0;
	return rc < 0 ? dd_wrap(err, dd_change_hint(err, rc), "seal the journal") : 0;
}

int dd_change_withdraw_seen(struct dd_change *change, const struct dd_item *item, bool seen,
			    struct dd_error *err)
{
	static const struct dd_stamp none;
	const struct dd_stamp *expected = dd_stamp_equal(&item->stamp, &none) ? NULL : &item->stamp;
	int rc;

	assert(change->sealed && change->journal && !change->ended);
	do
		rc = item->reason == DD_REASON_EMPTY ?
			     dd_store_withdraw_empty(change->store, &item->place, change->run,
						     expected, err) :
		     seen ? dd_store_withdraw_seen(change->store, &item->place, change->run, err) :
			    dd_store_withdraw(change->store, &item->place, change->run, expected,
					      err);
	while (rc < 0 && dd_change_made_room(change, rc, err));
	/* It went before in this run and was made anew: the older one stays, the next run takes it. */
	if (rc == DD_EEXIST)
		rc = dd_fail(err, DD_ECHANGED, 0, "%s was made anew since the run began",
			     dd_place_kind_name(item->place.kind));
	change->withdrawn += rc == 0;
	change->skipped += rc == DD_ECHANGED || rc == DD_ENOENT;
	return dd_change_hint(err, rc);
}

int dd_change_withdraw(struct dd_change *change, const struct dd_item *item, struct dd_error *err)
{
	int rc = dd_change_ask_one(change, item, err);

	return rc < 0 ? rc : dd_change_withdraw_seen(change, item, false, err);
}

/* Back as a whole, or beside what has grown there. */
static int bring_back(struct dd_change *change, const struct dd_place *trashed, bool *there,
		      struct dd_error *err)
{
	size_t moved = 0;
	int rc = dd_store_revive(change->store, trashed, err);

	if (rc == 0 && !strcmp(trashed->run, change->run))
		change->returned++;
	if (rc != DD_EEXIST)
		return rc;
	dd_error_clear(err);
	rc = dd_store_revive_missing(change->store, trashed, &moved, err);
	*there = rc == 0 && moved == 0;
	return rc;
}

/*
 * The time is set in the trash if it can be: what is back is fresh from the first moment, and if a
 * crash comes between, what is in the trash counts as written to and comes back by itself. What may
 * stay in the trash is not touched.
 */
static int freshen(struct dd_change *change, const struct dd_place *trashed, struct dd_error *err)
{
	struct dd_place place = *trashed;
	struct dd_info info;
	int rc;

	place.run = NULL;
	rc = dd_store_stat(change->store, &place, &info, err);
	if (rc != DD_ENOENT)
		return rc;
	dd_error_clear(err);
	return dd_store_touch(change->store, trashed, err);
}

int dd_change_revive_empty(struct dd_change *change, const struct dd_place *trashed, bool *there,
			   struct dd_error *err)
{
	int rc = dd_store_look_at_owner(change->store, trashed, NULL, err);
	size_t moved = 0;

	*there = false;
	if (rc == 0)
		do
			rc = dd_store_revive(change->store, trashed, err);
		while (rc < 0 && dd_change_made_room(change, rc, err));
	if (rc == 0 && !strcmp(trashed->run, change->run))
		change->returned++;
	if (rc != DD_EEXIST)
		return dd_change_hint(err, rc);
	/* Somebody needed it since; what lay in it comes back to it. */
	dd_error_clear(err);
	rc = dd_store_revive_missing(change->store, trashed, &moved, err);
	*there = rc == 0 && !moved;
	return rc;
}

int dd_change_revive(struct dd_change *change, const struct dd_place *trashed, bool fresh,
		     bool *there, struct dd_error *err)
{
	struct dd_info info;
	int rc;

	assert(trashed->run);
	*there = false;
	/* A directory may have stayed behind that its file has left. */
	rc = dd_store_stat(change->store, trashed, &info, err);
	if (rc == 0 && fresh)
		rc = freshen(change, trashed, err);
	if (rc < 0)
		return rc;
	dd_change_tell(change, trashed);
	do
		rc = bring_back(change, trashed, there, err);
	while (rc < 0 && dd_change_made_room(change, rc, err));
	return dd_change_hint(err, rc);
}
