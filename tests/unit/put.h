/*
 * What the tests of puts share: staging from a text, and a hand in every rename.
 */
#ifndef UNIT_PUT_H
#define UNIT_PUT_H

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "change.h"

/* ---- renames: all that the store makes come by here ---- */

static bool no_exchange;	       /* an old file system */
static int renames_until_death = -1; /* the process dies before that one */
static int failing = -1;	       /* that one fails */
static void (*before_rename)(unsigned flags, int number); /* what others do just before */
static int rename_number;

/* Instead of the C library's. */
int renameat2(int from, const char *name, int to, const char *to_name, unsigned flags)
{
	int number = rename_number++;

	if (renames_until_death >= 0 && renames_until_death-- == 0)
		kill(getpid(), SIGKILL);
	if (before_rename)
		before_rename(flags, number);
	if (number == failing || (no_exchange && flags & RENAME_EXCHANGE)) {
		errno = number == failing ? EIO : EINVAL;
		return -1;
	}
	return (int)syscall(SYS_renameat2, from, name, to, to_name, flags);
}

static inline int reset_renames(void **state)
{
	(void)state;
	no_exchange = false;
	renames_until_death = failing = -1;
	before_rename = NULL;
	rename_number = 0;
	return 0;
}

/* ---- puts ---- */

struct source {
	const char *text;
	size_t at;
	int fails; /* a code, in the end */
};

static inline int64_t next_bytes(void *arg, void *bytes, size_t len, struct dd_error *err)
{
	struct source *source = arg;
	size_t left = strlen(source->text + source->at);

	if (!left && source->fails)
		return dd_fail(err, source->fails, 0, "the source fails");
	/* A few at a time. */
	len = len > 7 ? 7 : len;
	len = len > left ? left : len;
	memcpy(bytes, source->text + source->at, len);
	source->at += len;
	return (int64_t)len;
}

static inline struct dd_put stage(struct volume *volume, struct dd_change *change, const char *path,
				  const char *text, char **memory)
{
	struct dd_place place = place_of(path, memory);
	struct source source = { .text = text };
	struct dd_put put;

	if (dd_change_stage(change, &place, next_bytes, &source, &put, &volume->err) < 0)
		fail_msg("%s", volume->err.text);
	return put;
}

static inline struct dd_info info_of(struct volume *volume, const struct dd_place *place)
{
	struct dd_info info;

	if (dd_store_stat(volume->store, place, &info, &volume->err) < 0)
		fail_msg("%s", volume->err.text);
	return info;
}

/* A put from somewhere else. */
static inline struct dd_put put_from(struct volume *volume, const char *origin, const char *path,
				     char **memory, char **origin_memory)
{
	struct dd_put put = { .place = place_of(path, memory),
			      .origin = place_of(origin, origin_memory) };
	struct dd_info info = info_of(volume, &put.origin);

	put.bytes = info.size;
	put.stamp = info.stamp;
	return put;
}

/* What is in its place is judged. */
static inline void replaces(struct volume *volume, struct dd_put *put)
{
	struct dd_info info = info_of(volume, &put->place);

	put->replaces = true;
	put->replaced = info.stamp;
	put->replaced_bytes = info.size;
}

static inline void announce_and_seal(struct volume *opened, struct dd_change *change,
				     const struct dd_put *put)
{
	struct volume volume = *opened;

	assert_code(dd_change_announce_put(change, put, &volume.err), 0);
	assert_code(dd_change_seal(change, &volume.err), 0);
}

/* A change that is ready to put a text at path, over what is there if anything is. */
static inline struct dd_put ready(struct volume *volume, struct dd_change **change, const char *path,
				  const char *text, char run[32], char **memory)
{
	struct dd_put put;

	*change = begin_change(volume);
	snprintf(run, 32, "%s", dd_change_get_run(*change));
	put = stage(volume, *change, path, text, memory);
	if (exists(volume, path))
		replaces(volume, &put);
	announce_and_seal(volume, *change, &put);
	return put;
}

static inline void end(struct volume *opened, struct dd_change *change, const struct dd_put *put)
{
	struct volume volume = *opened;

	assert_code(dd_change_put(change, put, &volume.err), 0);
	assert_code(dd_change_sync(change, &volume.err), 0);
	assert_code(dd_change_finish(change, false, &volume.err), 0);
	dd_change_close(change);
}

/* A whole run that stages a text and puts it at path, over what is there if anything is. */
static inline void repair(struct volume *volume, const char *path, const char *text, char run[32])
{
	DD_AUTOFREE char *memory = NULL;
	struct dd_change *change;
	struct dd_put put = ready(volume, &change, path, text, run, &memory);

	end(volume, change, &put);
}

/* A whole run that puts what lies elsewhere. */
static inline void move_in(struct volume *volume, const char *origin, const char *path, char run[32])
{
	DD_AUTOFREE char *memory = NULL, *origin_memory = NULL;
	struct dd_put put = put_from(volume, origin, path, &memory, &origin_memory);
	struct dd_change *change = begin_change(volume);

	if (exists(volume, path))
		replaces(volume, &put);
	snprintf(run, 32, "%s", dd_change_get_run(change));
	announce_and_seal(volume, change, &put);
	end(volume, change, &put);
}

static inline struct dd_trash load_trash(struct volume *opened)
{
	struct volume volume = *opened;
	struct dd_trash trash;

	assert_code(dd_trash_load(volume.ctx, volume.store, &trash, &volume.err), 0);
	return trash;
}

/* Whether a run has a directory of its own, listed or not. */
static inline bool is_there(const struct volume *volume, const char *run)
{
	char path[64];

	snprintf(path, sizeof(path), ".drydock/trash/%s", run);
	return exists(volume, path);
}

/* Whether nothing is staged in a run. */
static inline bool none_staged(const struct volume *volume, const char *run)
{
	return !exists(volume, in_trash(run, "staged/0")) &&
	       !exists(volume, in_trash(run, "staged/1"));
}

/* Do it in a process that is killed before its renames of that number; its run's name. */
static inline void die(struct volume *volume, void (*work)(struct volume *volume), int renames,
		       char run[32])
{
	int status, ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		renames_until_death = renames;
		dup2(ends[1], 100);
		work(volume);
		kill(getpid(), SIGKILL);
	}
	close(ends[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	memset(run, 0, 32);
	assert_true(read(ends[0], run, 31) > 0);
	close(ends[0]);
}

/* For who dies: say what the run is called while that can be said. */
static inline void tell(const struct dd_change *change)
{
	const char *run = dd_change_get_run(change);

	if (write(100, run, strlen(run)) < 0)
		_exit(1);
}

/* The next change, which ends what was left half done. */
static inline void settle(struct volume *volume)
{
	reset_renames(NULL);
	dd_change_close(begin_change(volume));
}

#endif
