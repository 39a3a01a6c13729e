/*
 * Manifests in and out of a registry: what is taken, what is refused, what lies on the disk afterwards.
 */
#include "registry_image.h"

static void what_is_pushed_is_pulled_by_tag_and_by_digest(void **state)
{
	DD_CLEANUP(dd_pulled_release) struct dd_pulled pulled;
	struct registry reg;
	struct image image;

	(void)state;
	open_registry(&reg);
	push_image(&reg, APP, 1, "v1", &image);
	assert_gets(&reg, APP, "v1", NULL, image.json);
	assert_gets(&reg, APP, NULL, &image.digest, image.json);
	assert_rc(get_manifest(&reg, APP, "v1", NULL, &pulled), 0);
	assert_string_equal(pulled.media_type, OCI_IMAGE);
	assert_true(dd_digest_equal(&pulled.digest, &image.digest));
	/* File for file as the other registry leaves it. */
	assert_holds(&reg.volume, blob_path(&image.digest), image.json);
	assert_holds(&reg.volume, revision_path(APP, &image.digest), dd_digest_text(&image.digest));
	assert_holds(&reg.volume, tag_path(APP, "v1"), dd_digest_text(&image.digest));
	assert_holds(&reg.volume, history_path(APP, "v1", &image.digest),
		     dd_digest_text(&image.digest));
	/* And after a restart. */
	restart(&reg);
	assert_gets(&reg, APP, "v1", NULL, image.json);
	assert_int_equal(try_get(&reg, APP, "v2", NULL), DD_ENOENT);
	assert_int_equal(try_get(&reg, OTHER, "v1", NULL), DD_ENOENT);
	assert_int_equal(try_get(&reg, OTHER, NULL, &image.digest), DD_ENOENT);
	release_image(&image);
	close_registry(&reg);
}

static void what_it_names_must_be_there(void **state)
{
	struct registry reg;
	struct image image;
	struct dd_push_report report;

	(void)state;
	open_registry(&reg);
	make_image(&image, 1, "");
	assert_rc(put_bytes_as(&reg, APP, image.json, strlen(image.json), NULL, "v1", &report),
		  DD_ENOENT);
	assert_int_equal(report.missing_count, 2);
	assert_true(dd_digest_equal(&report.missing[0], &image.config_digest));
	assert_true(dd_digest_equal(&report.missing[1], &image.layer_digest));
	assert_false(exists(&reg.volume, blob_path(&image.digest)));
	assert_false(exists(&reg.volume, tag_path(APP, "v1")));
	/* Another repository's blobs are not this one's. */
	push_blobs(&reg, OTHER, &image);
	assert_rc(put_manifest(&reg, APP, image.json, "v1"), DD_ENOENT);
	push_blobs(&reg, APP, &image);
	assert_rc(put_manifest(&reg, APP, image.json, "v1"), 0);
	/* A link without bytes is nothing. */
	assert_int_equal(unlink(below(&reg.volume, blob_path(&image.layer_digest))), 0);
	assert_rc(put_bytes_as(&reg, APP, image.json, strlen(image.json), NULL, "v2", &report),
		  DD_ENOENT);
	assert_int_equal(report.missing_count, 1);
	release_image(&image);
	close_registry(&reg);
}

static void what_is_not_there_is_accepted_if_it_may_be_sparse(void **state)
{
	struct registry reg;
	struct image image;

	(void)state;
	open_registry(&reg);
	make_image(&image, 1, "");
	reg.options.accept_sparse = true;
	dd_registry_set_options(reg.registry, &reg.options);
	assert_rc(put_manifest(&reg, APP, image.json, "v1"), 0);
	assert_gets(&reg, APP, "v1", NULL, image.json);
	release_image(&image);
	close_registry(&reg);
}

static void a_layer_that_can_be_had_elsewhere_may_be_missing(void **state)
{
	static const char json[] =
		"{\"schemaVersion\":2,\"mediaType\":\"" OCI_IMAGE "\",\"config\":{\"mediaType\":\""
		OCI_CONFIG "\",\"digest\":\"%s\",\"size\":2},\"layers\":[{\"mediaType\":\"x/y\","
		"\"digest\":\"sha256:" HEX_A "\",\"size\":5,\"urls\":[\"https://example.org/l\"]}]}";
	char text[1000];
	struct registry reg;
	struct dd_digest config;

	(void)state;
	open_registry(&reg);
	config = push(&reg, APP, "{}", 2);
	snprintf(text, sizeof(text), json, dd_digest_text(&config));
	assert_rc(put_manifest(&reg, APP, text, "v1"), 0);
	close_registry(&reg);
}

static void sizes_have_to_be_those_of_the_bytes(void **state)
{
	char text[1000];
	struct registry reg;
	struct dd_digest config;

	(void)state;
	open_registry(&reg);
	config = push(&reg, APP, "{}", 2);
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"mediaType\":\"" OCI_IMAGE "\",\"config\":{\"mediaType\":\""
		 OCI_CONFIG "\",\"digest\":\"%s\",\"size\":3},\"layers\":[]}",
		 dd_digest_text(&config));
	assert_rc(put_manifest(&reg, APP, text, "v1"), DD_EFORMAT);
	assert_false(exists(&reg.volume, tag_path(APP, "v1")));
	close_registry(&reg);
}

static void what_is_no_manifest_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"no json",
		"[]",
		"{}",
		"{\"schemaVersion\":2,\"mediaType\":\"text/plain\"}",
		/* Two things at once. */
		"{\"schemaVersion\":2,\"mediaType\":\"" OCI_INDEX "\",\"manifests\":[],"
		"\"layers\":[{\"mediaType\":\"x/y\",\"digest\":\"sha256:" HEX_A "\",\"size\":1}]}",
		"{\"schemaVersion\":2,\"mediaType\":\"" OCI_IMAGE "\",\"layers\":[],"
		"\"config\":{\"mediaType\":\"x/y\",\"digest\":\"sha256:" HEX_A "\",\"size\":1},"
		"\"manifests\":[{\"mediaType\":\"" OCI_IMAGE "\",\"digest\":\"sha256:" HEX_A
		"\",\"size\":1}]}",
		/* A key given twice, also in another case. */
		"{\"schemaVersion\":2,\"mediaType\":\"" OCI_INDEX "\",\"manifests\":[],"
		"\"manifests\":[]}",
		"{\"schemaVersion\":2,\"mediaType\":\"" OCI_INDEX "\",\"manifests\":[],"
		"\"MANIFESTS\":[{\"mediaType\":\"" OCI_IMAGE "\",\"digest\":\"sha256:" HEX_A
		"\",\"size\":1}]}",
		/* Schema 1. */
		"{\"schemaVersion\":1,\"name\":\"a\",\"tag\":\"b\",\"fsLayers\":[]}",
	};
	struct registry reg;

	(void)state;
	open_registry(&reg);
	reg.options.accept_sparse = true;
	dd_registry_set_options(reg.registry, &reg.options);
	for (size_t i = 0; i < DD_COUNT(bad); i++)
		assert_rc(put_manifest(&reg, APP, bad[i], "v1"), DD_EFORMAT);
	assert_false(exists(&reg.volume, tag_path(APP, "v1")));
	close_registry(&reg);
}

static void a_key_of_another_case_names_what_must_be_there(void **state)
{
	struct registry reg;
	struct dd_push_report report;
	struct dd_digest config;
	char text[1000];

	(void)state;
	open_registry(&reg);
	config = push(&reg, APP, "{}", 2);
	snprintf(text, sizeof(text),
		 "{\"schemaVersion\":2,\"mediaType\":\"" OCI_IMAGE "\",\"config\":{\"mediaType\":\""
		 OCI_CONFIG "\",\"digest\":\"%s\",\"size\":2},\"LAYERS\":[{\"mediaType\":\"x/y\","
		 "\"digest\":\"sha256:" HEX_A "\",\"size\":1}]}",
		 dd_digest_text(&config));
	assert_rc(put_bytes_as(&reg, APP, text, strlen(text), NULL, "v1", &report), DD_ENOENT);
	assert_int_equal(report.missing_count, 1);
	close_registry(&reg);
}

static void it_has_to_be_what_it_was_said_to_be(void **state)
{
	struct registry reg;
	struct image image;
	struct dd_push_report report;
	struct dd_pushed pushed = { 0 };
	struct dd_digest other = digest_of_text("other");

	(void)state;
	open_registry(&reg);
	make_image(&image, 1, "");
	push_blobs(&reg, APP, &image);
	assert_rc(put_bytes_as(&reg, APP, image.json, strlen(image.json), OCI_INDEX, "v1", &report),
		  DD_EFORMAT);
	assert_rc(put_bytes_as(&reg, APP, image.json, strlen(image.json),
			       "Application/vnd.oci.image.manifest.v1+json; charset=utf-8", "v1",
			       &report),
		  0);
	pushed.bytes = image.json;
	pushed.len = strlen(image.json);
	pushed.digest = &other;
	assert_rc(dd_registry_put_manifest(reg.registry, APP, &pushed, &report, reg.err),
		  DD_ECORRUPT);
	/* A document without its type, of which everybody says what it is. */
	assert_rc(put_bytes_as(&reg, APP, "{\"schemaVersion\":2,\"manifests\":[]}", 34, OCI_INDEX,
			       "v2", &report),
		  0);
	assert_rc(put_bytes_as(&reg, APP, "{\"schemaVersion\":2,\"manifests\":[]}", 34, OCI_IMAGE,
			       "v2", &report),
		  DD_EFORMAT);
	release_image(&image);
	close_registry(&reg);
}

static void names_that_are_none_are_refused(void **state)
{
	struct registry reg;
	struct image image;

	(void)state;
	open_registry(&reg);
	push_image(&reg, APP, 1, "v1", &image);
	assert_rc(put_manifest(&reg, APP, image.json, "a/b"), DD_EFORMAT);
	assert_rc(put_manifest(&reg, APP, image.json, ".."), DD_EFORMAT);
	assert_rc(put_manifest(&reg, APP, image.json, ""), DD_EFORMAT);
	assert_rc(put_manifest(&reg, "../app", image.json, "v1"), DD_EFORMAT);
	assert_rc(put_manifest(&reg, "App", image.json, "v1"), DD_EFORMAT);
	assert_int_equal(try_get(&reg, APP, "../v1", NULL), DD_EFORMAT);
	assert_int_equal(try_get(&reg, "team//app", "v1", NULL), DD_EFORMAT);
	release_image(&image);
	close_registry(&reg);
}

static void too_large_a_manifest_is_refused(void **state)
{
	struct registry reg;
	struct image image;

	(void)state;
	open_registry(&reg);
	make_image(&image, 1, "");
	push_blobs(&reg, APP, &image);
	reg.options.manifest_max = strlen(image.json) - 1;
	dd_registry_set_options(reg.registry, &reg.options);
	assert_rc(put_manifest(&reg, APP, image.json, "v1"), DD_ETOOBIG);
	reg.options.manifest_max++;
	dd_registry_set_options(reg.registry, &reg.options);
	assert_rc(put_manifest(&reg, APP, image.json, "v1"), 0);
	release_image(&image);
	close_registry(&reg);
}

static void one_of_thousands_of_layers_is_checked_once_for_each(void **state)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };
	struct registry reg;
	struct dd_digest config, layer;

	(void)state;
	open_registry(&reg);
	config = push(&reg, APP, "{}", 2);
	layer = push(&reg, APP, "layer", 5);
	assert_int_equal(dd_text_printf(&text,
					"{\"schemaVersion\":2,\"mediaType\":\"" OCI_IMAGE
					"\",\"config\":{\"mediaType\":\"x/y\",\"digest\":\"%s\","
					"\"size\":2},\"layers\":[",
					dd_digest_text(&config)),
			 0);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(dd_text_printf(&text,
						"%s{\"mediaType\":\"x/y\",\"digest\":\"%s\","
						"\"size\":5}",
						i ? "," : "", dd_digest_text(&layer)),
				 0);
	assert_int_equal(dd_text_printf(&text, "]}"), 0);
	assert_rc(put_manifest(&reg, APP, text.bytes, "v1"), 0);
	assert_gets(&reg, APP, "v1", NULL, text.bytes);
	close_registry(&reg);
}

static void an_index_needs_its_images_in_the_repository(void **state)
{
	DD_AUTOFREE char *index = NULL;
	struct registry reg;
	struct image images[2];

	(void)state;
	open_registry(&reg);
	push_image(&reg, APP, 1, NULL, &images[0]);
	push_image(&reg, OTHER, 2, "v1", &images[1]);
	index = make_index(images, 2);
	assert_rc(put_manifest(&reg, APP, index, "multi"), DD_ENOENT);
	push_blobs(&reg, APP, &images[1]);
	assert_rc(put_manifest(&reg, APP, images[1].json, NULL), 0);
	assert_rc(put_manifest(&reg, APP, index, "multi"), 0);
	assert_gets(&reg, APP, "multi", NULL, index);
	release_image(&images[0]);
	release_image(&images[1]);
	close_registry(&reg);
}

static void sha512_is_a_digest_like_another(void **state)
{
	struct registry reg;
	struct image image;
	struct dd_push_report report;
	struct dd_digest digest;
	struct dd_pushed pushed = { 0 };

	(void)state;
	open_registry(&reg);
	make_image(&image, 1, "");
	push_blobs(&reg, APP, &image);
	digest = digest_of(DD_SHA512, image.json, strlen(image.json));
	pushed.bytes = image.json;
	pushed.len = strlen(image.json);
	pushed.digest = &digest;
	assert_rc(dd_registry_put_manifest(reg.registry, APP, &pushed, &report, reg.err), 0);
	assert_true(dd_digest_equal(&report.digest, &digest));
	assert_gets(&reg, APP, NULL, &digest, image.json);
	assert_holds(&reg.volume, revision_path(APP, &digest), dd_digest_text(&digest));
	assert_int_equal(try_get(&reg, APP, NULL, &image.digest), DD_ENOENT);
	release_image(&image);
	close_registry(&reg);
}

static void several_tags_come_by_one_push_and_a_tag_moves(void **state)
{
	static const char *const tags[] = { "v1", "v1.0", "latest" };
	struct registry reg;
	struct image first, second;
	struct dd_push_report report;
	struct dd_pushed pushed = { .tags = tags, .tag_count = 3 };
	uint64_t generation;

	(void)state;
	open_registry(&reg);
	make_image(&first, 1, "");
	push_blobs(&reg, APP, &first);
	pushed.bytes = first.json;
	pushed.len = strlen(first.json);
	generation = dd_registry_get_generation(reg.registry, APP);
	assert_rc(dd_registry_put_manifest(reg.registry, APP, &pushed, &report, reg.err), 0);
	assert_true(generation != dd_registry_get_generation(reg.registry, APP));
	for (size_t i = 0; i < 3; i++)
		assert_gets(&reg, APP, tags[i], NULL, first.json);
	push_image(&reg, APP, 2, "latest", &second);
	assert_gets(&reg, APP, "latest", NULL, second.json);
	assert_gets(&reg, APP, "v1", NULL, first.json);
	/* What it pointed to once is remembered. */
	assert_true(exists(&reg.volume, history_path(APP, "latest", &first.digest)));
	assert_true(exists(&reg.volume, history_path(APP, "latest", &second.digest)));
	release_image(&first);
	release_image(&second);
	close_registry(&reg);
}

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
		cmocka_unit_test(what_is_pushed_is_pulled_by_tag_and_by_digest),
		cmocka_unit_test(what_it_names_must_be_there),
		cmocka_unit_test(what_is_not_there_is_accepted_if_it_may_be_sparse),
		cmocka_unit_test(a_layer_that_can_be_had_elsewhere_may_be_missing),
		cmocka_unit_test(sizes_have_to_be_those_of_the_bytes),
		cmocka_unit_test(what_is_no_manifest_is_refused),
		cmocka_unit_test(a_key_of_another_case_names_what_must_be_there),
		cmocka_unit_test(it_has_to_be_what_it_was_said_to_be),
		cmocka_unit_test(names_that_are_none_are_refused),
		cmocka_unit_test(too_large_a_manifest_is_refused),
		cmocka_unit_test(one_of_thousands_of_layers_is_checked_once_for_each),
		cmocka_unit_test(an_index_needs_its_images_in_the_repository),
		cmocka_unit_test(sha512_is_a_digest_like_another),
		cmocka_unit_test(several_tags_come_by_one_push_and_a_tag_moves),
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
