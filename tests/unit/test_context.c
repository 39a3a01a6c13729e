/*
 * The context: when a call is to stop.
 */
#include <string.h>

#include "unit.h"

#include <drydock/context.h>
#include <drydock/units.h>

static void a_call_stops_when_its_time_is_up(void **state)
{
	struct dd_context *ctx;
	struct dd_error err;

	(void)state;
	assert_int_equal(dd_context_open(&ctx, NULL), 0);
	dd_context_set_time_limit(ctx, 24 * 3600 * DD_SECOND);
	assert_false(dd_context_time_is_up(ctx));
	assert_int_equal(dd_context_check(ctx, &err), 0);
	dd_context_set_time_limit(ctx, 1);
	while (!dd_context_time_is_up(ctx))
		;
	assert_true(dd_context_cancelled(ctx));
	assert_int_equal(dd_context_check(ctx, &err), DD_ECANCELLED);
	assert_non_null(strstr(err.text, "time limit"));
	dd_context_set_time_limit(ctx, 0);
	assert_false(dd_context_time_is_up(ctx));
	assert_int_equal(dd_context_check(ctx, &err), 0);
	dd_context_close(ctx);
}

static void who_ignores_the_limit_can_still_ask_and_be_interrupted(void **state)
{
	struct dd_context *ctx;
	struct dd_error err;

	(void)state;
	assert_int_equal(dd_context_open(&ctx, NULL), 0);
	dd_context_set_time_limit(ctx, 1);
	dd_context_ignore_time_limit(ctx, true);
	while (!dd_context_time_is_up(ctx))
		;
	assert_int_equal(dd_context_check(ctx, &err), 0);
	dd_context_cancel(ctx);
	assert_int_equal(dd_context_check(ctx, &err), DD_ECANCELLED);
	assert_string_equal(err.text, "interrupted");
	dd_context_close(ctx);
}

static void the_longest_limit_is_none_that_could_be_over(void **state)
{
	struct dd_context *ctx;

	(void)state;
	assert_int_equal(dd_context_open(&ctx, NULL), 0);
	dd_context_set_time_limit(ctx, INT64_MAX);
	assert_false(dd_context_time_is_up(ctx));
	dd_context_close(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_stops_when_its_time_is_up),
		cmocka_unit_test(who_ignores_the_limit_can_still_ask_and_be_interrupted),
		cmocka_unit_test(the_longest_limit_is_none_that_could_be_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
