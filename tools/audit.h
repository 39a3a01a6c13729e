/*
 * What a verification found, for people.
 */
#ifndef TOOLS_AUDIT_H
#define TOOLS_AUDIT_H

#include <drydock/verify.h>

#include "tool.h"

/*
 * ended_early: the run failed or was interrupted, and this is what it found until then. per_run: bytes
 * that each run to come gets through of what this one left; 0: the next one does not go on from here.
 */
void audit_print(const struct tool *tool, const struct dd_verify *verify, bool ended_early,
		 uint64_t per_run);

#endif
