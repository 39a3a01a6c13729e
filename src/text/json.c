/*
 * Readers, and looking into what they read.
 */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "text/json_read.h"

#define MIB ((size_t)1 << 20)

struct dd_json_reader {
	struct dd_arena arena;
	bool large; /* large_lock is held */
};

static pthread_mutex_t large_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t setup = PTHREAD_ONCE_INIT;

int dd_json_reader_open(struct dd_json_reader **reader, struct dd_error *err)
{
	pthread_once(&setup, dd_json_parse_setup);
	*reader = calloc(1, sizeof(**reader));
	return *reader ? 0 : dd_fail(err, DD_ENOMEM, 0, "read JSON");
}

void dd_json_reader_closep(struct dd_json_reader **reader)
{
	if (!*reader)
		return;
	dd_json_reader_release(*reader);
	dd_arena_release(&(*reader)->arena);
	free(*reader);
	*reader = NULL;
}

void dd_json_reader_release(struct dd_json_reader *reader)
{
	dd_arena_reset(&reader->arena, 0);
	if (reader->large)
		pthread_mutex_unlock(&large_lock);
	reader->large = false;
}

/*
 * An honest manifest takes about 6 times its size as a tree, an array of empty objects 100
 * times: the first is never refused, the second soon.
 */
size_t dd_json_budget(size_t len)
{
	const size_t most = 256 * MIB;

	return len >= (most - MIB) / 32 ? most : 32 * len + MIB;
}

int dd_json_read(struct dd_json_reader *reader, const void *bytes, size_t len, size_t budget,
		 const struct dd_json **root, struct dd_error *err)
{
	struct dd_arena *arena = &reader->arena;
	int rc;

	*root = NULL;
	dd_json_reader_release(reader);
	if (!len)
		return dd_fail(err, DD_EFORMAT, 0, "empty, where JSON was expected");
	if (len <= DD_JSON_LARGE) {
		char *text;

		dd_arena_reset(arena, budget);
		text = dd_arena_copy(arena, bytes, len);
		if (text)
			*root = dd_json_scan(arena, text, len);
		if (*root)
			return 0;
	} else {
		pthread_mutex_lock(&large_lock);
		reader->large = true;
	}
	dd_arena_reset(arena, budget);
	rc = dd_json_parse(arena, bytes, len, root, err);
	if (rc < 0)
		dd_json_reader_release(reader);
	return rc;
}

const char *dd_json_type_name(enum dd_json_type type)
{
	static const char *const names[] = {
		[DD_JSON_NULL] = "null",
		[DD_JSON_BOOL] = "a boolean",
		[DD_JSON_INTEGER] = "a whole number",
		[DD_JSON_REAL] = "a fractional or huge number",
		[DD_JSON_STRING] = "a string",
		[DD_JSON_ARRAY] = "an array",
		[DD_JSON_OBJECT] = "an object",
	};

	return names[type];
}

static unsigned char lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

/* The only characters outside of ASCII that Go's folding takes for an ASCII letter. */
static size_t fold(const char *at, size_t len, unsigned char *letter)
{
	if (len >= 2 && !memcmp(at, "\xc5\xbf", 2)) {
		*letter = 's';
		return 2;
	}
	if (len >= 3 && !memcmp(at, "\xe2\x84\xaa", 3)) {
		*letter = 'k';
		return 3;
	}
	*letter = lower(*at);
	return 1;
}

static bool key_is(const struct dd_json *member, const struct dd_json_name *name)
{
	size_t at = 0;

	if (member->key_len < name->len)
		return false;
	/* As nearly all are written; what is longer folds only with something outside of ASCII in it. */
	if (member->key_len == name->len && !memcmp(member->key, name->text, name->len))
		return true;
	for (size_t i = 0; i < name->len; i++) {
		unsigned char letter;

		if (at == member->key_len)
			return false;
		at += fold(member->key + at, member->key_len - at, &letter);
		if (letter != lower(name->text[i]))
			return false;
	}
	return at == member->key_len;
}

int dd_json_fields(const struct dd_json *object, const struct dd_json_name *names, size_t count,
		   const struct dd_json **values, struct dd_error *err)
{
	assert(object->type == DD_JSON_OBJECT);
	memset(values, 0, count * sizeof(*values));
	for (const struct dd_json *member = object->first; member; member = member->next)
		for (size_t i = 0; i < count; i++) {
			if (!key_is(member, &names[i]))
				continue;
			if (values[i])
				return dd_fail(
					err, DD_EFORMAT, 0,
					"the field \"%s\" is given twice, as \"%s\" and \"%s\"",
					names[i].text, values[i]->key, member->key);
			values[i] = member;
			break;
		}
	for (size_t i = 0; i < count; i++)
		if (values[i] && values[i]->type == DD_JSON_NULL)
			values[i] = NULL;
	return 0;
}

int dd_json_field(const struct dd_json *object, const char *name, const struct dd_json **value,
		  struct dd_error *err)
{
	struct dd_json_name one = { name, strlen(name) };

	return dd_json_fields(object, &one, 1, value, err);
}
