/*
 * A body: one buffer is filled while a job takes the other, so that receiving, hashing and writing
 * overlap. A small one comes in one piece, and is taken by the job that also prepares and ends it.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "serve/http_private.h"

#define SMALL ((size_t)64 << 10)
/* So many bodies have buffers of that size; those beyond do with smaller ones, for memory's sake. */
static const struct {
	unsigned bodies;
	size_t room;
} rooms[] = {
	{ 12, (size_t)1 << 20 },
	{ 64, SMALL },
	{ UINT_MAX, (size_t)16 << 10 },
};

static bool is_small(const struct dd_exchange *exchange)
{
	return exchange->length <= SMALL && !exchange->expects;
}

/* Waits for the verdict before the client is asked for the bytes. */
static void prepare_first(struct dd_exchange *exchange)
{
	exchange->body.ops->prepare(exchange);
}

static size_t choose_room(unsigned bodies)
{
	size_t i = 0;

	while (bodies >= rooms[i].bodies)
		i++;
	return rooms[i].room;
}

bool body_begin(struct dd_exchange *exchange)
{
	struct body *body = &exchange->body;
	struct dd_http *http = http_of(exchange);

	if (body->ops->max && exchange->has_body && exchange->length != UINT64_MAX &&
	    exchange->length > body->ops->max) {
		exchange_trouble(exchange, 413, "the body is larger than is allowed");
		return false;
	}
	if (!body->prepared && !is_small(exchange) && body->ops->prepare) {
		body->prepared = true;
		exchange->work = prepare_first;
		return true;
	}
	body->room = choose_room(atomic_fetch_add(&http->bodies, 1));
	if (exchange->length < body->room)
		body->room = exchange->length ? (size_t)exchange->length : 1;
	return true;
}

void body_release(struct dd_exchange *exchange)
{
	struct body *body = &exchange->body;

	if (body->room)
		atomic_fetch_sub(&http_of(exchange)->bodies, 1);
	free(body->buffers[0]);
	free(body->buffers[1]);
	body->ops = NULL;
	body->buffers[0] = body->buffers[1] = NULL;
	body->filled[0] = body->filled[1] = body->room = 0;
	body->filling = 0;
	body->busy = body->waiting = body->prepared = false;
	body->abandoned = NULL;
	body->received = body->taken = body->discarded = 0;
}

/* ---- jobs ---- */

static void take(struct dd_exchange *exchange, unsigned which)
{
	struct body *body = &exchange->body;

	if (!body->prepared && body->ops->prepare) {
		body->prepared = true;
		body->ops->prepare(exchange);
	}
	body->taken += body->filled[which];
	if (!exchange->reply && body->ops->max && body->taken > body->ops->max)
		exchange_trouble(exchange, 413, "the body is larger than is allowed");
	if (!exchange->reply && body->filled[which])
		body->ops->take(exchange, body->buffers[which], body->filled[which]);
	body->filled[which] = 0;
}

/*
 * The connection waits with a full buffer: it gets the empty one, and goes on, without a moment in which
 * nothing is taken. The lock is held.
 */
static bool exchange_buffers(struct dd_exchange *exchange)
{
	struct body *body = &exchange->body;

	if (!body->waiting || body->filled[body->filling] < body->room || exchange->reply)
		return false;
	body->filling = !body->filling;
	body->waiting = false;
	return true;
}

/*
 * The empty buffer of a client that is slower than we are; most of them it will not need again. The lock is
 * held.
 */
static void give_up_buffer(struct body *body, unsigned which)
{
	if (body->room > SMALL)
		return;
	free(body->buffers[which]);
	body->buffers[which] = NULL;
}

/* Beside the connection, which goes on filling the other buffer. */
static void take_beside(struct dd_pool_job *job)
{
	struct dd_exchange *exchange = exchange_of_job(job);
	struct body *body = &exchange->body;
	unsigned which = !body->filling;
	dd_exchange_fn *abandoned;
	bool waiting, more;

	do {
		take(exchange, which);
		pthread_mutex_lock(&body->lock);
		more = exchange_buffers(exchange);
		if (more)
			which = !body->filling;
		else
			give_up_buffer(body, which);
		waiting = more || body->waiting;
		abandoned = body->abandoned;
		body->busy = more;
		body->waiting = false;
		pthread_mutex_unlock(&body->lock);
		if (waiting && !abandoned)
			http_resume(exchange);
	} while (more);
	if (abandoned)
		abandoned(exchange);
	link_unref(link_of(exchange));
}

/* The rest, and the end. */
static void take_last(struct dd_exchange *exchange)
{
	take(exchange, exchange->body.filling);
	if (!exchange->reply)
		exchange->body.ops->done(exchange);
	if (!exchange->reply)
		exchange_trouble(exchange, 500, "no reply was made");
}

static void run_last(struct dd_pool_job *job)
{
	struct dd_exchange *exchange = exchange_of_job(job);

	take_last(exchange);
	http_resume(exchange);
}

/* ---- the connection's side ---- */

static bool has_reply(struct dd_exchange *exchange)
{
	struct body *body = &exchange->body;
	bool has;

	pthread_mutex_lock(&body->lock);
	has = !body->busy && exchange->reply;
	pthread_mutex_unlock(&body->lock);
	return has;
}

/*
 * The connection waits until the job beside it is done; there is nothing to wait for if there is none. False:
 * the server is being closed, and the connection with it.
 */
static bool wait_for_job(struct dd_exchange *exchange, bool *waits)
{
	struct body *body = &exchange->body;
	struct dd_http *http = http_of(exchange);
	bool open;

	pthread_mutex_lock(&http->gate);
	pthread_mutex_lock(&body->lock);
	open = !http->closing;
	*waits = body->busy;
	if (open && body->busy) {
		body->waiting = true;
		http_suspend(exchange);
	}
	pthread_mutex_unlock(&body->lock);
	pthread_mutex_unlock(&http->gate);
	return open || !*waits;
}

/* The filled buffer goes into a job; nothing is busy. */
static void hand_over(struct dd_exchange *exchange)
{
	struct body *body = &exchange->body;

	pthread_mutex_lock(&body->lock);
	body->busy = true;
	pthread_mutex_unlock(&body->lock);
	body->filling = !body->filling;
	exchange->job = (struct dd_pool_job){ .run = take_beside };
	link_ref(link_of(exchange));
	dd_pool_add(http_of(exchange)->options.pool, &exchange->job);
}

/* To be filled. NULL: there is no memory. */
static char *get_buffer(struct body *body)
{
	char **buffer = &body->buffers[body->filling];

	if (!*buffer)
		*buffer = malloc(body->room);
	return *buffer;
}

enum MHD_Result body_data(struct dd_exchange *exchange, const char *bytes, size_t *len)
{
	struct body *body = &exchange->body;

	if (has_reply(exchange)) {
		exchange->state = EXCHANGE_DISCARD;
		return exchange_discard(exchange, len);
	}
	while (*len) {
		size_t *filled = &body->filled[body->filling];
		size_t part = body->room - *filled < *len ? body->room - *filled : *len;
		char *buffer;

		if (!part) {
			bool waits;

			if (!wait_for_job(exchange, &waits))
				return MHD_NO;
			if (waits)
				return MHD_YES;
			hand_over(exchange);
			continue;
		}
		buffer = get_buffer(body);
		if (!buffer)
			return MHD_NO;
		memcpy(buffer + *filled, bytes, part);
		*filled += part;
		bytes += part;
		*len -= part;
		body->received += part;
		atomic_fetch_add_explicit(&link_of(exchange)->moved, part, memory_order_relaxed);
	}
	return MHD_YES;
}

enum MHD_Result body_end(struct dd_exchange *exchange)
{
	bool waits;

	atomic_store_explicit(&link_of(exchange)->unfinished, false, memory_order_relaxed);
	if (!wait_for_job(exchange, &waits))
		return MHD_NO;
	if (waits)
		return MHD_YES;
	exchange->state = EXCHANGE_LAST;
	if (exchange->reply)
		return exchange_queue(exchange);
	if (http_suspend_for(exchange, false, run_last))
		return MHD_YES;
	take_last(exchange);
	return exchange_queue(exchange);
}

bool body_abandon(struct dd_exchange *exchange, dd_exchange_fn *finish)
{
	struct body *body = &exchange->body;
	bool busy;

	pthread_mutex_lock(&body->lock);
	busy = body->busy;
	body->abandoned = busy ? finish : NULL;
	pthread_mutex_unlock(&body->lock);
	return !busy;
}
