/*
 * strike.h - one trapped call, with where it strikes and what it can do.
 */
#ifndef CRASH_STRIKE_H
#define CRASH_STRIKE_H

#include "calls.h"
#include "place.h"
#include <linux/openat2.h>
#include <stdint.h>

struct strike {
	const struct call *call;
	unsigned traits;
	long arg[6];
	long dirfd, dirfd2;
	const char *path, *path2; /* NULL: the descriptor itself */
	struct place place, place2;
};

static long as_is(const struct strike *s)
{
	return gate_call(s->call->nr, s->arg);
}

static bool strikes_volume(struct strike *s)
{
	const long *a = s->arg;
	bool one, two = false;

	s->dirfd = s->dirfd2 = AT_FDCWD;
	s->path = s->path2 = NULL;
	s->place2.below = NULL;
	switch (s->call->shape) {
	case FD:
		s->dirfd = (int)a[0];
		break;
	case FIFTH:
		s->dirfd = (int)a[4];
		break;
	case PATH:
		s->path = (const char *)a[0];
		break;
	case TO_PATH:
		s->path = (const char *)a[1];
		break;
	case AT:
		s->dirfd = (int)a[0];
		s->path = (const char *)a[1];
		break;
	case TO_AT:
		s->dirfd = (int)a[1];
		s->path = (const char *)a[2];
		break;
	case PATHS:
		s->path = (const char *)a[0];
		s->path2 = (const char *)a[1];
		break;
	case ATS:
		s->dirfd = (int)a[0];
		s->path = (const char *)a[1];
		s->dirfd2 = (int)a[2];
		s->path2 = (const char *)a[3];
		break;
	default:
		return false;
	}
	one = locate(&s->place, (int)s->dirfd, s->path);
	if (s->path2 != NULL)
		two = locate(&s->place2, (int)s->dirfd2, s->path2);
	return one || two;
}

static unsigned traits_of(const struct strike *s)
{
	unsigned traits = s->call->traits;
	uint64_t flags;

	if (s->call->nr == SYS_openat)
		flags = (uint64_t)s->arg[2];
	else if (s->call->nr == SYS_openat2)
		flags = ((const struct open_how *)s->arg[2])->flags;
#ifdef SYS_open
	else if (s->call->nr == SYS_open)
		flags = (uint64_t)s->arg[1];
#endif
	else
		return traits;
	if (flags & (O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY)))
		traits |= CHANGE | SPACE;
	return traits;
}

#endif
