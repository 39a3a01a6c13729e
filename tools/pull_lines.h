/*
 * Access logs on the command line.
 */
#ifndef TOOLS_PULLS_H
#define TOOLS_PULLS_H

#include "tool.h"

struct pulls_wanted {
	const char *const *files; /* "-": standard input */
	size_t file_count;
	const char *const *ignore_agents;
	size_t ignore_count;
	bool apply;
	int64_t lock_wait_ns;
};

int pulls_import(struct tool *tool, const struct pulls_wanted *wanted, struct dd_error *err);

#endif
