/*
 * Reading blobs: under which digest and through which links, and no byte but those of the digest.
 */
#include "registry.h"

static void a_blob_of_another_registry_is_verified_and_served(void **state)
{
	struct registry reg;
	struct dd_registry_counts counts;
	struct dd_digest digest;
	uint64_t size;

	(void)state;
	open_registry(&reg);
	digest = digest_of(DD_SHA256, "bytes", 5);
	put_foreign(&reg, APP, &digest, "bytes", 5);
	assert_int_equal(dd_registry_look_at_blob(reg.registry, APP, &digest, &size, NULL), 0);
	assert_int_equal(size, 5);
	assert_pulls(&reg, APP, &digest, "bytes", 5);
	dd_registry_get_counts(reg.registry, &counts);
	assert_true(counts.proved > 0);
	assert_int_equal(counts.corrupt, 0);
	close_registry(&reg);
}

static void a_digest_is_no_key(void **state)
{
	struct registry reg;
	struct dd_digest digest, missing;
	struct dd_download *download;

	(void)state;
	open_registry(&reg);
	digest = digest_of(DD_SHA256, "bytes", 5);
	missing = digest_of(DD_SHA256, "other", 5);
	put_foreign(&reg, APP, &digest, "bytes", 5);
	put_link(&reg, layer_path(APP, &missing), &missing);
	assert_int_equal(look(&reg, OTHER, &digest), DD_ENOENT);
	assert_int_equal(look(&reg, APP, &missing), DD_ENOENT);
	assert_int_equal(dd_registry_open_blob(reg.registry, OTHER, &digest, true, &download, NULL),
			 DD_ENOENT);
	assert_null(download);
	assert_int_equal(look(&reg, "../app", &digest), DD_EFORMAT);
	assert_int_equal(look(&reg, "UPPER", &digest), DD_EFORMAT);
	assert_int_equal(look(&reg, "", &digest), DD_EFORMAT);
	close_registry(&reg);
}

/* A bit in the first, in the middle, and in the last byte; too short; longer; nothing. */
static void what_has_another_digest_is_not_there_at_any_range(void **state)
{
	static const size_t lens[] = { 200, 200, 200, 199, 201, 0 };
	unsigned char good[201] = { 7 }, bad[201];
	struct dd_digest digest;
	struct registry reg;

	(void)state;
	for (size_t i = 0; i < DD_COUNT(lens); i++) {
		struct dd_download *download = NULL;

		open_registry(&reg);
		memcpy(bad, good, sizeof(bad));
		bad[i == 0 ? 0 : i == 1 ? 100 : i == 2 ? 199 : 200] ^= i < 3 ? 1 : 0;
		digest = digest_of(DD_SHA256, good, 200);
		put_foreign(&reg, APP, &digest, bad, lens[i]);
		assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
		for (int whole = 0; whole < 2; whole++) {
			assert_int_equal(dd_registry_open_blob(reg.registry, APP, &digest, whole,
							       &download, NULL),
					 DD_ENOENT);
			assert_null(download);
		}
		assert_true(count_in_log(&reg, "does not hold the bytes of its digest") > 0);
		close_registry(&reg);
	}
}

/* ---- sha512, and its aliases ---- */

static void an_alias_is_served_if_its_bytes_have_the_digest_that_was_asked_for(void **state)
{
	struct dd_digest stored, alias, wrong;
	struct registry reg;

	(void)state;
	open_registry(&reg);
	stored = digest_of(DD_SHA256, "bytes", 5);
	alias = digest_of(DD_SHA512, "bytes", 5);
	wrong = digest_of(DD_SHA512, "other", 5);
	put_foreign(&reg, APP, &stored, "bytes", 5);
	put_link(&reg, layer_path(APP, &alias), &stored);
	put_link(&reg, layer_path(APP, &wrong), &stored);
	assert_pulls(&reg, APP, &alias, "bytes", 5);
	assert_int_equal(look(&reg, APP, &alias), 0);
	assert_int_equal(look(&reg, APP, &wrong), DD_ENOENT);
	/* Mounted by the reference: the link there says nothing new. */
	put_link(&reg, layer_path(OTHER, &alias), &alias);
	assert_pulls(&reg, OTHER, &alias, "bytes", 5);
	close_registry(&reg);
}

static void a_link_to_another_digest_of_its_kind_leads_nowhere(void **state)
{
	struct dd_digest one, other;
	struct registry reg;

	(void)state;
	open_registry(&reg);
	one = digest_of(DD_SHA256, "one", 3);
	other = digest_of(DD_SHA256, "other", 5);
	put_foreign(&reg, APP, &other, "other", 5);
	put_link(&reg, layer_path(APP, &one), &other);
	assert_int_equal(look(&reg, APP, &one), DD_ENOENT);
	put(&reg.volume, layer_path(APP, &other), "");
	assert_int_equal(look(&reg, APP, &other), DD_ENOENT);
	put(&reg.volume, layer_path(APP, &other), "rubbish");
	assert_int_equal(look(&reg, APP, &other), DD_ENOENT);
	close_registry(&reg);
}

/* ---- hostile ---- */

static void links_and_fifos_instead_of_files_are_neither_followed_nor_waited_for(void **state)
{
	struct dd_digest digest = digest_of(DD_SHA256, "bytes", 5);
	struct dd_download *download;
	struct registry reg;
	char outside[128];
	int rc;

	(void)state;
	open_registry(&reg);
	snprintf(outside, sizeof(outside), "%s/outside", reg.volume.root);
	put(&reg.volume, "outside", "bytes");
	put_link(&reg, layer_path(APP, &digest), &digest);
	make_parents(&reg.volume, blob_path(&digest));
	assert_int_equal(symlink(outside, below(&reg.volume, blob_path(&digest))), 0);
	assert_true(look(&reg, APP, &digest) < 0);
	rc = dd_registry_open_blob(reg.registry, APP, &digest, true, &download, NULL);
	assert_true(rc < 0 && !download);
	assert_int_equal(unlink(below(&reg.volume, blob_path(&digest))), 0);
	assert_int_equal(mkfifo(below(&reg.volume, blob_path(&digest)), 0644), 0);
	assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
	assert_int_equal(unlink(below(&reg.volume, blob_path(&digest))), 0);
	assert_int_equal(mkdir(below(&reg.volume, blob_path(&digest)), 0755), 0);
	assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
	assert_int_equal(rmdir(below(&reg.volume, blob_path(&digest))), 0);
	put(&reg.volume, blob_path(&digest), "bytes");
	assert_int_equal(look(&reg, APP, &digest), 0);
	assert_int_equal(unlink(below(&reg.volume, layer_path(APP, &digest))), 0);
	assert_int_equal(symlink(outside, below(&reg.volume, layer_path(APP, &digest))), 0);
	assert_true(look(&reg, APP, &digest) < 0);
	close_registry(&reg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_blob_of_another_registry_is_verified_and_served),
		cmocka_unit_test(a_digest_is_no_key),
		cmocka_unit_test(what_has_another_digest_is_not_there_at_any_range),
		cmocka_unit_test(
			an_alias_is_served_if_its_bytes_have_the_digest_that_was_asked_for),
		cmocka_unit_test(a_link_to_another_digest_of_its_kind_leads_nowhere),
		cmocka_unit_test(
			links_and_fifos_instead_of_files_are_neither_followed_nor_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
