/*
 * Records that are made shorter say what they said.
 */
#include "base/cleanup.h"
#include "record/line.h"
#include "volume.h"

#include <drydock/record.h>

#define RECORDS ".drydock/records"
#define LONG "a-name-that-makes-a-line-of-it-which-is-as-long-as-most/"
#define COMMAND "gc --apply --policy " LONG LONG LONG LONG

static void open_with_state(struct volume *volume)
{
	open_volume(volume);
	assert_int_equal(dd_store_make_state(volume->store, &volume->err), 0);
}

static size_t size_of(const struct volume *volume)
{
	struct stat st;

	assert_int_equal(stat(below(volume, RECORDS), &st), 0);
	return (size_t)st.st_size;
}

static void add_bytes(const struct volume *volume, const void *bytes, size_t len)
{
	int fd = open(below(volume, RECORDS), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);

	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

static void make_line(struct dd_text *line, const char *const *words, size_t count)
{
	DD_CLEANUP(dd_hasher_closep) struct dd_hasher *hasher = NULL;
	DD_CLEANUP(dd_text_release) struct dd_text payload = { 0 };

	assert_int_equal(dd_hasher_open(&hasher, DD_SHA256, NULL), 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(dd_line_word(&payload, words[i]), 0);
	assert_int_equal(dd_line_end(hasher, line, &payload, NULL), 0);
}

/* So many names, pulled then. */
static void pull(struct volume *volume, int names, int64_t when)
{
	DD_CLEANUP(dd_pulls_release) struct dd_pulls pulls = { 0 };
	char repository[128];

	for (int i = 0; i < names; i++) {
		snprintf(repository, sizeof(repository), LONG "%d", i);
		assert_int_equal(dd_pulls_put(&pulls, repository, "v 1%", when + i, NULL), 0);
	}
	dd_pulls_cover(&pulls, when, when + names);
	assert_int_equal(dd_pulls_add(volume->store, &pulls, &volume->err), 0);
}

static void run(struct volume *volume, int number, unsigned status)
{
	struct dd_collection collection = { .began_ns = number, .command = COMMAND };

	snprintf(collection.run, sizeof(collection.run), "run-%d", number);
	assert_int_equal(dd_collections_begin(volume->store, &collection, &volume->err), 0);
	collection.ended_ns = number + 1;
	collection.status = status;
	collection.blobs = (uint64_t)number;
	assert_int_equal(dd_collections_end(volume->store, &collection, &volume->err), 0);
}

static void assert_pulled(struct volume *volume, int names, int64_t when, int64_t from)
{
	DD_CLEANUP(dd_pulls_release) struct dd_pulls pulls = { 0 };
	char repository[128];

	assert_int_equal(dd_pulls_load(volume->store, &pulls, &volume->err), 0);
	assert_int_equal(pulls.count, names);
	for (int i = 0; i < names; i++) {
		snprintf(repository, sizeof(repository), LONG "%d", i);
		assert_int_equal(dd_pulls_find(&pulls, repository, "v 1%"), when + i);
	}
	assert_int_equal(pulls.from_ns, from);
	assert_int_equal(pulls.to_ns, when + names);
}

static void few_are_left_alone_and_none_are_made(void **state)
{
	struct volume volume;
	DD_AUTOFREE char *before = NULL, *after = NULL;

	(void)state;
	open_with_state(&volume);
	assert_code(dd_records_compact(volume.store, &volume.err), 0);
	assert_false(exists(&volume, RECORDS));
	for (int i = 1; i <= 5; i++)
		pull(&volume, 100, 1000 * i);
	assert_true(size_of(&volume) < 64 << 10);
	before = get(&volume, RECORDS, NULL);
	assert_code(dd_records_compact(volume.store, &volume.err), 0);
	after = get(&volume, RECORDS, NULL);
	assert_string_equal(before, after);
	close_volume(&volume);
}

static void of_each_name_the_latest_pull_stays(void **state)
{
	struct volume volume;
	DD_AUTOFREE char *once = NULL, *twice = NULL;
	size_t before;

	(void)state;
	open_with_state(&volume);
	for (int i = 1; i <= 20; i++)
		pull(&volume, 200, 1000 * i);
	pull(&volume, 100, 500); /* an older log, read later */
	before = size_of(&volume);
	assert_pulled(&volume, 200, 20000, 500);
	assert_code(dd_records_compact(volume.store, &volume.err), 0);
	assert_true(size_of(&volume) < before / 15);
	assert_pulled(&volume, 200, 20000, 500);
	once = get(&volume, RECORDS, NULL);
	assert_code(dd_records_compact(volume.store, &volume.err), 0);
	twice = get(&volume, RECORDS, NULL);
	assert_string_equal(once, twice);
	close_volume(&volume);
}

static void it_is_as_large_as_what_is_worth_remembering_however_much_is_added(void **state)
{
	DD_CLEANUP(dd_pulls_release) struct dd_pulls pulls = { 0 };
	struct volume volume;
	size_t one, written;
	unsigned shorter = 0;

	(void)state;
	open_with_state(&volume);
	pull(&volume, 1000, 1);
	one = size_of(&volume);
	for (int i = 1; i <= 100; i++) {
		pull(&volume, 250, 10000 * i);
		written = size_of(&volume);
		assert_true(written < 3 * one);
		assert_code(dd_records_compact(volume.store, &volume.err), 0);
		shorter += size_of(&volume) < written;
	}
	assert_code(dd_pulls_load(volume.store, &pulls, &volume.err), 0);
	assert_int_equal(pulls.count, 1000);
	assert_int_equal(dd_pulls_find(&pulls, LONG "0", "v 1%"), 1000000);
	assert_int_equal(dd_pulls_find(&pulls, LONG "249", "v 1%"), 1000249);
	assert_int_equal(dd_pulls_find(&pulls, LONG "250", "v 1%"), 251);
	/* Not with every addition. */
	assert_true(shorter > 10 && shorter < 40);
	close_volume(&volume);
}

static void of_collections_the_latest_hundred_stay_and_what_is_told_of_older_ones(void **state)
{
	struct volume volume;
	struct dd_collections collections;
	DD_AUTOFREE char *text = NULL;

	(void)state;
	open_with_state(&volume);
	for (int i = 1; i <= 300; i++)
		run(&volume, i,
		    i == 10 ? DD_EXIT_DONE :
		    i == 20 ? DD_EXIT_ATTENTION :
			      DD_EXIT_FAILED);
	assert_code(dd_records_compact(volume.store, &volume.err), 0);
	assert_code(dd_collections_load(volume.store, &collections, &volume.err), 0);
	assert_string_equal(collections.last.run, "run-300");
	assert_int_equal(collections.last.ended_ns, 301);
	assert_string_equal(collections.whole.run, "run-20");
	assert_string_equal(collections.whole.command, COMMAND);
	assert_int_equal(collections.whole.blobs, 20);
	assert_int_equal(collections.good_ns, 11);
	dd_collections_release(&collections);
	text = get(&volume, RECORDS, NULL);
	for (int i = 1; i <= 300; i++) {
		char began[32], ended[48];
		bool stays = i == 10 || i == 20 || i > 200;

		snprintf(began, sizeof(began), "collecting %d ", i);
		snprintf(ended, sizeof(ended), "collected %d ", i);
		assert_int_equal(strstr(text, began) != NULL, stays);
		assert_int_equal(strstr(text, ended) != NULL, stays);
	}
	close_volume(&volume);
}

static void what_is_not_understood_is_kept_to_the_byte(void **state)
{
	static const char *const many[] = { "many", "1",  "2",	"3",  "4",  "5",  "6",	"7",
					    "8",    "9",  "10", "11", "12", "13", "14", "15",
					    "16",   "17", "18", "19", "20", "21" };
	static const char damaged[] = "0123456789abcdef pulled 1 damaged v1\n\n\nx\n";
	DD_CLEANUP(dd_text_release) struct dd_text odd = { 0 };
	struct volume volume;
	DD_AUTOFREE char *text = NULL, *noise = calloc(1, 200 << 10);
	char *found;
	size_t len;

	(void)state;
	open_with_state(&volume);
	make_line(&odd, (const char *const[]){ "predicted", "a b", "" }, 3);
	make_line(&odd, (const char *const[]){ "pulled", "1", LONG "0", "v 1%", "by whom" }, 5);
	make_line(&odd, (const char *const[]){ "pulls-known", "soon" }, 2);
	make_line(&odd, (const char *const[]){ "collecting", "later" }, 2);
	make_line(&odd, (const char *const[]){ "compacted", "1", "2", "3" }, 4);
	make_line(&odd, many, DD_COUNT(many));
	dd_text_add(&odd, damaged, sizeof(damaged) - 1);
	memset(noise, 'n', 200 << 10);
	dd_text_add(&odd, noise, 200 << 10);
	dd_text_add(&odd, "\n", 1);
	pull(&volume, 1000, 1000);
	add_bytes(&volume, odd.bytes, odd.len);
	pull(&volume, 1000, 4000);
	for (int i = 0; i < 10; i++)
		pull(&volume, 1000, 6000);
	add_bytes(&volume, "torn", 4);
	assert_code(dd_records_compact(volume.store, &volume.err), 0);
	text = get(&volume, RECORDS, &len);
	found = memmem(text, len, odd.bytes, odd.len);
	assert_non_null(found);
	assert_null(memmem(found + 1, len - (size_t)(found + 1 - text), odd.bytes, odd.len));
	assert_memory_equal(text + len - 4, "torn", 4);
	assert_pulled(&volume, 1000, 6000, 1000);
	close_volume(&volume);
}

static void acknowledged_holds_stay(void **state)
{
	struct volume volume;
	struct dd_records records;
	struct dd_digest digest;

	(void)state;
	open_with_state(&volume);
	assert_int_equal(dd_digest_parse_hex(&digest, DD_SHA256, HEX_A, 64), 0);
	assert_code(dd_records_acknowledge(volume.store, "a b\n", &digest, &volume.err), 0);
	for (int i = 1; i <= 10; i++)
		pull(&volume, 200, 1000 * i);
	assert_code(dd_records_compact(volume.store, &volume.err), 0);
	assert_code(dd_records_load(volume.store, &records, &volume.err), 0);
	assert_int_equal(records.count, 1);
	assert_int_equal(records.damaged, 0);
	assert_string_equal(records.acknowledged[0].repository, "a b\n");
	dd_records_release(&records);
	close_volume(&volume);
}

static void a_first_line_that_is_damaged_or_lies_is_no_harm(void **state)
{
	static const char *const sizes[] = { "0", "18446744073709551615", "99999999999999999999",
					     "x" };

	(void)state;
	for (size_t i = 0; i <= DD_COUNT(sizes); i++) {
		DD_CLEANUP(dd_text_release) struct dd_text first = { 0 };
		struct volume volume;

		open_with_state(&volume);
		if (i < DD_COUNT(sizes))
			make_line(&first, (const char *const[]){ "compacted", "1", sizes[i] }, 3);
		else
			dd_text_add(&first, "0123456789abcdef compacted 1 1\n", 31);
		add_bytes(&volume, first.bytes, first.len);
		for (int at = 1; at <= 20; at++)
			pull(&volume, 200, 1000 * at);
		assert_code(dd_records_compact(volume.store, &volume.err), 0);
		assert_pulled(&volume, 200, 20000, 1000);
		assert_true(size_of(&volume) < 64 << 10);
		close_volume(&volume);
	}
}

static void who_cannot_give_the_owner_leaves_it(void **state)
{
	struct volume volume;
	size_t before;

	(void)state;
	if (geteuid() != 0)
		skip();
	open_with_state(&volume);
	for (int i = 1; i <= 20; i++)
		pull(&volume, 200, 1000 * i);
	before = size_of(&volume);
	assert_int_equal(chmod(below(&volume, ".drydock"), 0777), 0);
	assert_int_equal(chmod(below(&volume, RECORDS), 0666), 0);
	assert_int_equal(seteuid(1234), 0);
	assert_code(dd_records_compact(volume.store, &volume.err), 0);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(size_of(&volume), before);
	assert_false(exists(&volume, RECORDS ".new"));
	close_volume(&volume);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_are_left_alone_and_none_are_made),
		cmocka_unit_test(of_each_name_the_latest_pull_stays),
		cmocka_unit_test(it_is_as_large_as_what_is_worth_remembering_however_much_is_added),
		cmocka_unit_test(
			of_collections_the_latest_hundred_stay_and_what_is_told_of_older_ones),
		cmocka_unit_test(what_is_not_understood_is_kept_to_the_byte),
		cmocka_unit_test(acknowledged_holds_stay),
		cmocka_unit_test(a_first_line_that_is_damaged_or_lies_is_no_harm),
		cmocka_unit_test(who_cannot_give_the_owner_leaves_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
