/*
 * The index damaged: whatever became of its bytes, it is thrown away with a word, the command goes on,
 * and nothing untrue is ever remembered.
 */

#include "index.h"
#include "index/sum.h"

#define COUNT 2000

static uint64_t random_of(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/*
 * Open what was damaged: it is thrown away with a word, and works again. Whatever was found before
 * that is true (found_of() looks).
 */
static void assert_thrown_away(struct cached *cached)
{
	struct dd_index *index = open_index(cached);

	assert_non_null(index);
	assert_int_equal(cached->warnings, 1);
	assert_non_null(strstr(cached->said, "thrown away"));
	assert_int_equal(found_of(index, 0, COUNT), 0);
	dd_index_close(index);
	assert_int_equal(cached->warnings, 1);
}

static void a_file_that_was_cut_is_thrown_away(void **state)
{
	DD_AUTOFREE unsigned char *bytes = NULL;
	struct cached cached;
	size_t len;

	(void)state;
	open_cached(&cached);
	make_index(&cached, COUNT);
	bytes = read_file(in_index(&cached, DD_INDEX_FILE), &len);
	for (size_t cut = 0; cut < len; cut += cut < 200 || cut > len - 5000 ? 33 : 4096) {
		write_file(in_index(&cached, DD_INDEX_FILE), bytes, cut);
		assert_thrown_away(&cached);
	}
	write_file(in_index(&cached, DD_INDEX_FILE), bytes, len - 1);
	assert_thrown_away(&cached);
	close_cached(&cached);
}

static void one_that_has_grown_is_thrown_away(void **state)
{
	DD_AUTOFREE unsigned char *bytes = NULL;
	struct cached cached;
	size_t len;

	(void)state;
	open_cached(&cached);
	make_index(&cached, COUNT);
	bytes = read_file(in_index(&cached, DD_INDEX_FILE), &len);
	bytes[len] = 'x';
	write_file(in_index(&cached, DD_INDEX_FILE), bytes, len + 1);
	assert_thrown_away(&cached);
	close_cached(&cached);
}

static void any_flipped_bit_is_noticed(void **state)
{
	DD_AUTOFREE unsigned char *bytes = NULL;
	uint64_t seed = 42;
	struct cached cached;
	size_t len;

	(void)state;
	open_cached(&cached);
	make_index(&cached, COUNT);
	bytes = read_file(in_index(&cached, DD_INDEX_FILE), &len);
	for (size_t i = 0; i < 1500; i++) {
		/* The meta pages and the seal as often as all the rest. */
		size_t at = i % 3 == 0 ? random_of(&seed) % 512 :
			    i % 3 == 1 ? len - 1 - random_of(&seed) % 64 :
					 random_of(&seed) % len;
		unsigned char bit = (unsigned char)(1 << random_of(&seed) % 8);

		bytes[at] ^= bit;
		write_file(in_index(&cached, DD_INDEX_FILE), bytes, len);
		assert_thrown_away(&cached);
		bytes[at] ^= bit;
	}
	write_file(in_index(&cached, DD_INDEX_FILE), bytes, len);
	dd_index_close(open_quietly(&cached));
	close_cached(&cached);
}

static void random_pages_are_noticed(void **state)
{
	DD_AUTOFREE unsigned char *bytes = NULL, *page = NULL;
	uint64_t seed = 7;
	struct cached cached;
	size_t len;

	(void)state;
	open_cached(&cached);
	make_index(&cached, COUNT);
	bytes = read_file(in_index(&cached, DD_INDEX_FILE), &len);
	page = malloc(4096);
	for (size_t i = 0; i < len / 4096 * 3; i++) {
		unsigned char *at = bytes + i % (len / 4096) * 4096;

		memcpy(page, at, 4096);
		if (i % 3 == 0)
			memset(at, 0, 4096);
		else
			for (size_t k = 0; k < 4096; k++)
				at[k] = (unsigned char)random_of(&seed);
		if (memcmp(page, at, 4096)) {
			write_file(in_index(&cached, DD_INDEX_FILE), bytes, len);
			assert_thrown_away(&cached);
		}
		memcpy(at, page, 4096);
	}
	close_cached(&cached);
}

static void random_bytes_are_no_index(void **state)
{
	static const size_t lengths[] = { 0, 1, 63, 64, 65, 4096, 8192, 8192 + 64, 100000 };
	DD_AUTOFREE unsigned char *bytes = malloc(100000);
	uint64_t seed = 1;
	struct cached cached;

	(void)state;
	open_cached(&cached);
	make_index(&cached, 1);
	for (size_t i = 0; i < 20 * DD_COUNT(lengths); i++) {
		size_t len = lengths[i % DD_COUNT(lengths)];

		for (size_t k = 0; k < len; k++)
			bytes[k] = (unsigned char)random_of(&seed);
		write_file(in_index(&cached, DD_INDEX_FILE), bytes, len);
		assert_thrown_away(&cached);
	}
	close_cached(&cached);
}

static void what_is_damaged_is_passed_over_by_who_may_not_write(void **state)
{
	DD_AUTOFREE unsigned char *bytes = NULL;
	struct cached cached;
	size_t len;

	(void)state;
	open_cached(&cached);
	make_index(&cached, COUNT);
	bytes = read_file(in_index(&cached, DD_INDEX_FILE), &len);
	bytes[len / 2] ^= 1;
	write_file(in_index(&cached, DD_INDEX_FILE), bytes, len);
	cached.options.read_only = true;
	assert_none(&cached, "is damaged");
	assert_none(&cached, "is damaged");
	cached.options.read_only = false;
	assert_thrown_away(&cached);
	close_cached(&cached);
}

/* The file with a new seal: what is wrong in it now passes for what was written. */
static void seal_again(struct cached *cached, unsigned char *bytes, size_t len)
{
	struct dd_seal seal;
	int fd;

	memcpy(&seal, bytes + len - sizeof(seal), sizeof(seal));
	write_file(in_index(cached, DD_INDEX_FILE), bytes, len - sizeof(seal));
	fd = open(in_index(cached, DD_INDEX_FILE), O_RDWR | O_CLOEXEC);
	assert_int_equal(dd_seal_write(fd, seal.volume, NULL), 0);
	close(fd);
}

static void a_record_whose_sum_is_wrong_is_passed_over(void **state)
{
	struct dd_verified_blob blob = blob_of(77);
	DD_AUTOFREE unsigned char *bytes = NULL;
	unsigned char *found;
	struct cached cached;
	struct dd_index *index;
	size_t len;

	(void)state;
	open_cached(&cached);
	make_index(&cached, COUNT);
	bytes = read_file(in_index(&cached, DD_INDEX_FILE), &len);
	found = memmem(bytes, len, &blob.verified.stamp, sizeof(blob.verified.stamp));
	assert_non_null(found);
	for (size_t at = 0; at < sizeof(struct dd_record); at++) {
		unsigned char *byte = found - 16 + at;

		*byte ^= 4;
		seal_again(&cached, bytes, len);
		index = open_quietly(&cached);
		assert_int_equal(found_of(index, 0, COUNT), COUNT - 1);
		dd_index_close(index);
		*byte ^= 4;
	}
	seal_again(&cached, bytes, len);
	index = open_quietly(&cached);
	assert_int_equal(found_of(index, 0, COUNT), COUNT);
	dd_index_close(index);
	close_cached(&cached);
}

/* The file with a seal that was changed, and is whole all the same. */
static void change_seal(struct cached *cached, void (*fn)(struct dd_seal *))
{
	DD_AUTOFREE unsigned char *bytes = NULL;
	struct dd_seal seal;
	size_t len;

	bytes = read_file(in_index(cached, DD_INDEX_FILE), &len);
	memcpy(&seal, bytes + len - sizeof(seal), sizeof(seal));
	fn(&seal);
	seal.self = dd_sum_of(&seal, offsetof(struct dd_seal, self));
	memcpy(bytes + len - sizeof(seal), &seal, sizeof(seal));
	write_file(in_index(cached, DD_INDEX_FILE), bytes, len);
}

static void make_older(struct dd_seal *seal)
{
	seal->version = DD_INDEX_VERSION - 1;
}

static void make_newer(struct dd_seal *seal)
{
	seal->version = DD_INDEX_VERSION + 1;
}

static void make_narrow(struct dd_seal *seal)
{
	seal->word = 2;
}

static void make_foreign(struct dd_seal *seal)
{
	seal->volume[1]++;
}

static void other_versions_machines_and_volumes_are_told_apart(void **state)
{
	static void (*const away[])(struct dd_seal *) = { make_older, make_narrow, make_foreign };
	struct cached cached;

	(void)state;
	open_cached(&cached);
	for (size_t i = 0; i < DD_COUNT(away); i++) {
		make_index(&cached, COUNT);
		change_seal(&cached, away[i]);
		assert_thrown_away(&cached);
	}
	make_index(&cached, COUNT);
	change_seal(&cached, make_newer);
	assert_none(&cached, "newer version");
	/* Who has that version still finds it. */
	assert_none(&cached, "newer version");
	close_cached(&cached);
}

static void what_a_later_lmdb_wrote_is_thrown_away(void **state)
{
	DD_AUTOFREE unsigned char *bytes = NULL;
	struct cached cached;
	size_t len;

	(void)state;
	open_cached(&cached);
	make_index(&cached, COUNT);
	bytes = read_file(in_index(&cached, DD_INDEX_FILE), &len);
	memset(bytes, 0x5a, 2 * 4096);
	seal_again(&cached, bytes, len);
	assert_thrown_away(&cached);
	close_cached(&cached);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_that_was_cut_is_thrown_away),
		cmocka_unit_test(one_that_has_grown_is_thrown_away),
		cmocka_unit_test(any_flipped_bit_is_noticed),
		cmocka_unit_test(random_pages_are_noticed),
		cmocka_unit_test(random_bytes_are_no_index),
		cmocka_unit_test(what_is_damaged_is_passed_over_by_who_may_not_write),
		cmocka_unit_test(a_record_whose_sum_is_wrong_is_passed_over),
		cmocka_unit_test(other_versions_machines_and_volumes_are_told_apart),
		cmocka_unit_test(what_a_later_lmdb_wrote_is_thrown_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
