/*
 * The index: what earlier runs found out about a volume. A cache, outside of the volume; deleting
 * it costs time, never truth.
 *
 * It lies in a directory for each volume below the cache directory: options->cache_dir, else
 * $DRYDOCK_CACHE, else /var/cache/drydock for root, else $XDG_CACHE_HOME/drydock, else
 * $HOME/.cache/drydock. The directories are made with mode 0700 and tagged (CACHEDIR.TAG,
 * https://bford.info/cachedir/), the files with 0600.
 *
 * Trouble: whatever is the matter with the index (no permission, another's, on a network, damaged,
 * of a newer version, no space, …) is said once, by dd_log() as a warning, and the work goes on
 * without it: *index is NULL, which every function here takes for an empty one. Errors are
 * DD_ENOMEM and DD_ECANCELLED alone. Paths in messages are untrusted bytes.
 *
 * What is read is the index as it was when it was opened: nothing that is put or forgotten shows
 * before it is opened again, by this process or another. Many processes may read at once while one
 * writes; who opens it second to write may only read, and is told so in a note.
 *
 * Durability: what was put is published from time to time and when the index is closed. A crash
 * costs about the last minute, and never what was published before.
 *
 * Locking: the functions marked W are for one thread at a time; all others may be called by several
 * threads at once, also beside one that writes. None may be called beside dd_index_close().
 */
#ifndef DRYDOCK_INDEX_H
#define DRYDOCK_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <drydock/manifest.h>
#include <drydock/store.h>

struct dd_index;

/*
 * There are four, each with a file and a writer of its own, so that a verification that takes the night
 * and a collection do not wait for one another, and neither reads what the other needs.
 */
enum dd_index_kind {
	DD_INDEX_VERIFIED, /* blobs whose bytes were read */
	DD_INDEX_SURVEYED, /* what directories, links and manifests said */
	DD_INDEX_AUDITED,  /* likewise, to a verification: it asks for every link */
	DD_INDEX_MEASURED  /* what directories hold, to a measurement: it asks for every one */
};

struct dd_index_options {
	enum dd_index_kind kind;
	const char *cache_dir; /* NULL: see above; empty is as good as NULL */
	bool none;	       /* no index: NULL, and nothing is said */
	bool read_only; /* make and change nothing; no index yet: NULL, and nothing is said */
	bool log_only; /* likewise; of what is there only the log of runs (record.h) is asked for */
	const char *(*get_environment)(const char *name); /* NULL: no environment */
};

/*
 * ctx and store must outlive the index. Reads the whole index once, to see that it is what was
 * written; that can be interrupted.
 */
int dd_index_open(struct dd_context *ctx, struct dd_store *store,
		  const struct dd_index_options *options, struct dd_index **index,
		  struct dd_error *err);
/* Publishes what was put, also after an interruption. */
void dd_index_close(struct dd_index *index);
void dd_index_closep(struct dd_index **index);

/* Where it lies, for people; NULL if there is none. */
const char *dd_index_get_directory(const struct dd_index *index);
/* Whether what is put will be remembered, as far as one knows. */
bool dd_index_is_writable(const struct dd_index *index);

/* ---- blobs whose bytes were read: an index of kind VERIFIED ---- */

enum dd_verdict {
	DD_VERDICT_GOOD,   /* the bytes were those of the digest */
	DD_VERDICT_CORRUPT /* they were not */
};

struct dd_verified {
	struct dd_stamp stamp; /* of the file whose bytes were read */
	int64_t when_ns;       /* since the epoch, when they were read */
	uint64_t size;	       /* bytes that were read */
	enum dd_verdict verdict;
};

struct dd_verified_blob {
	struct dd_digest digest;
	struct dd_verified verified;
};

/*
 * Whether a file may be remembered whose reading began at read_ns (CLOCK_REALTIME), where info is
 * what was seen of it after it was read: not if it changed less than two seconds before that, or
 * later. A time stamp has a grain (two seconds on FAT, a tick of the clock elsewhere), and what is
 * written within the same grain after the reading leaves the stamp as it was. git calls such files
 * "racily clean". The caller asks this, and also compares info with what was seen before reading.
 */
bool dd_index_may_remember(const struct dd_info *info, int64_t read_ns);

/*
 * What is remembered of a blob whose stamp is now this one. False if nothing is, or only of another
 * stamp. How old a verdict may be is the caller's to judge, by when_ns. Less than a microsecond; a
 * third of that where many are asked for in the order of their digests.
 */
bool dd_index_get_verified(struct dd_index *index, const struct dd_digest *digest,
			   const struct dd_stamp *now, struct dd_verified *verified);

/*
 * W. All or none of them; of two for one digest the later counts. Give thousands at once: each call
 * costs some milliseconds.
 */
int dd_index_put_verified(struct dd_index *index, const struct dd_verified_blob *blobs,
			  size_t count, struct dd_error *err);

/* W. All that is remembered of these digests, for what is no longer there. */
int dd_index_forget(struct dd_index *index, const struct dd_digest *digests, size_t count,
		    struct dd_error *err);

/* By digest, stamps unseen. Not 0 stops the visit and is handed on. DD_ECANCELLED as well. */
typedef int dd_verified_fn(void *arg, const struct dd_verified_blob *blob, struct dd_error *err);
int dd_index_visit_verified(struct dd_index *index, dd_verified_fn *fn, void *arg,
			    struct dd_error *err);
uint64_t dd_index_count_verified(struct dd_index *index);

/* ---- what a survey found out: an index of kind SURVEYED or AUDITED ---- */

/*
 * All of it is told by stamps of today alone: a directory that has not changed has the same entries, a
 * file the same bytes. What is found lies in the index and lives as long as it.
 */

/* A directory's entries, in no order. */
struct dd_listing {
	const unsigned char *at, *end; /* for dd_listing_next() */
};
#define DD_LISTED_HASH 32
struct dd_listed {
	enum dd_entry_type type;
	const unsigned char
		*hash; /* not NULL: the name is so many bytes in hex, and name is NULL */
	const char *name;
};
bool dd_listing_next(struct dd_listing *listing, struct dd_listed *listed);
/* How many there are left if all of them are hashes: about so much room they will take. */
static inline size_t dd_listing_hashes(const struct dd_listing *listing)
{
	return (size_t)(listing->end - listing->at) / (1 + DD_LISTED_HASH);
}

/* About so many digests its listings name, each counted once: for room. */
size_t dd_index_count_digests(const struct dd_index *index);
bool dd_index_get_listing(struct dd_index *index, const struct dd_info *now,
			  struct dd_listing *listing);

/* A file that holds a digest and nothing else; when it was read, since the epoch. */
bool dd_index_get_link(struct dd_index *index, const struct dd_info *now, struct dd_digest *digest,
		       int64_t *read_ns);

/*
 * A manifest's blob. code: 0, or why it is in doubt, and detail says more. The manifest is as it was
 * parsed, but for tarsums, which lead nowhere, and for the number of urls: it is 1 if there are any.
 * Its descriptors are put behind what is in room of the caller's, which may move when it grows:
 * dd_surveyed_place() says where they are then. Annotations stay where they are until the room is
 * emptied; texts lie in the index, and live as long as it.
 */
struct dd_surveyed {
	int code; /* enum dd_code; DD_ECORRUPT, DD_EFORMAT, DD_EUNKNOWN, DD_ETOOBIG */
	const char *detail;
	size_t stored; /* bytes */
	struct dd_manifest manifest;
};
struct dd_descriptors {
	struct dd_descriptor *items;
	size_t count, room;
	void *memory; /* of annotations */
};
void dd_descriptors_empty(struct dd_descriptors *room);
void dd_descriptors_release(struct dd_descriptors *room);
void dd_surveyed_place(struct dd_surveyed *surveyed, const struct dd_descriptor *descriptors);
bool dd_index_get_manifest(struct dd_index *index, const struct dd_digest *digest,
			   const struct dd_info *now, struct dd_descriptors *room,
			   struct dd_surveyed *surveyed);

/*
 * What was found out by reading, and when that began (CLOCK_REALTIME): now is what was seen of the
 * object before it was read or while it was open. What is too fresh to tell is not remembered.
 * Several threads at once. Trouble is told, and memory is lost silently: both cost time alone.
 */
void dd_index_learn_listing(struct dd_index *index, const struct dd_info *now, int64_t began_ns,
			    const void *packed, size_t len);
void dd_index_learn_link(struct dd_index *index, const struct dd_info *now, int64_t began_ns,
			 const struct dd_digest *digest);
void dd_index_learn_manifest(struct dd_index *index, const struct dd_digest *digest,
			     const struct dd_info *now, int64_t began_ns,
			     const struct dd_surveyed *surveyed);

/* An entry behind what is packed already. DD_ENOMEM. */
int dd_listing_pack(struct dd_buffer *packed, const struct dd_entry *entry);

/*
 * What was asked for so far is hardly asked for again, and need not stay in memory. What was handed out
 * stays where it is.
 */
void dd_index_let_go(struct dd_index *index);

/*
 * A survey has ended. whole: all that the volume has was asked for or learnt, and what was not has
 * died. What was learnt is kept if it is enough to be worth writing; the index only answers from here
 * on.
 */
int dd_index_settle(struct dd_index *index, bool whole, struct dd_error *err);

/* ---- what a measurement found out: an index of kind MEASURED ---- */

/*
 * A word says of one directory, as long as its stamp is the same, of which kind it is; what kinds there are
 * is the caller's to say. Of two directories 62 bits are the same by chance alone.
 */
#define DD_INDEX_WORD_KIND UINT64_C(3)
uint64_t dd_index_word(const struct dd_info *directory, unsigned kind);

/* All that are remembered, some of which may be of former times; *words is to be freed, also on failure. */
int dd_index_get_words(struct dd_index *index, uint64_t **words, size_t *count,
		       struct dd_error *err);
/* W. These instead; the index only answers from here on. */
int dd_index_keep_words(struct dd_index *index, const uint64_t *words, size_t count,
			struct dd_error *err);

#endif
