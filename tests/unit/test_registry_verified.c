/*
 * Blobs are verified before they are given out, or while they are, and once for each state of a file.
 */
#include <limits.h>
#include <sys/uio.h>

#include "registry.h"

/* ---- files as they were some time ago: only of those can a verdict be remembered ---- */

#define LARGE ((size_t)3 << 20)

enum settled {
	SMALL_GOOD,
	SMALL_BAD,
	LARGE_GOOD,
	LARGE_BAD_FIRST,
	LARGE_BAD_MIDDLE,
	LARGE_BAD_LAST,
	KINDS
};
static const unsigned copies[KINDS] = { 3, 1, 11, 1, 1, 1 };

static struct {
	char root[64];
	unsigned taken[KINDS];
	unsigned char *large;
	struct dd_digest small_digest, large_digest;
} pool;

static void fill_pool_with(unsigned kind, unsigned copy)
{
	static const size_t spoilt[KINDS] = {
		[LARGE_BAD_MIDDLE] = LARGE / 2, [LARGE_BAD_LAST] = LARGE - 1
	};
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%u.%u", pool.root, kind, copy);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/%u.%u/data", pool.root, kind, copy);
	file = fopen(path, "we");
	assert_non_null(file);
	pool.large[spoilt[kind]] ^= kind >= LARGE_BAD_FIRST ? 0x40 : 0;
	if (kind >= LARGE_GOOD)
		assert_int_equal(fwrite(pool.large, 1, LARGE, file), LARGE);
	else
		assert_int_equal(fwrite(kind == SMALL_BAD ? "bytez" : "bytes", 1, 5, file), 5);
	pool.large[spoilt[kind]] ^= kind >= LARGE_BAD_FIRST ? 0x40 : 0;
	assert_int_equal(fclose(file), 0);
}

static int fill_pool(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	pool.large = make_bytes(LARGE, 1);
	pool.large_digest = digest_of(DD_SHA256, pool.large, LARGE);
	pool.small_digest = digest_of(DD_SHA256, "bytes", 5);
	snprintf(pool.root, sizeof(pool.root), "%.40s/drydock.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(pool.root));
	for (unsigned kind = 0; kind < KINDS; kind++)
		for (unsigned copy = 0; copy < copies[kind]; copy++)
			fill_pool_with(kind, copy);
	usleep(2100 * 1000);
	return 0;
}

static int empty_pool(void **state)
{
	(void)state;
	free(pool.large);
	return nftw(pool.root, remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

/* By a rename of the directory, of which the file in it knows nothing. Returns the digest to ask for. */
static struct dd_digest put_settled(struct registry *reg, enum settled kind)
{
	const struct dd_digest *digest =
		kind < LARGE_GOOD ? &pool.small_digest : &pool.large_digest;
	char from[128], to[512];

	assert_true(pool.taken[kind] < copies[kind]);
	put_link(reg, layer_path(APP, digest), digest);
	snprintf(from, sizeof(from), "%s/%u.%u", pool.root, kind, pool.taken[kind]++);
	snprintf(to, sizeof(to), "%s", below(&reg->volume, blob_path(digest)));
	*strrchr(to, '/') = '\0';
	remove(below(&reg->volume, blob_path(digest)));
	make_parents(&reg->volume, blob_path(digest));
	assert_int_equal(rename(from, to), 0);
	return *digest;
}

static void a_corrupt_blob_is_read_and_said_once(void **state)
{
	struct dd_registry_counts counts;
	struct dd_digest digest;
	struct registry reg;

	(void)state;
	open_registry(&reg);
	digest = put_settled(&reg, SMALL_BAD);
	for (int i = 0; i < 5; i++)
		assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
	assert_int_equal(count_in_log(&reg, "does not hold the bytes of its digest"), 1);
	dd_registry_get_counts(reg.registry, &counts);
	assert_int_equal(counts.corrupt, 1);
	/* Somebody has mended it by hand: another state, another verdict. */
	put_bytes(&reg.volume, blob_path(&digest), "bytes", 5);
	assert_pulls(&reg, APP, &digest, "bytes", 5);
	close_registry(&reg);
}

static void a_good_one_is_read_once_for_each_state(void **state)
{
	struct dd_registry_counts counts;
	struct dd_digest digest;
	struct registry reg;

	(void)state;
	open_registry(&reg);
	digest = put_settled(&reg, SMALL_GOOD);
	for (int i = 0; i < 5; i++)
		assert_pulls(&reg, APP, &digest, "bytes", 5);
	dd_registry_get_counts(reg.registry, &counts);
	assert_int_equal(counts.proved, 1);
	put_bytes(&reg.volume, blob_path(&digest), "bytez", 5);
	assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
	close_registry(&reg);
}

static void what_was_verified_is_remembered_over_a_restart(void **state)
{
	char cache[] = "/tmp/drydock-cache.XXXXXX";
	struct dd_index_options options = { .kind = DD_INDEX_VERIFIED, .cache_dir = cache };
	struct dd_registry_counts counts;
	struct dd_digest digest;
	struct registry reg;

	(void)state;
	assert_non_null(mkdtemp(cache));
	open_registry(&reg);
	dd_registry_closep(&reg.registry);
	assert_int_equal(
		dd_index_open(reg.volume.ctx, reg.volume.store, &options, &reg.options.index, NULL),
		0);
	start(&reg);
	digest = put_settled(&reg, SMALL_GOOD);
	assert_pulls(&reg, APP, &digest, "bytes", 5);
	dd_registry_closep(&reg.registry);
	dd_index_closep(&reg.options.index);
	assert_int_equal(
		dd_index_open(reg.volume.ctx, reg.volume.store, &options, &reg.options.index, NULL),
		0);
	assert_int_equal(dd_index_count_verified(reg.options.index), 1);
	start(&reg);
	assert_pulls(&reg, APP, &digest, "bytes", 5);
	dd_registry_get_counts(reg.registry, &counts);
	assert_int_equal(counts.proved, 0);
	dd_registry_closep(&reg.registry);
	dd_index_closep(&reg.options.index);
	close_registry(&reg);
	nftw(cache, remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

/* ---- verified while it is served ---- */

static void serve_while_read(struct registry *reg)
{
	reg->options.prove_first = 100;
	dd_registry_set_options(reg->registry, &reg->options);
}

/* What a read that may not wait gives of a settled blob: not every file system can tell. */
static int64_t at_once(const struct registry *reg, const struct dd_digest *digest)
{
	char path[PATH_MAX], byte;
	struct iovec one = { &byte, 1 };
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", reg->volume.root, blob_path(digest));
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	got = preadv2(fd, &one, 1, 0, RWF_NOWAIT);
	assert_true(got == 1 || errno == EOPNOTSUPP);
	close(fd);
	return got == 1 ? 1 : DD_EAGAIN;
}

static void a_large_one_is_verified_while_it_is_read(void **state)
{
	DD_AUTOFREE unsigned char *bytes = make_bytes(LARGE, 1);
	struct dd_registry_counts counts;
	struct dd_download *download;
	struct dd_digest digest;
	struct registry reg;
	char byte;

	(void)state;
	open_registry(&reg);
	serve_while_read(&reg);
	digest = put_settled(&reg, LARGE_GOOD);
	assert_int_equal(dd_registry_open_blob(reg.registry, APP, &digest, true, &download, NULL),
			 0);
	assert_int_equal(dd_download_get_size(download), LARGE);
	assert_int_equal(dd_download_read(download, 0, &byte, 1, false, NULL), DD_EAGAIN);
	dd_download_closep(&download);
	assert_pulls(&reg, APP, &digest, bytes, LARGE);
	dd_registry_get_counts(reg.registry, &counts);
	assert_int_equal(counts.proved, 1);
	/* Now it is known: nothing is hashed, and any place is as good as another. */
	assert_int_equal(dd_registry_open_blob(reg.registry, APP, &digest, true, &download, NULL),
			 0);
	assert_int_equal(dd_download_read(download, LARGE - 1, &byte, 1, true, NULL), 1);
	assert_int_equal((unsigned char)byte, bytes[LARGE - 1]);
	assert_int_equal(dd_download_read(download, LARGE, &byte, 1, true, NULL), 0);
	assert_int_equal(dd_download_read(download, 0, &byte, 1, false, NULL),
			 at_once(&reg, &digest));
	dd_download_closep(&download);
	close_registry(&reg);
}

static void the_end_of_a_large_one_that_is_bad_is_never_given_away(void **state)
{
	DD_AUTOFREE unsigned char *got = malloc(LARGE + MIB);

	(void)state;
	for (unsigned kind = LARGE_BAD_FIRST; kind <= LARGE_BAD_LAST; kind++) {
		struct dd_digest digest;
		struct registry reg;
		size_t len;

		open_registry(&reg);
		serve_while_read(&reg);
		digest = put_settled(&reg, kind);
		assert_int_equal(pull(&reg, APP, &digest, got, &len), DD_ECORRUPT);
		assert_true(len < LARGE && len > LARGE / 2);
		/* And from now on it is not there at all. */
		assert_int_equal(pull(&reg, APP, &digest, got, &len), DD_ENOENT);
		assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
		close_registry(&reg);
	}
}

static void a_part_of_a_large_one_waits_for_the_proof(void **state)
{
	DD_AUTOFREE unsigned char *bytes = make_bytes(LARGE, 1);
	struct dd_download *download;
	struct dd_digest digest = digest_of(DD_SHA256, bytes, LARGE);
	struct registry reg;
	char byte;

	(void)state;
	open_registry(&reg);
	serve_while_read(&reg);
	put_foreign(&reg, APP, &digest, bytes, LARGE);
	assert_int_equal(dd_registry_open_blob(reg.registry, APP, &digest, false, &download, NULL),
			 0);
	assert_int_equal(dd_download_read(download, 1000, &byte, 1, false, NULL),
			 at_once(&reg, &digest));
	assert_int_equal(dd_download_read(download, 1000, &byte, 1, true, NULL), 1);
	assert_int_equal((unsigned char)byte, bytes[1000]);
	dd_download_closep(&download);
	bytes[5] ^= 1;
	put_bytes(&reg.volume, blob_path(&digest), bytes, LARGE);
	assert_int_equal(dd_registry_open_blob(reg.registry, APP, &digest, false, &download, NULL),
			 DD_ENOENT);
	close_registry(&reg);
}

static void two_who_read_it_at_once_hash_it_once(void **state)
{
	DD_AUTOFREE unsigned char *bytes = make_bytes(LARGE, 1);
	DD_AUTOFREE unsigned char *got = malloc(LARGE + MIB);
	struct dd_download *slow, *fast;
	struct dd_digest digest = digest_of(DD_SHA256, bytes, LARGE);
	struct dd_registry_counts counts;
	struct registry reg;
	size_t len;

	(void)state;
	open_registry(&reg);
	serve_while_read(&reg);
	digest = put_settled(&reg, LARGE_GOOD);
	assert_int_equal(dd_registry_open_blob(reg.registry, APP, &digest, true, &slow, NULL), 0);
	assert_int_equal(dd_registry_open_blob(reg.registry, APP, &digest, true, &fast, NULL), 0);
	assert_int_equal(dd_download_read(slow, 0, got, 300 * KIB, true, NULL), 300 * KIB);
	assert_int_equal(read_download(fast, got, &len, NULL), 0);
	assert_int_equal(len, LARGE);
	assert_memory_equal(got, bytes, LARGE);
	dd_download_closep(&fast);
	assert_int_equal(read_download(slow, got, &len, NULL), 0);
	assert_memory_equal(got, bytes, LARGE);
	dd_download_closep(&slow);
	dd_registry_get_counts(reg.registry, &counts);
	assert_int_equal(counts.proved, 1);
	close_registry(&reg);
}

static void one_who_goes_away_keeps_nobody_waiting(void **state)
{
	DD_AUTOFREE unsigned char *bytes = make_bytes(LARGE, 1);
	DD_AUTOFREE unsigned char *got = malloc(LARGE + MIB);
	struct dd_download *first, *second;
	struct dd_digest digest = digest_of(DD_SHA256, bytes, LARGE);
	struct registry reg;
	size_t len;

	(void)state;
	open_registry(&reg);
	serve_while_read(&reg);
	digest = put_settled(&reg, LARGE_GOOD);
	assert_int_equal(dd_registry_open_blob(reg.registry, APP, &digest, true, &first, NULL), 0);
	assert_int_equal(dd_registry_open_blob(reg.registry, APP, &digest, true, &second, NULL), 0);
	assert_int_equal(dd_download_read(first, 0, got, MIB, true, NULL), MIB);
	dd_download_closep(&first);
	assert_int_equal(read_download(second, got, &len, NULL), 0);
	assert_memory_equal(got, bytes, LARGE);
	dd_download_closep(&second);
	close_registry(&reg);
}

/* Written to in place, as no registry does; and replaced, as repairs and ours do. */
static void what_changes_while_it_is_served_breaks_off(void **state)
{
	DD_AUTOFREE unsigned char *bytes = make_bytes(LARGE, 1);
	DD_AUTOFREE unsigned char *got = malloc(LARGE + MIB);
	struct dd_digest digest = digest_of(DD_SHA256, bytes, LARGE);
	struct dd_download *download;
	struct registry reg;
	size_t len;

	(void)state;
	open_registry(&reg);
	for (int proved = 0; proved < 2; proved++) {
		int fd;

		put_settled(&reg, LARGE_GOOD);
		fd = open(below(&reg.volume, blob_path(&digest)), O_WRONLY | O_CLOEXEC);
		reg.options.prove_first = proved ? LARGE : 0;
		dd_registry_set_options(reg.registry, &reg.options);
		assert_int_equal(
			dd_registry_open_blob(reg.registry, APP, &digest, true, &download, NULL),
			0);
		assert_int_equal(dd_download_read(download, 0, got, MIB, true, NULL), MIB);
		assert_int_equal(pwrite(fd, "x", 1, LARGE - 10), 1);
		assert_int_equal(read_download(download, got, &len, NULL), DD_ECORRUPT);
		assert_true(len < LARGE);
		dd_download_closep(&download);
		close(fd);
	}
	put_settled(&reg, LARGE_GOOD);
	/* Another file of that name is none of the reader's business. */
	assert_int_equal(dd_registry_open_blob(reg.registry, APP, &digest, true, &download, NULL),
			 0);
	assert_int_equal(unlink(below(&reg.volume, blob_path(&digest))), 0);
	put(&reg.volume, blob_path(&digest), "rubbish");
	assert_int_equal(read_download(download, got, &len, NULL), 0);
	assert_memory_equal(got, bytes, LARGE);
	dd_download_closep(&download);
	close_registry(&reg);
}

/* What one reader has found good is written to before another, who shares that, has read it. */
static void what_changes_after_another_has_verified_it_breaks_off(void **state)
{
	DD_AUTOFREE unsigned char *got = malloc(LARGE + MIB);

	(void)state;
	for (size_t at = LARGE / 2; at < LARGE; at += LARGE / 2 - 10) {
		struct dd_download *slow, *fast;
		struct dd_digest digest;
		struct registry reg;
		size_t len;
		int fd;

		open_registry(&reg);
		serve_while_read(&reg);
		digest = put_settled(&reg, LARGE_GOOD);
		assert_int_equal(
			dd_registry_open_blob(reg.registry, APP, &digest, true, &slow, NULL), 0);
		assert_int_equal(
			dd_registry_open_blob(reg.registry, APP, &digest, true, &fast, NULL), 0);
		assert_int_equal(dd_download_read(slow, 0, got, 300 * KIB, true, NULL), 300 * KIB);
		assert_int_equal(read_download(fast, got, &len, NULL), 0);
		fd = open(below(&reg.volume, blob_path(&digest)), O_WRONLY | O_CLOEXEC);
		assert_int_equal(pwrite(fd, "x", 1, (off_t)at), 1);
		close(fd);
		assert_int_equal(read_download(slow, got, &len, NULL), DD_ECORRUPT);
		assert_true(len < LARGE);
		dd_download_closep(&slow);
		dd_download_closep(&fast);
		close_registry(&reg);
	}
}

/* ---- many at once ---- */

struct puller {
	struct registry *reg;
	const struct dd_digest *digest;
	const unsigned char *bytes;
	size_t len;
};

static void *pull_in_thread(void *arg)
{
	struct puller *puller = arg;
	DD_CLEANUP(dd_download_closep) struct dd_download *download = NULL;
	DD_AUTOFREE unsigned char *got = malloc(puller->len + MIB);
	size_t len;

	if (dd_registry_open_blob(puller->reg->registry, APP, puller->digest, true, &download,
				  NULL) < 0 ||
	    read_download(download, got, &len, NULL) < 0 || len != puller->len ||
	    memcmp(got, puller->bytes, len) != 0)
		return (void *)"failed";
	return NULL;
}

static void many_who_ask_at_once_wait_for_one_verification(void **state)
{
	DD_AUTOFREE unsigned char *bytes = make_bytes(LARGE, 1);
	struct dd_digest digest = digest_of(DD_SHA256, bytes, LARGE);
	struct puller puller = { .digest = &digest, .bytes = bytes, .len = LARGE };
	struct dd_registry_counts counts;
	struct registry reg;
	pthread_t threads[8];

	(void)state;
	puller.reg = &reg;
	for (int first = 0; first < 2; first++) {
		open_registry(&reg);
		reg.options.prove_first = first ? LARGE : 0;
		dd_registry_set_options(reg.registry, &reg.options);
		put_settled(&reg, LARGE_GOOD);
		for (size_t i = 0; i < DD_COUNT(threads); i++)
			assert_int_equal(pthread_create(&threads[i], NULL, pull_in_thread, &puller),
					 0);
		for (size_t i = 0; i < DD_COUNT(threads); i++) {
			void *failed;

			pthread_join(threads[i], &failed);
			assert_null(failed);
		}
		dd_registry_get_counts(reg.registry, &counts);
		assert_int_equal(counts.proved, 1);
		close_registry(&reg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_corrupt_blob_is_read_and_said_once),
		cmocka_unit_test(a_good_one_is_read_once_for_each_state),
		cmocka_unit_test(what_was_verified_is_remembered_over_a_restart),
		cmocka_unit_test(a_large_one_is_verified_while_it_is_read),
		cmocka_unit_test(the_end_of_a_large_one_that_is_bad_is_never_given_away),
		cmocka_unit_test(a_part_of_a_large_one_waits_for_the_proof),
		cmocka_unit_test(two_who_read_it_at_once_hash_it_once),
		cmocka_unit_test(one_who_goes_away_keeps_nobody_waiting),
		cmocka_unit_test(what_changes_while_it_is_served_breaks_off),
		cmocka_unit_test(what_changes_after_another_has_verified_it_breaks_off),
		cmocka_unit_test(many_who_ask_at_once_wait_for_one_verification),
	};

	return cmocka_run_group_tests(tests, fill_pool, empty_pool);
}
