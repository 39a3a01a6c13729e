/*
 * Expressions of find: any words are an expression, or one of them is to blame; and an expression is
 * described, evaluated with nothing known, and printed by, without harm.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/find.h"
#include "must.h"

#define WORDS_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int swallow(void *arg, const char *bytes, size_t len)
{
	(void)bytes;
	*(size_t *)arg += len;
	return 0;
}

static void use(struct dd_find *find)
{
	const struct dd_find_object object = { .type = DD_FIND_TAG,
					       .name = "a\x1b/b:c",
					       .base = "c",
					       .repository = "a\x1b/b",
					       .tag = "c",
					       .mtime_ns = INT64_MIN,
					       .created_ns = INT64_MAX };
	struct dd_text text = { 0 };
	size_t printed = 0;

	MUST(dd_find_describe(find, &text) == 0 && text.len);
	dd_text_release(&text);
	dd_find_needs_verified(find);
	dd_find_needs_surveyed(find);
	for (size_t i = 0; i < find->actions.count; i++)
		if (find->actions.items[i]->format)
			MUST(dd_find_printf(find->actions.items[i]->format, &object, swallow,
					    &printed, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	const char *words[WORDS_MAX];
	struct dd_error err = { 0 };
	struct dd_find *find = NULL;
	size_t count = 0, wrong;
	int rc;

	MUST(text);
	memcpy(text, data, size);
	text[size] = '\0';
	/* A line a word. */
	for (char *at = text; at && count < WORDS_MAX; count++) {
		words[count] = at;
		at = strchr(at, '\n');
		if (at)
			*at++ = '\0';
	}
	for (size_t at = 0; at < count; at++)
		MUST(dd_find_word_length(words + at, count - at) <= count - at);
	rc = dd_find_open(words, count, DD_FIND_PRINT, &find, &wrong, &err);
	if (rc < 0)
		MUST(rc == DD_EUSAGE && !find && wrong < count && err.text[0]);
	else
		use(find);
	dd_find_close(find);
	free(text);
	return 0;
}
