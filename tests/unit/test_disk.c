/*
 * Disks that turn: what sysfs says, and the order in which they are read.
 */
#include "volume.h"

#include "store/disk.h"
#include "verify/order.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void a_disk_turns_if_its_queue_says_so(void **state)
{
	struct volume volume;

	(void)state;
	open_volume(&volume);
	put(&volume, "8:0/queue/rotational", "1\n");
	put(&volume, "8:16/queue/rotational", "0\n");
	put(&volume, "8:32/queue/rotational", "");
	assert_true(dd_disk_is_rotating(volume.root, 8, 0));
	assert_false(dd_disk_is_rotating(volume.root, 8, 16));
	assert_false(dd_disk_is_rotating(volume.root, 8, 32));
	assert_false(dd_disk_is_rotating(volume.root, 0, 45));
	assert_false(dd_disk_is_rotating("/nonexistent", 8, 0));
	close_volume(&volume);
}

static void a_partition_is_as_its_disk_is(void **state)
{
	struct volume volume;

	(void)state;
	open_volume(&volume);
	put(&volume, "devices/sda/queue/rotational", "1\n");
	put(&volume, "devices/sda/sda1/start", "2048\n");
	put(&volume, "devices/sdb/queue/rotational", "0\n");
	put(&volume, "devices/sdb/sdb1/start", "2048\n");
	assert_int_equal(symlink("devices/sda/sda1", below(&volume, "8:1")), 0);
	assert_int_equal(symlink("devices/sdb/sdb1", below(&volume, "8:17")), 0);
	assert_true(dd_disk_is_rotating(volume.root, 8, 1));
	assert_false(dd_disk_is_rotating(volume.root, 8, 17));
	close_volume(&volume);
}

static void a_store_says_of_its_disk_what_sysfs_says(void **state)
{
	struct volume volume;

	(void)state;
	open_volume(&volume);
	dd_store_is_rotating(volume.store); /* whatever this machine has */
	close_volume(&volume);
}

static void assert_order(const uint32_t *ids, const uint32_t *wanted, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_int_equal(ids[i], wanted[i]);
}

static void what_lies_in_front_is_read_first(void **state)
{
	static const uint64_t places[] = { 50, 10, 40, 10, UINT64_MAX };
	static const uint32_t wanted[] = { 1, 3, 2, 0, 4 };
	uint32_t ids[] = { 4, 0, 3, 2, 1 };

	(void)state;
	dd_order_by_place(ids, COUNT(ids), places, NULL);
	assert_order(ids, wanted, COUNT(ids));
}

static void what_was_read_in_an_earlier_night_goes_first_whatever_its_place(void **state)
{
	const int64_t night = 24 * DD_ORDER_NIGHT;
	/* Never, tonight, last night, last night a little later, never. */
	const int64_t whens[] = { 0, 2 * night, night, night + DD_ORDER_NIGHT / 2, 0 };
	static const uint64_t places[] = { 90, 10, 40, 20, 80 };
	static const uint32_t wanted[] = { 4, 0, 3, 2, 1 };
	uint32_t ids[] = { 0, 1, 2, 3, 4 };

	(void)state;
	dd_order_by_place(ids, COUNT(ids), places, whens);
	assert_order(ids, wanted, COUNT(ids));
}

static void a_sample_goes_round_from_any_place(void **state)
{
	for (uint64_t chance = 0; chance < 12; chance++) {
		uint32_t ids[] = { 0, 1, 2, 3, 4 };

		dd_order_begin_anywhere(ids, COUNT(ids), chance);
		for (uint32_t i = 0; i < COUNT(ids); i++)
			assert_int_equal(ids[i], (i + chance) % COUNT(ids));
	}
	(void)state;
	dd_order_begin_anywhere(NULL, 0, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_disk_turns_if_its_queue_says_so),
		cmocka_unit_test(a_partition_is_as_its_disk_is),
		cmocka_unit_test(a_store_says_of_its_disk_what_sysfs_says),
		cmocka_unit_test(what_lies_in_front_is_read_first),
		cmocka_unit_test(what_was_read_in_an_earlier_night_goes_first_whatever_its_place),
		cmocka_unit_test(a_sample_goes_round_from_any_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
