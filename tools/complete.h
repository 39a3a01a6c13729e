/*
 * Completion for shells: "drydock --complete WORD… CURRENT" says how CURRENT can go on, a candidate
 * a line. A tab and what it is may follow. The shells' own scripts know nothing of commands and options.
 */
#ifndef TOOLS_COMPLETE_H
#define TOOLS_COMPLETE_H

#include "tool.h"

struct complete_commands {
	const struct command *const *commands;
	size_t count;
	const struct option *common;
};

/*
 * words: what follows the program's name, the one that is completed last. Nothing is ever said about
 * what goes wrong: somebody is typing. Where a file is wanted nothing is printed, and the shell takes over.
 */
void complete(struct tool *tool, const struct complete_commands *all, const char *const *words,
	      size_t count);

#endif
