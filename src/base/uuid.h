/*
 * Names that nobody else takes: random UUIDs (RFC 9562, version 4), in lower case.
 */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include <drydock/error.h>

#define DD_UUID_TEXT 37 /* with its NUL */

/* DD_EIO: the system has no randomness to give. */
int dd_uuid_make(char text[static DD_UUID_TEXT], struct dd_error *err);

#endif
