/*
 * Metrics: what is written, and what is found again in it.
 */
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include <drydock/gc.h>
#include <drydock/units.h>

#include "text/metrics.h"

#define ODD "/srv/\"odd\"\\vol\nume"
#define SUCCESS "drydock_gc_last_success_timestamp_seconds"

static char *write_run(const char *volume, int status, const char *before)
{
	const struct dd_gc_outcome outcome = { .volume = volume,
					       .began_ns = 100 * DD_SECOND,
					       .ended_ns = 103 * DD_SECOND,
					       .status = status };
	char *text;

	assert_int_equal(dd_gc_metrics(NULL, &outcome, before, &text, NULL), 0);
	return text;
}

static char *write_value(const char *volume, double value)
{
	struct dd_metrics metrics = { .volume = volume };
	char *text;

	dd_metrics_gauge(&metrics, "other", "another", 1);
	dd_metrics_gauge(&metrics, SUCCESS, "when", value);
	assert_int_equal(dd_metrics_take(&metrics, &text, NULL), 0);
	return text;
}

static void a_metric_is_a_gauge_with_its_volume(void **state)
{
	char *text = write_value(ODD, 2.5);

	(void)state;
	assert_string_equal(text, "# HELP other another\n# TYPE other gauge\n"
				  "other{volume=\"/srv/\\\"odd\\\"\\\\vol\\nume\"} 1\n"
				  "# HELP " SUCCESS " when\n# TYPE " SUCCESS " gauge\n" SUCCESS
				  "{volume=\"/srv/\\\"odd\\\"\\\\vol\\nume\"} 2.5\n");
	free(text);
}

static void the_volume_of_an_earlier_text_is_found_as_it_was(void **state)
{
	static const char *const texts[] = { "", "other{volume=\"v\"} 1\n", SUCCESS "{volume=\"v",
					     SUCCESS "{volume=\"v\\", SUCCESS "{volume=\"\"} 1\n",
					     SUCCESS "{volume=\"v\n\"} 1\n" };
	char *text = write_value(ODD, 1), *volume = dd_metrics_find_volume(text, SUCCESS);

	(void)state;
	assert_string_equal(volume, ODD);
	free(volume);
	free(text);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_null(dd_metrics_find_volume(texts[i], SUCCESS));
}

static void a_time_that_is_read_back_and_written_again_stays(void **state)
{
	(void)state;
	for (int64_t ns = INT64_C(1796053321213739600), i = 0; i < 10000; i++, ns += 987654321) {
		struct dd_metrics metrics = { .volume = "v" };
		struct dd_error err;
		char *text;
		int64_t found;

		dd_metrics_gauge(&metrics, SUCCESS, "when", dd_metrics_seconds(ns));
		assert_int_equal(dd_metrics_take(&metrics, &text, &err), 0);
		found = dd_metrics_find_time(text, SUCCESS, "v");
		assert_int_equal(found, ns / 1000 * 1000);
		free(text);
	}
}

static void a_run_that_found_no_volume_is_about_the_one_before(void **state)
{
	char *before = write_value(ODD, 77), *text = write_run(NULL, DD_EXIT_USAGE, before);

	(void)state;
	assert_int_equal(dd_metrics_find_time(text, SUCCESS, ODD), 77 * DD_SECOND);
	assert_non_null(strstr(text, "drydock_gc_exit_status{volume=\"/srv/\\\"odd"));
	free(text);
	text = write_run(NULL, DD_EXIT_USAGE, NULL);
	assert_non_null(strstr(text, "drydock_gc_success{volume=\"\"} 0\n"));
	free(text);
	text = write_run("/srv/other", DD_EXIT_FAILED, before);
	assert_int_equal(dd_metrics_find_time(text, SUCCESS, "/srv/other"), 0);
	free(text);
	free(before);
}

static void a_run_without_a_plan_says_how_it_ended_and_how_long_it_took(void **state)
{
	char *text = write_run("v", DD_EXIT_LOCKED, NULL);

	(void)state;
	assert_non_null(strstr(text, "\ndrydock_gc_exit_status{volume=\"v\"} 4\n"));
	assert_non_null(strstr(text, "\ndrydock_gc_duration_seconds{volume=\"v\"} 3\n"));
	assert_non_null(strstr(text, "\ndrydock_gc_last_run_timestamp_seconds{volume=\"v\"} 103\n"));
	assert_null(strstr(text, "drydock_gc_blobs"));
	assert_null(strstr(text, "drydock_gc_trash"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_metric_is_a_gauge_with_its_volume),
		cmocka_unit_test(the_volume_of_an_earlier_text_is_found_as_it_was),
		cmocka_unit_test(a_time_that_is_read_back_and_written_again_stays),
		cmocka_unit_test(a_run_that_found_no_volume_is_about_the_one_before),
		cmocka_unit_test(a_run_without_a_plan_says_how_it_ended_and_how_long_it_took),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
