/*
 * Writing JSON: what is open is a stack of one bit of knowledge each, what is written is a buffer.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/json.h>
#include <drydock/units.h>

#include "base/utf8.h"

struct dd_json_out {
	dd_json_sink_fn *sink;
	void *arg;
	unsigned flags;
	int failed; /* errno of the first error */
	unsigned depth;
	bool filled; /* the innermost object or array has a member; at the top, a document is there */
	bool in_array[DD_JSON_DEPTH + 1]; /* by depth; 0 is the top */
	size_t used;
	char buffer[8192];
};

int dd_json_open(struct dd_json_out **out, dd_json_sink_fn *sink, void *arg, unsigned flags,
		 struct dd_error *err)
{
	assert(!((flags & DD_JSON_PRETTY) && (flags & DD_JSON_LINES)));
	*out = malloc(sizeof(**out));
	if (!*out)
		return dd_fail(err, DD_ENOMEM, 0, "write JSON");
	(*out)->sink = sink;
	(*out)->arg = arg;
	(*out)->flags = flags;
	(*out)->failed = 0;
	(*out)->depth = 0;
	(*out)->filled = false;
	(*out)->in_array[0] = true;
	(*out)->used = 0;
	return 0;
}

void dd_json_close(struct dd_json_out *out)
{
	free(out);
}

void dd_json_closep(struct dd_json_out **out)
{
	dd_json_close(*out);
	*out = NULL;
}

static void flush(struct dd_json_out *out)
{
	if (!out->failed && out->used)
		out->failed = out->sink(out->arg, out->buffer, out->used);
	out->used = 0;
}

static void put(struct dd_json_out *out, const char *bytes, size_t len)
{
	while (len > sizeof(out->buffer) - out->used) {
		size_t part = sizeof(out->buffer) - out->used;

		memcpy(out->buffer + out->used, bytes, part);
		out->used += part;
		bytes += part;
		len -= part;
		flush(out);
	}
	memcpy(out->buffer + out->used, bytes, len);
	out->used += len;
}

static void put_char(struct dd_json_out *out, char c)
{
	put(out, &c, 1);
}

static void put_newline(struct dd_json_out *out)
{
	put_char(out, '\n');
	for (unsigned i = 0; i < out->depth; i++)
		put(out, "  ", 2);
}

static void put_unit(struct dd_json_out *out, unsigned unit)
{
	char text[8];

	snprintf(text, sizeof(text), "\\u%04x", unit & 0xffff);
	put(out, text, 6);
}

static void put_hidden(struct dd_json_out *out, uint32_t point)
{
	static const char letters[] = "btn\0fr"; /* from U+0008 on */

	if (point >= 8 && point <= 13 && point != 11) {
		put_char(out, '\\');
		put_char(out, letters[point - 8]);
	} else if (point < 0x10000) {
		put_unit(out, point);
	} else {
		put_unit(out, 0xd800 + ((point - 0x10000) >> 10));
		put_unit(out, 0xdc00 + ((point - 0x10000) & 0x3ff));
	}
}

/* The length of the start of the bytes that can go out as it is. */
static size_t plain_length(const char *bytes, size_t len)
{
	size_t at = 0;

	while (at < len && (signed char)bytes[at] >= ' ' && bytes[at] != '"' && bytes[at] != '\\' &&
	       bytes[at] != 0x7f)
		at++;
	return at;
}

static void put_string(struct dd_json_out *out, const char *bytes, size_t len)
{
	put_char(out, '"');
	for (size_t at = 0; at < len;) {
		size_t length = plain_length(bytes + at, len - at);
		uint32_t point;

		put(out, bytes + at, length);
		at += length;
		if (at == len)
			break;
		length = dd_utf8_decode(bytes + at, len - at, &point);
		if (!length) {
			put(out, DD_UTF8_REPLACEMENT, strlen(DD_UTF8_REPLACEMENT));
			length = 1;
		} else if (dd_utf8_is_hidden(point)) {
			put_hidden(out, point);
		} else {
			if (point == '"' || point == '\\')
				put_char(out, '\\');
			put(out, bytes + at, length);
		}
		at += length;
	}
	put_char(out, '"');
}

/* Everything in front of a value. */
static void begin(struct dd_json_out *out, const char *key)
{
	assert(out->in_array[out->depth] == !key);
	assert(out->depth || !out->filled);
	if (out->filled)
		put_char(out, ',');
	if (out->depth && out->flags & DD_JSON_PRETTY)
		put_newline(out);
	out->filled = true;
	if (!key)
		return;
	put_string(out, key, strlen(key));
	put(out, ": ", out->flags & DD_JSON_PRETTY ? 2 : 1);
}

static void open_group(struct dd_json_out *out, const char *key, bool array)
{
	begin(out, key);
	assert(out->depth < DD_JSON_DEPTH);
	put_char(out, array ? '[' : '{');
	out->in_array[++out->depth] = array;
	out->filled = false;
}

void dd_json_object(struct dd_json_out *out, const char *key)
{
	open_group(out, key, false);
}

void dd_json_array(struct dd_json_out *out, const char *key)
{
	open_group(out, key, true);
}

void dd_json_end(struct dd_json_out *out)
{
	bool array;

	assert(out->depth);
	array = out->in_array[out->depth--];
	if (out->filled && out->flags & DD_JSON_PRETTY)
		put_newline(out);
	put_char(out, array ? ']' : '}');
	out->filled = true;
}

void dd_json_newline(struct dd_json_out *out)
{
	assert(out->flags & DD_JSON_LINES && !out->depth && out->filled);
	put_char(out, '\n');
	flush(out);
	out->filled = false;
}

int dd_json_finish(struct dd_json_out *out, struct dd_error *err)
{
	assert(!out->depth);
	if (!(out->flags & DD_JSON_LINES)) {
		assert(out->filled);
		put_char(out, '\n');
	} else {
		assert(!out->filled);
	}
	flush(out);
	out->filled = false;
	if (out->failed)
		return dd_fail(err, dd_code_of_errno(out->failed), out->failed, "write JSON");
	return 0;
}

bool dd_json_failed(const struct dd_json_out *out)
{
	return out->failed != 0;
}

void dd_json_null(struct dd_json_out *out, const char *key)
{
	begin(out, key);
	put(out, "null", 4);
}

void dd_json_bytes(struct dd_json_out *out, const char *key, const void *data, size_t len)
{
	begin(out, key);
	put_string(out, data, len);
}

void dd_json_text(struct dd_json_out *out, const char *key, const char *text)
{
	if (text)
		dd_json_bytes(out, key, text, strlen(text));
	else
		dd_json_null(out, key);
}

void dd_json_uint(struct dd_json_out *out, const char *key, uint64_t value)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);

	begin(out, key);
	put(out, digits, (size_t)len);
}

void dd_json_int(struct dd_json_out *out, const char *key, int64_t value)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%lld", (long long)value);

	begin(out, key);
	put(out, digits, (size_t)len);
}

void dd_json_bool(struct dd_json_out *out, const char *key, bool value)
{
	begin(out, key);
	put(out, value ? "true" : "false", value ? 4 : 5);
}

void dd_json_time(struct dd_json_out *out, const char *key, int64_t ns)
{
	char text[DD_UNIT_TEXT];

	dd_json_text(out, key, dd_time_format_utc(ns, text));
}

void dd_json_digest(struct dd_json_out *out, const char *key, const struct dd_digest *digest)
{
	char text[DD_DIGEST_TEXT];

	dd_json_text(out, key, digest ? dd_digest_format(digest, text) : NULL);
}
