/*
 * Globs: all ways at once. A state is a place in the glob; each byte of the name moves the set of
 * states on, so that no glob takes longer than its length for a byte.
 */
#include <string.h>

#include "policy/pattern.h"

/* Where the element at this place ends: "**", "[…]", or a single byte. */
static size_t element_end(const char *glob, size_t at)
{
	size_t end = at + 1;

	if (glob[at] == '*')
		return glob[end] == '*' ? end + 1 : end;
	if (glob[at] != '[')
		return end;
	if (glob[end] == '!' || glob[end] == '^')
		end++;
	if (glob[end] == ']')
		end++;
	while (glob[end] && glob[end] != ']')
		end++;
	return glob[end] ? end + 1 : at + 1;
}

/* Between the brackets, which are there. */
static bool in_set(const char *set, size_t len, char byte)
{
	bool negated = set[0] == '!' || set[0] == '^', found = false;

	for (size_t i = negated; i < len; i++) {
		if (i + 2 < len && set[i + 1] == '-') {
			found |= (unsigned char)set[i] <= (unsigned char)byte &&
				 (unsigned char)byte <= (unsigned char)set[i + 2];
			i += 2;
		} else {
			found |= set[i] == byte;
		}
	}
	return found != negated && byte != '/';
}

static bool takes(const char *glob, size_t at, size_t end, char byte)
{
	if (glob[at] == '*')
		return end - at == 2 || byte != '/';
	if (glob[at] == '?')
		return byte != '/';
	if (glob[at] == '[' && end - at > 1)
		return in_set(glob + at + 1, end - at - 2, byte);
	return glob[at] == byte;
}

/* A star may stand for nothing. */
static void enter(const char *glob, size_t at, bool *states)
{
	while (!states[at]) {
		states[at] = true;
		if (glob[at] != '*')
			return;
		at = element_end(glob, at);
	}
}

bool dd_glob_match(const char *glob, const char *name)
{
	bool states[DD_PATTERN_MAX + 1] = { false }, next[DD_PATTERN_MAX + 1];
	size_t len = strnlen(glob, DD_PATTERN_MAX);

	enter(glob, 0, states);
	for (; *name; name++) {
		bool any = false;

		memset(next, 0, len + 1);
		for (size_t at = 0; at < len; at++) {
			size_t end = element_end(glob, at);

			if (!states[at] || !takes(glob, at, end, *name))
				continue;
			enter(glob, glob[at] == '*' ? at : end, next);
			any = true;
		}
		if (!any)
			return false;
		memcpy(states, next, len + 1);
	}
	return states[len];
}
