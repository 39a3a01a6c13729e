/*
 * Growing bytes.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

int dd_text_reserve(struct dd_text *text, size_t more)
{
	size_t need, room = text->room ? text->room : 64;
	char *bytes;

	if (__builtin_add_overflow(text->len, more, &need) ||
	    __builtin_add_overflow(need, 1, &need))
		return DD_ENOMEM;
	if (need <= text->room)
		return 0;
	while (room < need)
		if (__builtin_mul_overflow(room, 2, &room))
			return DD_ENOMEM;
	bytes = realloc(text->bytes, room);
	if (!bytes)
		return DD_ENOMEM;
	text->bytes = bytes;
	text->room = room;
	return 0;
}

int dd_text_add(struct dd_text *text, const void *bytes, size_t len)
{
	if (dd_text_reserve(text, len) < 0)
		return DD_ENOMEM;
	if (len)
		memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
	text->bytes[text->len] = '\0';
	return 0;
}

int dd_text_printf(struct dd_text *text, const char *fmt, ...)
{
	va_list args;
	int need;

	va_start(args, fmt);
	need = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (need < 0 || dd_text_reserve(text, (size_t)need) < 0)
		return DD_ENOMEM;
	va_start(args, fmt);
	vsnprintf(text->bytes + text->len, text->room - text->len, fmt, args);
	va_end(args);
	text->len += (size_t)need;
	return 0;
}

void dd_text_cut(struct dd_text *text, size_t len)
{
	if (len < text->len) {
		text->len = len;
		text->bytes[len] = '\0';
	}
}

char *dd_text_take(struct dd_text *text)
{
	char *bytes = text->bytes;

	memset(text, 0, sizeof(*text));
	return bytes;
}

void dd_text_release(struct dd_text *text)
{
	free(text->bytes);
	memset(text, 0, sizeof(*text));
}
