/*
 * Writing JSON: a stream of any length in constant memory.
 *
 * The calls follow the document: objects and arrays are opened and ended, values put into them.
 * key is NULL inside arrays and at the top, never inside objects. Those of our own documents are the
 * caller's own text; where a document is about others' keys (annotations), they are written as texts
 * are. Misuse is our own bug and asserted.
 *
 * Errors stick: after the first one from the sink nothing more is handed to it, every call is
 * harmless, and dd_json_finish() reports it. So a writer checks once, at the end.
 *
 * Texts: UTF-8, bytes that are none become U+FFFD, a byte each; what a terminal should not see
 * (control characters, turned or invisible writing) is written as \uXXXX. No locking.
 */
#ifndef DRYDOCK_JSON_H
#define DRYDOCK_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <drydock/digest.h>
#include <drydock/error.h>

/* Takes all len bytes and returns 0, or returns an errno. */
typedef int dd_json_sink_fn(void *arg, const char *bytes, size_t len);

enum dd_json_flags {
	DD_JSON_PRETTY = 1 << 0, /* indented by two spaces, a value a line */
	DD_JSON_LINES = 1 << 1,	 /* many documents, a line each, ended by dd_json_newline() */
};

#define DD_JSON_DEPTH 64 /* of objects and arrays in each other */

struct dd_json_out;

/* The sink is called with a few KiB at a time; in LINES mode, whole lines as soon as they end. */
int dd_json_open(struct dd_json_out **out, dd_json_sink_fn *sink, void *arg, unsigned flags,
		 struct dd_error *err);
/* Forgets what was not finished. */
void dd_json_close(struct dd_json_out *out);
void dd_json_closep(struct dd_json_out **out);

/*
 * Hand the rest to the sink (outside of LINES mode with a newline at the end). Every object and
 * array has been ended. 0, or the first error that the sink returned.
 */
int dd_json_finish(struct dd_json_out *out, struct dd_error *err);
/* Whether the sink has failed, for loops that would rather stop early. */
bool dd_json_failed(const struct dd_json_out *out);

void dd_json_object(struct dd_json_out *out, const char *key);
void dd_json_array(struct dd_json_out *out, const char *key);
/* The innermost object or array. */
void dd_json_end(struct dd_json_out *out);
/* Ends a document; in LINES mode only, outside of all objects and arrays. */
void dd_json_newline(struct dd_json_out *out);

/* text NULL is null. */
void dd_json_text(struct dd_json_out *out, const char *key, const char *text);
/* A string of bytes as they were found; NUL may be among them. */
void dd_json_bytes(struct dd_json_out *out, const char *key, const void *data, size_t len);
void dd_json_uint(struct dd_json_out *out, const char *key, uint64_t value);
void dd_json_int(struct dd_json_out *out, const char *key, int64_t value);
void dd_json_bool(struct dd_json_out *out, const char *key, bool value);
void dd_json_null(struct dd_json_out *out, const char *key);
/* Nanoseconds since the epoch, as RFC 3339 in UTC, to the second. */
void dd_json_time(struct dd_json_out *out, const char *key, int64_t ns);
/* "sha256:…"; NULL is null. */
void dd_json_digest(struct dd_json_out *out, const char *key, const struct dd_digest *digest);

#endif
