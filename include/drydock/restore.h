/*
 * What the trash gives back, and what it lets go.
 *
 * Restoring puts objects of a run back where they were, and with them everything that they need:
 * for a manifest its bytes, its link in the repository, and the same for all that it names. What is
 * needed and lies in another run is fetched from there. A link whose bytes are nowhere any more stays
 * in the trash: to whoever collects next it would be damage. Everything that comes back counts as
 * pushed now, so that the next collection leaves it alone; but what a repair took, when that is undone,
 * is as it was.
 *
 * Emptying removes runs for good; before that, what is reachable again or was written to in the
 * trash comes back. While something is in doubt that cannot be told, and nothing is removed.
 *
 * As everywhere the plan is made by the code that carries it out: dd_restore_plan() and
 * dd_empty_plan() only read, dd_restore_apply() and dd_empty_apply() take the volume's lock, plan
 * again, and do it.
 */
#ifndef DRYDOCK_RESTORE_H
#define DRYDOCK_RESTORE_H

#include <drydock/gc.h>
#include <drydock/reference.h>

/*
 * What a reference chooses of a run:
 *
 * REPO         everything of that repository
 * REPO:TAG     what the tag points to, or ever pointed to
 * REPO@DIGEST  the manifest or layer, as this repository has it
 * DIGEST       the blob, and every link to it
 *
 * A digest ("sha256:…" or the hex digits alone) may be cut to a beginning that no other object of
 * the run shares.
 */
struct dd_restore_options {
	const char *run;		    /* "latest", a run, or a unique beginning of one */
	const struct dd_reference *choices; /* none: the whole run */
	size_t choice_count;
	int64_t lock_wait_ns;
	const char *command; /* for journal and lock */
};

/* X(constant, name, needs a person, text): what becomes of an object */
#define DD_OUTCOMES(X)                                                                            \
	X(DD_OUTCOME_BACK, "put-back", false, "put back where it was")                            \
	X(DD_OUTCOME_TAKEN, "taken-away", false, "what the repair put there is taken away again") \
	X(DD_OUTCOME_RESET, "set-back", false, "owner and mode as they were")                     \
	X(DD_OUTCOME_KEPT, "kept", false, "it stays: where the repair took it from is no more")   \
	X(DD_OUTCOME_CHANGED, "changed", true,                                                    \
	  "it was written to since the repair put it there; it stays")                            \
	X(DD_OUTCOME_AGAIN, "written-again", false,                                               \
	  "a link that says the same was written there since; it stays")                          \
	X(DD_OUTCOME_SAME, "already-there", false, "the same is there already")                   \
	X(DD_OUTCOME_DIFFERENT, "different", true,                                                \
	  "something else is in its place now; it stays in the trash")                            \
	X(DD_OUTCOME_BARRED, "barred", true,                                                      \
	  "its place, or its blob's, may not be looked into; it stays in the trash")              \
	X(DD_OUTCOME_MISSING, "missing", true,                                                    \
	  "neither in the volume nor in any run of the trash")                                    \
	X(DD_OUTCOME_BYTES_GONE, "bytes-gone", true,                                              \
	  "the bytes that it names are nowhere any more; it stays in the trash")                  \
	X(DD_OUTCOME_VANISHED, "vanished", true, "not in the trash any more")                     \
	X(DD_OUTCOME_LEFT, "left", true, "still in the trash: the run ended early")               \
	X(DD_OUTCOME_UNREADABLE, "unreadable", true,                                              \
	  "cannot be read as a manifest, so what it needs is not known")

enum dd_outcome {
#define X(constant, name, person, text) constant,
	DD_OUTCOMES(X)
#undef X
	DD_OUTCOME_COUNT
};

const char *dd_outcome_name(enum dd_outcome outcome);
const char *dd_outcome_text(enum dd_outcome outcome);
bool dd_outcome_needs_person(enum dd_outcome outcome);

struct dd_restored {
	struct dd_place place; /* place.run: where it lies in the trash; NULL if it does not */
	uint64_t bytes;
	enum dd_outcome outcome;
	bool dangled;		      /* a link: what it names was gone already when it went */
	enum dd_reason reason;	      /* why it went */
	bool damage;		      /* it went as damaged */
	bool fresh;		      /* it counts as pushed now; false: it comes back as it was */
	bool swap;		      /* there already, by a repair: this one takes its place */
	const struct dd_put *put;     /* it was put there by the run, and is taken away again */
	const struct dd_dress *dress; /* its owner and mode were set, and are set back */
	bool needed;		      /* not chosen, but something chosen needs it: */
	struct dd_digest needed_by;   /* … a manifest, or what a link names */
};

struct dd_restore_plan {
	const char *run; /* its name in full */
	bool applied;
	const struct dd_restored *items; /* in the order in which they come back */
	size_t count;
	uint64_t back, bytes;  /* objects that come (or came) back, and their size */
	uint64_t taken, reset; /* what was put is taken away again; owners set back */
	uint64_t unresolved;   /* items of which a person should know */
	uint64_t emptied_runs; /* with nothing left in them, removed */
};

struct dd_restore;

/*
 * DD_ENOENT: no such run, or it took nothing of what was chosen. DD_EAMBIGUOUS: a run's name or a
 * digest that was cut too short.
 */
int dd_restore_plan(struct dd_context *ctx, struct dd_store *store,
		    const struct dd_restore_options *options, struct dd_restore **restore,
		    struct dd_error *err);
/* On an error *restore may still say what was done so far (if not NULL). */
int dd_restore_apply(struct dd_context *ctx, struct dd_store *store,
		     const struct dd_restore_options *options, struct dd_restore **restore,
		     struct dd_error *err);
const struct dd_restore_plan *dd_restore_get_plan(const struct dd_restore *restore);
void dd_restore_close(struct dd_restore *restore);
void dd_restore_closep(struct dd_restore **restore);

/* ---- emptying ---- */

struct dd_empty_options {
	int64_t older_ns; /* runs that are older go; 0: all, or if there are bounds, none for its age */
	struct dd_trash_bounds bounds;
	int64_t lock_wait_ns;
	const char *command;
};

struct dd_empty_plan {
	bool applied;
	const struct dd_emptied *runs; /* oldest first */
	size_t count;
	const struct dd_revival *revivals; /* what comes back first */
	size_t revival_count;
	uint64_t kept;	      /* runs that stay: younger, or within the bounds */
	uint64_t bytes;	      /* freed by what goes, or went */
	uint64_t short_bytes; /* to what min_free wants, when these are gone */
};

struct dd_empty;

/* DD_EREFUSED: something is in doubt (dd_gc_plan_doubt()). DD_EIO also: a run stays that is unseen. */
int dd_empty_plan(struct dd_context *ctx, struct dd_store *store,
		  const struct dd_empty_options *options, struct dd_empty **empty,
		  struct dd_error *err);
/* On an error *empty may still say what was done so far (if not NULL). */
int dd_empty_apply(struct dd_context *ctx, struct dd_store *store,
		   const struct dd_empty_options *options, struct dd_empty **empty,
		   struct dd_error *err);
const struct dd_empty_plan *dd_empty_get_plan(const struct dd_empty *empty);
void dd_empty_close(struct dd_empty *empty);
void dd_empty_closep(struct dd_empty **empty);

/* ---- one document each, schema/trash.json ---- */

const char *dd_run_state_name(enum dd_run_state state);

void dd_trash_json(const struct dd_trash *trash, struct dd_json_out *out);
void dd_run_json(const struct dd_run *run, struct dd_json_out *out);
void dd_restore_json(const struct dd_restore *restore, struct dd_json_out *out);
void dd_empty_json(const struct dd_empty *empty, struct dd_json_out *out);

#endif
