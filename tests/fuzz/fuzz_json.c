/*
 * What the scanner takes, jansson takes, and both read alike; what is written can be read again and
 * is the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <drydock/json.h>

#include "base/utf8.h"
#include "must.h"
#include "same_json.h"
#include "text/json_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_both_ways(const char *text, size_t size)
{
	static struct dd_arena ours, theirs;
	const struct dd_json *fast, *slow;
	struct dd_error err;
	char *copy;

	dd_arena_reset(&ours, 0);
	dd_arena_reset(&theirs, dd_json_budget(size));
	copy = dd_arena_copy(&ours, text, size);
	MUST(copy);
	fast = dd_json_scan(&ours, copy, size);
	if (dd_json_parse(&theirs, text, size, &slow, &err) < 0) {
		MUST(!fast);
		MUST(err.text[0] && (err.code == DD_EFORMAT || err.code == DD_ETOOBIG));
	} else if (fast) {
		MUST(same_json(fast, slow));
	}
}

/* In a budget that the input chooses: it may be refused, at any point, and nothing else. */
static void read_starved(const char *text, size_t size)
{
	static struct dd_arena arena;
	const struct dd_json *tree;
	int rc;

	if (!size)
		return;
	dd_arena_reset(&arena, 16 * (1 + (size_t)(uint8_t)text[0]));
	rc = dd_json_parse(&arena, text, size, &tree, NULL);
	MUST(rc == 0 || rc == DD_EFORMAT || rc == DD_ETOOBIG);
}

struct sink {
	char *text;
	size_t len;
};

static int add(void *arg, const char *bytes, size_t len)
{
	struct sink *sink = arg;

	sink->text = realloc(sink->text, sink->len + len);
	MUST(sink->text);
	memcpy(sink->text + sink->len, bytes, len);
	sink->len += len;
	return 0;
}

static void write_and_read(struct dd_json_reader *reader, const char *text, size_t size)
{
	struct sink sink = { 0 };
	const struct dd_json *root;
	struct dd_json_out *out;

	MUST(!dd_json_open(&out, add, &sink, size % 2 ? DD_JSON_PRETTY : 0, NULL));
	dd_json_object(out, NULL);
	dd_json_bytes(out, "bytes", text, size);
	dd_json_array(out, "list");
	dd_json_int(out, NULL, (int64_t)size);
	dd_json_end(out);
	dd_json_end(out);
	MUST(!dd_json_finish(out, NULL));
	dd_json_closep(&out);
	MUST(dd_utf8_valid(sink.text, sink.len) == sink.len);
	MUST(!dd_json_read(reader, sink.text, sink.len, dd_json_budget(sink.len), &root, NULL));
	MUST(root->len == 2 && root->first->type == DD_JSON_STRING);
	if (dd_utf8_valid(text, size) == size)
		MUST(root->first->len == size && !memcmp(root->first->text, text, size));
	free(sink.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dd_json_reader *reader;

	if (!reader)
		MUST(!dd_json_reader_open(&reader, NULL));
	read_both_ways((const char *)data, size);
	read_starved((const char *)data, size);
	write_and_read(reader, (const char *)data, size);
	return 0;
}
