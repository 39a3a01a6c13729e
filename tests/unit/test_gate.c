/*
 * The gate: a collection beside somebody who serves the volume, in one process, so that what clients
 * do happens at the very step that a test names.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "unit.h"

#include <drydock/gc.h>
#include <drydock/owner.h>
#include <drydock/restore.h>
#include <drydock/units.h>

#include "base/cleanup.h"
#include "change/gate_wire.h"
#include "registry/gate.h"
#include "serve/gate_end.h"
#include "volume.h"

#define LENGTH (1000 * DD_SECOND)

static _Atomic int64_t now;

static int64_t tell_time(void)
{
	return now;
}

enum step { BEFORE_BEGIN, AFTER_BEGIN, BEFORE_HOLD, AFTER_HOLD, AFTER_GIVE_BACK, WROTE, STEPS };

/* A volume, who serves it, and its gate with a hook at every step. */
struct fixture {
	struct volume volume;
	struct dd_watch watch;
	struct dd_watch_gate *inner;
	struct dd_gate gate;
	void (*hook)(struct fixture *fixture, enum step step, const struct dd_gate_key *keys,
		     size_t count);
	unsigned hooked; /* times that the hook did what it is for */
	struct dd_digest digest;
	char link[300], data[200];
	pthread_t thread;
	_Atomic bool served;
};

static void hook(struct fixture *fixture, enum step step, const struct dd_gate_key *keys,
		 size_t count)
{
	if (fixture->hook)
		fixture->hook(fixture, step, keys, count);
}

static int begin(void *arg, struct dd_gate_terms *terms, struct dd_error *err)
{
	struct fixture *fixture = arg;
	const struct dd_gate *gate = dd_watch_gate_get(fixture->inner);
	int rc;

	hook(fixture, BEFORE_BEGIN, NULL, 0);
	rc = gate->begin(gate->arg, terms, err);
	hook(fixture, AFTER_BEGIN, NULL, 0);
	return rc;
}

static int let_in(void *arg, bool open, struct dd_error *err)
{
	const struct dd_gate *gate = dd_watch_gate_get(((struct fixture *)arg)->inner);

	return gate->let_in(gate->arg, open, err);
}

static int hold(void *arg, const struct dd_gate_key *keys, size_t count, bool *granted,
		struct dd_error *err)
{
	struct fixture *fixture = arg;
	const struct dd_gate *gate = dd_watch_gate_get(fixture->inner);
	int rc;

	hook(fixture, BEFORE_HOLD, keys, count);
	rc = gate->hold(gate->arg, keys, count, granted, err);
	hook(fixture, AFTER_HOLD, keys, count);
	return rc;
}

static int give_back(void *arg, struct dd_error *err)
{
	struct fixture *fixture = arg;
	const struct dd_gate *gate = dd_watch_gate_get(fixture->inner);
	int rc = gate->give_back(gate->arg, err);

	hook(fixture, AFTER_GIVE_BACK, NULL, 0);
	return rc;
}

static int show(void *arg, const struct dd_trace *traces, size_t count, int64_t *least_grace_ns,
		struct dd_error *err)
{
	const struct dd_gate *gate = dd_watch_gate_get(((struct fixture *)arg)->inner);

	return gate->show(gate->arg, traces, count, least_grace_ns, err);
}

static int wrote(void *arg, const struct dd_trace *traces, size_t count, struct dd_error *err)
{
	struct fixture *fixture = arg;
	const struct dd_gate *gate = dd_watch_gate_get(fixture->inner);

	hook(fixture, WROTE, NULL, 0);
	return gate->wrote(gate->arg, traces, count, err);
}

static void end(void *arg)
{
	const struct dd_gate *gate = dd_watch_gate_get(((struct fixture *)arg)->inner);

	gate->end(gate->arg);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	char hex[DD_DIGEST_HEX];
	struct dd_error *err = &fixture->volume.err;

	now = 5 * LENGTH;
	open_volume(&fixture->volume);
	assert_int_equal(dd_leases_open(LENGTH, &fixture->watch.leases, err), 0);
	dd_leases_set_clock(fixture->watch.leases, tell_time);
	now += LENGTH;
	/* So far in the future that nothing here is another's. */
	assert_int_equal(dd_written_open(INT64_MAX, 1000, &fixture->watch.written, err), 0);
	assert_int_equal(dd_beside_open(&fixture->watch.beside, err), 0);
	assert_int_equal(dd_watch_gate_open(&fixture->watch, &fixture->inner, err), 0);
	fixture->gate =
		(struct dd_gate){ fixture, begin, let_in, hold, give_back, show, wrote, end };
	dd_store_set_gate(fixture->volume.store, &fixture->gate);

	assert_int_equal(dd_digest_of(&fixture->digest, DD_SHA256, "layer", 5, NULL), 0);
	dd_digest_format_hex(&fixture->digest, hex);
	snprintf(fixture->link, sizeof(fixture->link), REPO "_layers/sha256/%s/link", hex);
	snprintf(fixture->data, sizeof(fixture->data), V2 "blobs/sha256/%.2s/%s/data", hex, hex);
	put(&fixture->volume, fixture->data, "layer");
	make_parents(&fixture->volume, fixture->link);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	dd_watch_gate_closep(&fixture->inner);
	dd_beside_closep(&fixture->watch.beside);
	dd_written_closep(&fixture->watch.written);
	dd_leases_closep(&fixture->watch.leases);
	close_volume(&fixture->volume);
	free(fixture);
	return 0;
}

static void put_link(struct fixture *fixture)
{
	put(&fixture->volume, fixture->link, dd_digest_text(&fixture->digest));
}

/* What a manifest PUT does to a digest that it names. */
static void push(struct fixture *fixture)
{
	dd_lease_pin(fixture->watch.leases, "team/app", &fixture->digest);
	put_link(fixture);
	dd_lease_unpin(fixture->watch.leases, "team/app", &fixture->digest);
	now += 100 * LENGTH;
}

static bool asks_for(const struct fixture *fixture, const struct dd_gate_key *keys, size_t count,
		     enum dd_gate_key_kind kind)
{
	for (size_t i = 0; i < count; i++)
		if (keys[i].kind == kind && dd_digest_equal(&keys[i].digest, &fixture->digest))
			return true;
	return false;
}

/* Grace 0: whatever nothing needs goes. */
static void collect_all(struct fixture *fixture, int code, struct dd_gc_totals *totals)
{
	const struct dd_gc_options options = { .trash_keep_ns = DD_GC_TRASH_KEEP,
					       .command = "gc --apply" };
	struct volume volume = fixture->volume;
	struct dd_gc *gc = NULL;

	assert_code(dd_gc_apply(volume.ctx, volume.store, &options, &gc, &volume.err), code);
	if (totals)
		*totals = dd_gc_get_plan(gc)->totals;
	dd_gc_close(gc);
}

/* ---- the races ---- */

static void without_anybody_it_goes(void **state)
{
	struct fixture *fixture = *state;
	struct dd_gc_totals totals;

	put_link(fixture);
	collect_all(fixture, 0, &totals);
	assert_int_equal(totals.withdrawn_items, 2);
	assert_int_equal(totals.leased_items, 0);
	assert_false(exists(&fixture->volume, fixture->data));
	assert_false(exists(&fixture->volume, fixture->link));
}

static void lease_at_begin(struct fixture *fixture, enum step step, const struct dd_gate_key *keys,
			   size_t count)
{
	(void)keys, (void)count;
	if (step == AFTER_BEGIN)
		dd_lease_take(fixture->watch.leases, "team/app", &fixture->digest);
}

static void what_a_client_is_told_of_before_the_hold_stays(void **state)
{
	struct fixture *fixture = *state;
	struct dd_gc_totals totals;

	put_link(fixture);
	fixture->hook = lease_at_begin;
	collect_all(fixture, 0, &totals);
	assert_int_equal(totals.withdrawn_items, 0);
	assert_int_equal(totals.leased_items + totals.skipped_items, 2);
	assert_true(totals.leased_items > 0);
	assert_true(exists(&fixture->volume, fixture->data));
	assert_true(exists(&fixture->volume, fixture->link));
}

/* After the second look, which would have seen it: the barrier alone keeps it. */
static void push_before_blob(struct fixture *fixture, enum step step,
			     const struct dd_gate_key *keys, size_t count)
{
	if (step != BEFORE_HOLD || !asks_for(fixture, keys, count, DD_KEY_BLOB))
		return;
	push(fixture);
	fixture->hooked++;
}

static void a_push_after_the_second_look_stays_though_its_lease_has_run_out(void **state)
{
	struct fixture *fixture = *state;
	struct dd_gc_totals totals;

	fixture->hook = push_before_blob;
	collect_all(fixture, 0, &totals);
	assert_int_equal(fixture->hooked, 1);
	assert_int_equal(totals.leased_items, 1);
	assert_true(exists(&fixture->volume, fixture->data));
	assert_holds(&fixture->volume, fixture->link, dd_digest_text(&fixture->digest));
}

static void *look(void *arg)
{
	struct fixture *fixture = arg;

	dd_lease_take(fixture->watch.leases, "team/app", &fixture->digest);
	/* It was taken before we were let in: there is no moment at which it is half gone. */
	fixture->served = !exists(&fixture->volume, fixture->data);
	return NULL;
}

static void look_while_held(struct fixture *fixture, enum step step, const struct dd_gate_key *keys,
			    size_t count)
{
	if (step != AFTER_HOLD || !asks_for(fixture, keys, count, DD_KEY_BLOB))
		return;
	assert_true(exists(&fixture->volume, fixture->data));
	assert_int_equal(pthread_create(&fixture->thread, NULL, look, fixture), 0);
	while (!dd_leases_waiting(fixture->watch.leases))
		sched_yield();
	fixture->hooked++;
}

static void whoever_looks_while_it_goes_sees_it_gone(void **state)
{
	struct fixture *fixture = *state;

	fixture->hook = look_while_held;
	collect_all(fixture, 0, NULL);
	assert_int_equal(fixture->hooked, 1);
	assert_int_equal(pthread_join(fixture->thread, NULL), 0);
	assert_true(fixture->served);
}

#define INDEX                                                                             \
	"{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\"," \
	"\"manifests\":[]}"

/* A manifest that needs nothing, with its revision; the text of its digest. */
static char *put_index(const struct volume *volume, const char *bytes)
{
	struct dd_digest digest;
	char hex[DD_DIGEST_HEX], path[400];

	assert_int_equal(dd_digest_of(&digest, DD_SHA256, bytes, strlen(bytes), NULL), 0);
	dd_digest_format_hex(&digest, hex);
	snprintf(path, sizeof(path), V2 "blobs/sha256/%.2s/%s/data", hex, hex);
	put(volume, path, bytes);
	snprintf(path, sizeof(path), REPO "_manifests/revisions/sha256/%s/link", hex);
	put(volume, path, dd_digest_text(&digest));
	return strdup(dd_digest_text(&digest));
}

#define TAG_V2 REPO "_manifests/tags/v2/current/link"

static const char *moved_to;

static void move_tag(struct fixture *fixture, enum step step, const struct dd_gate_key *keys,
		     size_t count)
{
	struct dd_digest key;

	(void)keys, (void)count;
	if (step != AFTER_BEGIN)
		return;
	dd_lease_name(DD_LEASE_TAG, "v2", &key);
	dd_lease_pin(fixture->watch.leases, "team/app", &key);
	fixture->hooked++;
}

/* It is written while it would go: whoever writes it has begun, and is not done. */
static void write_tag(struct fixture *fixture, enum step step, const struct dd_gate_key *keys,
		      size_t count)
{
	struct dd_digest key;

	move_tag(fixture, step, keys, count);
	if (step != AFTER_HOLD || fixture->hooked != 1)
		return;
	put(&fixture->volume, TAG_V2, moved_to);
	dd_lease_name(DD_LEASE_TAG, "v2", &key);
	dd_lease_unpin(fixture->watch.leases, "team/app", &key);
	now += 100 * LENGTH;
	fixture->hooked++;
}

static void a_tag_that_is_written_during_the_mark_is_not_removed(void **state)
{
	struct fixture *fixture = *state;
	struct volume volume = fixture->volume;
	struct dd_reference references[2];
	const struct dd_gc_options options = { .remove = references,
					       .remove_count = 2,
					       .command = "rm" };
	DD_AUTOFREE char *one = put_index(&volume, INDEX), *other = put_index(&volume, INDEX " ");
	struct dd_gc *gc = NULL;

	put(&volume, TAG_V1, one);
	put(&volume, TAG_V2, one);
	moved_to = other;
	assert_code(dd_reference_parse(&references[0], "team/app:v1", &volume.err), 0);
	assert_code(dd_reference_parse(&references[1], "team/app:v2", &volume.err), 0);
	fixture->hook = write_tag;
	assert_code(dd_gc_apply(volume.ctx, volume.store, &options, &gc, &volume.err), 0);
	assert_int_equal(fixture->hooked, 2);
	assert_int_equal(dd_gc_get_plan(gc)->totals.leased_items, 1);
	dd_gc_close(gc);
	assert_false(exists(&volume, TAG_V1));
	assert_holds(&volume, TAG_V2, other);
}

static void run_out_between(struct fixture *fixture, enum step step, const struct dd_gate_key *keys,
			    size_t count)
{
	/* The link is refused; before the blob is asked for the lease runs out. */
	if (step == AFTER_HOLD && asks_for(fixture, keys, count, DD_KEY_DIGEST)) {
		now += LENGTH;
		fixture->hooked++;
	}
}

static void a_lease_that_runs_out_on_the_way_leaves_no_link_without_its_bytes(void **state)
{
	struct fixture *fixture = *state;

	put_link(fixture);
	dd_lease_take(fixture->watch.leases, "team/app", &fixture->digest);
	fixture->hook = run_out_between;
	collect_all(fixture, 0, NULL);
	assert_int_equal(fixture->hooked, 1);
	assert_true(exists(&fixture->volume, fixture->link));
	assert_true(exists(&fixture->volume, fixture->data));
	fixture->hook = NULL;
	collect_all(fixture, 0, NULL);
	assert_false(exists(&fixture->volume, fixture->link));
	assert_false(exists(&fixture->volume, fixture->data));
}

/* Else a worker that is killed between the two leaves what looks like another's. */
static void look_where_it_goes(struct fixture *fixture, enum step step,
			       const struct dd_gate_key *keys, size_t count)
{
	(void)keys, (void)count;
	if (step != WROTE)
		return;
	assert_false(exists(&fixture->volume, fixture->hooked ? fixture->link : fixture->data));
	fixture->hooked++;
}

static void what_comes_back_is_told_of_before_anybody_can_see_it(void **state)
{
	const struct dd_restore_options options = { .run = "latest", .command = "trash restore" };
	struct fixture *fixture = *state;
	struct dd_restore *restore = NULL;

	put_link(fixture);
	collect_all(fixture, 0, NULL);
	fixture->hook = look_where_it_goes;
	assert_int_equal(dd_restore_apply(fixture->volume.ctx, fixture->volume.store, &options,
					  &restore, &fixture->volume.err),
			 0);
	dd_restore_closep(&restore);
	assert_int_equal(fixture->hooked, 2);
	assert_true(exists(&fixture->volume, fixture->data));
	assert_true(exists(&fixture->volume, fixture->link));
}

static void look_at_quiet(struct fixture *fixture, enum step step, const struct dd_gate_key *keys,
			  size_t count)
{
	(void)keys, (void)count;
	fixture->hooked += step == BEFORE_HOLD;
}

static void soon_after_the_start_nothing_is_collected(void **state)
{
	struct fixture *fixture = *state;

	now -= LENGTH / 2;
	fixture->hook = look_at_quiet;
	collect_all(fixture, DD_EAGAIN, NULL);
	assert_int_equal(fixture->hooked, 0);
	assert_true(exists(&fixture->volume, fixture->data));
	assert_false(exists(&fixture->volume, ".drydock/records"));
	now += LENGTH / 2;
	collect_all(fixture, 0, NULL);
	assert_false(exists(&fixture->volume, fixture->data));
}

static void everything_is_given_back_and_the_mark_ends(void **state)
{
	struct fixture *fixture = *state;

	put_link(fixture);
	collect_all(fixture, 0, NULL);
	assert_false(fixture->watch.collecting);
	/* Whoever comes now waits for nobody. */
	dd_lease_pin(fixture->watch.leases, "team/app", &fixture->digest);
	dd_lease_unpin(fixture->watch.leases, "team/app", &fixture->digest);
	assert_int_equal(dd_leases_waiting(fixture->watch.leases), 0);
}

static int locked_fd = -1;

/* Whoever waits for the lock comes by here: that is when it is given up. */
int nanosleep(const struct timespec *time, struct timespec *rest)
{
	if (locked_fd >= 0)
		close(locked_fd);
	locked_fd = -1;
	return (int)syscall(SYS_nanosleep, time, rest);
}

static void a_deletion_that_has_the_lock_for_a_moment_sends_nobody_away(void **state)
{
	struct fixture *fixture = *state;

	collect_all(fixture, 0, NULL);
	put_link(fixture);
	locked_fd = open(below(&fixture->volume, ".drydock/lock"), O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(locked_fd, LOCK_EX), 0);
	collect_all(fixture, 0, NULL);
	assert_int_equal(locked_fd, -1);
	assert_false(exists(&fixture->volume, fixture->link));
}

static void two_changes_at_once_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct volume volume = fixture->volume;
	const struct dd_gate *gate;
	struct dd_watch_gate *other;
	struct dd_gate_terms terms;

	assert_code(dd_watch_gate_open(&fixture->watch, &other, &volume.err), 0);
	gate = dd_watch_gate_get(other);
	assert_code(gate->begin(gate->arg, &terms, &volume.err), 0);
	collect_all(fixture, DD_ELOCKED, NULL);
	dd_watch_gate_closep(&other);
	collect_all(fixture, 0, NULL);
}

static void who_serves_without_a_gate_is_respected(void **state)
{
	struct fixture *fixture = *state;
	struct volume volume = fixture->volume;
	struct dd_store *server = NULL;
	int64_t since_ns = 0, died_ns;

	assert_code(dd_store_open(volume.ctx, &(struct dd_store_options){ .root = volume.root },
				  &server, &volume.err),
		    0);
	assert_code(
		dd_owner_take(volume.ctx, server, "a test", 0, &since_ns, &died_ns, &volume.err),
		0);
	assert_true(since_ns > 0);
	dd_store_set_gate(fixture->volume.store, NULL);
	collect_all(fixture, DD_EREFUSED, NULL);
	assert_true(exists(&fixture->volume, fixture->data));
	/* It itself, which knows what it does, may. */
	dd_store_set_gate(server, &(const struct dd_gate){ 0 });
	fixture->volume.store = server;
	collect_all(fixture, 0, NULL);
	assert_false(exists(&fixture->volume, fixture->data));
	fixture->volume.store = volume.store;
	dd_store_closep(&server);
	dd_store_set_gate(fixture->volume.store, &fixture->gate);
}

/* ---- the other process ---- */

static void a_worker_that_dies_holding_holds_nothing_any_more(void **state)
{
	struct fixture *fixture = *state;
	static struct dd_gate_request request;
	static unsigned char message[DD_GATE_MESSAGE];
	static struct dd_gate_reply reply;
	struct volume volume = fixture->volume;
	struct dd_gate_end *gate_end;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_code(
		dd_gate_end_open(&fixture->watch, volume.store, pair[0], &gate_end, &volume.err),
		0);
	request.op = DD_GATE_BEGIN;
	assert_code(dd_gate_send(pair[1], message, dd_gate_pack(&request, message), NULL), 0);
	assert_int_equal(dd_gate_end_answer(gate_end, NULL), 1);
	request.op = DD_GATE_HOLD;
	request.count = 1;
	request.keys[0] = (struct dd_gate_key){ .kind = DD_KEY_BLOB, .digest = fixture->digest };
	assert_code(dd_gate_send(pair[1], message, dd_gate_pack(&request, message), NULL), 0);
	assert_int_equal(dd_gate_end_answer(gate_end, NULL), 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(dd_gate_receive(pair[1], &reply, sizeof(reply), NULL),
				 sizeof(reply));
	assert_int_equal(reply.granted[0], 1);
	/* A client comes, and waits; the worker is killed. */
	assert_int_equal(pthread_create(&fixture->thread, NULL, look, fixture), 0);
	while (!dd_leases_waiting(fixture->watch.leases))
		sched_yield();
	close(pair[1]);
	assert_int_equal(dd_gate_end_answer(gate_end, NULL), 0);
	dd_gate_end_closep(&gate_end);
	assert_int_equal(pthread_join(fixture->thread, NULL), 0);
	assert_false(fixture->watch.collecting);
	close(pair[0]);
	/* And the next one begins as ever; what the client was told of stays. */
	collect_all(fixture, 0, NULL);
	assert_true(exists(&fixture->volume, fixture->data));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(without_anybody_it_goes),
		CASE(what_a_client_is_told_of_before_the_hold_stays),
		CASE(a_push_after_the_second_look_stays_though_its_lease_has_run_out),
		CASE(whoever_looks_while_it_goes_sees_it_gone),
		CASE(a_tag_that_is_written_during_the_mark_is_not_removed),
		CASE(a_lease_that_runs_out_on_the_way_leaves_no_link_without_its_bytes),
		CASE(what_comes_back_is_told_of_before_anybody_can_see_it),
		CASE(soon_after_the_start_nothing_is_collected),
		CASE(everything_is_given_back_and_the_mark_ends),
		CASE(a_deletion_that_has_the_lock_for_a_moment_sends_nobody_away),
		CASE(two_changes_at_once_are_refused),
		CASE(who_serves_without_a_gate_is_respected),
		CASE(a_worker_that_dies_holding_holds_nothing_any_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
