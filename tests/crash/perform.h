/*
 * perform.h - carries a changing call out, and records what it did.
 */
#ifndef CRASH_PERFORM_H
#define CRASH_PERFORM_H

#include "oplog.h"
#include "strike.h"
#include <stdatomic.h>

/* The disk is full; and then something that took up space went: it has room again. */
static atomic_bool starving, relieved;

static void relieve(const struct stat *before, long blocks_now)
{
	if (atomic_load(&starving) && before->st_blocks > blocks_now)
		atomic_store(&relieved, true);
}

static long opened(const struct strike *s)
{
	struct entry before = entry_of(s->dirfd, s->path);
	long fd = as_is(s);
	struct stat st;

	if (fd < 0 || gate_stat((int)fd, "", &st) != 0 || S_ISDIR(st.st_mode))
		return fd;
	if (st.st_nlink == 0) {
		oplog_op("temp");
		oplog_number(st.st_ino);
	} else if (before.ino == 0) {
		oplog_entry("create", &before, st.st_ino, s->place.below);
		oplog_end(NULL);
		return fd;
	} else if (before.size > 0 && st.st_size == 0) {
		oplog_op("truncate");
		oplog_number(st.st_ino);
		oplog_number(0);
	} else {
		return fd;
	}
	oplog_end(s->place.below);
	return fd;
}

static long written(const struct strike *s)
{
	int fd = (int)s->arg[0], nr = s->call->nr;
	bool vector = nr == SYS_writev || nr == SYS_pwritev || nr == SYS_pwritev2;
	bool at =
		nr == SYS_pwrite64 || nr == SYS_pwritev || (nr == SYS_pwritev2 && s->arg[3] != -1);
	struct iovec one = { (void *)s->arg[1], (size_t)s->arg[2] };
	long n = as_is(s), offset = s->arg[3];

	if (n <= 0)
		return n;
	if (!at)
		offset = crash_gate(SYS_lseek, fd, 0, SEEK_CUR, 0, 0, 0) - n;
	oplog_write(fd, offset, vector ? (const struct iovec *)s->arg[1] : &one, (size_t)n,
		    s->place.below);
	return n;
}

static const char *path_in(const struct place *place)
{
	return place->below != NULL ? place->below : place->path;
}

static long renamed(const struct strike *s)
{
	struct entry from = entry_of(s->dirfd, s->path), to = entry_of(s->dirfd2, s->path2);
	bool exchange = s->call->nr == SYS_renameat2 && (s->arg[4] & 2);
	long rc = as_is(s);

	if (rc == 0 && from.ino != to.ino)
		oplog_rename(exchange, &from, path_in(&s->place), &to, path_in(&s->place2));
	return rc;
}

static long removed(const struct strike *s, bool directory)
{
	struct entry gone = entry_of(s->dirfd, s->path);
	struct stat before = { 0 };
	long rc;

	gate_stat((int)s->dirfd, s->path, &before);
	rc = as_is(s);
	if (rc == 0) {
		oplog_entry(directory ? "rmdir" : "unlink", &gone, gone.ino, s->place.below);
		oplog_end(NULL);
		relieve(&before, 0);
	}
	return rc;
}

static long made(const struct strike *s, const char *op)
{
	bool second = s->path2 != NULL;
	const char *text = second ? s->place2.below : s->place.below;
	struct entry born;
	long rc = as_is(s);

	if (rc < 0)
		return rc;
	if (s->call->shape == TO_AT || s->call->shape == TO_PATH)
		text = (const char *)s->arg[0];
	born = second ? entry_of(s->dirfd2, s->path2) : entry_of(s->dirfd, s->path);
	oplog_entry(op, &born, born.ino, text);
	oplog_end(NULL);
	return rc;
}

/* What changes a file as a whole: its size, space, times, mode, or how safe it is. */
static long altered(const struct strike *s)
{
	const char *path = s->path != NULL ? s->path : "";
	struct stat before = { 0 }, st = { 0 };
	long rc;

	gate_stat((int)s->dirfd, path, &before);
	rc = as_is(s);
	if (rc < 0)
		return rc;
	gate_stat((int)s->dirfd, path, &st);
	relieve(&before, (long)st.st_blocks);
	switch (s->call->nr) {
	case SYS_truncate:
	case SYS_ftruncate:
		oplog_op("truncate");
		oplog_number(st.st_ino);
		oplog_number((unsigned long)st.st_size);
		break;
	case SYS_fallocate:
		oplog_op("fallocate");
		oplog_number(st.st_ino);
		for (int i = 1; i < 4; i++)
			oplog_number((unsigned long)s->arg[i]);
		break;
	case SYS_utimensat:
	case SYS_fsync:
	case SYS_fdatasync:
		oplog_op(s->call->nr == SYS_utimensat ? "touch" : "fsync");
		oplog_number(st.st_ino);
		oplog_number((unsigned long)st.st_mtim.tv_sec * 1000000000UL +
			     (unsigned long)st.st_mtim.tv_nsec);
		break;
	case SYS_syncfs:
		oplog_op("syncfs");
		break;
	default:
		oplog_op("chmod");
		oplog_number(st.st_ino);
		oplog_number(st.st_mode & 07777);
	}
	oplog_end(s->place.below);
	return rc;
}

static long perform(const struct strike *s)
{
	if (!(s->traits & CHANGE))
		return as_is(s);
	switch (s->call->nr) {
	case SYS_openat:
	case SYS_openat2:
		return opened(s);
	case SYS_write:
	case SYS_pwrite64:
	case SYS_writev:
	case SYS_pwritev:
	case SYS_pwritev2:
		return written(s);
	case SYS_renameat2:
		return renamed(s);
	case SYS_unlinkat:
		return removed(s, (s->arg[2] & AT_REMOVEDIR) != 0);
	case SYS_mkdirat:
		return made(s, "mkdir");
	case SYS_linkat:
		return made(s, "link");
	case SYS_symlinkat:
		return made(s, "symlink");
#ifdef SYS_renameat
	case SYS_renameat:
		return renamed(s);
#endif
#ifdef SYS_open
	case SYS_open:
	case SYS_creat:
		return opened(s);
	case SYS_rename:
		return renamed(s);
	case SYS_unlink:
		return removed(s, false);
	case SYS_rmdir:
		return removed(s, true);
	case SYS_mkdir:
		return made(s, "mkdir");
	case SYS_link:
		return made(s, "link");
	case SYS_symlink:
		return made(s, "symlink");
#endif
	default:
		return altered(s);
	}
}

#endif
