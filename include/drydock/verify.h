/*
 * Verification: whether a volume is whole, with evidence. Nothing in it is ever written.
 *
 * Every blob is read and hashed, once, however many images share it, and every structure is looked
 * at: links, manifests, tags, repositories, uploads. What does not change while it is looked at is
 * judged; what a registry writes meanwhile is looked at again, and never taken for damage.
 *
 * Findings are those of <drydock/finding.h>; rules: drydock-verify(1).
 */
#ifndef DRYDOCK_VERIFY_H
#define DRYDOCK_VERIFY_H

#include <drydock/finding.h>
#include <drydock/json.h>
#include <drydock/reference.h>
#include <drydock/store.h>

struct dd_index;

#define DD_VERIFY_AFTER (30 * INT64_C(86400) * 1000000000)
#define DD_VERIFY_UPLOAD_STALE (7 * INT64_C(86400) * 1000000000)

struct dd_verify_options {
	const struct dd_reference *reference; /* only what it reaches; NULL: everything */
	bool quick; /* structure and sizes: no blob is read but manifests */
	bool full; /* whatever is remembered; and every directory is listed for what does not belong */
	uint64_t max_bytes; /* of blobs to be read by this run; 0: no limit */
	uint64_t rate;	    /* bytes a second, by all threads together; 0: no limit */
	int64_t budget_ns;  /* no blob is begun after so long; 0: no limit */
	/* No blob is begun while the load average of the last minute is above that. */
	bool limit_load;
	double max_load;
	/* Another's than this machine's load, with arg; negative: not known. May be NULL. */
	double (*get_load)(void *arg);
	/*
	 * What earlier runs verified: borrowed; NULL: nothing is remembered. A blob that is as it was
	 * when it was verified is not read again for so long, unless full. What this run verifies is
	 * put there.
	 */
	struct dd_index *index;
	/*
	 * Likewise of kind AUDITED: what directories, links and manifests said. Links are read again
	 * after as long. A manifest is not read again as long as index has its bytes verified, too.
	 * Only for a verification of everything; no good to one that is quick.
	 */
	struct dd_index *audited;
	int64_t reverify_after_ns; /* DD_VERIFY_AFTER */
	/* Called once, when it is known what will be read: for people. May be NULL. */
	void (*begin)(void *arg, uint64_t blobs, uint64_t bytes);
	/* Called for each file whose owner and mode are judged: by any thread. May be NULL. */
	void (*see_file)(void *arg, const struct dd_place *place, const struct dd_info *info);
	void *arg;
};

/* One thing that was found. Strings live as long as the verification. */
struct dd_found {
	enum dd_finding finding;
	const char *repository; /* NULL: none in particular */
	const char *tag;	/* NULL, or one of the repository's */
	bool has_digest;
	struct dd_digest digest;	       /* of what is broken or missing */
	const char *path;		       /* below the root; NULL */
	const char *expected, *found, *detail; /* evidence; NULL where there is none */
	/* Of an alias that does not resolve: the blob that has this sha512 digest, if it was found. */
	bool has_other;
	struct dd_digest other;
	/* What cannot be pulled whole because of it: REPO:TAG; untagged REPO@DIGEST. Of errors. */
	const char *const *images;
	size_t image_count; /* of those listed: at most DD_VERIFY_IMAGES */
	uint64_t image_total;
	bool foreseen; /* by a repair: it will be so when other things are mended, and is to be mended, too */
};

#define DD_VERIFY_IMAGES 1000

/* X(name in JSON and metrics, member, what it counts) */
/* clang-format off */
#define DD_VERIFY_TOTALS(X)                                                             \
	X("repositories", repositories, "repositories looked at")                       \
	X("tags", tags, "tags looked at")                                               \
	X("manifests", manifests, "manifests that are understood")                      \
	X("links", links, "links looked at")                                                 \
	X("blobs", blobs, "blobs there are to verify")                                  \
	X("verified_blobs", verified_blobs, "blobs whose bytes match their digest")     \
	X("verified_bytes", verified_bytes, "bytes of those")                           \
	X("read_blobs", read_blobs, "blobs read by this run")                           \
	X("read_bytes", read_bytes, "bytes read by this run")                           \
	X("remembered_blobs", remembered_blobs, "blobs verified by earlier runs, unchanged since") \
	X("remembered_bytes", remembered_bytes, "bytes of those")                       \
	X("never_blobs", never_blobs, "blobs that no run has read yet")                 \
	X("left_blobs", left_blobs, "blobs not read: a limit was reached")              \
	X("left_bytes", left_bytes, "bytes of those, about")                            \
	X("changed_blobs", changed_blobs, "blobs that changed while they were read")    \
	X("unseen", unseen, "places that could not be looked at")                       \
	X("errors", errors, "findings that are damage")                                 \
	X("warnings", warnings, "findings that hurt nobody yet")                        \
	X("notes", notes, "findings that nobody needs to act on")                       \
	X("images", images, "images that cannot be pulled whole")
/* clang-format on */

struct dd_verify_summary {
	bool complete; /* everything that was asked for was looked at */
	bool quick;
	int64_t began_ns, ended_ns; /* since the epoch */
	int64_t reading_ns;	    /* how long blobs were read */
	int64_t waited_ns;	    /* of that, because of the load */
	int64_t oldest_ns; /* when the blob was read that was longest not; 0: nothing is known */
#define X(name, member, text) uint64_t member;
	DD_VERIFY_TOTALS(X)
#undef X
};

struct dd_verify;

/*
 * DD_ENOENT: the reference names nothing. On an error, or if it was interrupted, *verify may still
 * hold what was found until then.
 */
int dd_verify(struct dd_context *ctx, struct dd_store *store,
	      const struct dd_verify_options *options, struct dd_verify **verify,
	      struct dd_error *err);
void dd_verify_close(struct dd_verify *verify);
void dd_verify_closep(struct dd_verify **verify);

const struct dd_verify_summary *dd_verify_get_summary(const struct dd_verify *verify);
/* The worst first; within one kind by repository, tag, path. */
size_t dd_verify_get_count(const struct dd_verify *verify);
const struct dd_found *dd_verify_get_found(const struct dd_verify *verify, size_t at);

/* DD_EXIT_ATTENTION for damage, else DD_EXIT_FAILED if not everything could be seen, else DONE. */
enum dd_exit dd_verify_exit(const struct dd_verify_summary *summary);

/* A line for each finding, then one for the summary: schema/verify.json. For DD_JSON_LINES. */
void dd_verify_json(const struct dd_verify *verify, struct dd_json_out *out);

/*
 * For Prometheus, as its text format: malloc'd, the caller's. volume is the label's value. verify
 * NULL: the run failed before it found anything. success_ns: when a run last succeeded (which
 * dd_verify_metrics_success() finds in an earlier text; 0: never), replaced if this one did.
 */
int dd_verify_metrics(const struct dd_verify *verify, const char *volume, bool succeeded,
		      int64_t success_ns, char **text, struct dd_error *err);
int64_t dd_verify_metrics_success(const char *text, const char *volume);
/* The volume that an earlier text is about, in heap memory of the caller's; NULL: it does not say. */
char *dd_verify_metrics_volume(const char *text);

#endif
