/*
 * The access log: two texts, one being filled while the other is written.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/thread.h"
#include "serve/access_log.h"

#define PENDING_MAX ((size_t)1 << 20) /* bytes that wait for the reader */
#define FLUSH_NS (INT64_C(200) * 1000000)

struct dd_access_log {
	int fd;
	enum dd_access_form form;
	bool closing;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct dd_text pending;
	_Atomic uint64_t lost;
};

/* ---- writing ---- */

static void write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t part = write(fd, bytes, len);

		if (part < 0 && errno == EINTR)
			continue;
		if (part <= 0)
			return; /* nobody reads it: serving goes on */
		bytes += part;
		len -= (size_t)part;
	}
}

static void wait_a_little(struct dd_access_log *log)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += FLUSH_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(&log->wake, &log->lock, &until);
}

static void *writer(void *arg)
{
	struct dd_access_log *log = arg;
	struct dd_text writing = { 0 };

	pthread_mutex_lock(&log->lock);
	while (!log->closing || log->pending.len) {
		struct dd_text swap = log->pending;

		if (!swap.len) {
			if (!log->closing)
				pthread_cond_wait(&log->wake, &log->lock);
			continue;
		}
		log->pending = writing;
		writing = swap;
		pthread_mutex_unlock(&log->lock);
		write_all(log->fd, writing.bytes, writing.len);
		dd_text_cut(&writing, 0);
		pthread_mutex_lock(&log->lock);
		if (!log->closing)
			wait_a_little(log);
	}
	pthread_mutex_unlock(&log->lock);
	dd_text_release(&writing);
	return NULL;
}

int dd_access_log_open(int fd, enum dd_access_form form, struct dd_access_log **out,
		       struct dd_error *err)
{
	struct dd_access_log *log = calloc(1, sizeof(*log));
	int sys;

	*out = NULL;
	if (!log)
		return dd_fail(err, DD_ENOMEM, 0, "open the access log");
	log->fd = fd;
	log->form = form;
	pthread_mutex_init(&log->lock, NULL);
	dd_condition_init(&log->wake);
	sys = pthread_create(&log->thread, NULL, writer, log);
	if (sys) {
		free(log);
		return dd_fail(err, DD_ENOMEM, sys, "open the access log");
	}
	*out = log;
	return 0;
}

void dd_access_log_closep(struct dd_access_log **pointer)
{
	struct dd_access_log *log = *pointer;

	if (!log)
		return;
	pthread_mutex_lock(&log->lock);
	log->closing = true;
	pthread_cond_signal(&log->wake);
	pthread_mutex_unlock(&log->lock);
	pthread_join(log->thread, NULL);
	pthread_cond_destroy(&log->wake);
	pthread_mutex_destroy(&log->lock);
	dd_text_release(&log->pending);
	free(log);
	*pointer = NULL;
}

uint64_t dd_access_log_get_lost(struct dd_access_log *log)
{
	return atomic_load(&log->lost);
}

static void add_line(struct dd_access_log *log, const char *bytes, size_t len)
{
	bool first;

	pthread_mutex_lock(&log->lock);
	first = !log->pending.len;
	if (log->pending.len + len > PENDING_MAX || dd_text_add(&log->pending, bytes, len) < 0)
		atomic_fetch_add(&log->lost, 1);
	if (first)
		pthread_cond_signal(&log->wake);
	pthread_mutex_unlock(&log->lock);
}

void dd_access_log_add(struct dd_access_log *log, const struct dd_access_entry *entry)
{
	DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };

	if (dd_access_line(log->form, entry, &text) == 0)
		add_line(log, text.bytes, text.len);
	else
		atomic_fetch_add(&log->lost, 1);
}
