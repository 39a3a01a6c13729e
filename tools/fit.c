/*
 * Fitting.
 */
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "fit.h"

#define SHRUNK 10 /* columns that are left of a cell, unless its title is longer */
#define NAMED 16

/* The character that begins there: its bytes, and its columns. */
static size_t step(const char *text, size_t *width)
{
	mbstate_t state = { 0 };
	wchar_t wide;
	size_t taken = mbrtowc(&wide, text, strlen(text), &state);
	bool odd = taken == 0 || taken > strlen(text);
	int columns = odd ? 1 : wcwidth(wide);

	*width = columns > 0 ? (size_t)columns : 0;
	return odd ? 1 : taken;
}

size_t fit_columns(const char *text)
{
	size_t count = 0;

	while (text && *text) {
		size_t width;

		text += step(text, &width);
		count += width;
	}
	return count;
}

/* ---- tables ---- */

static size_t total(const struct fit *fits, size_t count, size_t gap)
{
	size_t sum = 0, shown = 0;

	for (size_t i = 0; i < count; i++) {
		sum += fits[i].width;
		shown += fits[i].width > 0;
	}
	return shown ? sum + (shown - 1) * gap : 0;
}

static size_t least(const struct fit *fit)
{
	size_t of_text = fit->flags & COLUMN_NAME ? NAMED : SHRUNK;

	return fit->title > of_text ? fit->title : of_text;
}

/* The widest of those that have all these flags and none of the others gives way first. */
static void shrink(struct fit *fits, size_t count, size_t gap, size_t room, unsigned flags,
		   unsigned without)
{
	for (size_t now = total(fits, count, gap); now > room; now--) {
		struct fit *widest = NULL;

		for (size_t i = 0; i < count; i++)
			if ((fits[i].flags & flags) == flags && !(fits[i].flags & without) &&
			    fits[i].width > least(&fits[i]) &&
			    (!widest || fits[i].width > widest->width))
				widest = &fits[i];
		if (!widest)
			return;
		widest->width--;
	}
}

void fit_table(struct fit *fits, size_t count, size_t gap, size_t room)
{
	for (size_t i = count; i-- > 0 && total(fits, count, gap) > room;)
		if (fits[i].flags & COLUMN_YIELD)
			fits[i].width = 0;
	shrink(fits, count, gap, room, COLUMN_SHRINK, COLUMN_NAME);
	for (size_t i = count; i-- > 0 && total(fits, count, gap) > room;)
		if (fits[i].empty)
			fits[i].width = 0;
	shrink(fits, count, gap, room, COLUMN_NAME, 0);
}

/* ---- texts ---- */

/* Where so many columns of a text end. */
static const char *after(const char *text, size_t columns)
{
	while (*text) {
		size_t width, taken = step(text, &width);

		if (width > columns)
			break;
		columns -= width;
		text += taken;
	}
	return text;
}

char *fit_text(const char *text, size_t width, enum fit_cut where)
{
	const char *dots = strcmp(nl_langinfo(CODESET), "UTF-8") ? "~" : "…";
	size_t whole = fit_columns(text), left = width ? width - 1 : 0;
	size_t tail = where == FIT_FRONT ? left : where == FIT_MIDDLE ? left / 2 : 0;
	size_t head = left - tail;
	const char *end = after(text, head), *rest = text;
	size_t first = (size_t)(end - text), len = strlen(dots);
	char *cut;

	if (whole <= width)
		return strdup(text);
	/* What is left of a wide character that does not fit is left out. */
	while (fit_columns(rest) > tail) {
		size_t ignored;

		rest += step(rest, &ignored);
	}
	cut = malloc(first + len + strlen(rest) + 1);
	if (!cut)
		return NULL;
	memcpy(cut, text, first);
	memcpy(cut + first, dots, len);
	strcpy(cut + first + len, rest);
	return cut;
}
