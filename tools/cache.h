/*
 * The index of those commands that have one: its two options, and opening it by them.
 */
#ifndef TOOLS_CACHE_H
#define TOOLS_CACHE_H

#include <drydock/index.h>

#include "options.h"
#include "tool.h"

struct cache_settings {
	bool none;
	bool read_only;
	const char *directory;
};

/* Two rows of a table of options; what: "what was read" */
#define CACHE_OPTIONS(settings, what)                                       \
	{ "no-index", 0, OPTION_FLAG, &(settings).none, NULL, what, NULL }, \
	{                                                                   \
		"cache-dir", 0, OPTION_TEXT, &(settings).directory, "DIR",  \
			"where the index is (default: $DRYDOCK_CACHE, "     \
			"/var/cache/drydock)",                              \
			NULL                                                \
	}

/* The volume is open. *index is NULL where there is none, which is no error. */
int cache_open(const struct tool *tool, const struct cache_settings *settings,
	       enum dd_index_kind kind, struct dd_index **index, struct dd_error *err);

#endif
