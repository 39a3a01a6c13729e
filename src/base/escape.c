/*
 * Untrusted bytes, made fit for a terminal.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <drydock/escape.h>

#include "base/cleanup.h"
#include "base/utf8.h"

/* One character of the input: how many bytes of it, and what becomes of them. */
static size_t escape_one(const char *bytes, size_t len, char out[static 16], size_t *out_len)
{
	static const char digits[] = "0123456789abcdef";
	uint32_t point;
	size_t taken = dd_utf8_decode(bytes, len, &point), used = 0;

	if (taken && point != '\\' && !dd_utf8_is_hidden(point)) {
		memcpy(out, bytes, taken);
		*out_len = taken;
		return taken;
	}
	if (!taken)
		taken = 1;
	if (bytes[0] == '\\') {
		memcpy(out, "\\\\", 2);
		*out_len = 2;
		return taken;
	}
	for (size_t i = 0; i < taken; i++) {
		uint8_t byte = (uint8_t)bytes[i];

		out[used++] = '\\';
		out[used++] = 'x';
		out[used++] = digits[byte >> 4];
		out[used++] = digits[byte & 15];
	}
	*out_len = used;
	return taken;
}

size_t dd_escape(char *out, size_t room, const char *bytes, size_t len)
{
	size_t total = 0, written = 0;
	bool full = room == 0;

	for (size_t at = 0; at < len;) {
		char piece[16];
		size_t size;

		at += escape_one(bytes + at, len - at, piece, &size);
		if (!full && size >= room - written)
			full = true;
		if (!full) {
			memcpy(out + written, piece, size);
			written += size;
		}
		total += size;
	}
	if (room)
		out[written] = '\0';
	return total;
}

const char *dd_escaped(const char *text)
{
	static const char more[] = "\xe2\x80\xa6"; /* … */
	static _Thread_local char texts[4][2048];
	static _Thread_local unsigned next;
	char *out = texts[next++ % DD_COUNT(texts)];
	size_t room = sizeof(texts[0]), len;

	if (!text)
		return "(null)";
	len = strlen(text);
	if (dd_escape(out, room, text, len) >= room) {
		dd_escape(out, room - strlen(more), text, len);
		memcpy(out + strlen(out), more, sizeof(more));
	}
	return out;
}
