/*
 * UTF-8, as strict as RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF. What is not
 * valid counts a byte at a time, as Go's decoder does.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DD_UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Length of the sequence at the start of len > 0 bytes, 0 if it is none; *point is its character. */
size_t dd_utf8_decode(const char *bytes, size_t len, uint32_t *point);

/* Length of the longest start of the bytes that is valid. */
size_t dd_utf8_valid(const char *bytes, size_t len);

/* Whether a person would not see the character as itself: controls, turned and invisible writing. */
bool dd_utf8_is_hidden(uint32_t point);

#endif
