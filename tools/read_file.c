/*
 * Reading a named file.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "read_file.h"

#define FIRST ((size_t)64 << 10)

static void close_named(FILE **file)
{
	if (*file && *file != stdin)
		fclose(*file);
}

int read_file(const char *path, size_t max, char **out, size_t *len, struct dd_error *err)
{
	CLEANUP(close_named) FILE *file = strcmp(path, "-") != 0 ? fopen(path, "re") : stdin;
	AUTOFREE char *bytes = NULL;
	size_t room = 0, got = 0;

	if (!file)
		return dd_fail(err, DD_EUSAGE, errno, "%s", path);
	do {
		char *grown;

		if (got > max)
			return dd_fail(err, DD_EUSAGE, 0, "%s: more than %zu bytes", path, max);
		room = room ? 2 * room : FIRST;
		grown = realloc(bytes, room + 1);
		if (!grown)
			return dd_fail(err, DD_ENOMEM, 0, "read %s", path);
		bytes = grown;
		got += fread(bytes + got, 1, room - got, file);
	} while (got == room);
	if (ferror(file))
		return dd_fail(err, DD_EUSAGE, errno, "%s", path);
	if (got > max)
		return dd_fail(err, DD_EUSAGE, 0, "%s: more than %zu bytes", path, max);
	bytes[got] = '\0';
	*out = bytes;
	*len = got;
	bytes = NULL;
	return 0;
}
