/*
 * A registry's config.yml and its environment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <drydock/config.h>

#include "base/cleanup.h"

/* Debian's, and the image's. */
static const char usual[] = "version: 0.1\n"
			    "log:\n"
			    "  fields:\n"
			    "    service: registry\n"
			    "storage:\n"
			    "  cache:\n"
			    "    blobdescriptor: inmemory\n"
			    "  filesystem:\n"
			    "    rootdirectory: /srv/registry\n"
			    "    maxthreads: 100\n"
			    "  delete:\n"
			    "    enabled: true\n"
			    "  maintenance:\n"
			    "    uploadpurging: {enabled: false}\n"
			    "  redirect:\n"
			    "    disable: true\n"
			    "  tag:\n"
			    "    concurrencylimit: 8\n"
			    "http:\n"
			    "  addr: :5000\n"
			    "  headers:\n"
			    "    X-Content-Type-Options: [nosniff]\n";

static struct dd_registry_config config;
static struct dd_error err;

static int teardown(void **state)
{
	(void)state;
	dd_registry_config_release(&config);
	return 0;
}

static int read_text(const char *text)
{
	memset(&err, 0, sizeof(err));
	dd_registry_config_release(&config);
	return dd_config_read(text, strlen(text), &config, &err);
}

/* An environment as pairs, ended by NULL. */
static const char *find_env(void *arg, const char *name)
{
	for (const char **pair = arg; *pair; pair += 2)
		if (!strcmp(pair[0], name))
			return pair[1];
	return NULL;
}

static int settle(const char **pairs)
{
	return dd_config_settle(&config, pairs ? find_env : NULL, pairs, &err);
}

static void expect_error(const char *text, const char *reason)
{
	int rc = read_text(text);

	if (rc == 0)
		rc = settle(NULL);
	if (rc != DD_ECONFIG || !strstr(err.text, reason))
		fail_msg("%s: %s: %s", text, dd_code_name(rc), err.text);
}

static void the_usual_file_is_read(void **state)
{
	(void)state;
	assert_int_equal(read_text(usual), 0);
	assert_int_equal(settle(NULL), 0);
	assert_string_equal(config.version, "0.1");
	assert_string_equal(config.driver, "filesystem");
	assert_string_equal(config.root, "/srv/registry");
	assert_string_equal(config.blob_cache, "inmemory");
	assert_true(config.delete_enabled);
}

static void what_is_left_out_has_the_references_default(void **state)
{
	static const char *const cases[] = {
		"version: 0.1\nstorage: filesystem\n",
		"version: 0.1\nstorage: {filesystem: }\n",
		"version: 0.1\nstorage: {filesystem: {}}\n",
		"version: '0.1'\nstorage:\n  filesystem: ~\n  delete:\n  cache:\n",
		"version: 0.1\nstorage: {filesystem: {maxthreads: 25}, delete: {}}\n",
		"{\"version\": \"0.1\", \"storage\": {\"filesystem\": null}}",
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(cases); i++) {
		assert_int_equal(read_text(cases[i]), 0);
		assert_int_equal(settle(NULL), 0);
		assert_string_equal(config.root, "/var/lib/registry");
		assert_null(config.blob_cache);
		assert_false(config.delete_enabled);
	}
}

static void booleans_are_yamls(void **state)
{
	static const char *const words[] = { "true", "True", "yes", "on", "y", "\"true\"" };
	char text[100];

	(void)state;
	for (size_t i = 0; i < DD_COUNT(words); i++) {
		snprintf(text, sizeof(text), "version: 0.1\nstorage: {delete: {enabled: %s}}",
			 words[i]);
		assert_int_equal(read_text(text), 0);
		assert_true(config.delete_enabled);
	}
	assert_int_equal(read_text("version: 0.1\nstorage: {delete: {enabled: off}}"), 0);
	assert_false(config.delete_enabled);
	expect_error("version: 0.1\nstorage: {delete: {enabled: perhaps}}",
		     "enabled: \"perhaps\" is neither true nor false");
}

static void the_former_name_of_the_cache_counts(void **state)
{
	(void)state;
	assert_int_equal(read_text("version: 0.1\nstorage: {cache: {layerinfo: redis}}"), 0);
	assert_string_equal(config.blob_cache, "redis");
}

static void other_drivers_are_refused_by_name(void **state)
{
	(void)state;
	expect_error("version: 0.1\nstorage: {s3: {bucket: b}, cache: {blobdescriptor: redis}}",
		     "the storage driver is \"s3\"; only \"filesystem\" is supported");
	expect_error("version: 0.1\nstorage: inmemory\n", "the storage driver is \"inmemory\"");
	expect_error("version: 0.1\nstorage: {filesystem: {}, s3: {}}", "a second storage driver");
	expect_error("version: 0.1\nstorage: {delete: {enabled: true}}", "names no storage driver");
	expect_error("version: 0.1\n", "names no storage driver");
}

static void what_is_no_configuration_is_refused_with_the_line(void **state)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{ "", "empty" },
		{ "# nothing\n", "empty" },
		{ "- a\n- b\n", "line 1: the configuration: a mapping was expected" },
		{ "hello", "a mapping was expected" },
		{ "storage: filesystem\n", "it has no version" },
		{ "version: 0.2\nstorage: filesystem\n", "version 0.2 is not supported" },
		{ "version: 1\n", "version 1 is not supported" },
		{ "version: [0.1]\n", "line 1: version: a single value was expected" },
		{ "version: 0.1\nstorage: [filesystem]\n",
		  "line 2: storage: a mapping was expected" },
		{ "version: 0.1\nstorage:\n  filesystem: /srv\n",
		  "line 3: filesystem: a mapping was expected" },
		{ "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: [/srv]\n",
		  "line 4: rootdirectory: a single value was expected" },
		{ "version: 0.1\nstorage: {filesystem: {rootdirectory: ''}}\n", "is empty" },
		{ "version: 0.1\nstorage: {filesystem: {rootdirectory: \"a\\0b\"}}\n", "NUL" },
		{ "version: 0.1\nstorage:\n  delete: true\n", "line 3: delete: a mapping" },
		{ "version: 0.1\nversion: 0.1\nstorage: filesystem\n",
		  "line 2: version is given twice" },
		{ "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: /a\n    rootdirectory: /b\n",
		  "line 5: rootdirectory is given twice" },
		{ "version: 0.1\nstorage:\n  filesystem: {}\n  filesystem: {}\n",
		  "is given twice" },
		{ "version: 0.1\nx: &x {rootdirectory: /a}\nstorage:\n  filesystem:\n    <<: *x\n",
		  "line 5: merge keys (<<) are not supported" },
		{ "version: 0.1\nstorage: {filesystem\n", "line 3, column 1: " },
		{ "version: 0.1\n\tstorage: x\n", "line 2, column 1: found " },
		{ "version: 0.1\nx: *nowhere\n", "line 2, column 4: found undefined alias" },
		{ "version: 0.1\nx: \xff\n", "byte 16: " },
	};

	(void)state;
	for (size_t i = 0; i < DD_COUNT(cases); i++)
		expect_error(cases[i].text, cases[i].reason);
}

static void an_alias_is_followed(void **state)
{
	(void)state;
	assert_int_equal(read_text("version: 0.1\nx: &x {rootdirectory: /a}\n"
				   "storage:\n  filesystem: *x\n"),
			 0);
	assert_string_equal(config.root, "/a");
	/* One that contains itself ends with the path of keys. */
	assert_int_equal(read_text("version: 0.1\nstorage: &s {filesystem: *s}\n"), 0);
	assert_null(config.root);
}

static void aliases_and_depth_and_size_are_bounded(void **state)
{
	char *text = malloc(DD_CONFIG_MAX + 2);
	size_t at;

	(void)state;
	assert_non_null(text);
	strcpy(text, "version: 0.1\na: &a [x]\nb: [");
	for (int i = 0; i < 100; i++)
		strcat(text, "*a ,");
	strcat(text, "x]\n");
	expect_error(text, "line 3: more than 64 aliases");
	strcpy(text, "version: 0.1\nx: ");
	at = strlen(text);
	memset(text + at, '[', DD_CONFIG_MAX - at);
	text[DD_CONFIG_MAX] = '\0';
	expect_error(text, "line 2: nested deeper than 64");
	memset(text + at, '\n', DD_CONFIG_MAX - at);
	memcpy(text, "version: 0.1\nx: 1", at + 1);
	expect_error(text, "names no storage driver");
	text[DD_CONFIG_MAX] = '\n';
	text[DD_CONFIG_MAX + 1] = '\0';
	expect_error(text, "1048577 bytes are more than a configuration may have");
	free(text);
}

static void the_environment_overrides_the_file(void **state)
{
	const char *pairs[] = { "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY",
				"/elsewhere",
				"REGISTRY_STORAGE_DELETE_ENABLED",
				"false",
				"REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR",
				"redis",
				NULL };

	(void)state;
	assert_int_equal(read_text(usual), 0);
	assert_int_equal(settle(pairs), 0);
	assert_string_equal(config.root, "/elsewhere");
	assert_string_equal(config.blob_cache, "redis");
	assert_false(config.delete_enabled);
}

static void the_environment_replaces_the_driver_and_all_it_had(void **state)
{
	const char *s3[] = { "REGISTRY_STORAGE", "s3", NULL };
	const char *back[] = { "REGISTRY_STORAGE", "filesystem", NULL };
	const char *with_root[] = { "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", "/a",
				    "REGISTRY_STORAGE", "filesystem", NULL };

	(void)state;
	assert_int_equal(read_text(usual), 0);
	assert_int_equal(settle(s3), DD_ECONFIG);
	assert_non_null(strstr(err.text, "the storage driver is \"s3\""));
	assert_int_equal(read_text("version: 0.1\nstorage: {s3: {}, delete: {enabled: true}}"), 0);
	assert_int_equal(settle(back), 0);
	assert_string_equal(config.root, "/var/lib/registry");
	assert_false(config.delete_enabled);
	assert_int_equal(read_text(usual), 0);
	assert_int_equal(settle(with_root), 0);
	assert_string_equal(config.root, "/a");
	assert_null(config.blob_cache);
}

static void a_root_in_the_environment_names_the_driver_where_none_is(void **state)
{
	const char *pairs[] = { "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", "/a", NULL };

	(void)state;
	assert_int_equal(read_text("version: 0.1\n"), 0);
	assert_int_equal(settle(pairs), 0);
	assert_string_equal(config.driver, "filesystem");
	/* Beside another driver it makes two, which the reference refuses as well. */
	assert_int_equal(read_text("version: 0.1\nstorage: {s3: {}}"), 0);
	assert_int_equal(settle(pairs), DD_ECONFIG);
}

static void an_environment_that_is_not_understood_is_refused(void **state)
{
	static const char *const values[] = { "{filesystem: {rootdirectory: /a}}",
					      "\"/a\"",
					      "a: b",
					      " /a",
					      "/a #b",
					      "*x",
					      "|",
					      "/a\n",
					      "/a:" };

	(void)state;
	for (size_t i = 0; i < DD_COUNT(values); i++) {
		const char *pairs[] = { "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", values[i],
					NULL };

		assert_int_equal(read_text(usual), 0);
		assert_int_equal(settle(pairs), DD_ECONFIG);
		assert_non_null(strstr(err.text, "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY="));
	}
	assert_int_equal(read_text(usual), 0);
	assert_int_equal(settle((const char *[]){ "REGISTRY_STORAGE_FILESYSTEM", "x", NULL }),
			 DD_ECONFIG);
	assert_int_equal(
		settle((const char *[]){ "REGISTRY_STORAGE_DELETE_ENABLED", "maybe", NULL }),
		DD_ECONFIG);
	/* Set to nothing is not set. */
	assert_int_equal(settle((const char *[]){ "REGISTRY_STORAGE", "", NULL }), 0);
	assert_string_equal(config.root, "/srv/registry");
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_usual_file_is_read),
		TEST(what_is_left_out_has_the_references_default),
		TEST(booleans_are_yamls),
		TEST(the_former_name_of_the_cache_counts),
		TEST(other_drivers_are_refused_by_name),
		TEST(what_is_no_configuration_is_refused_with_the_line),
		TEST(an_alias_is_followed),
		TEST(aliases_and_depth_and_size_are_bounded),
		TEST(the_environment_overrides_the_file),
		TEST(the_environment_replaces_the_driver_and_all_it_had),
		TEST(a_root_in_the_environment_names_the_driver_where_none_is),
		TEST(an_environment_that_is_not_understood_is_refused),
	};

	return cmocka_run_group_tests_name("configuration", tests, NULL, NULL);
}
