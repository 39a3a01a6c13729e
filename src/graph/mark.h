/*
 * The mark: from the roots of every repository to all that they reach, to a fixed point.
 *
 * A repository is marked by itself, for a link is only needed by what its own repository reaches;
 * a blob is kept by any. DD_NODE_REACHED is set in the graph.
 */
#ifndef GRAPH_MARK_H
#define GRAPH_MARK_H

#include "graph/survey.h"

/* A person gives up what this manifest may have reached. */
struct dd_loss {
	const char *repository;
	uint32_t id;
};

/* What is young, found by looking at what the first mark did not reach. */
struct dd_young_root {
	uint32_t repository; /* index in the survey; DD_NO_ID: a blob that no link names */
	uint32_t id;
};

/*
 * A root that counts as gone: a tag, or a revision, which is then reached by something else or not at
 * all. With both a tag and an id: that entry of the tag's history, which is no root, and means nothing
 * to a mark. Sorted by repository, then tag, then id.
 */
struct dd_removed {
	uint32_t repository; /* index in the survey */
	uint32_t tag;	     /* index in the repository; DD_NO_ID: a revision */
	uint32_t id;	     /* of the revision; DD_NO_ID: a tag */
};
int dd_removed_compare(const void *left, const void *right);
void dd_removed_sort(struct dd_removed *removed, size_t *count); /* each once */
bool dd_removed_has(const struct dd_removed *removed, size_t count, uint32_t repository,
		    uint32_t tag, uint32_t id);

struct dd_mark;

/*
 * Told of each repository as soon as it is marked, while dd_mark_reached() answers for it; what the others
 * reach is not known yet. Where referrers make it necessary all are marked again, and told of again:
 * DD_NO_ID begins a round, also the first.
 */
typedef void dd_mark_fn(void *arg, struct dd_mark *mark, uint32_t repository);

struct dd_mark_options {
	bool delete_untagged;
	bool ignore_holds; /* to learn what holds cost */
	bool allow_empty;  /* blobs without a repository are no doubt */
	const struct dd_loss *losses;
	size_t loss_count;
	const struct dd_young_root *young; /* sorted by repository, DD_NO_ID last */
	size_t young_count;
	const struct dd_removed *removed;
	size_t removed_count;
	const bool *only;   /* by repository: those alone; NULL: all */
	dd_mark_fn *marked; /* NULL: nobody is told */
	void *arg;
};

/* Something that holds a repository, or everything. */
struct dd_marked_hold {
	enum dd_doubt doubt;
	uint32_t repository; /* index; DD_NO_ID: none */
	uint32_t id;	     /* DD_NO_ID: no digest */
	bool everything;
	const char *detail; /* of graph or survey; never NULL */
};

/* Marks everything. */
int dd_mark_open(struct dd_context *ctx, struct dd_survey *survey,
		 const struct dd_mark_options *options, struct dd_mark **mark,
		 struct dd_error *err);
void dd_mark_closep(struct dd_mark **mark);

/* Sorted by repository. */
const struct dd_marked_hold *dd_mark_holds(const struct dd_mark *mark, size_t *count);
/* Nothing may go at all. */
bool dd_mark_holds_everything(const struct dd_mark *mark);
bool dd_mark_is_held(const struct dd_mark *mark, uint32_t repository);
/* Children of indexes that are neither linked nor there: sparse, which is no doubt. */
uint64_t dd_mark_sparse(const struct dd_mark *mark);

/* Mark one repository once more; then dd_mark_reached() answers for it. */
int dd_mark_repository(struct dd_mark *mark, uint32_t repository, struct dd_error *err);
bool dd_mark_reached(const struct dd_mark *mark, uint32_t id);

#endif
