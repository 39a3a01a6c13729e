/*
 * Shapes: a directory's names, and no others.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/shape.h"

#define SHAPE(...) \
	shape_of((const char *const[]){ __VA_ARGS__ }, \
		 sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

static enum dd_shape shape_of(const char *const *names, size_t count)
{
	struct dd_shaping shaping = { 0 };

	for (size_t i = 0; i < count; i++)
		dd_shaping_add(&shaping, names[i]);
	return dd_shaping_end(&shaping);
}

static void each_shape_is_that_of_its_names_in_any_order(void **state)
{
	(void)state;
	assert_int_equal(SHAPE("data"), DD_SHAPE_DATA);
	assert_int_equal(SHAPE("link"), DD_SHAPE_LINK);
	assert_int_equal(SHAPE("sha256"), DD_SHAPE_SHA256);
	assert_int_equal(SHAPE("current", "index"), DD_SHAPE_TAG);
	assert_int_equal(SHAPE("index", "current"), DD_SHAPE_TAG);
}

static void one_name_more_or_less_is_another_shape(void **state)
{
	const struct dd_shaping nothing = { 0 };

	(void)state;
	assert_int_equal(dd_shaping_end(&nothing), DD_SHAPE_COUNT);
	assert_int_equal(SHAPE("index"), DD_SHAPE_COUNT);
	assert_int_equal(SHAPE("data", "link"), DD_SHAPE_COUNT);
	assert_int_equal(SHAPE("data", "other"), DD_SHAPE_COUNT);
	assert_int_equal(SHAPE("other", "data"), DD_SHAPE_COUNT);
	assert_int_equal(SHAPE("current", "index", "other"), DD_SHAPE_COUNT);
	assert_int_equal(SHAPE("other", "one", "data"), DD_SHAPE_COUNT);
	assert_int_equal(SHAPE("data", "data"), DD_SHAPE_COUNT); /* no file system says so */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_shape_is_that_of_its_names_in_any_order),
		cmocka_unit_test(one_name_more_or_less_is_another_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
