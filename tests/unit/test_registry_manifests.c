/*
 * Manifests into a registry: what is taken, what is refused, what lies on the disk afterwards.
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
