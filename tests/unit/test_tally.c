/*
 * Counts by name.
 */
#include <stdio.h>

#include "base/tally.h"
#include "unit.h"

static void each_name_has_a_count_of_its_own(void **state)
{
	struct dd_tally *tally = dd_tally_open();
	struct dd_tally_entry *a, *b;

	(void)state;
	assert_int_equal(dd_tally_get(tally, "a"), 0);
	a = dd_tally_add(tally, "a");
	assert_ptr_equal(dd_tally_add(tally, "a"), a);
	b = dd_tally_add(tally, "b");
	assert_int_equal(dd_tally_get(tally, "a"), 2);
	assert_int_equal(dd_tally_get(tally, "b"), 1);
	dd_tally_take_off(tally, a);
	dd_tally_take_off(tally, b);
	assert_int_equal(dd_tally_get(tally, "a"), 1);
	assert_int_equal(dd_tally_get(tally, "b"), 0);
	dd_tally_closep(&tally);
	assert_null(tally);
}

static void names_that_share_a_place_are_told_apart(void **state)
{
	struct dd_tally *tally = dd_tally_open();
	struct dd_tally_entry *entries[5000];
	char name[16];

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "%u", i);
		entries[i] = dd_tally_add(tally, name);
	}
	for (unsigned i = 0; i < 5000; i += 2)
		dd_tally_take_off(tally, entries[i]);
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "%u", i);
		assert_int_equal(dd_tally_get(tally, name), i % 2);
	}
	dd_tally_closep(&tally);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_name_has_a_count_of_its_own),
		cmocka_unit_test(names_that_share_a_place_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
