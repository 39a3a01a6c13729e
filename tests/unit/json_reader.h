/*
 * A reader of JSON for a test, and what it read last.
 */
#ifndef UNIT_JSON_READER_H
#define UNIT_JSON_READER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "text/json_read.h"

static struct dd_json_reader *reader;
static const struct dd_json *root;
static struct dd_error err;

static inline int open_reader(void **state)
{
	(void)state;
	return dd_json_reader_open(&reader, NULL);
}

static inline int close_reader(void **state)
{
	(void)state;
	dd_json_reader_closep(&reader);
	return 0;
}

static inline int read_bytes(const char *bytes, size_t len)
{
	memset(&err, 0, sizeof(err));
	return dd_json_read(reader, bytes, len, dd_json_budget(len), &root, &err);
}

static inline int read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

/* The value of {"x": …} */
static inline const struct dd_json *value_of(const char *text)
{
	const struct dd_json *value;

	if (read_text(text) < 0)
		fail_msg("%s: %s", text, err.text);
	assert_int_equal(dd_json_field(root, "x", &value, NULL), 0);
	return value;
}

static inline void expect_error(const char *text, int code, const char *reason)
{
	assert_int_equal(read_text(text), code);
	assert_null(root);
	if (!strstr(err.text, reason))
		fail_msg("\"%s\" is not in \"%s\"", reason, err.text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_reader, close_reader)

#endif
