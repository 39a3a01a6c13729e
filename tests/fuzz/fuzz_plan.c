/*
 * A plan file: any bytes are a plan, or an error with a reason; what is read of one is of the layout and
 * named once. The same with the right sum at the end, so that a search gets behind that.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "gc/plan_file.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct source {
	const char *bytes;
	size_t left, step;
};

static int64_t next(void *arg, void *bytes, size_t len, struct dd_error *err)
{
	struct source *source = arg;

	(void)err;
	if (len > source->step)
		len = source->step;
	if (len > source->left)
		len = source->left;
	if (len)
		memcpy(bytes, source->bytes, len);
	source->bytes += len;
	source->left -= len;
	return (int64_t)len;
}

static void check(const struct dd_plan_file *file)
{
	struct dd_text encoded = { 0 };

	MUST(file->head.volume && file->head.items == file->items.count);
	MUST(file->options.grace_ns >= 0 && file->options.uploads_older_ns >= 0);
	for (size_t i = 0; i < file->losses.count; i++)
		MUST(dd_repository_safe(file->losses.items[i].repository));
	for (size_t i = 0; i < file->items.count; i++) {
		const struct dd_planned *item = &file->items.items[i];
		DD_AUTOFREE char *memory = NULL;
		struct dd_place place;

		MUST(dd_layout_parse(item->path, &place, &memory, NULL) == 0 && !place.run);
		MUST(item->path[0] != '/' && !strstr(item->path, "/../"));
		MUST(!i || strcmp(file->items.items[i - 1].path, item->path) < 0);
		MUST(dd_plan_path_encode(item->path, &encoded) == 0);
		MUST(dd_plan_path_decode(encoded.bytes) && !strcmp(encoded.bytes, item->path));
	}
	dd_text_release(&encoded);
}

static bool read_it(const char *bytes, size_t size, size_t step)
{
	DD_CLEANUP(dd_plan_file_closep) struct dd_plan_file *file = NULL;
	struct source source = { bytes, size, step };
	struct dd_error err = { 0 };
	int rc = dd_plan_file_read(next, &source, &file, &err);

	if (rc == 0)
		check(file);
	else
		MUST(rc == DD_EREFUSED && err.code == rc && err.text[0] && !file);
	return rc == 0;
}

/* All lines but the last one, and an end that fits them. */
static void read_with_sum(const char *bytes, size_t size)
{
	struct dd_text text = { 0 };
	struct dd_digest sum;
	char hex[DD_DIGEST_HEX];
	const char *cut = NULL;
	unsigned long items = 0;

	for (size_t i = 0; i + 1 < size; i++)
		if (bytes[i] == '\n')
			cut = bytes + i + 1;
	if (!cut)
		return;
	size = (size_t)(cut - bytes);
	for (size_t i = 0; i + 7 <= size; i++)
		items += !memcmp(bytes + i, "{\"path\"", 7);
	MUST(dd_digest_of(&sum, DD_SHA256, bytes, size, NULL) == 0);
	MUST(dd_text_add(&text, bytes, size) == 0);
	MUST(dd_text_printf(&text, "{\"end\":%lu,\"sha256\":\"%s\"}\n", items,
			    dd_digest_format_hex(&sum, hex)) == 0);
	read_it(text.bytes, text.len, SIZE_MAX);
	dd_text_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* In whatever pieces it comes. */
	MUST(read_it((const char *)data, size, SIZE_MAX) == read_it((const char *)data, size, 7));
	read_with_sum((const char *)data, size);
	return 0;
}
