/*
 * What a collector took comes back from the trash when it is asked for, with all that it needs.
 */
#include "registry_take.h"

#include "registry/revive.h"

static void what_a_collector_took_comes_back_when_it_is_asked_for(void **state)
{
	struct dd_registry_counts counts;
	struct dd_digest digest;
	struct registry reg;
	char run[32];

	(void)state;
	open_registry(&reg);
	digest = push(&reg, OTHER, "bytes", 5);
	push(&reg, APP, "bytes", 5);
	/* Bytes alone; the link alone; both. */
	for (int what = 1; what <= 3; what++) {
		const char *const paths[] = { layer_path(APP, &digest), blob_path(&digest) };

		take(&reg, what == 1 ? DD_REASON_UNREFERENCED : DD_REASON_LINK_UNUSED,
		     paths + (what == 1), what == 3 ? 2 : 1, run);
		assert_false(exists(&reg.volume, paths[what == 1]));
		assert_int_equal(look(&reg, APP, &digest), 0);
		assert_pulls(&reg, APP, &digest, "bytes", 5);
		assert_true(exists(&reg.volume, paths[0]) && exists(&reg.volume, paths[1]));
		/* Not by a copy: it is no longer there. */
		assert_false(exists(&reg.volume, in_trash(run, paths[what == 1])));
	}
	dd_registry_get_counts(reg.registry, &counts);
	assert_int_equal(counts.revived, 4);
	close_registry(&reg);
}

static void what_a_person_or_a_policy_removed_or_was_bad_stays_away(void **state)
{
	static const enum dd_reason reasons[] = { DD_REASON_REMOVED, DD_REASON_POLICY,
						  DD_REASON_DAMAGED, DD_REASON_REPLACED };
	struct dd_digest digest;
	struct registry reg;
	char run[32];

	(void)state;
	open_registry(&reg);
	digest = digest_of(DD_SHA256, "bytes", 5);
	for (size_t i = 0; i < DD_COUNT(reasons); i++) {
		const char *const paths[] = { layer_path(APP, &digest) };

		push(&reg, APP, "bytes", 5);
		take(&reg, reasons[i], paths, 1, run);
		assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
		assert_true(exists(&reg.volume, in_trash(run, paths[0])));
	}
	close_registry(&reg);
}

/* An older run has taken the same once, and it was pushed again; then somebody wanted it gone. */
static void what_was_removed_since_does_not_come_back_from_an_older_run(void **state)
{
	const struct dd_digest digest = digest_of(DD_SHA256, "bytes", 5);
	const char *const paths[] = { layer_path(APP, &digest) };
	struct registry reg;
	char run[32];

	(void)state;
	open_registry(&reg);
	for (int i = 0; i < 2; i++) {
		push(&reg, APP, "bytes", 5);
		take(&reg, DD_REASON_LINK_UNUSED, paths, 1, run);
		assert_int_equal(look(&reg, APP, &digest), 0);
		take(&reg, DD_REASON_LINK_UNUSED, paths, 1, run);
		push(&reg, APP, "bytes", 5);
		if (i)
			take(&reg, DD_REASON_POLICY, paths, 1, run);
		else
			assert_int_equal(
				dd_registry_delete_blob(reg.registry, APP, &digest, reg.err), 0);
		assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
		/* Nor when it is known what each of them has, or not any more. */
		assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
		restart(&reg);
		assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
	}
	push(&reg, APP, "bytes", 5);
	take(&reg, DD_REASON_LINK_UNUSED, paths, 1, run);
	assert_int_equal(look(&reg, APP, &digest), 0);
	assert_false(exists(&reg.volume, in_trash(run, paths[0])));
	close_registry(&reg);
}

static void what_was_bad_since_comes_back_from_an_older_run(void **state)
{
	const struct dd_digest digest = digest_of(DD_SHA256, "bytes", 5);
	const char *const paths[] = { blob_path(&digest) };
	struct registry reg;
	char runs[2][32];

	(void)state;
	open_registry(&reg);
	push(&reg, APP, "bytes", 5);
	take(&reg, DD_REASON_UNREFERENCED, paths, 1, runs[0]);
	put_bytes(&reg.volume, paths[0], "other", 5);
	take(&reg, DD_REASON_DAMAGED, paths, 1, runs[1]);
	assert_pulls(&reg, APP, &digest, "bytes", 5);
	assert_false(exists(&reg.volume, in_trash(runs[0], paths[0])));
	assert_true(exists(&reg.volume, in_trash(runs[1], paths[0])));
	close_registry(&reg);
}

static void the_latest_of_several_comes_back_and_a_mount_finds_it(void **state)
{
	const struct dd_digest digest = digest_of(DD_SHA256, "bytes", 5);
	const char *const paths[] = { layer_path(OTHER, &digest), blob_path(&digest) };
	struct registry reg;
	char runs[2][32];

	(void)state;
	open_registry(&reg);
	for (int i = 0; i < 2; i++) {
		if (i)
			put_foreign(&reg, OTHER, &digest, "bytes", 5);
		else
			push(&reg, OTHER, "bytes", 5);
		take(&reg, DD_REASON_UNREFERENCED, paths, 2, runs[i]);
	}
	assert_int_equal(mount(&reg, OTHER, &digest, "*"), 0);
	assert_pulls(&reg, APP, &digest, "bytes", 5);
	assert_true(exists(&reg.volume, in_trash(runs[0], paths[1])));
	assert_false(exists(&reg.volume, in_trash(runs[1], paths[1])));
	close_registry(&reg);
}

static void with_a_manifest_all_comes_back_that_it_reaches(void **state)
{
	struct dd_digest config, layer, image, index;
	struct registry reg;
	char text[2][1500], run[32];
	const char *paths[8];

	(void)state;
	open_registry(&reg);
	config = push(&reg, APP, "{}", 2);
	layer = push(&reg, APP, "layer", 5);
	snprintf(text[0], sizeof(text[0]),
		 "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_TYPE
		 "\",\"config\":%s,\"layers\":[%s]}",
		 descriptor(&config, 2, "application/vnd.oci.image.config.v1+json"),
		 descriptor(&layer, 5, "application/vnd.oci.image.layer.v1.tar"));
	image = digest_of(DD_SHA256, text[0], strlen(text[0]));
	snprintf(text[1], sizeof(text[1]),
		 "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\","
		 "\"manifests\":[%s]}",
		 descriptor(&image, strlen(text[0]), MANIFEST_TYPE));
	index = digest_of(DD_SHA256, text[1], strlen(text[1]));
	put(&reg.volume, blob_path(&image), text[0]);
	put(&reg.volume, blob_path(&index), text[1]);
	put_link(&reg, path_of(DD_AT_REVISION, APP, &image), &image);
	put_link(&reg, path_of(DD_AT_REVISION, APP, &index), &index);

	paths[0] = strdup(path_of(DD_AT_REVISION, APP, &index));
	paths[1] = strdup(path_of(DD_AT_REVISION, APP, &image));
	paths[2] = strdup(layer_path(APP, &config));
	paths[3] = strdup(layer_path(APP, &layer));
	paths[4] = strdup(blob_path(&index));
	paths[5] = strdup(blob_path(&image));
	paths[6] = strdup(blob_path(&config));
	paths[7] = strdup(blob_path(&layer));
	take(&reg, DD_REASON_UNREFERENCED, paths, 8, run);
	assert_int_equal(dd_registry_bring_back(reg.registry, OTHER, &index, NULL), 0);
	assert_false(exists(&reg.volume, paths[4]));
	assert_int_equal(dd_registry_bring_back(reg.registry, APP, &index, reg.err), 0);
	for (size_t i = 0; i < 8; i++) {
		if (!exists(&reg.volume, paths[i]))
			fail_msg("%s is not back", paths[i]);
		free((void *)paths[i]);
	}
	close_registry(&reg);
}

/* A run that another process is still writing: a journal without a seal, and nothing that went. */
static void a_run_that_is_not_sealed_gives_nothing_and_is_asked_again(void **state)
{
	struct dd_digest digest;
	struct dd_change *change;
	struct registry reg;
	struct dd_item item;
	char *memory;

	(void)state;
	open_registry(&reg);
	digest = push(&reg, APP, "bytes", 5);
	change = begin_change(&reg.volume);
	item = item_of(&reg.volume, layer_path(APP, &digest), &memory);
	item.reason = DD_REASON_LINK_UNUSED;
	assert_int_equal(dd_change_announce(change, &item, NULL), 0);
	assert_int_equal(look(&reg, OTHER, &digest), DD_ENOENT);
	assert_int_equal(dd_change_seal(change, NULL), 0);
	assert_int_equal(dd_change_withdraw(change, &item, NULL), 0);
	assert_int_equal(look(&reg, APP, &digest), 0);
	assert_int_equal(dd_change_finish(change, false, NULL), 0);
	dd_change_close(change);
	free(memory);
	assert_pulls(&reg, APP, &digest, "bytes", 5);
	close_registry(&reg);
}

static void a_trash_full_of_rubbish_is_survived(void **state)
{
	struct dd_digest digest = digest_of(DD_SHA256, "bytes", 5);
	struct registry reg;
	char path[512];

	(void)state;
	open_registry(&reg);
	snprintf(path, sizeof(path), ".drydock/trash/" RUN "/%s", layer_path(APP, &digest));
	make_parents(&reg.volume, path);
	assert_int_equal(symlink("/etc/passwd", below(&reg.volume, path)), 0);
	put(&reg.volume, ".drydock/trash/" RUN "/journal", "rubbish");
	put(&reg.volume, ".drydock/trash/not-a-run/journal", "rubbish");
	assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
	assert_false(exists(&reg.volume, layer_path(APP, &digest)));
	close_registry(&reg);
}

/* Its layer went for good: whoever asks for the manifest would be told that the image is there. */
static void what_is_left_of_an_image_does_not_come_back(void **state)
{
	struct dd_digest layer, image;
	DD_CLEANUP(dd_pulled_release) struct dd_pulled pulled;
	struct dd_change *change;
	struct registry reg;
	char text[1500], first[32], second[32], revision[512];

	(void)state;
	open_registry(&reg);
	layer = push(&reg, APP, "layer", 5);
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_TYPE
		 "\",\"config\":%s,\"layers\":[]}",
		 descriptor(&layer, 5, "application/vnd.oci.image.config.v1+json"));
	image = digest_of(DD_SHA256, text, strlen(text));
	put(&reg.volume, blob_path(&image), text);
	snprintf(revision, sizeof(revision), "%s", path_of(DD_AT_REVISION, APP, &image));
	put_link(&reg, revision, &image);
	take(&reg, DD_REASON_UNTAGGED, (const char *const[]){ revision }, 1, first);
	take(&reg, DD_REASON_LINK_UNUSED, (const char *const[]){ layer_path(APP, &layer) }, 1,
	     second);
	change = begin_change(&reg.volume);
	assert_int_equal(dd_change_empty(change, second, reg.err), 0);
	dd_change_close(change);
	assert_int_equal(
		dd_registry_get_manifest(reg.registry, APP, NULL, &image, &pulled, reg.err),
		DD_ENOENT);
	assert_false(exists(&reg.volume, revision));
	/* With it again, the image is. */
	push(&reg, APP, "layer", 5);
	assert_int_equal(
		dd_registry_get_manifest(reg.registry, APP, NULL, &image, &pulled, reg.err), 0);
	assert_true(exists(&reg.volume, revision));
	close_registry(&reg);
}

/* Where an index may lack its images it is whole without them. */
/* The link went in one run, and the bytes in a later one that is gone: it would lead nowhere. */
static void no_link_comes_back_to_bytes_that_are_gone_for_good(void **state)
{
	static const enum dd_place_kind kinds[] = { DD_AT_LAYER, DD_AT_REVISION };
	const struct dd_digest digest = digest_of(DD_SHA256, "bytes", 5);
	char first[32], second[32], link[512];
	struct dd_change *change;
	struct dd_pulled pulled;
	struct registry reg;

	(void)state;
	open_registry(&reg);
	for (size_t i = 0; i < DD_COUNT(kinds); i++) {
		snprintf(link, sizeof(link), "%s", path_of(kinds[i], APP, &digest));
		put(&reg.volume, blob_path(&digest), "bytes");
		put_link(&reg, link, &digest);
		take(&reg, DD_REASON_UNTAGGED, (const char *const[]){ link }, 1, first);
		take(&reg, DD_REASON_UNREFERENCED, (const char *const[]){ blob_path(&digest) }, 1,
		     second);
		change = begin_change(&reg.volume);
		assert_int_equal(dd_change_empty(change, second, reg.err), 0);
		dd_change_close(change);
		assert_int_equal(look(&reg, APP, &digest), DD_ENOENT);
		assert_int_equal(dd_registry_get_manifest(reg.registry, APP, NULL, &digest, &pulled,
							  reg.err),
				 DD_ENOENT);
		assert_false(exists(&reg.volume, link));
	}
	close_registry(&reg);
}

static void a_sparse_index_comes_back_where_it_was_accepted(void **state)
{
	DD_CLEANUP(dd_pulled_release) struct dd_pulled pulled;
	struct dd_digest absent, index;
	struct registry reg;
	char text[1500], revision[512], run[32];

	(void)state;
	open_registry(&reg);
	absent = digest_of(DD_SHA256, "nowhere", 7);
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\","
		 "\"manifests\":[%s]}",
		 descriptor(&absent, 7, MANIFEST_TYPE));
	index = digest_of(DD_SHA256, text, strlen(text));
	put(&reg.volume, blob_path(&index), text);
	snprintf(revision, sizeof(revision), "%s", path_of(DD_AT_REVISION, APP, &index));
	put_link(&reg, revision, &index);
	take(&reg, DD_REASON_UNTAGGED, (const char *const[]){ revision }, 1, run);
	assert_int_equal(
		dd_registry_get_manifest(reg.registry, APP, NULL, &index, &pulled, reg.err),
		DD_ENOENT);
	dd_error_clear(reg.err);
	reg.options.accept_sparse_indexes = true;
	dd_registry_set_options(reg.registry, &reg.options);
	assert_int_equal(
		dd_registry_get_manifest(reg.registry, APP, NULL, &index, &pulled, reg.err), 0);
	assert_true(exists(&reg.volume, revision));
	close_registry(&reg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_collector_took_comes_back_when_it_is_asked_for),
		cmocka_unit_test(what_a_person_or_a_policy_removed_or_was_bad_stays_away),
		cmocka_unit_test(what_was_removed_since_does_not_come_back_from_an_older_run),
		cmocka_unit_test(what_was_bad_since_comes_back_from_an_older_run),
		cmocka_unit_test(the_latest_of_several_comes_back_and_a_mount_finds_it),
		cmocka_unit_test(with_a_manifest_all_comes_back_that_it_reaches),
		cmocka_unit_test(a_run_that_is_not_sealed_gives_nothing_and_is_asked_again),
		cmocka_unit_test(a_trash_full_of_rubbish_is_survived),
		cmocka_unit_test(what_is_left_of_an_image_does_not_come_back),
		cmocka_unit_test(no_link_comes_back_to_bytes_that_are_gone_for_good),
		cmocka_unit_test(a_sparse_index_comes_back_where_it_was_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
