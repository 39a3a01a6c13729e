/*
 * What a request's target means: pure, no input or output.
 *
 * Source: OCI distribution-spec 1.1, "Endpoints" (end-1 to end-13), and Docker's _catalog.
 *
 * The path is cut at its slashes as it came; each part is decoded after that, and has to be what the
 * grammar of its place allows. So nothing that is encoded ("%2f", "%00", "%2e%2e") ever moves a border.
 */
#ifndef SERVE_ROUTE_H
#define SERVE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include <drydock/digest.h>

/* X(constant, name for logs and metrics) */
#define DD_ROUTES(X)                       \
	X(DD_ROUTE_NONE, "none")           \
	X(DD_ROUTE_BASE, "base")           \
	X(DD_ROUTE_TOKEN, "token")         \
	X(DD_ROUTE_CATALOG, "catalog")     \
	X(DD_ROUTE_BLOB, "blob")           \
	X(DD_ROUTE_UPLOADS, "uploads")     \
	X(DD_ROUTE_UPLOAD, "upload")       \
	X(DD_ROUTE_MANIFEST, "manifest")   \
	X(DD_ROUTE_TAGS, "tags")           \
	X(DD_ROUTE_REFERRERS, "referrers") \
	X(DD_ROUTE_HEALTH, "healthz")      \
	X(DD_ROUTE_READY, "readyz")        \
	X(DD_ROUTE_METRICS, "metrics")

enum dd_route_kind {
#define X(constant, name) constant,
	DD_ROUTES(X)
#undef X
	DD_ROUTE_COUNT
};

const char *dd_route_name(enum dd_route_kind kind);

#define DD_ROUTE_REPOSITORY 256
#define DD_ROUTE_REFERENCE 160 /* the longest digest, tag, or upload id, and more */

/* What is wrong with a target that has the form of a route. */
enum dd_route_fault {
	DD_ROUTE_FINE,
	DD_ROUTE_BAD_NAME,	/* the repository's */
	DD_ROUTE_BAD_REFERENCE, /* neither tag nor digest */
	DD_ROUTE_BAD_DIGEST,
	DD_ROUTE_BAD_UPLOAD
};

struct dd_route {
	enum dd_route_kind kind;
	enum dd_route_fault fault;
	char repository[DD_ROUTE_REPOSITORY]; /* "": none */
	char reference[DD_ROUTE_REFERENCE];   /* decoded: tag, digest or upload id */
	bool by_digest;
	struct dd_digest digest; /* by_digest */
	const char *query;	 /* into the target, behind "?"; NULL: none */
	const char *host;	 /* into it, of one that is absolute; NULL: it is not */
	size_t host_len;
};

/* prefix: http.prefix, "/" or "/some/where/"; NULL is as good as "/". */
void dd_route_parse(const char *target, const char *prefix, struct dd_route *route);

/*
 * A field of a query, decoded into room: its length; -1: not there; -2: not to be decoded (a bad escape,
 * a NUL), or longer than there is room for. skip: so many fields of the name are passed over.
 */
int dd_query_get(const char *query, const char *name, size_t skip, char *out, size_t room);

/* For a query of ours: what is not plain is encoded. Cut to fit; the length. */
size_t dd_query_encode(char *out, size_t room, const char *text);

#endif
