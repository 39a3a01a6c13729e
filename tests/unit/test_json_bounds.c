/*
 * JSON that is deep, large or hostile: how much memory it may take, and what reading it leaves.
 */
#include "json_reader.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <jansson.h>

#include "text/json.h"

#define MIB ((size_t)1 << 20)

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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests_name("bounds of JSON", tests, NULL, NULL);
}
