/*
 * A plan file in memory; reading, and what planning asks of it.
 */
#ifndef GC_PLAN_FILE_H
#define GC_PLAN_FILE_H

#include <drydock/plan_file.h>

#include "base/arena.h"
#include "base/text.h"
#include "gc/candidates.h"

#define DD_NO_CANDIDATE UINT32_MAX

struct dd_planned {
	const char *path; /* below the root */
	uint64_t bytes;
	struct dd_stamp stamp;
	uint32_t candidate; /* today's, once it is found */
	bool changed;
};

struct dd_plan_file {
	struct dd_plan_head head;
	struct dd_gc_options options; /* those that it says */
	DD_LIST(struct dd_reference_pair) losses;
	DD_LIST(struct dd_planned) items; /* by path */
	struct dd_arena strings;
};

/* DD_EREFUSED: it is of another volume. */
int dd_plan_file_check(const struct dd_plan_file *file, struct dd_store *store,
		       struct dd_error *err);
/* Candidates that it does not name, or not as they are, are to stay. */
int dd_plan_file_match(struct dd_plan_file *file, const struct dd_survey *survey,
		       struct dd_candidates *candidates, struct dd_error *err);

/*
 * A path in the file: bytes up to space, '%' and 0x7f and above are %XX. Decoding is in place; false:
 * it is none.
 */
int dd_plan_path_encode(const char *path, struct dd_text *out);
bool dd_plan_path_decode(char *path);

#endif
