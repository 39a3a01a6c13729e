/*
 * The access log: two texts, one being filled while the other is written.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <drydock/escape.h>
#include <drydock/json.h>
#include <drydock/units.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/thread.h"
#include "serve/access_log.h"

#define PENDING_MAX ((size_t)1 << 20) /* bytes that wait for the reader */
#define FLUSH_NS (INT64_C(200) * 1000000)

struct dd_access_log {
	int fd;
	bool json, closing;
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

int dd_access_log_open(int fd, bool json, struct dd_access_log **out, struct dd_error *err)
{
	struct dd_access_log *log = calloc(1, sizeof(*log));
	int sys;

	*out = NULL;
	if (!log)
		return dd_fail(err, DD_ENOMEM, 0, "open the access log");
	log->fd = fd;
	log->json = json;
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

/* ---- what a line says ---- */

/* The fields of a query that are ours to read; who puts a secret into one has to look elsewhere. */
static bool is_known(const char *name, size_t len)
{
	static const char *const known[] = { "n",    "last", "digest",	     "mount",
					     "from", "tag",  "artifactType", "digest-algorithm" };

	for (size_t i = 0; i < DD_COUNT(known); i++)
		if (strlen(known[i]) == len && !memcmp(known[i], name, len))
			return true;
	return false;
}

/* The target, escaped, and unknown fields of its query without their values. */
static void format_target(const char *target, char *out, size_t room)
{
	size_t path = strcspn(target, "?"), to = dd_escape(out, room, target, path);
	const char *at = target + path;

	while (*at && to + 2 < room) {
		size_t len = 1 + strcspn(at + 1, "&"), name = 1 + strcspn(at + 1, "=&");

		if (is_known(at + 1, name - 1))
			to += dd_escape(out + to, room - to, at, len);
		else
			to += (size_t)snprintf(out + to, room - to, "%c…", *at);
		at += len;
	}
}

/* "30/Nov/2026:13:05:00 +0000", in UTC and English whatever the locale is. */
static void format_time(char out[static 40])
{
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	snprintf(out, 40, "%02d/%s/%04d:%02d:%02d:%02d +0000", tm.tm_mday, months[tm.tm_mon],
		 tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* Escapes, with nothing left that would end a quoted field. */
static const char *field(char *out, size_t room, const char *text)
{
	dd_escape(out, room, text, strlen(text));
	for (char *at = out; *at; at++)
		if (*at == '"')
			*at = '\'';
	return *out ? out : "-";
}

static void format_text(struct dd_request *request, char *out, size_t room)
{
	struct dd_exchange *exchange = request->exchange;
	char raw[1024], target[1024], user[200], agent[400], when[40];

	format_target(dd_exchange_get_target(exchange), raw, sizeof(raw));
	snprintf(target, sizeof(target), "%s", raw);
	for (char *at = target; *at; at++)
		if (*at == '"' || *at == ' ')
			*at = '\'';
	format_time(when);
	snprintf(out, room, "%s - %s [%s] \"%s %s HTTP/1.1\" %u %" PRIu64 " \"-\" \"%s\"\n",
		 dd_exchange_get_peer(exchange),
		 field(user, sizeof(user), dd_request_user(request)), when,
		 dd_exchange_get_method(exchange), target, dd_exchange_get_status(exchange),
		 dd_exchange_get_sent(exchange), field(agent, sizeof(agent), request->agent));
}

static int to_text(void *arg, const char *bytes, size_t len)
{
	return dd_text_add(arg, bytes, len) < 0 ? ENOMEM : 0;
}

static int format_json(struct dd_request *request, struct dd_text *text)
{
	struct dd_exchange *exchange = request->exchange;
	DD_CLEANUP(dd_json_closep) struct dd_json_out *out = NULL;
	char target[1024];
	struct timespec now;
	int rc = dd_json_open(&out, to_text, text, DD_JSON_LINES, NULL);

	if (rc < 0)
		return rc;
	clock_gettime(CLOCK_MONOTONIC, &now);
	format_target(dd_exchange_get_target(exchange), target, sizeof(target));
	dd_json_object(out, NULL);
	dd_json_time(out, "time", dd_time_now());
	dd_json_text(out, "peer", dd_exchange_get_peer(exchange));
	dd_json_text(out, "user", dd_request_user(request));
	dd_json_text(out, "method", dd_exchange_get_method(exchange));
	dd_json_text(out, "target", target);
	dd_json_text(out, "repository", request->route.repository);
	dd_json_uint(out, "status", dd_exchange_get_status(exchange));
	dd_json_bool(out, "complete", dd_exchange_is_complete(exchange));
	dd_json_uint(out, "received", dd_exchange_get_received(exchange));
	dd_json_uint(out, "sent", dd_exchange_get_sent(exchange));
	dd_json_int(out, "microseconds",
		    (now.tv_sec * DD_SECOND + now.tv_nsec - request->began_ns) / 1000);
	dd_json_text(out, "agent", request->agent);
	dd_json_end(out);
	dd_json_newline(out);
	return dd_json_finish(out, NULL);
}

void dd_access_log_add(struct dd_access_log *log, struct dd_request *request)
{
	char line[2400];

	if (log->json) {
		DD_CLEANUP(dd_text_release) struct dd_text text = { 0 };

		if (format_json(request, &text) == 0)
			add_line(log, text.bytes, text.len);
		return;
	}
	format_text(request, line, sizeof(line));
	add_line(log, line, strlen(line));
}
