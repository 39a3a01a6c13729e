/*
 * Talk to standard error.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include <drydock/escape.h>
#include <drydock/json.h>
#include <drydock/units.h>

#include "cleanup.h"
#include "talk.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *command;
static enum talk_format format;
static bool drawn; /* a line without an end is on the terminal */

static void take_away(void)
{
	if (drawn)
		fputs("\r\033[K", stderr);
	drawn = false;
}

/* How serious a message is: its name in JSON, and what a line begins with. */
static const struct {
	const char *name, *prefix;
} levels[] = {
	[DD_LOG_ERROR] = { "error", "" },
	[DD_LOG_WARNING] = { "warning", "warning: " },
	[DD_LOG_NOTE] = { "note", "note: " },
	[DD_LOG_DEBUG] = { "debug", "debug: " },
};

static int to_stderr(void *arg, const char *bytes, size_t len)
{
	(void)arg;
	return fwrite(bytes, 1, len, stderr) == len ? 0 : errno;
}

/* Without memory: no message is worth ending for. */
static void say_json(enum dd_log_level level, const char *text, const char *hint)
{
	CLEANUP(dd_json_closep) struct dd_json_out *out = NULL;

	if (dd_json_open(&out, to_stderr, NULL, DD_JSON_LINES, NULL) < 0)
		return;
	dd_json_object(out, NULL);
	dd_json_time(out, "time", dd_time_now());
	dd_json_text(out, "level", levels[level].name);
	dd_json_text(out, "command", command);
	dd_json_text(out, "text", text);
	if (hint)
		dd_json_text(out, "hint", hint);
	dd_json_end(out);
	dd_json_newline(out);
	dd_json_finish(out, NULL);
}

static void say_text(const char *prefix, const char *text)
{
	fprintf(stderr, "drydock: %s%s%s%s\n", command ? command : "", command ? ": " : "", prefix,
		dd_escaped(text));
}

/* Each line at once, so that lines of several processes do not mix. prefix: of the text alone. */
static void say(enum dd_log_level level, const char *prefix, const char *text, const char *hint)
{
	pthread_mutex_lock(&lock);
	take_away();
	if (format == TALK_JSON) {
		say_json(level, text, hint);
	} else {
		say_text(prefix, text);
		if (hint)
			say_text("hint: ", hint);
	}
	fflush(stderr);
	pthread_mutex_unlock(&lock);
}

void talk_set_format(enum talk_format wanted)
{
	format = wanted;
}

void talk_set_command(const char *name)
{
	command = name;
}

void talk_error(const struct dd_error *err)
{
	say(DD_LOG_ERROR, "", err->text[0] ? err->text : dd_code_text(err->code),
	    err->hint[0] ? err->hint : NULL);
}

void talk_line(enum dd_log_level level, const char *fmt, ...)
{
	char text[DD_ERROR_TEXT];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	say(level, "", text, NULL);
}

void talk_log(void *arg, enum dd_log_level level, const char *text)
{
	(void)arg;
	say(level, levels[level].prefix, text, NULL);
}

void talk_draw(const char *line)
{
	pthread_mutex_lock(&lock);
	take_away();
	if (line[0]) {
		fprintf(stderr, "%s\r", line);
		drawn = true;
	}
	fflush(stderr);
	pthread_mutex_unlock(&lock);
}
