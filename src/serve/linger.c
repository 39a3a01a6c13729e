/*
 * One thread that waits for all of them; it sleeps where there are none.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "serve/linger.h"

#define HELD_MAX 256
#define HELD_MS 2000
#define READ_MAX ((size_t)1 << 20)

struct held {
	int fd;
	int64_t until_ms;
	size_t read;
};

struct dd_linger {
	pthread_t thread;
	int wake;
	pthread_mutex_t lock; /* of what follows */
	struct held held[HELD_MAX];
	size_t count;
	bool closing;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* False: its client has closed, or it has had its time. */
static bool goes_on(struct held *held, short events, int64_t now)
{
	char waste[64 << 10];

	if (now >= held->until_ms || events & (POLLERR | POLLHUP | POLLNVAL))
		return false;
	while (held->read < READ_MAX) {
		ssize_t got = recv(held->fd, waste, sizeof(waste), MSG_DONTWAIT);

		if (got <= 0)
			return got < 0 && (errno == EAGAIN || errno == EINTR);
		held->read += (size_t)got;
	}
	/* No more is read of it: it would be told that it can be. */
	return !(events & POLLRDHUP);
}

/* The polled ones, in the same order, and the first moment at which one has had its time. */
static size_t list(struct dd_linger *linger, struct pollfd polled[HELD_MAX + 1], int *wait_ms)
{
	int64_t first = INT64_MAX;

	polled[0] = (struct pollfd){ .fd = linger->wake, .events = POLLIN };
	for (size_t i = 0; i < linger->count; i++) {
		const struct held *held = &linger->held[i];

		polled[i + 1] = (struct pollfd){
			.fd = held->fd,
			.events = (short)(POLLRDHUP | (held->read < READ_MAX ? POLLIN : 0)),
		};
		if (held->until_ms < first)
			first = held->until_ms;
	}
	first -= now_ms();
	*wait_ms = !linger->count ? -1 : first < 0 ? 0 : (int)first;
	return linger->count;
}

static void look(struct dd_linger *linger, const struct pollfd *polled, size_t count)
{
	int64_t now = now_ms();
	size_t kept = 0;

	for (size_t i = 0; i < linger->count; i++) {
		struct held held = linger->held[i];

		if (i >= count || goes_on(&held, polled[i + 1].revents, now))
			linger->held[kept++] = held;
		else
			close(held.fd);
	}
	linger->count = kept;
}

static void *run(void *arg)
{
	struct dd_linger *linger = arg;
	struct pollfd polled[HELD_MAX + 1];
	eventfd_t ignored;

	pthread_mutex_lock(&linger->lock);
	while (!linger->closing) {
		int wait_ms;
		size_t count = list(linger, polled, &wait_ms);

		pthread_mutex_unlock(&linger->lock);
		poll(polled, count + 1, wait_ms);
		if (polled[0].revents)
			eventfd_read(linger->wake, &ignored);
		pthread_mutex_lock(&linger->lock);
		look(linger, polled, count);
	}
	pthread_mutex_unlock(&linger->lock);
	return NULL;
}

void dd_linger_take(struct dd_linger *linger, int fd)
{
	struct held held = { .until_ms = now_ms() + HELD_MS };

	shutdown(fd, SHUT_WR);
	held.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (held.fd < 0)
		return;
	pthread_mutex_lock(&linger->lock);
	if (linger->count < HELD_MAX && !linger->closing)
		linger->held[linger->count++] = held;
	else
		close(held.fd);
	pthread_mutex_unlock(&linger->lock);
	eventfd_write(linger->wake, 1);
}

int dd_linger_open(struct dd_linger **out, struct dd_error *err)
{
	struct dd_linger *linger = calloc(1, sizeof(*linger));
	int sys;

	*out = NULL;
	if (!linger)
		return dd_fail(err, DD_ENOMEM, 0, "start the HTTP server");
	linger->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (linger->wake < 0) {
		free(linger);
		return dd_fail(err, DD_EIO, errno, "start the HTTP server");
	}
	pthread_mutex_init(&linger->lock, NULL);
	sys = pthread_create(&linger->thread, NULL, run, linger);
	if (sys) {
		close(linger->wake);
		free(linger);
		return dd_fail(err, DD_ENOMEM, sys, "start the HTTP server");
	}
	*out = linger;
	return 0;
}

void dd_linger_closep(struct dd_linger **pointer)
{
	struct dd_linger *linger = *pointer;

	if (!linger)
		return;
	pthread_mutex_lock(&linger->lock);
	linger->closing = true;
	pthread_mutex_unlock(&linger->lock);
	eventfd_write(linger->wake, 1);
	pthread_join(linger->thread, NULL);
	for (size_t i = 0; i < linger->count; i++)
		close(linger->held[i].fd);
	close(linger->wake);
	pthread_mutex_destroy(&linger->lock);
	free(linger);
	*pointer = NULL;
}
