/*
 * htpasswd files: who is in them, what is said about damaged lines.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/htpasswd.h"
#include "unit.h"

/* "wonder" and "builder", with small costs. */
#define ALICE "$2y$04$AXq0jBV/PVWd32ssMB91OuFdCcA3sRnfM717kUJNu9rtq4YKmFsMS"
#define BOB "$2y$05$0JSc.oDocW0uDnk5d30XkuyY7J3vIgE10aKKxhQ6Rzrlfl5BaYbli"

static struct dd_context *ctx;
static struct dd_htpasswd *htpasswd;
static struct dd_error err;
static char said[4096];

static void hear(void *arg, enum dd_log_level level, const char *text)
{
	size_t len = strlen(said);

	(void)arg;
	snprintf(said + len, sizeof(said) - len, "%d %s\n", level, text);
}

static int setup(void **state)
{
	(void)state;
	said[0] = '\0';
	memset(&err, 0, sizeof(err));
	if (dd_context_open(&ctx, NULL) < 0)
		return -1;
	dd_context_set_log(ctx, hear, NULL, DD_LOG_NOTE);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dd_htpasswd_closep(&htpasswd);
	dd_context_closep(&ctx);
	return 0;
}

static int read_text(const char *text)
{
	dd_htpasswd_closep(&htpasswd);
	return dd_htpasswd_read(ctx, "users", text, strlen(text), &htpasswd, &err);
}

static bool matches(const char *user, const char *password)
{
	const char *hash = dd_htpasswd_find(htpasswd, user);
	bool good;

	assert_non_null(hash);
	assert_int_equal(dd_bcrypt_check(hash, password, &good, NULL), 0);
	return good;
}

static void a_password_matches_its_hash_and_no_other(void **state)
{
	(void)state;
	assert_int_equal(read_text("alice:" ALICE "\nbob:" BOB "\n"), 0);
	assert_int_equal(dd_htpasswd_count(htpasswd), 2);
	assert_true(matches("alice", "wonder"));
	assert_true(matches("bob", "builder"));
	assert_false(matches("alice", "builder"));
	assert_false(matches("alice", ""));
	assert_false(matches("alice", "wonder "));
	assert_null(dd_htpasswd_find(htpasswd, "carol"));
	assert_null(dd_htpasswd_find(htpasswd, ""));
	assert_string_equal(said, "");
}

static void hashes_as_php_and_python_write_them_count_too(void **state)
{
	(void)state;
	/* $2a$ and $2b$ are computed as $2y$ is. */
	assert_int_equal(read_text("alice:$2b" "$04$AXq0jBV/PVWd32ssMB91OuFdCcA3sRnfM717kUJNu9rtq4YKm"
				   "FsMS\n"),
			 0);
	assert_true(matches("alice", "wonder"));
}

static void comments_blank_lines_and_foreign_line_ends_are_no_users(void **state)
{
	(void)state;
	assert_int_equal(read_text("# users\n\n  \t\r\nalice:" ALICE "\r\n  bob:" BOB "  \n#x"), 0);
	assert_int_equal(dd_htpasswd_count(htpasswd), 2);
	assert_true(matches("alice", "wonder"));
	assert_true(matches("bob", "builder"));
	assert_int_equal(read_text(""), 0);
	assert_int_equal(dd_htpasswd_count(htpasswd), 0);
}

static void of_two_lines_for_a_user_the_last_counts_and_it_is_said(void **state)
{
	(void)state;
	assert_int_equal(read_text("alice:" BOB "\nbob:" BOB "\nalice:" ALICE "\n"), 0);
	assert_int_equal(dd_htpasswd_count(htpasswd), 2);
	assert_true(matches("alice", "wonder"));
	assert_non_null(strstr(said, "users: line 1 does not count: line 3"));
}

static void no_other_hash_is_taken_and_the_line_is_said(void **state)
{
	static const char *const hashes[] = {
		"$apr1$QpUHrIWl$0JtA1z8UsrmBXA1BZ7IpU1",  /* MD5 */
		"{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",	  /* SHA-1 */
		"rl/xUZ8b7q8/A",			  /* DES */
		"wonder",				  /* in the clear */
		"",					  /* nothing */
		"$2x$04$AXq0jBV/PVWd32ssMB91OuFdCcA3sRnfM717kUJNu9rtq4YKmFsMS",
		"$2y$04$AXq0jBV/PVWd32ssMB91OuFdCcA3sRnfM717kUJNu9rtq4YKmFsM",
		"$2y$04$AXq0jBV/PVWd32ssMB91OuFdCcA3sRnfM717kUJNu9rtq4YKmFsMSS",
		"$2y$04$AXq0jBV/PVWd32ssMB91OuFdCcA3sRnfM717kUJNu9rtq4YKmFsM!",
		"$2y$03$AXq0jBV/PVWd32ssMB91OuFdCcA3sRnfM717kUJNu9rtq4YKmFsMS",
		"$2y$4$AXq0jBV/PVWd32ssMB91OuFdCcA3sRnfM717kUJNu9rtq4YKmFsMSx",
		"$2y$31$AXq0jBV/PVWd32ssMB91OuFdCcA3sRnfM717kUJNu9rtq4YKmFsMS",
		"$2y$-4$AXq0jBV/PVWd32ssMB91OuFdCcA3sRnfM717kUJNu9rtq4YKmFsMS",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(hashes) / sizeof(*hashes); i++) {
		char text[256];

		said[0] = '\0';
		snprintf(text, sizeof(text), "bob:" BOB "\nalice:%s\n", hashes[i]);
		assert_int_equal(read_text(text), 0);
		if (dd_htpasswd_find(htpasswd, "alice") || !strstr(said, "users: line 2: "))
			fail_msg("%s: %s", hashes[i], said);
		assert_non_null(dd_htpasswd_find(htpasswd, "bob"));
	}
}

static void a_line_that_is_none_is_refused_with_its_number(void **state)
{
	(void)state;
	assert_int_equal(read_text("alice:" ALICE "\n# x\nbob\n"), DD_ECONFIG);
	assert_non_null(strstr(err.text, "users: line 3: "));
	assert_null(htpasswd);
	assert_int_equal(read_text(":" ALICE "\n"), DD_ECONFIG);
	assert_non_null(strstr(err.text, "line 1"));
	assert_int_equal(dd_htpasswd_read(ctx, "users", "a\0b:" ALICE, 64, &htpasswd, &err),
			 DD_ECONFIG);
}

/* Else a name that is none would be known by how fast it is refused. */
static void what_stands_in_for_nobody_is_as_expensive_as_somebody(void **state)
{
	bool cheap = false, dear = false;

	(void)state;
	assert_int_equal(read_text("alice:" ALICE "\nbob:" BOB "\n"), 0);
	for (uint64_t i = 0; i < 16; i++) {
		const char *hash = dd_htpasswd_stand_in(htpasswd, i);

		cheap |= !strncmp(hash, "$2y$04$", 7);
		dear |= !strncmp(hash, "$2y$05$", 7);
		assert_string_equal(hash, dd_htpasswd_stand_in(htpasswd, i));
	}
	assert_true(cheap && dear);
	assert_int_equal(read_text(""), 0);
	assert_int_equal(strlen(dd_htpasswd_stand_in(htpasswd, 0)), DD_BCRYPT_TEXT - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_password_matches_its_hash_and_no_other, setup,
						teardown),
		cmocka_unit_test_setup_teardown(hashes_as_php_and_python_write_them_count_too,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			comments_blank_lines_and_foreign_line_ends_are_no_users, setup, teardown),
		cmocka_unit_test_setup_teardown(
			of_two_lines_for_a_user_the_last_counts_and_it_is_said, setup, teardown),
		cmocka_unit_test_setup_teardown(no_other_hash_is_taken_and_the_line_is_said, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_line_that_is_none_is_refused_with_its_number,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_stands_in_for_nobody_is_as_expensive_as_somebody, setup, teardown),
	};

	return cmocka_run_group_tests_name("htpasswd", tests, NULL, NULL);
}
