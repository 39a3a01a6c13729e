/*
 * Leases and the barrier: each race between those who serve and the collector, its steps in order.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#include "registry/lease.h"

#define LENGTH INT64_C(1000)

/* Time is what a test says it is. */
static _Atomic int64_t now;

static int64_t tell_time(void)
{
	return now;
}

struct fixture {
	struct dd_leases *leases;
	struct dd_digest layer, other;
};

static struct dd_digest digest_of(const char *text)
{
	struct dd_digest digest;

	assert_int_equal(dd_digest_of(&digest, DD_SHA256, text, strlen(text), NULL), 0);
	return digest;
}

static int set_up(void **state)
{
	static struct fixture fixture;

	now = 5000;
	assert_int_equal(dd_leases_open(LENGTH, &fixture.leases, NULL), 0);
	dd_leases_set_clock(fixture.leases, tell_time);
	/* What was said before the start no longer counts, but where a test goes back. */
	now += LENGTH;
	fixture.layer = digest_of("layer");
	fixture.other = digest_of("other");
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	dd_leases_closep(&fixture->leases);
	assert_null(fixture->leases);
	return 0;
}

/* Ask and give back at once. */
static bool may_go(struct fixture *fixture, uint64_t mark, const char *repository, bool named)
{
	bool may = dd_leases_hold(fixture->leases, mark, repository, &fixture->layer, named);

	if (may)
		dd_leases_give_back(fixture->leases, &fixture->layer);
	return may;
}

/* ---- somebody who wants a lease while the collector has the digest ---- */

struct client {
	struct fixture *fixture;
	void (*step)(struct dd_leases *leases, const char *repository,
		     const struct dd_digest *digest);
	_Atomic bool served;
	pthread_t thread;
};

static void *serve(void *arg)
{
	struct client *client = arg;

	client->step(client->fixture->leases, "app", &client->fixture->layer);
	client->served = true;
	return NULL;
}

/* Returns once it waits: not after some time, but when the leases say so. */
static void start_and_wait(struct client *client)
{
	assert_int_equal(pthread_create(&client->thread, NULL, serve, client), 0);
	while (!dd_leases_waiting(client->fixture->leases))
		sched_yield();
	assert_false(client->served);
}

static void end(struct client *client)
{
	assert_int_equal(pthread_join(client->thread, NULL), 0);
	assert_true(client->served);
	assert_int_equal(dd_leases_waiting(client->fixture->leases), 0);
}

/* ---- leases ---- */

static void what_nobody_was_told_of_goes(void **state)
{
	uint64_t mark = dd_leases_begin_mark(((struct fixture *)*state)->leases);

	assert_true(may_go(*state, mark, NULL, false));
	assert_true(may_go(*state, mark, "app", false));
}

static void a_lease_before_the_hold_keeps_link_and_blob(void **state)
{
	struct fixture *fixture = *state;
	uint64_t mark = dd_leases_begin_mark(fixture->leases);

	dd_lease_take(fixture->leases, "app", &fixture->layer);
	assert_false(may_go(fixture, mark, "app", false));
	assert_false(may_go(fixture, mark, NULL, false));
	/* Another repository's link is nobody's business. */
	assert_true(may_go(fixture, mark, "base", false));
	assert_true(dd_leases_hold(fixture->leases, mark, "app", &fixture->other, false));
	dd_leases_give_back(fixture->leases, &fixture->other);
}

static void a_lease_during_the_hold_waits_until_it_is_given_back(void **state)
{
	struct fixture *fixture = *state;
	struct client client = { .fixture = fixture, .step = dd_lease_take };
	uint64_t mark = dd_leases_begin_mark(fixture->leases);

	assert_true(dd_leases_hold(fixture->leases, mark, NULL, &fixture->layer, false));
	start_and_wait(&client);
	/* Another digest is free all the while. */
	dd_lease_take(fixture->leases, "app", &fixture->other);
	assert_false(client.served);
	dd_leases_give_back(fixture->leases, &fixture->layer);
	end(&client);
	assert_false(may_go(fixture, mark, NULL, false));
}

static void a_pin_waits_as_a_lease_does(void **state)
{
	struct fixture *fixture = *state;
	struct client client = { .fixture = fixture, .step = dd_lease_pin };
	uint64_t mark = dd_leases_begin_mark(fixture->leases);

	assert_true(dd_leases_hold(fixture->leases, mark, "app", &fixture->layer, true));
	start_and_wait(&client);
	dd_leases_give_back(fixture->leases, &fixture->layer);
	end(&client);
	now += 100 * LENGTH;
	assert_false(may_go(fixture, mark, "app", true));
}

static void a_collector_that_dies_gives_all_back(void **state)
{
	struct fixture *fixture = *state;
	struct client client = { .fixture = fixture, .step = dd_lease_take };
	uint64_t mark = dd_leases_begin_mark(fixture->leases);

	assert_true(dd_leases_hold(fixture->leases, mark, NULL, &fixture->layer, false));
	assert_true(dd_leases_hold(fixture->leases, mark, NULL, &fixture->other, false));
	start_and_wait(&client);
	dd_leases_end_mark(fixture->leases, mark);
	dd_leases_give_all_back(fixture->leases);
	end(&client);
	dd_lease_take(fixture->leases, "app", &fixture->other);
}

static void a_lease_runs_out(void **state)
{
	struct fixture *fixture = *state;
	uint64_t mark = dd_leases_begin_mark(fixture->leases);

	dd_lease_take(fixture->leases, "app", &fixture->layer);
	assert_int_equal(dd_leases_count(fixture->leases), 1);
	now += LENGTH - 1;
	assert_false(may_go(fixture, mark, NULL, false));
	now += 1;
	assert_true(may_go(fixture, mark, NULL, false));
	assert_int_equal(dd_leases_count(fixture->leases), 0);
}

static void whoever_asks_again_has_it_longer(void **state)
{
	struct fixture *fixture = *state;
	uint64_t mark = dd_leases_begin_mark(fixture->leases);

	dd_lease_take(fixture->leases, "app", &fixture->layer);
	now += LENGTH - 1;
	dd_lease_take(fixture->leases, "app", &fixture->layer);
	now += LENGTH - 1;
	assert_false(may_go(fixture, mark, NULL, false));
}

static void an_upload_renews_its_repository_and_not_for_ever(void **state)
{
	struct fixture *fixture = *state;
	uint64_t mark = dd_leases_begin_mark(fixture->leases);

	dd_lease_take(fixture->leases, "app", &fixture->layer);
	for (int i = 0; i < DD_LEASE_RENEWALS; i++) {
		now += LENGTH - 1;
		assert_false(may_go(fixture, mark, "app", false));
		dd_lease_renew(fixture->leases, "app");
		dd_lease_renew(fixture->leases, "elsewhere");
	}
	assert_false(may_go(fixture, mark, "app", false));
	now += LENGTH; /* nothing was sent for a while */
	assert_true(may_go(fixture, mark, "app", false));
	/* However busy it is: what nobody asked for so long goes. */
	now += DD_LEASE_RENEWALS * LENGTH;
	dd_lease_renew(fixture->leases, "app");
	assert_true(may_go(fixture, mark, "app", false));
}

static void another_repositorys_upload_renews_nothing(void **state)
{
	struct fixture *fixture = *state;
	uint64_t mark = dd_leases_begin_mark(fixture->leases);

	dd_lease_take(fixture->leases, "app", &fixture->layer);
	now += LENGTH - 1;
	dd_lease_renew(fixture->leases, "elsewhere");
	now += 1;
	assert_true(may_go(fixture, mark, "app", false));
}

static void after_the_start_all_is_leased_but_what_is_named(void **state)
{
	struct fixture *fixture = *state;
	uint64_t mark = dd_leases_begin_mark(fixture->leases);

	assert_int_equal(dd_leases_quiet(fixture->leases), 0);
	now -= 1;
	assert_int_equal(dd_leases_quiet(fixture->leases), 1);
	assert_false(may_go(fixture, mark, NULL, false));
	assert_true(may_go(fixture, mark, NULL, true));
	now += 1;
	assert_true(may_go(fixture, mark, NULL, false));
}

static void what_is_named_is_kept_by_writers_alone(void **state)
{
	struct fixture *fixture = *state;
	uint64_t mark = dd_leases_begin_mark(fixture->leases);

	dd_lease_take(fixture->leases, "app", &fixture->layer);
	assert_true(may_go(fixture, mark, "app", true));
	dd_lease_pin(fixture->leases, "app", &fixture->layer);
	assert_false(may_go(fixture, mark, "app", true));
}

/* ---- the barrier ---- */

static void what_is_pushed_after_the_mark_began_stays_until_it_ended(void **state)
{
	struct fixture *fixture = *state;
	uint64_t mark = dd_leases_begin_mark(fixture->leases), next;

	dd_lease_pin(fixture->leases, "app", &fixture->layer);
	dd_lease_unpin(fixture->leases, "app", &fixture->layer);
	now += 100 * LENGTH; /* marked, then pushed, then the lease runs out */
	assert_false(may_go(fixture, mark, NULL, false));
	assert_false(may_go(fixture, mark, "app", false));
	assert_false(may_go(fixture, mark, "app", true));
	dd_leases_end_mark(fixture->leases, mark);
	next = dd_leases_begin_mark(fixture->leases);
	assert_true(next > mark);
	/* It sees what was written before it began, and takes it only if nothing refers to it. */
	assert_true(may_go(fixture, next, NULL, false));
}

static void what_is_being_written_when_the_mark_begins_stays(void **state)
{
	struct fixture *fixture = *state;
	uint64_t mark;

	dd_lease_pin(fixture->leases, "app", &fixture->layer);
	mark = dd_leases_begin_mark(fixture->leases);
	now += 100 * LENGTH;
	assert_false(may_go(fixture, mark, "app", false));
	dd_lease_unpin(fixture->leases, "app", &fixture->layer);
	now += 100 * LENGTH;
	assert_false(may_go(fixture, mark, "app", false));
}

static void pins_are_counted(void **state)
{
	struct fixture *fixture = *state;
	uint64_t mark;

	dd_lease_pin(fixture->leases, "app", &fixture->layer);
	dd_lease_pin(fixture->leases, "app", &fixture->layer);
	dd_lease_unpin(fixture->leases, "app", &fixture->layer);
	mark = dd_leases_begin_mark(fixture->leases);
	now += 100 * LENGTH;
	assert_false(may_go(fixture, mark, "app", false));
	dd_leases_end_mark(fixture->leases, mark);
	dd_lease_unpin(fixture->leases, "app", &fixture->layer);
	mark = dd_leases_begin_mark(fixture->leases);
	now += 100 * LENGTH;
	assert_true(may_go(fixture, mark, "app", false));
}

static void a_tag_that_is_written_during_the_mark_stays(void **state)
{
	struct fixture *fixture = *state;
	struct dd_digest tag, upload;
	uint64_t mark = dd_leases_begin_mark(fixture->leases);

	dd_lease_name(DD_LEASE_TAG, "v1", &tag);
	dd_lease_name(DD_LEASE_UPLOAD, "v1", &upload);
	assert_false(dd_digest_equal(&tag, &upload));
	dd_lease_pin(fixture->leases, "app", &tag);
	dd_lease_unpin(fixture->leases, "app", &tag);
	now += 100 * LENGTH;
	assert_false(dd_leases_hold(fixture->leases, mark, "app", &tag, true));
	assert_true(dd_leases_hold(fixture->leases, mark, "base", &tag, true));
}

static void a_mark_that_ended_holds_nothing(void **state)
{
	struct fixture *fixture = *state;
	uint64_t mark = dd_leases_begin_mark(fixture->leases), next;

	dd_leases_end_mark(fixture->leases, mark);
	assert_false(may_go(fixture, mark, NULL, false));
	next = dd_leases_begin_mark(fixture->leases);
	assert_false(may_go(fixture, mark, NULL, false));
	/* Whoever is late with it ends no other. */
	dd_leases_end_mark(fixture->leases, mark);
	assert_true(may_go(fixture, next, NULL, false));
}

/* ---- many ---- */

#define DIGESTS 20000

static void thousands_are_told_apart_and_the_dead_swept(void **state)
{
	struct fixture *fixture = *state;
	uint64_t mark = dd_leases_begin_mark(fixture->leases);
	char text[32];

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < DIGESTS; i++) {
			struct dd_digest digest;

			snprintf(text, sizeof(text), "%d/%d", round, i);
			digest = digest_of(text);
			dd_lease_take(fixture->leases, "app", &digest);
		}
		assert_int_equal(dd_leases_count(fixture->leases), DIGESTS);
		for (int i = 0; i < DIGESTS; i += 97) {
			struct dd_digest digest;

			snprintf(text, sizeof(text), "%d/%d", round, i);
			digest = digest_of(text);
			assert_false(dd_leases_hold(fixture->leases, mark, NULL, &digest, false));
			snprintf(text, sizeof(text), "%d/%d", round, i + DIGESTS);
			digest = digest_of(text);
			assert_true(dd_leases_hold(fixture->leases, mark, NULL, &digest, false));
			dd_leases_give_back(fixture->leases, &digest);
		}
		now += LENGTH;
	}
}

/*
 * Clients that look and a collector that takes, at once: whoever has a lease sees what is there stay
 * there until it runs out. What lies in "place" is the volume.
 */
#define PLACES 8
#define ROUNDS 20000

struct fray {
	struct fixture *fixture;
	struct dd_digest digests[PLACES];
	_Atomic int place[PLACES];
	_Atomic bool over;
	_Atomic unsigned broken;
};

static void *look_and_use(void *arg)
{
	struct fray *fray = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned at = i % PLACES;

		dd_lease_pin(fray->fixture->leases, "app", &fray->digests[at]);
		fray->place[at] = 1; /* it is there, or comes back */
		for (int k = 0; k < 8; k++)
			fray->broken += !fray->place[at];
		dd_lease_unpin(fray->fixture->leases, "app", &fray->digests[at]);
	}
	return NULL;
}

static void *collect(void *arg)
{
	struct fray *fray = arg;
	struct dd_leases *leases = fray->fixture->leases;

	while (!fray->over) {
		uint64_t mark = dd_leases_begin_mark(leases);

		for (unsigned at = 0; at < PLACES; at++) {
			if (!dd_leases_hold(leases, mark, NULL, &fray->digests[at], true))
				continue;
			fray->place[at] = 0;
			dd_leases_give_back(leases, &fray->digests[at]);
		}
		dd_leases_end_mark(leases, mark);
	}
	return NULL;
}

static void what_is_pinned_never_goes_in_any_order(void **state)
{
	static struct fray fray;
	pthread_t clients[3], collector;

	fray.fixture = *state;
	for (int i = 0; i < PLACES; i++) {
		char text[32];

		snprintf(text, sizeof(text), "place %d", i);
		fray.digests[i] = digest_of(text);
	}
	assert_int_equal(pthread_create(&collector, NULL, collect, &fray), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&clients[i], NULL, look_and_use, &fray), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_join(clients[i], NULL), 0);
	fray.over = true;
	assert_int_equal(pthread_join(collector, NULL), 0);
	assert_int_equal(fray.broken, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_nobody_was_told_of_goes),
		CASE(a_lease_before_the_hold_keeps_link_and_blob),
		CASE(a_lease_during_the_hold_waits_until_it_is_given_back),
		CASE(a_pin_waits_as_a_lease_does),
		CASE(a_collector_that_dies_gives_all_back),
		CASE(a_lease_runs_out),
		CASE(whoever_asks_again_has_it_longer),
		CASE(an_upload_renews_its_repository_and_not_for_ever),
		CASE(another_repositorys_upload_renews_nothing),
		CASE(after_the_start_all_is_leased_but_what_is_named),
		CASE(what_is_named_is_kept_by_writers_alone),
		CASE(what_is_pushed_after_the_mark_began_stays_until_it_ended),
		CASE(what_is_being_written_when_the_mark_begins_stays),
		CASE(pins_are_counted),
		CASE(a_tag_that_is_written_during_the_mark_stays),
		CASE(a_mark_that_ended_holds_nothing),
		CASE(thousands_are_told_apart_and_the_dead_swept),
		CASE(what_is_pinned_never_goes_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
