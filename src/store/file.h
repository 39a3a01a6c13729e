/*
 * The store as a directory of a file system: what its files share.
 */
#ifndef STORE_FILE_H
#define STORE_FILE_H

#include <sys/stat.h>

#include <drydock/store_write.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "base/text.h"

#define DD_STATE_TRASH DD_STATE_BASE "/trash"
#define DD_STATE_PURGE DD_STATE_BASE "/purge"

/* A directory that was opened last; what comes next mostly lies in the same one. */
struct dd_recent {
	char *path;
	int fd;
	bool dirty; /* is remembered for dd_store_sync() */
};

/* A directory to sync. */
struct dd_dirty {
	char *path; /* below the root */
	bool left;  /* something went from it; else something arrived */
};

struct dd_store {
	char *root;	  /* as people should see it */
	int fd;		  /* O_PATH on it */
	int still;	  /* the same in a copy of the mounts (store/still.h); -1: there is none */
	int64_t owned_ns; /* when the owner wrote about itself, as its file tells */
	bool owes;	  /* dd_store_owe() */
	int lock_fd, owner_fd;	    /* -1: not held */
	const struct dd_gate *gate; /* borrowed; NULL: none was set */
	DD_LIST(struct dd_dirty) dirty;
	bool made;		   /* of the dirty directories some are new */
	bool touched;		   /* times were set since the last sync */
	struct dd_recent from, to; /* of the last rename */
	dd_wrote_fn *wrote;	   /* dd_store_tell_writes() */
	void *wrote_arg;
	DD_LIST(char *) mounts;	    /* mount points below the root, by their paths from there */
	struct dd_durable *durable; /* what several threads write; store/durable.h */
};

/* Deeper than any path of the layout: a repository has at most 128 components. */
#define DD_FILE_DEEPEST 200

struct dd_directory {
	struct dd_store *store;
	int fd;	    /* -1: still does, or it was not opened yet */
	int still;  /* as the store's is, and only as long as that */
	char *path; /* below the root */
};

/*
 * Something to be opened: where it can be tried first, where it can be had, its path below the root.
 * Not to be copied, for the names may point into it.
 */
struct dd_target {
	struct dd_store *store;
	int still, base;	 /* still: -1 if there is none */
	const char *near, *name; /* below still, below base */
	char *path;
	char usual[DD_LAYOUT_USUAL];
};

/* To be released, also on error. within NULL: from the root. */
int dd_file_aim(struct dd_store *store, const struct dd_directory *within,
		const struct dd_place *place, struct dd_target *target, struct dd_error *err);
void dd_target_release(struct dd_target *target);

/* What is mounted below the root, if the kernel tells: store->mounts. */
void dd_file_find_mounts(struct dd_store *store);
void dd_file_forget_mounts(struct dd_store *store);

int dd_file_info(const struct stat *st, struct dd_info *info);

/* Fail with what an errno means for an open, naming the path. */
int dd_file_fail(struct dd_store *store, struct dd_error *err, int sys, const char *verb,
		 const char *path);

/*
 * A descriptor of the file, or a negative dd_code. What is no regular file never hangs us (a FIFO)
 * and never becomes ours (a terminal).
 */
int dd_file_open_regular(const struct dd_target *target, struct dd_info *info,
			 struct dd_error *err);

/*
 * A file of ours, which is made if it is not there, like its surroundings in owner and mode. A
 * descriptor, or a negative dd_code.
 */
int dd_file_open_own(struct dd_store *store, const char *path, int flags, struct stat *st,
		     bool *is_new, struct dd_error *err);

/* All entries of an open directory; path is for messages. */
int dd_file_list(struct dd_store *store, int fd, const char *path, dd_entry_fn *fn, void *arg,
		 struct dd_error *err);

/* Sync a directory. One that is gone has nothing left to keep. 0 or an errno. */
void dd_file_begin_sync(int fd);
int dd_file_sync_directory(struct dd_store *store, const char *path);

/* Remember a directory for dd_store_sync(). */
int dd_file_mark_dirty(struct dd_store *store, const char *path, bool left, struct dd_error *err);

/*
 * A descriptor (O_PATH) of the directory at path, which is made with all that is missing above it,
 * owner and mode taken from the nearest directory that is there. Or a negative dd_code.
 */
int dd_file_make_directory(struct dd_store *store, const char *path, struct dd_error *err);

/*
 * One directory in another that is open, like it in owner and mode; one that is there is as it is. A
 * descriptor, or a negative dd_code. path is for messages.
 */
int dd_file_make_in(struct dd_store *store, int parent, const char *path, const char *name,
		    struct dd_error *err);

/*
 * The same for one of several threads: what is made is remembered for all of them (store/durable.h), and
 * in *unsynced.
 */
int dd_file_make_shared(struct dd_store *store, const char *path, struct dd_unsynced *unsynced,
			struct dd_error *err);

/* Tell of a file that is open, and will not be written to any more. */
void dd_file_tell(struct dd_store *store, int fd);

/* Give what we made the owner and mode of the directory around it; never more than that has. */
int dd_file_dress(struct dd_store *store, int fd, const struct stat *around, const char *path,
		  struct dd_error *err);

/*
 * A step from one path below the root to another. file: what is looked at first, below the directory
 * above from; NULL: nothing. expected: what that must be; content: but for its ctime.
 */
struct dd_move {
	const char *from, *to, *file;
	const struct dd_stamp *expected;
	bool content;
};
int dd_file_move(struct dd_store *store, const struct dd_move *move, struct dd_error *err);
/* Exchange two names, of which the second lies where something arrives. -EINVAL and its like. */
int dd_file_exchange(struct dd_store *store, const char *one, const char *other);

/* Rename within the volume, never over anything; a directory above "to" is made if need be. */
int dd_file_rename(struct dd_store *store, const char *from, const char *to, struct dd_error *err);

/* Rename by open directories, never over anything. 0 or a negative errno. */
int dd_file_rename_new(int from, const char *name, int to, const char *to_name);

/*
 * Remove a directory and all that is in it, by its name in one that is open; ctx NULL: whatever
 * happens. about: what it is, for messages.
 */
int dd_file_remove_tree(struct dd_context *ctx, int above, const char *name, const char *about,
			struct dd_error *err);

/* Forget descriptors of directories that may not be where they were. */
void dd_file_forget_recent(struct dd_store *store);

#endif
