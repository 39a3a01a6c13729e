/*
 * A repair's plan, and what came of it, for people.
 */
#ifndef TOOLS_MEND_H
#define TOOLS_MEND_H

#include <drydock/repair.h>

#include "tool.h"

/* apply: it was asked for; failed: the run ended early. */
void mend_print(const struct tool *tool, const struct dd_repair *repair, bool apply, bool failed);

#endif
