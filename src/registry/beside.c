/*
 * Who enters is counted, and who leaves: so that whoever waits does not wait for those who come later.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include <drydock/units.h>

#include "base/thread.h"
#include "registry/beside.h"

#define PATIENCE (10 * DD_SECOND) /* for one step, which takes milliseconds */
#define LOOK (DD_SECOND / 10)

struct dd_beside {
	pthread_mutex_t lock;
	pthread_cond_t left_one;
	bool open;
	uint64_t entered, left;
	_Atomic uint64_t steps;
	int64_t (*now_ns)(void);
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

void dd_beside_step(struct dd_beside *beside)
{
	beside->steps++;
}

uint64_t dd_beside_get_steps(const struct dd_beside *beside)
{
	return beside->steps;
}

static void wait_a_moment(struct dd_beside *beside)
{
	int64_t at = dd_time_steady() + LOOK;
	const struct timespec until = { at / DD_SECOND, at % DD_SECOND };

	pthread_cond_timedwait(&beside->left_one, &beside->lock, &until);
}

/* What is left to do was listed before: there is an end of steps. */
bool dd_beside_wait(struct dd_beside *beside)
{
	uint64_t entered, steps = beside->steps;
	int64_t since = beside->now_ns();
	bool done;

	pthread_mutex_lock(&beside->lock);
	entered = beside->entered;
	while (beside->left < entered && beside->now_ns() - since < PATIENCE) {
		wait_a_moment(beside);
		if (beside->steps == steps)
			continue;
		steps = beside->steps;
		since = beside->now_ns();
	}
	done = beside->left >= entered;
	pthread_mutex_unlock(&beside->lock);
	return done;
}

void dd_beside_set_clock(struct dd_beside *beside, int64_t (*now_ns)(void))
{
	beside->now_ns = now_ns;
}

int dd_beside_open(struct dd_beside **beside, struct dd_error *err)
{
	*beside = calloc(1, sizeof(**beside));
	if (!*beside)
		return dd_fail(err, DD_ENOMEM, 0, "let changes in beside others");
	dd_beside_set_clock(*beside, dd_time_steady);
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
