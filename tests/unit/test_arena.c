/*
 * Memory that goes all at once.
 */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static struct dd_arena arena;

static int teardown(void **state)
{
	(void)state;
	dd_arena_release(&arena);
	return 0;
}

static void allocations_are_aligned_and_apart(void **state)
{
	unsigned char *parts[3000];

	(void)state;
	dd_arena_reset(&arena, 0);
	for (size_t i = 0; i < 3000; i++) {
		parts[i] = dd_arena_alloc(&arena, i % 100);
		assert_non_null(parts[i]);
		assert_int_equal((uintptr_t)parts[i] % alignof(max_align_t), 0);
		memset(parts[i], (int)(i % 251), i % 100);
	}
	for (size_t i = 0; i < 3000; i++)
		for (size_t at = 0; at < i % 100; at++)
			assert_int_equal(parts[i][at], i % 251);
}

static void the_budget_is_kept_to_the_byte(void **state)
{
	(void)state;
	for (size_t budget = 1024; budget < 300000; budget = budget * 3 / 2) {
		size_t got = 0;

		dd_arena_reset(&arena, budget);
		while (dd_arena_alloc(&arena, 16))
			got += 16;
		assert_true(arena.exceeded);
		assert_true(got <= budget);
		assert_true(got > budget - 16 * 16);
		assert_null(dd_arena_alloc(&arena, 16));
	}
}

static void what_can_never_fit_is_refused(void **state)
{
	(void)state;
	dd_arena_reset(&arena, 1000);
	assert_null(dd_arena_alloc(&arena, 1001));
	assert_true(arena.exceeded);
	assert_null(dd_arena_alloc(&arena, SIZE_MAX));
	assert_null(dd_arena_alloc(&arena, SIZE_MAX - 8));
	dd_arena_reset(&arena, 1000);
	assert_false(arena.exceeded);
	assert_non_null(dd_arena_alloc(&arena, 900));
}

static void a_reset_keeps_little_and_gives_the_same_memory_again(void **state)
{
	void *first;

	(void)state;
	dd_arena_reset(&arena, 0);
	first = dd_arena_alloc(&arena, 100);
	assert_non_null(dd_arena_alloc(&arena, 10 * DD_ARENA_KEEP));
	assert_true(arena.held > 10 * DD_ARENA_KEEP);
	dd_arena_reset(&arena, 0);
	assert_ptr_equal(dd_arena_alloc(&arena, 100), first);
	for (size_t got = 0; got < DD_ARENA_KEEP; got += 1000)
		assert_non_null(dd_arena_alloc(&arena, 1000));
	assert_true(arena.held < 4 * DD_ARENA_KEEP);
}

static void a_kept_chunk_that_is_too_small_is_no_hindrance(void **state)
{
	(void)state;
	dd_arena_reset(&arena, 0);
	for (size_t got = 0; got < 200000; got += 1000)
		assert_non_null(dd_arena_alloc(&arena, 1000));
	dd_arena_reset(&arena, 0);
	assert_non_null(dd_arena_alloc(&arena, 1));
	assert_non_null(memset(dd_arena_alloc(&arena, 5000000), 1, 5000000));
	assert_non_null(dd_arena_alloc(&arena, 1));
}

static void the_newest_allocation_can_be_given_back(void **state)
{
	char *a, *b;

	(void)state;
	dd_arena_reset(&arena, 0);
	a = dd_arena_alloc(&arena, 10);
	b = dd_arena_alloc(&arena, 10);
	dd_arena_unalloc(&arena, a);
	assert_true((char *)dd_arena_alloc(&arena, 10) > b);
	b = dd_arena_alloc(&arena, 10);
	dd_arena_unalloc(&arena, b);
	dd_arena_unalloc(&arena, b);
	assert_ptr_equal(dd_arena_alloc(&arena, 10), b);
	dd_arena_unalloc(&arena, NULL);
}

static void a_copy_ends_in_a_nul(void **state)
{
	(void)state;
	dd_arena_reset(&arena, 0);
	assert_string_equal(dd_arena_copy(&arena, "abcd", 3), "abc");
	assert_string_equal(dd_arena_copy(&arena, "", 0), "");
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(allocations_are_aligned_and_apart),
		TEST(the_budget_is_kept_to_the_byte),
		TEST(what_can_never_fit_is_refused),
		TEST(a_reset_keeps_little_and_gives_the_same_memory_again),
		TEST(a_kept_chunk_that_is_too_small_is_no_hindrance),
		TEST(the_newest_allocation_can_be_given_back),
		TEST(a_copy_ends_in_a_nul),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
