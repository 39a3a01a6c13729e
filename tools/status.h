/*
 * A status for people.
 */
#ifndef TOOLS_STATUS_H
#define TOOLS_STATUS_H

#include <drydock/status.h>

#include "tool.h"

/* Quiet: only what needs a person, and nothing if nothing does. */
void status_print(const struct tool *tool, const struct dd_status *status);

#endif
