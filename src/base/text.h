/*
 * Growing bytes, always NUL-terminated once there are any. { 0 } is empty; release when done.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>

#include <drydock/error.h>

struct dd_text {
	char *bytes;
	size_t len, room;
};

/* 0 or DD_ENOMEM; the text is as before then. */
int dd_text_reserve(struct dd_text *text, size_t more);
int dd_text_add(struct dd_text *text, const void *bytes, size_t len);
int dd_text_printf(struct dd_text *text, const char *fmt, ...) DD_PRINTF(2, 3);
void dd_text_cut(struct dd_text *text, size_t len);
/* The bytes become the caller's, to free(); the text is empty. */
char *dd_text_take(struct dd_text *text);
void dd_text_release(struct dd_text *text);

#endif
