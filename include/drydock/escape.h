/*
 * Untrusted bytes, made fit for a terminal and a log.
 *
 * Kept: printable UTF-8. Written as \xHH, a byte each: control characters, bytes that are no UTF-8,
 * what turns the direction of writing, and what has no width (U+202E, U+200B and their like). A
 * backslash is doubled, so that the text says unambiguously which bytes there were.
 */
#ifndef DRYDOCK_ESCAPE_H
#define DRYDOCK_ESCAPE_H

#include <stddef.h>

/*
 * Like snprintf(): at most room bytes are written, NUL included (room 0: none, out may be NULL), and
 * the length of the whole escaped text is returned. What does not fit is left out from the first
 * character that does not fit; no character and no escape is ever cut.
 */
size_t dd_escape(char *out, size_t room, const char *bytes, size_t len);

/*
 * For messages: the escaped text in one of 4 buffers of this thread, overwritten 4 calls later; a
 * longer one than 2 KiB ends in "…". NULL becomes "(null)".
 */
const char *dd_escaped(const char *text);

#endif
