/*
 * Writing JSON.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <drydock/json.h>

/* What the sink got, and when it shall fail. */
struct sink {
	char text[65536];
	size_t len;
	unsigned calls;
	unsigned fail_at; /* this call and all later ones; 0: never */
};

static int sink_add(void *arg, const char *bytes, size_t len)
{
	struct sink *sink = arg;

	if (++sink->calls >= sink->fail_at && sink->fail_at)
		return ENOSPC;
	assert_true(len < sizeof(sink->text) - sink->len);
	memcpy(sink->text + sink->len, bytes, len);
	sink->len += len;
	sink->text[sink->len] = '\0';
	return 0;
}

static struct sink sink;
static struct dd_json_out *out;

static void start(unsigned flags)
{
	memset(&sink, 0, sizeof(sink));
	assert_int_equal(dd_json_open(&out, sink_add, &sink, flags, NULL), 0);
}

static void expect(const char *text)
{
	struct dd_error err = { 0 };

	assert_int_equal(dd_json_finish(out, &err), 0);
	assert_string_equal(sink.text, text);
	dd_json_closep(&out);
	assert_null(out);
}

static void every_kind_of_value_is_written(void **state)
{
	struct dd_digest digest;

	(void)state;
	assert_int_equal(dd_digest_of(&digest, DD_SHA256, "", 0, NULL), 0);
	start(0);
	dd_json_object(out, NULL);
	dd_json_text(out, "text", "a");
	dd_json_text(out, "none", NULL);
	dd_json_bytes(out, "bytes", "a\0b", 3);
	dd_json_uint(out, "uint", UINT64_MAX);
	dd_json_int(out, "int", INT64_MIN);
	dd_json_bool(out, "yes", true);
	dd_json_bool(out, "no", false);
	dd_json_null(out, "null");
	dd_json_time(out, "time", INT64_C(1795455901000000000));
	dd_json_digest(out, "digest", &digest);
	dd_json_digest(out, "no-digest", NULL);
	dd_json_end(out);
	expect("{\"text\":\"a\",\"none\":null,\"bytes\":\"a\\u0000b\",\"uint\":18446744073709551615,"
	       "\"int\":-9223372036854775808,\"yes\":true,\"no\":false,\"null\":null,"
	       "\"time\":\"2026-11-23T17:45:01Z\",\"digest\":\"sha256:"
	       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\","
	       "\"no-digest\":null}\n");
}

static void groups_nest_and_may_be_empty(void **state)
{
	(void)state;
	start(0);
	dd_json_array(out, NULL);
	dd_json_object(out, NULL);
	dd_json_end(out);
	dd_json_array(out, NULL);
	dd_json_end(out);
	dd_json_object(out, NULL);
	dd_json_array(out, "a");
	dd_json_uint(out, NULL, 1);
	dd_json_uint(out, NULL, 2);
	dd_json_end(out);
	dd_json_object(out, "b");
	dd_json_end(out);
	dd_json_end(out);
	dd_json_end(out);
	expect("[{},[],{\"a\":[1,2],\"b\":{}}]\n");
}

static void pretty_is_a_value_a_line(void **state)
{
	(void)state;
	start(DD_JSON_PRETTY);
	dd_json_object(out, NULL);
	dd_json_array(out, "a");
	dd_json_uint(out, NULL, 1);
	dd_json_uint(out, NULL, 2);
	dd_json_end(out);
	dd_json_object(out, "b");
	dd_json_end(out);
	dd_json_array(out, "c");
	dd_json_end(out);
	dd_json_end(out);
	expect("{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {},\n  \"c\": []\n}\n");
}

static void a_lone_value_is_a_document(void **state)
{
	(void)state;
	start(0);
	dd_json_text(out, NULL, "x");
	expect("\"x\"\n");
}

static void text_is_escaped_and_is_valid_utf8(void **state)
{
	static const struct {
		const char *bytes, *json;
	} cases[] = {
		{ "a\"b\\c/", "\"a\\\"b\\\\c/\"" },
		{ "\b\t\n\v\f\r", "\"\\b\\t\\n\\u000b\\f\\r\"" },
		{ "\x1b\x7f", "\"\\u001b\\u007f\"" },
		{ "\xc2\x9b", "\"\\u009b\"" },
		{ "\xe2\x82\xac", "\"\xe2\x82\xac\"" },
		{ "\xf0\x9f\x90\xb3", "\"\xf0\x9f\x90\xb3\"" },
		{ "\xe2\x80\xae", "\"\\u202e\"" },
		{ "\xf3\xa0\x81\xa1", "\"\\udb40\\udc61\"" },
		{ "a\xff\x80z", "\"a\xef\xbf\xbd\xef\xbf\xbdz\"" },
		{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char json[64];

		start(0);
		dd_json_text(out, NULL, cases[i].bytes);
		snprintf(json, sizeof(json), "%s\n", cases[i].json);
		expect(json);
	}
}

static void lines_are_handed_over_as_they_end(void **state)
{
	(void)state;
	start(DD_JSON_LINES);
	for (unsigned i = 0; i < 3; i++) {
		dd_json_object(out, NULL);
		dd_json_uint(out, "i", i);
		dd_json_end(out);
		assert_int_equal(sink.calls, i);
		dd_json_newline(out);
		assert_int_equal(sink.calls, i + 1);
	}
	expect("{\"i\":0}\n{\"i\":1}\n{\"i\":2}\n");
}

static void no_lines_are_no_output(void **state)
{
	(void)state;
	start(DD_JSON_LINES);
	expect("");
	assert_int_equal(sink.calls, 0);
}

static void long_output_passes_through_in_pieces(void **state)
{
	char text[30000];

	(void)state;
	memset(text, 'x', sizeof(text));
	start(0);
	dd_json_bytes(out, NULL, text, sizeof(text));
	assert_true(sink.calls >= 2);
	assert_int_equal(dd_json_finish(out, NULL), 0);
	assert_int_equal(sink.len, sizeof(text) + 3);
	assert_memory_equal(sink.text + 1, text, sizeof(text));
	dd_json_closep(&out);
}

static void the_first_error_sticks(void **state)
{
	struct dd_error err = { 0 };

	(void)state;
	start(0);
	sink.fail_at = 2;
	dd_json_array(out, NULL);
	for (unsigned i = 0; i < 100000; i++)
		dd_json_uint(out, NULL, i);
	dd_json_end(out);
	assert_true(dd_json_failed(out));
	assert_int_equal(sink.calls, 2);
	assert_int_equal(dd_json_finish(out, &err), DD_ENOSPC);
	assert_int_equal(err.sys_errno, ENOSPC);
	assert_int_equal(sink.calls, 2);
	dd_json_closep(&out);
}

static void an_error_at_the_very_end_is_reported(void **state)
{
	(void)state;
	start(0);
	sink.fail_at = 1;
	dd_json_null(out, NULL);
	assert_false(dd_json_failed(out));
	assert_int_equal(dd_json_finish(out, NULL), DD_ENOSPC);
	dd_json_closep(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_value_is_written),
		cmocka_unit_test(groups_nest_and_may_be_empty),
		cmocka_unit_test(pretty_is_a_value_a_line),
		cmocka_unit_test(a_lone_value_is_a_document),
		cmocka_unit_test(text_is_escaped_and_is_valid_utf8),
		cmocka_unit_test(lines_are_handed_over_as_they_end),
		cmocka_unit_test(no_lines_are_no_output),
		cmocka_unit_test(long_output_passes_through_in_pieces),
		cmocka_unit_test(the_first_error_sticks),
		cmocka_unit_test(an_error_at_the_very_end_is_reported),
	};

	return cmocka_run_group_tests_name("writing JSON", tests, NULL, NULL);
}
