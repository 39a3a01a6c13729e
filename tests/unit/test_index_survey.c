/*
 * What a survey found out: directories, links, manifests.
 */
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "index.h"

/* Where a volume lies on FUSE: what is asked of this directory. */
static ino_t on_fuse;

int fstatfs(int fd, struct statfs *fs)
{
	struct stat st;

	if (syscall(SYS_fstatfs, fd, fs) < 0)
		return -1;
	if (on_fuse && fstat(fd, &st) == 0 && st.st_ino == on_fuse)
		fs->f_type = 0x65735546;
	return 0;
}

#define LONG_AGO (INT64_C(1600000000) * DD_SECOND)
#define NOW (INT64_C(1700000000) * DD_SECOND)

static void open_surveyed(struct cached *cached)
{
	open_cached(cached);
	cached->options.kind = DD_INDEX_SURVEYED;
}

/* An object as it was seen, the same for the same number. */
static struct dd_info info_of(enum dd_entry_type type, uint64_t number)
{
	struct dd_info info = { .type = type, .mtime_ns = LONG_AGO, .changed_ns = LONG_AGO };

	for (size_t i = 0; i < 5; i++)
		info.stamp.word[i] = number * 10 + i;
	return info;
}

static void learn_directory(struct dd_index *index, uint64_t number, const char *const *names,
			    size_t count)
{
	struct dd_info info = info_of(DD_ENTRY_DIRECTORY, number);
	struct dd_buffer packed = { 0 };

	for (size_t i = 0; i < count; i++)
		assert_int_equal(
			dd_listing_pack(&packed, &(struct dd_entry){ names[i], DD_ENTRY_FILE }), 0);
	dd_index_learn_listing(index, &info, NOW, packed.bytes, packed.len);
	dd_buffer_release(&packed);
}

static void learn_links(struct dd_index *index, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++) {
		struct dd_info info = info_of(DD_ENTRY_FILE, i);
		struct dd_digest digest = blob_of(i).digest;

		dd_index_learn_link(index, &info, NOW, &digest);
	}
}

static uint64_t links_of(struct dd_index *index, uint64_t from, uint64_t to)
{
	uint64_t found = 0;

	for (uint64_t i = from; i < to; i++) {
		struct dd_info info = info_of(DD_ENTRY_FILE, i);
		struct dd_digest digest = blob_of(i).digest, got;
		int64_t read_ns = 0;

		if (!dd_index_get_link(index, &info, &got, &read_ns))
			continue;
		assert_int_equal(read_ns, NOW);
		assert_true(dd_digest_equal(&digest, &got));
		found++;
	}
	return found;
}

static void settle_and_close(struct dd_index *index)
{
	assert_int_equal(dd_index_settle(index, true, NULL), 0);
	dd_index_close(index);
}

static void a_directory_is_known_by_its_stamp_alone(void **state)
{
	static const char *const names[] = {
		"link", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		"0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", "\x01\xff odd"
	};
	struct dd_info info = info_of(DD_ENTRY_DIRECTORY, 7), other;
	struct dd_listing listing;
	struct dd_listed listed;
	struct cached cached;
	struct dd_index *index;

	(void)state;
	open_surveyed(&cached);
	index = open_quietly(&cached);
	learn_directory(index, 7, names, DD_COUNT(names));
	learn_directory(index, 8, NULL, 0);
	assert_false(dd_index_get_listing(index, &info, &listing));
	settle_and_close(index);
	index = open_quietly(&cached);
	assert_true(dd_index_get_listing(index, &info, &listing));
	for (size_t i = 0; i < DD_COUNT(names); i++) {
		assert_true(dd_listing_next(&listing, &listed));
		assert_int_equal(listed.type, DD_ENTRY_FILE);
		if (i == 1) {
			assert_int_equal(listed.hash[0], 0x01);
			assert_int_equal(listed.hash[31], 0xef);
		} else {
			assert_string_equal(listed.name, names[i]);
		}
	}
	assert_false(dd_listing_next(&listing, &listed));
	for (size_t i = 0; i < 5; i++) {
		other = info;
		other.stamp.word[i]++;
		assert_false(dd_index_get_listing(index, &other, &listing));
	}
	other = info_of(DD_ENTRY_DIRECTORY, 8);
	assert_true(dd_index_get_listing(index, &other, &listing));
	assert_false(dd_listing_next(&listing, &listed));
	settle_and_close(index);
	close_cached(&cached);
}

/* Many pages of it, so that whole ones are let go. */
static void what_was_let_go_is_still_there(void **state)
{
	char name[DD_DIGEST_HEX] = "before all others";
	const char *const names[] = { name };
	struct dd_info info = info_of(DD_ENTRY_DIRECTORY, 7);
	struct dd_listing early;
	struct dd_listed listed;
	struct cached cached;
	struct dd_index *index;

	(void)state;
	open_surveyed(&cached);
	index = open_quietly(&cached);
	learn_directory(index, 7, names, 1);
	learn_links(index, 0, 2000);
	settle_and_close(index);
	index = open_quietly(&cached);
	dd_index_let_go(index);
	assert_true(dd_index_get_listing(index, &info, &early));
	for (int round = 0; round < 2; round++) {
		assert_int_equal(links_of(index, 0, 2000), 2000);
		dd_index_let_go(index);
	}
	assert_true(dd_listing_next(&early, &listed));
	assert_string_equal(listed.name, name);
	settle_and_close(index);
	close_cached(&cached);
	dd_index_let_go(NULL);
}

static const struct dd_annotation of_manifest[] = { { "key", "value", 5 } };
static const struct dd_annotation of_layer[] = { { "", "", 0 }, { "nul", "a\0b", 3 } };

static void same_text(const char *is, const char *was)
{
	assert_true(!is == !was);
	if (is)
		assert_string_equal(is, was);
}

static void same_annotations(const struct dd_annotations *is, const struct dd_annotations *was)
{
	assert_int_equal(is->count, was->count);
	for (size_t i = 0; i < is->count; i++) {
		assert_string_equal(is->items[i].key, was->items[i].key);
		assert_int_equal(is->items[i].value_len, was->items[i].value_len);
		assert_memory_equal(is->items[i].value, was->items[i].value,
				    was->items[i].value_len + 1);
	}
}

/* One of each kind of descriptor. */
static struct dd_surveyed manifest_of(struct dd_descriptor descriptors[static 4])
{
	struct dd_surveyed surveyed = { .stored = 1234 };

	for (unsigned i = 0; i < 4; i++) {
		descriptors[i] = (struct dd_descriptor){ .digest = blob_of(i + 3).digest,
							 .size = 1000 + i,
							 .is_manifest = i == 2 };
	}
	descriptors[0].role = DD_ROLE_CONFIG;
	descriptors[1].legacy = true;
	descriptors[2].role = DD_ROLE_SUBJECT;
	descriptors[3].role = DD_ROLE_LAYER;
	descriptors[3].has_size = true;
	descriptors[3].urls = 3;
	descriptors[3].media_type = "application/vnd.oci.image.layer.v1.tar+gzip";
	descriptors[3].os = "linux";
	descriptors[3].architecture = "abacus";
	descriptors[3].os_version = "10.0";
	descriptors[3].annotations = (struct dd_annotations){ of_layer, 2 };
	descriptors[0].media_type = "text/x-own";
	descriptors[0].has_data = true;
	surveyed.manifest.annotations = (struct dd_annotations){ of_manifest, 1 };
	surveyed.manifest.artifact_type = "application/x-thing";
	surveyed.manifest.type = DD_MANIFEST_OCI;
	surveyed.manifest.descriptors = descriptors;
	surveyed.manifest.count = 4;
	return surveyed;
}

static void a_manifest_is_known_with_all_that_it_says(void **state)
{
	struct dd_descriptor descriptors[4];
	struct dd_surveyed surveyed = manifest_of(descriptors), got;
	struct dd_info info = info_of(DD_ENTRY_FILE, 1);
	struct dd_digest digest = blob_of(1).digest, other = blob_of(2).digest;
	struct dd_descriptors room = { 0 };
	struct cached cached;
	struct dd_index *index;

	(void)state;
	open_surveyed(&cached);
	index = open_quietly(&cached);
	dd_index_learn_manifest(index, &digest, &info, NOW, &surveyed);
	settle_and_close(index);
	index = open_quietly(&cached);
	assert_false(dd_index_get_manifest(index, &other, &info, &room, &got));
	assert_true(dd_index_get_manifest(index, &digest, &info, &room, &got));
	assert_int_equal(got.code, 0);
	assert_int_equal(got.stored, 1234);
	assert_int_equal(got.manifest.type, DD_MANIFEST_OCI);
	assert_int_equal(got.manifest.count, 3); /* a tarsum leads nowhere */
	for (size_t i = 0; i < 3; i++) {
		const struct dd_descriptor *is = &got.manifest.descriptors[i];
		const struct dd_descriptor *was = &descriptors[i ? i + 1 : 0];

		assert_true(dd_digest_equal(&is->digest, &was->digest));
		assert_int_equal(is->role, was->role);
		assert_int_equal(is->size, was->size);
		assert_int_equal(is->is_manifest, was->is_manifest);
		assert_int_equal(is->has_size, was->has_size);
		assert_int_equal(is->has_data, was->has_data);
		assert_int_equal(is->urls, was->urls > 0);
		same_text(is->media_type, was->media_type);
		same_text(is->artifact_type, was->artifact_type);
		same_text(is->os, was->os);
		same_text(is->architecture, was->architecture);
		same_text(is->variant, was->variant);
		same_text(is->os_version, was->os_version);
		same_annotations(&is->annotations, &was->annotations);
	}
	same_annotations(&got.manifest.annotations, &surveyed.manifest.annotations);
	same_text(got.manifest.artifact_type, surveyed.manifest.artifact_type);
	assert_ptr_equal(got.manifest.subject, &got.manifest.descriptors[1]);
	assert_int_equal(got.manifest.size, 1000 + 1003);
	info.stamp.word[3]++;
	assert_false(dd_index_get_manifest(index, &digest, &info, &room, &got));
	dd_index_close(index);
	dd_descriptors_release(&room);
	close_cached(&cached);
}

static void doubt_is_remembered_as_doubt_but_not_what_may_pass(void **state)
{
	struct dd_surveyed corrupt = { .code = DD_ECORRUPT, .detail = "other bytes" };
	struct dd_surveyed unreadable = { .code = DD_EIO, .detail = "Input/output error" }, got;
	struct dd_info info = info_of(DD_ENTRY_FILE, 1);
	struct dd_digest digests[2] = { blob_of(1).digest, blob_of(2).digest };
	struct dd_descriptors room = { 0 };
	struct cached cached;
	struct dd_index *index;

	(void)state;
	open_surveyed(&cached);
	index = open_quietly(&cached);
	dd_index_learn_manifest(index, &digests[0], &info, NOW, &corrupt);
	dd_index_learn_manifest(index, &digests[1], &info, NOW, &unreadable);
	settle_and_close(index);
	index = open_quietly(&cached);
	assert_true(dd_index_get_manifest(index, &digests[0], &info, &room, &got));
	assert_int_equal(got.code, DD_ECORRUPT);
	assert_string_equal(got.detail, "other bytes");
	assert_false(dd_index_get_manifest(index, &digests[1], &info, &room, &got));
	dd_index_close(index);
	dd_descriptors_release(&room);
	close_cached(&cached);
}

static void what_is_too_fresh_to_tell_is_not_learnt(void **state)
{
	struct dd_info info = info_of(DD_ENTRY_FILE, 1);
	struct dd_digest digest = blob_of(1).digest, got;
	struct cached cached;
	struct dd_index *index;
	int64_t read_ns;

	(void)state;
	open_surveyed(&cached);
	index = open_quietly(&cached);
	dd_index_learn_link(index, &info, LONG_AGO + DD_SECOND, &digest);
	info.type = DD_ENTRY_UNKNOWN;
	dd_index_learn_link(index, &info, NOW, &digest);
	learn_links(index, 2, 3);
	settle_and_close(index);
	index = open_quietly(&cached);
	info.type = DD_ENTRY_FILE;
	assert_false(dd_index_get_link(index, &info, &got, &read_ns));
	assert_int_equal(links_of(index, 2, 3), 1);
	dd_index_close(index);
	close_cached(&cached);
}

static void what_nobody_asks_for_any_more_goes(void **state)
{
	struct cached cached;
	struct dd_index *index;

	(void)state;
	open_surveyed(&cached);
	index = open_quietly(&cached);
	learn_links(index, 0, 1000);
	settle_and_close(index);
	index = open_quietly(&cached);
	assert_int_equal(links_of(index, 0, 800), 800);
	settle_and_close(index);
	index = open_quietly(&cached);
	assert_int_equal(links_of(index, 0, 1000), 800);
	dd_index_close(index);
	close_cached(&cached);
}

static void a_survey_that_did_not_end_lets_nothing_go(void **state)
{
	struct cached cached;
	struct dd_index *index;

	(void)state;
	open_surveyed(&cached);
	index = open_quietly(&cached);
	learn_links(index, 0, 1000);
	settle_and_close(index);
	index = open_quietly(&cached);
	assert_int_equal(links_of(index, 0, 10), 10);
	dd_index_close(index);
	index = open_quietly(&cached);
	assert_int_equal(links_of(index, 0, 1000), 1000);
	dd_index_close(index);
	close_cached(&cached);
}

static void a_little_news_is_not_worth_writing_and_more_is(void **state)
{
	struct cached cached;
	struct dd_index *index;
	struct stat before, after;

	(void)state;
	open_surveyed(&cached);
	index = open_quietly(&cached);
	learn_links(index, 0, 1600);
	settle_and_close(index);
	assert_int_equal(stat(in_index(&cached, "survey"), &before), 0);
	index = open_quietly(&cached);
	assert_int_equal(links_of(index, 0, 1600), 1600);
	learn_links(index, 1600, 1650);
	settle_and_close(index);
	assert_int_equal(stat(in_index(&cached, "survey"), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	index = open_quietly(&cached);
	assert_int_equal(links_of(index, 0, 1650), 1600);
	learn_links(index, 1600, 1800);
	settle_and_close(index);
	index = open_quietly(&cached);
	assert_int_equal(links_of(index, 0, 1800), 1800);
	dd_index_close(index);
	close_cached(&cached);
}

static void one_kind_knows_nothing_of_the_other(void **state)
{
	struct dd_info info = info_of(DD_ENTRY_FILE, 1);
	struct dd_digest digest = blob_of(1).digest, got;
	struct cached cached;
	struct dd_index *verified, *surveyed;
	int64_t read_ns;

	(void)state;
	open_cached(&cached);
	verified = open_quietly(&cached);
	put_range(verified, 0, 10);
	cached.options.kind = DD_INDEX_SURVEYED;
	surveyed = open_quietly(&cached); /* the other has a lock of its own */
	assert_true(dd_index_is_writable(surveyed));
	learn_links(surveyed, 0, 10);
	dd_index_learn_link(verified, &info, NOW, &digest);
	settle_and_close(surveyed);
	settle_and_close(verified);
	surveyed = open_quietly(&cached);
	assert_int_equal(links_of(surveyed, 0, 10), 10);
	assert_int_equal(found_of(surveyed, 0, 10), 0);
	dd_index_close(surveyed);
	cached.options.kind = DD_INDEX_VERIFIED;
	verified = open_quietly(&cached);
	assert_int_equal(found_of(verified, 0, 10), 10);
	assert_false(dd_index_get_link(verified, &info, &got, &read_ns));
	dd_index_close(verified);
	close_cached(&cached);
}

/* How many of the thousand that each kind was given it has, without a word that any was asked for. */
static uint64_t kept_of(struct cached *cached, enum dd_index_kind kind)
{
	struct dd_index *index;
	uint64_t kept;

	cached->options.kind = kind;
	index = open_quietly(cached);
	kept = kind == DD_INDEX_VERIFIED ? found_of(index, 0, 1000) : links_of(index, 0, 1000);
	dd_index_close(index);
	return kept;
}

static void fill(struct cached *cached, enum dd_index_kind kind)
{
	struct dd_index *index;

	cached->options.kind = kind;
	index = open_quietly(cached);
	if (kind == DD_INDEX_VERIFIED)
		put_range(index, 0, 1000);
	else
		learn_links(index, 0, 1000);
	settle_and_close(index);
}

/* Lets 200 of them go: by not asking for them, or by name. */
static void let_go(struct cached *cached, enum dd_index_kind kind)
{
	struct dd_index *index;

	cached->options.kind = kind;
	index = open_quietly(cached);
	for (uint64_t i = 800; kind == DD_INDEX_VERIFIED && i < 1000; i++) {
		struct dd_digest digest = blob_of(i).digest;

		assert_int_equal(dd_index_forget(index, &digest, 1, NULL), 0);
	}
	if (kind != DD_INDEX_VERIFIED)
		assert_int_equal(links_of(index, 0, 800), 800);
	settle_and_close(index);
}

static void what_one_kind_lets_go_the_others_keep(void **state)
{
	static const enum dd_index_kind kinds[] = { DD_INDEX_VERIFIED, DD_INDEX_SURVEYED,
						    DD_INDEX_AUDITED };

	(void)state;
	for (size_t i = 0; i < DD_COUNT(kinds); i++) {
		struct cached cached;

		open_cached(&cached);
		for (size_t k = 0; k < DD_COUNT(kinds); k++)
			fill(&cached, kinds[k]);
		let_go(&cached, kinds[i]);
		for (size_t k = 0; k < DD_COUNT(kinds); k++)
			assert_int_equal(kept_of(&cached, kinds[k]), k == i ? 800 : 1000);
		close_cached(&cached);
	}
}

struct learning {
	struct dd_index *index;
	uint64_t from, to;
};

static void *learn_some(void *arg)
{
	struct learning *learning = arg;

	learn_links(learning->index, learning->from, learning->to);
	return NULL;
}

static void many_threads_learn_more_than_is_kept_in_memory(void **state)
{
	enum { EACH = 12000 };
	struct learning learning[8];
	pthread_t threads[8];
	struct cached cached;
	struct dd_index *index;

	(void)state;
	open_surveyed(&cached);
	index = open_quietly(&cached);
	for (size_t i = 0; i < DD_COUNT(threads); i++) {
		learning[i] = (struct learning){ index, i * EACH, (i + 1) * EACH };
		assert_int_equal(pthread_create(&threads[i], NULL, learn_some, &learning[i]), 0);
	}
	for (size_t i = 0; i < DD_COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	assert_true(index->learner.writing);
	settle_and_close(index);
	index = open_quietly(&cached);
	assert_int_equal(links_of(index, 0, DD_COUNT(threads) * EACH), DD_COUNT(threads) * EACH);
	dd_index_close(index);
	close_cached(&cached);
}

static void on_a_network_times_prove_nothing(void **state)
{
	struct cached cached;
	struct stat st;

	(void)state;
	open_surveyed(&cached);
	assert_int_equal(stat(dd_store_get_root(cached.volume.store), &st), 0);
	on_fuse = st.st_ino;
	assert_null(open_index(&cached));
	assert_int_equal(cached.warnings, 0);
	assert_non_null(strstr(cached.said, "FUSE"));
	cached.options.kind = DD_INDEX_VERIFIED;
	dd_index_close(open_quietly(&cached));
	on_fuse = 0;
	close_cached(&cached);
}

static void without_an_index_nothing_is_known_or_learnt(void **state)
{
	struct dd_info directory = info_of(DD_ENTRY_DIRECTORY, 1);
	struct dd_info file = info_of(DD_ENTRY_FILE, 1);
	struct dd_surveyed surveyed = { .code = DD_ECORRUPT, .detail = "" };
	struct dd_digest digest = blob_of(1).digest;
	struct dd_descriptors room = { 0 };
	struct dd_listing listing;
	int64_t read_ns;

	(void)state;
	dd_index_learn_listing(NULL, &directory, NOW, "", 0);
	dd_index_learn_link(NULL, &file, NOW, &digest);
	dd_index_learn_manifest(NULL, &digest, &file, NOW, &surveyed);
	assert_false(dd_index_get_listing(NULL, &directory, &listing));
	assert_false(dd_index_get_link(NULL, &file, &digest, &read_ns));
	assert_false(dd_index_get_manifest(NULL, &digest, &file, &room, &surveyed));
	assert_int_equal(dd_index_settle(NULL, true, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_directory_is_known_by_its_stamp_alone),
		cmocka_unit_test(what_was_let_go_is_still_there),
		cmocka_unit_test(a_manifest_is_known_with_all_that_it_says),
		cmocka_unit_test(doubt_is_remembered_as_doubt_but_not_what_may_pass),
		cmocka_unit_test(what_is_too_fresh_to_tell_is_not_learnt),
		cmocka_unit_test(what_nobody_asks_for_any_more_goes),
		cmocka_unit_test(a_survey_that_did_not_end_lets_nothing_go),
		cmocka_unit_test(a_little_news_is_not_worth_writing_and_more_is),
		cmocka_unit_test(one_kind_knows_nothing_of_the_other),
		cmocka_unit_test(what_one_kind_lets_go_the_others_keep),
		cmocka_unit_test(many_threads_learn_more_than_is_kept_in_memory),
		cmocka_unit_test(on_a_network_times_prove_nothing),
		cmocka_unit_test(without_an_index_nothing_is_known_or_learnt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
