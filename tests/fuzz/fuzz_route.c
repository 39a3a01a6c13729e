/*
 * Any target is a route whose parts are what their grammar allows, or none; and its query is taken apart
 * within bounds.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/layout.h>

#include "must.h"
#include "serve/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_repository(const struct dd_route *route)
{
	if (!route->repository[0])
		return;
	MUST(dd_repository_valid(route->repository));
	MUST(!strstr(route->repository, ".."));
}

static void check_fine(const struct dd_route *route)
{
	switch (route->kind) {
	case DD_ROUTE_BLOB:
	case DD_ROUTE_REFERRERS:
		MUST(route->repository[0] && route->by_digest);
		break;
	case DD_ROUTE_MANIFEST:
		MUST(route->repository[0] && (route->by_digest || dd_tag_valid(route->reference)));
		break;
	case DD_ROUTE_UPLOAD:
		MUST(route->repository[0] && dd_upload_valid(route->reference));
		break;
	case DD_ROUTE_UPLOADS:
	case DD_ROUTE_TAGS:
		MUST(route->repository[0]);
		break;
	default:
		MUST(!route->repository[0]);
	}
}

static void check_query(const struct dd_route *route)
{
	static const char *const names[] = { "digest", "tag", "n", "last", "" };
	char out[64], again[200];

	for (size_t i = 0; route->query && i < sizeof(names) / sizeof(*names); i++)
		for (size_t skip = 0; skip < 3; skip++) {
			int len = dd_query_get(route->query, names[i], skip, out, sizeof(out));

			MUST(len >= -2 && len < (int)sizeof(out));
			if (len < 0)
				continue;
			MUST(strlen(out) == (size_t)len);
			MUST(dd_query_encode(again, sizeof(again), out) == strlen(again));
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const prefixes[] = { NULL, "/", "/a/b/" };
	char *target = malloc(size + 1);
	struct dd_route route;

	MUST(target);
	memcpy(target, data, size);
	target[size] = '\0';
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		dd_route_parse(target, prefixes[i], &route);
		check_repository(&route);
		if (route.kind != DD_ROUTE_NONE && route.fault == DD_ROUTE_FINE)
			check_fine(&route);
		check_query(&route);
	}
	free(target);
	return 0;
}
