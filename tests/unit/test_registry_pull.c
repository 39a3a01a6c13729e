/*
 * Manifests that are there: what is served of them, what a push mends, and what a collector leaves of
 * them.
 */
#include "registry_image.h"

static void bad_bytes_are_not_served_and_a_push_heals_them(void **state)
{
	static const char *const bad[] = { "", "other", "{\"schemaVersion\":2,\"manifests\":[]}" };
	struct registry reg;
	struct image image;
	struct dd_registry_counts counts;

	(void)state;
	open_registry(&reg);
	push_image(&reg, APP, 1, "v1", &image);
	for (size_t i = 0; i < DD_COUNT(bad); i++) {
		put(&reg.volume, blob_path(&image.digest), bad[i]);
		assert_int_equal(try_get(&reg, APP, "v1", NULL), DD_ENOENT);
		assert_int_equal(try_get(&reg, APP, NULL, &image.digest), DD_ENOENT);
		assert_rc(put_manifest(&reg, APP, image.json, NULL), 0);
		assert_gets(&reg, APP, "v1", NULL, image.json);
	}
	dd_registry_get_counts(reg.registry, &counts);
	assert_int_equal(counts.healed, DD_COUNT(bad));
	assert_true(count_in_log(&reg, dd_digest_text(&image.digest)) >= 1);
	release_image(&image);
	close_registry(&reg);
}

static void bad_links_lead_nowhere_and_a_push_mends_them(void **state)
{
	static const char other[] = "sha256:" HEX_A;
	static const char *const bad[] = { "", "garbage", other };
	struct registry reg;
	struct image image;

	(void)state;
	open_registry(&reg);
	push_image(&reg, APP, 1, "v1", &image);
	for (size_t i = 0; i < DD_COUNT(bad); i++) {
		put(&reg.volume, revision_path(APP, &image.digest), bad[i]);
		put(&reg.volume, tag_path(APP, "v1"), bad[i]);
		assert_int_equal(try_get(&reg, APP, "v1", NULL), DD_ENOENT);
		assert_int_equal(try_get(&reg, APP, NULL, &image.digest), DD_ENOENT);
		assert_rc(put_manifest(&reg, APP, image.json, "v1"), 0);
		assert_gets(&reg, APP, "v1", NULL, image.json);
		assert_gets(&reg, APP, NULL, &image.digest, image.json);
	}
	release_image(&image);
	close_registry(&reg);
}

static void what_is_no_file_is_neither_read_nor_replaced(void **state)
{
	struct registry reg;
	struct image image;
	char path[512];

	(void)state;
	open_registry(&reg);
	push_image(&reg, APP, 1, "v1", &image);
	put(&reg.volume, "outside", dd_digest_text(&image.digest));
	assert_int_equal(unlink(below(&reg.volume, tag_path(APP, "v1"))), 0);
	assert_int_equal(symlink(below(&reg.volume, "outside"),
				 below(&reg.volume, tag_path(APP, "v1"))),
			 0);
	assert_int_equal(try_get(&reg, APP, "v1", NULL), DD_ESYMLINK);
	assert_rc(put_manifest(&reg, APP, image.json, "v1"), DD_ESYMLINK);
	assert_holds(&reg.volume, "outside", dd_digest_text(&image.digest));

	snprintf(path, sizeof(path), "%s", blob_path(&image.digest));
	assert_int_equal(unlink(below(&reg.volume, path)), 0);
	assert_int_equal(mkfifo(below(&reg.volume, path), 0644), 0);
	assert_int_equal(try_get(&reg, APP, NULL, &image.digest), DD_EIRREGULAR);
	assert_rc(put_manifest(&reg, APP, image.json, "v2"), DD_EIRREGULAR);
	assert_false(exists(&reg.volume, tag_path(APP, "v2")));
	release_image(&image);
	close_registry(&reg);
}

static void a_tag_without_its_revision_still_leads_to_the_image(void **state)
{
	struct registry reg;
	struct image image;

	(void)state;
	open_registry(&reg);
	push_image(&reg, APP, 1, "v1", &image);
	assert_int_equal(unlink(below(&reg.volume, revision_path(APP, &image.digest))), 0);
	assert_gets(&reg, APP, "v1", NULL, image.json);
	assert_int_equal(try_get(&reg, APP, NULL, &image.digest), DD_ENOENT);
	release_image(&image);
	close_registry(&reg);
}

static void a_push_again_makes_links_young_and_writes_nothing_anew(void **state)
{
	const struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	const char *paths[3];
	struct registry reg;
	struct image image;
	struct stat before[3], after;

	(void)state;
	open_registry(&reg);
	push_image(&reg, APP, 1, "v1", &image);
	paths[0] = revision_path(APP, &image.digest);
	paths[1] = tag_path(APP, "v1");
	paths[2] = history_path(APP, "v1", &image.digest);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(utimensat(AT_FDCWD, below(&reg.volume, paths[i]), old, 0), 0);
		assert_int_equal(stat(below(&reg.volume, paths[i]), &before[i]), 0);
	}
	assert_rc(put_manifest(&reg, APP, image.json, "v1"), 0);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(stat(below(&reg.volume, paths[i]), &after), 0);
		assert_int_equal(after.st_ino, before[i].st_ino);
		assert_true(after.st_mtime > 1000000);
	}
	release_image(&image);
	close_registry(&reg);
}

static void what_is_pulled_is_leased_with_all_it_reaches(void **state)
{
	DD_AUTOFREE char *index = NULL;
	struct registry reg;
	struct image image;
	struct dd_digest index_digest, other = digest_of_text("other");
	struct dd_leases *leases;
	uint64_t mark;

	(void)state;
	open_registry(&reg);
	push_image(&reg, APP, 1, NULL, &image);
	index = make_index(&image, 1);
	index_digest = digest_of_text(index);
	assert_rc(put_manifest(&reg, APP, index, "multi"), 0);
	/* Also what is read anew. */
	restart(&reg);
	leases = let_leases_run_out(&reg);
	mark = dd_leases_begin_mark(leases);
	assert_true(is_taken(leases, mark, APP, &image.layer_digest));
	assert_gets(&reg, APP, "multi", NULL, index);
	assert_false(is_taken(leases, mark, APP, &index_digest));
	assert_false(is_taken(leases, mark, APP, &image.digest));
	assert_false(is_taken(leases, mark, APP, &image.config_digest));
	assert_false(is_taken(leases, mark, APP, &image.layer_digest));
	assert_false(is_taken(leases, mark, NULL, &image.layer_digest));
	assert_true(is_taken(leases, mark, APP, &other));
	assert_true(is_taken(leases, mark, OTHER, &image.layer_digest));
	dd_leases_end_mark(leases, mark);
	release_image(&image);
	close_registry(&reg);
}

static void what_a_push_reaches_outlasts_the_mark_that_did_not_see_it(void **state)
{
	DD_AUTOFREE char *index = NULL;
	struct registry reg;
	struct image image;
	struct dd_digest tag;
	struct dd_leases *leases;
	uint64_t mark;

	(void)state;
	open_registry(&reg);
	dd_lease_name(DD_LEASE_TAG, "multi", &tag);
	push_image(&reg, APP, 1, NULL, &image);
	index = make_index(&image, 1);
	leases = let_leases_run_out(&reg);
	mark = dd_leases_begin_mark(leases);
	assert_true(is_taken(leases, mark, APP, &image.layer_digest));
	assert_true(is_taken(leases, mark, APP, &tag));
	assert_rc(put_manifest(&reg, APP, index, "multi"), 0);
	clock_ns += 2 * DD_LEASE_DEFAULT;
	assert_false(is_taken(leases, mark, APP, &image.layer_digest));
	assert_false(is_taken(leases, mark, APP, &image.digest));
	assert_false(is_taken(leases, mark, NULL, &image.config_digest));
	assert_false(is_taken(leases, mark, APP, &tag));
	dd_leases_end_mark(leases, mark);
	/* The next one sees it. */
	mark = dd_leases_begin_mark(leases);
	assert_true(is_taken(leases, mark, APP, &image.layer_digest));
	assert_true(is_taken(leases, mark, APP, &tag));
	dd_leases_end_mark(leases, mark);
	release_image(&image);
	close_registry(&reg);
}

static void a_push_that_is_refused_leaves_nothing_pinned(void **state)
{
	struct registry reg;
	struct image image;
	struct dd_leases *leases;
	uint64_t mark;

	(void)state;
	open_registry(&reg);
	make_image(&image, 1, "");
	assert_rc(put_manifest(&reg, APP, image.json, "v1"), DD_ENOENT);
	leases = let_leases_run_out(&reg);
	mark = dd_leases_begin_mark(leases);
	assert_true(is_taken(leases, mark, APP, &image.layer_digest));
	assert_true(is_taken(leases, mark, APP, &image.digest));
	dd_leases_end_mark(leases, mark);
	release_image(&image);
	close_registry(&reg);
}

static void what_a_collector_took_comes_back_with_all_it_reaches(void **state)
{
	const char *paths[5];
	char run[32];
	struct registry reg;
	struct image image;

	(void)state;
	open_registry(&reg);
	push_image(&reg, APP, 1, NULL, &image);
	paths[0] = strdup(revision_path(APP, &image.digest));
	paths[1] = strdup(layer_path(APP, &image.config_digest));
	paths[2] = strdup(layer_path(APP, &image.layer_digest));
	paths[3] = strdup(blob_path(&image.digest));
	paths[4] = strdup(blob_path(&image.layer_digest));
	collect(&reg.volume, paths, 5, run);
	assert_false(exists(&reg.volume, paths[3]));
	assert_gets(&reg, APP, NULL, &image.digest, image.json);
	for (size_t i = 0; i < 5; i++) {
		assert_true(exists(&reg.volume, paths[i]));
		free((char *)paths[i]);
	}
	release_image(&image);
	close_registry(&reg);
}

static void a_push_is_not_refused_for_what_a_collector_took(void **state)
{
	DD_AUTOFREE char *index = NULL;
	const char *paths[4];
	char run[32];
	struct registry reg;
	struct image image;
	struct dd_leases *leases;
	uint64_t mark;

	(void)state;
	open_registry(&reg);
	push_image(&reg, APP, 1, NULL, &image);
	index = make_index(&image, 1);
	paths[0] = strdup(revision_path(APP, &image.digest));
	paths[1] = strdup(layer_path(APP, &image.layer_digest));
	paths[2] = strdup(blob_path(&image.digest));
	paths[3] = strdup(blob_path(&image.layer_digest));
	collect(&reg.volume, paths, 4, run);
	/* Nothing is known of it but what can be read, once it is back. */
	restart(&reg);
	leases = let_leases_run_out(&reg);
	mark = dd_leases_begin_mark(leases);
	assert_rc(put_manifest(&reg, APP, index, "multi"), 0);
	for (size_t i = 0; i < 4; i++) {
		assert_true(exists(&reg.volume, paths[i]));
		free((char *)paths[i]);
	}
	/* The mark that is under way has seen neither the index nor what it leads to. */
	clock_ns += 2 * DD_LEASE_DEFAULT;
	assert_false(is_taken(leases, mark, APP, &image.digest));
	assert_false(is_taken(leases, mark, APP, &image.layer_digest));
	assert_false(is_taken(leases, mark, APP, &image.config_digest));
	dd_leases_end_mark(leases, mark);
	release_image(&image);
	close_registry(&reg);
}

/* ---- many at once ---- */

struct pusher {
	struct registry *reg;
	const struct image *image;
	pthread_t thread;
};

#define PUSHERS 4
#define PUSHES 20

static void *push_many(void *arg)
{
	struct pusher *pusher = arg;
	const char *const tags[] = { "latest" };
	struct dd_push_report report;
	const struct dd_pushed pushed = { .bytes = pusher->image->json,
					  .len = strlen(pusher->image->json),
					  .tags = tags,
					  .tag_count = 1 };

	for (int i = 0; i < PUSHES; i++)
		if (dd_registry_put_manifest(pusher->reg->registry, APP, &pushed, &report, NULL) < 0)
			return arg;
	return NULL;
}

static void of_two_who_push_one_tag_the_last_wins_whole(void **state)
{
	struct registry reg;
	struct image images[PUSHERS];
	struct pusher pushers[PUSHERS];
	void *failed;
	char *last;
	bool found = false;

	(void)state;
	open_registry(&reg);
	for (unsigned i = 0; i < PUSHERS; i++) {
		make_image(&images[i], i, "");
		push_blobs(&reg, APP, &images[i]);
	}
	for (unsigned i = 0; i < PUSHERS; i++) {
		pushers[i] = (struct pusher){ &reg, &images[i], 0 };
		assert_int_equal(pthread_create(&pushers[i].thread, NULL, push_many, &pushers[i]),
				 0);
	}
	for (unsigned i = 0; i < PUSHERS; i++) {
		assert_int_equal(pthread_join(pushers[i].thread, &failed), 0);
		assert_null(failed);
	}
	last = get(&reg.volume, tag_path(APP, "latest"), NULL);
	for (unsigned i = 0; i < PUSHERS; i++) {
		found |= !strcmp(last, dd_digest_text(&images[i].digest));
		assert_gets(&reg, APP, NULL, &images[i].digest, images[i].json);
		release_image(&images[i]);
	}
	assert_true(found);
	free(last);
	close_registry(&reg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_bytes_are_not_served_and_a_push_heals_them),
		cmocka_unit_test(bad_links_lead_nowhere_and_a_push_mends_them),
		cmocka_unit_test(what_is_no_file_is_neither_read_nor_replaced),
		cmocka_unit_test(a_tag_without_its_revision_still_leads_to_the_image),
		cmocka_unit_test(a_push_again_makes_links_young_and_writes_nothing_anew),
		cmocka_unit_test(what_is_pulled_is_leased_with_all_it_reaches),
		cmocka_unit_test(what_a_push_reaches_outlasts_the_mark_that_did_not_see_it),
		cmocka_unit_test(a_push_that_is_refused_leaves_nothing_pinned),
		cmocka_unit_test(what_a_collector_took_comes_back_with_all_it_reaches),
		cmocka_unit_test(a_push_is_not_refused_for_what_a_collector_took),
		cmocka_unit_test(of_two_who_push_one_tag_the_last_wins_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
