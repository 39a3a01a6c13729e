/*
 * Reading JSON as Go does, within a budget.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "text/json.h"
#include "text/json_read.h"

#include "../fuzz/same_json.h"

#define MIB ((size_t)1 << 20)

static struct dd_json_reader *reader;
static const struct dd_json *root;
static struct dd_error err;

static int open_reader(void **state)
{
	(void)state;
	return dd_json_reader_open(&reader, NULL);
}

static int close_reader(void **state)
{
	(void)state;
	dd_json_reader_closep(&reader);
	return 0;
}

static int read_bytes(const char *bytes, size_t len)
{
	memset(&err, 0, sizeof(err));
	return dd_json_read(reader, bytes, len, dd_json_budget(len), &root, &err);
}

static int read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

/* The value of {"x": …} */
static const struct dd_json *value_of(const char *text)
{
	const struct dd_json *value;

	if (read_text(text) < 0)
		fail_msg("%s: %s", text, err.text);
	assert_int_equal(dd_json_field(root, "x", &value, NULL), 0);
	return value;
}

static void expect_error(const char *text, int code, const char *reason)
{
	assert_int_equal(read_text(text), code);
	assert_null(root);
	if (!strstr(err.text, reason))
		fail_msg("\"%s\" is not in \"%s\"", reason, err.text);
}

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

/* A text of count times the piece between a start and an end. */
static char *repeat(const char *start, const char *piece, size_t count, const char *end,
		    size_t *len)
{
	size_t size = strlen(piece), at = strlen(start);
	char *text = malloc(at + count * size + strlen(end) + 1);

	assert_non_null(text);
	memcpy(text, start, at);
	for (size_t i = 0; i < count; i++, at += size)
		memcpy(text + at, piece, size);
	strcpy(text + at, end);
	*len = at + strlen(end);
	return text;
}

static void nesting_is_bounded(void **state)
{
	static const char *const pieces[] = { "[", "{\"a\":", "[[{\"a\":" };
	size_t len;

	(void)state;
	for (size_t i = 0; i < DD_COUNT(pieces); i++) {
		char *text = repeat("", pieces[i], 100000, "", &len);

		assert_int_equal(read_bytes(text, len), DD_EFORMAT);
		assert_non_null(strstr(err.text, "maximum parsing depth reached"));
		free(text);
	}
}

static void nesting_of_a_thousand_is_read(void **state)
{
	size_t len;
	char *open = repeat("", "[", 1000, "7", &len), *text = repeat(open, "]", 1000, "", &len);
	const struct dd_json *value;

	(void)state;
	assert_int_equal(read_bytes(text, len), 0);
	for (value = root; value->type == DD_JSON_ARRAY; value = value->first)
		assert_int_equal(value->len, 1);
	assert_int_equal(value->integer, 7);
	free(open);
	free(text);
}

static size_t peak(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (size_t)usage.ru_maxrss << 10;
}

/* Sanitizers keep memory that was given back. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define MEMORY_TELLS 0
#elif defined(__has_feature)
#define MEMORY_TELLS !(__has_feature(thread_sanitizer) || __has_feature(address_sanitizer))
#else
#define MEMORY_TELLS 1
#endif

static void empty_objects_by_the_million_are_refused_within_the_budget(void **state)
{
	size_t len, before;
	char *text = repeat("[", "{},", 5 * MIB, "{}]", &len);

	(void)state;
	before = peak();
	assert_int_equal(read_bytes(text, len), DD_ETOOBIG);
	assert_string_equal(err.text, "needs more than 256 MiB of memory");
	if (MEMORY_TELLS)
		assert_in_range(peak() - before, 0, 300 * MIB);
	/* The reader, and whoever waited, can go on. */
	assert_int_equal(read_text("{}"), 0);
	free(text);
}

static void a_budget_holds_for_small_documents_too(void **state)
{
	size_t len;
	char *text = repeat("[", "{},", 1000, "{}]", &len);

	(void)state;
	assert_int_equal(dd_json_read(reader, text, len, len / 2, &root, &err), DD_ETOOBIG);
	assert_int_equal(dd_json_read(reader, text, len, 40 * len, &root, &err), 0);
	assert_int_equal(root->len, 1001);
	/* Every budget up to the one that suffices ends well. */
	for (size_t budget = 1; budget < 200; budget++) {
		int rc = dd_json_read(reader, "{\"a\":[1.5,\"\\u0041\xff\"]}", 21, 16 * budget,
				      &root, &err);

		assert_true(rc == 0 || rc == DD_ETOOBIG);
		assert_true(rc == 0 || budget < 199);
	}
	free(text);
}

/* jansson looks for no error when its token buffer grows: nothing may come of it. */
static void a_token_that_breaks_the_budget_is_refused(void **state)
{
	size_t len;
	char *text = repeat("[1e5,\"", "0123456789abcdef", 16384, "\",{\"a\":1}]", &len);
	int refused = 0, accepted = 0;

	(void)state;
	for (size_t budget = len / 8; budget < 8 * len; budget += len / 8) {
		int rc = dd_json_read(reader, text, len, budget, &root, &err);

		if (rc == 0) {
			assert_int_equal(root->first->next->len, 16384 * 16);
			accepted++;
		} else {
			assert_int_equal(rc, DD_ETOOBIG);
			assert_int_equal(accepted, 0);
			refused++;
		}
	}
	assert_true(refused > 8);
	assert_true(accepted > 8);
	free(text);
}

static void a_large_document_is_read(void **state)
{
	size_t len, count = 0;
	char *text = repeat("[", "{\"digest\":\"sha256:0123456789abcdef\",\"size\":12345},", 20000,
			    "null]", &len);

	(void)state;
	assert_true(len > DD_JSON_LARGE);
	assert_int_equal(read_bytes(text, len), 0);
	assert_int_equal(root->len, 20001);
	for (const struct dd_json *entry = root->first; entry->next; entry = entry->next, count++)
		assert_int_equal(entry->first->next->integer, 12345);
	assert_int_equal(count, 20000);
	dd_json_reader_release(reader);
	free(text);
}

static void a_large_document_that_fails_holds_nobody_up(void **state)
{
	DD_CLEANUP(dd_json_reader_closep) struct dd_json_reader *other = NULL;
	size_t len;
	char *text = repeat("[", "\"some text that is not short\",", 10000, "{}", &len);

	(void)state;
	assert_int_equal(dd_json_reader_open(&other, NULL), 0);
	assert_int_equal(read_bytes(text, len), DD_EFORMAT);
	/* Would wait for ever for the lock. */
	alarm(60);
	assert_int_equal(dd_json_read(other, text, len, MIB / 2, &root, &err), DD_ETOOBIG);
	assert_int_equal(dd_json_read(other, text, len, 64 * MIB, &root, &err), DD_EFORMAT);
	alarm(0);
	free(text);
}

static void values_do_not_refer_to_the_input(void **state)
{
	char text[] = "{\"x\":\"\\\"a\"}", large[] = "{\"x\":\"\\u0041\"}";

	(void)state;
	assert_int_equal(read_text(text), 0);
	memset(text, '#', sizeof(text) - 1);
	assert_string_equal(root->first->text, "\"a");
	assert_string_equal(root->first->key, "x");
	assert_int_equal(read_text(large), 0);
	memset(large, '#', sizeof(large) - 1);
	assert_string_equal(root->first->text, "A");
}

/* One large and many small documents, read over and over. */
static void *read_in_a_thread(void *arg)
{
	DD_CLEANUP(dd_json_reader_closep) struct dd_json_reader *mine = NULL;
	const struct dd_json *tree;
	size_t len;
	char *text = repeat("[", "{\"a\":\"b\\u0041\"},", 20000, "{}]", &len);
	bool fine = dd_json_reader_open(&mine, NULL) == 0;

	(void)arg;
	for (int i = 0; fine && i < 6; i++) {
		fine = dd_json_read(mine, text, len, dd_json_budget(len), &tree, NULL) == 0 &&
		       tree->len == 20001 && !strcmp(tree->first->next->first->text, "bA");
		dd_json_reader_release(mine);
		for (int j = 0; fine && j < 100; j++)
			fine = dd_json_read(mine, "{\"x\":1.5}", 9, MIB, &tree, NULL) == 0 &&
			       tree->first->type == DD_JSON_REAL;
	}
	free(text);
	return fine ? &reader : NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < DD_COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_in_a_thread, NULL), 0);
	/* Somebody else's jansson goes on beside it, with memory of its own. */
	for (int i = 0; i < 1000; i++) {
		json_t *other = json_pack("{s:[i,i,s]}", "a", 1, i, "text");

		assert_non_null(other);
		json_decref(other);
	}
	for (size_t i = 0; i < DD_COUNT(threads); i++) {
		void *fine;

		pthread_join(threads[i], &fine);
		assert_non_null(fine);
	}
}

static void a_lost_allocator_is_noticed(void **state)
{
	json_malloc_t malloc_fn;
	json_free_t free_fn;

	(void)state;
	json_get_alloc_funcs(&malloc_fn, &free_fn);
	json_set_alloc_funcs(malloc, free);
	/* What needs no jansson is still read. */
	assert_int_equal(read_text("{\"x\":1}"), 0);
	assert_int_equal(read_text("{\"x\":1.5}"), DD_ENOTSUP);
	json_set_alloc_funcs(malloc_fn, free_fn);
	assert_int_equal(read_text("{\"x\":1.5}"), 0);
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
				assert_int_equal(dd_json_parse(&theirs, text, sizeof(text) - 1, &slow,
							       NULL),
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_reader, close_reader)

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
		TEST(nesting_is_bounded),
		TEST(nesting_of_a_thousand_is_read),
		TEST(empty_objects_by_the_million_are_refused_within_the_budget),
		TEST(a_budget_holds_for_small_documents_too),
		TEST(a_token_that_breaks_the_budget_is_refused),
		TEST(a_large_document_is_read),
		TEST(a_large_document_that_fails_holds_nobody_up),
		TEST(values_do_not_refer_to_the_input),
		TEST(threads_do_not_disturb_each_other),
		TEST(a_lost_allocator_is_noticed),
		TEST(the_scanner_and_jansson_read_alike),
		TEST(the_scanner_sees_each_character_of_a_string),
		TEST(what_the_scanner_does_not_know_is_read_all_the_same),
	};

	return cmocka_run_group_tests_name("reading JSON", tests, NULL, NULL);
}
