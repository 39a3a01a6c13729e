/*
 * How runs end, and what is in order wherever one ended.
 */
#include <signal.h>
#include <sys/wait.h>

#include <drydock/units.h>

#include "change.h"

static void a_run_that_took_nothing_leaves_nothing(void **state)
{
	struct volume volume;
	struct dd_change *change;
	DD_AUTOFREE char *memory = NULL;
	struct dd_item item;

	(void)state;
	for (int way = 0; way < 6; way++) {
		open_volume(&volume);
		fill(&volume);
		change = begin_change(&volume);
		item = item_of(&volume, LAYER_A, &memory);
		if (way >= 1)
			assert_code(dd_change_announce(change, &item, &volume.err), 0);
		if (way >= 2)
			assert_code(dd_change_seal(change, &volume.err), 0);
		if (way >= 3)
			assert_code(dd_change_withdraw(change, &item, &volume.err), 0);
		if (way >= 3) { /* and came back */
			bool there;

			item.place.run = dd_change_get_run(change);
			assert_code(dd_change_revive(change, &item.place, false, &there, &volume.err), 0);
		}
		if (way == 4)
			assert_code(dd_change_finish(change, false, &volume.err), 0);
		if (way == 5)
			dd_context_cancel(volume.ctx); /* not even what was interrupted */
		dd_change_close(change);
		assert_true(is_empty(&volume, DD_IN_TRASH));
		assert_true(is_empty(&volume, DD_IN_PURGES));
		assert_true(exists(&volume, LAYER_A));
		free(memory);
		memory = NULL;
		close_volume(&volume);
	}
}

static void purged_is_gone_for_good(void **state)
{
	struct volume volume;
	struct dd_change *change;

	(void)state;
	open_volume(&volume);
	fill(&volume);
	change = begin_change(&volume);
	withdraw_all(&volume, change, everything, DD_COUNT(everything));
	assert_code(dd_change_finish(change, true, &volume.err), 0);
	dd_change_close(change);
	assert_true(is_empty(&volume, DD_IN_TRASH));
	assert_true(is_empty(&volume, DD_IN_PURGES));
	assert_false(exists(&volume, BLOB_A));
	close_volume(&volume);
}

static void earlier_runs_are_emptied_and_no_other(void **state)
{
	struct volume volume;
	struct dd_change *change;
	char one[32], two[32];

	(void)state;
	open_volume(&volume);
	fill(&volume);
	collect(&volume, (const char *const[]){ BLOB_A }, 1, one);
	collect(&volume, (const char *const[]){ BLOB_B }, 1, two);
	assert_true(strcmp(one, two) < 0); /* in one second, too */
	change = begin_change(&volume);
	assert_code(dd_change_empty(change, RUN, &volume.err), DD_ENOENT);
	assert_code(dd_change_empty(change, "..", &volume.err), DD_EFORMAT);
	assert_code(dd_change_empty(change, one, &volume.err), 0);
	assert_code(dd_change_finish(change, false, &volume.err), 0);
	assert_code(dd_change_empty(change, two, &volume.err), 0); /* afterwards, too */
	dd_change_close(change);
	assert_true(is_empty(&volume, DD_IN_TRASH));
	assert_true(exists(&volume, LAYER_A));
	close_volume(&volume);
}

static void runs_of_one_second_are_named_in_order(void **state)
{
	struct volume volume;
	char last[32] = "", run[32];

	(void)state;
	open_volume(&volume);
	for (int i = 0; i < 30; i++) {
		put(&volume, BLOB_A, "x");
		collect(&volume, (const char *const[]){ BLOB_A }, 1, run);
		assert_true(dd_run_valid(run));
		assert_true(strcmp(last, run) < 0);
		strcpy(last, run);
	}
	close_volume(&volume);
}

/* Withdraw in a child that is killed before it can end anything. */
static void die_in_the_middle(struct volume *volume, bool sealed, bool withdrawn)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct dd_change *change = begin_change(volume);
		struct dd_item one, other;
		char *memory;

		one = item_of(volume, BLOB_A, &memory);
		other = item_of(volume, LAYER_A, &memory);
		if (dd_change_announce(change, &one, NULL) == 0 &&
		    dd_change_announce(change, &other, NULL) == 0 &&
		    (!sealed || dd_change_seal(change, NULL) == 0) &&
		    (!withdrawn || dd_change_withdraw(change, &one, NULL) == 0))
			kill(getpid(), SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void a_dead_run_can_be_undone_and_does_not_seem_at_work_for_ever(void **state)
{
	struct volume volume;
	struct dd_trash trash;

	(void)state;
	open_volume(&volume);
	fill(&volume);
	die_in_the_middle(&volume, true, true);
	for (int round = 0; round < 2; round++) {
		assert_code(dd_trash_load(volume.ctx, volume.store, &trash, &volume.err), 0);
		assert_int_equal(trash.count, 1);
		assert_int_equal(trash.runs[0].state, DD_RUN_INTERRUPTED);
		assert_int_equal(trash.runs[0].ended, round == 1);
		assert_true(trash.runs[0].took);
		assert_int_equal(trash.runs[0].count, 1);
		assert_int_equal(trash.runs[0].gone, 1);
		assert_string_equal(trash.runs[0].command, "gc --apply");
		if (round == 0)
			dd_change_close(begin_change(&volume));
		else
			revive(&volume, trash.runs[0].name, BLOB_A, false, 0, false);
		dd_trash_release(&trash);
	}
	assert_holds(&volume, BLOB_A, BLOB_A);
	close_volume(&volume);
}

static void a_dead_run_that_took_nothing_goes(void **state)
{
	(void)state;
	for (int sealed = 0; sealed < 2; sealed++) {
		struct volume volume;
		struct dd_trash trash;

		open_volume(&volume);
		fill(&volume);
		die_in_the_middle(&volume, sealed, false);
		assert_false(is_empty(&volume, DD_IN_TRASH));
		assert_code(dd_trash_load(volume.ctx, volume.store, &trash, &volume.err), 0);
		assert_int_equal(trash.count, 0); /* nothing to undo */
		dd_trash_release(&trash);
		dd_change_close(begin_change(&volume));
		assert_true(is_empty(&volume, DD_IN_TRASH));
		assert_true(is_empty(&volume, DD_IN_PURGES));
		close_volume(&volume);
	}
}

static void a_half_purged_run_is_purged_to_its_end(void **state)
{
	struct volume volume;

	(void)state;
	open_volume(&volume);
	put(&volume, ".drydock/purge/" RUN "/" BLOB_A, "x");
	put(&volume, ".drydock/purge/not a run", "x");
	dd_change_close(begin_change(&volume));
	assert_false(exists(&volume, ".drydock/purge/" RUN));
	assert_true(exists(&volume, ".drydock/purge/not a run"));
	close_volume(&volume);
}

static void an_unfinished_run_is_marked_as_interrupted(void **state)
{
	struct volume volume;
	struct dd_change *change;
	struct dd_trash trash;

	(void)state;
	open_volume(&volume);
	fill(&volume);
	change = begin_change(&volume);
	withdraw_all(&volume, change, (const char *const[]){ BLOB_A }, 1);
	dd_change_close(change);
	assert_code(dd_trash_load(volume.ctx, volume.store, &trash, &volume.err), 0);
	assert_int_equal(trash.runs[0].state, DD_RUN_INTERRUPTED);
	assert_true(trash.runs[0].ended);
	dd_trash_release(&trash);
	close_volume(&volume);
}

static void two_changes_at_once_are_refused(void **state)
{
	const struct dd_change_options options = { .command = "trash empty" };
	struct dd_change *change, *second;
	struct dd_store *other;
	struct volume volume;

	(void)state;
	open_volume(&volume);
	change = begin_change(&volume);
	assert_code(dd_store_open(volume.ctx, &(struct dd_store_options){ .root = volume.root }, &other,
				  &volume.err), 0);
	assert_int_equal(dd_change_begin(volume.ctx, other, &options, &second, &volume.err), DD_ELOCKED);
	assert_null(second);
	assert_non_null(strstr(volume.err.text, "drydock gc --apply, process "));
	assert_non_null(strstr(volume.err.text, ", since 20"));
	dd_error_clear(&volume.err);
	dd_change_close(change);
	assert_code(dd_change_begin(volume.ctx, other, &options, &second, &volume.err), 0);
	dd_change_close(second);
	dd_store_close(other);
	close_volume(&volume);
}

static struct dd_change *begin_beside(struct volume *volume)
{
	const struct dd_change_options options = { .command = "delete app:v1", .beside = true };
	struct dd_change *change = NULL;

	if (dd_change_begin(volume->ctx, volume->store, &options, &change, &volume->err) < 0)
		fail_msg("%s", volume->err.text);
	return change;
}

/* Nobody has looked whether what it took is needed: not while it is at work, and not right afterwards. */
static void a_run_beside_another_is_emptied_by_a_later_one(void **state)
{
	struct dd_change *change, *beside;
	struct dd_store *other;
	struct volume volume, own;
	char run[32];

	(void)state;
	open_volume(&volume);
	fill(&volume);
	own = volume;
	assert_code(dd_store_open(volume.ctx, &(struct dd_store_options){ .root = volume.root },
				  &other, &volume.err),
		    0);
	own.store = other;
	change = begin_change(&own);
	beside = begin_beside(&volume);
	withdraw_all(&volume, beside, (const char *const[]){ LAYER_A }, 1);
	snprintf(run, sizeof(run), "%s", dd_change_get_run(beside));
	assert_true(dd_change_is_beside(change, run));
	assert_code(dd_change_empty(change, run, &own.err), DD_EUSAGE);
	assert_code(dd_change_finish(beside, false, &volume.err), 0);
	dd_change_close(beside);
	dd_error_clear(&own.err);
	assert_code(dd_change_empty(change, run, &own.err), DD_EUSAGE);
	assert_false(is_empty(&volume, DD_IN_TRASH));
	dd_change_close(change);
	dd_error_clear(&own.err);
	change = begin_change(&own);
	assert_false(dd_change_is_beside(change, run));
	assert_code(dd_change_empty(change, run, &own.err), 0);
	dd_change_close(change);
	assert_true(is_empty(&volume, DD_IN_TRASH));
	dd_store_close(other);
	close_volume(&volume);
}

/* Each begun before the other has a directory. */
static void runs_beside_each_other_are_never_of_one_name(void **state)
{
	struct dd_change *change, *beside;
	struct volume volume;

	(void)state;
	open_volume(&volume);
	for (int i = 0; i < 20; i++) {
		change = begin_change(&volume);
		beside = begin_beside(&volume);
		assert_true(strtoul(dd_change_get_run(change) + 17, NULL, 16) % 2 == 0);
		assert_true(strtoul(dd_change_get_run(beside) + 17, NULL, 16) % 2 == 1);
		dd_change_close(beside);
		dd_change_close(change);
	}
	close_volume(&volume);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_that_took_nothing_leaves_nothing),
		cmocka_unit_test(purged_is_gone_for_good),
		cmocka_unit_test(earlier_runs_are_emptied_and_no_other),
		cmocka_unit_test(runs_of_one_second_are_named_in_order),
		cmocka_unit_test(a_dead_run_can_be_undone_and_does_not_seem_at_work_for_ever),
		cmocka_unit_test(a_dead_run_that_took_nothing_goes),
		cmocka_unit_test(a_half_purged_run_is_purged_to_its_end),
		cmocka_unit_test(an_unfinished_run_is_marked_as_interrupted),
		cmocka_unit_test(two_changes_at_once_are_refused),
		cmocka_unit_test(a_run_beside_another_is_emptied_by_a_later_one),
		cmocka_unit_test(runs_beside_each_other_are_never_of_one_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
