/*
 * Uploads, as the files that make them share them.
 *
 * What is kept of one in memory is what the disk does not tell: who may go on with it, and the hash of the
 * bytes so far. The hash counts as long as the file is as we left it; else, and after a restart, the
 * bytes are read again.
 */
#ifndef REGISTRY_UPLOAD_H
#define REGISTRY_UPLOAD_H

#include <sys/queue.h>

#include <drydock/registry.h>

struct dd_tally_entry;

struct dd_upload {
	struct dd_registry *registry;
	char id[DD_UPLOAD_ID];
	char *repository;
	char *owner; /* NULL: anybody */

	/* Of whoever has it in hand. */
	struct dd_writer *writer; /* NULL: in nobody's */
	uint64_t size;		  /* bytes of the file */
	struct dd_stamp stamp;	  /* of the file as we left it */
	enum dd_algorithm alg;
	struct dd_hasher *hasher; /* of that algorithm; NULL: nothing is hashed */
	uint64_t hashed;	  /* bytes */
	uint64_t looked;	  /* for room, when it had so many bytes */

	/* Of the table (upload_table.c), under its lock. */
	struct dd_upload *next;
	struct dd_tally_entry *client; /* NULL: it counts for nobody */
	bool busy, waits;	       /* in somebody's hands; among those with a hash to give up */
	TAILQ_ENTRY(dd_upload) waiting;
};

int dd_upload_table_open(struct dd_registry *registry, struct dd_error *err);
void dd_upload_table_close(struct dd_registry *registry);

/* Of the caller's, with names of its own; in no table yet. NULL without memory. */
struct dd_upload *dd_upload_new(struct dd_registry *registry, const char *repository,
				const char *id, const char *owner);
void dd_upload_free(struct dd_upload *upload);

/*
 * Into the table, in the caller's hands. client: for whom it counts; NULL: nobody. DD_ETOOBIG: too many, of
 * all or of the client's; DD_EEXIST: it is there.
 */
int dd_upload_table_add(struct dd_upload *upload, const char *client, struct dd_error *err);
/* Into the caller's hands. DD_ENOENT: not in the table; DD_EACCES: another's; DD_ELOCKED. */
int dd_upload_table_take(struct dd_registry *registry, const char *repository, const char *id,
			 const char *owner, struct dd_upload **upload, struct dd_error *err);
/* Out of them again. */
void dd_upload_table_give(struct dd_upload *upload);
/* Out of the table, and of memory. */
void dd_upload_table_remove(struct dd_upload *upload);

/* What is known of one that nobody has in hand. False: somebody has. */
bool dd_upload_table_forget(struct dd_registry *registry, const char *id);

/* Those whose directories somebody has taken are forgotten. */
void dd_upload_table_sweep(struct dd_registry *registry);

/* The hash of all bytes so far, which are read again as far as it does not know them. */
int dd_upload_catch_up(struct dd_upload *upload, struct dd_error *err);
/* An end: its directory goes, then it does. */
int dd_upload_end(struct dd_upload **upload, struct dd_error *err);

#endif
