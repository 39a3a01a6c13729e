/*
 * Two halves, each an open table of numbers, which are spread well enough as they are.
 */
#include <pthread.h>
#include <stdlib.h>

#include "registry/written.h"

struct half {
	uint64_t *slots; /* 0: free */
	size_t room, count;
	int64_t newest_ns; /* of what is in it */
};

struct dd_written {
	pthread_mutex_t lock;
	size_t most;
	int64_t since_ns;
	struct half now, before;
};

static bool has(const struct half *half, uint64_t sum)
{
	for (size_t at = sum & (half->room - 1); half->room && half->slots[at];
	     at = (at + 1) & (half->room - 1))
		if (half->slots[at] == sum)
			return true;
	return false;
}

static void enter(struct half *half, uint64_t sum)
{
	size_t at = sum & (half->room - 1);

	while (half->slots[at] && half->slots[at] != sum)
		at = (at + 1) & (half->room - 1);
	half->count += !half->slots[at];
	half->slots[at] = sum;
}

static int grow(struct half *half)
{
	struct half grown = { .room = half->room ? 2 * half->room : 1024,
			      .newest_ns = half->newest_ns };

	grown.slots = calloc(grown.room, sizeof(*grown.slots));
	if (!grown.slots)
		return DD_ENOMEM;
	for (size_t i = 0; i < half->room; i++)
		if (half->slots[i])
			enter(&grown, half->slots[i]);
	free(half->slots);
	*half = grown;
	return 0;
}

#define SLACK (60 * INT64_C(1000000000)) /* from when a file is told of until it has its place */

/* What is as old as the newest of what is forgotten cannot be told apart any more. */
static void forget(struct dd_written *written, struct half *half)
{
	if (half->count && half->newest_ns + SLACK > written->since_ns)
		written->since_ns = half->newest_ns + SLACK;
	free(half->slots);
	*half = (struct half){ 0 };
}

static void make_room(struct dd_written *written)
{
	struct half *now = &written->now;

	if (now->count >= written->most) {
		forget(written, &written->before);
		written->before = *now;
		*now = (struct half){ 0 };
	}
	if (2 * (now->count + 1) > now->room && grow(now) < 0) {
		forget(written, &written->before);
		forget(written, now);
	}
}

void dd_written_add_trace(struct dd_written *written, const struct dd_trace *trace)
{
	pthread_mutex_lock(&written->lock);
	make_room(written);
	if (written->now.room)
		enter(&written->now, trace->sum ? trace->sum : 1);
	else if (trace->written_ns + SLACK > written->since_ns)
		written->since_ns = trace->written_ns + SLACK; /* there is no memory at all */
	if (trace->written_ns > written->now.newest_ns)
		written->now.newest_ns = trace->written_ns;
	pthread_mutex_unlock(&written->lock);
}

void dd_written_add(struct dd_written *written, const struct dd_stamp *stamp)
{
	const struct dd_trace trace = { dd_stamp_sum(stamp), dd_stamp_time(stamp) };

	dd_written_add_trace(written, &trace);
}

int64_t dd_written_since(struct dd_written *written)
{
	int64_t since_ns;

	pthread_mutex_lock(&written->lock);
	since_ns = written->since_ns;
	pthread_mutex_unlock(&written->lock);
	return since_ns;
}

bool dd_written_is_ours(struct dd_written *written, const struct dd_trace *trace)
{
	uint64_t sum = trace->sum ? trace->sum : 1;
	bool ours;

	pthread_mutex_lock(&written->lock);
	ours = trace->written_ns < written->since_ns || has(&written->now, sum) ||
	       has(&written->before, sum);
	pthread_mutex_unlock(&written->lock);
	return ours;
}

int dd_written_open(int64_t since_ns, size_t most, struct dd_written **out, struct dd_error *err)
{
	struct dd_written *written = calloc(1, sizeof(*written));

	*out = written;
	if (!written)
		return dd_fail(err, DD_ENOMEM, 0, "remember what is written");
	pthread_mutex_init(&written->lock, NULL);
	written->since_ns = since_ns;
	written->most = most;
	return 0;
}

void dd_written_closep(struct dd_written **written)
{
	if (!*written)
		return;
	free((*written)->now.slots);
	free((*written)->before.slots);
	pthread_mutex_destroy(&(*written)->lock);
	free(*written);
	*written = NULL;
}
