/*
 * What gc, rm and garbage-collect share: run, the command that is to follow a run, the result, metrics.
 */
#ifndef TOOLS_COLLECTION_H
#define TOOLS_COLLECTION_H

#include <drydock/gc.h>

#include "cache.h"
#include "policy.h"
#include "tool.h"

struct collection {
	bool apply;
	const struct cache_settings *cache;
	int64_t time_limit_ns;		/* 0: none */
	const char *post_exec;		/* by /bin/sh -c after a run that took something; or NULL */
	const char *metrics;		/* a file; or NULL */
	const char *policy, *keep_from; /* files; or NULL */
	struct policy_files *files;	/* what is read of them, the caller's to close; or NULL */
	void (*opened)(struct tool *tool); /* once there may be talk; or NULL */
	/* With the volume open, before the work; and when it is done, a plan at least. Or NULL. */
	int (*check)(struct tool *tool, struct dd_gc_options *options, struct dd_error *err);
	int (*planned)(struct tool *tool, const struct dd_gc *gc, struct dd_error *err);
	/* The result, unless --json says how. failed: the run ended early. */
	int (*print)(struct tool *tool, const struct dd_gc_options *options, struct dd_gc *gc,
		     bool failed, struct dd_error *err);
};

/*
 * Opens the volume, and options->index, which is the caller's to close. An exit status, or a negative
 * enum dd_code with the error set, also if nothing but the command or the metrics failed.
 */
int collection_run(struct tool *tool, const struct collection *how, struct dd_gc_options *options,
		   struct dd_error *err);

#endif
