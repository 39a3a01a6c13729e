/*
 * A change, as the files of this directory share it.
 *
 * What holds whenever the power goes:
 *
 * - The journal with all that will go, and the trash's directories that it will go to, are durable
 *   before the first object goes (dd_change_seal()). So each object is where it was or in the
 *   trash, and a rename that is kept is never kept in a directory that is lost.
 * - Of the two directories of a rename the one that gains is synced first (src/store).
 * - A run that goes for good leaves the trash in one durable rename before the first of its files
 *   does, so half a run is never found in the trash; the next change purges the rest.
 * - All else can be lost: what a line or a name would have said is found by looking.
 */
#ifndef CHANGE_CHANGE_H
#define CHANGE_CHANGE_H

#include <drydock/change.h>
#include <drydock/gate.h>

#include "base/arena.h"
#include "change/names.h"

struct dd_journal_writer;

struct dd_change {
	struct dd_context *ctx;
	struct dd_store *store;
	char run[DD_RUN_NAME];
	int64_t began_ns;
	char *command;
	struct dd_journal_writer *journal; /* NULL: nothing was announced */
	bool made;			   /* the run may have a directory in the trash */
	bool sealed;
	bool ended; /* the journal has its last line, or the run is gone */
	bool locked, beside;
	struct dd_run_names before; /* that were there when it began, oldest first */
	bool spent;		    /* the reserve was given up */
	bool halfway; /* what a file took the place of is staged: the next change ends that */
	uint64_t withdrawn, skipped;
	uint64_t returned; /* whole objects that came back from this very run */
	uint64_t put;	   /* put in place, or given another owner */
	unsigned staged;
	struct dd_arena names;	    /* of what is staged */
	const struct dd_gate *gate; /* borrowed; NULL: nobody serves the volume */
	struct dd_gate_terms terms;
	bool holding; /* something that is to be given back: */
	size_t held;  /* … so much */
};

/* Begin at the gate, with the lock. DD_EREFUSED: somebody serves the volume, and there is no gate. */
int dd_change_pass_gate(struct dd_change *change, struct dd_error *err);
/*
 * Whether each of the items may go: granted[i]. What may is the change's until dd_change_sync(). At
 * most DD_CHANGE_ASK.
 */
#define DD_CHANGE_ASK (DD_GATE_MAX / 2) /* a tag is asked for by its manifest, too */
int dd_change_ask(struct dd_change *change, const struct dd_item *items, size_t count,
		  bool *granted, struct dd_error *err);
/* The same for one: 0, or DD_EAGAIN. */
int dd_change_ask_one(struct dd_change *change, const struct dd_item *item, struct dd_error *err);
int dd_change_give_back(struct dd_change *change, struct dd_error *err);
/*
 * What the change is about to rename, where it lies still: so that it is not taken for another's, even if
 * we are killed as soon as it is there.
 */
void dd_change_tell(struct dd_change *change, const struct dd_place *place);
void dd_change_leave_gate(struct dd_change *change);

/* Say what can be done about a volume that cannot be written to. Returns rc. */
int dd_change_hint(struct dd_error *err, int rc);

/* dd_change_withdraw() of what was asked for; seen: it was just looked at, and is as it was judged. */
int dd_change_withdraw_seen(struct dd_change *change, const struct dd_item *item, bool seen,
			    struct dd_error *err);

/*
 * A name that no run has, later than those of the same second: 20261123T174501Z-9f3a. Its number is odd
 * for a change beside another: neither may see the other's yet.
 */
int dd_change_name_run(struct dd_change *change, struct dd_error *err);

/*
 * Whether it is worth trying again: rc says that the disk is full, and the reserve was there to be
 * given up, which happens once a change. The error is cleared then.
 */
bool dd_change_made_room(struct dd_change *change, int rc, struct dd_error *err);
/* The same before something that cannot be tried again. */
void dd_change_look_for_room(struct dd_change *change);
/* Set space aside for the next full disk, if there is plenty. Never a failure. */
void dd_change_keep_room(struct dd_change *change);

/* 1 if anything lies in the run's trash, 0 if not; DD_ENOENT, or what kept us from looking. */
int dd_change_holds(const struct dd_change *change, const char *run, struct dd_error *err);

/*
 * What a run that died has put in place: the exchange that it was in is brought to its end, and what
 * it had staged goes. *any: some of it is there still, as it was put.
 */
int dd_change_settle_puts(struct dd_change *change, const char *run, bool *any,
			  struct dd_error *err);

/* End what earlier runs left half done. */
int dd_change_settle(struct dd_change *change, struct dd_error *err);

/* Condemn and purge. ctx: what may interrupt the purge, for the next change to finish it, or NULL. */
int dd_change_remove_run(struct dd_change *change, struct dd_context *ctx, const char *run,
			 struct dd_error *err);

#endif
