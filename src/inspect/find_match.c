/*
 * How what a test wants is compared with what there is: numbers, texts, platforms; and which ids a test
 * was found to be true for.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/find.h"

bool dd_find_compare(const struct dd_find_number *number, uint64_t value)
{
	if (number->sign == '+')
		return value > number->value;
	if (number->sign == '-')
		return value < number->value;
	return value >= number->value && value - number->value <= number->span;
}

bool dd_find_glob(const char *pattern, const char *text)
{
	return text && (!strcmp(pattern, text) || fnmatch(pattern, text, 0) == 0);
}

bool dd_find_annotation_matches(const struct dd_find_test *test, const char *key, const char *value)
{
	return !strcmp(test->key, key) && (!test->value || dd_find_glob(test->value, value));
}

int dd_find_platform_text(char *text, size_t room, const char *os, const char *architecture,
			  const char *variant)
{
	return snprintf(text, room, "%s/%s%s%s", os ? os : "unknown",
			architecture ? architecture : "unknown", variant ? "/" : "",
			variant ? variant : "");
}

bool dd_find_platform_matches(const char *pattern, const char *os, const char *architecture,
			      const char *variant)
{
	bool with = strchr(strchr(pattern, '/') + 1, '/');
	char text[256];

	dd_find_platform_text(text, sizeof(text), os, architecture, with ? variant : NULL);
	return fnmatch(pattern, text, FNM_PATHNAME) == 0;
}

/* ---- marks ---- */

int dd_find_mark(struct dd_find_test *test, uint32_t id)
{
	if (id >= test->marked_count) {
		size_t count = (size_t)id + id / 2 + 64;
		bool *marked = realloc(test->marked, count);

		if (!marked)
			return DD_ENOMEM;
		memset(marked + test->marked_count, 0, count - test->marked_count);
		test->marked = marked;
		test->marked_count = count;
	}
	test->marked[id] = true;
	return 0;
}

bool dd_find_is_marked(const struct dd_find_test *test, uint32_t id)
{
	return id < test->marked_count && test->marked[id];
}
