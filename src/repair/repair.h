/*
 * Repair, from within: a step for each thing that is to be done.
 *
 * Findings come in turns, blobs before links before tags, so that a step can ask what earlier ones will
 * put in place; after each turn the verification says what will be wrong when all that is done. A place
 * has one step, however many findings it mends.
 */
#ifndef REPAIR_REPAIR_H
#define REPAIR_REPAIR_H

#include <drydock/repair.h>
#include <drydock/units.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "verify/verify.h"

enum dd_copy_kind {
	DD_COPY_NONE,
	DD_COPY_STRAY, /* misplaced in the volume: moved */
	DD_COPY_TRASH, /* in an earlier run: moved */
	DD_COPY_TWIN,  /* in the volume under another algorithm's digest: copied */
	DD_COPY_SOURCE /* beyond the volume: copied */
};

/* Good bytes, which were hashed. */
struct dd_copy {
	enum dd_copy_kind kind;
	struct dd_place place;	  /* but of a source */
	struct dd_stray *stray;	  /* if it is misplaced */
	struct dd_source *source; /* of a source: */
	struct dd_digest called;  /* … its name for it */
	uint64_t bytes;
	struct dd_stamp stamp; /* but of a source */
};

struct dd_step {
	struct dd_mend mend;
	bool harmless;	      /* nothing is to be done, and nothing is damaged any more */
	bool missed;	      /* something will be damaged when it is done, for want of this */
	struct dd_copy copy;  /* of what is put in place, unless it is a link */
	int read;	      /* of a blob: what reading it came to */
	bool replaces;	      /* something is in the place: */
	struct dd_info there; /* … which goes, or has its owner set */
	struct dd_put put;    /* once it is ready */
	struct dd_dress dress;
	bool ready;		      /* announced */
	DD_LIST(const char *) images; /* of all its findings, until they are settled */
};

struct dd_stray {
	const struct dd_found *found;
	size_t user; /* the step that takes it from there, and 1; 0: none */
	struct dd_place place;
	struct dd_digest holds; /* what its bytes are */
	struct dd_info info;
	int rc; /* of reading it */
};

/* A blob under the digest of another algorithm. */
struct dd_twin {
	struct dd_digest digest;
	uint32_t id;
};

struct dd_repair {
	struct dd_context *ctx;
	struct dd_store *store;
	struct dd_repair_options options;
	struct dd_verify *verify;
	struct dd_trash trash;
	DD_LIST(const struct dd_item *) trashed; /* blobs; sorted by digest, the newest first */
	DD_LIST(struct dd_stray) strays;
	DD_LIST(struct dd_twin) twins;
	bool twins_sought;
	DD_LIST(uint8_t) hashed; /* by id, a bit an algorithm: is no twin but those */
	DD_LIST(struct dd_step) steps;
	void *places;		 /* a tree of tsearch(3): which step is a place's */
	size_t told;		 /* so many steps the verification knows of: ahead.c */
	bool asked, asked_needs; /* links.c: of the repository that was asked about last */
	uint32_t asked_index;
	struct dd_arena strings;
	struct dd_hasher *hashers[DD_ALGORITHM_COUNT];
	unsigned char *block;
	DD_LIST(struct dd_mend) mends;
	struct dd_repair_plan plan;
	pthread_mutex_t lock; /* of differing */
	DD_LIST(struct dd_dress) differing;
	int differing_rc;
};

/* ---- steps.c ---- */

/* Strings of the repair's own; NULL without memory. */
const char *dd_repair_keep(struct dd_repair *repair, const char *text);
/* DD_EFORMAT: it is no path of the layout. The strings are the repair's. */
int dd_repair_place(struct dd_repair *repair, const char *path, struct dd_place *place,
		    struct dd_error *err);
/* The one finding that it mends, and its images. */
void dd_repair_set_found(struct dd_mend *mend, const struct dd_found *found);
/* The images of all findings that it mends become the step's. */
int dd_repair_settle_images(struct dd_repair *repair, struct dd_step *step, struct dd_error *err);
/*
 * The step of a place, which becomes a new one's that mends a finding; *is_new tells which. An earlier
 * one then mends this finding too. Valid until the next call.
 */
int dd_repair_step(struct dd_repair *repair, const struct dd_place *place,
		   const struct dd_found *found, struct dd_step **step, bool *is_new,
		   struct dd_error *err);
/* What is left, and why: has no place. */
int dd_repair_leave(struct dd_repair *repair, const struct dd_found *found, const char *why,
		    struct dd_error *err);
int dd_repair_leave_as(struct dd_repair *repair, const struct dd_mend *mend, struct dd_error *err);
/* What is there could not be looked at: nothing is done, and the run says that it failed. */
void dd_repair_cannot_tell(struct dd_step *step);
/* The step withdraws what lies in its place. */
void dd_repair_withdraw(struct dd_step *step, enum dd_reason reason, const struct dd_info *info);
/* Steps of one rank are done together, the lowest first. */
int dd_repair_rank(const struct dd_step *step);
/* From here on no step is found by its place any more. */
int dd_repair_put_in_order(struct dd_repair *repair, struct dd_error *err);

/* ---- stored.c ---- */

/* The id of a digest, or DD_NO_ID. */
uint32_t dd_repair_id(const struct dd_repair *repair, const struct dd_digest *digest);
/* The digest under which a blob is stored: another one for an alias. */
void dd_repair_stored_as(const struct dd_repair *repair, const struct dd_digest *digest,
			 struct dd_digest *stored);
/* Whether a digest's bytes are there, or will be by an earlier step. */
bool dd_repair_will_be_there(struct dd_repair *repair, const struct dd_digest *digest);
/* Where the bytes come from that are put under a digest; NULL: none are. Valid until the next step. */
const struct dd_copy *dd_repair_copy_of(struct dd_repair *repair, const struct dd_digest *digest);

/* ---- copies.c: where good bytes are ---- */

int dd_repair_open_copies(struct dd_repair *repair, struct dd_error *err);
/* What a name of another algorithm may be a name of, before it is asked where that is stored. */
int dd_repair_learn_names(struct dd_repair *repair, const struct dd_digest *digest,
			  struct dd_error *err);
/* More is known by now, or will be there: of what wants a copy, and of what may be one. */
int dd_repair_renew_copies(struct dd_repair *repair, struct dd_error *err);
/* copy->kind DD_COPY_NONE: nowhere. */
int dd_repair_find_copy(struct dd_repair *repair, const struct dd_digest *digest,
			struct dd_copy *copy, struct dd_error *err);
/* A blob by another algorithm, as it is or as it is put in place. */
int dd_repair_hash_blob(struct dd_repair *repair, const struct dd_digest *blob,
			enum dd_algorithm alg, struct dd_digest *digest, struct dd_error *err);
/* Read a file of the store to its end: info is from before. */
int dd_repair_hash(struct dd_repair *repair, const struct dd_place *place, enum dd_algorithm alg,
		   struct dd_digest *digest, struct dd_info *info, struct dd_error *err);

/* ---- one finding each ---- */

/* leftovers.c */
int dd_repair_leftover(struct dd_repair *repair, const struct dd_found *found,
		       struct dd_error *err);
/*
 * Whether an object's own directory, which none of its files is in, was left behind: nobody has made
 * anything in it for a while. info: of the directory, but for its size.
 */
bool dd_repair_is_left_behind(struct dd_repair *repair, const struct dd_place *place,
			      struct dd_info *info);
/* What lies beside an object whose directory goes is no step of its own: it goes along. */
void dd_repair_take_along(struct dd_repair *repair);

/* blobs.c */
int dd_repair_blob(struct dd_repair *repair, const struct dd_found *found, struct dd_error *err);
/* A blob that was left for want of good bytes: whether there are some by now. */
int dd_repair_try_again(struct dd_repair *repair, size_t step, struct dd_error *err);
int dd_repair_stray(struct dd_repair *repair, const struct dd_found *found, struct dd_error *err);
int dd_repair_empty(struct dd_repair *repair, const struct dd_found *found, struct dd_error *err);

/* tags.c */
int dd_repair_tag(struct dd_repair *repair, const struct dd_found *found, struct dd_error *err);
int dd_repair_dangling_tag(struct dd_repair *repair, const struct dd_found *found,
			   struct dd_error *err);
/* Whether somebody said where the tag is to point that a finding is about. */
bool dd_repair_is_chosen(const struct dd_repair *repair, const struct dd_found *found);
/*
 * Each choice must be of a tag that is there and broken. Of most the tag alone tells, before anything is
 * read; of the rest what verifying found.
 */
int dd_repair_look_at_choices(struct dd_repair *repair, struct dd_error *err);
int dd_repair_check_choices(struct dd_repair *repair, struct dd_error *err);

/* links.c */
int dd_repair_missing_link(struct dd_repair *repair, const struct dd_found *found,
			   struct dd_error *err);
int dd_repair_bad_link(struct dd_repair *repair, const struct dd_found *found,
		       struct dd_error *err);
int dd_repair_dangling(struct dd_repair *repair, const struct dd_found *found,
		       struct dd_error *err);
/* Its bytes, if they can be had: *handled, else the link is for dd_repair_dangling(). */
int dd_repair_dangling_bytes(struct dd_repair *repair, const struct dd_found *found, bool *handled,
			     struct dd_error *err);
int dd_repair_alias(struct dd_repair *repair, const struct dd_found *found, struct dd_error *err);

/* owners.c */
int dd_repair_owner(struct dd_repair *repair, const struct dd_found *found, struct dd_error *err);
/* Of all files that differ from the rest. */
int dd_repair_owners(struct dd_repair *repair, struct dd_error *err);

/* ---- ahead.c ---- */

/*
 * What will be wrong when all is done that was planned until now; NULL: nothing was that could
 * matter. The reports live as long as the verification, their list until the next look.
 */
int dd_repair_look_ahead(struct dd_repair *repair, const struct dd_reports **reports,
			 struct dd_error *err);

/* ---- plan.c, apply.c, sums.c ---- */

/* All of it, from the verification on. */
int dd_repair_make(struct dd_repair *repair, struct dd_error *err);
int dd_repair_carry_out(struct dd_repair *repair, struct dd_error *err);
void dd_repair_count(struct dd_repair *repair);

#endif
