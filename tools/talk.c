/*
 * Talk to standard error.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include <drydock/escape.h>

#include "talk.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *command;
static bool drawn; /* a line without an end is on the terminal */

static void take_away(void)
{
	if (drawn)
		fputs("\r\033[K", stderr);
	drawn = false;
}

/* One line, so that lines of several processes do not mix. */
static void say(const char *kind, const char *text)
{
	pthread_mutex_lock(&lock);
	take_away();
	fprintf(stderr, "drydock: %s%s%s%s\n", command ? command : "", command ? ": " : "", kind,
		dd_escaped(text));
	fflush(stderr);
	pthread_mutex_unlock(&lock);
}

void talk_set_command(const char *name)
{
	command = name;
}

void talk_error(const struct dd_error *err)
{
	say("", err->text[0] ? err->text : dd_code_text(err->code));
	if (err->hint[0])
		say("hint: ", err->hint);
}

void talk_line(const char *fmt, ...)
{
	char text[DD_ERROR_TEXT];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	say("", text);
}

void talk_log(void *arg, enum dd_log_level level, const char *text)
{
	static const char *const kinds[] = {
		[DD_LOG_ERROR] = "",
		[DD_LOG_WARNING] = "warning: ",
		[DD_LOG_NOTE] = "note: ",
		[DD_LOG_DEBUG] = "debug: ",
	};

	(void)arg;
	say(kinds[level], text);
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
