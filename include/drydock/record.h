/*
 * Records: what must not be lost and cannot be derived again. Checksummed lines in one file of the
 * volume's state that only grows; a torn last line (a crash while it was written) is passed over.
 */
#ifndef DRYDOCK_RECORD_H
#define DRYDOCK_RECORD_H

#include <drydock/store.h>

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

#endif
