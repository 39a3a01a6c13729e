/*
 * Repair: what a verification found and can be mended, mended, undoably.
 *
 * A plan has a step for each thing that is to be done, and one for each damage that is left, with
 * the reason. Each step is judged by a second look at what was found: what reads well this time is
 * left alone. Nothing is put in place whose bytes were not hashed; what is replaced or goes lies in
 * the trash under the run, and dd_restore_apply() of that run undoes all of it.
 *
 * As everywhere the plan is made by the code that carries it out. Rules: drydock-repair(1).
 */
#ifndef DRYDOCK_REPAIR_H
#define DRYDOCK_REPAIR_H

#include <drydock/change.h>
#include <drydock/source.h>
#include <drydock/verify.h>

/* Where a tag is to point that its history leaves in doubt. */
struct dd_tag_choice {
	const char *repository, *tag;
	const char *digest; /* of a manifest in the repository; may be cut, if that is plain */
};

struct dd_repair_options {
	/* What is looked at, and how: as for dd_verify(); quick: no blob is read. */
	struct dd_verify_options verify;
	/* Where good bytes may come from beyond the volume, in this order. Borrowed. */
	struct dd_source *const *sources;
	size_t source_count;
	const struct dd_tag_choice *choices;
	size_t choice_count;
	bool owner, mode; /* set those that differ as the rest has them */
	int64_t lock_wait_ns;
	const char *command; /* for journal and lock */
};

/* X(constant, name, text): what is done */
/* clang-format off */
#define DD_MENDINGS(X)                                                                  \
	X(DD_MEND_PUT_BLOB, "put-blob", "put good bytes in place")                      \
	X(DD_MEND_MOVE_BLOB, "move-blob", "move where it belongs")                      \
	X(DD_MEND_WRITE_LINK, "write-link", "write the link that is missing")           \
	X(DD_MEND_REWRITE_LINK, "rewrite-link", "write the link anew")                  \
	X(DD_MEND_POINT_TAG, "point-tag", "point the tag to")                           \
	X(DD_MEND_WITHDRAW, "withdraw", "withdraw into the trash")                      \
	X(DD_MEND_SET_OWNER, "set-owner", "set owner and mode as the rest has them")    \
	X(DD_MEND_LEAVE, "leave", "left as it is")
/* clang-format on */

enum dd_mending {
#define X(constant, name, text) constant,
	DD_MENDINGS(X)
#undef X
	DD_MENDING_COUNT
};

/* X(constant, name, text): what came of it */
#define DD_MEND_OUTCOMES(X)                                                  \
	X(DD_MENDED_NOT, "planned", "not done yet")                          \
	X(DD_MENDED, "done", "done")                                         \
	X(DD_MENDED_CHANGED, "changed", "it changed meanwhile, and is left") \
	X(DD_MENDED_FAILED, "failed", "could not be done")

enum dd_mend_outcome {
#define X(constant, name, text) constant,
	DD_MEND_OUTCOMES(X)
#undef X
	DD_MEND_OUTCOME_COUNT
};

const char *dd_mending_name(enum dd_mending mending);
const char *dd_mending_text(enum dd_mending mending);
const char *dd_mend_outcome_name(enum dd_mend_outcome outcome);
const char *dd_mend_outcome_text(enum dd_mend_outcome outcome);

/* One step. Strings live as long as the repair. */
struct dd_mend {
	enum dd_mending mending;
	enum dd_mend_outcome outcome;
	const struct dd_found *found; /* what it mends; the worst of them */
	size_t findings;	      /* how many it mends */
	/* What cannot be pulled whole because of any of them: as for a finding. */
	const char *const *images;
	size_t image_count;
	uint64_t image_total;
	struct dd_place place; /* of the file; kind DD_PLACE_COUNT: none */
	const char *path;      /* the same, or of what is left; may be NULL */
	enum dd_reason reason; /* of DD_MEND_WITHDRAW */
	bool has_digest;
	struct dd_digest digest;   /* what a link will say; of a blob */
	uint64_t bytes;		   /* that are put in place, or go */
	const char *from;	   /* where good bytes come from; NULL */
	const char *why;	   /* it is left, failed, or was decided so; NULL */
	const char *const *offers; /* digests that --choose may name */
	size_t offer_count;
};

/* X(name in JSON, member, what it counts) */
/* clang-format off */
#define DD_REPAIR_TOTALS(X)                                                             \
	X("mended", mended, "findings that are mended by this")                         \
	X("left", left, "damage that is left")                                          \
	X("steps", steps, "things that are done")                                       \
	X("blobs_put", blobs_put, "blobs put in place")                                 \
	X("bytes_put", bytes_put, "bytes of those")                                     \
	X("links", links, "links written")                                              \
	X("withdrawn", withdrawn, "objects that go into the trash")                     \
	X("bytes_withdrawn", bytes_withdrawn, "bytes of those")                         \
	X("owners", owners, "files whose owner or mode is set")                         \
	X("changed", changed, "steps not done: something changed meanwhile")            \
	X("failed", failed, "steps that failed")
/* clang-format on */

struct dd_repair_plan {
	bool applied;
	const char *run;	     /* that can be undone; NULL: nothing was changed */
	const struct dd_mend *mends; /* in the order in which they are done, then what is left */
	size_t count;
#define X(name, member, text) uint64_t member;
	DD_REPAIR_TOTALS(X)
#undef X
};

struct dd_repair;

/*
 * DD_ENOENT: the reference names nothing. DD_EUSAGE: a choice names no tag that is there and broken. On an
 * error *repair may hold the verification and what was done until then.
 */
int dd_repair_plan(struct dd_context *ctx, struct dd_store *store,
		   const struct dd_repair_options *options, struct dd_repair **repair,
		   struct dd_error *err);
int dd_repair_apply(struct dd_context *ctx, struct dd_store *store,
		    const struct dd_repair_options *options, struct dd_repair **repair,
		    struct dd_error *err);
void dd_repair_close(struct dd_repair *repair);
void dd_repair_closep(struct dd_repair **repair);

const struct dd_repair_plan *dd_repair_get_plan(const struct dd_repair *repair);
/* What it stands on. */
const struct dd_verify *dd_repair_get_verify(const struct dd_repair *repair);

/*
 * DD_EXIT_ATTENTION while there is damage: planned, left, or withdrawn until somebody pushes it
 * again. DD_EXIT_FAILED if something could not be done or seen.
 */
enum dd_exit dd_repair_exit(const struct dd_repair *repair);

/* One document, schema/repair.json. */
void dd_repair_json(const struct dd_repair *repair, struct dd_json_out *out);

#endif
