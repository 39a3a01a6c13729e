/*
 * Errors as the specification has them: a status, a code, a message, in JSON.
 *
 * Source: OCI distribution-spec 1.1, "Error Codes"; UNAVAILABLE, TOOMANYREQUESTS and
 * PAGINATION_NUMBER_INVALID as Docker's registry has them.
 */
#ifndef SERVE_FAIL_H
#define SERVE_FAIL_H

#include <drydock/error.h>

#include "serve/http.h"

/* X(constant, status, code, message) */
#define DD_FAILURES(X)                                                                         \
	X(DD_NO_ROUTE, 404, "NAME_UNKNOWN", "no such path in this registry's API")             \
	X(DD_BLOB_UNKNOWN, 404, "BLOB_UNKNOWN", "the repository has no such blob")             \
	X(DD_UPLOAD_INVALID, 416, "BLOB_UPLOAD_INVALID", "the upload cannot go on with that")  \
	X(DD_UPLOAD_BAD, 400, "BLOB_UPLOAD_INVALID", "the upload cannot go on with that")      \
	X(DD_UPLOAD_UNKNOWN, 404, "BLOB_UPLOAD_UNKNOWN", "there is no such upload")            \
	X(DD_UPLOAD_BUSY, 409, "BLOB_UPLOAD_INVALID", "another request writes to the upload")  \
	X(DD_DIGEST_INVALID, 400, "DIGEST_INVALID",                                            \
	  "the digest is none, or not that of the bytes")                                      \
	X(DD_MANIFEST_BLOB_UNKNOWN, 404, "MANIFEST_BLOB_UNKNOWN",                              \
	  "the manifest names what the repository does not have")                              \
	X(DD_MANIFEST_INVALID, 400, "MANIFEST_INVALID", "no manifest")                         \
	X(DD_MANIFEST_UNKNOWN, 404, "MANIFEST_UNKNOWN", "the repository has no such manifest") \
	X(DD_NAME_INVALID, 400, "NAME_INVALID", "no repository can have that name")            \
	X(DD_NAME_UNKNOWN, 404, "NAME_UNKNOWN", "there is no such repository")                 \
	X(DD_TAG_INVALID, 400, "TAG_INVALID", "no tag can have that name")                     \
	X(DD_TAG_IMMUTABLE, 409, "DENIED", "the tag is immutable")                             \
	X(DD_SIZE_INVALID, 400, "SIZE_INVALID", "not as many bytes as were announced")         \
	X(DD_REQUEST_INVALID, 400, "UNSUPPORTED", "no request that can be understood")         \
	X(DD_RANGE_INVALID, 416, "RANGE_INVALID", "no such range")                             \
	X(DD_PAGE_INVALID, 400, "PAGINATION_NUMBER_INVALID", "n is not a number")              \
	X(DD_UNAUTHORIZED, 401, "UNAUTHORIZED", "say who you are")                             \
	X(DD_DENIED, 403, "DENIED", "that is not allowed to you")                              \
	X(DD_TOO_SLOW, 408, "UNSUPPORTED", "the request took too long")                        \
	X(DD_UNSUPPORTED, 405, "UNSUPPORTED", "that is not supported")                         \
	X(DD_TOO_LARGE, 413, "MANIFEST_INVALID", "larger than is allowed")                     \
	X(DD_HEADERS_TOO_LARGE, 431, "UNSUPPORTED", "the headers are larger than is allowed")  \
	X(DD_TOO_MANY, 429, "TOOMANYREQUESTS", "too many at once: come back later")            \
	X(DD_TROUBLE, 500, "UNKNOWN", "something went wrong here; the log says what")          \
	X(DD_UNAVAILABLE, 503, "UNAVAILABLE", "not now: come back later")                      \
	X(DD_FULL, 507, "UNAVAILABLE", "too little room is left on the registry's disk")

enum dd_failure {
#define X(constant, status, code, message) constant,
	DD_FAILURES(X)
#undef X
	DD_FAILURE_COUNT
};

/* detail: what is added to the message; NULL: nothing. */
struct dd_reply *dd_fail_reply(enum dd_failure failure, const char *detail);
/* The failure of that HTTP status, or the general one. */
enum dd_failure dd_failure_of_status(unsigned status);

#endif
