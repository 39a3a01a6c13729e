/*
 * Directories that many threads make durable at once.
 *
 * Who has changed a directory needs one sync of it that began afterwards, and it may be another's: of
 * those who come while one runs, one syncs for all. And what was made is not on the disk because another
 * thread finds it there: until it is, whoever builds upon it, or writes below it, has to see to that, too.
 *
 * Locking: all functions from any thread.
 */
#ifndef STORE_DURABLE_H
#define STORE_DURABLE_H

#include <drydock/store_write.h>

struct dd_durable;

/* NULL without memory. */
struct dd_durable *dd_durable_open(void);
void dd_durable_close(struct dd_durable *durable);

/* name is about to appear in the directory at path; and now it has, or will not. */
int dd_durable_note(struct dd_durable *durable, const char *path, const char *name,
		    struct dd_error *err);
void dd_durable_made(struct dd_durable *durable, const char *path, const char *name);

/* Add those directories that have to be synced for path to be found after a crash. */
int dd_durable_gather(struct dd_durable *durable, const char *path, struct dd_unsynced *unsynced,
		      struct dd_error *err);

/*
 * Sync the directory at path: by sync(arg, path), which returns 0 or an errno, or by another thread's
 * that begins after this call has. 0, or an errno.
 */
typedef int dd_durable_fn(void *arg, const char *path);
int dd_durable_sync(struct dd_durable *durable, const char *path, dd_durable_fn *sync, void *arg);

/* For tests: directories that are remembered at present, and threads in dd_durable_sync(). */
size_t dd_durable_count(struct dd_durable *durable);
size_t dd_durable_waiting(struct dd_durable *durable);

#endif
