/*
 * What clients delete while a collection runs: at each of its steps, without waiting for its end.
 */
#include <drydock/change.h>
#include <drydock/gc.h>
#include <drydock/restore.h>

#include "registry/gate.h"
#include "registry_image.h"

enum step { BEGUN, KEEPING_OUT, LET_IN, ASKED, GRANTED, GIVEN_BACK, ENDED, STEPS };

/* A registry, a collector on a store of its own, and what a client does at one of its steps. */
struct fixture {
	struct registry reg;
	struct dd_store *store;
	struct dd_watch_gate *inner;
	struct dd_gate gate;
	enum step step;
	void (*deed)(struct fixture *fixture);
	unsigned done;
	struct image kept, deleted;
	_Atomic bool asks, collected;
};

static void come_to(void *arg, enum step step)
{
	struct fixture *fixture = arg;

	if (step == ASKED || step == KEEPING_OUT)
		fixture->asks = true;
	if (!fixture->deed || fixture->step != step || fixture->done++)
		return;
	fixture->deed(fixture);
}

static const struct dd_gate *inner(void *arg)
{
	return dd_watch_gate_get(((struct fixture *)arg)->inner);
}

static int begin(void *arg, struct dd_gate_terms *terms, struct dd_error *err)
{
	int rc = inner(arg)->begin(inner(arg)->arg, terms, err);

	come_to(arg, BEGUN);
	return rc;
}

static int let_in(void *arg, bool open, struct dd_error *err)
{
	int rc;

	if (!open)
		come_to(arg, KEEPING_OUT);
	rc = inner(arg)->let_in(inner(arg)->arg, open, err);
	if (open)
		come_to(arg, LET_IN);
	return rc;
}

static int hold(void *arg, const struct dd_gate_key *keys, size_t count, bool *granted,
		struct dd_error *err)
{
	int rc;

	come_to(arg, ASKED);
	rc = inner(arg)->hold(inner(arg)->arg, keys, count, granted, err);
	come_to(arg, GRANTED);
	return rc;
}

static int give_back(void *arg, struct dd_error *err)
{
	int rc = inner(arg)->give_back(inner(arg)->arg, err);

	come_to(arg, GIVEN_BACK);
	return rc;
}

static int show(void *arg, const struct dd_trace *traces, size_t count, int64_t *least_grace_ns,
		struct dd_error *err)
{
	return inner(arg)->show(inner(arg)->arg, traces, count, least_grace_ns, err);
}

static int wrote(void *arg, const struct dd_trace *traces, size_t count, struct dd_error *err)
{
	return inner(arg)->wrote(inner(arg)->arg, traces, count, err);
}

static void end(void *arg)
{
	inner(arg)->end(inner(arg)->arg);
	come_to(arg, ENDED);
}

/* Two tagged images, one that no tag leads to, and a blob that nothing names. */
static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct registry *reg = &fixture->reg;
	struct image untagged;

	open_registry(reg);
	push_image(reg, APP, 1, "kept", &fixture->kept);
	push_image(reg, APP, 2, "deleted", &fixture->deleted);
	push_image(reg, APP, 3, NULL, &untagged);
	release_image(&untagged);
	push(reg, OTHER, "nobody needs it", 15);
	let_leases_run_out(reg);
	assert_int_equal(dd_store_open(reg->volume.ctx,
				       &(struct dd_store_options){ .root = reg->volume.root },
				       &fixture->store, reg->err),
			 0);
	assert_int_equal(
		dd_watch_gate_open(dd_registry_get_watch(reg->registry), &fixture->inner, reg->err),
		0);
	fixture->gate =
		(struct dd_gate){ fixture, begin, let_in, hold, give_back, show, wrote, end };
	dd_store_set_gate(fixture->store, &fixture->gate);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	dd_watch_gate_closep(&fixture->inner);
	dd_store_closep(&fixture->store);
	release_image(&fixture->kept);
	release_image(&fixture->deleted);
	close_registry(&fixture->reg);
	free(fixture);
	return 0;
}

/* Grace 0: whatever nothing needs goes. */
static void run_collection(struct fixture *fixture, struct dd_gc_totals *totals)
{
	const struct dd_gc_options options = { .delete_untagged = true,
					       .trash_keep_ns = DD_GC_TRASH_KEEP,
					       .command = "gc --apply -m" };
	DD_CLEANUP(dd_context_closep) struct dd_context *ctx = NULL;
	struct dd_error err = { 0 };
	struct dd_gc *gc = NULL;

	assert_int_equal(dd_context_open(&ctx, &err), 0);
	if (dd_gc_apply(ctx, fixture->store, &options, &gc, &err) < 0)
		fail_msg("%s", err.text);
	if (totals)
		*totals = dd_gc_get_plan(gc)->totals;
	dd_gc_close(gc);
	fixture->collected = true;
}

static void delete_tag(struct fixture *fixture)
{
	struct registry *reg = &fixture->reg;

	if (dd_registry_delete_tag(reg->registry, APP, "deleted", NULL, reg->err) < 0)
		fail_msg("%s", reg->err->text);
}

static void delete_manifest(struct fixture *fixture)
{
	struct registry *reg = &fixture->reg;

	if (dd_registry_delete_manifest(reg->registry, APP, &fixture->deleted.digest, NULL,
					reg->err) < 0)
		fail_msg("%s", reg->err->text);
}

static void delete_blob(struct fixture *fixture)
{
	struct registry *reg = &fixture->reg;

	if (dd_registry_delete_blob(reg->registry, APP, &fixture->deleted.layer_digest, reg->err) <
	    0)
		fail_msg("%s", reg->err->text);
}

static void assert_runs(struct fixture *fixture, size_t count)
{
	struct registry *reg = &fixture->reg;
	struct dd_trash trash;

	assert_int_equal(dd_trash_load(reg->volume.ctx, reg->volume.store, &trash, reg->err), 0);
	assert_int_equal(trash.count, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(trash.runs[i].state, DD_RUN_DONE);
		assert_true(trash.runs[i].ended);
	}
	dd_trash_release(&trash);
}

/* A client that deletes waits for nobody, wherever the collection is; what it took can come back. */
static void a_deletion_at_any_step_is_done_at_once(struct fixture *fixture,
						   void (*deed)(struct fixture *), enum step step)
{
	struct registry *reg = &fixture->reg;
	struct dd_gc_totals totals;

	fixture->deed = deed;
	fixture->step = step;
	run_collection(fixture, &totals);
	assert_true(fixture->done > 0);
	assert_true(totals.withdrawn_items > 0);
	assert_runs(fixture, 2);
	assert_gets(reg, APP, "kept", &fixture->kept.digest, fixture->kept.json);
	assert_pulls(reg, APP, &fixture->kept.layer_digest, fixture->kept.layer,
		     strlen(fixture->kept.layer));
}

static void a_tag_is_deleted_at_any_step(void **state)
{
	for (enum step step = LET_IN; step <= GIVEN_BACK; step++) {
		struct fixture *fixture = *state;

		a_deletion_at_any_step_is_done_at_once(fixture, delete_tag, step);
		assert_int_equal(try_get(&fixture->reg, APP, "deleted", NULL), DD_ENOENT);
		tear_down(state);
		set_up(state);
	}
}

static void a_manifest_is_deleted_at_any_step(void **state)
{
	for (enum step step = LET_IN; step <= GIVEN_BACK; step++) {
		struct fixture *fixture = *state;

		a_deletion_at_any_step_is_done_at_once(fixture, delete_manifest, step);
		assert_int_equal(try_get(&fixture->reg, APP, NULL, &fixture->deleted.digest),
				 DD_ENOENT);
		tear_down(state);
		set_up(state);
	}
}

static void a_blob_is_deleted_at_any_step(void **state)
{
	for (enum step step = LET_IN; step <= GIVEN_BACK; step++) {
		a_deletion_at_any_step_is_done_at_once(*state, delete_blob, step);
		tear_down(state);
		set_up(state);
	}
}

static void what_was_deleted_beside_can_be_put_back(void **state)
{
	struct fixture *fixture = *state;
	struct registry *reg = &fixture->reg;
	struct dd_restore_options options = { .command = "trash restore" };
	struct dd_restore *restore = NULL;
	struct dd_trash trash;

	fixture->deed = delete_tag;
	fixture->step = LET_IN;
	run_collection(fixture, NULL);
	assert_int_equal(dd_trash_load(reg->volume.ctx, reg->volume.store, &trash, reg->err), 0);
	for (size_t i = 0; i < trash.count; i++)
		if (!strncmp(trash.runs[i].command, "delete", strlen("delete")))
			options.run = trash.runs[i].name;
	assert_non_null(options.run);
	if (dd_restore_apply(reg->volume.ctx, reg->volume.store, &options, &restore, reg->err) < 0)
		fail_msg("%s", reg->err->text);
	dd_restore_closep(&restore);
	dd_trash_release(&trash);
	assert_gets(reg, APP, "deleted", &fixture->deleted.digest, fixture->deleted.json);
}

/* ---- what comes back meanwhile ---- */

/* An entry of its history was to come back, for the tag was there when that was judged. */
static void of_a_tag_that_was_deleted_no_history_comes_back(void **state)
{
	struct fixture *fixture = *state;
	struct registry *reg = &fixture->reg;
	char history[512], run[32];

	snprintf(history, sizeof(history), "%s",
		 history_path(APP, "deleted", &fixture->deleted.digest));
	collect(&reg->volume, (const char *const[]){ history }, 1, run);
	run_collection(fixture, NULL);
	assert_true(exists(&reg->volume, history));
	collect(&reg->volume, (const char *const[]){ history }, 1, run);
	fixture->deed = delete_tag;
	fixture->step = KEEPING_OUT;
	run_collection(fixture, NULL);
	assert_int_equal(fixture->done, 1);
	assert_false(exists(&reg->volume, history));
	assert_false(exists(&reg->volume, tag_path(APP, "deleted")));
}

/* It is needed by an index, and the last look sees that: but just now somebody did not want it. */
static void what_a_client_has_just_deleted_does_not_come_back(void **state)
{
	struct fixture *fixture = *state;
	struct registry *reg = &fixture->reg;
	DD_AUTOFREE char *index = make_index(&fixture->deleted, 1);

	if (put_manifest(reg, APP, index, "index") < 0)
		fail_msg("%s", reg->err->text);
	let_leases_run_out(reg);
	fixture->deed = delete_manifest;
	fixture->step = ASKED;
	run_collection(fixture, NULL);
	assert_true(fixture->done > 0);
	assert_false(exists(&reg->volume, revision_path(APP, &fixture->deleted.digest)));
	assert_true(exists(&reg->volume, blob_path(&fixture->deleted.digest)));
	assert_true(exists(&reg->volume, blob_path(&fixture->deleted.layer_digest)));
}

static void empty_trash(struct fixture *fixture)
{
	const struct dd_empty_options options = { .command = "trash empty --apply" };
	struct dd_empty *empty = NULL;
	struct dd_error err = { 0 };

	if (dd_empty_apply(fixture->reg.volume.ctx, fixture->store, &options, &empty, &err) < 0)
		fail_msg("%s", err.text);
	dd_empty_closep(&empty);
}

/* An index needs it, and who empties the trash meanwhile is not to be what takes it for good. */
static void what_a_client_has_just_deleted_is_not_removed_for_good(void **state)
{
	struct fixture *fixture = *state;
	struct registry *reg = &fixture->reg;
	DD_AUTOFREE char *index = make_index(&fixture->deleted, 1);

	if (put_manifest(reg, APP, index, "index") < 0)
		fail_msg("%s", reg->err->text);
	let_leases_run_out(reg);
	run_collection(fixture, NULL);
	assert_runs(fixture, 1);
	fixture->deed = delete_manifest;
	fixture->step = LET_IN;
	empty_trash(fixture);
	assert_true(fixture->done > 0);
	assert_runs(fixture, 1);
	assert_false(exists(&reg->volume, revision_path(APP, &fixture->deleted.digest)));
	fixture->deed = NULL;
	empty_trash(fixture);
	assert_runs(fixture, 0);
	assert_gets(reg, APP, NULL, &fixture->deleted.digest, fixture->deleted.json);
}

/* ---- who waits for whom ---- */

static void try_to_enter(struct fixture *fixture)
{
	assert_false(dd_beside_enter(dd_registry_get_watch(fixture->reg.registry)->beside));
}

static void nobody_comes_in_before_what_is_half_done_is_ended_nor_afterwards(void **state)
{
	struct fixture *fixture = *state;

	try_to_enter(fixture);
	fixture->deed = try_to_enter;
	fixture->step = BEGUN;
	run_collection(fixture, NULL);
	assert_int_equal(fixture->done, 1);
	fixture->step = ENDED;
	fixture->done = 0;
	run_collection(fixture, NULL);
	assert_int_equal(fixture->done, 1);
}

static void *collect_in_thread(void *arg)
{
	run_collection(arg, NULL);
	return NULL;
}

static void wait_a_moment(void)
{
	static const struct timespec moment = { 0, 30 * 1000 * 1000 };

	nanosleep(&moment, NULL);
}

static void enter(struct fixture *fixture)
{
	assert_true(dd_beside_enter(dd_registry_get_watch(fixture->reg.registry)->beside));
}

/* What it may have seen deleted is not on the disk yet. */
static void nothing_is_granted_while_a_deletion_is_under_way(void **state)
{
	struct fixture *fixture = *state;
	struct dd_beside *beside = dd_registry_get_watch(fixture->reg.registry)->beside;
	struct dd_digest orphan = digest_of_text("nobody needs it");
	pthread_t thread;
	bool is_there;

	fixture->deed = enter;
	fixture->step = LET_IN;
	assert_int_equal(pthread_create(&thread, NULL, collect_in_thread, fixture), 0);
	while (!fixture->asks)
		wait_a_moment();
	wait_a_moment();
	is_there = exists(&fixture->reg.volume, layer_path(OTHER, &orphan));
	dd_beside_leave(beside);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(is_there);
	assert_false(exists(&fixture->reg.volume, layer_path(OTHER, &orphan)));
}

static void *empty_in_thread(void *arg)
{
	struct fixture *fixture = arg;

	empty_trash(fixture);
	fixture->collected = true;
	return NULL;
}

/* Without power the tag would be there again, and what it needs would not. */
static void nothing_is_removed_for_good_while_a_deletion_is_under_way(void **state)
{
	struct fixture *fixture = *state;
	struct dd_beside *beside = dd_registry_get_watch(fixture->reg.registry)->beside;
	struct registry *reg = &fixture->reg;
	struct dd_trash trash;
	pthread_t thread;
	size_t runs;

	run_collection(fixture, NULL);
	fixture->asks = fixture->collected = false;
	fixture->deed = enter;
	fixture->step = LET_IN;
	assert_int_equal(pthread_create(&thread, NULL, empty_in_thread, fixture), 0);
	while (!fixture->asks && !fixture->collected)
		wait_a_moment();
	wait_a_moment();
	assert_int_equal(dd_trash_load(reg->volume.ctx, reg->volume.store, &trash, reg->err), 0);
	runs = trash.count;
	dd_trash_release(&trash);
	dd_beside_leave(beside);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(runs, 1);
	assert_runs(fixture, 0);
}

/* It would take it for one that has died. */
static void the_next_collection_does_not_begin_while_a_deletion_is_under_way(void **state)
{
	struct fixture *fixture = *state;
	struct dd_beside *beside = dd_registry_get_watch(fixture->reg.registry)->beside;
	pthread_t thread;
	bool collecting;

	dd_beside_let_in(beside, true);
	enter(fixture);
	dd_beside_let_in(beside, false);
	assert_int_equal(pthread_create(&thread, NULL, collect_in_thread, fixture), 0);
	for (int i = 0; i < 5; i++)
		wait_a_moment();
	collecting = dd_registry_get_watch(fixture->reg.registry)->collecting;
	dd_beside_leave(beside);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_false(collecting);
	assert_true(fixture->collected);
}

static void a_deletion_tells_of_its_steps(void **state)
{
	struct fixture *fixture = *state;
	struct dd_watch *watch = dd_registry_get_watch(fixture->reg.registry);

	a_deletion_at_any_step_is_done_at_once(fixture, delete_manifest, LET_IN);
	/* Two tags and the revision looked at; history, tag and revision announced, and taken. */
	assert_true(dd_beside_get_steps(watch->beside) >= 8);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_tag_is_deleted_at_any_step),
		CASE(a_manifest_is_deleted_at_any_step),
		CASE(a_blob_is_deleted_at_any_step),
		CASE(what_was_deleted_beside_can_be_put_back),
		CASE(of_a_tag_that_was_deleted_no_history_comes_back),
		CASE(what_a_client_has_just_deleted_does_not_come_back),
		CASE(what_a_client_has_just_deleted_is_not_removed_for_good),
		CASE(nobody_comes_in_before_what_is_half_done_is_ended_nor_afterwards),
		CASE(nothing_is_granted_while_a_deletion_is_under_way),
		CASE(nothing_is_removed_for_good_while_a_deletion_is_under_way),
		CASE(the_next_collection_does_not_begin_while_a_deletion_is_under_way),
		CASE(a_deletion_tells_of_its_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
