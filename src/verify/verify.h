/*
 * Verification: what its passes share.
 *
 * A survey sees the volume's structure, and an onlooker keeps what the survey forgets. Then the
 * passes run, in the order of their table; each looks at one kind of thing and reports what is
 * wrong. At last what was reported is put in order, and the images that suffer are named.
 */
#ifndef VERIFY_VERIFY_H
#define VERIFY_VERIFY_H

#include <stdatomic.h>

#include <drydock/change.h>
#include <drydock/index.h>
#include <drydock/record.h>
#include <drydock/units.h>
#include <drydock/verify.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/jobs.h"
#include "graph/survey.h"
#include "verify/owners.h"

/* What a descriptor says beyond its digest; as many as the graph has edges, in the same order. */
struct dd_fact {
	uint64_t size;
	uint8_t role; /* enum dd_role */
	uint8_t type; /* enum dd_manifest_type, of the descriptor's media type */
	bool has_size;
	bool foreign; /* can be had elsewhere */
};

/* What is known of a blob. */
enum dd_blob_verdict {
	DD_BLOB_NONE, /* not looked at: the walk did not see it */
	DD_BLOB_GOOD, /* its bytes match; with --quick: it is there */
	DD_BLOB_BAD,  /* reported */
	DD_BLOB_GONE, /* not there */
	DD_BLOB_LEFT, /* there, and not judged: a limit, a change, no permission */
	DD_BLOB_LOST, /* expect.c: there, and about to go */
};

/* Bits of a layer link, beside its state. */
enum { DD_LAYER_STATE = 3, DD_LAYER_NEEDED = 4 };

/* Bits: how a reference reaches a digest. 0: not at all. */
enum dd_scope {
	DD_SCOPE_BEHIND = 1,   /* as what an alias stands for */
	DD_SCOPE_NAMED = 2,    /* by its own name */
	DD_SCOPE_MANIFEST = 4, /* likewise, and to be read as a manifest */
};

/* A sha512 link that says only itself, and the blob whose bytes have that digest. */
struct dd_alias {
	uint32_t name, blob; /* ids; DD_NO_ID: not found (yet) */
};

/* A manifest whose bytes match: by this run, or as the index has it. */
struct dd_proof {
	uint32_t id;
	bool remembered;
	int64_t read_ns;
	uint64_t size;
	struct dd_stamp stamp;
};

struct dd_report {
	struct dd_found found;
	uint32_t id;	     /* DD_NO_ID: no digest of the graph */
	uint32_t repository; /* index; DD_NO_ID: it concerns all of them */
};

struct dd_reports {
	struct dd_report *items;
	size_t count, room;
};

/* Bytes that will be under a digest: of a manifest. DD_ENOENT: none that were not there before. */
typedef int dd_expected_fn(void *arg, const struct dd_digest *digest, struct dd_buffer *buffer,
			   struct dd_error *err);

/* A link that a plan writes. */
struct dd_expected_link {
	uint32_t repository, id; /* index; of the digest in its path */
	bool revision;		 /* else a layer's */
};

struct dd_verify {
	struct dd_context *ctx;
	struct dd_store *store;
	struct dd_verify_options options;
	int64_t now_ns;
	struct dd_graph *graph;
	struct dd_survey *survey;
	struct dd_onlooker onlooker;
	struct dd_index *audited; /* NULL: all links and manifests are read */
	DD_LIST(struct dd_fact) facts;
	DD_LIST(struct dd_proof) proofs;
	DD_LIST(uint32_t) inferred; /* manifests that do not say their type; sorted */

	/* by id, from the end of the survey on */
	uint64_t *sizes; /* of what is there */
	uint64_t *
		places; /* where it lies; NULL: the disk does not turn, so that it does not matter */
	uint8_t *verdicts;
	uint8_t *scope;	  /* enum dd_scope, by what the reference reaches it; NULL: all counts */
	uint8_t **layers; /* by repository, as its layers: enum dd_link_state and bits */

	/* alias.c */
	DD_LIST(struct dd_alias) aliases; /* sorted by name */
	DD_LIST(uint64_t) alias_sizes;	  /* as manifests tell them; sorted */
	uint8_t *candidates; /* by id: may be one whatever its size; NULL: none is looked for */

	/* memory.c; NULL, or by id: when it was last verified, 0: never */
	int64_t *whens;
	atomic_size_t known;	      /* manifests that the index knows, as they are */
	struct dd_verify_run earlier; /* at its end nothing was unread; zeroed: there was none */
	pthread_mutex_t memory_lock;
	DD_LIST(struct dd_verified_blob) learnt; /* not in the index yet */
	int64_t learnt_ns;			 /* since when; CLOCK_MONOTONIC */

	/* collected.c: looked into when the first index asks */
	bool trash_loaded;
	struct dd_trash trash;
	DD_LIST(const struct dd_item *) collected; /* revisions; by digest, then repository */

	/* expect.c */
	struct {
		DD_LIST(uint32_t) unread; /* ids: manifests that will be there, or will be needed */
		DD_LIST(struct dd_expected_link) links;
		dd_expected_fn *read;
		void *arg;
	} expected;
	DD_LIST(struct dd_reports) foreseen; /* as they came */

	uint32_t start;	      /* the reference's digest; DD_NO_ID */
	pthread_mutex_t lock; /* of all that follows */
	struct dd_arena strings;
	struct dd_reports reports;
	struct dd_owners owners;
	struct dd_owners directories; /* likewise */
	struct dd_verify_summary summary;
	struct dd_error error; /* the first that ends the run */
	int rc;
};

/* A pass returns an error only for what ends the run; all else it reports. */
int dd_verify_blobs(struct dd_verify *verify, struct dd_error *err);
int dd_verify_links(struct dd_verify *verify, struct dd_error *err);
int dd_verify_manifests(struct dd_verify *verify, struct dd_error *err);
int dd_verify_tags(struct dd_verify *verify, struct dd_error *err);
int dd_verify_repositories(struct dd_verify *verify, struct dd_error *err);
int dd_verify_uploads(struct dd_verify *verify, struct dd_error *err);
int dd_verify_names(struct dd_verify *verify, struct dd_error *err);

/* ---- threads.c ---- */

typedef int dd_verify_repository_fn(struct dd_verify *verify, uint32_t index, struct dd_error *err);
int dd_verify_each_repository(struct dd_verify *verify, const char *phase,
			      dd_verify_repository_fn *fn, struct dd_error *err);
/* The first error of a run's threads. */
void dd_verify_stop(struct dd_verify *verify, int rc, const struct dd_error *err);
bool dd_verify_stopped(struct dd_verify *verify);
/* A file's owner and mode: into the owners of the thread. 0 or DD_ENOMEM. */
int dd_verify_saw(struct dd_verify *verify, struct dd_owners *owners, const struct dd_info *info,
		  const struct dd_place *place);

/* ---- onlooker.c ---- */

void dd_verify_look_on(struct dd_verify *verify);

/* ---- scope.c ---- */

/* How a manifest's edge reaches a digest: bits of enum dd_scope. */
unsigned dd_verify_scope_by(uint32_t edge);
/* Find what the reference means and survey what it needs; without one: everything. */
int dd_verify_survey(struct dd_verify *verify, struct dd_error *err);
static inline bool dd_verify_concerns(const struct dd_verify *verify, uint32_t id)
{
	return !verify->scope || verify->scope[id];
}

/* What is known of the digest that comes so many steps later: until then it is on its way from memory. */
#define DD_VERIFY_AHEAD 6
static inline void dd_verify_prefetch(const struct dd_verify *verify, const uint32_t *ids,
				      size_t count, size_t at)
{
	uint32_t id;

	if (at + DD_VERIFY_AHEAD >= count)
		return;
	id = ids[at + DD_VERIFY_AHEAD];
	dd_ids_prefetch_id(&verify->graph->ids, id);
	__builtin_prefetch(&verify->graph->nodes.items[id]);
	__builtin_prefetch(&verify->sizes[id]);
	__builtin_prefetch(&verify->verdicts[id]);
}

/* ---- tags.c ---- */

/* Whether a tag's history says anything. */
bool dd_verify_has_past(struct dd_verify *verify, const struct dd_repository *repo,
			const struct dd_tag *tag);

/* ---- collected.c ---- */

/* Whether the trash has a repository's link to a manifest. Any thread. */
int dd_verify_collected(struct dd_verify *verify, const char *repository, uint32_t id,
			bool *collected, struct dd_error *err);

/* ---- finding.c ---- */

/* Bits of enum dd_scope: who leads to a digest by any of these suffers from what is wrong with it. */
unsigned dd_verify_felt(enum dd_finding finding);

/* ---- report.c ---- */

/* What a pass has to say. Strings are copied. Any thread. */
struct dd_evidence {
	enum dd_finding finding;
	const struct dd_place *place;	/* gives repository, tag, path; its digest if id is none */
	const char *name;		/* an entry of that directory, or NULL */
	uint32_t id;			/* DD_NO_ID: none */
	uint32_t repository;		/* index; DD_NO_ID: all of them suffer */
	const struct dd_digest *digest; /* of what lies there, where its place has none */
	const char *expected, *found, *detail;
	const struct dd_digest *other; /* NULL */
};
int dd_verify_report(struct dd_verify *verify, const struct dd_evidence *evidence,
		     struct dd_error *err);
/* What reading a file or directory failed with: unseen, a symbolic link, or as damage says. */
int dd_verify_report_failure(struct dd_verify *verify, const struct dd_evidence *evidence, int rc,
			     const struct dd_error *why, struct dd_error *err);
/* Sort, drop what the reference does not concern and what was said twice, count. */
void dd_verify_settle(struct dd_verify *verify);

/* Whether it is among those, which are settled: one that says the same. */
bool dd_verify_has_report(const struct dd_reports *reports, const struct dd_report *report);

/* ---- expect.c: what will be, when a plan is carried out; after the verification ---- */

/* Good bytes will be under a digest; those that are there go, and none come; a link says a digest. */
int dd_verify_expect_blob(struct dd_verify *verify, const struct dd_digest *digest, uint64_t size,
			  struct dd_error *err);
int dd_verify_expect_loss(struct dd_verify *verify, const struct dd_digest *digest,
			  struct dd_error *err);
int dd_verify_expect_link(struct dd_verify *verify, const struct dd_place *place,
			  const struct dd_digest *says, struct dd_error *err);
int dd_verify_expect_tag(struct dd_verify *verify, const struct dd_place *place,
			 const struct dd_digest *says, struct dd_error *err);
/*
 * What will be wrong by all that was told, and is no finding of the verification, nor of an earlier look
 * ahead. The reports live as long as the verification, their list until the next look.
 */
int dd_verify_foresee(struct dd_verify *verify, const struct dd_reports **reports,
		      struct dd_error *err);

/* It is about what will be: the volume does not tell that yet. */
static inline bool dd_verify_looks_ahead(const struct dd_verify *verify)
{
	return verify->expected.read;
}

/* ---- choose.c: what is to be read ---- */

/* In the order in which they are read: large ones, then small ones, which follow their shards. */
struct dd_work {
	DD_LIST(uint32_t) ids;
	size_t large;	/* so many of them are, and are read one by one */
	uint64_t bytes; /* of all, about: as descriptors say */
};
#define DD_VERIFY_LARGE ((uint64_t)1 << 20)
int dd_verify_choose(struct dd_verify *verify, struct dd_work *work, struct dd_error *err);
/* A blob was read to its end, from that time on, and matches or not: info is from before. Any thread. */
void dd_verify_was_read(struct dd_verify *verify, uint32_t id, const struct dd_info *info,
			int64_t read_ns, bool good);

/* ---- memory.c: what earlier runs verified ---- */

/* Accept the blobs whose verification still counts: *count of ids are left to be read. */
int dd_verify_recall(struct dd_verify *verify, uint32_t *ids, size_t *count, struct dd_error *err);
void dd_verify_learn(struct dd_verify *verify, uint32_t id, const struct dd_info *info,
		     int64_t read_ns, bool good);
/* When a manifest's bytes were read, if that still counts; else 0. Any thread. */
int64_t dd_verify_when_proved(struct dd_verify *verify, const struct dd_digest *digest,
			      const struct dd_info *info);
/* A manifest's bytes match: said to the index, if it does not know. Once blobs were recalled. */
void dd_verify_learn_proof(struct dd_verify *verify, const struct dd_proof *proof);
/* The audit is over; whole: it has seen everything. */
int dd_verify_settle_audit(struct dd_verify *verify, bool whole, struct dd_error *err);
/* What was learnt goes into the index, however the run ended. */
int dd_verify_remember(struct dd_verify *verify, struct dd_error *err);
/* That this run was, if it has seen everything. */
int dd_verify_record_run(struct dd_verify *verify, struct dd_error *err);
/* Of all blobs: when the one was read that was longest not. */
void dd_verify_find_oldest(struct dd_verify *verify);

/* ---- alias.c: what sha512 links stand for ---- */

/* Which are to be found out, and which blobs could be what they stand for. Before any is chosen. */
int dd_verify_seek_aliases(struct dd_verify *verify, struct dd_error *err);
/* It is read in any case; and if it is read it is hashed by sha512 as well. Once its size is known. */
bool dd_verify_may_be_meant(const struct dd_verify *verify, uint32_t id);
bool dd_verify_is_candidate(const struct dd_verify *verify, uint32_t id);
/* The sha512 of a blob that was read and is good. Any thread. */
void dd_verify_offer(struct dd_verify *verify, uint32_t id, const struct dd_digest *strong);
/* The blob's id, also by what another repository's link says. Once all was read. DD_NO_ID. */
uint32_t dd_verify_stands_for(const struct dd_verify *verify, uint32_t name);

/* ---- hash.c: the engine ---- */

int dd_verify_read_blobs(struct dd_verify *verify, const struct dd_work *work,
			 struct dd_error *err);

/* ---- images.c ---- */

int dd_verify_name_images(struct dd_verify *verify, struct dd_error *err);

/* ---- there.c ---- */

/*
 * Whether a digest's bytes are there, under this name or the one that an alias stands for: *blob is
 * whose they are. What the walk did not see is looked for once more. 1, 0, or DD_EACCES and its like
 * if it cannot be told.
 */
int dd_verify_there(struct dd_verify *verify, uint32_t id, uint32_t *blob);
/*
 * Whether a link takes away what its own name would give: a blob is stored by that name, and none by
 * the one that the link says.
 */
bool dd_verify_leads_astray(struct dd_verify *verify, uint32_t name, const struct dd_digest *says);
/* Whether the repository lets a digest be pulled: by a layer's link, by a revision's. */
bool dd_verify_layer_linked(struct dd_verify *verify, uint32_t repository, uint32_t id);
bool dd_verify_revision_linked(struct dd_verify *verify, uint32_t repository, uint32_t id);

#endif
