/*
 * The side of a volume that clients push to and pull from: uploads, blobs, manifests, tags, referrers.
 *
 * What holds, whoever calls and whenever the power goes:
 *
 * - A name is made only for what is there: bytes before links, links before tags. What is
 *   acknowledged (a function that returned 0) is on the disk, files and directories.
 * - A blob's name is given to no bytes but those that have its digest, and nothing is read from one
 *   that has not been read through and found good since its file last changed (law: only reading the
 *   bytes verifies them).
 * - A repository's blobs and manifests are those that it has links to; a digest is no key.
 * - What a client was told is there stays for the time of a lease (registry/lease.h), whatever a
 *   collector that asks our leave thinks of it. What lies in the trash and is asked for comes back.
 *
 * Sources: OCI distribution-spec 1.1 ("Pull", "Push", "Content Discovery", "Content Management");
 * where things lie: <drydock/layout.h>.
 *
 * Locking: all functions may be called from several threads at once; of one upload or one download,
 * by one at a time. All may wait for the disk but those that say that they do not.
 *
 * Names are validated here too: DD_EFORMAT for a repository or tag that is none.
 */
#ifndef DRYDOCK_REGISTRY_H
#define DRYDOCK_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include <drydock/index.h>
#include <drydock/json.h>
#include <drydock/manifest.h>
#include <drydock/store.h>

struct dd_registry;

/* A file is not what its digest says: as often as the log is told, from any thread. */
typedef void dd_found_corrupt_fn(void *arg, const struct dd_digest *digest);

/*
 * Runs both for the same thing, at once if it can, each in whatever thread, and returns when both have
 * returned. They take their locks in no order, and neither waits for the other.
 */
typedef void dd_both_fn(void *arg, void (*one)(void *of), void (*other)(void *of), void *of);

struct dd_registry_options {
	int64_t lease_ns; /* 0: DD_LEASE_DEFAULT */
	uint64_t
		prove_first; /* blobs of up to so many bytes are verified before the first is served */
	uint64_t keep_free;	     /* bytes of the disk that no push may take */
	uint64_t manifest_max;	     /* bytes; 0: DD_MANIFEST_MAX */
	uint32_t uploads_max;	     /* open at once; 0: as many as there is room for */
	uint32_t uploads_per_client; /* likewise, of one client's; 0: as many as of all */
	bool accept_sparse;	     /* manifests that name what is not there */
	bool accept_sparse_indexes;  /* likewise, if it is the manifest of a platform */
	/* Of kind VERIFIED, borrowed; nobody else puts into it meanwhile. NULL: nothing is remembered. */
	struct dd_index *index;
	dd_found_corrupt_fn *found_corrupt; /* told beside the log; NULL: nobody */
	void *found_arg;
	dd_both_fn *both; /* hashes large pieces beside writing them; NULL: afterwards */
	void *both_arg;
};
#define DD_LEASE_DEFAULT (INT64_C(3600) * 1000000000)
#define DD_PROVE_FIRST_DEFAULT (UINT64_C(64) << 20)

/* ctx and store are borrowed. */
int dd_registry_open(struct dd_context *ctx, struct dd_store *store,
		     const struct dd_registry_options *options, struct dd_registry **registry,
		     struct dd_error *err);
/* Nothing may be under way any more. Uploads stay on the disk, to be gone on with. */
void dd_registry_close(struct dd_registry *registry);
void dd_registry_closep(struct dd_registry **registry);

/* The options that may change while it runs: leases taken from now on, proofs, room, sparse. */
void dd_registry_set_options(struct dd_registry *registry,
			     const struct dd_registry_options *options);

/*
 * Changes with every tag, manifest or blob that goes, comes or moves in the repository by our own
 * hand: what somebody remembers of it is good no longer. Never waits.
 */
uint64_t dd_registry_get_generation(struct dd_registry *registry, const char *repository);

/* What happened since it was opened, for metrics. Never waits. */
struct dd_registry_counts {
	uint64_t proved;   /* files that were read through and found good */
	uint64_t corrupt;  /* files found not to be what they should; each state of one once */
	uint64_t healed;   /* of these, replaced by a push */
	uint64_t revived;  /* objects that came back from the trash */
	uint64_t uploaded; /* uploads that became blobs */
	uint64_t mounted;
};
void dd_registry_get_counts(struct dd_registry *registry, struct dd_registry_counts *counts);

/* ---- blobs ---- */

/*
 * Whether the repository has it, and its size: takes a lease. DD_ENOENT: no link, or no bytes, or
 * only bytes that are known to be others (they are said to the log once, and no more served).
 */
int dd_registry_look_at_blob(struct dd_registry *registry, const char *repository,
			     const struct dd_digest *digest, uint64_t *size, struct dd_error *err);

/*
 * Bytes to be served, a lease taken. whole: all of it is read in order, once; else any part of it,
 * which waits for the proof first, however large it is. DD_ENOENT as above: also if they were found
 * not to have the digest just now.
 */
struct dd_download;
int dd_registry_open_blob(struct dd_registry *registry, const char *repository,
			  const struct dd_digest *digest, bool whole, struct dd_download **download,
			  struct dd_error *err);
uint64_t dd_download_get_size(const struct dd_download *download);
/*
 * Bytes read at an offset, 0 at the end. may_wait false: never waits for a disk, nor hashes;
 * DD_EAGAIN: it would have to. One that is proved while it is read withholds its last block until
 * it is; DD_ECORRUPT: it is not what it should be, and the rest is never given away.
 */
int64_t dd_download_read(struct dd_download *download, uint64_t offset, void *bytes, size_t len,
			 bool may_wait, struct dd_error *err);
void dd_download_closep(struct dd_download **download);

/*
 * Give the repository a link to a blob that another one has. from NULL: whichever of those that
 * may_pull allows (asked about each repository that has it; NULL: any). DD_ENOENT: none has it.
 */
typedef bool dd_may_pull_fn(void *arg, const char *repository);
int dd_registry_mount_blob(struct dd_registry *registry, const char *repository, const char *from,
			   const struct dd_digest *digest, dd_may_pull_fn *may_pull, void *arg,
			   struct dd_error *err);

/* The repository's link, into the trash. DD_ENOENT. */
int dd_registry_delete_blob(struct dd_registry *registry, const char *repository,
			    const struct dd_digest *digest, struct dd_error *err);

/* ---- uploads ---- */

struct dd_upload;
#define DD_UPLOAD_ID 37 /* a UUID and its NUL */

/*
 * owner: who may go on with it (NULL: anybody); remembered while this process lives, so that after a
 * restart whoever may push to the repository may go on. client: for whom it counts
 * (uploads_per_client; NULL: nobody). DD_ENOSPC: too little room; DD_ETOOBIG: too many at once.
 */
int dd_upload_begin(struct dd_registry *registry, const char *repository, const char *owner,
		    const char *client, struct dd_upload **upload, struct dd_error *err);
/*
 * An open one, for one caller at a time: DD_ELOCKED if it is in another's hands. DD_ENOENT: there is
 * none of that id in the repository, or it is another owner's.
 */
int dd_upload_find(struct dd_registry *registry, const char *repository, const char *id,
		   const char *owner, struct dd_upload **upload, struct dd_error *err);
/* Out of the caller's hands; it stays open for dd_upload_find(). */
void dd_upload_release(struct dd_upload *upload);
void dd_upload_releasep(struct dd_upload **upload);

const char *dd_upload_get_id(const struct dd_upload *upload);
uint64_t dd_upload_get_offset(const struct dd_upload *upload); /* bytes that it has */
/* What it will be as a whole, as far as one is told: the hash is then of that algorithm from the first. */
void dd_upload_expect(struct dd_upload *upload, const struct dd_digest *digest);
/* So many bytes are to come. DD_ENOSPC: there will be no room for them. */
int dd_upload_announce(const struct dd_upload *upload, uint64_t len, struct dd_error *err);
/* At its end, hashed on the way. DD_ENOSPC. What failed can be gone on with at the offset it has. */
int dd_upload_append(struct dd_upload *upload, const void *bytes, size_t len, struct dd_error *err);
/*
 * It becomes the blob, with a link in the repository, durably; the upload is no more, whether that
 * succeeds or not, unless the disk is full (DD_ENOSPC). DD_ECORRUPT: the bytes have another digest.
 * Where a blob is already it stays if it is good, and is replaced if it is not.
 */
int dd_upload_commit(struct dd_upload **upload, const struct dd_digest *digest,
		     struct dd_error *err);
int dd_upload_cancel(struct dd_upload **upload, struct dd_error *err);

/*
 * Uploads that nobody has written to for so long go, ours and others'. *gone: how many.
 */
int dd_registry_purge_uploads(struct dd_registry *registry, int64_t older_than_ns, uint64_t *gone,
			      struct dd_error *err);

/* ---- manifests and tags ---- */

struct dd_pushed {
	const void *bytes;
	size_t len;
	const char *media_type;		/* as the client said, NULL if it did not */
	const struct dd_digest *digest; /* as the client said, or NULL */
	const char *const *tags;	/* that will point to it */
	size_t tag_count;
};

/* What became of it. */
struct dd_push_report {
	struct dd_digest digest;
	bool has_subject;
	struct dd_digest subject;
	struct dd_digest missing[32]; /* that it names and the repository has not (DD_ENOENT) */
	size_t missing_count;
};

/*
 * Bytes, revision, tags, in that order, all durable; and a lease and the barrier (registry/lease.h) on
 * all that it reaches, before that is looked at. DD_EFORMAT: no manifest; DD_ECORRUPT: not the digest
 * that was said; DD_ENOENT: names what is not there, which the report has; DD_ETOOBIG; DD_ENOSPC.
 */
int dd_registry_put_manifest(struct dd_registry *registry, const char *repository,
			     const struct dd_pushed *pushed, struct dd_push_report *report,
			     struct dd_error *err);

/*
 * What the tag points to, whatever became of that. DD_ENOENT: there is none, or it says nothing. The names
 * are valid ones.
 */
int dd_registry_resolve_tag(struct dd_registry *registry, const char *repository, const char *tag,
			    struct dd_digest *digest, struct dd_error *err);
/*
 * Whether that manifest is, names, or reaches the digest; its subject does not count. What is damaged
 * reaches nothing.
 */
int dd_registry_reaches(struct dd_registry *registry, const char *repository,
			const struct dd_digest *manifest, const struct dd_digest *digest,
			bool *reaches, struct dd_error *err);

struct dd_pulled {
	struct dd_buffer bytes; /* as they were pushed; proved */
	struct dd_digest digest;
	char *media_type; /* of the document, or inferred */
};

/*
 * By tag, or by digest (tag NULL); a lease on it and on all that it reaches. DD_ENOENT.
 */
int dd_registry_get_manifest(struct dd_registry *registry, const char *repository, const char *tag,
			     const struct dd_digest *digest, struct dd_pulled *pulled,
			     struct dd_error *err);
void dd_pulled_release(struct dd_pulled *pulled);

/* DD_ENOENT. What goes lies in the trash, a run a call; its command says who asked for it. */
int dd_registry_delete_tag(struct dd_registry *registry, const char *repository, const char *tag,
			   const char *who, struct dd_error *err);
/* With all tags of the repository that point to it. */
int dd_registry_delete_manifest(struct dd_registry *registry, const char *repository,
				const struct dd_digest *digest, const char *who,
				struct dd_error *err);

/*
 * After a server was killed that had been at work since since_ns (of files): a new tag may lack the second of
 * its links, the one into its history, which is written. *mended: how many.
 */
int dd_registry_recover_tags(struct dd_registry *registry, int64_t since_ns, uint64_t *mended,
			     struct dd_error *err);

/* ---- lists ---- */

struct dd_names {
	char **items; /* in the order of their bytes */
	size_t count;
	bool more; /* there are some after the last */
};
void dd_names_release(struct dd_names *names);

/* Names after last (NULL: from the first), at most max. DD_ENOENT: no such repository. */
int dd_registry_list_tags(struct dd_registry *registry, const char *repository, const char *last,
			  size_t max, struct dd_names *names, struct dd_error *err);
/* may_pull NULL: all; else those that it allows, as if there were no others. */
int dd_registry_list_repositories(struct dd_registry *registry, const char *last, size_t max,
				  dd_may_pull_fn *may_pull, void *arg, struct dd_names *names,
				  struct dd_error *err);

/*
 * The manifests of the repository whose subject is the digest, as an image index (distribution-spec,
 * "Listing Referrers"). artifact_type NULL: all. None is no error.
 */
int dd_registry_get_referrers(struct dd_registry *registry, const char *repository,
			      const struct dd_digest *subject, const char *artifact_type,
			      struct dd_buffer *json, struct dd_error *err);

#endif
