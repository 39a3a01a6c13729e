/*
 * Checksummed lines, as journals and records have them:
 *
 *	<first 16 hex characters of the payload's sha256> <payload>\n
 *
 * A payload is words separated by single spaces; in a word, bytes up to space, '%' and 0x7f and
 * above are written as %XX (capital digits), and the empty word as "%". No word holds a NUL.
 *
 * The hasher is the caller's, opened for DD_SHA256: one serves any number of lines.
 */
#ifndef RECORD_LINE_H
#define RECORD_LINE_H

#include <drydock/digest.h>

#include "base/text.h"

#define DD_LINE_WORDS 20
#define DD_LINE_MAX ((size_t)64 << 10) /* bytes, with its newline */

/* Append one word (a space before it unless the payload is empty). 0 or DD_ENOMEM. */
int dd_line_word(struct dd_text *payload, const char *word);
int dd_line_number(struct dd_text *payload, uint64_t number);
/* Append the payload as a whole line to out, and empty it. DD_ETOOBIG: over DD_LINE_MAX. */
int dd_line_end(struct dd_hasher *hasher, struct dd_text *out, struct dd_text *payload,
		struct dd_error *err);

/*
 * The next line of [*at, end): its words, decoded in place and NUL-terminated. 1 if there was one,
 * 0 at the end, DD_EFORMAT if it is damaged (*at is behind it all the same). A last line without
 * its newline is damaged: it was torn.
 */
int dd_line_next(struct dd_hasher *hasher, char **at, char *end, char *words[DD_LINE_WORDS],
		 size_t *count, struct dd_error *err);

/* A word that is a decimal number, nothing around it. 0 or DD_EFORMAT. */
int dd_line_parse_number(const char *word, uint64_t *number);

#endif
