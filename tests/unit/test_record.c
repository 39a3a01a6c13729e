/*
 * Records: what was acknowledged stays so, whatever happens to the file's end.
 */
#include "base/cleanup.h"
#include "record/line.h"
#include "volume.h"

#include <drydock/record.h>

#define RECORDS ".drydock/records"

static struct dd_digest digest_of_hex(const char *hex)
{
	struct dd_digest digest;

	assert_int_equal(dd_digest_parse_hex(&digest, DD_SHA256, hex, strlen(hex)), 0);
	return digest;
}

static bool has(const struct dd_records *records, const char *repository, const char *hex)
{
	struct dd_digest digest = digest_of_hex(hex);

	for (size_t i = 0; i < records->count; i++)
		if (!strcmp(records->acknowledged[i].repository, repository) &&
		    dd_digest_equal(&records->acknowledged[i].digest, &digest))
			return true;
	return false;
}

static int acknowledge(struct volume *volume, const char *repository, const char *hex)
{
	struct dd_digest digest = digest_of_hex(hex);

	return dd_records_acknowledge(volume->store, repository, &digest, &volume->err);
}

static void without_a_file_there_are_none(void **state)
{
	struct volume volume;
	struct dd_records records;

	(void)state;
	open_volume(&volume);
	assert_code(dd_records_load(volume.store, &records, &volume.err), 0);
	assert_int_equal(records.count, 0);
	assert_int_equal(records.damaged, 0);
	assert_false(exists(&volume, ".drydock"));
	dd_records_release(&records);
	close_volume(&volume);
}

static void what_was_acknowledged_is_remembered_once(void **state)
{
	struct volume volume;
	struct dd_records records;
	char *before, *after;

	(void)state;
	open_volume(&volume);
	assert_code(dd_store_make_state(volume.store, &volume.err), 0);
	assert_code(acknowledge(&volume, "team/app", HEX_A), 0);
	assert_code(acknowledge(&volume, "a b\n%", HEX_A), 0);
	before = get(&volume, RECORDS, NULL);
	assert_code(acknowledge(&volume, "team/app", HEX_A), 0);
	after = get(&volume, RECORDS, NULL);
	assert_string_equal(before, after);
	assert_code(dd_records_load(volume.store, &records, &volume.err), 0);
	assert_int_equal(records.count, 2);
	assert_true(has(&records, "team/app", HEX_A));
	assert_true(has(&records, "a b\n%", HEX_A));
	assert_false(has(&records, "team/app", HEX_B));
	dd_records_release(&records);
	free(before);
	free(after);
	close_volume(&volume);
}

static void a_torn_file_keeps_its_whole_lines_and_takes_new_ones(void **state)
{
	struct volume volume;
	DD_AUTOFREE char *text = NULL;
	size_t len, first;

	(void)state;
	open_volume(&volume);
	assert_code(dd_store_make_state(volume.store, &volume.err), 0);
	assert_code(acknowledge(&volume, "one", HEX_A), 0);
	text = get(&volume, RECORDS, &first);
	free(text);
	assert_code(acknowledge(&volume, "two", HEX_A), 0);
	text = get(&volume, RECORDS, &len);
	for (size_t cut = 0; cut <= len; cut++) {
		struct dd_records records;

		put_bytes(&volume, RECORDS, text, cut);
		assert_code(dd_records_load(volume.store, &records, &volume.err), 0);
		assert_int_equal(has(&records, "one", HEX_A), cut >= first);
		assert_int_equal(has(&records, "two", HEX_A), cut == len);
		assert_int_equal(records.damaged, cut != 0 && cut != first && cut != len);
		dd_records_release(&records);

		assert_code(acknowledge(&volume, "three", HEX_B), 0);
		assert_code(dd_records_load(volume.store, &records, &volume.err), 0);
		/* The newline that ends a torn line may be all that it lacked. */
		assert_int_equal(has(&records, "one", HEX_A), cut >= first - 1);
		assert_int_equal(has(&records, "two", HEX_A), cut >= len - 1);
		assert_true(has(&records, "three", HEX_B));
		dd_records_release(&records);
	}
	close_volume(&volume);
}

static void a_flipped_byte_costs_one_line(void **state)
{
	struct volume volume;
	DD_AUTOFREE char *text = NULL;
	size_t len;

	(void)state;
	open_volume(&volume);
	assert_code(dd_store_make_state(volume.store, &volume.err), 0);
	assert_code(acknowledge(&volume, "one", HEX_A), 0);
	assert_code(acknowledge(&volume, "two", HEX_A), 0);
	text = get(&volume, RECORDS, &len);
	for (size_t at = 0; at < len; at++) {
		struct dd_records records;
		char was = text[at];

		text[at] = (char)(was ^ 0x55);
		put_bytes(&volume, RECORDS, text, len);
		text[at] = was;
		assert_code(dd_records_load(volume.store, &records, &volume.err), 0);
		/* Two, if it was the newline between them. */
		assert_true(records.damaged >= 1);
		assert_true(records.count <= 1);
		assert_true(records.count == 1 || was == '\n');
		dd_records_release(&records);
	}
	close_volume(&volume);
}

static void put_line(struct volume *volume, const char *const *words, size_t count)
{
	DD_CLEANUP(dd_hasher_closep) struct dd_hasher *hasher = NULL;
	DD_CLEANUP(dd_text_release) struct dd_text line = { 0 }, payload = { 0 };

	assert_int_equal(dd_hasher_open(&hasher, DD_SHA256, NULL), 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(dd_line_word(&payload, words[i]), 0);
	assert_int_equal(dd_line_end(hasher, &line, &payload, NULL), 0);
	put_bytes(volume, RECORDS, line.bytes, line.len);
}

static void a_later_version_s_words_are_passed_over(void **state)
{
	struct volume volume;
	struct dd_records records;

	(void)state;
	open_volume(&volume);
	put_line(&volume, (const char *const[]){ "pulled", "1", "team/app" }, 3);
	assert_code(dd_records_load(volume.store, &records, &volume.err), 0);
	assert_int_equal(records.count, 0);
	assert_int_equal(records.damaged, 0);
	dd_records_release(&records);
	put_line(&volume, (const char *const[]){ "acknowledged", "1", "team/app", "sha256:12" }, 4);
	assert_code(dd_records_load(volume.store, &records, &volume.err), 0);
	assert_int_equal(records.count, 0);
	assert_int_equal(records.damaged, 1);
	dd_records_release(&records);
	close_volume(&volume);
}

static void what_is_no_file_is_an_error_and_no_hang(void **state)
{
	struct volume volume;
	struct dd_records records;

	(void)state;
	open_volume(&volume);
	put(&volume, ".drydock/elsewhere", "");
	assert_int_equal(symlink("elsewhere", below(&volume, RECORDS)), 0);
	assert_code(dd_records_load(volume.store, &records, &volume.err), DD_ESYMLINK);
	assert_code(acknowledge(&volume, "one", HEX_A), DD_ESYMLINK);
	assert_holds(&volume, ".drydock/elsewhere", "");
	unlink(below(&volume, RECORDS));
	assert_int_equal(mkfifo(below(&volume, RECORDS), 0600), 0);
	assert_code(dd_records_load(volume.store, &records, &volume.err), DD_EIRREGULAR);
	assert_code(acknowledge(&volume, "one", HEX_A), DD_EIRREGULAR);
	close_volume(&volume);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_file_there_are_none),
		cmocka_unit_test(what_was_acknowledged_is_remembered_once),
		cmocka_unit_test(a_torn_file_keeps_its_whole_lines_and_takes_new_ones),
		cmocka_unit_test(a_flipped_byte_costs_one_line),
		cmocka_unit_test(a_later_version_s_words_are_passed_over),
		cmocka_unit_test(what_is_no_file_is_an_error_and_no_hang),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
