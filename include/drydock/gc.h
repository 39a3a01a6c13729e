/*
 * Collection: the plan, made by the same code that carries it out.
 *
 * Rules: drydock-gc(1). dd_gc_plan() only reads. dd_gc_apply() carries a plan out: withdraws links,
 * looks again, withdraws blobs, looks a last time, and says what it did in the same plan.
 */
#ifndef DRYDOCK_GC_H
#define DRYDOCK_GC_H

#include <drydock/change.h>
#include <drydock/doubt.h>
#include <drydock/index.h>
#include <drydock/json.h>
#include <drydock/policy.h>
#include <drydock/reference.h>

struct dd_reference_pair { /* REPO@DIGEST as given by a person */
	const char *repository;
	struct dd_digest digest;
};

struct dd_plan_file; /* <drydock/plan_file.h> */

/* How much the trash may take: over it the oldest runs go early. All 0: any amount. */
struct dd_trash_bounds {
	uint64_t max;		   /* bytes */
	uint64_t min_free;	   /* bytes free on the volume's file system */
	unsigned min_free_percent; /* the same as a share of it */
};

struct dd_gc_options {
	bool delete_untagged;
	int64_t grace_ns;	      /* DD_GC_GRACE */
	int64_t uploads_older_ns;     /* DD_GC_UPLOADS */
	int64_t trash_keep_ns;	      /* DD_GC_TRASH_KEEP; for --apply */
	struct dd_trash_bounds trash; /* likewise */
	bool leftovers;		      /* temporary files beside what stays go, too */
	bool purge;
	bool allow_empty;
	/* A plan that takes more is not carried out; 0: it may. */
	uint64_t max_items, max_bytes;
	unsigned max_share; /* percent of the volume's blobs */
	int64_t lock_wait_ns;
	const struct dd_reference_pair *accept_loss, *ack;
	size_t accept_loss_count, ack_count;
	/*
	 * drydock rm: these go, with what only they reach, and nothing else does. What is named goes
	 * however young it is. Any number, patterns among them; none: a collection. purge,
	 * delete_untagged and uploads do not count then.
	 */
	const struct dd_reference *remove;
	size_t remove_count;
	/*
	 * drydock find -delete, likewise: places of kind DD_AT_TAG, DD_AT_REVISION, DD_AT_BLOB and
	 * DD_AT_UPLOAD, each of which goes only if it may go on its own: tags, manifests that no tag
	 * leads to, blobs that nothing needs and uploads that are no longer young. The plan says why
	 * others stay. Not together with remove.
	 */
	const struct dd_place *objects;
	size_t object_count;
	int64_t objects_since_ns; /* a tag that was moved since then is another's: it stays */
	struct dd_index *index;	  /* of kind SURVEYED; NULL: everything is looked at anew */
	/* dd_gc_apply(): tell also what only holds and untagged manifests keep, as a plan does. */
	bool estimate;
	/*
	 * What this names goes, as far as it is as it was then, and nothing else does. Its options have
	 * been taken over by dd_plan_file_settle(). NULL: a plan of today.
	 */
	struct dd_plan_file *plan;
	/*
	 * Tags that no rule keeps go, with what only they reach; NULL: none do for that. allow_empty:
	 * also where no tag of a repository would be left. What the list names stays whatever the
	 * rules say. Both belong to the caller, and are written to while they are asked.
	 */
	struct dd_policy *policy;
	struct dd_keep *keep;
	const char *command; /* for journal and lock: "gc --apply" */
};

#define DD_GC_GRACE (24 * INT64_C(3600) * 1000000000)
#define DD_GC_UPLOADS (7 * DD_GC_GRACE)
#define DD_GC_TRASH_KEEP (7 * DD_GC_GRACE)
#define DD_GC_MIN_FREE 10 /* percent */

/* Something that holds by doubt. */
struct dd_hold {
	enum dd_doubt doubt;
	bool everything;   /* the whole volume, not just the repository */
	bool acknowledged; /* a person knows; does not redden the exit status */
	bool has_digest;
	struct dd_digest digest;
	const char *repository; /* NULL: none in particular */
	const char *detail;	/* what went wrong, in one line; may be empty */
};

/* Everything that is kept for its youth alone. */
struct dd_young {
	struct dd_place place;
	uint64_t bytes;
	int64_t until_ns; /* when it could go */
};

/* X(name in JSON, member): what was seen, what is planned, what dd_gc_apply() did. */
/* clang-format off */
#define DD_GC_TOTALS(X)                                                                \
	X("repositories", repositories)                                                \
	X("tags", tags)                                                                \
	X("manifests", manifests)                                                      \
	X("blobs", blobs)                                                              \
	X("strange", strange) /* names that no registry wrote; passed over */          \
	X("unreadable", unreadable) /* places that could not be looked at */           \
	X("sparse", sparse) /* children of indexes that are not here, nor need be */   \
	X("trash_bytes", trash_bytes) /* in the trash before this run */               \
	/* planned */                                                                  \
	X("items", items) /* that go */                                                \
	X("bytes", bytes) /* that this frees once the trash is empty */                \
	X("shared_bytes", shared_bytes) /* of those, not freed: other names remain */  \
	X("untagged_items", untagged_items) /* would go too with --delete-untagged */  \
	X("untagged_bytes", untagged_bytes)                                            \
	X("young_items", young_items) /* kept for their youth alone */                 \
	X("young_bytes", young_bytes)                                                  \
	X("held_bytes", held_bytes) /* would go, were it not for the holds */          \
	X("emptied_repositories", emptied_repositories)                                \
	X("named_young_items", named_young_items) /* that go young, as they were named */ \
	X("stayed_items", stayed_items) /* that a plan file names, and that stay */        \
	X("unplanned_items", unplanned_items) /* that it does not name */              \
	X("elsewhere_items", elsewhere_items) /* not on the file system of the trash: they stay */ \
	/* done */                                                                     \
	X("withdrawn_items", withdrawn_items) /* less what came back of them */        \
	X("withdrawn_bytes", withdrawn_bytes)                                          \
	X("skipped_items", skipped_items) /* not as they were judged: they stay */     \
	X("leased_items", leased_items) /* a client of the daemon's was told of them: they stay */ \
	X("revived_items", revived_items)                                              \
	X("left_items", left_items) /* the time did not suffice for them */            \
	X("purged_runs", purged_runs) /* earlier ones, removed from the trash for good */ \
	X("early_runs", early_runs) /* of those, before they were old enough */        \
	X("freed_bytes", freed_bytes) /* for good, by this run */
/* clang-format on */

struct dd_gc_totals {
#define X(name, member) uint64_t member;
	DD_GC_TOTALS(X)
#undef X
	int64_t young_until_ns; /* when the first of the young could go; 0: none */
};

/* One object that comes back from the trash, and why. */
struct dd_revival {
	struct dd_place place; /* place.run says from which run */
	bool changed;	       /* written to in the trash; else: reachable again */
	uint64_t bytes;	       /* that its end would free */
};

/* X(constant, name, text): why something that a plan file names stays */
#define DD_LEFTS(X)                                                               \
	X(DD_LEFT_GONE, "gone", "not there any more")                             \
	X(DD_LEFT_CHANGED, "changed", "not as it was")                            \
	X(DD_LEFT_YOUNG, "young", "young: something about it was written lately") \
	X(DD_LEFT_NEEDED, "needed", "needed, or part of what is not in the plan") \
	X(DD_LEFT_HELD, "held", "held by doubt")                                  \
	X(DD_LEFT_UNREADABLE, "unreadable", "could not be looked at")

enum dd_left_why {
#define X(constant, name, text) constant,
	DD_LEFTS(X)
#undef X
	DD_LEFT_COUNT
};

struct dd_left {
	struct dd_place place;
	uint64_t bytes; /* as it was */
	enum dd_left_why why;
};

const char *dd_left_name(enum dd_left_why why);
const char *dd_left_text(enum dd_left_why why);

/* X(constant, name): why a run is removed from the trash for good */
#define DD_EXPIRIES(X)                      \
	X(DD_EXPIRY_OLD, "old")             \
	X(DD_EXPIRY_TRASH_MAX, "trash-max") \
	X(DD_EXPIRY_MIN_FREE, "min-free")

enum dd_expiry {
#define X(constant, name) constant,
	DD_EXPIRIES(X)
#undef X
	DD_EXPIRY_COUNT
};

const char *dd_expiry_name(enum dd_expiry why);

/* A run that goes, or went, for good. */
struct dd_emptied {
	char run[32]; /* empty: the one that the plan would make */
	int64_t began_ns;
	uint64_t objects, bytes;
	enum dd_expiry why;
	bool unseen; /* not all of it could be looked at: it stays */
	bool removed;
};

/* What a policy came to. */
struct dd_gc_retention {
	size_t tag_count;		   /* dd_gc_get_tag() */
	uint64_t going;			   /* of these */
	const struct dd_rule_count *rules; /* as many as the policy has */
	const char *const *spared;	   /* repositories of which every tag would go */
	size_t spared_count;
	uint64_t fit_bytes;		    /* what the volume may hold; 0: nothing was said */
	uint64_t left_bytes;		    /* what it will hold, if that was to be found out */
	int64_t pulls_from_ns, pulls_to_ns; /* from when to when pulls are known; 0: none are */
};

/* One tag, and what was decided about it. */
struct dd_gc_tag {
	const char *repository, *tag;
	bool has_digest;
	struct dd_digest digest;
	int64_t pushed_ns, pulled_ns; /* 0: not known */
	struct dd_tag_verdict verdict;
};

/* An object, or a manifest, that was named and stays. */
struct dd_refusal {
	const struct dd_place *place;
	const char *why;
};

/* Whether only what was named goes. */
static inline bool dd_gc_is_removal(const struct dd_gc_options *options)
{
	return options->remove_count || options->object_count;
}

struct dd_gc_plan {
	char run[32]; /* empty until applied */
	bool applied, purged;
	bool estimated; /* what -m would take, and what is held: at most; too many to look at each */
	size_t item_count; /* dd_gc_get_item() */
	const struct dd_hold *holds;
	size_t hold_count;
	size_t young_count; /* dd_gc_get_young() */
	const struct dd_revival *revivals;
	size_t revival_count;
	const char *const *emptied; /* repositories that would be left without a manifest */
	size_t emptied_count;
	const char *const *strange; /* paths passed over, with the reason; a bounded number */
	size_t strange_count;
	const char *const *unread; /* paths that could not be looked at; a bounded number */
	size_t unread_count;
	const struct dd_refusal *refusals;
	size_t refusal_count;
	const char *brake;	    /* why the plan is not carried out; NULL: it may be */
	bool unrecorded;	    /* the run is not, or not whole, among the records */
	const struct dd_left *left; /* of a plan file; by path */
	size_t left_count;
	const struct dd_emptied *expiring; /* earlier runs, oldest first; then this one */
	size_t expiring_count;
	bool trash_doubted;   /* nothing of it may go: what is needed of it cannot be told */
	uint64_t short_bytes; /* to what min_free wants, when all that may go is gone */
	const struct dd_gc_retention *retention; /* NULL: no policy was given */
	struct dd_gc_totals totals;
};

struct dd_gc;

/*
 * DD_EREFUSED: a database owns the volume's tags; or delete_untagged on a volume that has manifests
 * and not one tag. DD_ENOENT: what is to be removed names nothing.
 */
int dd_gc_plan(struct dd_context *ctx, struct dd_store *store, const struct dd_gc_options *options,
	       struct dd_gc **gc, struct dd_error *err);
/*
 * Lock, plan, carry out. On an error *gc may still hold what was done so far (if not NULL). The
 * context's time limit ends the look at the volume at once; after that it ends the withdrawing
 * between two items, and the looks that make it safe are still done. DD_ECANCELLED either way.
 */
int dd_gc_apply(struct dd_context *ctx, struct dd_store *store, const struct dd_gc_options *options,
		struct dd_gc **gc, struct dd_error *err);
/* Lives as long as gc. */
const struct dd_gc_plan *dd_gc_get_plan(const struct dd_gc *gc);
/* One of item_count, in the order in which they go; made on the fly, strings borrowed from gc. */
void dd_gc_get_item(const struct dd_gc *gc, size_t at, struct dd_item *item);
void dd_gc_get_young(const struct dd_gc *gc, size_t at, struct dd_young *young);
/* One of retention->tag_count, sorted by repository and tag. */
void dd_gc_get_tag(const struct dd_gc *gc, size_t at, struct dd_gc_tag *tag);

/*
 * Only bring back what the trash holds of what is reachable, or was written to since it went; by
 * a change that has begun. Nothing is withdrawn. The plan's revivals say what came back.
 */
int dd_gc_revive(struct dd_context *ctx, struct dd_store *store, struct dd_change *change,
		 const struct dd_gc_options *options, struct dd_gc **gc, struct dd_error *err);
void dd_gc_close(struct dd_gc *gc);
void dd_gc_closep(struct dd_gc **gc);

/*
 * What would release a hold, as one line in heap memory of the caller's (free()); DD_ENOMEM.
 */
int dd_hold_release(const struct dd_hold *hold, char **text);

/*
 * The first hold that nobody has acknowledged, or NULL. While there is one no trash is emptied:
 * what of it is reachable again cannot be told.
 */
const struct dd_hold *dd_gc_plan_doubt(const struct dd_gc_plan *plan);

/* DD_EXIT_DONE or DD_EXIT_ATTENTION. */
enum dd_exit dd_gc_plan_exit(const struct dd_gc_plan *plan);

/* One document, schema/gc.json; of a removal schema/rm.json. */
void dd_gc_json(const struct dd_gc *gc, struct dd_json_out *out);
/* The policy alone, and every tag: schema/policy-test.json. */
void dd_gc_policy_json(const struct dd_gc *gc, struct dd_json_out *out);

/* Something that a plan keeps. */
struct dd_marked {
	const char *repository;
	const struct dd_digest *digest; /* NULL: the repository begins */
	bool manifest;
};
/* 0, or an error, which ends it. */
typedef int dd_marked_fn(void *arg, const struct dd_marked *marked);

/*
 * What the plan keeps: by repository, its manifests, and what they name unless it was told before. count:
 * how many blobs, manifests among them, those included that no repository names yet.
 */
int dd_gc_each_marked(struct dd_context *ctx, struct dd_gc *gc, dd_marked_fn *fn, void *arg,
		      uint64_t *count, struct dd_error *err);

/* How a run went, beyond what its plan tells. */
struct dd_gc_outcome {
	const char *volume;	      /* the label's value; NULL: not known, as before */
	int64_t began_ns, ended_ns;   /* since the epoch */
	int status;		      /* the exit status */
	const struct dd_trash *trash; /* after the run; NULL: not known */
};

/*
 * For Prometheus, as its text format: malloc'd, the caller's. gc NULL: the run failed before there was
 * a plan. before: what was written last time, or NULL: it tells when a run last succeeded, which is one
 * that was applied and ended with status 0.
 */
int dd_gc_metrics(const struct dd_gc *gc, const struct dd_gc_outcome *outcome, const char *before,
		  char **text, struct dd_error *err);

#endif
