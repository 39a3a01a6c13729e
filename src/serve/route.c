/*
 * Routes: from the right end of the path, for a repository's name may hold any word.
 */
#include <string.h>
#include <strings.h>

#include <drydock/layout.h>

#include "base/cleanup.h"
#include "serve/route.h"

#define PATH_LEN_MAX 1024 /* bytes of a path, over which it is none of ours */

const char *dd_route_name(enum dd_route_kind kind)
{
	static const char *const names[] = {
#define X(constant, name) [constant] = name,
		DD_ROUTES(X)
#undef X
	};

	return names[kind];
}

static int hex(char digit)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = digit ? strchr(digits, digit) : NULL;

	return at ? (int)((at - digits) & 15) : -1;
}

/* -2: no escape, NUL, no room. plus: "+" is a space, as in a query. */
static int decode(const char *bytes, size_t len, bool plus, char *out, size_t room)
{
	size_t to = 0;

	for (size_t from = 0; from < len; from++) {
		int byte = (unsigned char)bytes[from];

		if (byte == '%') {
			int high = from + 2 < len ? hex(bytes[from + 1]) : -1;
			int low = from + 2 < len ? hex(bytes[from + 2]) : -1;

			if (high < 0 || low < 0)
				return -2;
			byte = high * 16 + low;
			from += 2;
		} else if (plus && byte == '+') {
			byte = ' ';
		}
		if (!byte || to + 1 >= room)
			return -2;
		out[to++] = (char)byte;
	}
	out[to] = '\0';
	return (int)to;
}

/* ---- the path ---- */

struct path {
	const char *begin, *end; /* behind "/v2/" */
};

/* Take the last part off the path; false: there is none. */
static bool take_last(struct path *path, struct path *part)
{
	const char *slash = memrchr(path->begin, '/', (size_t)(path->end - path->begin));

	if (path->begin == path->end)
		return false;
	part->begin = slash ? slash + 1 : path->begin;
	part->end = path->end;
	path->end = slash ? slash : path->begin;
	return true;
}

static bool part_is(const struct path *part, const char *word)
{
	size_t len = strlen(word);

	return (size_t)(part->end - part->begin) == len && !memcmp(part->begin, word, len);
}

static bool decode_part(const struct path *part, char *out, size_t room)
{
	return decode(part->begin, (size_t)(part->end - part->begin), false, out, room) >= 0;
}

/* Part by part, so that an escape never makes a slash. */
static void set_repository(struct dd_route *route, const struct path *path)
{
	size_t len = 0;
	const char *at = path->begin;

	route->fault = DD_ROUTE_BAD_NAME;
	for (;;) {
		const char *slash = memchr(at, '/', (size_t)(path->end - at));
		struct path part = { at, slash ? slash : path->end };
		char *out = route->repository + len;
		size_t room = sizeof(route->repository) - len;

		if (room < 2 || !decode_part(&part, out, room) || strchr(out, '/')) {
			route->repository[0] = '\0';
			return;
		}
		len += strlen(out);
		if (!slash)
			break;
		if (len + 1 >= sizeof(route->repository)) {
			route->repository[0] = '\0';
			return;
		}
		route->repository[len++] = '/';
		at = slash + 1;
	}
	route->repository[len] = '\0';
	if (dd_repository_valid(route->repository))
		route->fault = DD_ROUTE_FINE;
	else
		route->repository[0] = '\0';
}

/* The first fault is the one that is told. */
static void set_fault(struct dd_route *route, enum dd_route_fault fault)
{
	if (route->fault == DD_ROUTE_FINE)
		route->fault = fault;
}

static void set_digest(struct dd_route *route, const struct path *part)
{
	if (decode_part(part, route->reference, sizeof(route->reference)) &&
	    dd_digest_parse(&route->digest, route->reference, strlen(route->reference)) == 0)
		route->by_digest = true;
	else
		set_fault(route, DD_ROUTE_BAD_DIGEST);
}

static void set_reference(struct dd_route *route, const struct path *part)
{
	if (!decode_part(part, route->reference, sizeof(route->reference)))
		route->reference[0] = '\0';
	if (strchr(route->reference, ':'))
		set_digest(route, part);
	else if (!dd_tag_valid(route->reference))
		set_fault(route, DD_ROUTE_BAD_REFERENCE);
}

static void set_upload(struct dd_route *route, const struct path *part)
{
	if (!decode_part(part, route->reference, sizeof(route->reference)) ||
	    !dd_upload_valid(route->reference))
		set_fault(route, DD_ROUTE_BAD_UPLOAD);
}

/* What is left of the path is the repository. */
static void match(struct dd_route *route, enum dd_route_kind kind, const struct path *path)
{
	route->kind = kind;
	set_repository(route, path);
}

static void parse_named(struct path path, struct dd_route *route)
{
	struct path last, second, third, rest;

	if (part_is(&path, "_catalog")) {
		route->kind = DD_ROUTE_CATALOG;
		return;
	}
	if (path.end > path.begin && path.end[-1] == '/') {
		path.end--; /* "uploads/" alone may end so */
		if (take_last(&path, &last) && part_is(&last, "uploads") &&
		    take_last(&path, &second) && part_is(&second, "blobs"))
			match(route, DD_ROUTE_UPLOADS, &path);
		return;
	}
	if (!take_last(&path, &last) || !take_last(&path, &second))
		return;
	rest = path;
	if (part_is(&second, "manifests")) {
		match(route, DD_ROUTE_MANIFEST, &rest);
		set_reference(route, &last);
	} else if (part_is(&second, "blobs") && part_is(&last, "uploads")) {
		match(route, DD_ROUTE_UPLOADS, &rest);
	} else if (part_is(&second, "uploads") && take_last(&path, &third) &&
		   part_is(&third, "blobs")) {
		match(route, DD_ROUTE_UPLOAD, &path);
		set_upload(route, &last);
	} else if (part_is(&second, "blobs")) {
		match(route, DD_ROUTE_BLOB, &rest);
		set_digest(route, &last);
	} else if (part_is(&second, "tags") && part_is(&last, "list")) {
		match(route, DD_ROUTE_TAGS, &rest);
	} else if (part_is(&second, "referrers")) {
		match(route, DD_ROUTE_REFERRERS, &rest);
		set_digest(route, &last);
	}
}

static void parse_plain(const struct path *path, struct dd_route *route)
{
	static const struct {
		const char *path;
		enum dd_route_kind kind;
	} plain[] = {
		{ "v2", DD_ROUTE_BASE },
		{ "v2/", DD_ROUTE_BASE },
		{ "v2/token", DD_ROUTE_TOKEN },
		{ "healthz", DD_ROUTE_HEALTH },
		{ "readyz", DD_ROUTE_READY },
		{ "metrics", DD_ROUTE_METRICS },
		{ "debug/health", DD_ROUTE_READY },
	};

	for (size_t i = 0; i < DD_COUNT(plain); i++)
		if (part_is(path, plain[i].path))
			route->kind = plain[i].kind;
}

/*
 * RFC 9112, 3.2.2: as proxies are asked, and servers have to understand. What names no host is none of these,
 * and "http://host" is its "/".
 */
static const char *take_origin(const char *target, struct dd_route *route)
{
	size_t scheme = !strncasecmp(target, "http://", 7)  ? 7 :
			!strncasecmp(target, "https://", 8) ? 8 :
							      0;
	size_t len = scheme ? strcspn(target + scheme, "/?#") : 0;

	route->host = len ? target + scheme : NULL;
	route->host_len = len;
	return len ? target + scheme + len : target;
}

void dd_route_parse(const char *target, const char *prefix, struct dd_route *route)
{
	size_t skip = prefix ? strlen(prefix) : 1, len;
	struct path path;

	target = take_origin(target, route);
	len = strcspn(target, "?#");
	path = (struct path){ target + skip, target + len };
	route->kind = DD_ROUTE_NONE;
	route->fault = DD_ROUTE_FINE;
	route->repository[0] = route->reference[0] = '\0';
	route->by_digest = false;
	route->query = target[len] == '?' ? target + len + 1 : NULL;
	/* The reference says there that it lives, and many probes ask for it. */
	if (len == 0 ? route->host != NULL : len == 1 && *target == '/')
		route->kind = DD_ROUTE_HEALTH;
	if (len > PATH_LEN_MAX || len < skip || strncmp(target, prefix ? prefix : "/", skip) != 0)
		return;
	if (route->kind == DD_ROUTE_NONE)
		parse_plain(&path, route);
	if (route->kind == DD_ROUTE_NONE && path.end - path.begin > 3 &&
	    !strncmp(path.begin, "v2/", 3)) {
		path.begin += 3;
		parse_named(path, route);
	}
}

/* ---- the query ---- */

int dd_query_get(const char *query, const char *name, size_t skip, char *out, size_t room)
{
	size_t name_len = strlen(name);

	for (const char *at = query; at && *at;) {
		size_t len = strcspn(at, "&#");
		const char *equal = memchr(at, '=', len);
		size_t key = equal ? (size_t)(equal - at) : len;

		if (key == name_len && !memcmp(at, name, key) && !skip--) {
			if (!equal)
				equal = at + len - 1;
			return decode(equal + 1, (size_t)(at + len - equal - 1), true, out, room);
		}
		if (at[len] != '&')
			break;
		at += len + 1;
	}
	return -1;
}

size_t dd_query_encode(char *out, size_t room, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~/:";
	size_t to = 0;

	for (; *text; text++) {
		bool keep = strchr(plain, *text) != NULL;

		if (to + (keep ? 1 : 3) >= room)
			break;
		if (keep) {
			out[to++] = *text;
		} else {
			out[to++] = '%';
			out[to++] = digits[(unsigned char)*text >> 4];
			out[to++] = digits[(unsigned char)*text & 15];
		}
	}
	if (room)
		out[to] = '\0';
	return to;
}
