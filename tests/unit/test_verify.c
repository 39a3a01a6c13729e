/*
 * Verification: its pure parts.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include <drydock/units.h>
#include <drydock/verify.h>

#include "verify/owners.h"
#include "verify/pace.h"

static void every_finding_has_a_name_that_leads_back_to_it(void **state)
{
	(void)state;
	for (int i = 0; i < DD_FINDING_COUNT; i++) {
		enum dd_finding finding = (enum dd_finding)i;

		assert_int_equal(dd_finding_parse(dd_finding_name(finding)), i);
		assert_true(strlen(dd_finding_text(finding)) > 10);
	}
	assert_int_equal(dd_finding_parse("no-such-finding"), -1);
}

static void the_table_of_findings_goes_from_worse_to_better(void **state)
{
	(void)state;
	for (int i = 1; i < DD_FINDING_COUNT; i++)
		assert_true(dd_finding_severity((enum dd_finding)(i - 1)) <=
			    dd_finding_severity((enum dd_finding)i));
}

static void without_a_rate_everything_is_due_at_once(void **state)
{
	struct dd_pace pace = { 0 };

	(void)state;
	assert_int_equal(dd_pace_due(&pace, 5, UINT64_MAX), 5);
	assert_int_equal(dd_pace_due(&pace, 6, 1), 6);
}

static void what_is_read_pushes_back_what_comes_next(void **state)
{
	struct dd_pace pace = { .rate = 1000 };

	(void)state;
	assert_int_equal(dd_pace_due(&pace, 0, 500), 0);
	assert_int_equal(dd_pace_due(&pace, 0, 1000), DD_SECOND / 2);
	assert_int_equal(dd_pace_due(&pace, 0, 1), DD_SECOND * 3 / 2);
}

static void time_that_nobody_used_is_not_made_up_for(void **state)
{
	struct dd_pace pace = { .rate = 1000 };

	(void)state;
	dd_pace_due(&pace, 0, 1000);
	assert_int_equal(dd_pace_due(&pace, 60 * DD_SECOND, 1000), 60 * DD_SECOND);
	assert_int_equal(dd_pace_due(&pace, 60 * DD_SECOND, 1000), 61 * DD_SECOND);
}

static void a_blob_of_many_gigabytes_does_not_overflow_the_pace(void **state)
{
	struct dd_pace pace = { .rate = UINT64_C(1) << 30 };

	(void)state;
	dd_pace_due(&pace, 0, UINT64_C(1) << 40);
	assert_int_equal(dd_pace_due(&pace, 0, 1), 1024 * DD_SECOND);
}

static const struct dd_place a_blob = { .kind = DD_AT_BLOB };

static void the_usual_owner_is_the_most_frequent_one(void **state)
{
	const struct dd_info root = { .mode = 0644 }, other = { .owner = 7, .mode = 0644 };
	struct dd_owners one = { 0 }, two = { 0 };

	(void)state;
	assert_null(dd_owners_usual(&one));
	for (int i = 0; i < 3; i++)
		assert_int_equal(dd_owners_add(&one, &root, &a_blob), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(dd_owners_add(&one, &other, &a_blob), 0);
	assert_int_equal(dd_owners_usual(&one)->owner, 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(dd_owners_add(&two, &other, &a_blob), 0);
	dd_owners_merge(&one, &two);
	assert_int_equal(one.count, 2);
	assert_int_equal(two.count, 0);
	assert_int_equal(dd_owners_usual(&one)->owner, 7);
	assert_int_equal(dd_owners_usual(&one)->count, 4);
	assert_true(dd_digest_equal(&dd_owners_usual(&one)->example->digest, &a_blob.digest));
	dd_owners_release(&one);
}

static void an_example_outlives_the_strings_that_named_it(void **state)
{
	const struct dd_info info = { .mode = 0755 };
	char repository[] = "team/app", tag[] = "v1";
	const struct dd_place place = { .kind = DD_IN_HISTORY,
					.repository = repository,
					.tag = tag };
	struct dd_owners one = { 0 }, all = { 0 };

	(void)state;
	assert_int_equal(dd_owners_add(&one, &info, &place), 0);
	memset(repository, 'x', sizeof(repository) - 1);
	memset(tag, 'x', sizeof(tag) - 1);
	dd_owners_merge(&all, &one);
	assert_string_equal(dd_owners_usual(&all)->example->repository, "team/app");
	assert_string_equal(dd_owners_usual(&all)->example->tag, "v1");
	assert_null(dd_owners_usual(&all)->example->upload);
	dd_owners_release(&all);
}

static void more_kinds_of_owners_than_there_is_room_for_are_counted_together(void **state)
{
	struct dd_owners owners = { 0 };

	(void)state;
	for (uint32_t i = 0; i < DD_OWNERS_MAX + 10; i++)
		assert_int_equal(
			dd_owners_add(&owners, &(struct dd_info){ .owner = i }, &a_blob), 0);
	assert_int_equal(owners.count, DD_OWNERS_MAX);
	assert_int_equal(owners.kinds[DD_OWNERS_MAX - 1].count, 11);
	dd_owners_release(&owners);
}

static void the_last_success_is_found_again_under_its_own_volume(void **state)
{
	const char *volume = "/srv/\"odd\"\\vol\nume";
	char *text, *later;
	int64_t when;

	(void)state;
	assert_int_equal(dd_verify_metrics(NULL, volume, true, 0, &text, NULL), 0);
	when = dd_verify_metrics_success(text, volume);
	assert_true(llabs(when - dd_time_now()) < 60 * DD_SECOND);
	assert_int_equal(dd_verify_metrics_success(text, "/srv/other"), 0);
	assert_int_equal(dd_verify_metrics(NULL, volume, false, when, &later, NULL), 0);
	assert_true(llabs(dd_verify_metrics_success(later, volume) - when) < DD_SECOND);
	assert_non_null(strstr(later, "drydock_verify_success{volume=\"/srv/\\\"odd\\\"\\\\vol\\nume\"} 0\n"));
	free(text);
	free(later);
}

static void what_is_no_metrics_file_has_no_success(void **state)
{
	static const char *const texts[] = {
		"", "\n", "garbage", "drydock_verify_last_success_timestamp_seconds",
		"drydock_verify_last_success_timestamp_seconds{volume=\"v\"} ",
		"drydock_verify_last_success_timestamp_seconds{volume=\"v\"} -1",
		"drydock_verify_last_success_timestamp_seconds{volume=\"v\"} 1e300",
		"drydock_verify_last_success_timestamp_seconds{volume=\"v\"} nan",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(dd_verify_metrics_success(texts[i], "v"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_finding_has_a_name_that_leads_back_to_it),
		cmocka_unit_test(the_table_of_findings_goes_from_worse_to_better),
		cmocka_unit_test(without_a_rate_everything_is_due_at_once),
		cmocka_unit_test(what_is_read_pushes_back_what_comes_next),
		cmocka_unit_test(time_that_nobody_used_is_not_made_up_for),
		cmocka_unit_test(a_blob_of_many_gigabytes_does_not_overflow_the_pace),
		cmocka_unit_test(the_usual_owner_is_the_most_frequent_one),
		cmocka_unit_test(an_example_outlives_the_strings_that_named_it),
		cmocka_unit_test(more_kinds_of_owners_than_there_is_room_for_are_counted_together),
		cmocka_unit_test(the_last_success_is_found_again_under_its_own_volume),
		cmocka_unit_test(what_is_no_metrics_file_has_no_success),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
