/*
 * The turnstile: the keys of those that compute, and a count of those that wait.
 */
#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "serve/turnstile.h"

struct dd_turnstile {
	pthread_mutex_t lock;
	pthread_cond_t left;
	unsigned at_once, running, waiting_max, waiting;
	struct dd_digest keys[]; /* of those running */
};

int dd_turnstile_open(struct dd_turnstile **out, unsigned at_once, unsigned waiting,
		      struct dd_error *err)
{
	struct dd_turnstile *turnstile =
		calloc(1, sizeof(*turnstile) + at_once * sizeof(turnstile->keys[0]));

	*out = turnstile;
	if (!turnstile)
		return dd_fail(err, DD_ENOMEM, 0, "make room to check passwords");
	pthread_mutex_init(&turnstile->lock, NULL);
	pthread_cond_init(&turnstile->left, NULL);
	turnstile->at_once = at_once;
	turnstile->waiting_max = waiting;
	return 0;
}

void dd_turnstile_closep(struct dd_turnstile **turnstile)
{
	if (!*turnstile)
		return;
	assert(!(*turnstile)->running && !(*turnstile)->waiting);
	pthread_mutex_destroy(&(*turnstile)->lock);
	pthread_cond_destroy(&(*turnstile)->left);
	free(*turnstile);
	*turnstile = NULL;
}

static bool is_running(const struct dd_turnstile *turnstile, const struct dd_digest *key)
{
	for (unsigned i = 0; i < turnstile->running; i++)
		if (dd_digest_equal(&turnstile->keys[i], key))
			return true;
	return false;
}

/* Until there is a place; whether somebody was there with the same key meanwhile. */
static bool wait_for_place(struct dd_turnstile *turnstile, const struct dd_digest *key)
{
	bool same;

	turnstile->waiting++;
	while (!(same = is_running(turnstile, key)) && turnstile->running == turnstile->at_once)
		pthread_cond_wait(&turnstile->left, &turnstile->lock);
	while (same && is_running(turnstile, key))
		pthread_cond_wait(&turnstile->left, &turnstile->lock);
	turnstile->waiting--;
	return same;
}

int dd_turnstile_enter(struct dd_turnstile *turnstile, const struct dd_digest *key,
		       struct dd_error *err)
{
	int rc = 0;

	pthread_mutex_lock(&turnstile->lock);
	if (is_running(turnstile, key) || turnstile->running == turnstile->at_once) {
		if (turnstile->waiting >= turnstile->waiting_max) {
			rc = dd_fail(err, DD_ETOOBIG, 0, "too many passwords are being checked");
			dd_hint(err, "try again in a few seconds");
		} else if (wait_for_place(turnstile, key)) {
			rc = DD_EEXIST;
		}
	}
	if (rc == 0)
		turnstile->keys[turnstile->running++] = *key;
	pthread_mutex_unlock(&turnstile->lock);
	return rc;
}

void dd_turnstile_leave(struct dd_turnstile *turnstile, const struct dd_digest *key)
{
	unsigned at = 0;

	pthread_mutex_lock(&turnstile->lock);
	while (!dd_digest_equal(&turnstile->keys[at], key))
		at++;
	turnstile->keys[at] = turnstile->keys[--turnstile->running];
	pthread_cond_broadcast(&turnstile->left);
	pthread_mutex_unlock(&turnstile->lock);
}
