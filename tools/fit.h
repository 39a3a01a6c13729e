/*
 * Fitting a table into a terminal: which columns get how much, and texts that are cut.
 */
#ifndef TOOLS_FIT_H
#define TOOLS_FIT_H

#include <stdbool.h>
#include <stddef.h>

#include "render.h"

/* Columns of a terminal that a text takes. */
size_t fit_columns(const char *text);

struct fit {
	unsigned flags; /* enum column_flags */
	bool empty;	/* no cell has anything */
	size_t title;	/* columns */
	size_t width;	/* of the widest cell and the title; less afterwards, 0: it is left out */
};

/*
 * Into so many columns, if that is possible: first what yields is left out, then what may shrink
 * does, then what is empty is left out, and names are cut last of all.
 */
void fit_table(struct fit *fits, size_t count, size_t gap, size_t room);

enum fit_cut { FIT_FRONT, FIT_MIDDLE, FIT_END };

/* Cut there to a width, with an ellipsis; heap memory, NULL if there is none. */
char *fit_text(const char *text, size_t width, enum fit_cut where);

#endif
