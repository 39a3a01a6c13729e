/*
 * The command that is to follow a run: it restarts the registry, say, or flushes its cache.
 */
#ifndef TOOLS_POST_EXEC_H
#define TOOLS_POST_EXEC_H

#include <drydock/gc.h>

#include "tool.h"

/*
 * If the run took anything: carry the command out by /bin/sh -c, and wait for it. What happened is in
 * its environment (drydock-gc(1)), what it prints goes to standard error. status: what the run alone
 * would have ended with. The error says how the command ended.
 */
int post_exec(const struct tool *tool, const char *command, const struct dd_gc_plan *plan,
	      int status, struct dd_error *err);

#endif
