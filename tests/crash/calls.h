/*
 * calls.h - the system calls that touch files, as a table.
 *
 * What is not here passes untouched: the lists for x86-64 and aarch64 differ
 * only in the old calls that newer machines never had.
 */
#ifndef CRASH_CALLS_H
#define CRASH_CALLS_H

#include <errno.h>
#include <sys/syscall.h>

/* Which arguments say where. */
enum shape {
	FD,	 /* (fd) */
	PATH,	 /* (path) */
	AT,	 /* (dirfd, path) */
	PATHS,	 /* (path, path) */
	ATS,	 /* (dirfd, path, dirfd, path) */
	TO_PATH, /* (text, path) */
	TO_AT,	 /* (text, dirfd, path) */
	FIFTH,	 /* (…, fd) as mmap */
	REFUSED, /* nowhere; the "traits" are the error */
	SIGNALS,
};

enum trait {
	CHANGE = 1, /* may alter the volume, or syncs it */
	SPACE = 2,  /* can fail with ENOSPC */
	ACCESS = 4, /* … EACCES */
	FDS = 8,    /* … EMFILE */
	INTR = 16,  /* … EINTR */
	DATA = 32,  /* reads bytes, or writes them */
	SYNC = 64,
	CLOSE = 128,
};

struct call {
	int nr;
	const char *name;
	enum shape shape;
	unsigned traits;
};

/* What each system call is: its traits say when it counts and how it can fail. */
#define WRITES (CHANGE | DATA | SPACE | INTR)

/* open and its kin become changes by their flags. */
static const struct call calls[] = {
	{ SYS_openat, "openat", AT, ACCESS | FDS | INTR },
	{ SYS_openat2, "openat2", AT, ACCESS | FDS | INTR },
	{ SYS_read, "read", FD, DATA | INTR },
	{ SYS_pread64, "pread", FD, DATA | INTR },
	{ SYS_readv, "readv", FD, DATA | INTR },
	{ SYS_preadv, "preadv", FD, DATA | INTR },
	{ SYS_preadv2, "preadv2", FD, DATA | INTR },
	{ SYS_write, "write", FD, WRITES },
	{ SYS_pwrite64, "pwrite", FD, WRITES },
	{ SYS_writev, "writev", FD, WRITES },
	{ SYS_pwritev, "pwritev", FD, WRITES },
	{ SYS_pwritev2, "pwritev2", FD, WRITES },
	{ SYS_close, "close", FD, INTR | CLOSE },
	{ SYS_getdents64, "getdents64", FD, 0 },
	{ SYS_fstat, "fstat", FD, 0 },
	{ SYS_newfstatat, "fstatat", AT, ACCESS },
	{ SYS_statx, "statx", AT, ACCESS },
	{ SYS_statfs, "statfs", PATH, ACCESS },
	{ SYS_fstatfs, "fstatfs", FD, 0 },
	{ SYS_faccessat, "faccessat", AT, ACCESS },
	{ SYS_faccessat2, "faccessat2", AT, ACCESS },
	{ SYS_readlinkat, "readlinkat", AT, ACCESS },
	{ SYS_fcntl, "fcntl", FD, INTR },
	{ SYS_flock, "flock", FD, INTR },
	{ SYS_mmap, "mmap", FIFTH, 0 },
	{ SYS_renameat2, "renameat2", ATS, CHANGE | SPACE | ACCESS },
	{ SYS_mkdirat, "mkdirat", AT, CHANGE | SPACE | ACCESS },
	{ SYS_unlinkat, "unlinkat", AT, CHANGE | ACCESS },
	{ SYS_linkat, "linkat", ATS, CHANGE | SPACE | ACCESS },
	{ SYS_symlinkat, "symlinkat", TO_AT, CHANGE | SPACE | ACCESS },
	{ SYS_truncate, "truncate", PATH, CHANGE | SPACE | ACCESS | INTR },
	{ SYS_ftruncate, "ftruncate", FD, CHANGE | SPACE | INTR },
	{ SYS_fallocate, "fallocate", FD, CHANGE | SPACE | INTR },
	{ SYS_utimensat, "utimensat", AT, CHANGE | ACCESS },
	{ SYS_fchmod, "fchmod", FD, CHANGE },
	{ SYS_fchmodat, "fchmodat", AT, CHANGE | ACCESS },
	{ SYS_fchown, "fchown", FD, CHANGE },
	{ SYS_fchownat, "fchownat", AT, CHANGE | ACCESS },
	{ SYS_fsync, "fsync", FD, CHANGE | SPACE | INTR | SYNC },
	{ SYS_fdatasync, "fdatasync", FD, CHANGE | SPACE | INTR | SYNC },
	{ SYS_syncfs, "syncfs", FD, CHANGE | SPACE | SYNC },
	/* These go past the record: refused, as old kernels and some file systems do. */
	{ SYS_copy_file_range, "copy_file_range", REFUSED, EOPNOTSUPP },
	{ SYS_sendfile, "sendfile", REFUSED, EINVAL },
	{ SYS_io_uring_setup, "io_uring_setup", REFUSED, ENOSYS },
	/* Not for the volume: the trap itself must stay set (trap.h). */
	{ SYS_rt_sigprocmask, "rt_sigprocmask", SIGNALS, 0 },
	{ SYS_rt_sigaction, "rt_sigaction", SIGNALS, 0 },
#ifdef SYS_renameat
	{ SYS_renameat, "renameat", ATS, CHANGE | SPACE | ACCESS },
#endif
#ifdef SYS_open /* the old calls, where there are any */
	{ SYS_open, "open", PATH, ACCESS | FDS | INTR },
	{ SYS_creat, "creat", PATH, CHANGE | SPACE | ACCESS | FDS | INTR },
	{ SYS_stat, "stat", PATH, ACCESS },
	{ SYS_lstat, "lstat", PATH, ACCESS },
	{ SYS_access, "access", PATH, ACCESS },
	{ SYS_readlink, "readlink", PATH, ACCESS },
	{ SYS_getdents, "getdents", FD, 0 },
	{ SYS_rename, "rename", PATHS, CHANGE | SPACE | ACCESS },
	{ SYS_mkdir, "mkdir", PATH, CHANGE | SPACE | ACCESS },
	{ SYS_rmdir, "rmdir", PATH, CHANGE | ACCESS },
	{ SYS_unlink, "unlink", PATH, CHANGE | ACCESS },
	{ SYS_link, "link", PATHS, CHANGE | SPACE | ACCESS },
	{ SYS_symlink, "symlink", TO_PATH, CHANGE | SPACE | ACCESS },
	{ SYS_chmod, "chmod", PATH, CHANGE | ACCESS },
	{ SYS_chown, "chown", PATH, CHANGE | ACCESS },
	{ SYS_lchown, "lchown", PATH, CHANGE | ACCESS },
#endif
};

#define CALLS (sizeof(calls) / sizeof(calls[0]))

#endif
