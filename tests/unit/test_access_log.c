/*
 * Lines of access logs, as registries, proxies and what wraps them write them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/units.h>

#include "base/cleanup.h"
#include "record/access_log.h"
#include "unit.h"

static struct dd_json_reader *json;
static struct dd_access access_log;

static int setup(void **state)
{
	(void)state;
	return dd_json_reader_open(&json, NULL);
}

static int teardown(void **state)
{
	(void)state;
	dd_json_reader_closep(&json);
	return 0;
}

static int parse(const char *line)
{
	return dd_access_parse(json, line, strlen(line), &access_log, NULL);
}

static void is_pull(const char *line, const char *repository, const char *reference,
		    const char *time, const char *agent)
{
	char text[DD_UNIT_TEXT];

	if (parse(line) != 1 || !access_log.pull)
		fail_msg("no pull: %s", line);
	assert_string_equal(access_log.repository, repository);
	assert_string_equal(access_log.reference, reference);
	assert_string_equal(dd_time_format_utc(access_log.time_ns, text), time);
	assert_string_equal(access_log.agent, agent);
}

static void the_combined_format_is_read(void **state)
{
	(void)state;
	is_pull("10.0.0.1 - - [25/Nov/2026:17:07:59 +0000] \"GET /v2/app/manifests/v1 HTTP/1.1\" 200 "
		"92 \"\" \"curl/7.88.1\"",
		"app", "v1", "2026-11-25T17:07:59Z", "curl/7.88.1");
	is_pull("::1 - alice [01/Jan/2026:00:30:00 +0100] \"HEAD /v2/a/b/c/manifests/sha256%3A"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa?ns=x HTTP/2.0\" 304 0 "
		"\"-\" \"containerd\" \"-\"",
		"a/b/c", "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"2025-12-31T23:30:00Z", "containerd");
	is_pull("2026-11-25T17:08:00.1Z stdout F 10.0.0.1 - - [25/Nov/2026:17:07:59 +0000] "
		"\"GET /prefix/v2/app/manifests/v1 HTTP/1.1\" 200 92 \"\" \"sko\\\"peo\"",
		"app", "v1", "2026-11-25T17:07:59Z", "sko\\\"peo");
}

static void the_registrys_own_lines_are_read(void **state)
{
	(void)state;
	is_pull("time=\"2026-11-25T17:07:59.687910333Z\" level=info msg=\"response completed\" "
		"go.version=go1.19.8 http.request.host=\"127.0.0.1:5977\" http.request.method=GET "
		"http.request.uri=/v2/app/manifests/v1 "
		"http.request.useragent=\"sko\\\" http.request.uri=/v2/evil/manifests/v1\" "
		"http.response.status=200 http.response.written=92",
		"app", "v1", "2026-11-25T17:07:59Z",
		"sko\\\" http.request.uri=/v2/evil/manifests/v1");
	is_pull("{\"http.request.method\":\"GET\",\"http.request.uri\":\"/v2/app/manifests/v1\","
		"\"http.request.useragent\":\"x\",\"http.response.status\":200,"
		"\"time\":\"2026-11-25T17:07:59.1Z\"}",
		"app", "v1", "2026-11-25T17:07:59Z", "x");
	is_pull("{\"@timestamp\":\"2026-11-25T18:07:59+01:00\",\"http.request.method\":\"HEAD\","
		"\"http.request.uri\":\"/v2/app/manifests/v1\",\"http.response.status\":200}",
		"app", "v1", "2026-11-25T17:07:59Z", "");
}

static void what_docker_wraps_is_unwrapped(void **state)
{
	(void)state;
	is_pull("{\"log\":\"10.0.0.1 - - [25/Nov/2026:17:07:59 +0000] \\\"GET /v2/app/manifests/v1 "
		"HTTP/1.1\\\" 200 92 \\\"\\\" \\\"curl\\\"\\n\",\"stream\":\"stdout\","
		"\"time\":\"2026-11-25T17:08:00Z\"}",
		"app", "v1", "2026-11-25T17:07:59Z", "curl");
	is_pull("{\"log\":\"{\\\"http.request.method\\\":\\\"GET\\\",\\\"http.request.uri\\\":"
		"\\\"/v2/app/manifests/v1\\\",\\\"http.response.status\\\":200,\\\"time\\\":"
		"\\\"2026-11-25T17:07:59Z\\\"}\\n\"}",
		"app", "v1", "2026-11-25T17:07:59Z", "");
}

static void other_requests_are_no_pulls(void **state)
{
	static const char *const requests[] = {
		"\"PUT /v2/app/manifests/v1 HTTP/1.1\" 201",
		"\"GET /v2/app/manifests/v1 HTTP/1.1\" 404",
		"\"GET /v2/app/manifests/v1 HTTP/1.1\" 401",
		"\"GET /v2/app/blobs/sha256:aa HTTP/1.1\" 200",
		"\"GET /v2/ HTTP/1.1\" 200",
		"\"GET /v2/manifests/v1 HTTP/1.1\" 200",
		"\"GET /v2/APP/manifests/v1 HTTP/1.1\" 200",
		"\"GET /v2/../x/manifests/v1 HTTP/1.1\" 200",
		"\"GET /v2/app/manifests/..%2fv1 HTTP/1.1\" 200",
		"\"GET /v2/app/manifests/v1%00x HTTP/1.1\" 200",
		"\"GET /v2/app/manifests/sha256:12 HTTP/1.1\" 200",
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(requests); i++) {
		char line[300];

		snprintf(line, sizeof(line), "x - - [25/Nov/2026:17:07:59 +0000] %s 5 \"\" \"\"",
			 requests[i]);
		if (parse(line) != 1 || access_log.pull)
			fail_msg("%s", line);
	}
}

static void what_is_no_request_is_passed_over(void **state)
{
	static const char *const lines[] = {
		"",
		"listening on [::]:5000",
		"{",
		"{}",
		"[1]",
		"{\"log\":1}",
		"x - - [25/Nov/2026:17:07:59 +0000]",
		"x - - [31/Feb/2026:17:07:59 +0000] \"GET /v2/app/manifests/v1 HTTP/1.1\" 200 1",
		"x - - [25/Nov/2026:24:07:59 +0000] \"GET /v2/app/manifests/v1 HTTP/1.1\" 200 1",
		"x - - [25/Nov/2026:17:07:59 +0000] \"GET /v2/app/manifests/v1 HTTP/1.1",
		"x - - [25/Nix/2026:17:07:59 +0000] \"GET /v2/app/manifests/v1 HTTP/1.1\" 200 1",
		"time=\"2026-11-25T17:07:59Z\" level=info msg=\"listening\"",
		"time=\"",
		"time=\"2026",
		"{\"log\":\"{\\\"log\\\":\\\"{}\\\"}\"}",
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(lines); i++)
		if (parse(lines[i]) != 0)
			fail_msg("%s", lines[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_combined_format_is_read),
		cmocka_unit_test(the_registrys_own_lines_are_read),
		cmocka_unit_test(what_docker_wraps_is_unwrapped),
		cmocka_unit_test(other_requests_are_no_pulls),
		cmocka_unit_test(what_is_no_request_is_passed_over),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
