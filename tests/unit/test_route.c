/*
 * What a request's target means, and what is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "serve/route.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define UUID "6f1c1b1e-3a4b-4c5d-8e9f-0a1b2c3d4e5f"

static void expect(const char *target, enum dd_route_kind kind, enum dd_route_fault fault,
		   const char *repository, const char *reference)
{
	struct dd_route route;

	dd_route_parse(target, NULL, &route);
	if (route.kind != kind || (kind != DD_ROUTE_NONE && route.fault != fault))
		fail_msg("%s: %s, fault %d", target, dd_route_name(route.kind), route.fault);
	if (repository)
		assert_string_equal(route.repository, repository);
	if (reference)
		assert_string_equal(route.reference, reference);
}

static void routes(void **state)
{
	(void)state;
	expect("/v2/", DD_ROUTE_BASE, DD_ROUTE_FINE, "", "");
	expect("/v2", DD_ROUTE_BASE, DD_ROUTE_FINE, "", "");
	expect("/v2/token?service=x", DD_ROUTE_TOKEN, DD_ROUTE_FINE, "", "");
	expect("/v2/_catalog?n=5", DD_ROUTE_CATALOG, DD_ROUTE_FINE, "", "");
	expect("/v2/a/b/manifests/v1.0", DD_ROUTE_MANIFEST, DD_ROUTE_FINE, "a/b", "v1.0");
	expect("/v2/a/manifests/sha256:" HEX64, DD_ROUTE_MANIFEST, DD_ROUTE_FINE, "a",
	       "sha256:" HEX64);
	expect("/v2/a/blobs/sha256:" HEX64, DD_ROUTE_BLOB, DD_ROUTE_FINE, "a", "sha256:" HEX64);
	expect("/v2/a/blobs/uploads/", DD_ROUTE_UPLOADS, DD_ROUTE_FINE, "a", "");
	expect("/v2/a/blobs/uploads?mount=x", DD_ROUTE_UPLOADS, DD_ROUTE_FINE, "a", "");
	expect("/v2/a/blobs/uploads/" UUID, DD_ROUTE_UPLOAD, DD_ROUTE_FINE, "a", UUID);
	expect("/v2/a/tags/list", DD_ROUTE_TAGS, DD_ROUTE_FINE, "a", "");
	expect("/v2/a/referrers/sha256:" HEX64, DD_ROUTE_REFERRERS, DD_ROUTE_FINE, "a", NULL);
	expect("/healthz", DD_ROUTE_HEALTH, DD_ROUTE_FINE, "", "");
	expect("/", DD_ROUTE_HEALTH, DD_ROUTE_FINE, "", "");
	expect("/debug/health", DD_ROUTE_READY, DD_ROUTE_FINE, "", "");
}

/* As a proxy is asked. */
static void absolute(void **state)
{
	struct dd_route route;

	(void)state;
	expect("http://reg.example:5000/v2/a/tags/list?n=1", DD_ROUTE_TAGS, DD_ROUTE_FINE, "a", "");
	expect("https://reg.example/v2/", DD_ROUTE_BASE, DD_ROUTE_FINE, "", "");
	expect("HTTP://reg.example/v2/", DD_ROUTE_BASE, DD_ROUTE_FINE, "", "");
	expect("http://reg.example", DD_ROUTE_HEALTH, DD_ROUTE_FINE, "", "");
	expect("hTTps://reg.example?/v2/", DD_ROUTE_HEALTH, DD_ROUTE_FINE, "", "");
	expect("http:///v2/", DD_ROUTE_NONE, DD_ROUTE_FINE, "", "");
	expect("http://", DD_ROUTE_NONE, DD_ROUTE_FINE, "", "");
	expect("http:/v2/", DD_ROUTE_NONE, DD_ROUTE_FINE, "", "");
	dd_route_parse("HTTP://reg.example:5000/v2/", NULL, &route);
	assert_int_equal(route.host_len, strlen("reg.example:5000"));
	assert_memory_equal(route.host, "reg.example:5000", route.host_len);
	dd_route_parse("/v2/", NULL, &route);
	assert_null(route.host);
}

/* Words of the API are names of repositories, too. */
static void names_like_routes(void **state)
{
	(void)state;
	expect("/v2/manifests/manifests/manifests", DD_ROUTE_MANIFEST, DD_ROUTE_FINE, "manifests",
	       "manifests");
	expect("/v2/blobs/uploads/blobs/uploads/", DD_ROUTE_UPLOADS, DD_ROUTE_FINE, "blobs/uploads",
	       "");
	expect("/v2/a/tags/list/tags/list", DD_ROUTE_TAGS, DD_ROUTE_FINE, "a/tags/list", "");
	expect("/v2/v2/tags/list", DD_ROUTE_TAGS, DD_ROUTE_FINE, "v2", "");
}

static void encoded_parts(void **state)
{
	(void)state;
	/* A colon may come encoded, as may any byte that the grammar allows. */
	expect("/v2/a/blobs/sha256%3A" HEX64, DD_ROUTE_BLOB, DD_ROUTE_FINE, "a", "sha256:" HEX64);
	expect("/v2/%61/manifests/%76", DD_ROUTE_MANIFEST, DD_ROUTE_FINE, "a", "v");
	/* No border moves by what is encoded. */
	expect("/v2/a%2fb/manifests/v", DD_ROUTE_MANIFEST, DD_ROUTE_BAD_NAME, "", "v");
	expect("/v2/a%2Fmanifests%2Fv", DD_ROUTE_NONE, 0, NULL, NULL);
	expect("/v2/a/%6danifests/v", DD_ROUTE_NONE, 0, NULL, NULL);
	expect("/v2/a%00b/manifests/v", DD_ROUTE_MANIFEST, DD_ROUTE_BAD_NAME, "", "v");
	expect("/v2/a/manifests/v%00", DD_ROUTE_MANIFEST, DD_ROUTE_BAD_REFERENCE, "a", NULL);
	expect("/v2/a/manifests/v%2", DD_ROUTE_MANIFEST, DD_ROUTE_BAD_REFERENCE, "a", NULL);
	expect("/v2/a/manifests/v%zz", DD_ROUTE_MANIFEST, DD_ROUTE_BAD_REFERENCE, "a", NULL);
	expect("/v2/%2e%2e/manifests/v", DD_ROUTE_MANIFEST, DD_ROUTE_BAD_NAME, "", NULL);
}

static void what_is_none(void **state)
{
	(void)state;
	expect("/v2/../manifests/v", DD_ROUTE_MANIFEST, DD_ROUTE_BAD_NAME, "", NULL);
	expect("/v2/a/../b/manifests/v", DD_ROUTE_MANIFEST, DD_ROUTE_BAD_NAME, "", NULL);
	expect("/v2/A/manifests/v", DD_ROUTE_MANIFEST, DD_ROUTE_BAD_NAME, "", NULL);
	expect("/v2//manifests/v", DD_ROUTE_MANIFEST, DD_ROUTE_BAD_NAME, "", NULL);
	expect("/v2/a/_layers/manifests/v", DD_ROUTE_MANIFEST, DD_ROUTE_BAD_NAME, "", NULL);
	expect("/v2/manifests/v", DD_ROUTE_MANIFEST, DD_ROUTE_BAD_NAME, "", NULL);
	expect("/v2/a/manifests/.v", DD_ROUTE_MANIFEST, DD_ROUTE_BAD_REFERENCE, "a", NULL);
	expect("/v2/a/manifests/", DD_ROUTE_NONE, 0, NULL, NULL);
	expect("/v2/a/manifests/sha256:12", DD_ROUTE_MANIFEST, DD_ROUTE_BAD_DIGEST, "a", NULL);
	expect("/v2/a/blobs/v", DD_ROUTE_BLOB, DD_ROUTE_BAD_DIGEST, "a", NULL);
	expect("/v2/a/blobs/sha256:" HEX64 "0", DD_ROUTE_BLOB, DD_ROUTE_BAD_DIGEST, "a", NULL);
	expect("/v2/a/blobs/uploads/../x", DD_ROUTE_NONE, 0, NULL, NULL);
	expect("/v2/a/blobs/uploads/x", DD_ROUTE_UPLOAD, DD_ROUTE_BAD_UPLOAD, "a", NULL);
	expect("", DD_ROUTE_NONE, 0, NULL, NULL);
	expect("*", DD_ROUTE_NONE, 0, NULL, NULL);
	expect("/v3/", DD_ROUTE_NONE, 0, NULL, NULL);
	expect("/v2/a", DD_ROUTE_NONE, 0, NULL, NULL);
}

/* 255 bytes are a name, 256 are none, and a path beyond all measure is no route. */
static void long_names(void **state)
{
	char target[3000];
	int len = snprintf(target, sizeof(target), "/v2/");

	(void)state;
	memset(target + len, 'a', 255);
	snprintf(target + len + 255, 100, "/manifests/v");
	expect(target, DD_ROUTE_MANIFEST, DD_ROUTE_FINE, NULL, "v");
	memset(target + len, 'a', 256);
	snprintf(target + len + 256, 100, "/manifests/v");
	expect(target, DD_ROUTE_MANIFEST, DD_ROUTE_BAD_NAME, "", "v");
	memset(target + len, 'a', 2000);
	snprintf(target + len + 2000, 100, "/manifests/v");
	expect(target, DD_ROUTE_NONE, 0, NULL, NULL);
	snprintf(target + len, 100, "a/manifests/");
	memset(target + strlen(target), 't', 129);
	target[len + 12 + 129] = '\0';
	expect(target, DD_ROUTE_MANIFEST, DD_ROUTE_BAD_REFERENCE, "a", NULL);
}

static void prefixes(void **state)
{
	struct dd_route route;

	(void)state;
	dd_route_parse("/some/where/v2/a/tags/list", "/some/where/", &route);
	assert_int_equal(route.kind, DD_ROUTE_TAGS);
	dd_route_parse("/v2/a/tags/list", "/some/where/", &route);
	assert_int_equal(route.kind, DD_ROUTE_NONE);
}

static void queries(void **state)
{
	char out[8];

	(void)state;
	assert_int_equal(dd_query_get("a=1&b=%32+x&c", "b", 0, out, sizeof(out)), 3);
	assert_string_equal(out, "2 x");
	assert_int_equal(dd_query_get("tag=a&tag=b", "tag", 1, out, sizeof(out)), 1);
	assert_string_equal(out, "b");
	assert_int_equal(dd_query_get("tag=a&tag=b", "tag", 2, out, sizeof(out)), -1);
	assert_int_equal(dd_query_get("c&d=1", "c", 0, out, sizeof(out)), 0);
	assert_int_equal(dd_query_get("ab=1", "a", 0, out, sizeof(out)), -1);
	assert_int_equal(dd_query_get(NULL, "a", 0, out, sizeof(out)), -1);
	assert_int_equal(dd_query_get("a=%00", "a", 0, out, sizeof(out)), -2);
	assert_int_equal(dd_query_get("a=%", "a", 0, out, sizeof(out)), -2);
	assert_int_equal(dd_query_get("a=%4", "a", 0, out, sizeof(out)), -2);
	assert_int_equal(dd_query_get("a=12345678", "a", 0, out, sizeof(out)), -2);
	assert_int_equal(dd_query_get("a=1234567", "a", 0, out, sizeof(out)), 7);
}

static void encoding(void **state)
{
	char out[16];

	(void)state;
	assert_int_equal(dd_query_encode(out, sizeof(out), "a/b c&"), 10);
	assert_string_equal(out, "a/b%20c%26");
	assert_int_equal(dd_query_encode(out, 3, "abc"), 2);
	assert_string_equal(out, "ab");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes),
		cmocka_unit_test(absolute),
		cmocka_unit_test(names_like_routes),
		cmocka_unit_test(encoded_parts),
		cmocka_unit_test(what_is_none),
		cmocka_unit_test(long_names),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(queries),
		cmocka_unit_test(encoding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
