/*
 * Records: what must not be lost and cannot be derived again. Checksummed lines in one file of the
 * volume's state that only grows; a torn last line (a crash while it was written) is passed over.
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

#endif
