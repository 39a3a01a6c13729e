/*
 * Errors and exit statuses.
 *
 * Every function that can fail returns 0 or a negative enum dd_code, and takes as its last argument
 * a struct dd_error that the caller owns (NULL: not interested). The layer that notices the failure
 * fills it with dd_fail(); every layer above adds the one fact that the layer below could not know
 * with dd_wrap(). dd_hint() says what a person can do about it.
 *
 * Texts hold bytes as they were found on the volume: escape them (dd_escape()) before a terminal
 * sees them. No locking: an error belongs to one thread.
 */
#ifndef DRYDOCK_ERROR_H
#define DRYDOCK_ERROR_H

#include <stddef.h>

#define DD_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* What a program ends with; drydock(1), EXIT STATUS. */
enum dd_exit {
	DD_EXIT_DONE = 0,
	DD_EXIT_ATTENTION = 1,	  /* something needs a person */
	DD_EXIT_USAGE = 2,	  /* usage or configuration */
	DD_EXIT_FAILED = 3,	  /* the work could not be done, or not all of it */
	DD_EXIT_LOCKED = 4,	  /* another run holds the lock */
	DD_EXIT_INTERRUPTED = 130 /* SIGINT; 143 for SIGTERM */
};

/* X(name, value, exit status, what it means) */
#define DD_CODES(X)                                                             \
	X(DD_OK, 0, DD_EXIT_DONE, "done")                                       \
	X(DD_ENOMEM, -1, DD_EXIT_FAILED, "out of memory")                       \
	X(DD_EIO, -2, DD_EXIT_FAILED, "a file could not be read or written")    \
	X(DD_ENOENT, -3, DD_EXIT_FAILED, "not found")                           \
	X(DD_EACCES, -4, DD_EXIT_FAILED, "permission denied")                   \
	X(DD_ENOSPC, -5, DD_EXIT_FAILED, "no space left")                       \
	X(DD_EEXIST, -6, DD_EXIT_FAILED, "something is there already")          \
	X(DD_EXDEV, -7, DD_EXIT_FAILED, "on another file system")               \
	X(DD_ESYMLINK, -8, DD_EXIT_FAILED, "a symbolic link is in the way")     \
	X(DD_EIRREGULAR, -9, DD_EXIT_FAILED, "not a regular file or directory") \
	X(DD_EUSAGE, -10, DD_EXIT_USAGE, "wrong usage")                         \
	X(DD_ECONFIG, -11, DD_EXIT_USAGE, "wrong configuration")                \
	X(DD_EFORMAT, -12, DD_EXIT_ATTENTION, "malformed")                      \
	X(DD_ECORRUPT, -13, DD_EXIT_ATTENTION, "bytes differ from the digest")  \
	X(DD_EUNKNOWN, -14, DD_EXIT_ATTENTION, "of an unknown type")            \
	X(DD_ETOOBIG, -15, DD_EXIT_ATTENTION, "over a bound")                   \
	X(DD_ECHANGED, -16, DD_EXIT_ATTENTION, "changed meanwhile")             \
	X(DD_EAMBIGUOUS, -17, DD_EXIT_USAGE, "ambiguous")                       \
	X(DD_EREFUSED, -18, DD_EXIT_FAILED, "refused")                          \
	X(DD_ENOTSUP, -19, DD_EXIT_FAILED, "not supported here")                \
	X(DD_ELOCKED, -20, DD_EXIT_LOCKED, "locked by another run")             \
	X(DD_ECANCELLED, -21, DD_EXIT_INTERRUPTED, "interrupted")               \
	X(DD_EAGAIN, -22, DD_EXIT_FAILED, "not at once")

enum dd_code {
#define X(name, value, status, text) name = value,
	DD_CODES(X)
#undef X
};

#define DD_ERROR_TEXT 1024
#define DD_HINT_TEXT 512

struct dd_error {
	int code;		  /* enum dd_code */
	int sys_errno;		  /* errno behind it, 0 if none */
	char text[DD_ERROR_TEXT]; /* outermost fact first, parts joined by ": " */
	char hint[DD_HINT_TEXT];  /* what to try; empty if nothing is known */
};

/* Start an error; sys is an errno or 0, its text is appended. Returns code. err may be NULL. */
int dd_fail(struct dd_error *err, int code, int sys, const char *fmt, ...) DD_PRINTF(4, 5);

/* Put one fact in front of an error. Returns rc, so that "return dd_wrap(…)" reads well. */
int dd_wrap(struct dd_error *err, int rc, const char *fmt, ...) DD_PRINTF(3, 4);

/* Say what to try, unless a lower layer already did. */
void dd_hint(struct dd_error *err, const char *fmt, ...) DD_PRINTF(2, 3);

void dd_error_clear(struct dd_error *err);

/* The code that an errno stands for. */
int dd_code_of_errno(int sys);

/* The name ("DD_EIO"), meaning and exit status of a code; static storage. */
const char *dd_code_name(int code);
const char *dd_code_text(int code);
enum dd_exit dd_code_exit(int code);

#endif
