/*
 * Talk to standard error.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <drydock/escape.h>
#include <drydock/json.h>
#include <drydock/units.h>

#include "cleanup.h"
#include "fit.h"
#include "talk.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *program = "drydock", *command;
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
	fprintf(stderr, "%s: %s%s%s%s\n", program, command ? command : "", command ? ": " : "",
		prefix, dd_escaped(text));
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

void talk_set_program(const char *name)
{
	program = name;
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

/* Fit for a terminal, but with backslashes as they were typed; heap memory, or NULL. */
static char *as_typed(const char *bytes, size_t len)
{
	size_t need = dd_escape(NULL, 0, bytes, len), to = 0;
	char *text = malloc(need + 1);

	if (!text)
		return NULL;
	dd_escape(text, need + 1, bytes, len);
	for (size_t from = 0; from < need; from++) {
		text[to++] = text[from];
		from += text[from] == '\\' && text[from + 1] == '\\';
	}
	text[to] = '\0';
	return text;
}

/* How much of the front is left out, so that the word stands on the terminal's first line. */
static size_t left_out(const char *line, size_t begin, size_t room)
{
	const char *at = line;

	while (at < line + begin && fit_columns(at) - fit_columns(line + begin) + 1 > room / 2) {
		const char *blank = strchr(at, ' ');

		at = blank && blank < line + begin ? blank + 1 : line + begin;
	}
	return (size_t)(at - line);
}

/* On a terminal as much of it as fits on a line. */
static void print_pointed(const char *line, size_t begin, const char *word)
{
	struct winsize size = { 0 };
	size_t room = SIZE_MAX, from = 0, width = fit_columns(word), before;
	AUTOFREE char *cut = NULL;

	if (isatty(STDERR_FILENO) && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		room = size.ws_col;
	if (fit_columns(line) > room) {
		from = left_out(line, begin, room);
		room -= from ? 2 : 0;
	}
	cut = fit_text(line + from, room, FIT_END);
	before = (from ? 2 : 0) + fit_columns(line + from) - fit_columns(line + begin);
	if (!cut)
		return;
	fprintf(stderr, "%s%s\n%*s", from ? "… " : "", cut, (int)before, "");
	for (size_t left = width < room ? width : room; left; left--)
		fputc('~', stderr);
	fputc('\n', stderr);
}

void talk_point(const char *line, size_t begin, size_t len)
{
	AUTOFREE char *whole = as_typed(line, strlen(line)), *before = as_typed(line, begin),
		      *word = as_typed(line + begin, len);

	pthread_mutex_lock(&lock);
	take_away();
	if (format == TALK_TEXT && whole && before && word)
		print_pointed(whole, strlen(before), word);
	fflush(stderr);
	pthread_mutex_unlock(&lock);
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
