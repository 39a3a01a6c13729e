/*
 * The scan: what the files that fill a survey share. Every file looks at one kind of directory; its
 * jobs look without the lock, then commit what they found under it.
 */
#ifndef GRAPH_SCAN_H
#define GRAPH_SCAN_H

#include <stdatomic.h>

#include <drydock/units.h>
#include <drydock/walk.h>

#include "base/cleanup.h"
#include "base/jobs.h"
#include "base/text.h"
#include "graph/survey.h"

/* What reading manifests needs; as many as there are threads at it. */
struct dd_scan_reader {
	struct dd_scan_reader *next;
	/* Of sha256; NULL: there are none. Its own, for threads that use the same one at once wait
	 * for each other in the kernel. */
	struct dd_directory *blobs;
	struct dd_manifest_parser *parser;
	struct dd_buffer buffer;
	struct dd_descriptors known; /* of manifests that the index has */
	DD_LIST(uint32_t) ids;	     /* of the same; count is not used */
};

struct dd_scan {
	struct dd_context *ctx;
	struct dd_store *store;
	struct dd_graph *graph;
	struct dd_survey *survey;
	const struct dd_survey_options *options;
	struct dd_jobs *jobs;
	pthread_mutex_t large; /* one large manifest at a time */
	pthread_rwlock_t
		naming; /* while blobs are walked: for writing, by who adds some to the graph */
	struct dd_scan_reader *readers; /* idle ones; graph->lock */
	int64_t now_ns;
	struct dd_error error; /* the first one; graph->lock */
	atomic_int rc;
};

/* Stop the scan: memory, cancellation. Anything else is a doubt. */
void dd_scan_stop(struct dd_scan *scan, int rc, const struct dd_error *err);
bool dd_scan_stopped(struct dd_scan *scan);

static inline void dd_scan_lock(struct dd_scan *scan)
{
	pthread_mutex_lock(&scan->graph->lock);
}

static inline void dd_scan_unlock(struct dd_scan *scan)
{
	pthread_mutex_unlock(&scan->graph->lock);
}

/* A place as a path below the root, and an entry in it if name is not NULL. 0 or DD_ENOMEM. */
int dd_scan_describe(struct dd_text *text, const struct dd_place *directory, const char *name);

/*
 * Notes and doubts, which take the lock. A place in the text is a path below the root. In repo NULL:
 * it holds everything.
 */
int dd_scan_note(struct dd_scan *scan, enum dd_strange what, const struct dd_place *directory,
		 const char *name, const struct dd_error *err);
int dd_scan_doubt(struct dd_scan *scan, struct dd_repository *repo, enum dd_doubt doubt,
		  const struct dd_digest *digest, const char *detail);

/*
 * A directory that may hide manifests holds everything (repo NULL): what it would have named is not
 * known. What a listing failed with: nothing (0, not there), a doubt about repo, or a reason to stop
 * (returned). *failed is set unless it was 0 or "not there"; may be NULL.
 */
int dd_scan_listed(struct dd_scan *scan, struct dd_repository *repo, int rc,
		   const struct dd_place *directory, const struct dd_error *err, bool *failed);

/*
 * All entries of a directory; within, in which it lies, may be NULL. In two steps: what an earlier run
 * knows of it as it is now (true), else the listing itself, which is remembered.
 */
int dd_scan_list(struct dd_scan *scan, struct dd_directory *within, const struct dd_place *place,
		 dd_entry_fn *fn, void *arg, struct dd_error *err);
bool dd_scan_recall(struct dd_scan *scan, struct dd_directory *within, const struct dd_place *place,
		    struct dd_info *info, struct dd_listing *listing);
int dd_scan_list_anew(struct dd_scan *scan, struct dd_directory *within,
		      const struct dd_place *place, const struct dd_info *info, dd_entry_fn *fn,
		      void *arg, struct dd_error *err);

/* An entry's name, in hex if it is in the listing as bytes. */
const char *dd_scan_listed_name(const struct dd_listed *listed, char hex[static DD_DIGEST_HEX]);

/*
 * Read a link file; within may be NULL. digest is what it says where state is GOOD, and where only
 * white space around it is wrong (MALFORMED).
 */
struct dd_scan_link {
	enum dd_link_state state;
	bool has_digest;
	struct dd_digest digest;
	int64_t mtime_ns; /* 0 if absent */
	uint64_t sum;	  /* dd_stamp_sum() of its file */
	char detail[256]; /* why it is not good */
};
int dd_scan_read_link(struct dd_scan *scan, struct dd_directory *within,
		      const struct dd_place *place, struct dd_scan_link *link,
		      struct dd_error *err);

/* Digests that a listing gathers, of one algorithm. */
struct dd_scan_names {
	struct dd_scan *scan;
	struct dd_repository *repo;
	struct dd_directory *within; /* may be NULL */
	const struct dd_place *directory;
	enum dd_algorithm alg;
	DD_LIST(struct dd_digest) digests;
};
/* Lists hex directories; strange entries are noted, symbolic links hold the repository. */
int dd_scan_list_names(struct dd_scan_names *names, struct dd_error *err);

/*
 * A directory whose entries are algorithms. also is another name that belongs there, or NULL. *failed
 * is set if it could not be listed; may be NULL.
 */
struct dd_scan_algorithms {
	struct dd_scan *scan;
	struct dd_repository *repo;
	struct dd_directory *within; /* may be NULL */
	const struct dd_place *directory;
	const char *also;
	bool *failed;
	unsigned found; /* a bit an algorithm; begins as 0 */
	bool found_also;
};
/* Calls fn for each algorithm that is there. */
typedef int dd_scan_algorithm_fn(void *arg, enum dd_algorithm alg, struct dd_error *err);
int dd_scan_list_algorithms(struct dd_scan_algorithms *algorithms, dd_scan_algorithm_fn *fn,
			    void *arg, struct dd_error *err);

/* What a crash left in the directory of a file; what cannot be listed is passed over. */
int dd_scan_beside(struct dd_scan *scan, const struct dd_place *place, struct dd_error *err);

/* Jobs for one repository. */
void dd_scan_layers(struct dd_scan *scan, struct dd_repository *repo);
void dd_scan_revisions(struct dd_scan *scan, struct dd_repository *repo);
void dd_scan_tags(struct dd_scan *scan, struct dd_repository *repo);
void dd_scan_uploads(struct dd_scan *scan, struct dd_repository *repo);

/* When all manifests were read: those of schema 1 have signatures; and what crashes left everywhere. */
void dd_scan_signatures(struct dd_scan *scan);
void dd_scan_leftovers(struct dd_scan *scan);

/* With the lock held: id is to be read as a manifest, if it is not yet. Queued in wanted. */
struct dd_scan_wanted {
	DD_LIST(uint32_t) ids;
};
int dd_scan_want(struct dd_scan *scan, struct dd_scan_wanted *wanted, uint32_t id,
		 struct dd_error *err);
/* Without the lock: start the jobs that read them. Empties wanted. */
int dd_scan_start(struct dd_scan *scan, struct dd_scan_wanted *wanted, struct dd_error *err);

#endif
