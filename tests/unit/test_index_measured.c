/*
 * What a measurement found out: a word of each directory.
 */
#include "index.h"

/* As many as need several records. */
#define MANY ((size_t)150000)

static struct dd_info directory_of(uint64_t number)
{
	struct dd_info info = { .type = DD_ENTRY_DIRECTORY };

	for (size_t i = 0; i < 5; i++)
		info.stamp.word[i] = number * 10 + i;
	return info;
}

static void open_measured(struct cached *cached)
{
	open_cached(cached);
	cached->options.kind = DD_INDEX_MEASURED;
}

static void keep(struct cached *cached, const uint64_t *words, size_t count)
{
	struct dd_index *index = open_quietly(cached);

	assert_int_equal(dd_index_keep_words(index, words, count, NULL), 0);
	dd_index_close(index);
}

/* How many there are of these, which come first. */
static size_t count_kept(struct cached *cached, const uint64_t *wanted, size_t most)
{
	struct dd_index *index = open_quietly(cached);
	uint64_t *words = NULL;
	size_t count = 0, same = 0;

	assert_int_equal(dd_index_get_words(index, &words, &count, NULL), 0);
	while (same < most && same < count && words[same] == wanted[same])
		same++;
	free(words);
	dd_index_close(index);
	return same;
}

static void words_are_kept_however_many_they_are(void **state)
{
	uint64_t *words = calloc(MANY, sizeof(*words));
	struct cached cached;

	(void)state;
	assert_non_null(words);
	for (size_t i = 0; i < MANY; i++) {
		struct dd_info info = directory_of(i);

		words[i] = dd_index_word(&info, i & DD_INDEX_WORD_KIND);
	}
	open_measured(&cached);
	assert_int_equal(count_kept(&cached, words, MANY), 0);
	keep(&cached, words, MANY);
	assert_int_equal(count_kept(&cached, words, MANY), MANY);
	keep(&cached, words + 1, 3);
	assert_int_equal(count_kept(&cached, words + 1, 3), 3);
	close_cached(&cached);
	free(words);
}

static void a_word_is_of_one_stamp_and_one_kind(void **state)
{
	const struct dd_info info = directory_of(7);
	uint64_t word = dd_index_word(&info, 2);

	(void)state;
	assert_int_equal(word & DD_INDEX_WORD_KIND, 2);
	assert_int_equal(word ^ dd_index_word(&info, 1), 3);
	for (size_t i = 0; i < 5; i++) {
		struct dd_info other = info;

		other.stamp.word[i]++;
		assert_true((word ^ dd_index_word(&other, 2)) > DD_INDEX_WORD_KIND);
	}
}

static void without_an_index_there_are_none(void **state)
{
	uint64_t word = 5, *words;
	size_t count;

	(void)state;
	assert_int_equal(dd_index_get_words(NULL, &words, &count, NULL), 0);
	assert_int_equal(count, 0);
	assert_null(words);
	assert_int_equal(dd_index_keep_words(NULL, &word, 1, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_kept_however_many_they_are),
		cmocka_unit_test(a_word_is_of_one_stamp_and_one_kind),
		cmocka_unit_test(without_an_index_there_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
