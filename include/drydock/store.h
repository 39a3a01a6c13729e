/*
 * The store: what a volume is kept in. A directory of a file system now; nothing here is a file
 * descriptor or a path, so that a bucket with the same keys can stand behind it.
 *
 * Places are those of <drydock/layout.h>. No symbolic link is ever followed, in no part of a path:
 * DD_ESYMLINK. What is neither file nor directory is never opened: DD_EIRREGULAR. DD_ENOENT means
 * that it is certain that nothing is there; a place that could not be looked at is another error.
 *
 * Locking: all functions may be called from several threads at once, but for those by which a
 * maintenance run changes the volume (marked W), which one thread calls.
 */
#ifndef DRYDOCK_STORE_H
#define DRYDOCK_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include <drydock/context.h>
#include <drydock/layout.h>

struct dd_store;

/*
 * Changes whenever the object does; compare, do not interpret. The words are printed into journals
 * and read back. A file's: device, inode, size, mtime, ctime. What is withdrawn or revived gets a
 * new ctime only: dd_stamp_same_content() leaves that one out.
 */
struct dd_stamp {
	uint64_t word[5];
};

bool dd_stamp_equal(const struct dd_stamp *a, const struct dd_stamp *b);
bool dd_stamp_same_content(const struct dd_stamp *a, const struct dd_stamp *b);

/*
 * Whether an object was written to between the two. renamed: its file itself, not only a directory
 * above it, which makes its ctime say nothing. Nor does that of a copy of the volume.
 */
bool dd_stamp_written(const struct dd_stamp *before, const struct dd_stamp *now, bool renamed);

/*
 * What was written, in short: the same for the same file as long as nobody writes to it, wherever it is
 * renamed to. And the later one of its times, since the epoch.
 */
uint64_t dd_stamp_sum(const struct dd_stamp *stamp);
int64_t dd_stamp_time(const struct dd_stamp *stamp);

/* What tells an object from all others that are there at the same time, whatever becomes of it. */
uint64_t dd_stamp_object(const struct dd_stamp *stamp);

enum dd_entry_type {
	DD_ENTRY_UNKNOWN,
	DD_ENTRY_FILE,
	DD_ENTRY_DIRECTORY,
	DD_ENTRY_SYMLINK,
	DD_ENTRY_OTHER /* FIFO, socket, device */
};

struct dd_info {
	enum dd_entry_type type;
	uint64_t size;		     /* bytes */
	uint64_t allocated;	     /* bytes on the disk */
	int64_t mtime_ns;	     /* since the epoch */
	int64_t changed_ns;	     /* ctime */
	uint32_t links;		     /* names that the file has */
	uint32_t owner, group, mode; /* mode: permission bits alone */
	uint64_t device;	     /* file system it lies on */
	uint64_t where; /* on it, roughly: what has numbers nearby mostly lies nearby */
	struct dd_stamp stamp;
};

/* Where the root is. */
struct dd_store_options {
	const char *root;   /* NULL: not given */
	const char *config; /* a registry's config.yml; not together with root */
	const char *(*get_environment)(const char *name); /* NULL: no environment */
};

/*
 * Find the volume (drydock(1), WHERE THE VOLUME IS) and open it. The root may be named at any level
 * of itself. DD_ENOENT, DD_EACCES, DD_EFORMAT (no volume) with a hint about what to try.
 */
int dd_store_open(struct dd_context *ctx, const struct dd_store_options *options,
		  struct dd_store **store, struct dd_error *err);

/*
 * Any other directory, for what lies in it and is no volume's (DD_AT_LAYOUT, DD_AT_LAYOUT_BLOB).
 * Whether it is there is all that is looked at. DD_ENOENT, DD_EACCES; DD_EFORMAT: no directory.
 */
int dd_store_open_bare(const char *path, struct dd_store **store, struct dd_error *err);

/* An empty directory becomes a volume, one is left as it is. DD_ECONFIG: something else is in it. */
int dd_store_begin(const char *path, struct dd_error *err);
/* Whether we may make files there, by its upper directories. DD_EACCES: the hint is what to type. */
int dd_store_check_writable(struct dd_store *store, struct dd_error *err);

void dd_store_close(struct dd_store *store);
void dd_store_closep(struct dd_store **store);

/* The root as it was found, for people. */
const char *dd_store_get_root(const struct dd_store *store);

/* What tells the volume from all others here: device and inode of its root. */
int dd_store_identify(struct dd_store *store, uint64_t identity[2], struct dd_error *err);

/*
 * Whether the volume lies on a disk that turns, where what lies nearby (dd_info.where) is better read
 * together. False where that cannot be told.
 */
bool dd_store_is_rotating(struct dd_store *store);

/*
 * The name of the network or user file system that the volume lies on; NULL: of this machine. What
 * stamps say there is what somebody's cache says.
 */
const char *dd_store_network(struct dd_store *store);

/*
 * Between the two, stat and read may be done by a cheaper way where the system has one: by a copy of
 * the mounts as they were at the beginning. What is not found there is looked for in the ordinary
 * way. For a look at many places, done by one thread while no other uses the store; not nested.
 */
void dd_store_begin_looks(struct dd_store *store);
void dd_store_end_looks(struct dd_store *store);

/* Of the object itself, or of a directory place. */
int dd_store_stat(struct dd_store *store, const struct dd_place *place, struct dd_info *info,
		  struct dd_error *err);

/*
 * A whole small object into memory that grows as needed: *bytes is malloc'd or realloc'd (room
 * says how much there is) and the caller's, also on error. Over max: DD_ETOOBIG. It is as long as info
 * (which may be NULL) says, or has become shorter since; what goes on growing is DD_ECHANGED.
 */
struct dd_buffer {
	unsigned char *bytes;
	size_t len, room;
};
void dd_buffer_release(struct dd_buffer *buffer);
int dd_store_read(struct dd_store *store, const struct dd_place *place, uint64_t max,
		  struct dd_buffer *buffer, struct dd_info *info, struct dd_error *err);

/* A large object as a stream. */
struct dd_reader;
int dd_store_open_reader(struct dd_store *store, const struct dd_place *place,
			 struct dd_reader **reader, struct dd_info *info, struct dd_error *err);
/* Bytes read, 0 at the end, or an error. */
int64_t dd_reader_read(struct dd_reader *reader, void *bytes, size_t len, struct dd_error *err);
/* As it is now: of what is open, whatever its name stands for meanwhile. */
int dd_reader_stat(struct dd_reader *reader, struct dd_info *info, struct dd_error *err);
/* Whether all of it lies in memory already, so that no disk is asked for it: by a look here and there. */
bool dd_reader_is_cached(const struct dd_reader *reader);
/*
 * A hint: all of it will be read, once, in order. What that brings into the machine's page cache is
 * given up again, a few MiB at a time; what was there before stays.
 */
void dd_reader_pass_through(struct dd_reader *reader);
/*
 * Bytes at an offset, whatever was read before; any number of threads at once. may_wait false: only
 * what lies in memory, else DD_EAGAIN; true: what comes next is asked of the disk as well, ahead.
 */
int64_t dd_reader_read_at(struct dd_reader *reader, uint64_t offset, void *bytes, size_t len,
			  bool may_wait, struct dd_error *err);
/* Pass over so many bytes without reading them. */
int dd_reader_skip(struct dd_reader *reader, uint64_t bytes, struct dd_error *err);
void dd_reader_closep(struct dd_reader **reader);

/* One entry of a directory; pointers live until the callback returns. */
struct dd_entry {
	const char *name;	 /* untrusted bytes, NUL-terminated, no slash */
	enum dd_entry_type type; /* never DD_ENTRY_UNKNOWN */
};
/* Not 0 stops the listing and is handed on. */
typedef int dd_entry_fn(void *arg, const struct dd_entry *entry, struct dd_error *err);

/* All entries of a directory place, in no order, without "." and "..". */
int dd_store_list(struct dd_store *store, const struct dd_place *directory, dd_entry_fn *fn,
		  void *arg, struct dd_error *err);
/* The same for the directory in which an object's file lies. */
int dd_store_list_owner(struct dd_store *store, const struct dd_place *place, dd_entry_fn *fn,
			void *arg, struct dd_error *err);

/*
 * A directory held open: for many objects in it, which are then found by a short way. A place that is
 * given to one must lie in it. Any number of threads at once.
 */
struct dd_directory;
int dd_store_open_directory(struct dd_store *store, const struct dd_place *place,
			    struct dd_directory **directory, struct dd_error *err);
void dd_directory_closep(struct dd_directory **directory);

/* As dd_store_stat() and its like are. */
int dd_directory_stat(struct dd_directory *directory, const struct dd_place *place,
		      struct dd_info *info, struct dd_error *err);
int dd_directory_read(struct dd_directory *directory, const struct dd_place *place, uint64_t max,
		      struct dd_buffer *buffer, struct dd_info *info, struct dd_error *err);
int dd_directory_open_reader(struct dd_directory *directory, const struct dd_place *place,
			     struct dd_reader **reader, struct dd_info *info, struct dd_error *err);
int dd_directory_list(struct dd_directory *directory, const struct dd_place *below, dd_entry_fn *fn,
		      void *arg, struct dd_error *err);
/* Either (within may be NULL), and what the directory itself was when that began. */
int dd_store_list_in(struct dd_store *store, struct dd_directory *within, const struct dd_place *at,
		     struct dd_info *info, dd_entry_fn *fn, void *arg, struct dd_error *err);

/*
 * Whether something was mounted above the object, and below the root, when the store was opened: then it
 * cannot be renamed into the trash, though it may be of the same file system (a bind mount). False where
 * the kernel does not tell.
 */
bool dd_store_is_apart(const struct dd_store *store, const struct dd_place *place);

/*
 * As dd_store_stat(), by way of the directory that the object's neighbours lie in, which is kept in
 * *held for the next one: it mostly lies there too. NULL at first, closed by the caller at last.
 */
int dd_store_stat_near(struct dd_store *store, struct dd_directory **held,
		       const struct dd_place *place, struct dd_info *info, struct dd_error *err);

/*
 * All that lies in the trash of a run and is no directory, by its path below the root (of where it
 * was: without the trash and the run), in no order; the journal is not of it. Not 0 stops the
 * listing and is handed on. No such run: DD_ENOENT.
 */
typedef int dd_trashed_fn(void *arg, const char *path, enum dd_entry_type type,
			  struct dd_error *err);
int dd_store_list_run(struct dd_store *store, const char *run, dd_trashed_fn *fn, void *arg,
		      struct dd_error *err);

/* ---- W: changing the volume; only src/change calls these ---- */

/* The directories of our own state, made if need be with owner and mode of their surroundings. */
int dd_store_make_state(struct dd_store *store, struct dd_error *err);
/* Nobody but the volume's owner may be able to write there: else DD_EREFUSED. */
int dd_store_check_state(struct dd_store *store, struct dd_error *err);

/* DD_EXDEV with both names if objects of that kind could not be renamed into the trash. */
int dd_store_check_rename(struct dd_store *store, struct dd_error *err);

/*
 * Make the directories of a run's trash that the object will lie in. A rename must not be kept
 * where its directory is not: dd_store_sync() before the first withdrawal.
 */
int dd_store_prepare(struct dd_store *store, const struct dd_place *place, const char *run,
		     struct dd_error *err);

/*
 * Rename an object (with its own directory, see dd_layout_owner()) into the trash of a run, which
 * keeps its path; and back. Neither ever replaces anything: DD_EEXIST. Withdrawing looks first, as
 * late as can be: DD_ECHANGED if expected (NULL: anything) is not the object's stamp. Reviving
 * makes the directories above it anew if they are gone, like their surroundings. Nothing is
 * durable before dd_store_sync().
 */
int dd_store_withdraw(struct dd_store *store, const struct dd_place *place, const char *run,
		      const struct dd_stamp *expected, struct dd_error *err);
int dd_store_withdraw_seen(struct dd_store *store, const struct dd_place *place, const char *run,
			   struct dd_error *err); /* by who has just looked */
int dd_store_revive(struct dd_store *store, const struct dd_place *trashed, struct dd_error *err);

/*
 * Put the files of a withdrawn object's directory beside what has grown in its place meanwhile:
 * each that is not there is moved back, each that is stays. *moved: how many came back.
 */
int dd_store_revive_missing(struct dd_store *store, const struct dd_place *trashed, size_t *moved,
			    struct dd_error *err);

/*
 * Of an object whose own directory holds no file of it any more: the directory goes, with what a
 * crash left in it, and comes back at once if a file came into it meanwhile (DD_ECHANGED). expected:
 * what the directory must be (its content's; NULL: anything).
 */
int dd_store_withdraw_empty(struct dd_store *store, const struct dd_place *place, const char *run,
			    const struct dd_stamp *expected, struct dd_error *err);
/* An object's own directory: 0, DD_ENOENT. info may be NULL. */
int dd_store_look_at_owner(struct dd_store *store, const struct dd_place *place,
			   struct dd_info *info, struct dd_error *err);

/*
 * Write a file of ours at a DD_AT_STAGED place, durable, with owner and mode of what is around the
 * place that it is for. next() hands over its bytes: how many, 0 at the end, or an error, which ends
 * it; then nothing is left of it.
 */
typedef int64_t dd_next_bytes_fn(void *arg, void *bytes, size_t len, struct dd_error *err);
int dd_store_stage(struct dd_store *store, const struct dd_place *staged,
		   const struct dd_place *place, dd_next_bytes_fn *next, void *arg,
		   struct dd_info *info, struct dd_error *err);

/*
 * One file to where nothing is, the directories above it made as its surroundings are: never over
 * anything (DD_EEXIST). stamp: what it must be (its content's; NULL: anything), else DD_ECHANGED; what
 * was written to at that very moment goes back.
 */
int dd_store_move(struct dd_store *store, const struct dd_place *from, const struct dd_place *to,
		  const struct dd_stamp *stamp, struct dd_error *err);
/*
 * A staged file takes the place of another, which goes into the trash of a run: the two are
 * exchanged, so that there is no moment without a file. DD_ECHANGED: it is not as it was judged.
 * Whatever fails, the two are where they were; *halfway: they could not be brought back there, and
 * what is staged is what was in the place.
 */
int dd_store_replace(struct dd_store *store, const struct dd_place *staged,
		     const struct dd_place *place, const char *run, const struct dd_stamp *expected,
		     bool *halfway, struct dd_error *err);
/*
 * What lies in the trash and what is in its place are exchanged: both are the same, and the older one is
 * to be there. DD_EUNKNOWN: the file system cannot.
 */
int dd_store_swap(struct dd_store *store, const struct dd_place *trashed, struct dd_error *err);
/* Make the directories of a run's trash for one file. */
int dd_store_prepare_file(struct dd_store *store, const struct dd_place *place, const char *run,
			  struct dd_error *err);
/* Remove an object's own directory if it is empty. Never a failure. */
void dd_store_remove_empty(struct dd_store *store, const struct dd_place *place);
/* Of a tag that went: its directories that hold nothing. Never a failure. */
void dd_store_remove_tag(struct dd_store *store, const char *repository, const char *tag);
/* Remove what is staged in a run. Never a failure: it is purged with the run. */
void dd_store_unstage(struct dd_store *store, const char *run);

/* Owner, group and mode of a file, if they are as in *old; else DD_ECHANGED. */
struct dd_owning {
	uint32_t owner, group, mode;
};
int dd_store_set_owning(struct dd_store *store, const struct dd_place *place,
			const struct dd_owning *old, const struct dd_owning *now,
			struct dd_error *err);

/* Set an object's mtime to now, as if it had just been written. */
int dd_store_touch(struct dd_store *store, const struct dd_place *place, struct dd_error *err);

/*
 * All directories that were changed since the last call, those first in which something arrived;
 * what was touched, too.
 */
int dd_store_sync(struct dd_store *store, struct dd_error *err);

/* A whole run out of the trash's sight, so that half a run is never taken for one: durable. */
int dd_store_condemn(struct dd_store *store, const char *run, struct dd_error *err);
/* Remove a condemned run for good. ctx NULL: whatever happens. */
int dd_store_purge(struct dd_context *ctx, struct dd_store *store, const char *run,
		   struct dd_error *err);

/*
 * A file of ours that only grows, by whole lines: one that a crash has torn is ended before
 * anything is added. What cannot be added whole is not added at all. Durable after
 * dd_appender_sync(), the file's name too. The records are locked as long as they are open: another
 * who writes to them is waited for, ten seconds at most (DD_ELOCKED).
 */
struct dd_appender;
int dd_store_open_appender(struct dd_store *store, const struct dd_place *place,
			   struct dd_appender **appender, struct dd_error *err);
int dd_appender_add(struct dd_appender *appender, const void *bytes, size_t len,
		    struct dd_error *err);
/* Set space aside for what is still to be added, where the file system can. */
int dd_appender_reserve(struct dd_appender *appender, uint64_t bytes, struct dd_error *err);
int dd_appender_sync(struct dd_appender *appender, struct dd_error *err);
void dd_appender_closep(struct dd_appender **appender);
/*
 * What takes the place of the records: a new file beside them, of the same owner and mode, empty. The
 * old ones are locked until it is closed, and nobody is waited for: DD_ELOCKED. DD_EACCES: the
 * owner cannot be the same.
 */
int dd_store_open_successor(struct dd_store *store, const struct dd_place *place,
			    struct dd_appender **successor, struct dd_error *err);
/* It gets their name: durable, with all that was added to it. One that is closed without that is gone. */
int dd_appender_succeed(struct dd_appender *successor, struct dd_error *err);

/*
 * A file of ours (the reserve) that does nothing but take up space, at least so many bytes, or is
 * not there; and its end. Neither is durable, nor need be.
 */
int dd_store_set_aside(struct dd_store *store, const struct dd_place *place, uint64_t bytes,
		       struct dd_error *err);
int dd_store_remove(struct dd_store *store, const struct dd_place *place, struct dd_error *err);

/*
 * The lock of the volume: flock(2) on a file of ours, so it ends with its holder. Waits until
 * deadline_ns (CLOCK_MONOTONIC, 0: not at all). DD_ELOCKED: *holder is what the holder wrote about
 * itself. The lock is given back by dd_store_unlock(), or when the store is closed.
 */
#define DD_HOLDER_TEXT 256
int dd_store_lock(struct dd_context *ctx, struct dd_store *store, const char *about,
		  int64_t deadline_ns, char holder[static DD_HOLDER_TEXT], struct dd_error *err);
void dd_store_unlock(struct dd_store *store);
/*
 * Whether another holds it, without taking it: who asks for the lock meanwhile gets it. holder: as
 * above. DD_EACCES: we may not look. No lock yet: nobody holds it.
 */
int dd_store_look_at_lock(struct dd_store *store, bool *held, char holder[static DD_HOLDER_TEXT],
			  struct dd_error *err);

/* ---- who serves the volume ---- */

/*
 * For as long as the store is open, or until dd_store_disown(): this process serves the volume, as
 * drydock/owner.h has it. about: a line about it, for others to read. DD_ELOCKED: another does, and
 * holder is what that wrote.
 */
int dd_store_own(struct dd_context *ctx, struct dd_store *store, const char *about,
		 char holder[static DD_HOLDER_TEXT], struct dd_error *err);
void dd_store_disown(struct dd_store *store);
/*
 * What a former owner left half done since then is not mended yet: the next owner is to find that, however
 * this one ends. 0: it is mended.
 */
void dd_store_owe(struct dd_store *store, int64_t since_ns);
/* As dd_store_look_at_lock(). Of who has it itself it is held, too. */
int dd_store_look_at_owner_lock(struct dd_store *store, bool *held,
				char holder[static DD_HOLDER_TEXT], struct dd_error *err);

/*
 * What whoever changes the volume asks before it takes something (drydock/gate.h); borrowed. NULL, as
 * at first: nobody is asked.
 */
struct dd_gate;
void dd_store_set_gate(struct dd_store *store, const struct dd_gate *gate);
const struct dd_gate *dd_store_get_gate(const struct dd_store *store);

/*
 * A socket (of whole messages, SOCK_SEQPACKET) that listens at a name among our own files, for the
 * one user alone; and one that is connected to it. Descriptors: this is about processes of one machine,
 * and no part of what a volume is kept in.
 */
int dd_store_listen(struct dd_store *store, struct dd_error *err);
void dd_store_stop_listening(struct dd_store *store); /* the name goes; never a failure */
int dd_store_call(struct dd_store *store, struct dd_error *err);

/* Bytes of the volume's file system, and inodes, as df(1) has them. */
struct dd_space {
	uint64_t free;		    /* to us */
	uint64_t size;		    /* used and free to us; 0: the file system does not tell */
	uint64_t files_free, files; /* likewise; 0 files: there is no bound, or none is told */
};
int dd_store_space(struct dd_store *store, struct dd_space *space, struct dd_error *err);

#endif
