/*
 * Why something is kept, what would take it, where it went; and what would have to go to free more.
 *
 * The answer is made of a collection's plan, by the same rules: drydock-gc(1). Nothing is changed.
 */
#ifndef DRYDOCK_WHY_H
#define DRYDOCK_WHY_H

#include <drydock/gc.h>
#include <drydock/reference.h>

struct dd_why_options {
	struct dd_index *index; /* as in struct dd_gc_options */
	int64_t grace_ns;	/* as in struct dd_gc_options */
	size_t paths_max;	/* list so many, 0: all; they are counted in any case */
	/* As in struct dd_gc_options: why, by such a collection; not for dd_free(). */
	struct dd_policy *policy;
	struct dd_keep *keep;
	bool allow_empty;
};

/* X(constant, name, text): what a path begins with */
#define DD_WHY_ROOTS(X)                                                                            \
	X(DD_WHY_TAG, "tag", "a tag points to it")                                                 \
	X(DD_WHY_HISTORY, "tag-history", "the tag's current link does not say what is meant")      \
	X(DD_WHY_LISTED, "listed", "the list of what is kept names it")                            \
	X(DD_WHY_UNTAGGED, "untagged", "a manifest that no tag leads to: stays without -m")        \
	X(DD_WHY_YOUNG, "young", "younger than the grace period")                                  \
	X(DD_WHY_HELD, "held", "held by doubt")                                                    \
	X(DD_WHY_NO_NAME, "invalid-name", "in a repository under a name that is none: not judged") \
	X(DD_WHY_TARSUM, "tarsum-link", "a link of an old registry names it")                      \
	X(DD_WHY_UNSEEN, "unseen", "cannot be looked at, or lies on another file system")

enum dd_why_root {
#define X(constant, name, text) constant,
	DD_WHY_ROOTS(X)
#undef X
	DD_WHY_ROOT_COUNT
};

const char *dd_why_root_name(enum dd_why_root root);
const char *dd_why_root_text(enum dd_why_root root);

/* One digest on the way. */
struct dd_why_step {
	struct dd_digest digest;
	const char *type; /* short manifest type; NULL: no manifest that was read */
	const char
		*role; /* "manifest", "config", "layer", "referrer", "alias", …; NULL: the first */
	const char *platform; /* as the step before it says; NULL if it does not */
};

struct dd_why_path {
	enum dd_why_root root;
	const char *repository;		      /* NULL: none in particular */
	const char *tag;		      /* NULL: none */
	int64_t until_ns;		      /* young: when it could go; else 0 */
	const struct dd_tag_verdict *verdict; /* of the tag, by the policy; NULL: there is none */
	const struct dd_hold *hold;
	const struct dd_why_step *steps; /* from the root to what was asked for */
	size_t count;
};

/* What a collection would take of it, or could. */
struct dd_why_going {
	struct dd_item item;
	bool untagged;	  /* only with -m */
	int64_t until_ns; /* young until then; 0: it goes now */
};

/* What of it lies in the trash. */
struct dd_why_gone {
	const struct dd_run *run;
	const struct dd_item *item;
};

enum dd_why_state {
	DD_WHY_KEPT,
	DD_WHY_GOES, /* the next collection takes it */
	DD_WHY_GONE  /* only in the trash */
};

struct dd_why_answer {
	enum dd_why_state state;
	const char *repository;		      /* asked for; NULL: any */
	const char *tag;		      /* asked for; NULL: none */
	const struct dd_policy *policy;	      /* that was given; NULL: none */
	const struct dd_tag_verdict *verdict; /* of that tag, by the policy; NULL: there is none */
	bool has_digest;		      /* else only the tag is known */
	struct dd_digest digest;
	const char *type;		 /* NULL: no manifest that was read */
	bool present;			 /* its bytes are in the volume */
	bool sparse;			 /* they are not, and need not be */
	uint64_t bytes;			 /* as far as they are known */
	const struct dd_why_path *paths; /* shortest first */
	size_t path_count;
	uint64_t path_total; /* UINT64_MAX: more than can be counted */
	const struct dd_why_going *going;
	size_t going_count;
	const struct dd_why_gone *gone; /* latest first */
	size_t gone_count;
	uint64_t unreadable; /* places that could not be looked at: there may be more to it */
};

struct dd_why;

/*
 * Of REPO:TAG, REPO@DIGEST or DIGEST; with a repository, only what it keeps. DD_ENOENT: it was never
 * here, as far as can be told. DD_EAMBIGUOUS: a digest that was cut too short.
 */
int dd_why(struct dd_context *ctx, struct dd_store *store, const struct dd_reference *reference,
	   const struct dd_why_options *options, struct dd_why **why, struct dd_error *err);
const struct dd_why_answer *dd_why_get(const struct dd_why *why);
void dd_why_close(struct dd_why *why);
void dd_why_closep(struct dd_why **why);
/* DD_EXIT_ATTENTION: an unacknowledged doubt keeps it, or it is needed and not there. */
enum dd_exit dd_why_exit(const struct dd_why_answer *answer);

/* ---- what would go with it ---- */

/* Tags and manifests of one repository that lead to the same. */
struct dd_why_keeper {
	const char *repository;
	const char
		*tag;  /* NULL: a manifest that no tag points to, or no repository in particular */
	uint64_t tags; /* that point to the same manifest, in this repository */
	bool has_digest;
	struct dd_digest digest;
	uint64_t bytes; /* that it keeps of what was named; a step: that would go, too */
	size_t step;	/* 0: a keeper; those of one step have to go together */
};

struct dd_free_answer {
	uint64_t tags, manifests; /* that would go */
	uint64_t blobs, bytes;	  /* that would go with them; shared ones do not count */
	uint64_t linked_bytes;	  /* of other blobs that would go: they have other hard links */
	uint64_t kept_blobs, kept_bytes; /* that something else keeps */
	const struct dd_why_keeper *keepers;
	size_t keeper_count;
	uint64_t keeper_total;
	const struct dd_why_keeper *next; /* step by step, the fewest first */
	size_t next_count;
	uint64_t next_total;
	uint64_t held_bytes; /* of kept_bytes: kept by doubt, youth, or what is none of the above */
	uint64_t unreadable;
};

struct dd_free;

/* DD_ENOENT: a reference names nothing. */
int dd_free(struct dd_context *ctx, struct dd_store *store, const struct dd_reference *references,
	    size_t count, const struct dd_why_options *options, struct dd_free **free,
	    struct dd_error *err);
const struct dd_free_answer *dd_free_get(const struct dd_free *free);
void dd_free_close(struct dd_free *free);
void dd_free_closep(struct dd_free **free);

/* One document each, schema/why.json. */
void dd_why_json(const struct dd_why *why, struct dd_json_out *out);
void dd_free_json(const struct dd_free *free, struct dd_json_out *out);

#endif
