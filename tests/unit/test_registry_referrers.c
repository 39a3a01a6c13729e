/*
 * Who refers to what in a registry.
 */
#include "registry_image.h"

/* An artifact about a subject; its fields come after the subject. To be freed. */
static char *make_referrer(const struct dd_digest *subject, const char *config_type,
			   const char *fields)
{
	struct dd_text text = { 0 };
	struct dd_digest config = digest_of_text("{}");

	assert_int_equal(
		dd_text_printf(&text,
			       "{\"schemaVersion\":2,\"mediaType\":\"" OCI_IMAGE "\","
			       "\"config\":{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":2},"
			       "\"layers\":[],\"subject\":{\"mediaType\":\"" OCI_IMAGE
			       "\",\"digest\":\"%s\",\"size\":7}%s}",
			       config_type, dd_digest_text(&config), dd_digest_text(subject), fields),
		0);
	return dd_text_take(&text);
}

static char *refer(struct registry *reg, const struct dd_digest *subject, const char *config_type,
		   const char *fields, struct dd_digest *digest)
{
	char *json = make_referrer(subject, config_type, fields);
	struct dd_push_report report;

	push(reg, APP, "{}", 2);
	if (put_bytes_as(reg, APP, json, strlen(json), OCI_IMAGE, NULL, &report) < 0)
		fail_msg("%s", reg->err->text);
	assert_true(report.has_subject);
	assert_true(dd_digest_equal(&report.subject, subject));
	*digest = report.digest;
	return json;
}

static char *ask(struct registry *reg, const char *repository, const struct dd_digest *subject,
		 const char *type)
{
	struct dd_buffer json;
	char *text;

	if (dd_registry_get_referrers(reg->registry, repository, subject, type, &json, reg->err) < 0)
		fail_msg("%s", reg->err->text);
	text = strndup((char *)json.bytes, json.len);
	dd_buffer_release(&json);
	return text;
}

/* In the order of their digests: so many descriptors, as they are written. */
static void assert_answer(struct registry *reg, const struct dd_digest *subject, const char *type,
			  const char *descriptors)
{
	DD_AUTOFREE char *answer = ask(reg, APP, subject, type);
	struct dd_text text = { 0 };

	assert_int_equal(dd_text_printf(&text,
					"{\"schemaVersion\":2,\"mediaType\":\"" OCI_INDEX "\","
					"\"manifests\":[%s]}",
					descriptors),
			 0);
	assert_string_equal(answer, text.bytes);
	dd_text_release(&text);
}

static unsigned count(const char *text, const char *part)
{
	unsigned found = 0;

	for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
		found++;
	return found;
}

static unsigned count_referrers(struct registry *reg, const struct dd_digest *subject,
				const char *type)
{
	DD_AUTOFREE char *answer = ask(reg, APP, subject, type);

	return count(answer, "\"digest\":");
}

static void referrers_are_listed_with_type_and_annotations(void **state)
{
	DD_AUTOFREE char *json = NULL;
	char expected[2000];
	struct registry reg;
	struct image image;
	struct dd_digest digest;

	(void)state;
	open_registry(&reg);
	push_image(&reg, APP, 1, "v1", &image);
	assert_answer(&reg, &image.digest, NULL, "");
	json = refer(&reg, &image.digest, "x/config",
		     ",\"artifactType\":\"x/sbom\",\"annotations\":{\"a \\\"b\":\"1\",\"c\":\"\"}",
		     &digest);
	snprintf(expected, sizeof(expected),
		 "{\"mediaType\":\"" OCI_IMAGE "\",\"digest\":\"%s\",\"size\":%zu,"
		 "\"artifactType\":\"x/sbom\",\"annotations\":{\"a \\\"b\":\"1\",\"c\":\"\"}}",
		 dd_digest_text(&digest), strlen(json));
	assert_answer(&reg, &image.digest, NULL, expected);
	assert_answer(&reg, &image.digest, "x/sbom", expected);
	assert_answer(&reg, &image.digest, "x/config", "");
	/* By another subject, and in another repository, nothing. */
	assert_answer(&reg, &digest, NULL, "");
	free(ask(&reg, OTHER, &image.digest, NULL));
	restart(&reg);
	assert_answer(&reg, &image.digest, NULL, expected);
	release_image(&image);
	close_registry(&reg);
}

static void an_image_without_a_type_is_of_that_of_its_config(void **state)
{
	DD_AUTOFREE char *json = NULL;
	struct registry reg;
	struct image image;
	struct dd_digest digest;

	(void)state;
	open_registry(&reg);
	make_image(&image, 1, "");
	/* The subject need not be there. */
	json = refer(&reg, &image.digest, "x/config", "", &digest);
	assert_int_equal(count_referrers(&reg, &image.digest, "x/config"), 1);
	assert_int_equal(count_referrers(&reg, &image.digest, "x/other"), 0);
	release_image(&image);
	close_registry(&reg);
}

static void what_others_push_and_delete_is_seen(void **state)
{
	DD_AUTOFREE char *first = NULL, *second = NULL;
	struct registry reg;
	struct dd_digest subject = digest_of_text("subject"), digest, foreign;

	(void)state;
	open_registry(&reg);
	first = refer(&reg, &subject, "x/y", ",\"annotations\":{\"n\":\"1\"}", &digest);
	assert_int_equal(count_referrers(&reg, &subject, NULL), 1);
	/* Another registry writes on the same volume. */
	second = make_referrer(&subject, "x/y", ",\"annotations\":{\"n\":\"2\"}");
	foreign = digest_of_text(second);
	put(&reg.volume, blob_path(&foreign), second);
	put_link(&reg, revision_path(APP, &foreign), &foreign);
	assert_int_equal(count_referrers(&reg, &subject, NULL), 2);
	/* And deletes as it does: the link goes, its directory stays. */
	assert_int_equal(unlink(below(&reg.volume, revision_path(APP, &foreign))), 0);
	assert_int_equal(count_referrers(&reg, &subject, NULL), 1);
	put_link(&reg, revision_path(APP, &foreign), &foreign);
	assert_int_equal(count_referrers(&reg, &subject, NULL), 2);
	/* By us, after it was listed: it goes with its directory, and comes again. */
	assert_rc(dd_registry_delete_manifest(reg.registry, APP, &digest, NULL, reg.err), 0);
	assert_int_equal(count_referrers(&reg, &subject, NULL), 1);
	free(refer(&reg, &subject, "x/y", ",\"annotations\":{\"n\":\"1\"}", &digest));
	assert_int_equal(count_referrers(&reg, &subject, NULL), 2);
	close_registry(&reg);
}

static void one_whose_link_comes_late_is_seen_when_it_has_come(void **state)
{
	DD_AUTOFREE char *json = NULL;
	struct registry reg;
	struct dd_digest subject = digest_of_text("subject"), digest;

	(void)state;
	open_registry(&reg);
	json = make_referrer(&subject, "x/y", "");
	digest = digest_of_text(json);
	make_parents(&reg.volume, revision_path(APP, &digest));
	assert_int_equal(count_referrers(&reg, &subject, NULL), 0);
	put_link(&reg, revision_path(APP, &digest), &digest);
	assert_int_equal(count_referrers(&reg, &subject, NULL), 0);
	put(&reg.volume, blob_path(&digest), json);
	assert_int_equal(count_referrers(&reg, &subject, NULL), 1);
	close_registry(&reg);
}

static void bad_bytes_refer_to_nothing(void **state)
{
	DD_AUTOFREE char *json = NULL, *other = NULL;
	struct registry reg;
	struct dd_digest subject = digest_of_text("subject"), digest;

	(void)state;
	open_registry(&reg);
	other = make_referrer(&subject, "x/y", ",\"annotations\":{\"n\":\"1\"}");
	json = make_referrer(&subject, "x/y", "");
	digest = digest_of_text(json);
	put(&reg.volume, blob_path(&digest), other);
	put_link(&reg, revision_path(APP, &digest), &digest);
	put(&reg.volume, V2 "repositories/" APP "/_manifests/revisions/sha256/alien", "x");
	assert_int_equal(count_referrers(&reg, &subject, NULL), 0);
	/* Healed. */
	put(&reg.volume, blob_path(&digest), json);
	assert_int_equal(count_referrers(&reg, &subject, NULL), 1);
	close_registry(&reg);
}

static void what_is_listed_is_leased(void **state)
{
	DD_AUTOFREE char *json = NULL;
	struct registry reg;
	struct dd_leases *leases;
	struct dd_digest subject = digest_of_text("subject"), digest;
	uint64_t mark;

	(void)state;
	open_registry(&reg);
	json = refer(&reg, &subject, "x/y", "", &digest);
	leases = let_leases_run_out(&reg);
	mark = dd_leases_begin_mark(leases);
	assert_true(is_taken(leases, mark, APP, &digest));
	assert_int_equal(count_referrers(&reg, &subject, NULL), 1);
	assert_false(is_taken(leases, mark, APP, &digest));
	dd_leases_end_mark(leases, mark);
	close_registry(&reg);
}

/* Only the directory of a revision counts here: links that lead nowhere are seen like others. */
static void where_a_thousand_have_gone_the_others_are_still_listed(void **state)
{
	DD_AUTOFREE char *json = NULL;
	struct registry reg;
	struct dd_digest subject = digest_of_text("subject"), digest, gone;
	char text[20];

	(void)state;
	open_registry(&reg);
	json = refer(&reg, &subject, "x/y", "", &digest);
	for (int i = 0; i < 1100; i++) {
		snprintf(text, sizeof(text), "gone %d", i);
		gone = digest_of_text(text);
		make_parents(&reg.volume, revision_path(APP, &gone));
	}
	assert_int_equal(count_referrers(&reg, &subject, NULL), 1);
	for (int i = 0; i < 1100; i++) {
		char *path;

		snprintf(text, sizeof(text), "gone %d", i);
		gone = digest_of_text(text);
		path = strdup(below(&reg.volume, revision_path(APP, &gone)));
		*strrchr(path, '/') = '\0';
		assert_int_equal(rmdir(path), 0);
		free(path);
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(count_referrers(&reg, &subject, NULL), 1);
	close_registry(&reg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(referrers_are_listed_with_type_and_annotations),
		cmocka_unit_test(an_image_without_a_type_is_of_that_of_its_config),
		cmocka_unit_test(what_others_push_and_delete_is_seen),
		cmocka_unit_test(one_whose_link_comes_late_is_seen_when_it_has_come),
		cmocka_unit_test(bad_bytes_refer_to_nothing),
		cmocka_unit_test(what_is_listed_is_leased),
		cmocka_unit_test(where_a_thousand_have_gone_the_others_are_still_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
