/*
 * What the door remembers, and how much it computes at once.
 */
#include <pthread.h>
#include <unistd.h>

#include "serve/turnstile.h"
#include "serve/verdicts.h"
#include "unit.h"

static void a_verdict_is_forgotten_when_its_time_is_up(void **state)
{
	struct dd_verdicts *verdicts;
	struct dd_identity *alice, *found;
	struct dd_digest key, other;

	(void)state;
	dd_digest_of(&key, DD_SHA256, "a", 1, NULL);
	dd_digest_of(&other, DD_SHA256, "b", 1, NULL);
	assert_int_equal(dd_verdicts_open(&verdicts, 16, NULL), 0);
	assert_int_equal(dd_identity_open(&alice, "alice", NULL), 0);
	assert_false(dd_verdicts_get(verdicts, &key, 1, &found));
	dd_verdicts_put(verdicts, &key, 100, alice);
	assert_true(dd_verdicts_get(verdicts, &key, 99, &found));
	assert_ptr_equal(found, alice);
	dd_identity_unref(found);
	assert_false(dd_verdicts_get(verdicts, &other, 99, &found));
	assert_false(dd_verdicts_get(verdicts, &key, 100, &found));
	dd_verdicts_put(verdicts, &key, 200, NULL);
	assert_true(dd_verdicts_get(verdicts, &key, 150, &found));
	assert_null(found);
	dd_identity_unref(alice);
	dd_verdicts_closep(&verdicts);
}

static void what_is_used_stays_when_there_are_too_many(void **state)
{
	struct dd_verdicts *verdicts;
	struct dd_identity *alice, *found;
	struct dd_digest key;

	(void)state;
	assert_int_equal(dd_verdicts_open(&verdicts, 8, NULL), 0);
	assert_int_equal(dd_identity_open(&alice, "alice", NULL), 0);
	dd_digest_of(&key, DD_SHA256, "alice", 5, NULL);
	dd_verdicts_put(verdicts, &key, 100, alice);
	for (int i = 0; i < 1000; i++) {
		struct dd_digest guess;

		dd_digest_of(&guess, DD_SHA256, &i, sizeof(i), NULL);
		dd_verdicts_put(verdicts, &guess, 100, NULL);
		if (!dd_verdicts_get(verdicts, &key, 1, &found))
			fail_msg("lost after %d", i);
		dd_identity_unref(found);
	}
	dd_identity_unref(alice);
	dd_verdicts_closep(&verdicts);
}

/* ---- at once ---- */

struct party {
	struct dd_turnstile *turnstile;
	struct dd_digest key;
	unsigned inside, most, came, later, away; /* atomic */
	bool open;				  /* whoever is inside may leave */
};

static void *visit(void *arg)
{
	struct party *party = arg;
	int rc = dd_turnstile_enter(party->turnstile, &party->key, NULL);
	unsigned inside;

	if (rc == DD_EEXIST)
		__atomic_add_fetch(&party->later, 1, __ATOMIC_SEQ_CST);
	if (rc == DD_ETOOBIG)
		__atomic_add_fetch(&party->away, 1, __ATOMIC_SEQ_CST);
	if (rc != 0)
		return NULL;
	inside = __atomic_add_fetch(&party->inside, 1, __ATOMIC_SEQ_CST);
	if (inside > __atomic_load_n(&party->most, __ATOMIC_SEQ_CST))
		__atomic_store_n(&party->most, inside, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&party->came, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&party->open, __ATOMIC_SEQ_CST))
		usleep(1000);
	__atomic_sub_fetch(&party->inside, 1, __ATOMIC_SEQ_CST);
	dd_turnstile_leave(party->turnstile, &party->key);
	return NULL;
}

/* Whoever comes with the key of somebody inside waits, and then need not enter. */
static void what_is_being_computed_is_computed_once(void **state)
{
	struct party party = { 0 };
	pthread_t threads[8];

	(void)state;
	dd_digest_of(&party.key, DD_SHA256, "a", 1, NULL);
	assert_int_equal(dd_turnstile_open(&party.turnstile, 4, 4, NULL), 0);
	for (unsigned i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, visit, &party);
	/* One is inside, four wait, three were turned away. */
	while (__atomic_load_n(&party.away, __ATOMIC_SEQ_CST) < 3)
		usleep(1000);
	__atomic_store_n(&party.open, true, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(party.most, 1);
	assert_int_equal(party.came, 1);
	assert_int_equal(party.later, 4);
	assert_int_equal(party.away, 3);
	dd_turnstile_closep(&party.turnstile);
}

static void so_many_are_computed_at_once_and_no_more(void **state)
{
	struct dd_digest keys[3];
	struct dd_turnstile *turnstile;

	(void)state;
	assert_int_equal(dd_turnstile_open(&turnstile, 2, 0, NULL), 0);
	for (int i = 0; i < 3; i++)
		dd_digest_of(&keys[i], DD_SHA256, &i, sizeof(i), NULL);
	assert_int_equal(dd_turnstile_enter(turnstile, &keys[0], NULL), 0);
	assert_int_equal(dd_turnstile_enter(turnstile, &keys[1], NULL), 0);
	assert_int_equal(dd_turnstile_enter(turnstile, &keys[2], NULL), DD_ETOOBIG);
	dd_turnstile_leave(turnstile, &keys[0]);
	assert_int_equal(dd_turnstile_enter(turnstile, &keys[2], NULL), 0);
	dd_turnstile_leave(turnstile, &keys[1]);
	dd_turnstile_leave(turnstile, &keys[2]);
	dd_turnstile_closep(&turnstile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_verdict_is_forgotten_when_its_time_is_up),
		cmocka_unit_test(what_is_used_stays_when_there_are_too_many),
		cmocka_unit_test(what_is_being_computed_is_computed_once),
		cmocka_unit_test(so_many_are_computed_at_once_and_no_more),
	};

	return cmocka_run_group_tests_name("verdicts", tests, NULL, NULL);
}
