/*
 * Opening the index.
 */
#include <stdlib.h>

#include "cache.h"

static const char *get_environment(const char *name)
{
	return getenv(name);
}

int cache_open(const struct tool *tool, const struct cache_settings *settings,
	       enum dd_index_kind kind, struct dd_index **index, struct dd_error *err)
{
	const struct dd_index_options options = {
		.kind = kind,
		.cache_dir = settings->directory,
		.none = settings->none,
		.read_only = settings->read_only,
		.get_environment = get_environment,
	};

	return dd_index_open(tool->ctx, tool->store, &options, index, err);
}
