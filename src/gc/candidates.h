/*
 * Candidates: what the mark did not reach, looked at one by one. Those that turn out to be young
 * become roots, and the mark is made again; the rest may go.
 */
#ifndef GC_CANDIDATES_H
#define GC_CANDIDATES_H

#include <drydock/gc.h>

#include "graph/mark.h"

enum dd_candidate_state {
	DD_CANDIDATE_DEAD,
	DD_CANDIDATE_YOUNG,
	DD_CANDIDATE_GONE,	 /* the directory is empty: what a deletion leaves */
	DD_CANDIDATE_UNREADABLE, /* not judged */
	DD_CANDIDATE_ELSEWHERE, /* on another file system than the trash: it stays, and is a root */
	DD_CANDIDATE_REACHED,	/* by something young */
	DD_CANDIDATE_OTHER,	/* a collection takes it, and this is none */
	DD_CANDIDATE_UNPLANNED, /* a plan file does not name it as it is: it stays, and is a root */
};

/* 96 bytes each, for there are many. */
struct dd_candidate {
	uint8_t kind;	/* enum dd_place_kind */
	uint8_t reason; /* enum dd_reason */
	uint8_t state;
	bool unlinked; /* a blob that no link names */
	bool named;    /* a person or a policy did: of a person, it goes however young it is */
	uint32_t repository, tag, id;
	uint32_t links;
	uint32_t extra; /* an upload's index in its repository, a temp's in the survey */
	uint64_t bytes;
	int64_t latest_ns; /* when anything about it changed last */
	struct dd_stamp stamp;
};

struct dd_candidates {
	DD_LIST(struct dd_candidate) list;
	DD_LIST(struct dd_young_root) young; /* sorted by repository */
	struct dd_mark *mark;		     /* the last one made, with the young roots */
};

struct dd_judge_options {
	bool delete_untagged;
	bool ignore_holds; /* to learn what they keep */
	bool allow_empty;  /* as in struct dd_mark_options */
	bool beside; /* look for temporary files where the file proper is gone: the scan did not */
	int64_t now_ns, grace_ns, uploads_older_ns;
	int64_t temps_older_ns; /* temporary files that are younger stay, whatever the grace */
	const struct dd_loss *losses;
	size_t loss_count;
	const struct dd_removed *removed; /* as in struct dd_mark_options */
	size_t removed_count;
	const bool *named;	   /* by id: manifests of these; NULL if there are none */
	bool by_policy;		   /* not a person removed them, so what is young stays */
	struct dd_plan_file *plan; /* nothing but what it names goes; NULL: all that is dead */
};

/*
 * Whether a link leads to no bytes, not by another name of them either. gone: by id, what has a directory
 * and no file in it; NULL: not known yet.
 */
bool dd_link_dangles(const struct dd_graph *graph, uint32_t id, const bool *gone);
/* Makes candidates->mark, with what of them is young by now. marked(), which may be NULL, is told of it. */
int dd_candidates_mark(struct dd_context *ctx, struct dd_survey *survey,
		       const struct dd_judge_options *options, struct dd_candidates *candidates,
		       dd_mark_fn *marked, void *arg, struct dd_error *err);
void dd_candidates_release(struct dd_candidates *candidates);

/* Strings are the survey's. */
void dd_candidate_place(const struct dd_survey *survey, const struct dd_candidate *candidate,
			struct dd_place *place);

#endif
