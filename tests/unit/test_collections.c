/*
 * What is remembered of collections.
 */
#include "base/cleanup.h"
#include "volume.h"

#include <drydock/record.h>

#define RECORDS ".drydock/records"

static void begin(struct volume *volume, const char *run, int64_t when)
{
	struct dd_collection collection = { .began_ns = when, .command = "gc -m 'a b'" };

	snprintf(collection.run, sizeof(collection.run), "%s", run);
	assert_int_equal(dd_collections_begin(volume->store, &collection, &volume->err), 0);
}

static void end(struct volume *volume, const char *run, int64_t when, unsigned status)
{
	struct dd_collection collection = { .began_ns = when,
					    .ended_ns = when + 5,
					    .status = status,
					    .blobs = UINT64_MAX,
					    .trash_keep_ns = 77,
					    .reason = status ? "why\n%" : NULL };

	snprintf(collection.run, sizeof(collection.run), "%s", run);
	assert_int_equal(dd_collections_end(volume->store, &collection, &volume->err), 0);
}

static void open_with_state(struct volume *volume)
{
	open_volume(volume);
	assert_int_equal(dd_store_make_state(volume->store, &volume->err), 0);
}

static void without_records_there_was_no_collection(void **state)
{
	struct volume volume;
	struct dd_collections collections;

	(void)state;
	open_volume(&volume);
	assert_code(dd_collections_load(volume.store, &collections, &volume.err), 0);
	assert_true(collections.last.began_ns == 0 && collections.whole.began_ns == 0 &&
		    collections.good_ns == 0);
	assert_false(exists(&volume, ".drydock"));
	dd_collections_release(&collections);
	close_volume(&volume);
}

static void the_last_one_is_found_and_the_last_whole_and_the_last_good_one(void **state)
{
	struct volume volume;
	struct dd_collections collections;

	(void)state;
	open_with_state(&volume);
	begin(&volume, "first", 100);
	end(&volume, "first", 100, DD_EXIT_DONE);
	begin(&volume, "second", 200);
	end(&volume, "second", 200, DD_EXIT_ATTENTION);
	begin(&volume, "third", 300);
	end(&volume, "third", 300, DD_EXIT_FAILED);
	assert_code(dd_collections_load(volume.store, &collections, &volume.err), 0);
	assert_string_equal(collections.last.run, "third");
	assert_int_equal(collections.last.ended_ns, 305);
	assert_int_equal(collections.last.status, DD_EXIT_FAILED);
	assert_string_equal(collections.last.command, "gc -m 'a b'");
	assert_string_equal(collections.last.reason, "why\n%");
	assert_string_equal(collections.whole.run, "second");
	assert_true(collections.whole.blobs == UINT64_MAX);
	assert_int_equal(collections.whole.trash_keep_ns, 77);
	assert_int_equal(collections.good_ns, 105);
	dd_collections_release(&collections);
	begin(&volume, "fourth", 400);
	assert_code(dd_collections_load(volume.store, &collections, &volume.err), 0);
	assert_string_equal(collections.last.run, "fourth");
	assert_int_equal(collections.last.ended_ns, 0);
	assert_string_equal(collections.whole.run, "second");
	dd_collections_release(&collections);
	close_volume(&volume);
}

static void a_torn_end_is_no_end(void **state)
{
	struct volume volume;
	DD_AUTOFREE char *text = NULL;
	size_t first, len;

	(void)state;
	open_with_state(&volume);
	begin(&volume, "one", 100);
	text = get(&volume, RECORDS, &first);
	free(text);
	end(&volume, "one", 100, DD_EXIT_DONE);
	text = get(&volume, RECORDS, &len);
	for (size_t cut = 0; cut <= len; cut++) {
		struct dd_collections collections;

		put_bytes(&volume, RECORDS, text, cut);
		assert_code(dd_collections_load(volume.store, &collections, &volume.err), 0);
		assert_int_equal(collections.last.began_ns, cut >= first ? 100 : 0);
		assert_int_equal(collections.last.ended_ns, cut == len ? 105 : 0);
		dd_collections_release(&collections);
	}
	close_volume(&volume);
}

static void of_many_the_end_is_read(void **state)
{
	struct volume volume;
	struct dd_collections collections;
	char run[32];

	(void)state;
	open_with_state(&volume);
	for (int i = 1; i <= 1500; i++) {
		snprintf(run, sizeof(run), "run-%d", i);
		begin(&volume, run, i);
		end(&volume, run, i, DD_EXIT_DONE);
	}
	assert_code(dd_collections_load(volume.store, &collections, &volume.err), 0);
	assert_string_equal(collections.last.run, "run-1500");
	assert_int_equal(collections.good_ns, 1505);
	dd_collections_release(&collections);
	close_volume(&volume);
}

static void a_reason_of_any_length_fits(void **state)
{
	struct volume volume;
	struct dd_collections collections;
	char reason[5000];
	struct dd_collection collection = { .began_ns = 1, .ended_ns = 2, .status = 3,
					    .run = "long", .reason = reason };

	(void)state;
	open_with_state(&volume);
	memset(reason, '\n', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	assert_code(dd_collections_end(volume.store, &collection, &volume.err), 0);
	assert_code(dd_collections_load(volume.store, &collections, &volume.err), 0);
	assert_string_equal(collections.last.run, "long");
	assert_string_equal(collections.last.command, "");
	assert_int_equal(collections.last.reason[0], '\n');
	dd_collections_release(&collections);
	close_volume(&volume);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_records_there_was_no_collection),
		cmocka_unit_test(the_last_one_is_found_and_the_last_whole_and_the_last_good_one),
		cmocka_unit_test(a_torn_end_is_no_end),
		cmocka_unit_test(of_many_the_end_is_read),
		cmocka_unit_test(a_reason_of_any_length_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
