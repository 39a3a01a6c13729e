/*
 * The index from the inside, and what is in its file.
 *
 * Why it is made like this. LMDB trusts its file: a damaged page makes it crash, a page that is
 * reused too early makes it lie, and its own lock file knows processes by their ids, which two
 * containers have in common. So nothing of that is relied on:
 *
 * - The file that has the name is never written to again. It is sealed (seal.h), and opening it
 *   begins with reading all of it: LMDB sees only bytes that it wrote itself. A reader holds the
 *   file that it opened, whatever takes its name meanwhile, and needs no lock.
 * - Who writes works on a compact copy without a name, and publishes a sealed, compact copy of that
 *   by rename(2): from time to time, and at the end. A crash leaves nothing to be mended, and what
 *   was forgotten takes up no space. The price is a copy: for a quarter of a million blobs about
 *   30 MB, and none if nothing is put.
 * - What is left is a file that is cut, or a disk that fails, between that reading and a lookup: the
 *   map then raises SIGBUS. Only its owner can cut it, and what was just read is in memory.
 * - Who may write is decided by flock(2) on a file of ours, which knows neither processes nor
 *   containers, and ends with its holder. LMDB's locking is off (MDB_NOLOCK).
 *
 * A file is an LMDB environment with a named database for each kind of record. In "index", "blobs"
 * has the algorithm and the bytes of a digest as key, and a struct dd_record. In "survey" and "audit"
 * all keys are what tells a file from others (dd_stamp_object()), so that what was made together is found together;
 * what they hold begins with a struct dd_fact (survey.h). So it does in "measure", whose keys are numbers.
 */
#ifndef INDEX_INDEX_H
#define INDEX_INDEX_H

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>

#include "index/place.h"

/* Of an index of what was verified; those of surveys are called after theirs. */
#define DD_INDEX_FILE "index"
#define DD_INDEX_NEW "index.new"
#define DD_INDEX_WORK "index.work"
#define DD_INDEX_LOCK "lock"
#define DD_INDEX_VOLUME "volume"

#define DD_INDEX_DATABASES 3 /* at most, in a file */

/* What a kind of index consists of. */
struct dd_index_kind_of {
	const char *file;
	const char *fresh; /* about to be published */
	const char *work;  /* loses its name as soon as it is open */
	const char *lock;
	bool learns; /* what surveys find out (survey.h) */
	unsigned count;
	const char *databases[DD_INDEX_DATABASES];
};
extern const struct dd_index_kind_of dd_index_kinds[];

enum { DD_DATABASE_BLOBS = 0 };
enum { DD_DATABASE_LISTINGS, DD_DATABASE_LINKS, DD_DATABASE_MANIFESTS };

#define DD_INDEX_MAP ((size_t)1 << 20) /* bytes to begin with; it doubles as needed */
#define DD_INDEX_MAP_MAX (sizeof(size_t) > 4 ? (size_t)1 << 36 : (size_t)1 << 29)

#define DD_RECORD_VERSION 1

/* A verified blob. Words in the machine's order, copied in and out: LMDB aligns nothing. */
struct dd_record {
	uint64_t sum; /* of the key and all that follows */
	uint32_t version;
	uint32_t verdict;
	uint64_t stamp[5];
	int64_t when_ns;
	uint64_t size;
};

#define DD_KEY_MAX (1 + DD_DIGEST_BYTES)
struct dd_key {
	uint8_t bytes[DD_KEY_MAX];
	size_t len;
};

/* A reading transaction belongs to one thread at a time; so there are some. */
#define DD_INDEX_READERS 8
/* Keys, or what tells them apart well enough. */
struct dd_seen {
	uint64_t *items;
	size_t count, room;
};
struct dd_index_reader {
	pthread_mutex_t lock;
	MDB_txn *txn;
	MDB_cursor *cursors[DD_INDEX_DATABASES]; /* what is looked for next is often beside */
	struct dd_seen seen[DD_INDEX_DATABASES]; /* what was asked for and found */
	const char *low, *high; /* all that was found lies between them in the map; NULL: nothing */
};

/* What a survey has found out so far (learn.c). */
struct dd_learner {
	pthread_mutex_t lock;
	atomic_bool active; /* until it has settled, or something went wrong */
	bool lost;	    /* some of what was seen: nothing can be told to have died */
	bool writing;	    /* it was too much to be kept in memory */
	struct dd_buffer facts;
	size_t count;
	struct dd_seen seen[DD_INDEX_DATABASES];
};

struct dd_index {
	struct dd_context *ctx;
	const struct dd_index_kind_of *kind;
	struct dd_index_place place;
	int lock; /* held; -1: nothing is written */

	MDB_env *env; /* of what was published when we opened; NULL: nothing was */
	MDB_dbi databases[DD_INDEX_DATABASES];
	struct dd_index_reader readers[DD_INDEX_READERS];
	uint64_t counts[DD_INDEX_DATABASES], bytes[DD_INDEX_DATABASES];

	MDB_env *work; /* NULL: nothing was put yet */
	MDB_dbi work_databases[DD_INDEX_DATABASES];
	size_t map, map_max;
	int64_t publish_every_ns, published_ns; /* CLOCK_MONOTONIC */
	struct dd_learner learner;
};

/* Trouble, told once; what is DD_ENOMEM or DD_ECANCELLED is handed on, all else becomes 0. */
int dd_index_trouble(struct dd_context *ctx, int rc, const char *what, const struct dd_error *err);
/* What LMDB returned: DD_EFORMAT if it is an error of its own, else what the errno stands for. */
int dd_index_fail(struct dd_error *err, int mdb, const char *what);

/* Let LMDB open the very file that fd is, by its name in our directory. */
int dd_index_open_env(const struct dd_index_place *place, const char *name, int fd, unsigned flags,
		      size_t map, MDB_env **env, struct dd_error *err);

/* The sealed file behind fd, for reading. */
int dd_index_load(struct dd_index *index, int fd, uint64_t length, struct dd_error *err);
void dd_index_unload(struct dd_index *index);

void dd_key_of(struct dd_key *key, const struct dd_digest *digest);
void dd_record_of(struct dd_record *record, const struct dd_key *key,
		  const struct dd_verified *verified);
/* False: damaged, or of a version that we do not know. */
bool dd_record_read(const MDB_val *key, const MDB_val *value, struct dd_verified_blob *blob);

/* A database's value under a key, of this thread's turn; false if there is none. */
struct dd_index_reader *dd_index_reader_of_thread(struct dd_index *index);

/* W. One transaction: change() is called with a number below count, once or, after growing, again. */
typedef int dd_index_change_fn(struct dd_index *index, MDB_txn *txn, const void *arg, size_t at);
int dd_index_remember(struct dd_index *index, dd_index_change_fn *change, const void *arg,
		      size_t count, struct dd_error *err);

void dd_learner_open(struct dd_index *index);
void dd_learner_close(struct dd_index *index);

/* What was put becomes the index that others open. */
int dd_index_publish(struct dd_index *index, struct dd_error *err);
void dd_index_stop_writing(struct dd_index *index);

#endif
