/*
 * A volume that a daemon serves: what would change it is carried out by the daemon.
 */
#ifndef TOOLS_OWNER_H
#define TOOLS_OWNER_H

#include "tool.h"

/* At the very first: what a daemon has handed down is not handed on to what we start. */
void owner_begin(void);
/*
 * The volume is open, and is to be changed. Nobody serves it: 0. We are the worker of who does: 0, with
 * the gate set. Else it is handed over, and as with exec(2) there is no coming back: the process ends as
 * the command did. DD_EREFUSED, and why.
 */
int owner_settle(struct tool *tool, struct dd_error *err);

#endif
