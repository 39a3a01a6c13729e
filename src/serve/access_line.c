/*
 * A line of the access log.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <drydock/escape.h>
#include <drydock/json.h>
#include <drydock/units.h>

#include "base/cleanup.h"
#include "serve/access_line.h"

#define LINE_MAX 2400

bool dd_access_find_form(const char *name, enum dd_access_form *form)
{
	static const char *const names[] = {
#define X(constant, name) [constant] = name,
		DD_ACCESS_FORMS(X)
#undef X
	};

	for (size_t i = 0; i < DD_COUNT(names); i++)
		if (!strcmp(names[i], name)) {
			*form = (enum dd_access_form)i;
			return true;
		}
	return false;
}

/* ---- parts ---- */

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

/* ---- lines ---- */

/* What was no request has none, as other servers write it: "-". */
static int add_text(const struct dd_access_entry *entry, struct dd_text *text)
{
	char line[LINE_MAX], target[1024], user[200], method[100], agent[400], when[40];
	int len;

	format_target(entry->target, target, sizeof(target));
	for (char *at = target; *at; at++)
		if (*at == '"' || *at == ' ')
			*at = '\'';
	format_time(when);
	len = snprintf(line, sizeof(line),
		       "%s - %s [%s] \"%s%s%s%s\" %u %" PRIu64 " \"-\" \"%s\"\n", entry->peer,
		       field(user, sizeof(user), entry->user), when,
		       field(method, sizeof(method), entry->method), *target ? " " : "", target,
		       *target ? " HTTP/1.1" : "", entry->status, entry->sent,
		       field(agent, sizeof(agent), entry->agent));
	return dd_text_add(text, line, (size_t)len);
}

static void write_json(struct dd_json_out *out, const struct dd_access_entry *entry,
		       const char *target)
{
	dd_json_time(out, "time", dd_time_now());
	dd_json_text(out, "peer", entry->peer);
	dd_json_text(out, "user", entry->user);
	dd_json_text(out, "method", entry->method);
	dd_json_text(out, "target", target);
	dd_json_text(out, "repository", entry->repository);
	dd_json_uint(out, "status", entry->status);
	dd_json_bool(out, "complete", entry->complete);
	dd_json_uint(out, "received", entry->received);
	dd_json_uint(out, "sent", entry->sent);
	dd_json_int(out, "microseconds", entry->us);
	dd_json_text(out, "agent", entry->agent);
}

/* The fields of logstash's formatter, and those that the registry itself gives to a response. */
static void write_logstash(struct dd_json_out *out, const struct dd_access_entry *entry,
			   const char *target)
{
	char duration[32];

	snprintf(duration, sizeof(duration), "%" PRId64 "us", entry->us);
	dd_json_time(out, "@timestamp", dd_time_now());
	dd_json_text(out, "@version", "1");
	dd_json_text(out, "level", entry->status >= 500 ? "error" : "info");
	dd_json_text(out, "message",
		     entry->complete ? "response completed" : "response broken off");
	dd_json_text(out, "http.request.remoteaddr", entry->peer);
	dd_json_text(out, "http.request.method", entry->method);
	dd_json_text(out, "http.request.uri", target);
	dd_json_text(out, "http.request.useragent", entry->agent);
	dd_json_uint(out, "http.request.written", entry->received);
	dd_json_uint(out, "http.response.status", entry->status);
	dd_json_uint(out, "http.response.written", entry->sent);
	dd_json_text(out, "http.response.duration", duration);
	dd_json_text(out, "auth.user.name", entry->user);
	dd_json_text(out, "vars.name", entry->repository);
}

static int to_text(void *arg, const char *bytes, size_t len)
{
	return dd_text_add(arg, bytes, len) < 0 ? ENOMEM : 0;
}

int dd_access_line(enum dd_access_form form, const struct dd_access_entry *entry,
		   struct dd_text *text)
{
	DD_CLEANUP(dd_json_closep) struct dd_json_out *out = NULL;
	char target[1024];
	int rc;

	if (form == DD_ACCESS_TEXT)
		return add_text(entry, text);
	rc = dd_json_open(&out, to_text, text, DD_JSON_LINES, NULL);
	if (rc < 0)
		return rc;
	format_target(entry->target, target, sizeof(target));
	dd_json_object(out, NULL);
	(form == DD_ACCESS_JSON ? write_json : write_logstash)(out, entry, target);
	dd_json_end(out);
	dd_json_newline(out);
	return dd_json_finish(out, NULL);
}
