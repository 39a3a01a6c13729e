/*
 * The word that was meant by one that is none.
 */
#include <string.h>

#include "base/nearest.h"
#include "unit.h"

static const char *meant(const char *word, size_t least, const char *const *known)
{
	struct dd_nearest nearest = { .word = word, .least = least };

	for (size_t i = 0; known[i]; i++)
		dd_nearest_try(&nearest, known[i]);
	return nearest.best;
}

static const char *const known[] = { "push", "pull", "delete", NULL };

static void the_nearest_word_was_meant(void **state)
{
	(void)state;
	assert_string_equal(meant("pul", 4, known), "pull");
	assert_string_equal(meant("pussh", 4, known), "push");
	assert_string_equal(meant("delate", 4, known), "delete");
}

static void of_equals_the_first_is_told(void **state)
{
	(void)state;
	assert_string_equal(meant("pu", 4, known), "push");
}

static void what_is_too_far_was_not_meant(void **state)
{
	(void)state;
	assert_null(meant("mount", 4, known));
	assert_null(meant("pushed", 2, known));
	assert_null(meant("", 4, known));
}

static void a_word_of_any_length_is_compared_within_bounds(void **state)
{
	char word[66], other[66];
	const char *const long_ones[] = { other, NULL };

	(void)state;
	memset(word, 'x', sizeof(word));
	memset(other, 'x', sizeof(other));
	word[63] = other[62] = '\0';
	assert_ptr_equal(meant(word, 4, long_ones), other);
	word[63] = 'x';
	word[64] = '\0';
	assert_null(meant(word, 4, long_ones));
	other[62] = 'x';
	other[65] = '\0';
	assert_null(meant("x", 4, long_ones));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nearest_word_was_meant),
		cmocka_unit_test(of_equals_the_first_is_told),
		cmocka_unit_test(what_is_too_far_was_not_meant),
		cmocka_unit_test(a_word_of_any_length_is_compared_within_bounds),
	};

	return cmocka_run_group_tests_name("nearest", tests, NULL, NULL);
}
