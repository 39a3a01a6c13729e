/*
 * Sizes, durations, times and escaping: any text is read, or refused; what is written for a time is
 * read as the same one; nothing that is escaped is unfit for a terminal.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/escape.h>
#include <drydock/units.h>

#include "base/utf8.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_numbers(const char *text)
{
	char buf[DD_UNIT_TEXT];
	struct dd_error err = { 0 };
	uint64_t bytes = 0;
	int64_t ns = 0;

	if (dd_duration_parse(&ns, text, &err) < 0)
		MUST(err.code == DD_EUSAGE && err.text[0] && err.hint[0]);
	else
		MUST(ns >= 0);
	MUST(memchr(dd_duration_format(ns, buf), '\0', sizeof(buf)));
	dd_error_clear(&err);
	if (dd_size_parse(&bytes, text, &err) < 0)
		MUST(err.code == DD_EUSAGE && err.text[0] && err.hint[0]);
	MUST(memchr(dd_size_format(bytes, buf), '\0', sizeof(buf)));
}

static void check_time(const char *text, size_t size)
{
	char buf[DD_UNIT_TEXT];
	int64_t ns, again;

	if (dd_time_parse(&ns, text, size) < 0) {
		if (size < sizeof(ns))
			return;
		memcpy(&ns, text, sizeof(ns));
	}
	dd_time_format_local(ns, buf);
	dd_time_format_utc(ns, buf);
	MUST(strlen(buf) == 20);
	/* The first second that there is begins before the first nanosecond. */
	if (ns >= INT64_MIN + DD_SECOND)
		MUST(!dd_time_parse(&again, buf, 20) && again <= ns && ns - again < DD_SECOND);
}

static void check_escape(const char *bytes, size_t size)
{
	size_t len = dd_escape(NULL, 0, bytes, size), room = size ? (uint8_t)bytes[0] : 1;
	char *whole = malloc(len + 1), *part = malloc(room ? room : 1);

	MUST(whole && part);
	MUST(dd_escape(whole, len + 1, bytes, size) == len && strlen(whole) == len);
	for (size_t at = 0; at < len;) {
		uint32_t point;
		size_t width = dd_utf8_decode(whole + at, len - at, &point);

		MUST(width && !dd_utf8_is_hidden(point));
		at += width;
	}
	MUST(dd_escape(part, room, bytes, size) == len);
	if (room)
		MUST(strlen(part) < room && !strncmp(part, whole, strlen(part)));
	free(whole);
	free(part);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	MUST(text);
	memcpy(text, data, size);
	text[size] = '\0';
	check_numbers(text);
	check_time(text, size);
	check_escape(text, size);
	MUST(strlen(dd_escaped(text)) < 2048);
	free(text);
	return 0;
}
