/*
 * Reading JSON as the reference reads it (Go's encoding/json), within a budget of memory.
 *
 * Where Go is generous so are we: bytes that are no UTF-8 and lone surrogates become U+FFFD, names
 * of fields match whatever their case. Where it is quietly so, we refuse: an object that has a key
 * twice means one thing to one reader and another to the next.
 *
 * jansson decides what is JSON. It takes some 20 ns a byte, several times of what everything else
 * costs that is done with a manifest, so a scanner of our own goes first: it knows plain JSON only,
 * and leaves to jansson whatever it does not know, and the words for what is wrong.
 */
#ifndef TEXT_JSON_H
#define TEXT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <drydock/error.h>

enum dd_json_type {
	DD_JSON_NULL,
	DD_JSON_BOOL,
	DD_JSON_INTEGER,
	DD_JSON_REAL, /* its value is not kept */
	DD_JSON_STRING,
	DD_JSON_ARRAY,
	DD_JSON_OBJECT,
};

/*
 * A value, read-only. Members of an object and of an array are a list in the document's order.
 * Strings end in a NUL and may have others inside; keys have none.
 */
struct dd_json {
	enum dd_json_type type;
	uint32_t key_len;
	const char *key;	    /* NULL outside of objects */
	const struct dd_json *next; /* in the same object or array */
	size_t len;		    /* bytes of a string, members of an object or array */
	union {
		bool boolean;
		int64_t integer;
		const char *text;
		const struct dd_json *first;
	};
};

/* For one thread at a time. */
struct dd_json_reader;

int dd_json_reader_open(struct dd_json_reader **reader, struct dd_error *err);
void dd_json_reader_closep(struct dd_json_reader **reader);

/* What a document of len bytes may need: enough for any honest one. */
size_t dd_json_budget(size_t len);

/*
 * The document's root, an object or array. Everything in it lives in the reader until
 * dd_json_reader_release() or its next use; the input is not referred to. DD_EFORMAT with the
 * place, or DD_ETOOBIG if it needs more than budget bytes.
 *
 * A document above DD_JSON_LARGE holds a lock of the whole process until it is released: release it
 * soon, and read no second one meanwhile.
 */
#define DD_JSON_LARGE ((size_t)256 << 10)
int dd_json_read(struct dd_json_reader *reader, const void *bytes, size_t len, size_t budget,
		 const struct dd_json **root, struct dd_error *err);
void dd_json_reader_release(struct dd_json_reader *reader);

/* "a string", "an object", … */
const char *dd_json_type_name(enum dd_json_type type);

/* A field's name; make it with DD_JSON_NAME("layers"). Letters, digits and dots. */
struct dd_json_name {
	const char *text;
	size_t len;
};
/* clang-format off */
#define DD_JSON_NAME(name) { name, sizeof(name) - 1 }
/* clang-format on */

/*
 * The fields of an object that have the names, letter case aside as Go has it: ASCII letters, and
 * U+017F for s and U+212A for k. values[i] is NULL where there is none, or null. DD_EFORMAT if two
 * keys stand for one name.
 */
int dd_json_fields(const struct dd_json *object, const struct dd_json_name *names, size_t count,
		   const struct dd_json **values, struct dd_error *err);
/* One of them. */
int dd_json_field(const struct dd_json *object, const char *name, const struct dd_json **value,
		  struct dd_error *err);

#endif
