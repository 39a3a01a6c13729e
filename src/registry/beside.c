/*
 * Who enters is counted, and who leaves: so that whoever waits does not wait for those who come later.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "base/thread.h"
#include "registry/beside.h"

#define PATIENCE 10 /* seconds: a deletion takes milliseconds */

struct dd_beside {
	pthread_mutex_t lock;
	pthread_cond_t left_one;
	bool open;
	uint64_t entered, left;
};

bool dd_beside_enter(struct dd_beside *beside)
{
	bool open;

	pthread_mutex_lock(&beside->lock);
	open = beside->open;
	beside->entered += open;
	pthread_mutex_unlock(&beside->lock);
	return open;
}

void dd_beside_leave(struct dd_beside *beside)
{
	pthread_mutex_lock(&beside->lock);
	beside->left++;
	pthread_cond_broadcast(&beside->left_one);
	pthread_mutex_unlock(&beside->lock);
}

void dd_beside_let_in(struct dd_beside *beside, bool open)
{
	pthread_mutex_lock(&beside->lock);
	beside->open = open;
	pthread_mutex_unlock(&beside->lock);
}

bool dd_beside_wait(struct dd_beside *beside)
{
	struct timespec until;
	uint64_t entered;
	bool done;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PATIENCE;
	pthread_mutex_lock(&beside->lock);
	entered = beside->entered;
	while (beside->left < entered &&
	       pthread_cond_timedwait(&beside->left_one, &beside->lock, &until) != ETIMEDOUT)
		;
	done = beside->left >= entered;
	pthread_mutex_unlock(&beside->lock);
	return done;
}

int dd_beside_open(struct dd_beside **beside, struct dd_error *err)
{
	*beside = calloc(1, sizeof(**beside));
	if (!*beside)
		return dd_fail(err, DD_ENOMEM, 0, "let changes in beside others");
	pthread_mutex_init(&(*beside)->lock, NULL);
	dd_condition_init(&(*beside)->left_one);
	return 0;
}

void dd_beside_closep(struct dd_beside **beside)
{
	if (!*beside)
		return;
	pthread_cond_destroy(&(*beside)->left_one);
	pthread_mutex_destroy(&(*beside)->lock);
	free(*beside);
	*beside = NULL;
}
