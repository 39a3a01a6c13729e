/*
 * Manifests that want to hurt: too large, too deep, too greedy.
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

#include <cmocka.h>

#include <drydock/manifest.h>

#include "base/cleanup.h"

#define MIB ((size_t)1 << 20)
#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LAYER                                                                                     \
	"{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"sha256:" HEX \
	"\",\"size\":12345},"
#define LEAST "{\"digest\":\"sha256:" HEX "\"},"

/* Sanitizers keep memory that was given back. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define MEMORY_TELLS 0
#elif defined(__has_feature)
#define MEMORY_TELLS !(__has_feature(thread_sanitizer) || __has_feature(address_sanitizer))
#else
#define MEMORY_TELLS 1
#endif

static struct dd_manifest_parser *parser;
static const struct dd_manifest *manifest;
static struct dd_error err;
static char *text;
static size_t len;

static int open_parser(void **state)
{
	(void)state;
	text = malloc(DD_MANIFEST_MAX + 1);
	return text ? dd_manifest_parser_open(&parser, NULL) : -1;
}

static int close_parser(void **state)
{
	(void)state;
	dd_manifest_parser_closep(&parser);
	free(text);
	return 0;
}

static size_t peak(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (size_t)usage.ru_maxrss << 10;
}

static void add(const char *piece)
{
	size_t size = strlen(piece);

	assert_true(len + size <= DD_MANIFEST_MAX);
	memcpy(text + len, piece, size);
	len += size;
}

/* A start, as many pieces as there is room for below a size, and an end. */
static void fill(const char *start, const char *piece, size_t size, const char *end)
{
	len = 0;
	add(start);
	while (len + strlen(piece) + strlen(end) <= size)
		add(piece);
	add(end);
}

static int parse(void)
{
	memset(&err, 0, sizeof(err));
	return dd_manifest_parse(parser, text, len, NULL, &manifest, &err);
}

static void a_manifest_of_16_mib_is_read(void **state)
{
	size_t before = peak();

	(void)state;
	fill("{\"layers\":[", LAYER, DD_MANIFEST_MAX, "null]}");
	/* null is no layer: the error comes last, so everything else was read. */
	assert_int_equal(parse(), DD_EFORMAT);
	assert_non_null(strstr(err.text, "an object was expected, not null"));
	fill("{\"layers\":[", LAYER, DD_MANIFEST_MAX - 200, LEAST);
	text[len - 1] = ']';
	add("}");
	assert_int_equal(parse(), 0);
	assert_true(manifest->count > 100000);
	for (size_t i = 0; i + 1 < manifest->count; i++)
		assert_int_equal(manifest->descriptors[i].size, 12345);
	if (MEMORY_TELLS)
		assert_in_range(peak() - before, 0, 300 * MIB);
}

static void one_byte_more_is_refused(void **state)
{
	(void)state;
	memset(text, ' ', DD_MANIFEST_MAX + 1);
	memcpy(text, "{\"layers\":[]}", 13);
	len = DD_MANIFEST_MAX;
	assert_int_equal(parse(), 0);
	len++;
	assert_int_equal(parse(), DD_ETOOBIG);
	assert_non_null(strstr(err.text, "16777217"));
}

static void the_shortest_descriptors_are_within_the_budget(void **state)
{
	(void)state;
	for (size_t size = 1000; size <= 4 * MIB; size *= 8) {
		fill("{\"layers\":[", LEAST, size, LEAST);
		text[len - 1] = ']';
		add("}");
		assert_int_equal(parse(), 0);
	}
}

static void empty_objects_by_the_million_are_refused_within_the_budget(void **state)
{
	static const char *const starts[] = { "[", "{\"layers\":[", "{\"layers\":[],\"x\":[" };
	size_t before = peak();

	(void)state;
	for (size_t i = 0; i < DD_COUNT(starts); i++) {
		fill(starts[i], "{},", 15 * MIB, "{}]}");
		assert_int_equal(parse(), DD_ETOOBIG);
		assert_string_equal(err.text, "needs more than 192 MiB of memory");
	}
	if (MEMORY_TELLS)
		assert_in_range(peak() - before, 0, 300 * MIB);
}

static void a_small_document_cannot_be_greedy_either(void **state)
{
	(void)state;
	/* Each entry becomes a descriptor of some 200 bytes. */
	fill("{\"fsLayers\":[", "{\"blobSum\":\"tarsum\"},", 200000, "{\"blobSum\":\"tarsum\"}]}");
	assert_int_equal(parse(), 0);
	fill("{\"fsLayers\":[", "{\"blobSum\":\"tarsum\"},", 12 * MIB,
	     "{\"blobSum\":\"tarsum\"}]}");
	assert_int_equal(parse(), DD_ETOOBIG);
}

static void nesting_of_100000_is_refused(void **state)
{
	static const char *const pieces[] = { "[", "{\"layers\":", "{\"layers\":[",
					      "{\"subject\":" };

	(void)state;
	for (size_t i = 0; i < DD_COUNT(pieces); i++) {
		len = 0;
		for (size_t n = 0; n < 100000; n++)
			add(pieces[i]);
		assert_int_equal(parse(), DD_EFORMAT);
		assert_non_null(strstr(err.text, "maximum parsing depth reached"));
	}
}

static void many_keys_of_an_object_take_no_quadratic_time(void **state)
{
	char key[40];

	(void)state;
	len = 0;
	add("{\"layers\":[],\"annotations\":{\"first\":\"\"");
	for (unsigned i = 0; len < 4 * MIB; i++) {
		snprintf(key, sizeof(key), ",\"key%u\":\"value\"", i);
		add(key);
	}
	add("}}");
	assert_int_equal(parse(), 0);
	assert_true(manifest->annotations.count > 150000);
	/* The last key again. */
	len -= 2;
	add(",\"first\":\"\"}}");
	assert_int_equal(parse(), DD_EFORMAT);
	assert_non_null(strstr(err.text, "the field \"first\" is given twice"));
}

static void endless_strings_and_numbers_end(void **state)
{
	(void)state;
	fill("{\"layers\":[],\"x\":\"", "aaaaaaaaaaaaaaaa", 4 * MIB, "\"}");
	assert_int_equal(parse(), 0);
	fill("{\"layers\":[],\"x\":\"", "\\ud800\xff", 4 * MIB, "\"}");
	assert_int_equal(parse(), 0);
	fill("{\"layers\":[],\"x\":", "9999999999999999", 4 * MIB, "}");
	assert_int_equal(parse(), DD_EFORMAT);
	assert_non_null(strstr(err.text, "too big integer"));
	fill("{\"layers\":[],\"x\":0.", "0000000000000000", 4 * MIB, "1}");
	assert_int_equal(parse(), 0);
	fill("{\"layers\":[{\"digest\":\"", "aaaaaaaaaaaaaaaa", 4 * MIB, "\"}]}");
	assert_int_equal(parse(), DD_EFORMAT);
	assert_non_null(strstr(err.text, "layers[0].digest: \"aaaa"));
}

/* Whatever is cut off, and whatever byte is wrong, is an error or is read; nothing else. */
static void no_damage_to_a_manifest_goes_further_than_an_error(void **state)
{
	static const char good[] =
		"{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
		"\"config\":{\"digest\":\"sha256:" HEX "\",\"size\":2,\"data\":\"e30=\"},"
		"\"layers\":[" LAYER "{\"digest\":\"sha256:" HEX "\",\"urls\":[\"\\u0041\"],"
		"\"platform\":{\"os\":\"linux\"}}],\"annotations\":{\"a\":\"b\"}}";
	static const char wrong[] = "\0\x01\"\\{}[],:0-.eu \x7f\x80\xff";

	(void)state;
	for (size_t cut = 0; cut < sizeof(good) - 1; cut++) {
		char *copy = malloc(cut ? cut : 1);

		/* Of exactly this size, so that a sanitizer sees what is read behind it. */
		assert_non_null(copy);
		memcpy(copy, good, cut);
		assert_int_equal(dd_manifest_parse(parser, copy, cut, NULL, &manifest, &err),
				 DD_EFORMAT);
		free(copy);
	}
	for (size_t at = 0; at < sizeof(good) - 1; at++)
		for (size_t i = 0; i < sizeof(wrong); i++) {
			int rc;

			memcpy(text, good, sizeof(good));
			text[at] = wrong[i];
			len = sizeof(good) - 1;
			rc = parse();
			assert_true(rc == 0 || rc == DD_EFORMAT || rc == DD_EUNKNOWN);
			assert_true((rc == 0) == (manifest != NULL));
		}
}

static void *parse_in_a_thread(void *arg)
{
	DD_CLEANUP(dd_manifest_parser_closep) struct dd_manifest_parser *mine = NULL;
	const struct dd_manifest *parsed;
	bool fine = dd_manifest_parser_open(&mine, NULL) == 0;

	for (int i = 0; fine && i < 2; i++)
		fine = dd_manifest_parse(mine, text, len, NULL, &parsed, NULL) == 0 &&
		       parsed->count == *(size_t *)arg && parsed->descriptors[0].size == 12345;
	return fine ? arg : NULL;
}

static void large_ones_in_many_threads_take_turns(void **state)
{
	pthread_t threads[8];
	size_t count = 0, before = peak();

	(void)state;
	fill("{\"layers\":[", LAYER, 2 * MIB, LEAST);
	text[len - 1] = ']';
	add("}");
	assert_int_equal(parse(), 0);
	count = manifest->count;
	for (size_t i = 0; i < DD_COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, parse_in_a_thread, &count), 0);
	for (size_t i = 0; i < DD_COUNT(threads); i++) {
		void *fine;

		pthread_join(threads[i], &fine);
		assert_non_null(fine);
	}
	if (MEMORY_TELLS)
		assert_in_range(peak() - before, 0, 160 * MIB);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_parser, close_parser)

int main(void)
{
	/* In the order of what they need, for the peak of a process never falls. */
	const struct CMUnitTest tests[] = {
		TEST(no_damage_to_a_manifest_goes_further_than_an_error),
		TEST(large_ones_in_many_threads_take_turns),
		TEST(empty_objects_by_the_million_are_refused_within_the_budget),
		TEST(a_manifest_of_16_mib_is_read),
		TEST(one_byte_more_is_refused),
		TEST(the_shortest_descriptors_are_within_the_budget),
		TEST(a_small_document_cannot_be_greedy_either),
		TEST(nesting_of_100000_is_refused),
		TEST(many_keys_of_an_object_take_no_quadratic_time),
		TEST(endless_strings_and_numbers_end),
	};

	return cmocka_run_group_tests_name("hostile manifests", tests, NULL, NULL);
}
