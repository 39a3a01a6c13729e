/*
 * Answers of drydock why, for people.
 */
#ifndef TOOLS_WHY_H
#define TOOLS_WHY_H

#include <drydock/why.h>

#include "tool.h"

#define WHY_SHOWN 20 /* paths and keepers, unless -v */

/* policy: the file that was given, NULL: none. */
void why_print(const struct tool *tool, const struct dd_why_answer *answer, const char *policy);
/* Who keeps the rest, and what would have to go next; nothing if nobody does. */
void why_print_keepers(const struct dd_free_answer *answer);
void why_print_free(const struct dd_free_answer *answer);

#endif
