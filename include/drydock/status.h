/*
 * Status: what a person asks first about a volume. What it holds, how the last collection and the last
 * verification ended, what is held, what could be freed, the trash, space, the lock; and which of that
 * needs a person.
 *
 * Nothing is changed, and nothing stops the rest: what could not be found out is a trouble of its part,
 * and everything else is told all the same.
 */
#ifndef DRYDOCK_STATUS_H
#define DRYDOCK_STATUS_H

#include <drydock/gc.h>
#include <drydock/record.h>

struct dd_status_options {
	/*
	 * No look at repositories and blobs: what the volume holds is what the last collection found, and
	 * there is no plan.
	 */
	bool quick;
	int64_t grace_ns;	/* as in struct dd_gc_options */
	int64_t trash_keep_ns;	/* negative: as the last collection had it, else DD_GC_TRASH_KEEP */
	struct dd_index *index; /* of kind SURVEYED; NULL: everything is looked at anew */
	struct dd_index *log;	/* of kind VERIFIED: whose runs are told; NULL: none is known */
};

/* X(constant, name): what can fail by itself */
#define DD_STATUS_PARTS(X)                      \
	X(DD_PART_SPACE, "space")               \
	X(DD_PART_COLLECTION, "collection")     \
	X(DD_PART_VERIFICATION, "verification") \
	X(DD_PART_TRASH, "trash")               \
	X(DD_PART_LOCK, "lock")                 \
	X(DD_PART_PLAN, "plan")

enum dd_status_part {
#define X(constant, name) constant,
	DD_STATUS_PARTS(X)
#undef X
	DD_STATUS_PART_COUNT
};

const char *dd_status_part_name(enum dd_status_part part);

/* X(constant, name, text, what to type behind "drydock"): what needs a person */
#define DD_PROBLEMS(X)                                                                           \
	X(DD_PROBLEM_HELD, "held", "Something is in doubt, and holds what it may refer to",      \
	  "repair")                                                                              \
	X(DD_PROBLEM_WAS_HELD, "was-held",                                                       \
	  "The last collection found something in doubt, or could not look at all", "status")    \
	X(DD_PROBLEM_UNREADABLE, "unreadable", "Not everything could be looked at",              \
	  "verify --quick")                                                                      \
	X(DD_PROBLEM_UNPLANNED, "unplanned", "What could be collected cannot be told", "gc")     \
	X(DD_PROBLEM_FAILED, "collection-failed", "The last collection failed", "gc")            \
	X(DD_PROBLEM_DIED, "collection-died", "The last collection did not come to its end",     \
	  "gc --apply")                                                                          \
	X(DD_PROBLEM_BRAKE, "collection-stopped",                                                \
	  "The last collection took nothing: it would have been too much", "gc")                 \
	X(DD_PROBLEM_RUN, "run-unfinished",                                                      \
	  "A run died: the next command that changes the volume puts it in order", "trash list") \
	X(DD_PROBLEM_RUN_DAMAGED, "run-damaged",                                                 \
	  "What a run in the trash took cannot be read whole", "trash list")                     \
	X(DD_PROBLEM_UNTOLD, "untold", "Some of this page could not be found out", "status")     \
	X(DD_PROBLEM_DAMAGE, "damage", "The last verification found damage", "repair")           \
	X(DD_PROBLEM_MENDED, "verify-again",                                                     \
	  "The last verification found damage; a repair ran since", "verify")                    \
	X(DD_PROBLEM_FULL_TRASH, "disk-nearly-full",                                             \
	  "The disk is nearly full, and the trash is not empty", "trash empty")                  \
	X(DD_PROBLEM_FULL, "disk-nearly-full", "The disk is nearly full", "gc -m")

enum dd_problem_kind {
#define X(constant, name, text, command) constant,
	DD_PROBLEMS(X)
#undef X
	DD_PROBLEM_COUNT
};

const char *dd_problem_name(enum dd_problem_kind kind);
const char *dd_problem_text(enum dd_problem_kind kind);
const char *dd_problem_command(enum dd_problem_kind kind);

struct dd_problem {
	enum dd_problem_kind kind;
	const char *detail; /* in one line, may be empty */
};

/* Less is a disk that is nearly full. */
#define DD_STATUS_FREE_PERCENT 10

struct dd_status_volume {
	bool known;
	int64_t seen_ns; /* when: not now, if quick */
	uint64_t repositories, tags, manifests, blobs;
	uint64_t bytes; /* of the blobs, as manifests and a look at what could go tell them */
	uint64_t unsized_blobs;		/* of which neither told it; all of them if quick */
	uint64_t uploads, upload_bytes; /* unfinished; 0 if quick */
	int64_t oldest_upload_ns;	/* when it began; 0: none, or not known */
};

/* How a collection stands. */
enum dd_status_outcome {
	DD_COLLECTION_NEVER,
	DD_COLLECTION_RUNNING,
	DD_COLLECTION_DIED,
	DD_COLLECTION_DONE,
	DD_COLLECTION_ATTENTION, /* it left something to a person */
	DD_COLLECTION_BRAKED,	 /* likewise: it took nothing */
	DD_COLLECTION_INTERRUPTED,
	DD_COLLECTION_FAILED,
	DD_COLLECTION_OUTCOME_COUNT
};

const char *dd_status_outcome_name(enum dd_status_outcome outcome);

struct dd_status {
	const char *root; /* the store's */
	int64_t now_ns;
	bool quick;
	struct dd_status_volume volume;
	struct dd_space space; /* size 0: not known */
	struct dd_collections collections;
	enum dd_status_outcome outcome; /* of collections.last */
	bool verified;			/* a run is known */
	struct dd_verify_run verification;
	const struct dd_trash *trash; /* NULL: not known */
	uint64_t trash_bytes;
	int64_t trash_keep_ns;
	bool locked;
	char holder[DD_HOLDER_TEXT]; /* as it said of itself: untrusted bytes */
	int64_t locked_ns;	     /* since when, as it said; 0: it did not */
	bool served;		     /* a daemon owns the volume; the same of it: */
	char server[DD_HOLDER_TEXT];
	int64_t served_ns;
	const struct dd_gc *gc;		   /* the plan without -m; NULL: there is none */
	const struct dd_problem *problems; /* the gravest first */
	size_t problem_count;
	struct dd_error trouble[DD_STATUS_PART_COUNT]; /* code 0: none */
};

/* When a run's trash may go: by the first gc --apply after that. */
int64_t dd_status_expires(const struct dd_status *status, const struct dd_run *run);

/* Errors are DD_ENOMEM and DD_ECANCELLED alone. */
int dd_status_open(struct dd_context *ctx, struct dd_store *store,
		   const struct dd_status_options *options, struct dd_status **status,
		   struct dd_error *err);
void dd_status_closep(struct dd_status **status);

/* DD_EXIT_ATTENTION if there are problems, else DD_EXIT_DONE. */
enum dd_exit dd_status_exit(const struct dd_status *status);

/* One document, schema/status.json. */
void dd_status_json(const struct dd_status *status, struct dd_json_out *out);

#endif
