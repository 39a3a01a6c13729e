/*
 * Base64 in, as strict as RFC 4648 lets one be: no blanks, no bits left over, so that no two texts
 * stand for the same bytes.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>

#include <drydock/error.h>

enum dd_base64_kind {
	DD_BASE64,    /* "+" and "/", padded */
	DD_BASE64_URL /* "-" and "_", not padded: a JWT's */
};

/* Bytes that so much text stands for at most, and a NUL. */
#define DD_BASE64_ROOM(len) ((len) / 4 * 3 + 4)

/* out has DD_BASE64_ROOM(len) bytes; a NUL comes behind them. 0 or DD_EFORMAT. */
int dd_base64_decode(enum dd_base64_kind kind, const char *text, size_t len, void *out,
		     size_t *out_len);

#endif
