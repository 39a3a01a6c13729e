/*
 * Removal by name: from references to the roots that are to count as gone.
 *
 * A tag takes its manifest along unless something else leads there; a manifest takes along the tags
 * that point to it, what it names, and what refers to it. What goes for that is what a mark without
 * these roots no longer reaches.
 */
#ifndef GRAPH_REMOVAL_H
#define GRAPH_REMOVAL_H

#include <drydock/reference.h>

#include "base/list.h"
#include "graph/mark.h"

struct dd_removal {
	DD_LIST(struct dd_removed) list;  /* sorted */
	DD_LIST(struct dd_removed) named; /* what was named itself: tags and revisions */
	DD_LIST(uint32_t) whole;	  /* repositories that were named as a whole */
};

/*
 * Beside what is in removal->named already: REPO, REPO:TAG and REPO@DIGEST, patterns of fnmatch(3) in REPO and TAG ("*" is no "/"), DIGEST: in
 * every repository. DD_ENOENT: one of them names nothing. DD_EAMBIGUOUS.
 */
int dd_removal_choose(const struct dd_survey *survey, const struct dd_reference *references,
		      size_t count, struct dd_removal *removal, struct dd_error *err);
void dd_removal_release(struct dd_removal *removal);

/*
 * What hangs together in one repository: revisions below and about a revision. A walk visits each
 * once until the next dd_family_begin().
 */
struct dd_family {
	const struct dd_graph *graph;
	const struct dd_repository *repo;
	uint32_t *stamps; /* by id */
	uint32_t pass;
	DD_LIST(struct dd_tie) referrers; /* from the subject; sorted */
	DD_LIST(uint32_t) stack;
};
int dd_family_init(struct dd_family *family, const struct dd_graph *graph, struct dd_error *err);
int dd_family_begin(struct dd_family *family, const struct dd_repository *repo,
		    struct dd_error *err);
/* 1: on from this one; 0: not; or an error. */
typedef int dd_family_fn(void *arg, uint32_t id);
/* From id on: revisions alone, or everything. DD_ENOMEM, or what fn returned. */
int dd_family_walk(struct dd_family *family, uint32_t id, bool all, dd_family_fn *fn, void *arg);
/* Begins, and walks everything that the repository's tags, revisions and tarsum links name. */
int dd_family_walk_repository(struct dd_family *family, const struct dd_repository *repo,
			      dd_family_fn *fn, void *arg, struct dd_error *err);
bool dd_family_visited(const struct dd_family *family, uint32_t id);
void dd_family_release(struct dd_family *family);

#endif
