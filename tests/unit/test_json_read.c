/*
 * Reading JSON as Go does: types, bytes, keys, and what is none.
 */
#include "json_reader.h"

#include "../fuzz/same_json.h"

static void every_type_is_read(void **state)
{
	const struct dd_json *value;

	(void)state;
	assert_null(value_of("{\"x\":null}"));
	assert_null(value_of("{}"));
	value = value_of(" { \"x\" : true } ");
	assert_int_equal(value->type, DD_JSON_BOOL);
	assert_true(value->boolean);
	assert_false(value_of("{\"x\":false}")->boolean);
	value = value_of("{\"x\":-120}");
	assert_int_equal(value->type, DD_JSON_INTEGER);
	assert_int_equal(value->integer, -120);
	assert_int_equal(value_of("{\"x\":1.0}")->type, DD_JSON_REAL);
	assert_int_equal(value_of("{\"x\":1e3}")->type, DD_JSON_REAL);
	value = value_of("{\"x\":\"ab\\n\"}");
	assert_int_equal(value->type, DD_JSON_STRING);
	assert_int_equal(value->len, 3);
	assert_string_equal(value->text, "ab\n");
	value = value_of("{\"x\":[1,\"a\",{},[]]}");
	assert_int_equal(value->type, DD_JSON_ARRAY);
	assert_int_equal(value->len, 4);
	assert_int_equal(value->first->integer, 1);
	assert_string_equal(value->first->next->text, "a");
	assert_int_equal(value->first->next->next->type, DD_JSON_OBJECT);
	assert_int_equal(value->first->next->next->len, 0);
	assert_null(value->first->next->next->next->next);
	value = value_of("{\"x\":{\"b\":1,\"a\":2}}");
	assert_int_equal(value->len, 2);
	assert_string_equal(value->first->key, "b");
	assert_string_equal(value->first->next->key, "a");
}

static void integers_reach_the_ends_of_64_bits(void **state)
{
	(void)state;
	assert_true(value_of("{\"x\":9223372036854775807}")->integer == INT64_MAX);
	assert_true(value_of("{\"x\":-9223372036854775808}")->integer == INT64_MIN);
	assert_true(value_of("{\"x\":999999999999999999}")->integer == INT64_C(999999999999999999));
	expect_error("{\"x\":9223372036854775808}", DD_EFORMAT, "the field \"x\": too big integer");
	expect_error("{\"a\":1,\n \"si\\\"ze\" : -9223372036854775809}", DD_EFORMAT,
		     "line 2, column");
	assert_non_null(strstr(err.text, "si\\\"ze"));
	expect_error("{\"x\":1e999}", DD_EFORMAT, "the field \"x\": real number overflow");
	expect_error("{\"x\":[18446744073709551616]}", DD_EFORMAT, "too big integer");
}

static void bytes_that_are_no_utf8_are_replaced_one_by_one(void **state)
{
	(void)state;
	assert_string_equal(value_of("{\"x\":\"a\xff\xe2\x82z\"}")->text,
			    "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz");
	assert_string_equal(value_of("{\"x\":\"\xed\xa0\x80\"}")->text,
			    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	assert_string_equal(value_of("{\"\xc0\":1,\"x\":\"\xe2\x82\xac\"}")->text, "\xe2\x82\xac");
	assert_string_equal(root->first->key, "\xef\xbf\xbd");
	expect_error("{\xff}", DD_EFORMAT, "not JSON");
}

static void lone_surrogates_are_replaced(void **state)
{
	(void)state;
	assert_string_equal(value_of("{\"x\":\"a\\ud800b\"}")->text, "a\357\277\275b");
	assert_string_equal(value_of("{\"x\":\"\\uDC00\"}")->text, "\xef\xbf\xbd");
	assert_string_equal(value_of("{\"x\":\"\\ud800\\ud800\\udc00\"}")->text,
			    "\xef\xbf\xbd\xf0\x90\x80\x80");
	assert_string_equal(value_of("{\"x\":\"\\ud83d\\udc33\"}")->text, "\xf0\x9f\x90\xb3");
	assert_string_equal(value_of("{\"x\":\"\\ud800\\n\"}")->text, "\xef\xbf\xbd\n");
	/* The backslash is escaped here, not the letter. */
	assert_string_equal(value_of("{\"x\":\"\\\\ud800\"}")->text, "\\ud800");
	/* As jansson gets it: a fraction is not for the scanner. */
	assert_string_equal(value_of("{\"r\":1.5,\"x\":\"\\\\ud800\"}")->text, "\\ud800");
	assert_string_equal(value_of("{\"x\":\"\\\\\\ud800\\\\\"}")->text, "\\\xef\xbf\xbd\\");
	expect_error("{\"x\":\"\\ud80\"}", DD_EFORMAT, "invalid escape");
	expect_error("{\"x\":\"\\ud800", DD_EFORMAT, "premature end");
	expect_error("{\"x\":\"\\", DD_EFORMAT, "not JSON");
}

static void strings_may_hold_a_nul_and_keys_may_not(void **state)
{
	const struct dd_json *value = value_of("{\"x\":\"a\\u0000b\"}");

	(void)state;
	assert_int_equal(value->len, 3);
	assert_memory_equal(value->text, "a\0b", 4);
	expect_error("{\"a\\u0000\":1}", DD_EFORMAT, "NUL byte in object key");
	assert_int_equal(read_bytes("{\"x\":\"\0\"}", 9), DD_EFORMAT);
	assert_int_equal(read_bytes("{}\0", 3), DD_EFORMAT);
	assert_int_equal(read_bytes("{\0}", 3), DD_EFORMAT);
}

static void escapes_are_read(void **state)
{
	(void)state;
	assert_string_equal(value_of("{\"x\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u20AC\"}")->text,
			    "\"\\/\b\f\n\r\tA\xe2\x82\xac");
	assert_string_equal(value_of("{\"x\":\"\\t\xe2\x82\xac\\t\"}")->text, "\t\xe2\x82\xac\t");
	assert_string_equal(value_of("{\"\\u0078\":\"y\"}")->text, "y");
	expect_error("{\"x\":\"\\x\"}", DD_EFORMAT, "invalid escape");
	expect_error("{\"x\":\"\x01\"}", DD_EFORMAT, "control character 0x1");
	expect_error("{\"x\":\"\n\"}", DD_EFORMAT, "unexpected newline");
}

static void a_key_given_twice_is_doubt(void **state)
{
	char text[400];

	(void)state;
	expect_error("{\"a\":1,\"a\":1}", DD_EFORMAT, "the field \"a\" is given twice");
	expect_error("{\"a\":1,\"\\u0061\":1}", DD_EFORMAT, "is given twice");
	expect_error("{\"x\":[{\"layers\":[],\n\"layers\":[]}]}", DD_EFORMAT,
		     "line 2, column 8: the field \"layers\" is given twice");
	snprintf(text, sizeof(text), "{\"%0100d\":1,\"%0100d\":2}", 7, 7);
	expect_error(text, DD_EFORMAT, "0000000000000000007\" is given twice");
	expect_error("{\"a\\\\\":1,\"a\\\\\":1}", DD_EFORMAT, "the field \"a\\\\\" is given twice");
}

static void a_field_is_found_whatever_its_case(void **state)
{
	static const char *const keys[] = { "layersKs",
					    "LAYERSKS",
					    "LayersKs",
					    "layer\305\277ks",
					    "layers\xe2\x84\xaas",
					    "LAYER\xc5\xbf\xe2\x84\xaa\xc5\xbf" };
	static const char *const others[] = { "layersk",	 "layersKsx",
					      "\xc5\xbflayerks", "layers_s",
					      "layer\xc3\x9fks", "layer\xc5\xbeks",
					      "layersK\xc5",	 "" };
	const struct dd_json *value;
	char text[100];

	(void)state;
	for (size_t i = 0; i < DD_COUNT(keys); i++) {
		snprintf(text, sizeof(text), "{\"other\":1,\"%s\":7}", keys[i]);
		assert_int_equal(read_text(text), 0);
		assert_int_equal(dd_json_field(root, "layersKs", &value, &err), 0);
		assert_non_null(value);
		assert_int_equal(value->integer, 7);
	}
	for (size_t i = 0; i < DD_COUNT(others); i++) {
		snprintf(text, sizeof(text), "{\"%s\":7}", others[i]);
		assert_int_equal(read_text(text), 0);
		assert_int_equal(dd_json_field(root, "layersKs", &value, &err), 0);
		assert_null(value);
	}
}

static void two_spellings_of_one_field_are_doubt(void **state)
{
	const struct dd_json *value;

	(void)state;
	assert_int_equal(read_text("{\"layers\":[],\"Layers\":null}"), 0);
	assert_int_equal(dd_json_field(root, "layers", &value, &err), DD_EFORMAT);
	assert_string_equal(err.text,
			    "the field \"layers\" is given twice, as \"layers\" and \"Layers\"");
	assert_int_equal(read_text("{\"layer\xc5\xbf\":null,\"layers\":[]}"), 0);
	assert_int_equal(dd_json_field(root, "layers", &value, &err), DD_EFORMAT);
	/* Nobody asks for this one. */
	assert_int_equal(dd_json_field(root, "other", &value, &err), 0);
}

static void what_is_not_json_is_refused_with_the_place(void **state)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{ "", "empty" },
		{ " ", "line 1, column 1: not JSON: '[' or '{' expected near end of file" },
		{ "1", "'[' or '{' expected" },
		{ "\"a\"", "'[' or '{' expected" },
		{ "{", "string or '}' expected near end of file" },
		{ "[1,]", "unexpected token near ']'" },
		{ "{\"a\":1,}", "string or '}' expected near '}'" },
		{ "{\"a\" 1}", "':' expected near '1'" },
		{ "{\"a\":1 \"b\":2}", "'}' expected near '\"b\"'" },
		{ "[1 2]", "']' expected near '2'" },
		{ "[01]", "invalid token near '0'" },
		{ "[-]", "invalid token near '-'" },
		{ "[1.]", "invalid token near '1.'" },
		{ "[.5]", "invalid token" },
		{ "[+1]", "invalid token" },
		{ "[tru]", "invalid token near 'tru'" },
		{ "[truex]", "invalid token near 'truex'" },
		{ "[nulll]", "invalid token" },
		{ "[1x]", "']' expected" },
		{ "['a']", "invalid token" },
		{ "{a:1}", "string or '}' expected" },
		{ "[1] 2", "end of file expected near '2'" },
		{ "{}{}", "end of file expected" },
		{ "{}}", "end of file expected near '}'" },
		{ "[}", "unexpected token near '}'" },
		{ "{]", "string or '}' expected near ']'" },
		{ "[1}", "']' expected near '}'" },
		{ "[\"a", "premature end of input" },
		{ "\xef\xbb\xbf{}", "line 1, column 1: not JSON" },
		{ "[1] /* */", "end of file expected" },
		{ "[NaN]", "invalid token" },
		{ "\v[]", "'[' or '{' expected" },
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(cases); i++)
		expect_error(cases[i].text, DD_EFORMAT, cases[i].reason);
}

static void the_scanner_and_jansson_read_alike(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		" [ ] ",
		"{\"a\":{\"b\":[1,-2,0,-0,true,false,null,\"\"]},\"c\":\"\xe2\x82\xac\"}",
		"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\x7f\",123456789012345678]",
		"[[[[[[[[]]]]]]]]",
		"\t{\r\n\"a\" : [ 1 , 2 ] , \"b\" : { } }\n",
	};
	struct dd_arena ours = { 0 }, theirs = { 0 };

	(void)state;
	for (size_t i = 0; i < DD_COUNT(texts); i++) {
		size_t len = strlen(texts[i]);
		const struct dd_json *fast, *slow;

		dd_arena_reset(&ours, 0);
		dd_arena_reset(&theirs, 0);
		fast = dd_json_scan(&ours, dd_arena_copy(&ours, texts[i], len), len);
		assert_non_null(fast);
		assert_int_equal(dd_json_parse(&theirs, texts[i], len, &slow, NULL), 0);
		assert_true(same_json(fast, slow));
	}
	dd_arena_release(&ours);
	dd_arena_release(&theirs);
}

/* It goes on by several characters at once: whatever stands wherever among them is seen. */
static void the_scanner_sees_each_character_of_a_string(void **state)
{
	struct dd_arena ours = { 0 }, theirs = { 0 };

	(void)state;
	for (int c = 0; c < 256; c++)
		for (size_t at = 0; at < 20; at++) {
			char text[] = "[\"....................\"]";
			const struct dd_json *fast, *slow = NULL;

			text[2 + at] = (char)c;
			dd_arena_reset(&ours, 0);
			dd_arena_reset(&theirs, 0);
			fast = dd_json_scan(&ours, dd_arena_copy(&ours, text, sizeof(text) - 1),
					    sizeof(text) - 1);
			if (c >= ' ' && c < 0x80 && c != '"' && c != '\\')
				assert_non_null(fast);
			if (fast) {
				assert_int_equal(
					dd_json_parse(&theirs, text, sizeof(text) - 1, &slow, NULL),
					0);
				assert_true(same_json(fast, slow));
			}
		}
	dd_arena_release(&ours);
	dd_arena_release(&theirs);
}

static void what_the_scanner_does_not_know_is_read_all_the_same(void **state)
{
	char text[4000] = "{";
	size_t at = 1;

	(void)state;
	/* More members than it compares, deeper than it goes. */
	for (int i = 0; i < 200; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "\"k%d\":%d,", i, i);
	snprintf(text + at, sizeof(text) - at, "\"x\":[[[[[[[[[[[[[[[[[[[[7]]]]]]]]]]]]]]]]]]]]}");
	assert_int_equal(value_of(text)->type, DD_JSON_ARRAY);
	assert_int_equal(root->len, 201);
	at = strlen(text);
	snprintf(text + at - 1, sizeof(text) - at, ",\"k77\":0}");
	expect_error(text, DD_EFORMAT, "the field \"k77\" is given twice");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_type_is_read),
		TEST(integers_reach_the_ends_of_64_bits),
		TEST(bytes_that_are_no_utf8_are_replaced_one_by_one),
		TEST(lone_surrogates_are_replaced),
		TEST(strings_may_hold_a_nul_and_keys_may_not),
		TEST(escapes_are_read),
		TEST(a_key_given_twice_is_doubt),
		TEST(a_field_is_found_whatever_its_case),
		TEST(two_spellings_of_one_field_are_doubt),
		TEST(what_is_not_json_is_refused_with_the_place),
		TEST(the_scanner_and_jansson_read_alike),
		TEST(the_scanner_sees_each_character_of_a_string),
		TEST(what_the_scanner_does_not_know_is_read_all_the_same),
	};

	return cmocka_run_group_tests_name("reading JSON", tests, NULL, NULL);
}
