/*
 * Digests as small numbers.
 */
#include <string.h>

#include "unit.h"

#include "graph/ids.h"

static struct dd_digest numbered(enum dd_algorithm alg, uint32_t number)
{
	struct dd_digest digest = { .alg = (uint8_t)alg };

	memcpy(digest.bytes, &number, sizeof(number));
	return digest;
}

static void a_digest_keeps_its_id_as_the_table_grows(void **state)
{
	struct dd_ids ids = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 20000; i++) {
		struct dd_digest digest = numbered(i % 2 ? DD_SHA256 : DD_SHA512, i);

		assert_int_equal(dd_ids_find(&ids, &digest), DD_NO_ID);
		assert_int_equal(dd_ids_intern(&ids, &digest), i);
	}
	for (uint32_t i = 0; i < 20000; i++) {
		struct dd_digest digest = numbered(i % 2 ? DD_SHA256 : DD_SHA512, i), back;

		assert_int_equal(dd_ids_intern(&ids, &digest), i);
		dd_ids_get(&ids, i, &back);
		assert_true(dd_digest_equal(&back, &digest));
	}
	dd_ids_release(&ids);
}

static void many_digests_get_the_ids_that_each_would_have(void **state)
{
	struct {
		uint64_t before;
		struct dd_digest digest;
	} many[300] = { 0 };
	struct dd_ids ids = { 0 };
	uint32_t found[300], looked_up[300];

	(void)state;
	/* Some are known already, some come twice. */
	for (uint32_t i = 0; i < 300; i++)
		many[i].digest = numbered(i % 3 ? DD_SHA256 : DD_SHA512, i % 200);
	dd_ids_find_all(&ids, &many[0].digest, 300, sizeof(*many), looked_up);
	assert_int_equal(looked_up[299], DD_NO_ID);
	assert_int_equal(dd_ids_intern(&ids, &many[50].digest), 0);
	dd_ids_find_all(&ids, &many[0].digest, 300, sizeof(*many), looked_up);
	assert_int_equal(looked_up[0], DD_NO_ID);
	assert_int_equal(looked_up[50], 0);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(
			dd_ids_intern_all(&ids, &many[0].digest, 300, sizeof(*many), found), 0);
		dd_ids_find_all(&ids, &many[0].digest, 300, sizeof(*many), looked_up);
		for (uint32_t i = 0; i < 300; i++) {
			assert_int_equal(dd_ids_find(&ids, &many[i].digest), found[i]);
			assert_int_equal(looked_up[i], found[i]);
		}
	}
	assert_int_equal(found[50], 0);
	assert_int_equal(found[0], 1);
	dd_ids_release(&ids);
}

static void room_that_is_made_early_changes_no_id(void **state)
{
	struct dd_ids ids = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 3000; i++) {
		struct dd_digest digest = numbered(DD_SHA256, i);

		if (i % 1000 == 0)
			assert_int_equal(dd_ids_reserve(&ids, i * 10), 0);
		assert_int_equal(dd_ids_intern(&ids, &digest), i);
	}
	assert_int_equal(dd_ids_reserve(&ids, 0), 0);
	for (uint32_t i = 0; i < 3000; i++) {
		struct dd_digest digest = numbered(DD_SHA256, i);

		assert_int_equal(dd_ids_find(&ids, &digest), i);
	}
	dd_ids_release(&ids);
}

static void the_same_bytes_of_two_algorithms_are_two_digests(void **state)
{
	struct dd_digest a = numbered(DD_SHA256, 7), b = numbered(DD_SHA512, 7);
	struct dd_ids ids = { 0 };

	(void)state;
	assert_int_equal(dd_ids_intern(&ids, &a), 0);
	assert_int_equal(dd_ids_intern(&ids, &b), 1);
	assert_int_equal(dd_ids_find(&ids, &a), 0);
	dd_ids_release(&ids);
}

/* Names of directories are anybody's choice: chosen alike, they must not fall into one slot. */
static void digests_that_differ_in_their_last_bytes_alone_are_found_as_fast(void **state)
{
	struct dd_ids ids = { 0 };
	uint32_t longest = 0, run = 0;

	(void)state;
	for (uint32_t i = 0; i < 50000; i++) {
		struct dd_digest digest = { .alg = DD_SHA256 };

		memcpy(digest.bytes + 28, &i, sizeof(i));
		assert_int_equal(dd_ids_intern(&ids, &digest), i);
	}
	for (uint32_t i = 0; i < ids.slot_count; i++) {
		run = ids.slots[i] ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	assert_true(longest < 1000);
	dd_ids_release(&ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_digest_keeps_its_id_as_the_table_grows),
		cmocka_unit_test(many_digests_get_the_ids_that_each_would_have),
		cmocka_unit_test(room_that_is_made_early_changes_no_id),
		cmocka_unit_test(the_same_bytes_of_two_algorithms_are_two_digests),
		cmocka_unit_test(digests_that_differ_in_their_last_bytes_alone_are_found_as_fast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
