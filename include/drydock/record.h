/*
 * Records: what must not be lost and cannot be derived again. Checksummed lines in one file of the
 * volume's state, to which lines are added; a torn last line (a crash while it was written) is passed
 * over. What later lines have superseded is left out when there is much of it.
 */
#ifndef DRYDOCK_RECORD_H
#define DRYDOCK_RECORD_H

#include <drydock/store.h>

struct dd_index;

/* A hold that somebody has acknowledged: REPO@DIGEST. */
struct dd_acknowledged {
	char *repository;
	struct dd_digest digest;
};

struct dd_records {
	struct dd_acknowledged *acknowledged;
	size_t count;
	size_t damaged; /* lines passed over */
};

/* No file: no records. */
int dd_records_load(struct dd_store *store, struct dd_records *records, struct dd_error *err);
void dd_records_release(struct dd_records *records);
/* Durable when it returns; once is enough. The caller holds the volume's lock (a change). */
int dd_records_acknowledge(struct dd_store *store, const char *repository,
			   const struct dd_digest *digest, struct dd_error *err);

/*
 * Records that have become twice what was left of them the last time, and more than 64 KiB, give way to
 * a new file without what is superseded: of each name the latest pull stays, of collections the latest
 * hundred and what dd_collections_load() tells, and all that is not understood as it is. Durable when
 * it returns; killed at any moment, the old file or the new one is there. A full disk, another who
 * writes to them, or an owner that we cannot give them is no failure: a later call does it. The caller
 * holds the volume's lock (a change), after it has added something.
 */
int dd_records_compact(struct dd_store *store, struct dd_error *err);

/* When a tag or a digest of a repository was last pulled. */
struct dd_pull {
	char *repository, *reference;
	int64_t time_ns;
};

struct dd_pulls {
	struct dd_pull *items; /* once settled: sorted, one a name */
	size_t count, room;
	int64_t from_ns, to_ns; /* from when to when all pulls are here; 0: never */
};

/* No file: none. */
int dd_pulls_load(struct dd_store *store, struct dd_pulls *pulls, struct dd_error *err);
/* Durable when it returns. The caller holds the volume's lock (a change). */
int dd_pulls_add(struct dd_store *store, const struct dd_pulls *pulls, struct dd_error *err);
/* 0: never, as far as is known. Of settled ones. */
int64_t dd_pulls_find(const struct dd_pulls *pulls, const char *repository, const char *reference);
/* In memory: one more; sort, and leave the latest of each; a time that a log covers. */
int dd_pulls_put(struct dd_pulls *pulls, const char *repository, const char *reference,
		 int64_t time_ns, struct dd_error *err);
void dd_pulls_settle(struct dd_pulls *pulls);
void dd_pulls_cover(struct dd_pulls *pulls, int64_t from_ns, int64_t to_ns);
void dd_pulls_release(struct dd_pulls *pulls);

/*
 * A collection that was applied, whatever it did. It is remembered in the volume, by a line when it
 * has the lock and nothing has gone yet, and one when all that it did is durable: of one that died in
 * between the second is missing.
 */
/* X(name in JSON, member): numbers of its end */
#define DD_COLLECTION_NUMBERS(X)                                                  \
	X("withdrawn_items", withdrawn_items)                                     \
	X("withdrawn_bytes", withdrawn_bytes)                                     \
	X("freed_bytes", freed_bytes) /* for good */                              \
	X("purged_runs", purged_runs)                                             \
	X("revived_items", revived_items)                                         \
	X("holds", holds) /* that nobody has acknowledged */                      \
	X("unreadable", unreadable)                                               \
	X("repositories", repositories) /* what it found, before anything went */ \
	X("tags", tags)                                                           \
	X("manifests", manifests)                                                 \
	X("blobs", blobs)                                                         \
	X("young_bytes", young_bytes)

struct dd_collection {
	char run[32];
	int64_t began_ns, ended_ns; /* since the epoch; ended_ns 0: it did not come to its end */
	uint64_t status;	    /* enum dd_exit, if it ended */
#define X(name, member) uint64_t member;
	DD_COLLECTION_NUMBERS(X)
#undef X
	uint64_t trash_keep_ns;
	const char *command; /* when loaded: of heap memory */
	const char *reason;  /* why it failed, or took nothing; empty: it did not */
};

struct dd_collections {
	struct dd_collection last;  /* the latest that began; began_ns 0: there was none */
	struct dd_collection whole; /* the latest that ended and had seen all there is; likewise */
	int64_t good_ns; /* when the latest ended that left nothing to a person; 0: none */
};

/* Durable when they return. The caller holds the volume's lock (a change). */
int dd_collections_begin(struct dd_store *store, const struct dd_collection *collection,
			 struct dd_error *err);
int dd_collections_end(struct dd_store *store, const struct dd_collection *collection,
		       struct dd_error *err);
/* Read from the end of the file, only as far back as it takes to find them. No file: none. */
int dd_collections_load(struct dd_store *store, struct dd_collections *collections,
			struct dd_error *err);
void dd_collections_release(struct dd_collections *collections);

/*
 * A run that verified the whole volume. It changes nothing there, so this is remembered outside of
 * it: in a log beside the index, which is kept when the index is thrown away. Without an index there
 * is none.
 */
struct dd_verify_run {
	int64_t began_ns, ended_ns;
	uint64_t read_blobs, read_bytes;
	uint64_t left_blobs;  /* that it did not read: a limit was reached */
	uint64_t never_blobs; /* that no run had read when it ended */
	uint64_t unseen;      /* places that it could not look at */
	uint64_t errors;
	int64_t oldest_ns; /* when the blob was read that was longest not; 0: not known */
};

/* Durable when it returns. */
int dd_runs_add(struct dd_index *index, const struct dd_verify_run *run, struct dd_error *err);
/* The last one at whose end every blob there was had been read, by it or before: 1, or 0 if none. */
int dd_runs_find_whole(struct dd_index *index, struct dd_verify_run *run, struct dd_error *err);
/* The last one, however it ended: likewise. */
int dd_runs_find_last(struct dd_index *index, struct dd_verify_run *run, struct dd_error *err);

#endif
