/*
 * Changing a volume: the one way in which anything goes, comes back, or ends.
 *
 * A change holds the volume's lock from begin to close. What it withdraws lies in the trash under
 * the change's run, by its own path, beside a journal that was written and synced in whole before
 * the first object went; so a run that died anywhere is still in order: each object lies either
 * where it was or in the trash, and the journal says what it was and why it went.
 *
 * Order is the caller's: references before what they refer to, dd_change_sync() between.
 * One thread a change.
 */
#ifndef DRYDOCK_CHANGE_H
#define DRYDOCK_CHANGE_H

#include <drydock/gate.h>

struct dd_arena;

/* X(constant, name, text): why an object is withdrawn */
#define DD_REASONS(X)                                                                          \
	X(DD_REASON_UNREFERENCED, "unreferenced", "no manifest that is kept uses it")          \
	X(DD_REASON_UNTAGGED, "untagged", "no tag leads to it")                                \
	X(DD_REASON_LINK_UNUSED, "link-unused", "no manifest kept in the repository uses it")  \
	X(DD_REASON_LINK_DANGLING, "link-dangling", "the bytes that it names are gone")        \
	X(DD_REASON_HISTORY_DEAD, "history-dead", "the revision it remembers is gone or goes") \
	X(DD_REASON_UPLOAD_STALE, "upload-stale", "the upload was left unfinished")            \
	X(DD_REASON_TEMP_STALE, "temp-stale", "a crash of the registry left it behind")        \
	X(DD_REASON_REMOVED, "removed", "somebody named it to be removed")                     \
	X(DD_REASON_POLICY, "policy", "no rule of the policy keeps it")                        \
	X(DD_REASON_HISTORY_OLD, "history-old", "the policy keeps no history of the tag")      \
	X(DD_REASON_DAMAGED, "damaged", "it does not hold what it should")                     \
	X(DD_REASON_REPLACED, "replaced", "a good one was put in its place")                   \
	X(DD_REASON_DUPLICATE, "duplicate", "the same bytes are where they belong")            \
	X(DD_REASON_EMPTY, "empty", "a directory that holds nothing")

enum dd_reason {
#define X(constant, name, text) constant,
	DD_REASONS(X)
#undef X
	DD_REASON_COUNT
};

const char *dd_reason_name(enum dd_reason reason);
const char *dd_reason_text(enum dd_reason reason);
int dd_reason_parse(const char *name); /* -1 if there is none */

/*
 * Whether an object that went for this reason may come back by itself, or serve where it is needed:
 * what was damaged may not, only who undoes that run gets it back.
 */
bool dd_reason_damage(enum dd_reason reason);

/* One object of a change. The strings of place are borrowed. */
struct dd_item {
	struct dd_place place; /* place.run: NULL in the volume, set in the trash */
	enum dd_reason reason;
	uint64_t bytes;	       /* of the file; of all files for an upload */
	uint32_t links;	       /* names the file has: above 1 removing this one frees nothing */
	struct dd_stamp stamp; /* as it was judged by */
};

struct dd_change;

struct dd_change_options {
	const char *command;  /* "gc --apply -m", for people: journal and lock carry it */
	int64_t lock_wait_ns; /* 0: not at all */
	/*
	 * Without the lock, beside the change that has it and lets others in: for who serves the volume,
	 * whose gate that one has passed. One at a time.
	 */
	bool beside;
};

/*
 * Check that the volume can be changed (DD_EXDEV, DD_EREFUSED, DD_EACCES), make our state, take the
 * lock (DD_ELOCKED, the text says who holds it since when), end what an earlier run left half done.
 * DD_EREFUSED also where a daemon serves the volume and the store has no gate of it (drydock/gate.h).
 */
int dd_change_begin(struct dd_context *ctx, struct dd_store *store,
		    const struct dd_change_options *options, struct dd_change **change,
		    struct dd_error *err);
/*
 * Gives the lock back. A run without withdrawn objects leaves nothing behind; one that was not
 * finished is marked as interrupted.
 */
void dd_change_close(struct dd_change *change);
void dd_change_closep(struct dd_change **change);

/* What whoever serves the volume wants to be known; all 0 if nobody does. */
const struct dd_gate_terms *dd_change_get_terms(const struct dd_change *change);

/*
 * Show it what was written since terms->since_ns, any number of traces: *least_grace_ns as the gate has
 * it, 0 if all is known there.
 */
int dd_change_show(struct dd_change *change, const struct dd_trace *traces, size_t count,
		   int64_t *least_grace_ns, struct dd_error *err);

/*
 * Let whoever serves the volume begin changes of its own beside this one; or no longer, and wait until
 * those have ended: DD_ELOCKED if they take too long. A change begins by itself. What it withdraws may
 * be withdrawn beside it, too; but what it brings back somebody may have removed since it was judged: so
 * that is done, and looked at once more, while nobody is let in.
 */
int dd_change_let_in(struct dd_change *change, bool open, struct dd_error *err);
/*
 * Wait until those have ended that have begun, and let in the next ones: what was seen of their doings
 * is on the disk then, and may be built upon where nothing can be undone.
 */
int dd_change_outwait(struct dd_change *change, struct dd_error *err);
/*
 * Whether a run has begun since this change did, beside it: what it took is neither brought back nor
 * removed by this one.
 */
bool dd_change_is_beside(const struct dd_change *change, const char *run);

/* The name of this change's run; also the name of its directory in the trash. */
const char *dd_change_get_run(const struct dd_change *change);

/*
 * First all objects are announced (each by its file: place.kind DD_AT_STARTEDAT for an upload
 * without data), then the journal is sealed (synced, with room for what is still to be written to
 * it), then they are withdrawn, in any number of steps.
 */
int dd_change_announce(struct dd_change *change, const struct dd_item *item, struct dd_error *err);
int dd_change_seal(struct dd_change *change, struct dd_error *err);

/*
 * Look once more and withdraw. DD_ECHANGED: it is not as it was judged (stamp; zero: however it is)
 * and stays, or one of that name went in this run before; DD_ENOENT: it is not there any more;
 * DD_EAGAIN: a client of whoever serves the volume was told of it, and it stays. None of these is a
 * failure of the run. Durable after dd_change_sync().
 */
int dd_change_withdraw(struct dd_change *change, const struct dd_item *item, struct dd_error *err);
int dd_change_sync(struct dd_change *change, struct dd_error *err);

/*
 * The same for many. While some are renamed another thread looks at those that come next, so that a
 * look is some renames old, a millisecond at most where renames are quick. Where somebody serves the
 * volume they go in batches, each durable before the next is asked for.
 */
struct dd_withdrawal {
	/* 1 and the next item, 0 at the end, or an error, which ends it. Its strings live on. */
	int (*next)(void *arg, struct dd_item *item, struct dd_error *err);
	/*
	 * What became of it: 0, DD_ECHANGED, DD_ENOENT, DD_EAGAIN, or DD_EXDEV: it cannot be renamed into
	 * the trash, as what is mounted below the root cannot.
	 */
	void (*done)(void *arg, const struct dd_item *item, int rc);
	void *arg;
	bool closely; /* each is looked at right before it is renamed: what is often written to */
};
int dd_change_withdraw_many(struct dd_change *change, const struct dd_withdrawal *withdrawal,
			    struct dd_error *err);

/*
 * Bring an object back from the trash of any run to where it was. Where something has grown in its
 * place: each file that is missing there is put beside; if none is, *there is set, the trash keeps
 * the old one. fresh: its time is now. DD_ENOENT: it is not in the trash. Blobs first, then links.
 * Durable after dd_change_sync().
 */
int dd_change_revive(struct dd_change *change, const struct dd_place *trashed, bool fresh,
		     bool *there, struct dd_error *err);
/* The same for what was replaced, a file alone, and for what went for DD_REASON_EMPTY. */
int dd_change_revive_file(struct dd_change *change, const struct dd_place *trashed, bool *there,
			  struct dd_error *err);
int dd_change_revive_empty(struct dd_change *change, const struct dd_place *trashed, bool *there,
			   struct dd_error *err);
/* ---- putting something where it is missing or damaged ---- */

/*
 * What a change puts in place, by a rename: a file that it staged, or one that lies elsewhere: in the
 * trash of another run, or misplaced in the volume. What was put can be taken back as long as it is
 * as it was put. The strings of the places are borrowed.
 */
struct dd_put {
	struct dd_place place;	  /* where; place.run is NULL */
	struct dd_place origin;	  /* DD_AT_STAGED, or of an object in another run or misplaced */
	uint64_t bytes;		  /* of the file */
	struct dd_stamp stamp;	  /* of the file before it was put: its content's stays */
	bool replaces;		  /* something is in its place, which goes into the trash: */
	struct dd_stamp replaced; /* … as it was judged */
	uint64_t replaced_bytes;
	bool made; /* its own directory is made for it; known once it is announced */
	bool again; /* of a run that was loaded: a link, written anew since, says what its path says */
};

/*
 * Before the seal: write a file of ours, durable, with owner and mode of what is around its place, for
 * it to be put there. *put is filled in but for what it replaces, its origin's strings are the
 * change's. Bytes come from next(), which returns how many, 0 at the end, or an error, which ends it:
 * then nothing is left of it. DD_ENOSPC: there may be room for a second try, with the bytes anew.
 */
int dd_change_stage(struct dd_change *change, const struct dd_place *place, dd_next_bytes_fn *next,
		    void *arg, struct dd_put *put, struct dd_error *err);
/* Before the seal, as dd_change_announce(); what it replaces needs no announcement of its own. */
int dd_change_announce_put(struct dd_change *change, const struct dd_put *put,
			   struct dd_error *err);

/*
 * After the seal. One step where the file system can exchange two names: there is no moment at which
 * nothing is in the place. DD_ECHANGED: what it replaces is not as it was judged, or something is
 * there that was not, or its origin changed; DD_ENOENT: its origin is gone. Both are no failure of
 * the run, and change nothing. Durable after dd_change_sync().
 */
int dd_change_put(struct dd_change *change, const struct dd_put *put, struct dd_error *err);

/*
 * Undo a put of an earlier run: back to where it came from. DD_ECHANGED: it was written to since, and
 * stays; DD_EREFUSED: where it came from is no more, and it stays; DD_ENOENT: nothing is there.
 */
int dd_change_take_back(struct dd_change *change, const char *run, const struct dd_put *put,
			struct dd_error *err);

/*
 * What lies in the trash of a run takes the place of what a repair put there, which is the same: so
 * undoing both, in whatever order, leaves it there.
 */
int dd_change_swap(struct dd_change *change, const struct dd_place *trashed, struct dd_error *err);

/* Owner and mode, where they differ from those of the rest. */
struct dd_dress {
	struct dd_place place;			 /* of a file */
	uint32_t owner, group, mode;		 /* as they will be */
	uint32_t old_owner, old_group, old_mode; /* as they are */
};
/* Before the seal; after it. DD_ECHANGED: they are not as they were. Durable after the sync. */
int dd_change_announce_dress(struct dd_change *change, const struct dd_dress *dress,
			     struct dd_error *err);
int dd_change_dress(struct dd_change *change, const struct dd_dress *dress, struct dd_error *err);
int dd_change_undress(struct dd_change *change, const struct dd_dress *dress, struct dd_error *err);

/*
 * End the run: write what was done into the journal. purge: remove the run's trash for good. A run
 * from which nothing lies in the trash any more leaves nothing behind. Earlier runs can still be
 * emptied after it.
 */
int dd_change_finish(struct dd_change *change, bool purge, struct dd_error *err);

/*
 * Remove an earlier run for good: condemned first (durably), so that half a run is never undone.
 * DD_EUSAGE: it is this one, before its end, or one that has begun since.
 */
int dd_change_empty(struct dd_change *change, const char *run, struct dd_error *err);

/* ---- looking into the trash; no lock needed, nothing is written ---- */

enum dd_run_state {
	DD_RUN_DONE,
	DD_RUN_INTERRUPTED, /* it died (or, unless ended, is at work) */
	DD_RUN_DAMAGED	    /* its journal cannot be read whole: what lies there is found by name */
};

struct dd_run {
	char name[32];
	int64_t began_ns; /* since the epoch, from the name */
	enum dd_run_state state;
	bool ended;    /* nobody is at work on it: its journal has an end, perhaps a later run's */
	bool took;     /* anything, as far as is known, whether or not it is still there */
	bool mended;   /* it is a repair: what it took comes back as it was */
	char *command; /* NULL: not known */
	size_t count;  /* objects that are still in the trash */
	struct dd_item *items; /* count of them; place.run is set */
	bool *changed;	       /* whether the object was written to since it went */
	size_t gone;	       /* objects that came back, or never went */
	struct dd_put *puts;   /* what it put in place that is there still, as it was put */
	size_t put_count;
	/* What it put where nothing was, and somebody has written to since. */
	struct dd_put *overwritten;
	size_t overwritten_count;
	struct dd_dress *dresses; /* owners and modes it set, which are so still */
	size_t dress_count;
	bool unseen; /* it, or something in it, could not be looked at: it may have been written to */
	struct dd_arena *memory; /* owns the items' strings */
};

struct dd_trash {
	struct dd_run *runs; /* oldest first */
	size_t count;
};

/*
 * All runs with what still lies in them (each object is looked at). One that died before it took
 * anything is none: the next change removes its remains. A damaged journal is no error:
 * objects that it does not name are found by listing the run, with a zero stamp and
 * DD_REASON_UNREFERENCED. No trash: an empty list.
 */
int dd_trash_load(struct dd_context *ctx, struct dd_store *store, struct dd_trash *trash,
		  struct dd_error *err);
/*
 * One run: a name (or a unique beginning of one), or "latest": the latest that took anything, also
 * if all that came back. DD_ENOENT, DD_EAMBIGUOUS.
 */
int dd_trash_find(const struct dd_trash *trash, const char *name, const struct dd_run **run,
		  struct dd_error *err);
void dd_trash_release(struct dd_trash *trash);

/* Bytes that a run's objects would free. */
uint64_t dd_run_bytes(const struct dd_run *run);

#endif
