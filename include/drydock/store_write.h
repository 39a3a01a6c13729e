/*
 * The store, as a registry writes to it: by several threads at once, each with what it has not synced
 * yet. (What maintenance changes is in drydock/store.h, and is one thread's.)
 */
#ifndef DRYDOCK_STORE_WRITE_H
#define DRYDOCK_STORE_WRITE_H

#include <drydock/store.h>

/*
 * Directories that were changed, and are not known to be on the disk: what is named in them may be gone
 * after a crash. { 0 } is none; of one thread at a time. What is released unsynced stays as it is.
 */
struct dd_unsynced {
	char **paths; /* below the root, each once */
	size_t count, room;
};
int dd_unsynced_add(struct dd_unsynced *unsynced, const char *path, struct dd_error *err);
void dd_unsynced_release(struct dd_unsynced *unsynced);

/*
 * All of them, and those above that somebody else made and nobody has synced; then there are none.
 * Who does this at the same time as others shares their syncs.
 */
int dd_store_sync_these(struct dd_store *store, struct dd_unsynced *unsynced, struct dd_error *err);

/*
 * Each file that is written or put in place by what follows here, or begun as an upload, is told of: by
 * its stamp, of which the ctime may change afterwards. Set before several threads are at work. The
 * function is called by any of them.
 */
typedef void dd_wrote_fn(void *arg, const struct dd_stamp *stamp);
void dd_store_tell_writes(struct dd_store *store, dd_wrote_fn *wrote, void *arg);

/* What may be in the place of what is put there. */
enum dd_onto {
	DD_ONTO_NOTHING, /* DD_EEXIST */
	DD_ONTO_FILE,	 /* it is gone then */
	DD_EXCHANGED	 /* it is there, and is then where the new one came from */
};

/*
 * Write a whole small file, its bytes on the disk before it has its name: there is never a part of it.
 * Made as <name>.<uuid>.tmp beside it; directories above are made, like what is around them. What
 * stands in its place and is no file is never replaced: DD_ESYMLINK, DD_EIRREGULAR. onto is not
 * DD_EXCHANGED.
 */
int dd_store_write(struct dd_store *store, const struct dd_place *place, const void *bytes,
		   size_t len, enum dd_onto onto, struct dd_unsynced *unsynced,
		   struct dd_error *err);
/*
 * The same in three steps, for several files that wait for the disk together: all are drafted, then each is
 * synced, then each gets its name. A draft is on its way to the disk as <name>.<uuid>.tmp, and goes again
 * when it is closed without a name. name syncs what is not synced yet; DD_ENOENT: somebody has taken the
 * file away, and it has to be written anew. A draft is one thread's at a time.
 */
struct dd_draft;
int dd_store_draft(struct dd_store *store, const struct dd_place *place, const void *bytes,
		   size_t len, enum dd_onto onto, struct dd_draft **draft, struct dd_error *err);
int dd_draft_sync(struct dd_draft *draft, struct dd_error *err);
int dd_draft_name(struct dd_draft *draft, struct dd_unsynced *unsynced, struct dd_error *err);
void dd_draft_closep(struct dd_draft **draft);

/* A file that lies elsewhere, whose bytes the caller has synced. DD_ENOTSUP: nothing is exchanged here. */
int dd_store_place(struct dd_store *store, const struct dd_place *from,
		   const struct dd_place *place, enum dd_onto onto, struct dd_unsynced *unsynced,
		   struct dd_error *err);
/*
 * What was found at a place is built upon: a file that another thread put there and has not synced, and
 * directories above it, are added.
 */
int dd_store_rely_on(struct dd_store *store, const struct dd_place *place,
		     struct dd_unsynced *unsynced, struct dd_error *err);
/* Its mtime is now: somebody said that it is to be there. Not durable, nor need be. */
int dd_store_refresh(struct dd_store *store, const struct dd_place *place, struct dd_error *err);
/*
 * The directory of an upload that ended, with all that is in it; a crash may bring it back. DD_ENOENT.
 * (Of one file of ours: dd_store_remove(), which several threads may call, too.)
 */
int dd_store_remove_upload(struct dd_store *store, const char *repository, const char *upload,
			   struct dd_error *err);

/* ---- an upload's bytes: several threads at once, one a writer ---- */

/*
 * A file that grows at its end. begin: with its directory, and startedat in it, as the reference has
 * them (DD_EEXIST); none of which is durable, nor need be. open: one that is there. info: of the file.
 */
struct dd_writer;
int dd_store_begin_upload(struct dd_store *store, const char *repository, const char *upload,
			  const char *startedat, struct dd_writer **writer, struct dd_info *info,
			  struct dd_error *err);
int dd_store_open_writer(struct dd_store *store, const struct dd_place *place,
			 struct dd_writer **writer, struct dd_info *info, struct dd_error *err);
/* All of it or nothing. The disk begins with it before it is asked to sync. */
int dd_writer_append(struct dd_writer *writer, const void *bytes, size_t len, struct dd_error *err);
int64_t dd_writer_read_at(struct dd_writer *writer, uint64_t offset, void *bytes, size_t len,
			  struct dd_error *err);
int dd_writer_stat(struct dd_writer *writer, struct dd_info *info, struct dd_error *err);
/* The disk begins, and nobody waits. */
void dd_writer_begin_sync(struct dd_writer *writer);
/* Bytes, owner and mode are on the disk; the name is the caller's matter. */
int dd_writer_sync(struct dd_writer *writer, struct dd_error *err);
void dd_writer_closep(struct dd_writer **writer);

#endif
