/*
 * What find does with objects beyond printing them: commands, and what is to go.
 */
#ifndef TOOLS_FIND_H
#define TOOLS_FIND_H

#include <drydock/find.h>

#include "cache.h"
#include "tool.h"

/* -exec: by a process of its own, with names as they are. */
struct find_commands;
int find_commands_open(struct find_commands **commands, struct dd_error *err);
void find_commands_closep(struct find_commands **commands);
/* 1 if the command succeeded (or is still to come, with many names), 0 if not, or an error. */
int find_command(struct find_commands *commands, const struct dd_find_action *action,
		 const char *name, struct dd_error *err);
/* Those that still wait for names. 1 if any command with many names failed, ever. */
int find_commands_finish(struct find_commands *commands, struct dd_error *err);

/* -delete: gathered first, for what is found must not change by what goes. */
struct find_deletions;
int find_deletions_open(struct find_deletions **deletions, struct dd_error *err);
void find_deletions_closep(struct find_deletions **deletions);
int find_delete(struct find_deletions *deletions, const struct dd_find_object *object,
		struct dd_error *err);

struct find_deletion_rules {
	bool apply;
	int64_t grace_ns, lock_wait_ns;
	const struct cache_settings *cache;
};
/* An exit status, or an error; 0 and nothing printed where there is no -delete. */
int find_deletions_apply(struct find_deletions *deletions, struct tool *tool,
			 const struct find_deletion_rules *rules, struct dd_error *err);

#endif
