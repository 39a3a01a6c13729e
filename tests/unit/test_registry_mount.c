/*
 * A repository gets a blob of another's, and loses one.
 */
#include "registry_take.h"

#include "registry/revive.h"

/* ---- mounts ---- */

static void a_blob_is_mounted_from_a_repository_that_may_be_read(void **state)
{
	struct dd_registry_counts counts;
	struct dd_digest digest;
	struct registry reg;

	(void)state;
	open_registry(&reg);
	digest = push(&reg, OTHER, "bytes", 5);
	assert_int_equal(mount(&reg, "team/none", &digest, "*"), DD_ENOENT);
	assert_int_equal(mount(&reg, OTHER, &digest, "team/else"), DD_ENOENT);
	assert_int_equal(mount(&reg, "../other", &digest, "*"), DD_EFORMAT);
	assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
	assert_int_equal(mount(&reg, OTHER, &digest, OTHER), 0);
	assert_pulls(&reg, APP, &digest, "bytes", 5);
	assert_holds(&reg.volume, layer_path(APP, &digest), dd_digest_text(&digest));
	/* Again: it has it, and nobody need be asked. */
	assert_int_equal(mount(&reg, OTHER, &digest, "team/else"), 0);
	dd_registry_get_counts(reg.registry, &counts);
	assert_int_equal(counts.mounted, 1);
	close_registry(&reg);
}

static void without_a_source_one_is_found_among_those_that_may_be_read(void **state)
{
	struct dd_digest one, two;
	struct registry reg;

	(void)state;
	open_registry(&reg);
	one = push(&reg, "a/b/c", "one", 3);
	push(&reg, "secret", "one", 3);
	assert_int_equal(mount(&reg, NULL, &one, "secret/else"), DD_ENOENT);
	assert_int_equal(mount(&reg, NULL, &one, "a/b/c"), 0);
	assert_pulls(&reg, APP, &one, "one", 3);
	/* Pushed since it was made out where blobs are; and no longer where it was. */
	two = push(&reg, "later", "two", 3);
	assert_int_equal(mount(&reg, NULL, &two, "*"), 0);
	assert_int_equal(unlink(below(&reg.volume, layer_path(APP, &two))), 0);
	assert_int_equal(unlink(below(&reg.volume, layer_path("later", &two))), 0);
	assert_int_equal(mount(&reg, NULL, &two, "*"), DD_ENOENT);
	close_registry(&reg);
}

static void what_is_bad_is_not_spread(void **state)
{
	struct dd_digest digest = digest_of(DD_SHA256, "bytes", 5);
	struct registry reg;

	(void)state;
	open_registry(&reg);
	put_foreign(&reg, OTHER, &digest, "bytez", 5);
	assert_int_equal(mount(&reg, OTHER, &digest, "*"), DD_ENOENT);
	assert_int_equal(mount(&reg, NULL, &digest, "*"), DD_ENOENT);
	assert_false(exists(&reg.volume, layer_path(APP, &digest)));
	close_registry(&reg);
}

static void an_alias_is_mounted_as_one(void **state)
{
	struct dd_digest stored = digest_of(DD_SHA256, "bytes", 5);
	struct dd_digest alias = digest_of(DD_SHA512, "bytes", 5);
	struct registry reg;

	(void)state;
	open_registry(&reg);
	put_foreign(&reg, OTHER, &stored, "bytes", 5);
	put_link(&reg, layer_path(OTHER, &alias), &stored);
	assert_int_equal(mount(&reg, OTHER, &alias, "*"), 0);
	assert_holds(&reg.volume, layer_path(APP, &alias), dd_digest_text(&stored));
	assert_pulls(&reg, APP, &alias, "bytes", 5);
	close_registry(&reg);
}

/* ---- deletion ---- */

static void what_is_deleted_is_gone_here_alone_and_lies_in_the_trash(void **state)
{
	struct dd_digest digest;
	struct dd_trash trash;
	struct registry reg;
	uint64_t before;

	(void)state;
	open_registry(&reg);
	digest = push(&reg, APP, "bytes", 5);
	push(&reg, OTHER, "bytes", 5);
	before = dd_registry_get_generation(reg.registry, APP);
	assert_int_equal(dd_registry_delete_blob(reg.registry, APP, &digest, reg.err), 0);
	assert_true(dd_registry_get_generation(reg.registry, APP) != before);
	assert_int_equal(dd_registry_delete_blob(reg.registry, APP, &digest, NULL), DD_ENOENT);
	/* Asked for, it does not come back: somebody wanted it gone. */
	assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
	assert_int_equal(dd_registry_bring_back(reg.registry, APP, &digest, NULL), 0);
	assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
	assert_pulls(&reg, OTHER, &digest, "bytes", 5);
	assert_int_equal(dd_trash_load(reg.volume.ctx, reg.volume.store, &trash, NULL), 0);
	assert_int_equal(trash.count, 1);
	assert_int_equal(trash.runs[0].count, 1);
	assert_int_equal(trash.runs[0].items[0].reason, DD_REASON_REMOVED);
	assert_non_null(strstr(trash.runs[0].command, "delete " APP "@sha256:"));
	dd_trash_release(&trash);
	push(&reg, APP, "bytes", 5);
	assert_pulls(&reg, APP, &digest, "bytes", 5);
	close_registry(&reg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_blob_is_mounted_from_a_repository_that_may_be_read),
		cmocka_unit_test(without_a_source_one_is_found_among_those_that_may_be_read),
		cmocka_unit_test(what_is_bad_is_not_spread),
		cmocka_unit_test(an_alias_is_mounted_as_one),
		cmocka_unit_test(what_is_deleted_is_gone_here_alone_and_lies_in_the_trash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
