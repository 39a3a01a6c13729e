/*
 * Errors and exit statuses.
 */
#include <errno.h>
#include <string.h>

#include "unit.h"

#include <drydock/error.h>

static void each_layer_adds_one_fact_outermost_first(void **state)
{
	struct dd_error err = { 0 };

	(void)state;
	assert_int_equal(dd_fail(&err, DD_EIO, EIO, "read %s", "data"), DD_EIO);
	assert_int_equal(dd_wrap(&err, DD_EIO, "verify %d", 7), DD_EIO);
	assert_string_equal(err.text, "verify 7: read data: Input/output error");
	assert_int_equal(err.sys_errno, EIO);
}

static void the_first_hint_stays(void **state)
{
	struct dd_error err = { 0 };

	(void)state;
	dd_fail(&err, DD_EACCES, 0, "no");
	dd_hint(&err, "try as root");
	dd_hint(&err, "try something else");
	assert_string_equal(err.hint, "try as root");
}

static void a_text_that_is_too_long_is_cut_and_ended(void **state)
{
	struct dd_error err = { 0 };
	char text[2 * DD_ERROR_TEXT];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	dd_fail(&err, DD_EIO, EIO, "%s", text);
	dd_wrap(&err, DD_EIO, "%s", text);
	assert_int_equal(strlen(err.text), DD_ERROR_TEXT - 1);
}

static void nobody_needs_an_error(void **state)
{
	(void)state;
	assert_int_equal(dd_fail(NULL, DD_EIO, EIO, "read"), DD_EIO);
	assert_int_equal(dd_wrap(NULL, DD_EIO, "verify"), DD_EIO);
	dd_hint(NULL, "none");
	dd_error_clear(NULL);
}

static void every_code_has_a_status_and_a_text(void **state)
{
	(void)state;
#define X(name, value, status, text)                   \
	assert_int_equal(dd_code_exit(name), status);  \
	assert_string_equal(dd_code_text(name), text); \
	assert_string_equal(dd_code_name(name), #name);
	DD_CODES(X)
#undef X
	assert_int_equal(dd_code_exit(DD_ELOCKED), 4);
	assert_int_equal(dd_code_of_errno(ENOSPC), DD_ENOSPC);
	assert_int_equal(dd_code_of_errno(ELOOP), DD_ESYMLINK);
	assert_int_equal(dd_code_of_errno(E2BIG), DD_EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_layer_adds_one_fact_outermost_first),
		cmocka_unit_test(the_first_hint_stays),
		cmocka_unit_test(a_text_that_is_too_long_is_cut_and_ended),
		cmocka_unit_test(nobody_needs_an_error),
		cmocka_unit_test(every_code_has_a_status_and_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
