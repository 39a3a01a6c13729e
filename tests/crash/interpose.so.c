/*
 * interpose - preloaded into a program, sees each system call that touches
 * files below one directory, and kills, starves or records the program there.
 *
 * Two numbers name a moment. A *call* is any call on something below the root,
 * reads and listings too; a *change* is one that may alter the volume, syncs
 * included. Both count from 1 and repeat from run to run, if the program runs
 * one job. By environment:
 *
 *	CRASH_ROOT=DIR		the directory, absolute and without symlinks
 *	CRASH_TRACE=FILE	a line a call: call, change or 0, traits, name, path
 *	CRASH_LOG=FILE		what was done to the volume (oplog.h)
 *	CRASH_HIT=FILE		gets the call that was struck
 *	CRASH_KILL_BEFORE=N	SIGKILL at the Nth change, undone
 *	CRASH_KILL_TORN=N	the same, half of the bytes written
 *	CRASH_KILL_AFTER=N	the same, done
 *	CRASH_TERM_BEFORE=N	SIGTERM at the Nth change, which is then done
 *	CRASH_FAIL=N		the Nth call fails with CRASH_ERRNO (a number)
 *	CRASH_MODE=once		and only this (default)
 *		   on		and each later one that can fail so
 *		   full		(ENOSPC) and each later one that needs space,
 *				until something is removed or cut short
 *		   late		the call is carried out, then reported as failed
 *		   short	half is read or written; the next write fails
 *		   half		half is read or written, and nothing fails
 *
 * Where a call strikes is told in place.h, how nothing passes unseen in gate.h.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "perform.h"
#include "trap.h"
#include <linux/falloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

enum mode { ONCE, ON, FULL, LATE, SHORT, HALF };

static const char *const mode_names[] = { "once", "on", "full", "late", "short", "half" };

static struct {
	unsigned long kill_before, kill_torn, kill_after, term_before, fail;
	int error;
	enum mode mode;
	int trace_fd, hit_fd;
} order = { .trace_fd = -1, .hit_fd = -1 };

static atomic_ulong call_count;
static unsigned long change_count;
static atomic_bool write_fails_next;
static atomic_flag changing = ATOMIC_FLAG_INIT;

static void signal_self(int signal)
{
	long self = crash_gate(SYS_getpid, 0, 0, 0, 0, 0, 0);

	crash_gate(SYS_kill, self, signal, 0, 0, 0, 0);
}

static _Noreturn void die(void)
{
	for (;;)
		signal_self(SIGKILL);
}

/* A line for people and for the driver: "12 3 cs renameat2 path". */
static void tell(int fd, const struct strike *s, unsigned long call, unsigned long change)
{
	static const char letters[] = "csafidyx";
	char line[2 * PATH_MAX + 128], *to = line;

	if (fd < 0)
		return;
	to = put_number(to, call);
	*to++ = ' ';
	to = put_number(to, change);
	*to++ = ' ';
	*to++ = '-';
	for (int i = 0; letters[i] != '\0'; i++)
		if (s->traits & (1U << i))
			*to++ = letters[i];
	*to++ = ' ';
	to = stpcpy(to, s->call->name);
	*to++ = ' ';
	to = stpcpy(to, s->place.below != NULL ? s->place.below : s->place2.below);
	*to++ = '\n';
	gate_write(fd, line, (size_t)(to - line));
}

/* --- struck ------------------------------------------------------------ */

/* Reads or writes half of what was asked for: legal at any time. */
static long perform_half(struct strike *s)
{
	bool vector = strchr(s->call->name, 'v') != NULL;
	struct iovec first;

	if (vector) {
		first = *(const struct iovec *)s->arg[1];
		first.iov_len -= first.iov_len / 2;
		s->arg[1] = (long)&first;
		s->arg[2] = 1;
	} else {
		s->arg[2] -= s->arg[2] / 2;
	}
	return perform(s);
}

static long bytes_of(const struct strike *s)
{
	const struct iovec *iov = (const struct iovec *)s->arg[1];
	long sum = 0;

	if (s->call->nr == SYS_write || s->call->nr == SYS_pwrite64)
		return s->arg[2];
	for (long i = 0; i < s->arg[2]; i++)
		sum += (long)iov[i].iov_len;
	return sum;
}

/* What a full disk still does: bytes go where the file already has space. */
static bool has_space(const struct strike *s)
{
	long fd = s->arg[0], start = s->arg[3];
	struct stat st;

	switch (s->call->nr) {
	case SYS_fsync:
	case SYS_fdatasync:
	case SYS_syncfs:
	case SYS_truncate:
	case SYS_ftruncate:
		return true;
	case SYS_fallocate:
		if (s->arg[1] & FALLOC_FL_PUNCH_HOLE)
			return true;
		break;
	default:
		break;
	}
	if (!(s->traits & DATA) || gate_stat((int)fd, "", &st) != 0)
		return false;
	if (crash_gate(SYS_fcntl, fd, F_GETFL, 0, 0, 0, 0) & O_APPEND)
		start = (long)st.st_size;
	else if (s->call->nr == SYS_write || s->call->nr == SYS_writev)
		start = crash_gate(SYS_lseek, fd, 0, SEEK_CUR, 0, 0, 0);
	return start + bytes_of(s) <= (long)st.st_blocks * 512;
}

static bool is_struck(const struct strike *s, unsigned long n)
{
	if (atomic_load(&write_fails_next) && (s->traits & CHANGE) && (s->traits & DATA))
		return true;
	if (order.fail == 0 || n < order.fail)
		return false;
	switch (order.mode) {
	case ON:
		return order.error != ENOSPC || (s->traits & SPACE);
	case FULL:
		return (s->traits & SPACE) && !atomic_load(&relieved) && !has_space(s);
	default:
		return n == order.fail;
	}
}

static long struck(struct strike *s)
{
	if (s->traits & CLOSE) /* Linux always closes, whatever it says */
		as_is(s);
	switch (order.mode) {
	case LATE:
		perform(s);
		break;
	case HALF:
		return perform_half(s);
	case SHORT:
		if (!atomic_exchange(&write_fails_next, false)) {
			atomic_store(&write_fails_next, (s->traits & CHANGE) != 0);
			return perform_half(s);
		}
		break;
	default:
		break;
	}
	return -order.error;
}

static long judged(struct strike *s)
{
	bool change = (s->traits & CHANGE) != 0;
	unsigned long call = atomic_fetch_add(&call_count, 1) + 1;
	unsigned long now = change ? ++change_count : 0;
	long result;

	tell(order.trace_fd, s, call, now);
	if (change && (now == order.kill_before || now == order.kill_torn)) {
		tell(order.hit_fd, s, call, now);
		if (now == order.kill_torn && (s->traits & DATA))
			perform_half(s);
		die();
	}
	if (change && now == order.term_before) {
		tell(order.hit_fd, s, call, now);
		signal_self(SIGTERM); /* arrives when the handler is left */
	}
	if (is_struck(s, call)) {
		tell(order.hit_fd, s, call, now);
		atomic_store(&starving, true);
		result = struck(s);
	} else {
		result = perform(s);
	}
	if (change && now == order.kill_after) {
		tell(order.hit_fd, s, call, now);
		die();
	}
	return result;
}

/* --- the trap ---------------------------------------------------------- */

static bool is_lock(long command)
{
	return command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK ||
	       command == F_OFD_SETLKW;
}

static long answer(struct strike *s)
{
	long result;

	if (s->call->nr == SYS_fcntl && !is_lock(s->arg[1]))
		return as_is(s);
	if (s->call->nr == SYS_mmap && (s->arg[3] & MAP_ANONYMOUS))
		return as_is(s);
	if (!strikes_volume(s))
		return as_is(s);
	/* Neither what is cloned nor what is stored in a mapping could be recorded. */
	if (s->call->nr == SYS_ioctl)
		return -ENOTTY;
	if (s->call->nr == SYS_mmap && (s->arg[2] & PROT_WRITE) &&
	    (s->arg[3] & MAP_TYPE) != MAP_PRIVATE)
		return -ENODEV;

	s->traits = traits_of(s);
	if (!(s->traits & CHANGE))
		return judged(s);
	while (atomic_flag_test_and_set(&changing))
		crash_gate(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	result = judged(s);
	atomic_flag_clear(&changing);
	return result;
}

static void on_trap(int signal, siginfo_t *info, void *context)
{
	struct strike strike;
	long result;

	(void)signal;
	strike.call = call_of(info->si_syscall);
	trapped_arguments(context, strike.arg);
	if (strike.call == NULL) /* someone else's filter */
		result = -ENOSYS;
	else if (strike.call->shape == REFUSED)
		result = -(long)strike.call->traits;
	else if (strike.call->nr == SYS_rt_sigprocmask)
		result = change_mask(context, strike.arg);
	else if (strike.call->nr == SYS_rt_sigaction)
		result = change_action(strike.arg);
	else
		result = answer(&strike);
	trapped_result(context, result);
}

/* --- what is ordered --------------------------------------------------- */

static unsigned long number_from(const char *name)
{
	const char *text = getenv(name);

	return text != NULL ? strtoul(text, NULL, 10) : 0;
}

/* Far from the descriptors that the program counts on. */
static int file_from(const char *name)
{
	const char *path = getenv(name);
	int low, fd;

	if (path == NULL)
		return -1;
	low = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	fd = fcntl(low, F_DUPFD_CLOEXEC, 500);
	if (low < 0 || fd < 0)
		abort();
	close(low);
	return fd;
}

__attribute__((constructor)) static void begin(void)
{
	const char *root = getenv("CRASH_ROOT"), *mode = getenv("CRASH_MODE");

	if (root == NULL || *root != '/' || strlen(root) >= PATH_MAX)
		return;
	place_root_length = strlen(root);
	memcpy(place_root, root, place_root_length + 1);
	for (size_t i = 0; mode != NULL && i < sizeof(mode_names) / sizeof(*mode_names); i++)
		if (strcmp(mode, mode_names[i]) == 0)
			order.mode = (enum mode)i;
	order.kill_before = number_from("CRASH_KILL_BEFORE");
	order.kill_torn = number_from("CRASH_KILL_TORN");
	order.kill_after = number_from("CRASH_KILL_AFTER");
	order.term_before = number_from("CRASH_TERM_BEFORE");
	order.fail = number_from("CRASH_FAIL");
	order.error = (int)number_from("CRASH_ERRNO");
	order.trace_fd = file_from("CRASH_TRACE");
	order.hit_fd = file_from("CRASH_HIT");
	oplog_fd = file_from("CRASH_LOG");

	set_handler(on_trap);
	set_filter();
}
