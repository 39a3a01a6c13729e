/*
 * Talk: everything that goes to standard error. A process has one, so its state is here alone.
 * What is said may hold bytes of the volume: it is escaped here. Any thread may speak.
 */
#ifndef TOOLS_TALK_H
#define TOOLS_TALK_H

#include <drydock/context.h>
#include <drydock/error.h>

enum talk_format { TALK_TEXT, TALK_JSON };

/* TALK_JSON: each message is an object in a line: time, level, command, text, perhaps hint. */
void talk_set_format(enum talk_format format);
/* "drydock" if it is never called. Static text. */
void talk_set_program(const char *name);
/* "drydock: gc: …" from here on; NULL: no command yet. Static text. */
void talk_set_command(const char *command);

/* An error, and on a second line what to try, if anything is known. */
void talk_error(const struct dd_error *err);
/* One line of our own, whatever may be said. */
void talk_line(enum dd_log_level level, const char *fmt, ...) DD_PRINTF(2, 3);

/* A line, and under so many of its bytes from there on a wave: what follows is about them. */
void talk_point(const char *line, size_t begin, size_t len);

/* A dd_log_fn. */
void talk_log(void *arg, enum dd_log_level level, const char *text);

/*
 * A line that is drawn over again (the progress) or, with "", taken away. Whatever else is said
 * takes it away first.
 */
void talk_draw(const char *line);

#endif
