/*
 * Any JSON, by jansson; the only file that knows it.
 *
 * All that jansson allocates during a read comes from the reader's arena, and nothing is given
 * back: the arena goes as a whole. So there are no references to count, and when the budget is
 * spent we can leave by longjmp() from within the allocator. Returning NULL would not do: jansson
 * 2.14 does not look whether its token buffer could grow, and reads on in what it takes for the
 * whole token.
 */
#include <pthread.h>
#include <setjmp.h>
#include <string.h>

#include <jansson.h>

#include "base/utf8.h"
#include "text/json_read.h"

struct load {
	struct dd_arena *arena;
	jmp_buf refused;
};

/* The read that this thread is in, if it is in one. */
static _Thread_local struct load *current;

static json_malloc_t other_malloc;
static json_free_t other_free;

static void *arena_malloc(size_t size)
{
	void *memory;

	if (!current)
		return other_malloc(size);
	memory = dd_arena_alloc(current->arena, size);
	if (!memory)
		longjmp(current->refused, 1);
	return memory;
}

static void arena_free(void *memory)
{
	if (current)
		dd_arena_unalloc(current->arena, memory);
	else
		other_free(memory);
}

void dd_json_parse_setup(void)
{
	/* Not within a read: it waits for other threads. */
	json_object_seed(0);
	json_get_alloc_funcs(&other_malloc, &other_free);
	json_set_alloc_funcs(arena_malloc, arena_free);
}

static bool hooks_are_ours(void)
{
	json_malloc_t malloc_fn;
	json_free_t free_fn;

	json_get_alloc_funcs(&malloc_fn, &free_fn);
	return malloc_fn == arena_malloc && free_fn == arena_free;
}

static json_t *load_text(struct dd_arena *arena, const char *text, size_t len, json_error_t *error)
{
	struct load load = { .arena = arena };
	json_t *tree;

	current = &load;
	if (setjmp(load.refused)) {
		current = NULL;
		return NULL;
	}
	tree = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, error);
	current = NULL;
	return tree;
}

/* The four digits behind \u at text, or -1. */
static int unit_at(const char *text, const char *end)
{
	int unit = 0;

	if (end - text < 6 || text[0] != '\\' || text[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		static const char digits[] = "0123456789abcdef";
		const char *digit = text[i] ? strchr(digits, text[i] | 0x20) : NULL;

		/* | 0x20 also makes digits of some controls. */
		if (!digit || text[i] < '0')
			return -1;
		unit = unit << 4 | (int)(digit - digits);
	}
	return unit;
}

static bool is_high(int unit)
{
	return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low(int unit)
{
	return unit >= 0xdc00 && unit < 0xe000;
}

/* The first escaped surrogate from text on that has no partner; end if there is none. */
static const char *lone_surrogate(const char *text, const char *end)
{
	while ((text = memchr(text, '\\', (size_t)(end - text)))) {
		int unit = unit_at(text, end);

		if (is_high(unit) && is_low(unit_at(text + 6, end))) {
			text += 12;
		} else if (is_high(unit) || is_low(unit)) {
			return text;
		} else {
			/* What is escaped goes too: a second backslash starts nothing. */
			text += 2;
		}
		if (text >= end)
			break;
	}
	return end;
}

static size_t count_invalid(const char *bytes, size_t len)
{
	size_t count = 0;

	for (size_t at = dd_utf8_valid(bytes, len); at < len;
	     at += 1 + dd_utf8_valid(bytes + at + 1, len - at - 1))
		count++;
	return count;
}

/* What Go would have read: U+FFFD for each byte that is no UTF-8 and for each lone surrogate. */
static int normalise(struct dd_arena *arena, const char **text, size_t *len)
{
	const size_t width = strlen(DD_UTF8_REPLACEMENT);
	const char *from = *text, *end = from + *len;
	size_t invalid = count_invalid(from, *len);
	char *copy, *to;

	if (!invalid && lone_surrogate(from, end) == end)
		return 0;
	to = copy = dd_arena_alloc(arena, *len + invalid * (width - 1));
	if (!copy)
		return DD_ENOMEM;
	for (;;) {
		size_t valid = dd_utf8_valid(from, (size_t)(end - from));

		memcpy(to, from, valid);
		to += valid;
		from += valid;
		if (from == end)
			break;
		memcpy(to, DD_UTF8_REPLACEMENT, width);
		to += width;
		from++;
	}
	*text = copy;
	*len = (size_t)(to - copy);
	while ((from = lone_surrogate(copy, to)) < to) {
		copy += from - copy;
		memcpy(copy + 2, "fffd", 4);
		copy += 6;
	}
	return 0;
}

/* The string that ends before offset at, spaces and a colon apart. */
static const char *string_before(const char *text, size_t at, size_t *len)
{
	size_t end;

	while (at && strchr(" \t\r\n:", text[at - 1]))
		at--;
	if (!at || text[at - 1] != '"')
		return NULL;
	end = --at;
	while (at) {
		size_t slashes = 0;

		if (text[--at] != '"')
			continue;
		while (slashes < at && text[at - 1 - slashes] == '\\')
			slashes++;
		if (slashes % 2 == 0) {
			*len = end - at - 1;
			return text + at + 1;
		}
	}
	return NULL;
}

static int fail_parse(const char *text, size_t len, const json_error_t *error, struct dd_error *err)
{
	enum json_error_code code = json_error_code(error);
	size_t at = error->position < 0 ? 0 : (size_t)error->position, key_len = 0;
	const char *key = NULL;
	int rc;

	if (at > len)
		at = len;
	if (code == json_error_duplicate_key)
		key = string_before(text, at, &key_len);
	if (code == json_error_numeric_overflow) {
		while (at && text[at - 1] && strchr("0123456789+-.eE", text[at - 1]))
			at--;
		key = string_before(text, at, &key_len);
	}
	if (key_len > 200)
		key_len = 200;
	if (key && code == json_error_duplicate_key)
		rc = dd_fail(err, DD_EFORMAT, 0, "the field \"%.*s\" is given twice", (int)key_len,
			     key);
	else if (key)
		rc = dd_fail(err, DD_EFORMAT, 0, "the field \"%.*s\": %s", (int)key_len, key,
			     error->text);
	else
		rc = dd_fail(err, DD_EFORMAT, 0, "not JSON: %s", error->text);
	if (error->line > 0)
		rc = dd_wrap(err, rc, "line %d, column %d", error->line, error->column);
	return rc;
}

static int fail_memory(const struct dd_arena *arena, struct dd_error *err)
{
	if (!arena->exceeded)
		return dd_fail(err, DD_ENOMEM, 0, "read JSON");
	return dd_fail(err, DD_ETOOBIG, 0, "needs more than %zu MiB of memory",
		       (arena->budget + ((size_t)1 << 20) - 1) >> 20);
}

static int convert(struct dd_arena *arena, const json_t *from, struct dd_json *to);

/* A copy of a member, linked in at *link. */
static int convert_member(struct dd_arena *arena, const char *key, const json_t *from,
			  const struct dd_json ***link)
{
	struct dd_json *member = dd_arena_alloc(arena, sizeof(*member));

	if (!member)
		return DD_ENOMEM;
	member->key = key;
	member->key_len = key ? (uint32_t)strlen(key) : 0;
	member->next = NULL;
	**link = member;
	*link = &member->next;
	return convert(arena, from, member);
}

static int convert_object(struct dd_arena *arena, const json_t *from, struct dd_json *to)
{
	/* The interface asks for what it does not change. */
	json_t *object = (json_t *)(uintptr_t)from;
	const struct dd_json **link = &to->first;
	int rc = 0;

	to->first = NULL;
	to->len = json_object_size(object);
	for (void *at = json_object_iter(object); rc == 0 && at;
	     at = json_object_iter_next(object, at))
		rc = convert_member(arena, json_object_iter_key(at), json_object_iter_value(at),
				    &link);
	return rc;
}

static int convert_array(struct dd_arena *arena, const json_t *from, struct dd_json *to)
{
	const struct dd_json **link = &to->first;
	int rc = 0;

	to->first = NULL;
	to->len = json_array_size(from);
	for (size_t i = 0; rc == 0 && i < to->len; i++)
		rc = convert_member(arena, NULL, json_array_get(from, i), &link);
	return rc;
}

/* From jansson's tree to ours, in the same arena; strings stay where they are. */
static int convert(struct dd_arena *arena, const json_t *from, struct dd_json *to)
{
	switch (json_typeof(from)) {
	case JSON_OBJECT:
		to->type = DD_JSON_OBJECT;
		return convert_object(arena, from, to);
	case JSON_ARRAY:
		to->type = DD_JSON_ARRAY;
		return convert_array(arena, from, to);
	case JSON_STRING:
		to->type = DD_JSON_STRING;
		to->text = json_string_value(from);
		to->len = json_string_length(from);
		return 0;
	case JSON_INTEGER:
		to->type = DD_JSON_INTEGER;
		to->integer = json_integer_value(from);
		return 0;
	case JSON_REAL:
		to->type = DD_JSON_REAL;
		return 0;
	case JSON_TRUE:
	case JSON_FALSE:
		to->type = DD_JSON_BOOL;
		to->boolean = json_is_true(from);
		return 0;
	case JSON_NULL:
		break;
	}
	to->type = DD_JSON_NULL;
	return 0;
}

int dd_json_parse(struct dd_arena *arena, const char *bytes, size_t len,
		  const struct dd_json **root, struct dd_error *err)
{
	const struct dd_json **link = root;
	json_error_t error;
	json_t *tree;

	if (!hooks_are_ours())
		return dd_fail(err, DD_ENOTSUP, 0,
			       "something else in this process took over jansson's memory");
	*root = NULL;
	if (normalise(arena, &bytes, &len) < 0)
		return fail_memory(arena, err);
	error.text[0] = '\0';
	tree = load_text(arena, bytes, len, &error);
	if (!tree && (arena->exceeded || !error.text[0]))
		return fail_memory(arena, err);
	if (!tree)
		return fail_parse(bytes, len, &error, err);
	if (convert_member(arena, NULL, tree, &link) < 0)
		return fail_memory(arena, err);
	return 0;
}
